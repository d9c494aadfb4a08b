"""What OpenClaw shows a person when a skill is about to be used: a title and a description, short, escaped, in their language.

The model never sees these: it sees one fixed sentence, which the plugin holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

from openclaw_vt.language import Translate
from openclaw_vt.model.decision import Decision
from openclaw_vt.model.display import shown
from openclaw_vt.model.finding import Finding, Severity
from openclaw_vt.model.subject import Subject

MAX_TITLE = 80
MAX_DESCRIPTION = 512
NAME_LIMIT = 40
MAX_REASONS = 3
Severe = Literal["info", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Question:
    """A title of at most 80 characters, a description of at most 512, and how grave it is."""

    title: str
    description: str
    severity: Severe = "warning"


def asking(decision: Decision, translate: Translate) -> Question:
    """Return the question that a warning makes."""
    name = decision.subject.ref.name if decision.subject else PurePath(decision.request.path).name
    said = [translate(reason.message) for reason in decision.reasons[:MAX_REASONS]]
    said += [shown(finding.message, limit=120) for finding in _findings(decision)[:MAX_REASONS]]
    if decision.subject is not None:
        said.append(translate('"Always allow" keeps your yes for exactly these bytes.'))
    grave: Severe = "critical" if any(f.severity >= Severity.HIGH for f in _findings(decision)) else "warning"
    return _fitted(translate("Use the skill {name}?").format(name=shown(name, limit=NAME_LIMIT)), " ".join(said), grave)


def unfinished(path: str, translate: Translate) -> Question:
    """Return the question for a judgement that goes on."""
    title = translate("Use the skill {name}?").format(name=shown(PurePath(path).name, limit=NAME_LIMIT))
    return _fitted(
        title, translate("Its bytes are new, and checking them is not finished yet. You can wait a moment and try again.")
    )


def writing(subject: Subject, translate: Translate) -> Question:
    """Return the question before the agent changes a skill."""
    name = shown(subject.ref.name, limit=NAME_LIMIT)
    title = translate("Let the agent change the skill {name}?").format(name=name)
    return _fitted(title, translate("The agent wants to write into an installed skill. It is checked again before its next use."))


def _findings(decision: Decision) -> tuple[Finding, ...]:
    found = decision.verdict.analysis.findings if decision.verdict else ()
    grave = [finding for finding in found if finding.severity >= Severity.MEDIUM and not finding.suppressed]
    return tuple(sorted(grave, key=lambda finding: -finding.severity))


def _fitted(title: str, description: str, severity: Severe = "warning") -> Question:
    return Question(_cut(title, MAX_TITLE), _cut(description, MAX_DESCRIPTION), severity)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
