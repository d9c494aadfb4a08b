"""Everything that was verified when the daemon last looked, under one signature: a start hashes the bytes, not the records.

The roster says: at this head of the cache, under this policy, these folders held these files, and each was a plain yes until
then. It counts only while all of that still holds; anything else is recognised from the cache, record by record. Names with
line ends never get here: the reader refuses them, and a path with one is left out.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from openclaw_vt.attestation.dsse import PublicKey, Signer, pae
from openclaw_vt.errors import SignatureInvalid
from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import Digest, SkillRef, Subject, parse_digest
from openclaw_vt.skill.recheck import Shape
from openclaw_vt.store import files

NAME = "roster"
TYPE = "application/vnd.openclaw-vt.roster.v1"
MAX_BYTES = 64 * 1024 * 1024
_HEAD_LINE_BYTES = 4096

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ground:
    """What a roster stands on: the digest of the cache's head file, the policy, and the moment (epoch seconds)."""

    head: str
    policy: Digest
    time: int


class Entry(NamedTuple):
    """One skill: its digests, its shape, and until when (epoch seconds) the yes holds; None for no end."""

    subject: Subject
    shape: Shape
    until: int | None


def head_digest(state_folder: str) -> str:
    """Return the SHA-256 of the cache's head file as it lies there; empty where there is none. Raises OSError."""
    raw = files.read(os.path.join(state_folder, "head.json"), limit=MAX_BYTES)
    return hashlib.sha256(raw).hexdigest() if raw is not None else ""


def save(state_folder: str, ground: Ground, entries: list[Entry], signer: Signer) -> None:
    """Write the roster, signed. Raises OSError, KeyStoreError."""
    skills = [_written(entry) for entry in entries if "\n" not in entry.subject.ref.path]
    head = _dumped([ground.head, ground.policy, ground.time])
    payload = "\n".join((head, *skills)).encode("utf-8", "surrogateescape")
    if len(payload) <= MAX_BYTES:
        signature = signer.sign(pae(TYPE, payload)).hex()
        files.replace(os.path.join(state_folder, NAME), [f"{signature}\n".encode(), payload])


def load(state_folder: str, key: PublicKey | None, ground: Ground) -> dict[str, Entry]:
    """Return the entries by path that hold on `ground`; none where the roster is missing, not ours, or of another moment."""
    if key is None:
        return {}
    try:
        raw = files.read(os.path.join(state_folder, NAME), limit=MAX_BYTES + _HEAD_LINE_BYTES)
        if raw is None:
            return {}
        signature, _, payload = raw.partition(b"\n")
        key.check(bytes.fromhex(signature.decode("ascii")), pae(TYPE, payload))
        head, *skills = payload.decode("utf-8", "surrogateescape").split("\n\0\n")
        said = strict_json.loads(head.encode(), max_bytes=_HEAD_LINE_BYTES)
        if said[:2] != [ground.head, ground.policy] or said[2] > ground.time:
            return {}
        return {entry.subject.ref.path: entry for entry in _read(skills, ground.time)}
    except (OSError, ValueError, LookupError, TypeError, SignatureInvalid) as error:
        log.warning("The roster is not used: %s", error)
        return {}


def _written(entry: Entry) -> str:
    subject = entry.subject
    until = "-" if entry.until is None else entry.until
    head = f"{subject.tree} {subject.dir_hash1} {subject.files} {subject.bytes} {until}"
    return "\n".join(("\0", head, subject.ref.path, *_lines(entry.shape, "", 0)))


def _dumped(value: object) -> str:
    return strict_json.dumps(value).decode()


def _lines(shape: Shape, name: str, depth: int) -> Iterator[str]:
    """Yield five lines for each folder: where it stands, then its files' names, sizes, exec bits and digests, each in a row.

    Whole rows are split by the interpreter's core; file by file, reading the roster would take as long as hashing the skills.
    """
    yield f"{depth} {name}"
    yield "/".join(file[0] for file in shape.files)
    yield " ".join(str(file[1]) for file in shape.files)
    yield "".join("x" if file[2] else "-" for file in shape.files)
    yield "".join(file[3].hex() for file in shape.files)
    for below, folder in shape.folders:
        yield from _lines(folder, below, depth + 1)


def _read(skills: list[str], now: int) -> Iterator[Entry]:
    for text in skills:
        head, path, *lines = text.split("\n")
        tree, dir_hash1, count, size, ends = head.split(" ")
        until = None if ends == "-" else int(ends)
        if until is not None and until < now:
            continue
        ref = SkillRef(os.path.basename(path) or path, path)
        yield Entry(Subject(ref, parse_digest(tree), parse_digest(dir_hash1), int(count), int(size)), _shape(lines), until)


def _shape(lines: list[str]) -> Shape:
    """Return what `_lines` wrote. Raises ValueError, IndexError."""
    shape, end = _folder(lines, 0, 0)
    if end != len(lines):
        raise ValueError("folders are left over")
    return shape


def _folder(lines: list[str], at: int, depth: int) -> tuple[Shape, int]:
    names = lines[at + 1].split("/") if lines[at + 1] else []
    raw = bytes.fromhex(lines[at + 4])
    digests = [raw[start : start + 32] for start in range(0, len(raw), 32)]
    flags = lines[at + 3]
    executable = [flag == "x" for flag in flags] if "x" in flags else [False] * len(flags)
    files_ = tuple(zip(names, map(int, lines[at + 2].split()), executable, digests, strict=True))
    folders, at, start = [], at + 5, f"{depth + 1} "
    while at < len(lines) and lines[at].startswith(start):
        below, after = _folder(lines, at, depth + 1)
        folders.append((lines[at][len(start) :], below))
        at = after
    return Shape(frozenset([*names, *[name for name, _ in folders]]), files_, tuple(folders)), at
