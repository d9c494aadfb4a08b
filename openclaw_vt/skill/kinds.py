"""What kind of file a person named: told by its first bytes, never by its name alone."""

from __future__ import annotations

from typing import Literal

from openclaw_vt.errors import SkillUnreadable

ArchiveKind = Literal["zip", "tar", "gzip"]

HEAD_BYTES = 512
"""Bytes that tell the kind of a file: one tar header."""

_SUFFIXES: dict[str, ArchiveKind] = {
    ".zip": "zip",
    ".skill": "zip",
    ".tar": "tar",
    ".tar.gz": "gzip",
    ".tgz": "gzip",
}
_ZIP = (b"PK\3\4", b"PK\5\6")
_UNSUPPORTED = {
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
    b"7z\xbc\xaf\x27\x1c": "7-Zip",
    b"Rar!\x1a\x07": "RAR",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


def refused(why: str) -> SkillUnreadable:
    """Return the error for an archive that is refused as a whole; `why` is a clause in our own words."""
    return SkillUnreadable(
        "This archive is refused.",
        why=f"{why[:1].upper()}{why[1:]}.",
        remedy="Unpack it in a place you trust and name the folder, or ask the publisher for a plain ZIP or tar.gz.",
    )


def archive_kind(head: bytes, name: str) -> ArchiveKind | None:
    """Return which archive the first bytes of a file announce; None for anything else.

    Raises SkillUnreadable when the name promises another archive than the bytes (a polyglot, or data put in front), and
    for archives this reader cannot open.
    """
    kind = _by_bytes(head)
    lower = name.lower()
    promised = next((kind for suffix, kind in _SUFFIXES.items() if lower.endswith(suffix)), None)
    if promised is not None and kind != promised:
        raise refused("its name promises another format than its first bytes hold")
    for magic, label in _UNSUPPORTED.items():
        if head.startswith(magic):
            raise refused(f"{label} archives are not read")
    return kind


def _by_bytes(head: bytes) -> ArchiveKind | None:
    if head.startswith(_ZIP):
        return "zip"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "tar" if head[257:262] == b"ustar" else None
