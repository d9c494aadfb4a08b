"""What this machine has signed about some bytes: recognised on the way in, remembered on the way out.

Four kinds of statement: a verification (bound to bytes and policy), a person's acceptance, a revocation and a reinstatement
(bound to bytes alone: a person's word is about bytes). Revocation is sticky: only a person's reinstatement ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from openclaw_vt.attestation import verdicts
from openclaw_vt.attestation.dsse import Signer
from openclaw_vt.attestation.statement import Basis, Draft, Kind, Statement, tree_listing
from openclaw_vt.errors import GateError
from openclaw_vt.model.decision import Badge, Outcome, Reason
from openclaw_vt.model.subject import Snapshot, Subject
from openclaw_vt.model.verdict import AnalysisVerdict, Reputation, Verdict
from openclaw_vt.policy import Policy, Ruling, Standing
from openclaw_vt.recognition import DAY_S, Recognised, recognise, unhashed
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.head import HeadVault


@dataclass(frozen=True, slots=True)
class Pen:
    """What signing takes: a key, and the second place where the head of the cache is kept (None when there is none)."""

    signer: Signer
    vault: HeadVault | None


class Ledger:
    """The signed cache with its meaning. `pen` opens the keys; it is called only when something is to be signed.

    `cache` opens the cache under the key that is enrolled at that moment: the first signature enrols one.
    `pen` returns None where there is no usable key store, and raises GateError where there should be one.
    """

    def __init__(self, cache: Callable[[], Cache], pen: Callable[[], Pen | None]) -> None:
        self._cache = cache
        self._pen = pen

    def recognise(self, subject: Subject, policy: Policy, *, now: float) -> Recognised:
        """Return what is known of these bytes under this policy. Writes nothing and never raises."""
        return recognise(self._cache(), subject, policy, now=now)

    def remember(
        self,
        subject: Subject,
        snapshot: Snapshot,
        verdict: Verdict,
        ruling: Ruling,
        policy: Policy,
        known: Recognised,
        *,
        now: float,
    ) -> tuple[Reason, ...]:
        """Sign what a new judgement found, if it is worth keeping. Returns notices for the person; never raises."""
        drafts = tuple(_drafts(subject, snapshot, verdict, ruling, policy, known, int(now)))
        if not drafts:
            return ()
        try:
            pen = self._pen()
            if pen is None:
                return (_UNSIGNED,)
            cache = self._cache()
            for draft in drafts:
                cache.append(draft, signer=pen.signer, vault=pen.vault)
        except GateError as error:
            return (Reason("cache.not-written", f"The verdict could not be remembered: {error.what}", error.remedy),)
        return ()

    def state(self, draft: Draft) -> Statement:
        """Sign and keep a person's statement. Raises GateError: a person who says yes or no must know if it did not hold."""
        pen = self._pen()
        if pen is None:
            raise GateError(_UNSIGNED.message, remedy=_UNSIGNED.remediation)
        return self._cache().append(draft, signer=pen.signer, vault=pen.vault).statement


_UNSIGNED = Reason(
    "cache.unsigned",
    "There is no usable key store, so nothing was signed and this verdict is not remembered.",
    'Unlock or install a keyring, or choose the weaker file store with `keys.backend = "file"`; see `openclaw-vt doctor`.',
)


def acceptance(subject: Subject, *, basis: Basis, by: str, now: float, place: str | None = None) -> Draft:
    """Return the statement that a person agrees to these very bytes. `by` says how they were asked.

    `place` is where a skill of the person's own lies: only there do later edits of theirs go on counting as their own.
    """
    detail: dict[str, object] = {"basis": basis, "by": by, "unhashed": unhashed(subject)}
    return _draft(Kind.ACCEPTANCE, subject, int(now), detail | ({"place": place} if place else {}))


def revocation(subject: Subject, *, by: str, why: str, now: float) -> Draft:
    """Return the statement that these bytes are no longer to be used."""
    return _draft(Kind.REVOCATION, subject, int(now), {"by": by, "why": why})


def reinstatement(subject: Subject, *, by: str, now: float) -> Draft:
    """Return the statement that a person takes a revocation back."""
    return _draft(Kind.REINSTATEMENT, subject, int(now), {"by": by})


def turned_bad(known: Recognised, verdict: Verdict) -> bool:
    """Whether bytes that once passed are now called bad. No answer is not a worse answer."""
    bad = verdict.virustotal.verdict in (Reputation.SUSPICIOUS, Reputation.MALICIOUS)
    return known.verified and (bad or verdict.analysis.verdict is not AnalysisVerdict.CLEAN)


def _draft(kind: Kind, subject: Subject, now: int, detail: dict[str, object]) -> Draft:
    return Draft(
        kind=kind,
        tree=subject.tree,
        name=f"skill:{subject.ref.name}",
        time=now,
        resource=resource_uri(subject),
        detail=detail | {"name": subject.ref.name, "version": subject.ref.version},
    )


def resource_uri(subject: Subject) -> str:
    """Return where the skill says it came from, as SLSA's resourceUri: a claim, not a proof."""
    origin = subject.ref.origin
    if origin.kind == "clawhub" and origin.slug:
        return f"clawhub:{origin.slug}@{origin.version or ''}"
    return f"{origin.kind}:{subject.ref.name}"


def _drafts(
    subject: Subject, snapshot: Snapshot, verdict: Verdict, ruling: Ruling, policy: Policy, known: Recognised, now: int
) -> list[Draft]:
    """Return what is worth signing: a pass, a block, and what a worse answer takes back."""
    if Standing.REVOKED in known.standings:
        return []
    blocked = ruling.outcome is Outcome.BLOCK
    if not (ruling.badge is Badge.VERIFIED or blocked or turned_bad(known, verdict)):
        return []
    detail = verdicts.encode(verdict) | {
        "decision": ruling.outcome.label,
        "reasons": [reason.code for reason in ruling.reasons],
        "tree": tree_listing(snapshot.entries),
    }
    draft = _draft(Kind.VERIFICATION, subject, now, detail)._replace(
        policy=policy.digest,
        result="PASSED" if ruling.badge is Badge.VERIFIED else "FAILED",
        not_after=now + policy.max_age_days * DAY_S,
    )
    trusted_before = known.verified or known.acceptance is not None
    if blocked and trusted_before:
        return [draft, revocation(subject, by="rescan", why=ruling.reasons[0].code, now=now)]
    return [draft]
