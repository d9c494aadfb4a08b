"""Our own skill in OpenClaw's managed root: put there, kept current, taken out again, and never in the place of somebody else's.

It teaches the agent the commands that only read. What was ever written is recorded by digest; a file with any other bytes is
not ours, whatever its name.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from openclaw_vt.errors import ConfigError
from openclaw_vt.model import strict_json
from openclaw_vt.openclaw.files import OnDisk, make_private_folder, read_bounded, replace

NAME = "openclaw-vt"
RECORD = "own-skill.json"
MAX_FILE_BYTES = 256 << 10
MAX_VERSIONS = 64
"""Digests that are kept for one file, the newest last: an older one than these would be taken for somebody's own."""
Outcome = Literal["written", "unchanged", "removed", "absent", "left"]
_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HERE = Path(__file__).resolve().parents[1]
# What Finder leaves, and what a killed writer of ours does.
_LEFTOVER = re.compile(r"\.[A-Za-z0-9._-]+\.[0-9]+-[0-9a-f]{8}\.new")
_IGNORED = re.compile(rf"\.DS_Store|{_LEFTOVER.pattern}")
_JUNCTION = getattr(stat, "FILE_ATTRIBUTE_REPARSE_POINT", 0x400)


@dataclass(frozen=True, slots=True)
class OwnSkill:
    """What became of the skill at `folder`. `why` says what is there that is not ours, where the outcome is "left"."""

    folder: Path
    outcome: Outcome
    why: str = ""


@dataclass(frozen=True, slots=True)
class _Record:
    """SHA-256 of every version that we wrote, by file name, and whether we made OpenClaw's folder of skills."""

    files: dict[str, list[str]]
    made_root: bool = False

    def knows(self, name: str, data: bytes) -> bool:
        return _sha256(data) in self.files.get(name, ())


def shipped() -> dict[str, bytes]:
    """Return the skill's files by name: from the installed package, or in a checkout from beside it. Raises ConfigError."""
    inside, beside = _HERE / "_hooks" / "skill", _HERE.parent / "hooks" / "skill"
    source = inside if inside.is_dir() or not (_HERE.parent / "pyproject.toml").is_file() else beside
    try:
        return {path.name: path.read_bytes() for path in sorted(source.iterdir()) if _PLAIN_NAME.fullmatch(path.name)}
    except OSError as error:
        raise ConfigError(
            "Our own skill is missing.", why=error.strerror or type(error).__name__, remedy="Install openclaw-vt again."
        ) from None


def install_own_skill(state: Path, record: Path) -> OwnSkill:
    """Write our skill into `<state>/skills/openclaw-vt`, or bring it up to date. Doing it again changes nothing.

    `state` is OpenClaw's state folder; `record` is the folder in ours where it is noted what was written. A folder of that
    name that holds anything else than what we wrote is left alone. Raises ConfigError when it cannot be written.
    """
    files, folder, note = shipped(), folder_of(state), _note(state, record)
    with _explained(folder):
        known = _read(note)
        held, foreign = _held(folder, known, files)
        if foreign:
            return OwnSkill(folder, "left", foreign)
        if held == files and all(known.knows(name, data) for name, data in files.items()):
            return OwnSkill(folder, "unchanged")
        # The record comes first: after a crash it knows more than lies there, never less.
        _write(note, _with(known, files, made_root=known.made_root or not folder.parent.exists()))
        make_private_folder(folder)
        _sweep(folder)
        for name, data in files.items():
            if held.get(name) != data:
                replace(folder / name, OnDisk(data))
        for name in held.keys() - files.keys():
            (folder / name).unlink(missing_ok=True)
    return OwnSkill(folder, "unchanged" if held == files else "written")


def remove_own_skill(state: Path, record: Path) -> OwnSkill:
    """Take out of `<state>/skills/openclaw-vt` exactly what we wrote, and folders that are empty then. Raises ConfigError."""
    folder, note = folder_of(state), _note(state, record)
    with _explained(folder):
        known = _read(note)
        held, foreign = _held(folder, known, {})
        for name in held:
            (folder / name).unlink(missing_ok=True)
        if not foreign:
            _sweep(folder)
        _remove_if_empty(folder)
        if known.made_root:
            _remove_if_empty(folder.parent)
        note.unlink(missing_ok=True)
        _remove_if_empty(note.parent)
    if foreign and os.path.lexists(folder):
        return OwnSkill(folder, "left", foreign)
    return OwnSkill(folder, "removed" if held else "absent")


def folder_of(state: Path) -> Path:
    """Return where our skill lies: in the root that OpenClaw calls managed."""
    return state / "skills" / NAME


def _held(folder: Path, known: _Record, files: dict[str, bytes]) -> tuple[dict[str, bytes], str]:
    """Return our own files that lie there, and words for what else does (empty for nothing). Raises OSError."""
    try:
        info = os.lstat(folder)
    except FileNotFoundError:
        return {}, ""
    if not stat.S_ISDIR(info.st_mode) or getattr(info, "st_file_attributes", 0) & _JUNCTION:
        return {}, "it is no folder of its own"
    held: dict[str, bytes] = {}
    foreign = ""
    for path in sorted(folder.iterdir()):
        data = _plain(path)
        if data is not None and (known.knows(path.name, data) or files.get(path.name) == data):
            held[path.name] = data
        elif not _IGNORED.fullmatch(path.name):
            foreign = "a file in it is not the one that was put there" if path.name in known.files else "it holds other files"
    return held, foreign


def _plain(path: Path) -> bytes | None:
    """Return the bytes of a plain file, None for a link, a folder or something large. Raises OSError."""
    info = os.lstat(path)
    if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_FILE_BYTES:
        return None
    return read_bounded(path, limit=MAX_FILE_BYTES)


def _note(state: Path, record: Path) -> Path:
    """Each OpenClaw has its own note, since there may be several."""
    name = hashlib.sha256(os.fsencode(folder_of(state).absolute())).hexdigest()[:16]
    return record / name / RECORD


def _read(note: Path) -> _Record:
    """Return what was noted. A note that cannot be read knows nothing: then nothing that differs from today's skill is ours."""
    try:
        raw = read_bounded(note)
        if raw is None:
            return _Record({})
        body = strict_json.take(strict_json.loads(raw, max_bytes=1 << 20), {"files": dict, "madeRoot": bool}, where="record")
        files = {name: [str(digest) for digest in digests] for name, digests in body["files"].items()}
    except (OSError, ValueError, TypeError):
        return _Record({})
    return _Record({name: digests for name, digests in files.items() if _PLAIN_NAME.fullmatch(name)}, body["madeRoot"])


def _with(known: _Record, files: dict[str, bytes], *, made_root: bool) -> _Record:
    digests = dict(known.files)
    for name, data in files.items():
        kept = [digest for digest in digests.get(name, []) if digest != _sha256(data)]
        digests[name] = [*kept, _sha256(data)][-MAX_VERSIONS:]
    return _Record(digests, made_root)


def _write(note: Path, record: _Record) -> None:
    make_private_folder(note.parent)
    replace(note, OnDisk(json.dumps({"version": 1, "files": record.files, "madeRoot": record.made_root}, indent=2).encode()))


@contextlib.contextmanager
def _explained(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigError(
            f"Our own skill in {folder} could not be brought up to date.",
            why=f"{error.strerror or type(error).__name__}.",
            remedy="Make the folder writable, and run `openclaw-vt setup` again.",
        ) from None


def _sweep(folder: Path) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if _LEFTOVER.fullmatch(path.name):
            path.unlink(missing_ok=True)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
