"""A skill that a person writes themselves: edited by hand and clean, it stays theirs; edited by the agent, it is asked about.

The declaration is signed and names bytes and place. Which bytes were last theirs is an unsigned hint that can only lead to a
signed declaration; when the agent writes there, the hint is taken away.
"""

from __future__ import annotations

from dataclasses import replace

from openclaw_vt.assembly import Assembly
from openclaw_vt.errors import GateError
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Decision, Outcome, Reason
from openclaw_vt.model.subject import Subject
from openclaw_vt.model.verdict import AnalysisVerdict
from openclaw_vt.policy.table import LIFT_WORDS, Standing

CONCERNS = frozenset({"virustotal.not-reviewed", "virustotal.pending", "virustotal.unavailable", "bytes.changed"})
"""Reasons that a person's own edit explains; any other is asked about."""


def goes_on_as_own(assembly: Assembly, decision: Decision) -> Decision | None:
    """Return an allow, after signing it, for a warning that only says that a person edited their own skill; else None."""
    subject, verdict = decision.subject, decision.verdict
    if subject is None or verdict is None or not {reason.code for reason in decision.reasons} <= CONCERNS:
        return None
    clean = verdict.analysis.verdict is AnalysisVerdict.CLEAN and verdict.coverage.complete
    if not clean or not was_own(assembly, subject):
        return None
    try:
        assembly.ledger().state(acceptance(subject, basis="own", by="own-edit", now=assembly.clock(), place=subject.ref.path))
    except GateError:
        return None
    assembly.notices().note_sighting(subject.ref.path, subject.tree)
    assembly.audit().append("accepted", {"skill": subject.ref.name, "tree": subject.tree, "by": "own-edit"})
    return replace(decision, outcome=Outcome.ALLOW, reasons=(Reason(Standing.OWN.value, LIFT_WORDS[Standing.OWN]),))


def was_own(assembly: Assembly, subject: Subject) -> bool:
    """Whether the bytes last seen here were declared, for this very place, to be the person's own."""
    path = subject.ref.path
    before = assembly.notices().sighting(path)
    if before is None or before == subject.tree:
        return False
    found = assembly.cache().find(before, assembly.policy.digest)
    if found.acceptance is None or found.revoked or found.problem is not None:
        return False
    detail = found.acceptance.statement.draft.detail
    return detail.get("basis") == "own" and detail.get("place") == path


def written_by_agent(assembly: Assembly, path: str) -> None:
    """Note that the agent wrote at `path`: what lies there now is no longer taken for the person's own edit."""
    assembly.notices().forget_sighting(path)
