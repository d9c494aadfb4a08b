"""Questions that a person was asked: what their yes would be about. A ticket is used once, and only for the bytes it names."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from openclaw_vt.model.subject import Subject

LIFE_S = 900.0
"""OpenClaw lets a question stand for ten minutes at most."""
MAX_OPEN = 1_000


@dataclass(frozen=True, slots=True)
class Ticket:
    """What was asked about: the skill's path and the bytes that lay there. `since` is monotonic, in seconds."""

    path: str
    subject: Subject
    since: float


class Tickets:
    """Open questions, safe for many threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._open: dict[str, Ticket] = {}

    def issue(self, path: str, subject: Subject) -> str:
        """Return the number under which an answer will be taken."""
        number = secrets.token_hex(16)
        with self._lock:
            self._drop_old()
            self._open[number] = Ticket(path, subject, self._clock())
        return number

    def redeem(self, number: object) -> Ticket | None:
        """Return the question and close it; None for one that was never asked, was answered, or is too old."""
        with self._lock:
            self._drop_old()
            return self._open.pop(number, None) if isinstance(number, str) else None

    def _drop_old(self) -> None:
        now = self._clock()
        while self._open:
            number, oldest = next(iter(self._open.items()))
            if now - oldest.since <= LIFE_S and len(self._open) < MAX_OPEN:
                break
            del self._open[number]
