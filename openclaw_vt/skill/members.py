"""The members of an archive, checked one by one as they come, and as a tree at the end.

A single top folder (npm's `package/`, most ZIP files) is taken off when nothing else stands beside it, which implies that
SKILL.md is not at the root; so a skill has one identity as a folder, as a ZIP and as a tar. Members that cannot be read
(encrypted, unknown compression, devices, hard links) are gaps. A link inside an archive is an entry when it arrives
inside the skill, and a gap as well, because programs that unpack it disagree on what it becomes.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Literal

from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Digest, Entry, Snapshot
from openclaw_vt.skill.finds import NOT_KEPT, SET_ID, UNHASHED, Finds, moved
from openclaw_vt.skill.kinds import refused
from openclaw_vt.skill.limits import KIB, MIB, Budget, Limits

CHUNK = 64 * KIB
_RATIO_COUNTS_FROM = 16 * MIB
_LINK_IN_ARCHIVE = "a link in an archive; programs that unpack it do not agree on what it becomes"

MemberKind = Literal["file", "directory", "link"]


class Meter:
    """Counts unpacked bytes. Raises SkillUnreadable for a bomb."""

    __slots__ = ("_limit", "_packed", "_ratio", "_unpacked")

    def __init__(self, packed: int, limits: Limits) -> None:
        self._packed = packed
        self._limit = limits.max_unpacked_bytes
        self._ratio = limits.max_ratio
        self._unpacked = 0

    def add(self, size: int) -> None:
        """Count `size` bytes more."""
        self._unpacked += size
        if self._unpacked > self._limit:
            raise refused(f"it unpacks to more than {self._limit:,} bytes")
        if self._unpacked > _RATIO_COUNTS_FROM and self._unpacked > self._ratio * self._packed:
            raise refused(f"it unpacks to more than {self._ratio} times its size")


class Members:
    """The members of one archive, checked one by one as they come, and as a tree at the end."""

    def __init__(self, packed: int, budget: Budget) -> None:
        self._budget = budget
        self._finds = Finds(budget.limits)
        self._kinds: dict[str, MemberKind | Literal["gap"]] = {}
        self.meter = Meter(packed, budget.limits)

    def path(self, raw: bytes, *, folder: bool) -> str:
        """Return the checked path of a member. Raises SkillUnreadable for one that leads, or could lead, elsewhere."""
        name = raw.decode("utf-8", "surrogateescape")
        if "\0" in name or "\\" in name or name.startswith("/") or name[1:2] == ":":
            raise refused(f"its member {shown(name)} is not a plain relative path")
        steps = (name.removesuffix("/") if folder else name).split("/")
        if steps[0] == ".":  # "tar c ." writes every name so
            steps = steps[1:]
        if any(step in ("", ".", "..") for step in steps):
            raise refused(f"its member {shown(name)} is not a plain relative path")
        limits = self._budget.limits
        if len(raw) > limits.max_path_bytes or len(steps) > limits.max_depth + 1:
            raise refused(f"its member {shown(name)} has a path that is too long or too deep")
        return "/".join(steps)

    def gap(self, path: str, why: str) -> None:
        """Take a member that cannot be read."""
        self._claim(path, "gap")
        self._finds.gap(path, why)

    def note(self, path: str, why: str) -> None:
        """Note something about a member that is read nevertheless."""
        self._finds.gap(path, why)

    def directory(self, path: str) -> None:
        """Take a folder; the root itself is no member."""
        if path:
            self._claim(path, "directory")

    def link(self, path: str, target: bytes) -> None:
        """Take a symbolic link."""
        self._claim(path, "link")
        self._finds.gap(path, _LINK_IN_ARCHIVE)
        self._finds.entries.append(Entry(path, "link", target=target.decode("utf-8", "surrogateescape")))

    def file(self, path: str, size: int, mode: int, chunks: Iterable[bytes]) -> None:
        """Take a file: its size, its Unix mode bits (0 when not stated), and its bytes, which the caller has metered."""
        self._claim(path, "file")
        keep = self._budget.admit(size)
        if keep is None:
            self._finds.gap(path, UNHASHED)
        state, parts = sha256(), []
        for chunk in chunks:
            if keep:
                parts.append(chunk)
            state.update(chunk)
        if keep is None:
            return
        if not keep:
            self._finds.gap(path, NOT_KEPT)
        if mode & 0o6000:
            self._finds.gap(path, SET_ID)
        digest = Digest(state.hexdigest())
        self._finds.entries.append(Entry(path, "file", size, mode & 0o111 != 0, digest, b"".join(parts) if keep else None))

    def _claim(self, path: str, kind: MemberKind | Literal["gap"]) -> None:
        self._budget.count(1)
        if not path:
            raise refused("a member that is no folder has the name of the top folder")
        if path in self._kinds:
            raise refused(f"its member {shown(path)} stands in it twice")
        self._kinds[path] = kind

    def snapshot(self) -> Snapshot:
        """Check that the members form a tree, add its empty folders, and return the whole."""
        parents = self._parents()
        for path in parents:
            if self._kinds.get(path, "directory") != "directory":
                raise refused(f"its member {shown(path)} is a file and a folder at once")
        empty = [Entry(path, "directory") for path, kind in self._kinds.items() if kind == "directory" and path not in parents]
        entries = self._finds.entries + empty
        top = self._only_top()
        if top is not None:
            entries = [moved(entry, entry.path[len(top) + 1 :]) for entry in entries if entry.path != top]
        self._finds.entries = entries
        return self._finds.snapshot(None)

    def _parents(self) -> set[str]:
        parents: set[str] = set()
        for path in self._kinds:
            folder = path.rpartition("/")[0]
            while folder and folder not in parents:
                parents.add(folder)
                folder = folder.rpartition("/")[0]
        return parents

    def _only_top(self) -> str | None:
        """Return the single top folder, or None. Everything counts here, members that could not be read too."""
        tops = {path.partition("/")[0] for path in self._kinds}
        if len(tops) != 1 or all("/" not in path for path in self._kinds):
            return None
        return tops.pop()
