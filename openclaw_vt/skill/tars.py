"""A tar reader that accepts one reading only: POSIX and GNU headers with good checksums, and nothing after the end.

Sparse files, base-256 numbers, pax headers that change a member's size, and a gzip file of several parts are refused:
programs differ in how they read them. Formats: POSIX.1-2017 pax, and the GNU long-name extension.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from openclaw_vt.model.display import shown
from openclaw_vt.skill.kinds import refused
from openclaw_vt.skill.limits import KIB
from openclaw_vt.skill.members import CHUNK, Members, Meter

BLOCK = 512
MAX_HEADER_DATA = 64 * KIB
"""Bytes of a pax header or a GNU long name."""

_REGULAR, _FOLDER, _LINK = (b"0", b"\0"), b"5", b"2"
_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = b"x", b"g", b"L", b"K"
_UNREAD = {
    b"1": "a hard link in an archive; what it becomes depends on what is on the disk",
    b"3": "it is a device",
    b"4": "it is a device",
    b"6": "it is a FIFO",
}
_HARMLESS_PAX = frozenset({"atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment", "path", "linkpath", "size"})
_HARMLESS_VENDORS = ("LIBARCHIVE.", "SCHILY.dev", "SCHILY.ino", "SCHILY.nlink", "SCHILY.xattr.", "SCHILY.acl.")
_RECORD = re.compile(rb"([1-9][0-9]{0,5}) ([^=\n]+)=", re.DOTALL)


class _Source(Protocol):
    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end."""


class _Plain:
    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._at = 0

    def read(self, size: int) -> bytes:
        part = bytes(self._data[self._at : self._at + size])
        self._at += len(part)
        return part


class _Gunzip:
    """One gzip stream, unpacked piece by piece; the meter runs before anything is kept."""

    def __init__(self, data: bytes, meter: Meter) -> None:
        self._data = memoryview(data)
        self._meter = meter
        self._at = 0
        self._engine = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self._ready = bytearray()

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._engine.eof:
            self._more()
        part = bytes(self._ready[:size])
        del self._ready[:size]
        return part

    def _more(self) -> None:
        rest = self._engine.unconsumed_tail
        if not rest:
            rest = bytes(self._data[self._at : self._at + CHUNK])
            self._at += len(rest)
        try:
            chunk = self._engine.decompress(rest, CHUNK)
        except zlib.error:
            raise refused("its compressed data are damaged") from None
        if self._engine.eof and (self._engine.unused_data or self._at < len(self._data)):
            raise refused("something follows its compressed data")
        if not chunk and not rest and not self._engine.eof:
            raise refused("its compressed data are cut off")
        self._meter.add(len(chunk))
        self._ready += chunk


@dataclass(slots=True)
class _Pending:
    """What extension headers say about the member that follows them."""

    pax: dict[str, bytes] = field(default_factory=dict)
    name: bytes | None = None
    link: bytes | None = None

    def __bool__(self) -> bool:
        return bool(self.pax) or self.name is not None or self.link is not None


@dataclass(frozen=True, slots=True)
class _Header:
    kind: bytes
    raw: bytes
    link: bytes
    mode: int
    size: int


def read_tar(data: bytes, members: Members, *, gzipped: bool) -> None:
    """Read every member of a tar. Raises SkillUnreadable for anything ambiguous, damaged or over a limit."""
    source: _Source = _Gunzip(data, members.meter) if gzipped else _Plain(data)
    pending = _Pending()
    while True:
        block = source.read(BLOCK)
        if len(block) != BLOCK:
            raise refused("it is cut off")
        if not any(block):
            break
        header = _header(block)
        if header.kind in (_PAX, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK):
            _extend(pending, header, _small(source, header.size))
        else:
            _take(_applied(header, pending), source, members)
            pending = _Pending()
    if pending:
        raise refused("it ends where a member should follow")
    _only_zeros(source)


def _only_zeros(source: _Source) -> None:
    while rest := source.read(CHUNK):
        if any(rest):
            raise refused("something follows its end")


def _header(block: bytes) -> _Header:
    if block[257:263] not in (b"ustar\0", b"ustar "):
        raise refused("a header is damaged, or older than POSIX")
    if _octal(block[148:156]) != sum(block[:148]) + sum(block[156:]) + 8 * 0x20:
        raise refused("a header's checksum is wrong")
    prefix = _text(block[345:500])
    gnu = block[257:263] == b"ustar "
    if gnu and prefix:
        raise refused("a header holds fields that programs read in different ways")
    name = _text(block[:100])
    return _Header(
        kind=block[156:157],
        raw=prefix + b"/" + name if prefix else name,
        link=_text(block[157:257]),
        mode=_octal(block[100:108]),
        size=_octal(block[124:136]),
    )


def _text(field_bytes: bytes) -> bytes:
    return field_bytes.partition(b"\0")[0]


def _octal(field_bytes: bytes) -> int:
    digits = field_bytes.strip(b" \0")
    if not digits:
        return 0
    if not re.fullmatch(rb"[0-7]+", digits):
        raise refused("a header holds a number that programs read in different ways")
    return int(digits, 8)


def _small(source: _Source, size: int) -> bytes:
    if size > MAX_HEADER_DATA:
        raise refused("an extension header is too large")
    return b"".join(_contents(source, size))


def _contents(source: _Source, size: int) -> Iterator[bytes]:
    """Yield a member's bytes, and take its padding off the source."""
    left = size
    while left:
        chunk = source.read(min(CHUNK, left))
        if not chunk:
            raise refused("it is cut off")
        left -= len(chunk)
        yield chunk
    padding = -size % BLOCK
    if len(source.read(padding)) != padding:
        raise refused("it is cut off")


def _extend(pending: _Pending, header: _Header, data: bytes) -> None:
    if header.kind == _PAX_GLOBAL:
        if set(_pax(data)) - {"comment"}:  # git writes its commit id there; anything else would change every member
            raise refused("a global header changes its members")
    elif header.kind == _PAX:
        if pending.pax:
            raise refused("two headers speak of one member")
        pending.pax = _pax(data)
    elif header.kind == _GNU_NAME and pending.name is None:
        pending.name = _text(data)
    elif header.kind == _GNU_LINK and pending.link is None:
        pending.link = _text(data)
    else:
        raise refused("two headers speak of one member")


def _pax(data: bytes) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    at = 0
    while at < len(data):
        match = _RECORD.match(data, at)
        end = at + int(match[1]) if match else 0
        if match is None or end > len(data) or end <= match.end() or data[end - 1 : end] != b"\n":
            raise refused("a pax header is damaged")
        key = match[2].decode("utf-8", "replace")
        if key in records or not (key in _HARMLESS_PAX or key.startswith(_HARMLESS_VENDORS)):
            raise refused(f"a pax header holds {shown(key)}, which programs read in different ways")
        records[key] = data[match.end() : end - 1]
        at = end
    return records


def _applied(header: _Header, pending: _Pending) -> _Header:
    path, link = pending.pax.get("path"), pending.pax.get("linkpath")
    if (path is not None and pending.name is not None) or (link is not None and pending.link is not None):
        raise refused("two headers speak of one member")
    if pending.pax.get("size", b"%d" % header.size) != b"%d" % header.size:
        raise refused("a pax header changes the size of a member")
    if b"" in (path, link, pending.name, pending.link):
        raise refused("a header names a member with nothing")
    raw = path or pending.name or header.raw
    return _Header(header.kind, raw, link or pending.link or header.link, header.mode, header.size)


def _take(header: _Header, source: _Source, members: Members) -> None:
    folder = header.kind == _FOLDER
    path = members.path(header.raw, folder=folder)
    if header.kind in _REGULAR:
        members.file(path, header.size, header.mode, _contents(source, header.size))
        return
    if header.size:
        raise refused("a member that is no file has contents")
    if folder:
        members.directory(path)
    elif header.kind == _LINK:
        members.link(path, header.link)
    elif header.kind in _UNREAD:
        members.gap(path, _UNREAD[header.kind])
    else:
        raise refused("a member is of a kind that programs read in different ways")
