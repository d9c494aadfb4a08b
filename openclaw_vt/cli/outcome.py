"""How decisions end a command: what is shown, and the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from openclaw_vt.cli.terminal import note, say, use_colour
from openclaw_vt.model.decision import Decision, Outcome

TYPE_CHECKING = False  # typing costs a millisecond here, and `verify` needs the exit code alone
if TYPE_CHECKING:
    from openclaw_vt.language import Translate

_CODES = {Outcome.ALLOW: 0, Outcome.WARN: 3, Outcome.BLOCK: 1}


def show(decision: Decision, *, explain: bool, translate: Translate, aside: bool = False) -> None:
    """Print one decision for a person; `aside` on stderr, where stdout is kept for JSON."""
    from openclaw_vt.report.text import lines

    colour = use_colour(sys.stderr if aside else sys.stdout)
    for line in lines(decision, colour=colour, explain=explain, translate=translate):
        (note if aside else say)(line)


def exit_code(decisions: Iterable[Decision], *, warn_is_fine: bool = False) -> int:
    """Return the code of the worst decision, block worse than warn. Nothing turns a block into 0."""
    worst = max((decision.outcome for decision in decisions), default=Outcome.ALLOW)
    if worst is Outcome.WARN and warn_is_fine:
        return 0
    return _CODES[worst]
