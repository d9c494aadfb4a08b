"""The walk through a skill's folder: every byte read once, from a descriptor whose type was checked first."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from hashlib import sha256
from io import FileIO

from openclaw_vt.model.subject import Digest, Entry
from openclaw_vt.skill.finds import NOT_KEPT, SET_ID, TOO_DEEP, TOO_LONG, UNHASHED, Finds
from openclaw_vt.skill.folders import NAMES_ARE_UTF8, SWAPPED, Folder, Listing, mount_id, text_of
from openclaw_vt.skill.limits import KIB, Budget

ATTEMPTS = 3
"""Readings of a file, and walks of a folder, before "it changes" is the answer."""
_LAST_ONE = (False,) * (ATTEMPTS - 1) + (True,)

CHANGED = "it changed while it was being read"
MOUNTED = "another file system is mounted there"
_UNSETTLED = "names were added, removed or replaced while it was being read"
_CHUNK = 256 * KIB
_HAS_MODES = os.name == "posix"
_SET_ID = stat.S_ISUID | stat.S_ISGID
_TYPE = stat.S_IFMT(0o177777)
_REGULAR = stat.S_IFREG
_HELD = 32
"""Folders kept open for the last look; more could use up the descriptors of the process (256 on macOS)."""

Reading = tuple[int, Digest, bytes | None, bool]
"""One file: its size, its SHA-256, its bytes (None when not kept), and whether it stood still. A bare tuple, for speed."""


def take(fd: int, before: os.stat_result, keep: bool) -> Reading:  # noqa: FBT001 - called once for each file
    """Read an open file to the end it had when it was opened: the digest and the data are of the same bytes.

    At most one byte more than `before.st_size` is read, so a file that grows for ever ends here. Raises OSError.
    """
    expected = before.st_size
    data: bytes | None = None
    if keep:
        data = os.read(fd, expected + 1)
        if len(data) != expected:
            data = _rest(fd, data, expected + 1)
        size, digest = len(data), sha256(data).hexdigest()
    else:
        size, digest = _stream(fd, expected + 1)
    after = os.fstat(fd)
    stable = (
        size == expected == after.st_size and before.st_mtime_ns == after.st_mtime_ns and before.st_ctime_ns == after.st_ctime_ns
    )
    return size, Digest(digest), data, stable


def _rest(fd: int, start: bytes, limit: int) -> bytes:
    parts, size = [start], len(start)
    while size < limit and (part := os.read(fd, limit - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _stream(fd: int, limit: int) -> tuple[int, str]:
    state, size = sha256(), 0
    view = memoryview(bytearray(_CHUNK))
    with FileIO(fd, closefd=False) as file:
        while size < limit and (count := file.readinto(view[: limit - size])):
            state.update(view[:count])
            size += count
    return size, state.hexdigest()


def record_file(finds: Finds, path: str, mode: int, reading: Reading) -> None:
    """Turn what was read into an entry, and what is wrong with it into gaps."""
    size, digest, data, stable = reading
    if not stable:
        finds.gap(path, CHANGED)
    if data is None:
        finds.gap(path, NOT_KEPT)
    if mode & _SET_ID:
        finds.gap(path, SET_ID)
    finds.entries.append(Entry(path, "file", size, _HAS_MODES and mode & 0o111 != 0, digest, data))


def _crosses(folder: Folder, info: os.stat_result, mount: Callable[[], str | None]) -> bool:
    """Whether something inside `folder` lies on another mount.

    Device numbers alone mislead: overlay and btrfs give files of one mount several. A bind mount from the same file
    system is not seen here, and need not be: what is read through it is what will be used.
    """
    if info.st_dev == folder.info.st_dev:
        return False
    here = folder.mount()
    return here is None or here != mount()


class Walk:
    """One walk. `settled` is False afterwards when names changed on the way, which calls for another walk."""

    __slots__ = ("_budget", "_entries", "_finds", "_held", "settled")

    def __init__(self, finds: Finds, budget: Budget) -> None:
        self._finds = finds
        self._entries = finds.entries
        self._budget = budget
        self._held: list[tuple[Folder, list[str]]] = []
        self.settled = True

    def run(self, root: Folder) -> None:
        """Read everything below `root`. Raises OSError for the root's own listing, SkillUnreadable over hard limits."""
        try:
            listing = root.listing(self._budget.room)
            self._folder(root, "", 0, listing)
            # Names are listed once more at the very end: what was moved from an unread folder to a read one shows here.
            self._same(root, [name for name, _ in listing])
            for folder, names in self._held:
                self._same(folder, names)
        finally:
            for folder, _ in self._held:
                folder.close()
        if not self.settled:
            self._finds.gap(".", _UNSETTLED)

    def _folder(self, folder: Folder, prefix: str, depth: int, listing: Listing) -> None:
        self._budget.count(len(listing))
        longest = self._budget.limits.max_path_bytes
        below = []
        for name, kind in listing:
            path = prefix + (name if NAMES_ARE_UTF8 else text_of(name))
            if (len(path) > longest or not path.isascii()) and not self._nameable(path):
                continue
            if kind == "file":
                self._file(folder, name, path)
            elif kind == "directory":
                below.append((name, path))
            elif kind == "link":
                self._link(folder, name, path)
            else:
                self._finds.gap(path, "it is a device, a FIFO, a socket or a junction")
        for name, path in below:
            self._below(folder, name, path, depth + 1)

    def _nameable(self, path: str) -> bool:
        try:
            raw = path.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # Windows allows names that are not even UTF-16
            self._finds.gap(path, "its name is no text in any encoding")
            return False
        if len(raw) > self._budget.limits.max_path_bytes:
            self._finds.gap(path, TOO_LONG)
            return False
        return True

    def _below(self, parent: Folder, name: str, path: str, depth: int) -> None:
        if depth > self._budget.limits.max_depth:
            self._finds.gap(path, TOO_DEEP)
            return
        try:
            folder = parent.open_folder(name)
        except OSError as error:
            self._failed(path, error)
            return
        held = False
        try:
            if _crosses(parent, folder.info, folder.mount):
                self._finds.gap(path, MOUNTED)
                return
            listing = folder.listing(self._budget.room)
            if listing:
                self._folder(folder, path + "/", depth, listing)
            else:
                self._entries.append(Entry(path, "directory"))
            held = self._hold(folder, [name for name, _ in listing])
        except OSError as error:
            self._failed(path, error)
        finally:
            if not held:
                folder.close()

    def _hold(self, folder: Folder, names: list[str]) -> bool:
        """Keep a folder open for the last look; with many open ones, look now and return False."""
        if len(self._held) < _HELD:
            self._held.append((folder, names))
            return True
        self._same(folder, names)
        return False

    def _same(self, folder: Folder, names: list[str]) -> None:
        try:
            self.settled = self.settled and folder.names(len(names)) == names
        except OSError:
            self.settled = False

    def _link(self, folder: Folder, name: str, path: str) -> None:
        try:
            target = text_of(folder.target(name))
            target.encode("utf-8", "surrogateescape")
        except OSError as error:
            self._failed(path, error)
        except UnicodeEncodeError:
            self._finds.gap(path, "a link whose target is no text in any encoding")
        else:
            self._entries.append(Entry(path, "link", target=target))

    def _file(self, folder: Folder, name: str, path: str) -> None:
        try:
            for last in _LAST_ONE:
                fd = folder.open_file(name)
                try:
                    if self._open_file(folder, fd, path, last=last):
                        return
                finally:
                    os.close(fd)
        except OSError as error:
            self._failed(path, error)

    def _open_file(self, folder: Folder, fd: int, path: str, *, last: bool) -> bool:
        """Turn an open file into an entry or a gap; False when it changed meanwhile and this was not the last try."""
        before = os.fstat(fd)
        mode, size = before.st_mode, before.st_size
        if mode & _TYPE != _REGULAR:
            self.settled = False
            self._finds.gap(path, CHANGED)
        elif before.st_dev != folder.info.st_dev and _crosses(folder, before, lambda: mount_id(fd)):
            self._finds.gap(path, MOUNTED)
        elif (keep := self._budget.admit(size)) is None:
            self._finds.gap(path, UNHASHED)
        else:
            reading = take(fd, before, keep)
            if not (reading[3] or last):
                return False
            record_file(self._finds, path, mode, reading)
        return True

    def _failed(self, path: str, error: OSError) -> None:
        if error.errno in SWAPPED:
            self.settled = False
            self._finds.gap(path, CHANGED)
        else:
            self._finds.gap(path, f"it could not be read: {error.strerror or 'unknown error'}")
