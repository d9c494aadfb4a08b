"""Words to a person and questions to them: colours, progress, errors in three sentences, and a name typed on a real terminal."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO

from openclaw_vt.errors import GateError, UsageError

MAX_SECRET_BYTES = 4096


def use_colour(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that wants colour: NO_COLOR and TERM=dumb say no, FORCE_COLOR yes."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return os.environ.get("FORCE_COLOR", "0").lower() not in ("", "0", "false") or stream.isatty()


def say(text: str = "") -> None:
    """Print a result line on stdout, whatever its encoding can carry. Raises OSError when it cannot be kept (a full disk)."""
    _put(sys.stdout, text)


def say_now(text: str) -> None:
    """Print a line on stdout that a program at the other end of a pipe is waiting for. Raises OSError."""
    _put(sys.stdout, text, flush=True)


def note(text: str) -> None:
    """Print a remark on stderr. Never raises for its sake: a remark that nobody reads changes nothing."""
    try:
        _put(sys.stderr, text)
    except OSError:
        lose(sys.stderr)


def _put(stream: TextIO, text: str, *, flush: bool = False) -> None:
    encoding = stream.encoding or "utf-8"
    try:
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=stream, flush=flush)
    except BrokenPipeError:
        # The reader went away (`| head`). The work goes on, so that the exit code stays that of the decision.
        lose(stream)
    except OSError:
        lose(stream)  # what is still in the buffer would fail a second time while Python ends
        raise


def lose(stream: TextIO) -> None:
    """Send what is still written to `stream` nowhere."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def emit(value: Any) -> None:
    """Print one JSON document on stdout: ASCII, so that no terminal or locale can garble it."""
    import json

    say(json.dumps(value, indent=2, ensure_ascii=True))


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
        self._shown = total > 1 and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"

    def step(self, number: int, what: str) -> None:
        """Show that item `number` (from 1) is being worked on."""
        self._draw(f"\r\x1b[K[{number}/{self._total}] {what[:60]}")

    def done(self) -> None:
        """Take the line away."""
        self._draw("\r\x1b[K")

    def _draw(self, text: str) -> None:
        if self._shown:
            encoding = sys.stderr.encoding or "utf-8"
            sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding))
            sys.stderr.flush()


@contextlib.contextmanager
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
            remedy="Run it in your own terminal.",
        ) from None


def confirm_by_name(name: str, question: str) -> bool:
    """Ask on the controlling terminal for `name` to be typed. Anything else is no, and so is Enter for a name of blanks."""
    with controlling_terminal() as (heard, spoken):
        spoken.write(f"{question}\nType the skill's name ({name}) to agree, or press Enter to leave it: ")
        spoken.flush()
        typed = heard.readline().strip()
    return bool(typed) and typed == name.strip()


def confirm(question: str) -> bool:
    """Ask a yes-or-no question on the controlling terminal; only y or yes is yes."""
    with controlling_terminal() as (heard, spoken):
        spoken.write(f"{question} [y/N] ")
        spoken.flush()
        return heard.readline().strip().lower() in ("y", "yes")


def read_secret(prompt: str) -> str:
    """Read a secret: hidden on a terminal, the first line of standard input otherwise. Blanks around it are no part of it.

    Raises UsageError when the person closed the terminal instead.
    """
    if sys.stdin.isatty():
        import getpass

        try:
            return getpass.getpass(prompt).strip()
        except EOFError:
            raise UsageError("Nothing was typed, so nothing was changed.") from None
    # Bytes, since a strict locale would refuse to decode what is no key anyway.
    return sys.stdin.buffer.readline(MAX_SECRET_BYTES).decode("utf-8", "replace").strip()
