"""Verified copies, for `hooks.run_from = "snapshot"`: read-only, named by their bytes, outside every skill root.

What a call is pointed at is then the bytes that were checked, whatever happens to the original meanwhile. A program of the
same user can still change a copy; it is hashed again before each use like the original.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import threading
import time

from openclaw_vt.daemon.front import Front
from openclaw_vt.errors import GateError
from openclaw_vt.model.subject import Snapshot, Subject, tree_digest
from openclaw_vt.skill.reader import read
from openclaw_vt.store import files

FOLDER = "copies"
MAX_COPIES = 64
LIFE_S = 86_400.0
_READ, _RUN = 0o400, 0o500

log = logging.getLogger(__name__)


class Copies:
    """The copies in one state folder."""

    def __init__(self, state_folder: str, front: Front) -> None:
        self._folder = os.path.join(state_folder, FOLDER)
        self._front = front
        self._lock = threading.Lock()

    def of(self, path: str, subject: Subject) -> str | None:
        """Return a folder with exactly the bytes of `subject`, or None where there can be none (links, a full disk)."""
        if subject.unhashed:
            return None
        copy = os.path.join(self._folder, subject.tree, os.path.basename(path) or "skill")
        try:
            with self._lock:
                if self._holds(copy, subject):
                    os.utime(os.path.dirname(copy))
                    return copy
                self._make(path, copy, subject)
                self._tidy()
                return copy if self._holds(copy, subject) else None
        except (OSError, GateError) as error:
            log.warning("A verified copy could not be made: %s", error)
            return None

    def sweep(self) -> None:
        """Remove copies that were not used for a day, and the oldest of too many. Never raises."""
        with contextlib.suppress(OSError), self._lock:
            self._tidy()

    def _tidy(self) -> None:
        aged = sorted((os.stat(place).st_mtime, place) for place in self._places())
        for number, (used, place) in enumerate(aged):
            if time.time() - used > LIFE_S or len(aged) - number > MAX_COPIES:
                _remove(place)

    def _places(self) -> list[str]:
        return [entry.path for entry in os.scandir(self._folder) if entry.is_dir(follow_symlinks=False)]

    def _holds(self, copy: str, subject: Subject) -> bool:
        try:
            # A link would be verified bytes in a place that anybody may write to a moment later.
            linked = os.path.islink(copy) or os.path.islink(os.path.dirname(copy)) or os.path.islink(self._folder)
            return not linked and os.path.isdir(copy) and self._front.identify(copy).tree == subject.tree
        except GateError:
            return False

    def _make(self, path: str, copy: str, subject: Subject) -> None:
        snapshot = read(path)
        if tree_digest(snapshot.entries) != subject.tree or any(entry.kind == "link" for entry in snapshot.entries):
            raise GateError("The skill changed while it was copied, or holds links.")
        files.make_folder(self._folder)
        if files.unsafe_reason(self._folder):
            raise GateError("The folder for copies is not private.")
        place = os.path.dirname(copy)
        if not os.path.isdir(place) or os.path.islink(place):
            _remove(place)
        # Only this name is replaced: a skill of the same bytes under another name has its copy beside it.
        fresh = os.path.join(place, f".{os.getpid()}.new")
        _remove(fresh)
        try:
            _write(snapshot, fresh)
            _remove(copy)
            os.chmod(fresh, files.FOLDER_MODE)  # some systems do not rename a folder that is closed
            os.rename(fresh, copy)
            os.chmod(copy, _RUN)
        except BaseException:
            with contextlib.suppress(OSError):
                _remove(fresh)
                os.rmdir(place)  # unless a copy under another name lies there
            raise


def _write(snapshot: Snapshot, root: str) -> None:
    """Write the content of a snapshot: what the digest covers, and nothing else."""
    files.make_folder(root)
    for entry in snapshot.content():
        target = os.path.join(root, *entry.path.split("/"))
        if entry.kind == "directory":
            files.make_folder(target)
            continue
        if entry.data is None:
            raise GateError("A file is too large to be copied.")
        files.make_folder(os.path.dirname(target))
        fd = os.open(
            target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), _RUN if entry.executable else _READ
        )
        with os.fdopen(fd, "wb") as handle:
            handle.write(entry.data)
            if os.name == "posix":
                os.fchmod(handle.fileno(), _RUN if entry.executable else _READ)
    for folder, _, _ in os.walk(root, topdown=False):
        os.chmod(folder, _RUN)


def _remove(place: str) -> None:
    if not os.path.lexists(place):
        return
    if os.path.islink(place) or not os.path.isdir(place):
        os.unlink(place)  # a link is taken away; what it leads to is somebody else's
        return
    for folder, _, _ in os.walk(place):
        with contextlib.suppress(OSError):
            os.chmod(folder, files.FOLDER_MODE)
    shutil.rmtree(place)
