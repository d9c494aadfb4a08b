"""What readers produce: plain statements about a skill's text, each with its place. Judges turn facts into findings."""

from __future__ import annotations

from dataclasses import dataclass

from openclaw_vt.model.finding import Location
from openclaw_vt.model.permission import Endpoint
from openclaw_vt.model.subject import NotChecked


@dataclass(frozen=True, slots=True)
class Command:
    """A shell command that the skill runs or tells the agent to run.

    `context` is "script" for a file that executes, "fence" for a code block and "inline" for code in prose.
    """

    text: str
    location: Location
    context: str


@dataclass(frozen=True, slots=True)
class Prose:
    """One line of instructions, or a line of anything that holds invisible characters: those are in `hidden`.

    A line longer than the reader's window comes in several overlapping pieces, here as in `Command`.
    """

    text: str
    location: Location
    hidden: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """Something a reader could not understand; it goes into the coverage, never into silence."""

    gap: NotChecked


Fact = Command | Prose | Endpoint | Unread
