"""Reading and replacing OpenClaw's configuration file: bounded, never through a link, its mode kept."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path

from openclaw_vt.errors import ConfigError

MAX_CONFIG_BYTES = 1 << 20
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
_WINDOWS = sys.platform == "win32"
_READ = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


@dataclass(frozen=True, slots=True)
class OnDisk:
    """A file as it was read: its bytes, permission bits and group."""

    data: bytes
    mode: int = PRIVATE_FILE
    group: int | None = None


def read_editable(path: Path) -> OnDisk | None:
    """Return a file that we may edit, None when there is none.

    Raises ConfigError for a link (which would be replaced by a plain file), another owner's file, anything that is no
    regular file, several names for one file, and more than 1 MiB.
    """
    try:
        fd = os.open(path, _READ | _NO_FOLLOW)
    except FileNotFoundError:
        return None
    except OSError as error:
        linked = error.errno in {errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP)}
        raise _refused(path, "it is a symbolic link" if linked else error.strerror or "it cannot be opened") from None
    try:
        found = os.fstat(fd)
        _check(path, found)
        data = _take(fd, MAX_CONFIG_BYTES + 1)
    finally:
        os.close(fd)
    if len(data) > MAX_CONFIG_BYTES:
        raise _refused(path, f"it is larger than {MAX_CONFIG_BYTES >> 20} MiB")
    return OnDisk(data, stat.S_IMODE(found.st_mode), None if _WINDOWS else found.st_gid)


def _check(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise _refused(path, "it is no regular file")
    if not _NO_FOLLOW and path.is_symlink():
        raise _refused(path, "it is a symbolic link")
    if not _WINDOWS and found.st_uid != os.geteuid():
        raise _refused(path, "another user owns it")
    if found.st_nlink > 1:
        raise _refused(path, "it has a second name (a hard link)")


def _refused(path: Path, why: str) -> ConfigError:
    return ConfigError(
        f"{path} is left alone.",
        why=f"It cannot be edited safely: {why}.",
        remedy="Make it a regular file of your own, or add the setting yourself.",
    )


def read_bounded(path: Path, *, limit: int = MAX_CONFIG_BYTES) -> bytes | None:
    """Return a regular file's bytes for reading alone, through links, None when there is none. Raises OSError."""
    try:
        fd = os.open(path, _READ)
    except FileNotFoundError:
        return None
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        data = _take(fd, limit + 1)
    finally:
        os.close(fd)
    if len(data) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes")
    return data


def _take(fd: int, most: int) -> bytes:
    parts = []
    while most > 0 and (part := os.read(fd, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def replace(path: Path, new: OnDisk) -> None:
    """Replace a file whole or not at all, with the given mode and, where the system lets us, group. Raises OSError."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.new")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_FOLLOW | getattr(os, "O_BINARY", 0), PRIVATE_FILE)
    try:
        with os.fdopen(fd, "wb") as handle:
            handle.write(new.data)
            handle.flush()
            if not _WINDOWS:
                if new.group is not None:
                    with contextlib.suppress(OSError):
                        os.fchown(fd, -1, new.group)
                os.fchmod(fd, new.mode)  # after the group, which can clear bits; the umask has no say
            os.fsync(fd)
        fresh.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise


def make_private_folder(path: Path) -> None:
    """Make a folder and its missing parents with mode 0700 whatever the umask. Raises OSError."""
    if path.is_dir():
        return
    make_private_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(PRIVATE_FOLDER)
        path.chmod(PRIVATE_FOLDER)
