"""Slow work, one piece at a time: judgements that a person waits for have their own line, apart from those nobody waits for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)
MAX_QUEUED = 6_000


class Line:
    """A queue with one worker. Work under a name that already waits is not queued again: the same future is returned."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._waiting: dict[str, Future[object]] = {}

    def submit(self, name: str, work: Callable[[], T]) -> Future[T] | None:
        """Queue `work`; None when too much waits already. What it raises is the future's."""
        with self._lock:
            known = self._waiting.get(name)
            if known is not None:
                return known  # type: ignore[return-value] # the same name is the same work
            if len(self._waiting) >= MAX_QUEUED:
                return None
            future: Future[T] = self._pool.submit(work)
            self._waiting[name] = future  # type: ignore[assignment] # only ever handed back under the same name
        future.add_done_callback(lambda done: self._finished(name, done))
        return future

    def busy(self) -> bool:
        """Return whether anything waits or runs."""
        return bool(self._waiting)

    def close(self) -> None:
        """Drop what waits; what runs is left to finish or to die with the process."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _finished(self, name: str, done: Future[T]) -> None:
        with self._lock:
            self._waiting.pop(name, None)
        error = None if done.cancelled() else done.exception()
        if error is not None:
            log.warning("A piece of work failed: %s", type(error).__name__, exc_info=error)
