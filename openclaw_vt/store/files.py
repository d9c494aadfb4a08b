"""Private files: 0600 in 0700 folders whatever the umask, replaced whole or not at all, never written through a link.

On Windows the modes mean little; there the profile folder's access list is what keeps other users out.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from openclaw_vt.errors import CacheError

StrPath = str | os.PathLike[str]
"""Paths are worked on as text: a cache hit comes through here and must not pay for loading `pathlib`."""

FILE_MODE = 0o600
FOLDER_MODE = 0o700
_WINDOWS = sys.platform == "win32"
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_FLAGS = _NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_FIRST_READ = 64 * 1024
_REPLACE_TRIES = 50
_REPLACE_PAUSE_S = 0.02


def make_folder(path: StrPath) -> None:
    """Make `path` and its missing parents with mode 0700. Raises OSError."""
    missing = []
    while path and not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, FOLDER_MODE)
            os.chmod(folder, FOLDER_MODE)  # mkdir's mode went through the umask


def unsafe_reason(path: StrPath) -> str | None:
    """Return why another user could write into the folder `path`, or None when nobody can.

    Raises OSError when the folder cannot be looked at. root may own it: root needs no folder to write anywhere.
    """
    found = os.stat(path)
    if not stat.S_ISDIR(found.st_mode):
        return "it is no folder"
    if _WINDOWS:
        return None
    if found.st_uid not in (os.geteuid(), 0):
        return "another user owns it"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "other users may write there"
    return None


class NotPlain(OSError):  # noqa: N818 - what was found, not what went wrong
    """There is something, but no regular file of a reasonable size: a link, a folder, a pipe, too many bytes."""


def found(path: StrPath) -> os.stat_result | None:
    """Return what lies at `path`, or None when nothing does. Raises NotPlain for anything but a regular file, else OSError."""
    try:
        result = os.lstat(path)
    except FileNotFoundError:
        return None
    _check_plain(path, result)
    return result


def _check_plain(path: StrPath, result: os.stat_result) -> None:
    if not stat.S_ISREG(result.st_mode):
        why = "It is a link." if stat.S_ISLNK(result.st_mode) else "It is no regular file."
        raise NotPlain(errno.EINVAL, why, str(path))


def read(path: StrPath, *, limit: int) -> bytes | None:
    """Return the bytes of a regular file, or None when there is none. Raises NotPlain, or another OSError.

    It never waits for the other end of a pipe.
    """
    if not _NOFOLLOW and found(path) is None:
        return None
    try:
        fd = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | _FLAGS)
    except FileNotFoundError:
        return None
    except OSError:
        found(path)  # says that it is a link, if that is why
        raise
    try:
        _check_plain(path, os.fstat(fd))
        raw = _read_all(fd, limit + 1)
    finally:
        os.close(fd)
    if len(raw) > limit:
        raise NotPlain(errno.EFBIG, f"It is larger than {limit} bytes.", str(path))
    return raw


def _read_all(fd: int, most: int) -> bytes:
    raw = os.read(fd, min(most, _FIRST_READ))
    parts = [raw]
    while raw and (most := most - len(raw)) > 0:
        raw = os.read(fd, most)
        parts.append(raw)
    return b"".join(parts)


def create(path: StrPath) -> None:
    """Make an empty private file, or leave the one that is there alone. Raises OSError."""
    with contextlib.suppress(FileExistsError):
        os.close(_open_new(path))


def _open_new(path: StrPath) -> int:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, FILE_MODE)
    if not _WINDOWS:
        os.fchmod(fd, FILE_MODE)  # open's mode went through the umask
    return fd


def replace(path: StrPath, chunks: Iterable[bytes]) -> None:
    """Write a private file so that a reader sees the old bytes or the new ones, also after a crash. Raises OSError."""
    fresh = f"{os.fspath(path)}.{os.getpid()}-{os.urandom(4).hex()}.new"
    try:
        with os.fdopen(_open_new(fresh), "wb") as handle:
            for chunk in chunks:
                handle.write(chunk)
            handle.flush()
            sync(handle.fileno())
        rename(fresh, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(fresh)
        raise
    sync_folder(parent(path))


def append(path: StrPath, data: bytes) -> None:
    """Add bytes to an existing regular file, durably, all or none of them. Raises NotPlain, or another OSError."""
    found(path)
    fd = os.open(path, os.O_WRONLY | os.O_APPEND | _FLAGS)
    try:
        before = os.fstat(fd).st_size
        try:
            if os.write(fd, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            sync(fd)
        except OSError:
            os.truncate(path, before)  # half a line would be one more thing to mend
            raise
    finally:
        os.close(fd)


def sweep(path: StrPath) -> None:
    """Remove what killed writers left beside `path`. Call it only while holding the lock that `path`'s writers hold."""
    folder, start = parent(path), f"{os.path.basename(path)}."
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.startswith(start) and name.endswith(".new"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def rename(source: StrPath, target: StrPath) -> None:
    """Move a file over whatever is at `target`, atomically. Raises OSError."""
    for attempt in range(_REPLACE_TRIES):
        try:
            os.replace(source, target)
        except PermissionError:
            # Windows refuses while a reader has the target open; readers hold it for microseconds.
            if not _WINDOWS or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(_REPLACE_PAUSE_S)
        else:
            return


def set_aside(path: StrPath, *companions: str) -> str | None:
    """Rename `path` to `<name>.set-aside-N` and return the new name, or None when there was nothing. Raises OSError.

    `companions` are suffixes of files that belong to it and move first: SQLite would play a journal that stayed behind
    into the next database of that name.
    """
    number = 1
    while any(os.path.lexists(_aside(path, number, suffix)) for suffix in ("", *companions)):
        number += 1
    moved = None
    for suffix in (*companions, ""):
        source = os.fspath(path) + suffix
        if os.path.lexists(source):
            rename(source, _aside(path, number, suffix))
            moved = _aside(path, number, "")
    if moved:
        sync_folder(parent(path))
    return moved


def _aside(path: StrPath, number: int, suffix: str) -> str:
    return f"{os.fspath(path)}.set-aside-{number}{suffix}"


def parent(path: StrPath) -> str:
    """Return the folder that `path` lies in."""
    return os.path.dirname(path) or os.curdir


def sync(fd: int) -> None:
    """Make written bytes durable. Raises OSError."""
    if sys.platform == "darwin":
        import fcntl

        # There fsync stops at the drive's cache, and the order of database and head would be lost with the power.
        with contextlib.suppress(OSError):
            fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            return
    os.fsync(fd)


def sync_folder(path: StrPath) -> None:
    """Make renames in `path` durable. Windows has no such call and journals them itself. Raises OSError."""
    if _WINDOWS:
        return
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


@contextmanager
def locked(path: StrPath, *, wait_s: float) -> Iterator[None]:
    """Hold the lock file `path`; the operating system frees it when the process dies. Raises CacheError after `wait_s`."""
    from filelock import FileLock, Timeout

    # Another object for each use, so that two threads of one process exclude each other as two processes do.
    lock = FileLock(path, timeout=wait_s, mode=FILE_MODE)
    try:
        lock.acquire()
    except Timeout:
        raise CacheError(
            f"{os.path.basename(path)} is held by another process.",
            why=f"It was not released within {wait_s:g} seconds.",
            remedy="Stop the other openclaw-vt, or try again.",
        ) from None
    except OSError as error:
        raise CacheError(f"{os.path.basename(path)} cannot be locked.", why=error.strerror or type(error).__name__) from None
    try:
        yield
    finally:
        lock.release()
