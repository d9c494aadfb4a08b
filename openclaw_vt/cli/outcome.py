"""How decisions end a command: what is shown, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from openclaw_vt.cli.terminal import say, use_colour
from openclaw_vt.language import Translate
from openclaw_vt.model.decision import Decision, Outcome
from openclaw_vt.report.text import lines

_CODES = {Outcome.ALLOW: 0, Outcome.WARN: 3, Outcome.BLOCK: 1}


def show(decision: Decision, *, explain: bool, translate: Translate) -> None:
    """Print one decision for a person."""
    for line in lines(decision, colour=use_colour(sys.stdout), explain=explain, translate=translate):
        say(line)


def exit_code(decisions: Iterable[Decision], *, warn_is_fine: bool = False) -> int:
    """Return the code of the worst decision, block worse than warn. Nothing turns a block into 0."""
    worst = max((decision.outcome for decision in decisions), default=Outcome.ALLOW)
    if worst is Outcome.WARN and warn_is_fine:
        return 0
    return _CODES[worst]
