"""What a reader came across, and how it becomes one snapshot: names, links and roles are judged here, for every source."""

from __future__ import annotations

from operator import attrgetter

from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Entry, NotChecked, Snapshot
from openclaw_vt.skill.limits import Limits
from openclaw_vt.skill.names import objections

_ROLE_MARKS = ("/__pycache__/", "/.DS_Store/", "/.clawhub/origin.json/", "/.openclaw/source-origin.json/")

SET_ID = "it is set to run with its owner's rights (setuid or setgid)"
NOT_KEPT = "it is too large to be looked into; its digest is exact"
UNHASHED = "it is too large to be read"
TOO_DEEP = "it lies deeper than this reader goes"
TOO_LONG = "its path is too long"


class Finds:
    """Entries and gaps in the making. Gaps beyond the limit are counted, not kept."""

    __slots__ = ("_gaps", "_limit", "_untold", "entries")

    def __init__(self, limits: Limits) -> None:
        self.entries: list[Entry] = []
        self._gaps: list[NotChecked] = []
        self._limit = limits.max_gaps
        self._untold = 0

    def gap(self, path: str, why: str) -> None:
        """Note what could not be read or is refused. `path` is shown escaped; `why` must be our own words."""
        if len(self._gaps) < self._limit:
            self._gaps.append(NotChecked(shown(path), why))
        else:
            self._untold += 1

    def snapshot(self, root: str | None) -> Snapshot:
        """Judge names, links and roles, and return the whole, sorted by raw path.

        `root` is the folder on disk, or None; no program inside it is ever run.
        """
        entries = self.entries
        paths = [entry.path for entry in entries]
        for path, why in objections(paths):
            self.gap(path, why)
        arrived: dict[str, str] = {}
        if any(entry.kind == "link" for entry in entries):
            from openclaw_vt.skill.links import arrivals

            arrived, astray = arrivals(entries)
            for path, why in astray:
                self.gap(path, why)
            # A link that leaves the skill is no entry: nobody who rebuilds a skill from its snapshot may write one.
            entries = [entry for entry in entries if entry.kind != "link" or entry.path in arrived]
        text = "/" + "/".join(paths) + "/"
        if any(mark in text for mark in _ROLE_MARKS):
            from openclaw_vt.skill.byproducts import with_roles

            entries = with_roles(entries, reached=set(arrived.values()), root=root)
        key = attrgetter("path") if text.isascii() else attrgetter("raw_path")
        return Snapshot(tuple(sorted(entries, key=key)), self._told())

    def _told(self) -> tuple[NotChecked, ...]:
        if self._untold:
            self._gaps.append(NotChecked("further names", f"{self._untold:,} more could not be read or are refused"))
        return tuple(self._gaps)


def moved(entry: Entry, path: str) -> Entry:
    """Return the same entry under another path."""
    return entry._replace(path=path)
