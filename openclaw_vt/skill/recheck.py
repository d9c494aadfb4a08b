"""Are these still the same bytes? A skill that was read before is read again in full, and only compared.

Every file is opened without following a link, read to its end and hashed, exactly as in `reader.read`; what is left out is
building a snapshot of it. A yes means that `read` would return the same entries and no gaps. Everything unusual is a no, and
then `read` has the word: links, by-products, other mounts, systems without directory descriptors.
"""

from __future__ import annotations

import os
import stat
from hashlib import sha256
from typing import NamedTuple

from openclaw_vt.model.subject import Snapshot
from openclaw_vt.skill.folders import HAS_DESCRIPTORS, NAMES_ARE_UTF8, OPEN_FILE, OPEN_FOLDER, OPEN_ROOT_FOLDER

_REGULAR = stat.S_IFREG
_KIND = stat.S_IFMT(0o177777) | stat.S_ISUID | stat.S_ISGID
"""The type of a file and the bits that lend its owner's rights: nothing but a plain regular file is compared."""
MAX_FILE_BYTES = 1024 * 1024
"""Larger files are left to the reader, which streams them."""

_File = tuple[str, int, bool, bytes]
_Tree = dict[str, "_File | _Tree"]


class Shape(NamedTuple):
    """A folder as it was read: its names, its files (name, size in bytes, executable, SHA-256), its folders."""

    names: frozenset[str]
    files: tuple[_File, ...]
    folders: tuple[tuple[str, Shape], ...]


def shape_of(snapshot: Snapshot) -> Shape | None:
    """Return what `unchanged` compares with, or None for a snapshot that holds something unusual."""
    if not (HAS_DESCRIPTORS and NAMES_ARE_UTF8) or snapshot.gaps or snapshot.archive is not None:
        return None
    items: list[tuple[str, tuple[int, bool, bytes] | None]] = []
    for entry in snapshot.entries:
        if entry.kind == "file" and entry.role == "content" and entry.sha256 and entry.size <= MAX_FILE_BYTES:
            items.append((entry.path, (entry.size, entry.executable, bytes.fromhex(entry.sha256))))
        elif entry.kind == "directory":
            items.append((entry.path, None))
        else:
            return None
    tree: _Tree = {}
    for path, file in items:
        *above, name = path.split("/")
        below = tree
        for step in above:
            below = below.setdefault(step, {})  # type: ignore[assignment] # a name is a file or a folder, never both
        below[name] = {} if file is None else (name, *file)
    return _shape(tree)


def _shape(tree: _Tree) -> Shape:
    files = tuple([item for item in tree.values() if isinstance(item, tuple)])
    folders = tuple([(name, _shape(item)) for name, item in tree.items() if isinstance(item, dict)])
    return Shape(frozenset(tree), files, folders)


def unchanged(path: str, shape: Shape) -> bool:
    """Return whether the folder at `path` holds exactly these bytes now. Never raises."""
    try:
        fd = os.open(path, OPEN_ROOT_FOLDER)
        try:
            return _same(fd, shape, os.fstat(fd).st_dev)
        finally:
            os.close(fd)
    except (OSError, ValueError):
        return False


def _same(folder: int, shape: Shape, device: int) -> bool:
    if shape.names != set(os.listdir(folder)):
        return False
    for name, size, executable, digest in shape.files:
        fd = os.open(name, OPEN_FILE, dir_fd=folder)
        try:
            found = os.fstat(fd)
            mode = found.st_mode
            if mode & _KIND != _REGULAR:
                return False
            # One byte more than there should be: a file that grew is another file. A short read is a no too: the reader decides.
            data = os.read(fd, size + 1)
        finally:
            os.close(fd)
        if sha256(data).digest() != digest or (mode & 0o111 != 0) is not executable or found.st_dev != device:
            return False
    for name, below in shape.folders:
        fd = os.open(name, OPEN_FOLDER, dir_fd=folder)
        try:
            if os.fstat(fd).st_dev != device or not _same(fd, below, device):
                return False
        finally:
            os.close(fd)
    return True
