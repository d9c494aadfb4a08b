"""A ZIP reader that accepts one reading only: members back to back from the first byte, both headers agreeing, nothing else.

The central directory is what most programs believe and the local headers are what streaming ones believe; a file in which
they differ, overlap, or leave room between them is refused. ZIP64 is refused too: within our limits nobody needs it.
Format: APPNOTE.TXT 6.3, sections 4.3 and 4.4.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from openclaw_vt.skill.kinds import refused
from openclaw_vt.skill.members import CHUNK, Members, Meter

_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_DESCRIPTOR = struct.Struct("<3L")
_ENCRYPTED = 1 << 0 | 1 << 6 | 1 << 13
_DESCRIPTOR_FOLLOWS = 1 << 3
_UTF8 = 1 << 11
_STORED, _DEFLATED = 0, 8
_UNIX, _DARWIN = 3, 19
_UNICODE_PATH = 0x7075
_ZIP64 = 0x0001
_IN_ZIP64 = (0xFFFF, 0xFFFFFFFF)
"""Values that say: the number stands in a ZIP64 field."""
MAX_COMMENT = 256
"""Bytes of comment: git writes a commit id there. Room for a second archive it must not be."""


@dataclass(frozen=True, slots=True)
class _Member:
    raw: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int
    start: int = 0


def read_zip(data: bytes, members: Members) -> None:
    """Read every member of a ZIP. Raises SkillUnreadable for anything ambiguous, damaged or over a limit."""
    try:
        directory, listed = _directory(data)
        placed = _placed(data, directory, listed)
    except struct.error:
        raise refused("its directory is damaged") from None
    for member in placed:
        _take(memoryview(data), member, members)


def _directory(data: bytes) -> tuple[int, list[_Member]]:
    """Return where the central directory starts, and its members."""
    end = data.rfind(b"PK\5\6")
    if end < 0:
        raise refused("it has no directory at its end")
    _, disk, first_disk, here, total, size, start, comment = _END.unpack_from(data, end)
    text = data[end + _END.size :]
    if len(text) != comment or comment > MAX_COMMENT or not (text.isascii() and text.decode("ascii").isprintable()):
        raise refused("something other than a short comment follows its directory")
    if disk or first_disk or here != total or start + size != end or total == _IN_ZIP64[0]:
        raise refused("its directory is not one plain directory at its end (ZIP64 is not read)")
    listed = []
    at = start
    for _ in range(total):
        member, at = _central(data, at)
        listed.append(member)
    if at != end:
        raise refused("its directory has another length than it states")
    return start, listed


def _central(data: bytes, at: int) -> tuple[_Member, int]:
    fields = _CENTRAL.unpack_from(data, at)
    magic, made_by, _, flags, method, _, _, crc, packed, size, names, extras, comments, disk, _, attributes, offset = fields
    if magic != b"PK\1\2" or disk or _IN_ZIP64[1] in (packed, size, offset):
        raise refused("its directory is damaged, or ZIP64")
    at += _CENTRAL.size
    raw = data[at : at + names]
    _check_extra(data[at + names : at + names + extras], raw)
    mode = attributes >> 16 if made_by >> 8 in (_UNIX, _DARWIN) else 0
    return _Member(raw, flags, method, crc, packed, size, offset, mode), at + names + extras + comments


def _check_extra(extra: bytes, raw: bytes) -> None:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if kind == _ZIP64 or len(body) != length:
            raise refused("a member has a damaged extra field, or is ZIP64")
        if kind == _UNICODE_PATH and body[5:] != raw:
            raise refused("a member has two names")
        at += 4 + length


def _placed(data: bytes, directory: int, listed: list[_Member]) -> list[_Member]:
    """Return the members with the place of their bytes. The local records must fill the file up to the directory."""
    placed = []
    at = 0
    for member in sorted(listed, key=lambda member: member.offset):
        if member.offset != at:
            raise refused("its members overlap, or there are bytes between them")
        start = _local(data, member)
        placed.append(replace(member, start=start))
        at = _after(data, member, start + member.packed)
    if at != directory:
        raise refused("there are bytes between its members and its directory")
    return placed


def _local(data: bytes, member: _Member) -> int:
    """Return where the member's bytes start. Its local header must say what the directory says."""
    magic, _, flags, method, _, _, crc, packed, size, names, extras = _LOCAL.unpack_from(data, member.offset)
    at = member.offset + _LOCAL.size
    same = magic == b"PK\3\4" and flags == member.flags and method == member.method and data[at : at + names] == member.raw
    stated = (crc, packed, size)
    known = (member.crc, member.packed, member.size)
    later = bool(flags & _DESCRIPTOR_FOLLOWS)
    if not same or not all(value == true or (later and value == 0) for value, true in zip(stated, known, strict=True)):
        raise refused("a member's own header differs from the directory")
    _check_extra(data[at + names : at + names + extras], member.raw)
    return int(at + names + extras)


def _after(data: bytes, member: _Member, at: int) -> int:
    if not member.flags & _DESCRIPTOR_FOLLOWS:
        return at
    if data[at : at + 4] == b"PK\7\10":
        at += 4
    if _DESCRIPTOR.unpack_from(data, at) != (member.crc, member.packed, member.size):
        raise refused("a member's trailing sizes differ from the directory")
    return at + _DESCRIPTOR.size


def _take(data: memoryview, member: _Member, members: Members) -> None:
    kind = stat.S_IFMT(member.mode)
    folder = member.raw.endswith(b"/")
    path = members.path(member.raw, folder=folder)
    if not member.raw.isascii() and not member.flags & _UTF8:
        members.note(path, "the archive does not state how its name is encoded")
    packed = data[member.start : member.start + member.packed]
    if len(packed) != member.packed or (kind and folder != (kind == stat.S_IFDIR)):
        raise refused("a member is cut off, or of two kinds at once")
    why = _unread(member, kind)
    contents = _bytes(packed, member, members.meter)
    if why:
        members.gap(path, why)
    elif folder:
        if member.size or any(contents):
            raise refused("a folder has contents")
        members.directory(path)
    elif kind == stat.S_IFLNK:
        if member.size > CHUNK:
            raise refused("a link has too long a target")
        members.link(path, b"".join(contents))
    else:
        members.file(path, member.size, member.mode, contents)


def _unread(member: _Member, kind: int) -> str | None:
    if member.flags & _ENCRYPTED:
        return "it is encrypted"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK):
        return "it is a device, a FIFO or a socket"
    if member.method not in (_STORED, _DEFLATED):
        return "it is compressed in a way that this reader does not know"
    return None


def _bytes(packed: memoryview, member: _Member, meter: Meter) -> Iterator[bytes]:
    """Yield a member's bytes in chunks; raises SkillUnreadable when size or checksum are not what the archive states."""
    crc = length = 0
    for chunk in _stored(packed) if member.method == _STORED else _inflated(packed):
        length += len(chunk)
        if length > member.size:
            break
        meter.add(len(chunk))
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if length != member.size or crc != member.crc:
        raise refused("a member has another size or checksum than the archive states")


def _stored(packed: memoryview) -> Iterator[bytes]:
    for at in range(0, len(packed), CHUNK):
        yield bytes(packed[at : at + CHUNK])


def _inflated(packed: memoryview) -> Iterator[bytes]:
    engine = zlib.decompressobj(-zlib.MAX_WBITS)
    at, rest = 0, b""
    try:
        while not engine.eof:
            if not rest and at < len(packed):
                rest, at = bytes(packed[at : at + CHUNK]), at + CHUNK
            chunk = engine.decompress(rest, CHUNK)
            if not chunk and not engine.unconsumed_tail and at >= len(packed) and not engine.eof:
                raise refused("a member is cut off")
            rest = engine.unconsumed_tail
            yield chunk
    except zlib.error:
        raise refused("a member is damaged") from None
    if engine.unused_data or at < len(packed):
        raise refused("a member is followed by bytes of nobody")
