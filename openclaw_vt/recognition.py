"""What the signed cache says of some bytes. On the hot path: it loads the record, not the vocabulary of verdicts."""

from typing import NamedTuple

from openclaw_vt.attestation.statement import Statement
from openclaw_vt.model.subject import Subject
from openclaw_vt.policy.table import LIFT_WORDS, LIFTS, PASSED_WORDS, Policy, Standing
from openclaw_vt.store.cache import Cache

DAY_S = 86_400
_STANDING_OF: dict[str, Standing] = {standing.value: standing for standing in LIFTS}


class Recognised(NamedTuple):
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
        ref = subject.ref._replace(
            name=name if isinstance(name, str) else subject.ref.name,
            version=version if isinstance(version, str) else subject.ref.version,
        )
        return subject._replace(ref=ref)

    def plain_yes(self, subject: Subject) -> str | None:
        """Return the words of an answer that needs no deciding: these bytes passed, or a person said yes, and nothing else.

        None means that the whole walk has to answer. What this says is what `Gate.verify` says; a test holds them together.
        """
        if self.problem is not None or subject.unhashed or self.standings - set(LIFTS):
            return None
        if self.settled and self.verified:
            return PASSED_WORDS
        lifted_by = next((standing for standing in LIFTS if standing in self.standings), None)
        return LIFT_WORDS[lifted_by] if lifted_by is not None and self.lifted and not self.settled else None


def recognise(cache: Cache, subject: Subject, policy: Policy, *, now: float) -> Recognised:
    """Return what is known of these bytes under this policy. Writes nothing and never raises. `now` is epoch seconds."""
    found = cache.find(subject.tree, policy.digest)
    verification = found.verification.statement if found.verification else None
    acceptance = found.acceptance.statement if found.acceptance else None
    basis = _STANDING_OF.get(str(acceptance.draft.detail.get("basis"))) if acceptance else None
    if acceptance is None or basis is None or acceptance.draft.detail.get("unhashed") != unhashed(subject):
        acceptance = basis = None  # something that cannot be hashed came or went since the person said yes
    age = _age(verification, policy, now)
    standings = {Standing.REVOKED if found.revoked else None, basis, age} - {None}
    settled = verification is not None and age is None and verification.draft.detail.get("decision") in ("allow", "block")
    problem = found.problem.message if found.problem and not found.problem.repairable else None
    return Recognised(verification, acceptance, frozenset(s for s in standings if s), settled, problem)


def unhashed(subject: Subject) -> list[list[str]]:
    """Return what an acceptance keeps of the things no digest covers."""
    return [[gap.what, gap.why] for gap in subject.unhashed]


def _age(verification: Statement | None, policy: Policy, now: float) -> Standing | None:
    """Return EXPIRED or STALE for a record past its date, None for one within it or for none at all.

    Only a pass has days of grace; a block that is past its date is simply judged again.
    """
    if verification is None or verification.draft.not_after is None or now <= verification.draft.not_after:
        return None
    in_grace = now <= verification.draft.not_after + policy.grace_days * DAY_S
    return Standing.STALE if in_grace and verification.draft.result == "PASSED" else Standing.EXPIRED
