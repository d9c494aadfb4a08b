"""Everything that was verified when the daemon last looked, under one signature: a start hashes the bytes, not the records.

The roster says: at this head of the cache, under this policy, these folders held these files, and each was a plain yes until
then. It counts only while all of that still holds; anything else is recognised from the cache, record by record.

Its body is `marshal`, Python's own, because reading twenty thousand file names and digests in any other form takes as long as
hashing the files. `marshal` must never read what a stranger wrote: the signature is checked first, over every byte of it.
"""

from __future__ import annotations

import hashlib
import logging
import marshal
import os
import sys
from dataclasses import dataclass
from typing import Any, NamedTuple

from openclaw_vt.attestation.dsse import PublicKey, Signer, pae
from openclaw_vt.errors import SignatureInvalid
from openclaw_vt.model.subject import Digest, SkillRef, Subject
from openclaw_vt.skill.recheck import Shape
from openclaw_vt.store import files

NAME = "roster"
TYPE = f"application/vnd.openclaw-vt.roster.v1+marshal.{marshal.version}.{sys.hexversion >> 16:x}"
"""What is signed names the form: another Python's roster is not this one's."""
MAX_BYTES = 64 * 1024 * 1024
_SIGNATURE_LINE = 256

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
    body = ((ground.head, str(ground.policy), ground.time), [_plain(entry) for entry in entries])
    payload = marshal.dumps(body)
    if len(payload) <= MAX_BYTES:
        signature = signer.sign(pae(TYPE, payload)).hex()
        files.replace(os.path.join(state_folder, NAME), [f"{signature}\n".encode(), payload])


def load(state_folder: str, key: PublicKey | None, ground: Ground) -> dict[str, Entry]:
    """Return the entries by path that hold on `ground`; none where the roster is missing, not ours, or of another moment."""
    if key is None:
        return {}
    try:
        raw = files.read(os.path.join(state_folder, NAME), limit=MAX_BYTES + _SIGNATURE_LINE)
        if raw is None:
            return {}
        signature, _, payload = raw.partition(b"\n")
        key.check(bytes.fromhex(signature.decode("ascii")), pae(TYPE, payload))
        (head, policy, time), entries = marshal.loads(payload)  # noqa: S302 - signed by our own key, and checked above
        if (head, policy) != (ground.head, ground.policy) or time > ground.time:
            return {}
        return {entry[0]: _entry(*entry) for entry in entries if entry[-2] is None or entry[-2] >= ground.time}
    except (OSError, ValueError, LookupError, TypeError, EOFError, SignatureInvalid) as error:
        log.warning("The roster is not used: %s", error)
        return {}


def _plain(entry: Entry) -> tuple[object, ...]:
    subject = entry.subject
    named = (subject.ref.path, str(subject.tree), str(subject.dir_hash1))
    return (*named, subject.files, subject.bytes, entry.until, _tuples(entry.shape))


def _tuples(shape: Shape) -> tuple[object, ...]:
    return shape.names, shape.files, tuple((name, _tuples(below)) for name, below in shape.folders)


def _entry(path: str, tree: str, dir_hash1: str, count: int, size: int, until: int | None, shape: Any) -> Entry:
    ref = SkillRef(path.rpartition(os.sep)[2] or path, path)
    return Entry(Subject(ref, Digest(tree), Digest(dir_hash1), count, size), _shape(shape), until)


def _shape(plain: Any) -> Shape:
    names, own, folders = plain
    return Shape(names, own, tuple([(name, _shape(below)) for name, below in folders]) if folders else ())
