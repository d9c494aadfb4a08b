"""What a tool said about one skill, in one vocabulary for all tools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["clean", "suspicious", "malicious", "no answer"]


@dataclass(frozen=True, slots=True)
class Answer:
    """`rules` are ids; `complete` is None for tools that do not say. `problem` tells why there is no answer."""

    level: Level
    rules: tuple[str, ...] = ()
    complete: bool | None = None
    cpu_s: float | None = None
    ms: float | None = None
    problem: str = ""

    @property
    def flagged(self) -> bool:
        """Whether a person would be warned."""
        return self.level in ("suspicious", "malicious")


def silent(problem: str, *, ms: float | None = None) -> Answer:
    """Return the answer of a tool that gave none."""
    return Answer("no answer", problem=problem, ms=ms)
