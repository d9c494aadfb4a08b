"""What a person should know of the skills that are installed: the last decision about each that was no plain yes."""

from __future__ import annotations

import threading
from typing import Any

from openclaw_vt.model.decision import Decision, Outcome
from openclaw_vt.model.display import shown, shown_text

MAX_KEPT = 5_000
MAX_LISTED = 100
_SEVERITY = {Outcome.WARN: "warn", Outcome.BLOCK: "critical"}


class Concerns:
    """Decisions by path, safe for many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, Decision] = {}

    def heard(self, path: str, decision: Decision) -> None:
        """Remember a decision, or forget the one before when the skill is fine now."""
        with self._lock:
            self._kept.pop(path, None)
            if decision.outcome is not Outcome.ALLOW and len(self._kept) < MAX_KEPT:
                self._kept[path] = decision

    def forget(self, path: str) -> None:
        """Forget a skill that is gone."""
        with self._lock:
            self._kept.pop(path, None)

    def findings(self) -> list[dict[str, Any]]:
        """Return entries for `openclaw security audit`, blocks first, at most a hundred."""
        with self._lock:
            kept = sorted(self._kept.values(), key=lambda decision: -decision.outcome)
        return [_finding(decision) for decision in kept[:MAX_LISTED]]


def _finding(decision: Decision) -> dict[str, Any]:
    name = decision.subject.ref.name if decision.subject else decision.request.path.rpartition("/")[2]
    what = "is blocked" if decision.outcome is Outcome.BLOCK else "needs your decision"
    reasons = " ".join(reason.message for reason in decision.reasons[:3])
    return {
        "checkId": f"openclaw-vt.skill-{decision.outcome.label}",
        "severity": _SEVERITY[decision.outcome],
        "title": f"The skill {shown(name, limit=40)} {what}",
        "detail": shown_text(f"{shown(decision.request.path, limit=200)}: {reasons}", 600),
        "remediation": "`openclaw-vt scan PATH` explains it; `openclaw-vt accept PATH`, in your own terminal, is your yes.",
    }
