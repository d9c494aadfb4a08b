"""Ways into a folder that never follow a link: by directory descriptors, or by comparing what was named with what opened.

Descriptors (Linux, macOS, BSD) leave nothing to race for: each name is opened relative to a folder that is already open.
Elsewhere (Windows) `PathFolder` looks before and after opening and refuses when the two are not the same object; somebody
who swaps a folder away and back between the two looks can still choose which bytes are read, never make the digest differ
from the bytes that are handed on.
"""

# ruff: noqa: PTH115, PTH118, PTH123 - names are joined and opened thousands of times, and importing pathlib would cost a cache hit 5 ms

from __future__ import annotations

import errno
import os
import stat
import sys
from itertools import islice
from typing import Literal, Protocol

NameKind = Literal["file", "directory", "link", "other"]
Listing = list[tuple[str, NameKind]]
"""Names as the system spells them, and what each one is; sorted."""

_OPEN = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO put in a file's place must not make us wait
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_NOINHERIT", 0)
)
OPEN_ROOT_FILE = _OPEN
OPEN_ROOT_FOLDER = _OPEN | getattr(os, "O_DIRECTORY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
OPEN_FILE = _OPEN | _NO_FOLLOW
OPEN_FOLDER = OPEN_ROOT_FOLDER | _NO_FOLLOW

HAS_DESCRIPTORS = bool(
    _NO_FOLLOW and {os.open, os.readlink} <= os.supports_dir_fd and os.scandir in os.supports_fd and os.name == "posix"
)
NAMES_ARE_UTF8 = os.name == "posix" and sys.getfilesystemencoding() == "utf-8"
_NAME_SURROGATE = 0x20000000
"""Bit of a Windows reparse tag that says: this name stands for another place (a junction, a mount)."""

SWAPPED = frozenset(
    {errno.ELOOP, errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENXIO, errno.ESTALE, getattr(errno, "EMLINK", -1)}
)
"""What opening says when a name is no longer what the listing said."""


class Folder(Protocol):
    """An open folder. Every method raises OSError; `info` is what the folder was when it was opened."""

    info: os.stat_result

    def listing(self, room: int) -> Listing:
        """Return names and kinds; one more than `room` at most."""

    def names(self, room: int) -> list[str]:
        """Return the names alone, in the order of `listing`; one more than `room` at most."""

    def open_file(self, name: str) -> int:
        """Open a file for reading, never through a link, never waiting."""

    def open_folder(self, name: str) -> Folder:
        """Open a folder inside this one, never through a link."""

    def target(self, name: str) -> str:
        """Return the text of a link."""

    def mount(self) -> str | None:
        """Return the id of the mount it lies on, or None where the system does not tell."""

    def close(self) -> None:
        """Let go of it."""


def text_of(name: str) -> str:
    """Return a name as our paths hold it: UTF-8, with other bytes as surrogate escapes, whatever the locale."""
    if NAMES_ARE_UTF8 or os.name != "posix":
        return name
    return os.fsencode(name).decode("utf-8", "surrogateescape")


def _kind(entry: os.DirEntry[str]) -> NameKind:
    if entry.is_file(follow_symlinks=False):
        return "file"
    if entry.is_dir(follow_symlinks=False):
        return "other" if os.name == "nt" and _is_junction(entry) else "directory"
    return "link" if entry.is_symlink() else "other"


def _is_junction(entry: os.DirEntry[str]) -> bool:
    return bool(getattr(entry.stat(follow_symlinks=False), "st_reparse_tag", 0) & _NAME_SURROGATE)


class DescriptorFolder:
    """A folder held by its descriptor."""

    __slots__ = ("_fd", "info")

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.info = os.fstat(fd)

    def listing(self, room: int) -> Listing:
        """See Folder."""
        with os.scandir(self._fd) as names:
            return sorted([(name.name, _kind(name)) for name in islice(names, room + 1)])

    def names(self, room: int) -> list[str]:
        """See Folder."""
        with os.scandir(self._fd) as names:
            return sorted([name.name for name in islice(names, room + 1)])

    def open_file(self, name: str) -> int:
        """See Folder."""
        return os.open(name, OPEN_FILE, dir_fd=self._fd)

    def open_folder(self, name: str) -> DescriptorFolder:
        """See Folder."""
        return DescriptorFolder(os.open(name, OPEN_FOLDER, dir_fd=self._fd))

    def target(self, name: str) -> str:
        """See Folder."""
        return os.readlink(name, dir_fd=self._fd)

    def close(self) -> None:
        """See Folder."""
        os.close(self._fd)

    def mount(self) -> str | None:
        """See Folder."""
        return mount_id(self._fd)


def mount_id(fd: int) -> str | None:
    """Return the id of the mount that a descriptor came through, or None where the system does not tell (Linux does)."""
    try:
        with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as lines:
            return next((line.split()[1] for line in lines if line.startswith("mnt_id:")), None)
    except OSError:
        return None


class PathFolder:
    """A folder named by its path, for systems without directory descriptors."""

    __slots__ = ("_path", "info")

    def __init__(self, path: str) -> None:
        self._path = path
        self.info = _no_link(path)

    def listing(self, room: int) -> Listing:
        """See Folder."""
        with os.scandir(self._path) as names:
            found = sorted([(name.name, _kind(name)) for name in islice(names, room + 1)])
        self._still_here()
        return found

    def names(self, room: int) -> list[str]:
        """See Folder."""
        return [name for name, _ in self.listing(room)]

    def open_file(self, name: str) -> int:
        """See Folder."""
        path = os.path.join(self._path, name)
        before = _no_link(path)
        if not stat.S_ISREG(before.st_mode):
            raise OSError(errno.ESTALE, "no longer a file")
        fd = os.open(path, OPEN_FILE)
        try:
            self._still_here()
            if not os.path.samestat(before, os.fstat(fd)):
                raise OSError(errno.ESTALE, "replaced while it was opened")
        except BaseException:
            os.close(fd)
            raise
        return fd

    def open_folder(self, name: str) -> PathFolder:
        """See Folder."""
        folder = PathFolder(os.path.join(self._path, name))
        self._still_here()
        return folder

    def target(self, name: str) -> str:
        """See Folder."""
        text = os.readlink(os.path.join(self._path, name))
        self._still_here()
        # The same link must have the same text everywhere, and Windows writes `\\` between its steps.
        return text.replace("\\", "/") if os.sep == "\\" else text

    def mount(self) -> str | None:
        """See Folder."""
        return None

    def close(self) -> None:
        """See Folder."""

    def _still_here(self) -> None:
        if not os.path.samestat(self.info, _no_link(self._path)):
            raise OSError(errno.ESTALE, "the folder was replaced")


def _no_link(path: str) -> os.stat_result:
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode) or getattr(info, "st_reparse_tag", 0) & _NAME_SURROGATE:
        raise OSError(errno.ELOOP, "a link or junction stands in its place")
    return info


def open_root(path: str) -> Folder:
    """Open the folder a person named. It may be a link or lie behind links: they are resolved here, once. Raises OSError."""
    if HAS_DESCRIPTORS:
        return DescriptorFolder(os.open(path, OPEN_ROOT_FOLDER))
    return PathFolder(os.path.realpath(path))
