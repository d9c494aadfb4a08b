"""From rows and head to an answer. Pure: what may be believed, and what forbids although it is not believed."""

from collections.abc import Callable
from typing import NamedTuple

from openclaw_vt.attestation.statement import Kind
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.model.subject import Digest
from openclaw_vt.store.database import Rows
from openclaw_vt.store.head import Head
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.record import Row, Stored
from openclaw_vt.store.standing import assess, cautious

CLOCK_TOLERANCE_S = 300

_VERIFY = "Run `openclaw-vt cache verify`; the next judgement of this skill writes a new record."
CLOCK_BEHIND = Problem(
    ProblemCode.CLOCK,
    "The clock is behind the time at which the cache was written.",
    "Set the clock; until then skills are judged anew.",
)


class Lookup(NamedTuple):
    """What the cache knows. Without a problem, None means that nothing was said.

    `verification` is the newest one under the asked policy, of any age: its `not_after` is the caller's to judge.
    `acceptance` is a person's word about the bytes, with its basis in `draft.detail["basis"]`. A problem says why something
    that may be there was not believed; it never comes with the record it is about.
    """

    verification: Stored | None = None
    acceptance: Stored | None = None
    revoked: bool = False
    problem: Problem | None = None


class Question(NamedTuple):
    """What is asked, when (epoch seconds), and how a row is verified: `read` raises SignatureInvalid or StatementInvalid."""

    tree: Digest
    policy: Digest
    now: float
    read: Callable[[Row], Stored]


def judge(question: Question, rows: Rows, head: Head | None, problem: Problem | None) -> Lookup:
    """Return the answer. `problem` is what already went wrong on the way to the rows or the head."""
    found = problem or assess(head, rows.newest, question.read)
    if found is None and head and head.time > question.now + CLOCK_TOLERANCE_S:
        found = CLOCK_BEHIND
    if isinstance(found, Problem):
        return Lookup(revoked=_revoked(question, rows, head), problem=found)
    if head is None:
        return Lookup()
    if found:
        head = cautious(head, found)
    verification = _counting(question, rows.verification, Kind.VERIFICATION, head)
    acceptance = _counting(question, rows.acceptance, Kind.ACCEPTANCE, head)
    return Lookup(
        verification=verification if isinstance(verification, Stored) else None,
        acceptance=acceptance if isinstance(acceptance, Stored) else None,
        revoked=question.tree in head.revoked,
        problem=next((item for item in (verification, acceptance) if isinstance(item, Problem)), None),
    )


def _counting(question: Question, row: Row | None, kind: Kind, head: Head) -> Stored | Problem | None:
    if row is None:
        return None
    try:
        stored = question.read(row)
    except (SignatureInvalid, StatementInvalid) as error:
        return Problem(ProblemCode.FORGED, f"A record does not verify: {error.what}", _VERIFY, row.sequence)
    draft = stored.draft
    asked = kind is not Kind.VERIFICATION or draft.policy == question.policy
    if (draft.kind, draft.tree) != (kind, question.tree) or not asked or stored.sequence > head.sequence:
        return Problem(ProblemCode.FORGED, "A record stands where another belongs.", _VERIFY, row.sequence)
    if draft.time > question.now + CLOCK_TOLERANCE_S:
        return CLOCK_BEHIND
    if head.superseded(stored):
        return Problem(ProblemCode.GAP, "A newer record about these bytes was removed.", _VERIFY, row.sequence)
    return stored if head.counts(stored) else None


def _revoked(question: Question, rows: Rows, head: Head | None) -> bool:
    """What is not trusted to permit may still forbid: a signed revocation that no later reinstatement lifted."""
    if head and question.tree in head.revoked:
        return True
    revoked = _sequence(question, rows.revocation, Kind.REVOCATION)
    lifted = _sequence(question, rows.reinstatement, Kind.REINSTATEMENT)
    return revoked > max(lifted, head.sequence if head else 0)


def _sequence(question: Question, row: Row | None, kind: Kind) -> int:
    try:
        stored = question.read(row) if row else None
    except (SignatureInvalid, StatementInvalid):
        return 0
    return stored.sequence if stored and (stored.draft.kind, stored.draft.tree) == (kind, question.tree) else 0
