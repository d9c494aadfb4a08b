"""What is judged: the bytes of a skill, read once, and the digest of exactly those bytes.

Named tuples, not dataclasses: a cache hit defines these classes at each start, and that costs a seventh of the time.
"""

import hashlib
from typing import Literal, NamedTuple, NewType

Digest = NewType("Digest", str)
"""A SHA-256 as 64 lower-case hexadecimal digits."""

EntryKind = Literal["file", "directory", "link"]
Role = Literal["content", "record", "byproduct"]
OriginKind = Literal["clawhub", "git", "local", "bundled", "workshop", "upload", "unknown"]

TREE_FORMAT = "ocvt-tree-v1"
DIGITS = 64
"""Hexadecimal digits of a SHA-256."""
_KIND_BYTE: dict[str, bytes] = {"file": b"f", "directory": b"d", "link": b"l"}


def parse_digest(text: object) -> Digest:
    """Return `text` as a Digest. Raises ValueError for anything but 64 lower-case hexadecimal digits."""
    if not isinstance(text, str) or len(text) != DIGITS or text.strip("0123456789abcdef"):
        raise ValueError("not a SHA-256 in lower-case hexadecimal")
    return Digest(text)


class Entry(NamedTuple):
    """One name in a skill folder.

    `path` is relative, `/`-separated, and keeps undecodable bytes as surrogate escapes. `size` is in bytes. `data` is None
    for a file too large to keep (its `sha256` is still exact), for folders and for links. Only empty folders are listed.
    `role` other than "content" means the entry is left out of the tree digest; see `skill/byproducts.py` for when.
    """

    path: str
    kind: EntryKind = "file"
    size: int = 0
    executable: bool = False
    sha256: Digest | None = None
    data: bytes | None = None
    target: str | None = None
    role: Role = "content"

    @property
    def raw_path(self) -> bytes:
        """The path's bytes, the sort key and the hashed form."""
        return self.path.encode("utf-8", "surrogateescape")


class NotChecked(NamedTuple):
    """Something that was not checked, and why: both are words for a person, already free of control characters."""

    what: str
    why: str


class Origin(NamedTuple):
    """Where a skill says it came from. `registry` is a URL; all of it is a claim, never a proof."""

    kind: OriginKind = "unknown"
    slug: str | None = None
    publisher: str | None = None
    version: str | None = None
    registry: str | None = None
    archive_sha256: Digest | None = None


class SkillRef(NamedTuple):
    """How people call the skill, and where it lies. `path` is absolute."""

    name: str
    path: str
    version: str | None = None
    origin: Origin = Origin()


class Snapshot(NamedTuple):
    """The bytes of a skill, read once; everything that is hashed and everything that is analysed comes from here.

    `entries` are sorted by raw path bytes. `gaps` name what could not be read or was refused (links out of the tree,
    devices, limits). A snapshot with gaps can never become a verified record. `archive` is the SHA-256 of the archive that
    the entries were read from, None for a folder.
    """

    entries: tuple[Entry, ...]
    gaps: tuple[NotChecked, ...] = ()
    archive: Digest | None = None

    def content(self) -> tuple[Entry, ...]:
        """Entries that the tree digest covers."""
        return tuple(entry for entry in self.entries if entry.role == "content")

    def files(self) -> tuple[Entry, ...]:
        """Regular files that the tree digest covers."""
        return tuple(entry for entry in self.entries if entry.role == "content" and entry.kind == "file")

    def find(self, path: str) -> Entry | None:
        """Return the entry at `path`, or None."""
        return next((entry for entry in self.entries if entry.path == path), None)


class Subject(NamedTuple):
    """The digests that name a snapshot. `tree` is the identity; `dir_hash1` is shown for other tools and never trusted.

    `unhashed` names what lay in the folder and no digest can cover (devices, links that lead out, unreadable names).
    """

    ref: SkillRef
    tree: Digest
    dir_hash1: Digest
    files: int
    bytes: int
    unhashed: tuple[NotChecked, ...] = ()


def tree_digest(entries: tuple[Entry, ...]) -> Digest:
    """Return the identity of a skill: SHA-256 over `ocvt-tree-v1`.

    The hashed bytes are the format's name and a zero byte, then for each content entry, sorted by raw path: one kind byte
    (`f`, `d` for an empty folder, `l`), the path's length (8 bytes, big-endian) and the path; then for a file its size
    (8 bytes), one byte for the exec bit and the 32 bytes of its SHA-256; for a link the length (8 bytes) and bytes of its target.
    """
    state = hashlib.sha256(TREE_FORMAT.encode() + b"\0")
    for entry in sorted((e for e in entries if e.role == "content"), key=lambda e: e.raw_path):
        raw = entry.raw_path
        state.update(_KIND_BYTE[entry.kind] + len(raw).to_bytes(8, "big") + raw)
        if entry.kind == "file":
            if entry.sha256 is None:
                raise ValueError(f"a file without a digest cannot be named: {entry.path!r}")
            state.update(entry.size.to_bytes(8, "big") + bytes([entry.executable]) + bytes.fromhex(entry.sha256))
        elif entry.kind == "link":
            target = (entry.target or "").encode("utf-8", "surrogateescape")
            state.update(len(target).to_bytes(8, "big") + target)
    return Digest(state.hexdigest())


def dir_hash1(entries: tuple[Entry, ...]) -> Digest:
    """Return in-toto's `dirHash1` over the content files: SHA-256 of sorted `<sha256>  <path>` lines. Binds no exec bit."""
    lines = sorted(
        (entry.raw_path, f"{entry.sha256}  ".encode() + entry.raw_path + b"\n")
        for entry in entries
        if entry.kind == "file" and entry.role == "content"
    )
    return Digest(hashlib.sha256(b"".join(line for _, line in lines)).hexdigest())


def identify(snapshot: Snapshot, ref: SkillRef) -> Subject:
    """Return the subject of a snapshot: its digests, and how many files and bytes they cover."""
    files = snapshot.files()
    return Subject(
        ref=ref,
        tree=tree_digest(snapshot.entries),
        dir_hash1=dir_hash1(snapshot.entries),
        files=len(files),
        bytes=sum(entry.size for entry in files),
        unhashed=snapshot.gaps,
    )
