"""Snapshots from a few words, for rooms that only look at bytes."""

from __future__ import annotations

import hashlib

from openclaw_vt.model.subject import Digest, Entry, Snapshot


def entry(path: str, data: bytes | str, **more) -> Entry:
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    return Entry(path, size=len(raw), sha256=Digest(hashlib.sha256(raw).hexdigest()), data=raw, **more)


def snapshot(**files: bytes | str) -> Snapshot:
    """Files by name, where `__` stands for a dot and `SKILL__md` is SKILL.md."""
    return Snapshot(tuple(entry(name.replace("__", "."), data) for name, data in files.items()))


def skill(data: bytes | str, *more: Entry) -> Snapshot:
    """A skill of one SKILL.md and these entries."""
    return Snapshot((entry("SKILL.md", data), *more))
