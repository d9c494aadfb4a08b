"""Do a head and a database belong together? Pure: the rule that tells a crash from a roll-back."""

from __future__ import annotations

from collections.abc import Callable

from openclaw_vt.attestation.statement import Kind
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.store import record
from openclaw_vt.store.head import Head
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.record import Row, Stored

ANEW = "The next judgement sets the database aside and begins a new one; revocations stay in force."


def assess(head: Head | None, newest: Row | None, read: Callable[[Row], Stored]) -> Stored | Problem | None:
    """Return None when the database ends where the head says, the one record beyond it after a crash, or what is wrong.

    `read` verifies a row and its sequence, raising SignatureInvalid or StatementInvalid.
    """
    if newest is None:
        return _gone(head) if head and head.sequence else None
    if head is None:
        return Problem(ProblemCode.HEAD_GONE, "The cache has records, but its signed head is missing.", ANEW)
    if newest.sequence == head.sequence and record.digest(newest.envelope) == head.record:
        return None
    try:
        stored = read(newest)
    except (SignatureInvalid, StatementInvalid) as error:
        return Problem(ProblemCode.FORGED, f"The newest record does not verify: {error.what}", ANEW, newest.sequence)
    if stored.sequence == head.sequence + 1 and stored.statement.previous == head.record:
        return stored
    return _misfit(head, stored)


def _gone(head: Head) -> Problem:
    return Problem(ProblemCode.DATABASE_GONE, f"The database is empty, its signed head counts {head.sequence} records.", ANEW)


def _misfit(head: Head, stored: Stored) -> Problem:
    if stored.sequence > head.sequence:
        return Problem(ProblemCode.HEAD_BEHIND, "The signed head was replaced by an older one.", ANEW, head.sequence)
    message = f"The database ends at record {stored.sequence}, its signed head at {head.sequence}: it was rolled back."
    return Problem(ProblemCode.ROLLBACK, message, ANEW, stored.sequence)


def cautious(head: Head, pending: Stored) -> Head:
    """Return the head that a reader goes by while the newest record is not in it yet: it may restrict, not permit."""
    if pending.draft.kind is Kind.REINSTATEMENT:
        return head._replace(sequence=pending.sequence, record=pending.record)
    return head.after(pending, contradicts=pending.draft.result == "FAILED", now=head.time)
