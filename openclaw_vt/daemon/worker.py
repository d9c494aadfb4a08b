"""The slow half: whole judgements, each line of work with a gate of its own, so that nobody waits behind a re-scan."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TypeVar

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import Config
from openclaw_vt.daemon.jobs import Line

T = TypeVar("T")


class Worker:
    """One line of work and the assembly it works with; the assembly is made anew when the settings are."""

    def __init__(self, name: str, settings: Callable[[], Config], *, environ: Mapping[str, str] = os.environ) -> None:
        """`settings` returns the configuration in force; the same object as long as nothing changed."""
        self._line = Line(name)
        self._settings = settings
        self._environ = environ
        self._made: tuple[Config, Assembly] | None = None
        self._closing = threading.Lock()

    def submit(self, name: str, work: Callable[[Assembly], T]) -> Future[T] | None:
        """Queue `work` under a name; None when too much waits already."""
        return self._line.submit(name, lambda: work(self._assembly()))

    def busy(self) -> bool:
        """Return whether anything waits or runs."""
        return self._line.busy()

    def close(self) -> None:
        """Drop what waits and close what is open."""
        self._line.close()
        with self._closing:
            if self._made is not None:
                self._made[1].close()
                self._made = None

    def _assembly(self) -> Assembly:
        config = self._settings()
        with self._closing:
            if self._made is None or self._made[0] is not config:
                if self._made is not None:
                    self._made[1].close()
                self._made = (config, Assembly(config, environ=self._environ))
            return self._made[1]
