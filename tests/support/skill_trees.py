"""Skills on disk and in archives, honest and hostile."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from openclaw_vt.model.subject import Digest, Snapshot, tree_digest
from openclaw_vt.skill.reader import read

NOBODY = 65_534
SECRET = b"secret of somebody else, outside of the skill"


def write(root: Path, files: Mapping[str, bytes | str], *, executable: tuple[str, ...] = ()) -> Path:
    """Write files below `root`; a name that ends in "/" is an empty folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(0o755 if name in executable else 0o644)
    return root


def digest(path: Path) -> Digest:
    """Return the tree digest of what lies at `path`, which must have no gap."""
    snapshot = read(path)
    assert not snapshot.gaps
    return tree_digest(snapshot.entries)


def content_paths(snapshot: Snapshot) -> list[str]:
    """Return the paths that the digest covers, in its order."""
    return [entry.path for entry in snapshot.content()]


def gap_text(snapshot: Snapshot) -> str:
    """Return all gaps as one text to search in."""
    return "\n".join(f"{gap.what}: {gap.why}" for gap in snapshot.gaps)


def holds(snapshot: Snapshot, secret: bytes) -> bool:
    """Whether bytes from outside got in, or their digest did."""
    import hashlib

    name = hashlib.sha256(secret).hexdigest()
    return any(entry.sha256 == name or (entry.data is not None and secret in entry.data) for entry in snapshot.entries)


@contextmanager
def as_ordinary_user() -> Iterator[None]:
    """Give up root's power to read everything for a while; an ordinary user has none to give up."""
    dropped = os.name == "posix" and os.geteuid() == 0
    if dropped:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if dropped:
            os.seteuid(0)


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """Make a temporary folder that an ordinary user reaches, which pytest's own are not when root runs it."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def zipped(root: Path, into: Path, *, prefix: str = "") -> Path:
    """Pack a folder with Python's own zipfile, modes included."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            name = prefix + path.relative_to(root).as_posix()
            if path.is_symlink():
                info = zipfile.ZipInfo(name)
                info.create_system = 3
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
                archive.writestr(info, str(path.readlink()))
            else:
                archive.write(path, name)
    return into


def tarred(root: Path, into: Path, *, prefix: str = "", mode: str = "w:gz", form: int = tarfile.PAX_FORMAT) -> Path:
    """Pack a folder with Python's own tarfile."""
    with tarfile.open(into, mode, format=form) as archive:
        for path in sorted(root.rglob("*")):
            archive.add(path, prefix + path.relative_to(root).as_posix(), recursive=False)
    return into


class RawZip:
    """A ZIP written header by header, so that each of them can lie."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.directory: list[bytes] = []

    def add(
        self,
        name: bytes,
        data: bytes = b"x",
        *,
        method: int = 0,
        flags: int = 0,
        mode: int = 0o100644,
        system: int = 3,
        extra: bytes = b"",
        packed: bytes | None = None,
        local: Mapping[str, object] = {},
        central: Mapping[str, object] = {},
        after: bytes = b"",
    ) -> RawZip:
        stored = packed if packed is not None else (deflate(data) if method == 8 else data)
        told = {
            "name": name, "flags": flags, "method": method, "crc": zlib.crc32(data), "packed": len(stored),
            "size": len(data), "offset": len(self.body), "extra": extra, "attributes": mode << 16,
        }  # fmt: skip
        self.body += _header(b"PK\3\4" + struct.pack("<H", 20), {**told, **local}) + stored + after
        self.directory.append(_header(b"PK\1\2" + struct.pack("<2H", system << 8 | 20, 20), {**told, **central}, last=True))
        return self

    def bytes(self, *, count: int | None = None, between: bytes = b"", comment: bytes = b"", start: int | None = None) -> bytes:
        directory = b"".join(self.directory)
        number = len(self.directory) if count is None else count
        at = len(self.body) + len(between) if start is None else start
        end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, number, number, len(directory), at, len(comment))
        return bytes(self.body) + between + directory + end + comment


def _header(start: bytes, told: Mapping[str, object], *, last: bool = False) -> bytes:
    name, extra = told["name"], told["extra"]
    fields = (told["flags"], told["method"], 0, 0x21, told["crc"], told["packed"], told["size"], len(name), len(extra))
    tail = struct.pack("<3H2L", 0, 0, 0, told["attributes"], told["offset"]) if last else b""
    return start + struct.pack("<4H3L2H", *fields) + tail + name + extra


def deflate(data: bytes) -> bytes:
    """Compress as ZIP members are."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    return engine.compress(data) + engine.flush()


def raw_tar(*members: tuple[tarfile.TarInfo, bytes], form: int = tarfile.USTAR_FORMAT) -> bytes:
    """Pack members as they are given, unchecked."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def member(name: str, data: bytes = b"x", *, kind: bytes = tarfile.REGTYPE, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    """Return one member for `raw_tar`."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info, data if kind == tarfile.REGTYPE else b""


def ds_store(payload: bytes = b"") -> bytes:
    """Return a `.DS_Store` as Finder lays it out: 6,148 bytes, the root block at 4,096."""
    root = struct.pack(">2L", 3, 0) + struct.pack(">3L", 0x1000 | 11, 0x20 | 5, 0x800 | 11)
    body = b"Bud1" + struct.pack(">3L", 0x1000, 0x800, 0x1000) + bytes(16)
    body = body.ljust(0x40, b"\0") + payload
    return b"\0\0\0\1" + (body.ljust(0x1000, b"\0") + root).ljust(0x1800, b"\0")
