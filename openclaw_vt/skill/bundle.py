"""The one ZIP that stands for a skill: reproducible byte for byte, so that its SHA-256 can be looked up and its bytes sent.

Uncompressed, sorted by raw path, no dates, no extra fields: what is in it depends on the content files alone. It is no
identity (empty folders and links are not in it); it is what VirusTotal is asked about. Layout: APPNOTE.TXT 6.3, 4.3.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Digest, Entry, Snapshot

_DOS_DATE = 0x0021  # 1980-01-01, the first day the format knows
_VERSION = 20
_MADE_ON_UNIX = 3 << 8
_UTF8 = 1 << 11
_MODE, _EXECUTABLE_MODE = 0o100644 << 16, 0o100755 << 16
_MAX_FILES = 0xFFFE
_MAX_BYTES = 0xFFFFFFFE


def canonical_zip(snapshot: Snapshot) -> bytes:
    """Return the canonical ZIP of the content files.

    Raises SkillUnreadable when the bytes of a file were not kept, or the ZIP would need ZIP64 (4 GiB, 65,535 files).
    """
    return b"".join(_parts(snapshot))


def bundle_digest(snapshot: Snapshot) -> Digest:
    """Return the SHA-256 of the canonical ZIP without building it. Raises SkillUnreadable as `canonical_zip` does."""
    state = hashlib.sha256()
    for part in _parts(snapshot):
        state.update(part)
    return Digest(state.hexdigest())


def _parts(snapshot: Snapshot) -> Iterator[bytes]:
    import zlib

    files = sorted(snapshot.files(), key=lambda entry: entry.raw_path)
    if len(files) > _MAX_FILES or sum(entry.size + 2 * len(entry.raw_path) + 76 for entry in files) > _MAX_BYTES:
        raise SkillUnreadable("This skill is too large to be bundled.", why="A plain ZIP file cannot hold it.")
    directory, offset = [], 0
    for entry in files:
        raw, data = entry.raw_path, _data(entry)
        common = _common(raw, zlib.crc32(data), len(data))
        yield struct.pack("<4sH", b"PK\3\4", _VERSION) + common + raw
        yield data
        attributes = _EXECUTABLE_MODE if entry.executable else _MODE
        start = struct.pack("<4s2H", b"PK\1\2", _MADE_ON_UNIX | _VERSION, _VERSION)
        directory.append(start + common + struct.pack("<3H2L", 0, 0, 0, attributes, offset) + raw)
        offset += 30 + len(raw) + len(data)
    yield from directory
    size = sum(map(len, directory))
    yield struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(files), len(files), size, offset, 0)


def _common(raw: bytes, crc: int, size: int) -> bytes:
    """Return what both headers of a stored file share: flags to the length of the extra field."""
    return struct.pack("<4H3L2H", _flags(raw), 0, 0, _DOS_DATE, crc, size, size, len(raw), 0)


def _flags(raw: bytes) -> int:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return 0
    return _UTF8


def _data(entry: Entry) -> bytes:
    if entry.data is None:
        raise SkillUnreadable("This skill cannot be bundled.", why=f"{shown(entry.path)} is too large to be kept in memory.")
    return entry.data
