"""What this machine has signed about some bytes: recognised on the way in, remembered on the way out.

Four kinds of statement: a verification (bound to bytes and policy), a person's acceptance, a revocation and a reinstatement
(bound to bytes alone: a person's word is about bytes). Revocation is sticky: only a person's reinstatement ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from openclaw_vt.attestation import verdicts
from openclaw_vt.attestation.dsse import Signer
from openclaw_vt.attestation.statement import Basis, Draft, Kind, Statement, tree_listing
from openclaw_vt.errors import GateError
from openclaw_vt.model.decision import Badge, Outcome, Reason
from openclaw_vt.model.subject import Snapshot, Subject
from openclaw_vt.model.verdict import AnalysisVerdict, Reputation, Verdict
from openclaw_vt.policy import Policy, Ruling, Standing
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.head import HeadVault

DAY_S = 86_400
_STANDING_OF: dict[str, Standing] = {
    "accepted": Standing.ACCEPTED,
    "baseline": Standing.BASELINE,
    "own": Standing.OWN,
    "bundled": Standing.BUNDLED,
}


@dataclass(frozen=True, slots=True)
class Pen:
    """What signing takes: a key, and the second place where the head of the cache is kept (None when there is none)."""

    signer: Signer
    vault: HeadVault | None


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the cache says of some bytes. `settled`: a valid verification that needs no new look.

    `problem` names why the cache, or a part of it, is not trusted; then nothing in here allows anything.
    """

    verification: Statement | None = None
    acceptance: Statement | None = None
    standings: frozenset[Standing] = frozenset()
    settled: bool = False
    problem: str | None = None

    @property
    def lifted(self) -> bool:
        """Whether a person's yes stands, and nothing signed says block."""
        blocked = self.settled and self.verification is not None and self.verification.draft.result == "FAILED"
        return self.acceptance is not None and Standing.REVOKED not in self.standings and not blocked

    @property
    def verified(self) -> bool:
        """Whether these bytes once passed."""
        return self.verification is not None and self.verification.draft.result == "PASSED"

    def named(self, subject: Subject) -> Subject:
        """Return the subject under the name and version that were signed."""
        if self.verification is None:
            return subject
        detail = self.verification.draft.detail
        name, version = detail.get("name"), detail.get("version")
        ref = replace(
            subject.ref,
            name=name if isinstance(name, str) else subject.ref.name,
            version=version if isinstance(version, str) else subject.ref.version,
        )
        return replace(subject, ref=ref)


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
        found = self._cache().find(subject.tree, policy.digest)
        verification = found.verification.statement if found.verification else None
        acceptance = found.acceptance.statement if found.acceptance else None
        if acceptance is not None and acceptance.draft.detail.get("unhashed") != _unhashed(subject):
            acceptance = None  # something that cannot be hashed came or went since the person said yes
        standings = {Standing.REVOKED} if found.revoked else set()
        if acceptance is not None:
            standings.add(_STANDING_OF[str(acceptance.draft.detail.get("basis"))])
        age = _age(verification, policy, now)
        if age is not None:
            standings.add(age)
        settled = verification is not None and age is None and verification.draft.detail.get("decision") in ("allow", "block")
        problem = found.problem.message if found.problem and not found.problem.repairable else None
        return Recognised(verification, acceptance, frozenset(standings), settled, problem)

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


def acceptance(subject: Subject, *, basis: Basis, by: str, now: float) -> Draft:
    """Return the statement that a person agrees to these very bytes. `by` says how they were asked."""
    return _draft(Kind.ACCEPTANCE, subject, int(now), {"basis": basis, "by": by, "unhashed": _unhashed(subject)})


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


def _unhashed(subject: Subject) -> list[list[str]]:
    return [[gap.what, gap.why] for gap in subject.unhashed]


def _age(verification: Statement | None, policy: Policy, now: float) -> Standing | None:
    """Return EXPIRED or STALE for a record past its date, None for one within it or for none at all.

    Only a pass has days of grace; a block that is past its date is simply judged again.
    """
    if verification is None or verification.draft.not_after is None or now <= verification.draft.not_after:
        return None
    in_grace = now <= verification.draft.not_after + policy.grace_days * DAY_S
    return Standing.STALE if in_grace and verification.draft.result == "PASSED" else Standing.EXPIRED


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
    draft = replace(
        _draft(Kind.VERIFICATION, subject, now, detail),
        policy=policy.digest,
        result="PASSED" if ruling.badge is Badge.VERIFIED else "FAILED",
        not_after=now + policy.max_age_days * DAY_S,
    )
    trusted_before = known.verified or known.acceptance is not None
    if blocked and trusted_before:
        return [draft, revocation(subject, by="rescan", why=ruling.reasons[0].code, now=now)]
    return [draft]
