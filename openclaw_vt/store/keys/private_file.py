"""Files that hold a key: written whole or not at all, read only while nobody else can have touched them.

On Windows there are no owner and mode bits to look at; a profile's folders are closed to other users by their ACL, which new
files inherit. Everything else here holds there too.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import Final, TypeVar

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store import files
from openclaw_vt.store.files import StrPath
from openclaw_vt.store.keys.secret import SecretText

T = TypeVar("T")

HAS_MODES: Final = os.name == "posix"
ANY_OTHER: Final = 0o077
"""Mode bits of group and others: a private key must have none of them."""
OTHER_WRITES: Final = 0o022
"""Mode bits that let group or others write: a public key and folders on the way must have none of them."""

# A FIFO put in the place of a key file must be refused, not waited for.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def shown(path: StrPath) -> str:
    """Return the path for a message: control characters escaped, so that a hostile name cannot draw on a terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in os.fspath(path))


def attempt(doing: str, path: StrPath, work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise KeyStoreError in place of an OSError. Its text names a path, never the content."""
    try:
        return work()
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
    # Raised out here: inside, Python would chain the OSError, whose frames may hold the content.
    raise KeyStoreError(f"Could not {doing} {shown(path)}.", why=why)


def us() -> int:
    """Return our user id; 0 where there are none."""
    return os.geteuid() if HAS_MODES else 0


def check_folder(path: StrPath, *, loose: int) -> None:
    """Raise KeyStoreError unless `path` is a real folder, of ours or root's, without the mode bits in `loose`."""
    info = attempt("look at", path, lambda: os.lstat(path))
    if not stat.S_ISDIR(info.st_mode):
        raise KeyStoreError(f"{shown(path)} is not a folder.", why="Keys are not read through links.")
    _check_access(path, info, loose=loose, tight=files.FOLDER_MODE)


def _check_access(path: StrPath, info: os.stat_result, *, loose: int, tight: int) -> None:
    if not HAS_MODES:
        return
    if info.st_uid not in (0, us()):
        raise KeyStoreError(
            f"{shown(path)} belongs to another user.",
            why=f"Its owner is user {info.st_uid}; we run as user {us()}.",
            remedy="Run as the user who owns it, or remove it.",
        )
    if info.st_mode & loose:
        raise KeyStoreError(
            f"Other users have access to {shown(path)}.",
            why=f"Its mode is {stat.S_IMODE(info.st_mode):04o}.",
            remedy=f"Run `chmod {tight:o} '{shown(path)}'`; if others were on this machine meanwhile, replace the key.",
        )


def make_folder(path: StrPath) -> None:
    """Create `path` and what is missing above it, each 0700 whatever the umask; then check it like `check_folder`."""
    attempt("create", path, lambda: files.make_folder(path))
    check_folder(path, loose=OTHER_WRITES)


def read(path: StrPath, *, max_bytes: int, loose: int) -> bytes | None:
    """Return the content of a regular file of ours or root's, or None when there is none.

    Raises KeyStoreError for links, other kinds of file, further hard links, another owner, mode bits in `loose`, and more than
    `max_bytes` bytes. What is checked is what was opened, so nothing can be swapped in between.
    """
    if not hasattr(os, "O_NOFOLLOW") and os.path.islink(path):
        raise _is_link(path)
    try:
        handle = os.open(path, _READ)
    except FileNotFoundError:
        return None
    except OSError as error:
        if os.path.islink(path):
            raise _is_link(path) from None
        raise KeyStoreError(f"Could not open {shown(path)}.", why=f"{error.strerror}.") from None
    try:
        _check_file(path, os.fstat(handle), max_bytes=max_bytes, loose=loose)
        # Nothing is done with the content here, so that no error's frames hold it.
        return attempt("read", path, lambda: os.read(handle, max_bytes))
    finally:
        os.close(handle)


def _is_link(path: StrPath) -> KeyStoreError:
    return KeyStoreError(f"{shown(path)} is a link.", why="Keys are not read through links.", remedy="Remove it.")


def _check_file(path: StrPath, info: os.stat_result, *, max_bytes: int, loose: int) -> None:
    if not stat.S_ISREG(info.st_mode):
        raise KeyStoreError(f"{shown(path)} is not a regular file.", remedy="Remove it.")
    # None is a file that was replaced since it was opened: still the old key, whole.
    if HAS_MODES and info.st_nlink > 1:
        raise KeyStoreError(f"{shown(path)} has a second name.", why="Hard links to keys are refused.", remedy="Remove it.")
    _check_access(path, info, loose=loose, tight=files.FILE_MODE)
    if info.st_size > max_bytes:
        raise KeyStoreError(f"{shown(path)} is too large to be a key.", remedy="Remove it.")


def write(path: StrPath, content: SecretText) -> None:
    """Put `content` (ASCII) at `path` with mode 0600, whole or not at all, and on the disk before this returns.

    A link at `path` is replaced, not followed. Raises KeyStoreError, none of whose frames holds the revealed content.
    """
    attempt("write", path, lambda: files.replace(path, [content.reveal().encode("ascii")]))


def remove(path: StrPath) -> bool:
    """Remove `path` and what an interrupted `write` left of it. Returns whether there was one. Raises KeyStoreError."""
    files.sweep(path)
    return attempt("remove", path, lambda: _unlink(path))


def _unlink(path: StrPath) -> bool:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return False
    return True
