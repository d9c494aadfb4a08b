"""From a record or a ruling to a decision: the small turns of the gate's walk."""

from __future__ import annotations

from dataclasses import replace

from openclaw_vt.attestation import verdicts
from openclaw_vt.errors import SkillUnreadable, StatementInvalid
from openclaw_vt.model.decision import Decision, Outcome, Reason, Request, Source
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Subject
from openclaw_vt.model.verdict import Coverage, Verdict
from openclaw_vt.policy import Policy, Row, Ruling
from openclaw_vt.recognition import Recognised


def recorded(known: Recognised, subject: Subject) -> Verdict | None:
    """Return the verdict in the record, with what lies there today and no digest covers."""
    if known.verification is None:
        return None
    try:
        verdict = verdicts.decode(known.verification.draft.detail)
    except StatementInvalid:
        return None
    gaps = tuple(dict.fromkeys(verdict.coverage.not_checked + subject.unhashed))
    return replace(verdict, coverage=Coverage(gaps))


def answer(
    request: Request, subject: Subject, verdict: Verdict | None, ruling: Ruling, source: Source, known: Recognised
) -> Decision:
    """Return the decision that a ruling makes, with what is wrong with the cache said beside it."""
    reasons = ruling.reasons
    if known.problem is not None:
        words = f"The local cache is not trusted: {shown(known.problem)}"
        reasons += (Reason("cache.untrusted", words, "Run `openclaw-vt cache verify`."),)
    return Decision(request, ruling.outcome, reasons, subject, verdict, source, ruling.badge)


def unreadable(request: Request, error: SkillUnreadable, policy: Policy) -> Decision:
    """Return the decision about something that could not be read at all: at least a question, never a yes."""
    outcome = max(Outcome.WARN, policy.outcome(Row.UNREADABLE))
    reason = Reason(Row.UNREADABLE.value, f"{error.what} {error.why}".strip(), error.remedy)
    return Decision(request, outcome, (reason,), None, None)
