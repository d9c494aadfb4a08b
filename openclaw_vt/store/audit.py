"""The audit log: one JSON line for each judgement, warning, block and acceptance, each naming the SHA-256 of the one before.

The chain shows that lines were changed or taken out, not that somebody who may write here wrote the whole log again: it is
not signed. A line counts from the newline that ends it; what a killed writer left without one is put aside.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.attestation.statement import rfc3339
from openclaw_vt.errors import CacheError
from openclaw_vt.model import strict_json
from openclaw_vt.store import files
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.redaction import Redactor

_log = logging.getLogger(__name__)
MAX_LINE_BYTES = 64 * 1024
MAX_FILE_BYTES = 4 * 1024 * 1024
LOCK_WAIT_S = 2.0
_ROTATED = re.compile(r"audit-[0-9]{12}(-[0-9]+)?\.jsonl\Z")
_REMEDY = "Free space on the disk, or see `openclaw-vt doctor`."


@dataclass(frozen=True, slots=True)
class _Tip:
    """Where the chain ends: the newest line's number and SHA-256."""

    sequence: int = 0
    record: str | None = None


class Audit:
    """The log in one state folder. Nothing here raises into a decision: a line that was not written is a problem to show."""

    def __init__(
        self,
        directory: Path,
        *,
        clock: Callable[[], float] = time.time,
        redactor: Redactor | None = None,
        max_bytes: int = MAX_FILE_BYTES,
    ) -> None:
        """`clock` gives epoch seconds. Past `max_bytes` the file is moved to `audit-<first sequence>.jsonl`."""
        self._path = directory / "audit.jsonl"
        self._lock = directory / "audit.lock"
        self._clock = clock
        self._redactor = redactor or Redactor()
        self._max_bytes = max_bytes

    @property
    def path(self) -> Path:
        """The file that is being written."""
        return self._path

    def append(self, event: str, detail: Mapping[str, Any]) -> Problem | None:
        """Write one line, durably. Returns what went wrong, or None."""
        try:
            files.make_folder(self._path.parent)
            why = files.unsafe_reason(self._path.parent)
            if why:
                remedy = f"Run `chmod 700 '{self._path.parent}'`."
                return Problem(ProblemCode.UNSAFE, f"The audit log was not written: {why}.", remedy)
            with files.locked(self._lock, wait_s=LOCK_WAIT_S):
                self._append(event, self._redactor.value(dict(detail)))
        except CacheError as error:
            return Problem(ProblemCode.BUSY, f"The audit log was not written: {error.what}", error.remedy)
        except OSError as error:
            why = error.strerror or type(error).__name__
            return Problem(ProblemCode.WRITE_FAILED, f"The audit log was not written: {why}.", _REMEDY)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return Problem(ProblemCode.WRITE_FAILED, f"The audit log was not written: {type(error).__name__}.")
        return None

    def _append(self, event: str, detail: Any) -> None:
        torn = self._mend()
        tip = self._tip()
        found = files.found(self._path)
        if found and found.st_size >= self._max_bytes:
            self._rotate(tip)
        if torn:
            tip = self._write(tip, "audit.torn", {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()})
        self._write(tip, event, detail)

    def _write(self, tip: _Tip, event: str, detail: Any) -> _Tip:
        line = self._line(tip, event, detail)
        if len(line) > MAX_LINE_BYTES:
            cut = {"cut": True, "bytes": len(line), "sha256": hashlib.sha256(line).hexdigest()}
            line = self._line(tip, event[:100], cut)
        files.create(self._path)
        files.append(self._path, line + b"\n")
        return _Tip(tip.sequence + 1, hashlib.sha256(line).hexdigest())

    def _line(self, tip: _Tip, event: str, detail: Any) -> bytes:
        body = {"sequence": tip.sequence + 1, "time": rfc3339(int(self._clock())), "previous": tip.record}
        return strict_json.dumps({**body, "event": event, "detail": detail})

    def _mend(self) -> bytes:
        """Move bytes after the last newline aside, and return them."""
        raw = files.read(self._path, limit=self._limit()) or b""
        torn = raw[raw.rfind(b"\n") + 1 :]
        if torn:
            aside = self._free_name(f"{self._path.name}.torn-{{}}")
            files.replace(aside, [torn])
            os.truncate(self._path, len(raw) - len(torn))
            _log.warning("The audit log ended inside a line; its %d bytes are in %s.", len(torn), aside)
        return torn

    def _limit(self) -> int:
        return self._max_bytes + 2 * MAX_LINE_BYTES + 1024

    def _tip(self) -> _Tip:
        for path in (self._path, *reversed(rotated(self._path.parent))):
            lines = (files.read(path, limit=self._limit()) or b"").split(b"\n")[:-1]
            if lines:
                return _tip_of(lines)
        return _Tip()

    def _rotate(self, tip: _Tip) -> None:
        lines = (files.read(self._path, limit=self._limit()) or b"").count(b"\n")
        first = max(tip.sequence - lines + 1, 0)
        target = self._path.with_name(f"audit-{first:012d}.jsonl")
        if os.path.lexists(target):
            target = self._free_name(f"audit-{first:012d}-{{}}.jsonl")
        files.rename(self._path, target)

    def _free_name(self, pattern: str) -> Path:
        number = 1
        while os.path.lexists(path := self._path.with_name(pattern.format(number))):
            number += 1
        return path

    def tail(self, count: int) -> tuple[dict[str, Any], ...]:
        """Return up to `count` of the newest entries, oldest first. Lines that do not parse are left out."""
        found: list[dict[str, Any]] = []
        try:
            for path in (self._path, *reversed(rotated(self._path.parent))):
                found = [entry for _, entry in _entries(path) if entry is not None] + found
                if len(found) >= count:
                    break
        except OSError as error:
            _log.warning("The audit log cannot be read: %s", error)
        return tuple(found[-count:] if count > 0 else ())

    def verify(self) -> tuple[Problem, ...]:
        """Return what is wrong with the chain, over all files. Raises nothing."""
        return verify(self._path.parent)


def verify(directory: Path) -> tuple[Problem, ...]:
    """Return what is wrong with the audit log in a state folder, in order. Raises nothing."""
    try:
        return tuple(_chain_problems([*rotated(directory), directory / "audit.jsonl"]))
    except OSError as error:
        return (Problem(ProblemCode.UNREADABLE, f"The audit log cannot be read: {error.strerror}."),)


def rotated(directory: Path) -> list[Path]:
    """Return the files that are full, oldest first."""
    try:
        return sorted(path for path in directory.iterdir() if _ROTATED.match(path.name))
    except FileNotFoundError:
        return []


def _chain_problems(paths: list[Path]) -> Iterator[Problem]:
    tip = _Tip()
    for path in paths:
        for line, entry in _entries(path):
            place = f"{path.name}, after line {tip.sequence}"
            if not line.endswith(b"\n"):
                yield Problem(ProblemCode.TORN, f"{path.name} ends inside a line.", "The next write puts it aside.")
                continue
            number = entry.get("sequence") if entry else None
            if entry is None or not isinstance(number, int):
                yield Problem(ProblemCode.CORRUPT, f"{place}: a line cannot be read.", sequence=tip.sequence + 1)
                number = tip.sequence + 1
            elif number != tip.sequence + 1:
                yield Problem(ProblemCode.GAP, f"{place}: line {number} follows.", sequence=tip.sequence + 1)
            elif entry.get("previous") != tip.record:
                yield Problem(ProblemCode.FORGED, f"{place}: the line before was changed.", sequence=number)
            tip = _Tip(number, hashlib.sha256(line[:-1]).hexdigest())


def _entries(path: Path) -> Iterator[tuple[bytes, dict[str, Any] | None]]:
    if files.found(path) is None:
        return
    with path.open("rb") as handle:
        # A line that is too long comes in pieces, none of which parses: it is reported, not loaded.
        while line := handle.readline(MAX_LINE_BYTES + 2):
            yield line, _parsed(line)


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        return strict_json.take(strict_json.loads(line, max_bytes=MAX_LINE_BYTES + 1), {"sequence": int}, where="line")
    except ValueError:
        return None


def _tip_of(lines: list[bytes]) -> _Tip:
    """Return the end of the chain. Lines at the end that do not parse count all the same: somebody changed them."""
    for after, line in enumerate(reversed(lines)):
        entry = _parsed(line)
        if entry:
            return _Tip(entry["sequence"] + after, hashlib.sha256(lines[-1]).hexdigest())
    return _Tip(len(lines), hashlib.sha256(lines[-1]).hexdigest())
