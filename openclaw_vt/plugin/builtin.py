"""Our own readers, judges and services, behind the very hooks that strangers use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from openclaw_vt.analysis.facts import Fact
from openclaw_vt.analysis.read import read_facts
from openclaw_vt.analysis.rules import judge
from openclaw_vt.model.decision import Request
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.subject import Snapshot, Subject
from openclaw_vt.model.verdict import Evidence, Indicator
from openclaw_vt.plugin.spec import hookimpl

Ask = Callable[[Request, Subject, Snapshot, float, float], Evidence]
"""Asks VirusTotal: request, subject, snapshot, deadline (monotonic seconds), now (epoch seconds)."""


class Builtin:
    """The plugin named `builtin`. `ask` is VirusTotal, already configured; see `assembly.py`."""

    def __init__(self, ask: Ask, *, clock: Callable[[], float] = time.time) -> None:
        self._ask = ask
        self._clock = clock

    @hookimpl
    def skill_extract(self, snapshot: Snapshot) -> Iterable[Fact]:
        """Read shell, code and Markdown."""
        return read_facts(snapshot)

    @hookimpl
    def skill_analyze(self, facts: tuple[Fact, ...]) -> Iterable[Finding]:
        """Judge by the built-in rules."""
        return judge(facts)

    @hookimpl
    def skill_reputation(
        self,
        request: Request,
        subject: Subject,
        snapshot: Snapshot,
        indicators: tuple[Indicator, ...],
        deadline: float,
    ) -> Evidence | None:
        """Ask VirusTotal for the hashes of these bytes."""
        if indicators:
            return None
        return self._ask(request, subject, snapshot, deadline, self._clock())
