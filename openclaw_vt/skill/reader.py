"""Folder, archive or single file -> Snapshot: what is hashed, analysed and handed on are the same bytes, read once.

What counts, and how:

* The path a person names may be a link; below it no link is ever followed. A relative link that arrives inside the skill
  is an entry with its target text; any other is a gap.
* Every regular file is content, whatever its name: dotfiles, a `.git` file, `node_modules`, `__pycache__`, `.env`.
  The exceptions (records of the installer, by-products of running the skill) stand in `byproducts.py`.
* A file is executable when any of its three x bits is set. setuid and setgid are gaps. Extended attributes and access
  lists are not read: no interpreter of a skill takes code from them, and honest systems add them (quarantine marks, labels).
* A hard link is content like any file. Package managers make them, and another name for the same bytes gives nobody
  a new way to change them: every use hashes again.
* Devices, FIFOs and sockets are gaps and never opened. So are other mounts, unreadable names, and names that some
  systems misread. Over the number of names the whole is refused; over the other limits the part that is over is a gap.
"""

# ruff: noqa: PTH100, PTH116, PTH119 - names are joined and opened thousands of times, and importing pathlib would cost a cache hit 5 ms

from __future__ import annotations

import errno
import os
import stat

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Snapshot
from openclaw_vt.skill.finds import UNHASHED, Finds
from openclaw_vt.skill.folders import OPEN_ROOT_FILE, open_root, text_of
from openclaw_vt.skill.kinds import HEAD_BYTES, archive_kind, refused
from openclaw_vt.skill.limits import DEFAULT_LIMITS, Budget, Limits
from openclaw_vt.skill.walk import ATTEMPTS, CHANGED, Reading, Walk, record_file, take


def read(path: str | os.PathLike[str], *, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    """Read a skill once: a folder, a ZIP or tar archive (known by its first bytes), or one file.

    Returns everything that could be read; the rest is named in `gaps`. A folder without SKILL.md is read like any other.
    Raises SkillUnreadable when there is nothing at `path`, it cannot be opened, it is over a limit that leaves no part
    worth judging, or it is an archive that two programs could read in two ways.
    """
    where = os.fsdecode(path)
    try:
        mode = os.stat(where).st_mode
        if stat.S_ISDIR(mode):
            return _read_folder(where, Budget(limits))
        if stat.S_ISREG(mode):
            return _read_file(where, Budget(limits))
    except (OSError, ValueError) as error:
        raise _unreadable(where, error) from error
    raise SkillUnreadable(
        f"{shown(where)} is no skill.",
        why="It is neither a folder nor a file.",
        remedy="Name the folder that holds SKILL.md, or the skill's archive.",
    )


def _unreadable(where: str, error: OSError | ValueError) -> SkillUnreadable:
    if isinstance(error, FileNotFoundError):
        return SkillUnreadable(f"There is nothing at {shown(where)}.", remedy="Check the path.")
    why = (error.strerror if isinstance(error, OSError) else None) or "The path is malformed"
    return SkillUnreadable(
        f"{shown(where)} cannot be read.", why=f"{why}.", remedy="Check the path, and that you may read what is there."
    )


def _read_folder(where: str, budget: Budget) -> Snapshot:
    root = open_root(where)
    try:
        for _ in range(ATTEMPTS):
            finds = Finds(budget.limits)
            budget.restart()
            walk = Walk(finds, budget)
            walk.run(root)
            if walk.settled:
                break
    finally:
        root.close()
    return finds.snapshot(where)


def _read_file(where: str, budget: Budget) -> Snapshot:
    finds = Finds(budget.limits)
    name = text_of(os.path.basename(os.path.abspath(where)))
    fd = os.open(where, OPEN_ROOT_FILE)
    try:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode):
            raise OSError(errno.ESTALE, "It was replaced while it was opened")
        kind = archive_kind(os.read(fd, HEAD_BYTES), name)
        if kind is not None and info.st_size > budget.limits.max_archive_bytes:
            raise refused(f"it is larger than {budget.limits.max_archive_bytes:,} bytes")
        keep = budget.admit(info.st_size)
        if keep is None:
            finds.gap(name, UNHASHED)
            return finds.snapshot(None)
        reading = _stable(fd, keep=keep or kind is not None)
    finally:
        os.close(fd)
    _, digest, data, stable = reading
    if kind is None or data is None:
        record_file(finds, name, info.st_mode, reading)
        return finds.snapshot(None)
    if not stable:
        raise refused(CHANGED)
    from openclaw_vt.skill.archive import read_archive

    return read_archive(data, kind, budget)._replace(archive=digest)


def _stable(fd: int, *, keep: bool) -> Reading:
    for _ in range(ATTEMPTS):
        os.lseek(fd, 0, os.SEEK_SET)
        reading = take(fd, os.fstat(fd), keep)
        if reading[3]:
            break
    return reading
