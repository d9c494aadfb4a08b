"""Our own local analysis, in one worker process: a skill that crashes it or outlives the limit costs one answer, not the run.

The worker is the product as `scan --offline` assembles it, without the cache, the keys, and plugins of strangers. Its time for a
skill is everything from the first byte read: the reading, the digests, the judging.
"""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Self

from detection.answer import Answer, silent
from detection.skills import Half, half_of

NAME = "openclaw-vt"
START_S = 60.0
NO_PROCESS = "the process ended"


class Local:
    """The worker, started when it is needed, and again after it had to be ended. Use it as a context manager."""

    def __init__(self, *, limit_s: float) -> None:
        self._limit_s = limit_s
        self._worker: tuple[multiprocessing.process.BaseProcess, Connection] | None = None
        self._home = tempfile.TemporaryDirectory(prefix="openclaw-vt-detection-")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._home.cleanup()

    def judge(self, path: str, half: Half | None) -> Answer | None:
        """Return the answer; None for a skill of the other half."""
        connection = self._connection()
        began = time.perf_counter()
        try:
            connection.send((path, half))
            if connection.poll(self._limit_s):
                said: Answer | None = connection.recv()
                return said
            problem = f"more than {self._limit_s:g} s"
        except (EOFError, OSError):
            problem = NO_PROCESS
        self._end()
        return silent(problem, ms=(time.perf_counter() - began) * 1000)

    def _connection(self) -> Connection:
        if self._worker is None:
            # "spawn" exists everywhere, and a fresh process owes nothing to this one.
            context = multiprocessing.get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=work, args=(theirs, self._home.name), daemon=True)
            process.start()
            theirs.close()
            self._worker = (process, ours)
            if not ours.poll(START_S):
                raise SystemExit("The worker does not start.")
            with suppress(EOFError):  # it ended at once; the first question tells
                ours.recv()
        return self._worker[1]

    def _end(self) -> None:
        if self._worker is not None:
            process, connection = self._worker
            connection.close()
            process.kill()
            process.join()
            self._worker = None


def work(connection: Connection, home: str) -> None:
    """Answer until the other end is closed. Runs in the worker."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import load

    logging.disable(logging.CRITICAL)
    config = load({"HOME": home, "USERPROFILE": home}, flags={"virustotal.service": "off", "plugins.allow": []})
    with Assembly(config, environ={"HOME": home}) as assembly:
        assembly.hooks()
        connection.send("ready")
        for path, half in _questions(connection):
            connection.send(_answer(assembly, path, half))


def _questions(connection: Connection) -> Iterator[tuple[str, Half | None]]:
    with suppress(EOFError, OSError):
        while True:
            yield connection.recv()


def _answer(assembly: Any, path: str, half: Half | None) -> Answer | None:
    from openclaw_vt.errors import SkillUnreadable
    from openclaw_vt.model.decision import Phase, Request
    from openclaw_vt.model.subject import SkillRef, identify
    from openclaw_vt.skill.reader import read

    began, cpu = time.perf_counter(), time.process_time()
    try:
        snapshot = read(path)
        subject = identify(snapshot, SkillRef(name="skill", path=path))
        if half is not None and half_of(subject.tree) != half:
            return None
        _, verdict = assembly.judge(Request(Phase.SCAN, path, offline=True), subject, snapshot)
    except SkillUnreadable as error:
        # It has no digest; its path decides, so that it is counted in one half and not in both.
        return silent(str(error)) if half in (None, half_of(path)) else None
    except Exception as error:  # noqa: BLE001 - a crash in one skill is a result of this benchmark, not its end
        return silent(f"{type(error).__name__}: {error}"[:300])
    return Answer(
        level=verdict.analysis.verdict.value,
        rules=tuple(sorted({f"{f.rule_id} ({f.severity.label})" for f in verdict.analysis.findings if not f.suppressed})),
        complete=verdict.coverage.complete,
        cpu_s=time.process_time() - cpu,
        ms=(time.perf_counter() - began) * 1000,
    )
