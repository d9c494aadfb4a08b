"""Words to a person and questions to them: colours, progress, errors in three sentences, and a name typed on a real terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from openclaw_vt.errors import GateError, UsageError


def use_colour(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that wants colour: NO_COLOR and TERM=dumb say no, FORCE_COLOR yes."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or stream.isatty()


def say(text: str = "") -> None:
    """Print a result line on stdout, whatever its encoding can carry."""
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding))


def note(text: str) -> None:
    """Print a remark on stderr."""
    encoding = sys.stderr.encoding or "utf-8"
    print(text.encode(encoding, "backslashreplace").decode(encoding), file=sys.stderr)


def emit(value: Any) -> None:
    """Print one JSON document on stdout: ASCII, so that no terminal or locale can garble it."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=True))


def explain(error: GateError) -> None:
    """Say what happened, why, and what to do next."""
    what, why, remedy = error.diagnostics()
    note(f"openclaw-vt: {what}")
    if why:
        note(f"  Why: {why}")
    if remedy:
        note(f"  What to do: {remedy}")


class Progress:
    """A line on stderr that is rewritten in place on a terminal, and silent elsewhere."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._shown = total > 1 and sys.stderr.isatty()

    def step(self, number: int, what: str) -> None:
        """Show that item `number` (from 1) is being worked on."""
        if self._shown:
            sys.stderr.write(f"\r\x1b[K[{number}/{self._total}] {what[:60]}")
            sys.stderr.flush()

    def done(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


@contextmanager
def controlling_terminal() -> Iterator[tuple[TextIO, TextIO]]:
    """Open the person's own terminal, whatever stdin and stdout are. Raises UsageError where there is none.

    What the agent pipes into us never reaches this: a yes is typed where the person sits.
    """
    names = ("CONIN$", "CONOUT$") if sys.platform == "win32" else ("/dev/tty", "/dev/tty")
    try:
        with open(names[0], encoding="utf-8", errors="replace") as heard, open(names[1], "w", encoding="utf-8") as spoken:  # noqa: PTH123 - devices, not paths
            yield heard, spoken
    except OSError:
        raise UsageError(
            "This needs a person at a terminal, and there is none.",
            remedy="Run it in your own terminal. Scripts that you start yourself can use --no-input.",
        ) from None


def confirm_by_name(name: str, question: str) -> bool:
    """Ask on the controlling terminal for `name` to be typed. Anything else is no."""
    with controlling_terminal() as (heard, spoken):
        spoken.write(f"{question}\nType the skill's name ({name}) to agree, or press Enter to leave it: ")
        spoken.flush()
        return heard.readline().strip() == name


def confirm(question: str) -> bool:
    """Ask a yes-or-no question on the controlling terminal; only y or yes is yes."""
    with controlling_terminal() as (heard, spoken):
        spoken.write(f"{question} [y/N] ")
        spoken.flush()
        return heard.readline().strip().lower() in ("y", "yes")


def read_secret(prompt: str) -> str:
    """Read a secret: hidden on a terminal, one line of standard input otherwise."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass(prompt)
    return sys.stdin.readline(4096).rstrip("\r\n")
