"""After the decision: the audit log and the observers. Nothing here changes what was decided; what fails is said."""

from __future__ import annotations

from openclaw_vt.model.decision import Decision, Outcome, Reason
from openclaw_vt.model.display import shown
from openclaw_vt.plugin.manager import Hooks
from openclaw_vt.store.audit import Audit
from openclaw_vt.store.notices import Notices


def report(decision: Decision, audit: Audit, hints: Notices, hooks: Hooks) -> tuple[Reason, ...]:
    """Write the decision down and tell the observers. Returns a notice for each thing that went wrong."""
    notices = []
    if decision.outcome is Outcome.ALLOW and decision.subject is not None:
        hints.note_sighting(decision.request.path, decision.subject.tree)
    problem = audit.append("decision", _line(decision))
    if problem is not None:
        notices.append(Reason("audit.not-written", problem.message, problem.remedy))
    failed = hooks.notify("skill_decided", decision=decision)
    remedy = "Repair the plugin or take it out of the list."
    return (*notices, *(Reason("observer.failed", f"{gap.what}: {gap.why}.", remedy) for gap in failed))


def _line(decision: Decision) -> dict[str, object]:
    subject, verdict = decision.subject, decision.verdict
    return {
        "phase": decision.request.phase.value,
        "decision": decision.outcome.label,
        "skill": shown(subject.ref.name) if subject else None,
        "path": shown(decision.request.path, limit=400),
        "tree": subject.tree if subject else None,
        "reasons": [reason.code for reason in decision.reasons],
        "virustotal": verdict.virustotal.verdict.value if verdict else None,
        "analysis": verdict.analysis.verdict.value if verdict else None,
        "source": decision.source.value,
        "badge": decision.badge.value,
    }
