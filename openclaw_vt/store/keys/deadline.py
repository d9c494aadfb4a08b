"""Calls that may never come back, such as a question on a screen that nobody looks at, made bearable by giving up on them."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Returned(Generic[T]):
    """The call came back with a value."""

    value: T


@dataclass(frozen=True, slots=True)
class Failed:
    """The call raised. Only the class names of the error and its causes are kept: texts and frames may hold a secret."""

    kinds: tuple[str, ...]


GAVE_UP: Final = Failed(("TimeoutError",))
"""The call did not come back in time, or an earlier one still has not."""


class Caller:
    """Makes one call at a time, each on a thread of its own, and waits at most `wait_s` seconds for it.

    A call that is stuck keeps its thread (nothing can take it away), so until it comes back no other is started: a service that
    is asked every minute must not pile up questions on the screen.
    """

    def __init__(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._turn = threading.Lock()
        self._stuck: threading.Thread | None = None

    def call(self, work: Callable[[], T]) -> Returned[T] | Failed:
        """Run `work` and return what came of it. Never raises for it."""
        if not self._turn.acquire(timeout=self._wait_s):
            return GAVE_UP
        try:
            return self._call(work)
        finally:
            self._turn.release()

    def _call(self, work: Callable[[], T]) -> Returned[T] | Failed:
        if self._stuck is not None and self._stuck.is_alive():
            return GAVE_UP
        outcomes: queue.SimpleQueue[Returned[T] | Failed] = queue.SimpleQueue()
        # A daemon thread: the process must be able to end while a prompt is still on the screen.
        thread = threading.Thread(target=_run, args=(work, outcomes), name="openclaw-vt-keyring", daemon=True)
        thread.start()
        try:
            return outcomes.get(timeout=self._wait_s)
        except queue.Empty:
            self._stuck = thread
            return GAVE_UP


def _run(work: Callable[[], T], outcomes: queue.SimpleQueue[Returned[T] | Failed]) -> None:
    try:
        outcomes.put(Returned(work()))
    except Exception as error:  # noqa: BLE001 - keyrings raise what D-Bus, ctypes and struct raise; all of it means "no"
        outcomes.put(Failed(tuple(_kinds(error))))


def _kinds(error: BaseException | None) -> Iterator[str]:
    while error is not None:
        yield from (kind.__name__ for kind in type(error).__mro__)
        error = error.__cause__
