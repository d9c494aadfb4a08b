"""The skills that are installed: every folder with a SKILL.md in the places that OpenClaw loads from."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import Origin, SkillRef
from openclaw_vt.openclaw.files import read_bounded
from openclaw_vt.openclaw.folders import RootKind, SkillRoot
from openclaw_vt.skill.records import read_origin

MANIFEST = "SKILL.md"
MAX_DEPTH = 6
MAX_FOLDERS = 20_000
MAX_SKILLS = 5_000
PACKAGE_NAME = "openclaw"
_MAX_PACKAGE_JSON = 1 << 20
_MAX_ANCESTORS = 12
_OWN_ORIGIN: dict[RootKind, Origin] = {"bundled": Origin("bundled"), "workshop": Origin("workshop")}


@dataclass(frozen=True, slots=True)
class InstalledSkill:
    """A skill as it lies on disk. `linked` says that its folder was reached through a link; `ref.path` is where it leads."""

    ref: SkillRef
    root: SkillRoot
    linked: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """Every skill found, the ones that win over others first. `complete` is False when a limit ended the search."""

    skills: tuple[InstalledSkill, ...]
    complete: bool = True


def installed_skills(roots: Iterable[SkillRoot]) -> Inventory:
    """Return the skills below `roots`: up to 6 levels deep, none twice, names that begin with a dot and node_modules left out.

    A link is never walked into; only where it leads straight to a skill that skill is listed, because OpenClaw may load it.
    At most 20,000 folders are looked into and 5,000 skills returned.
    """
    walk = _Walk()
    found: dict[str, InstalledSkill] = {}
    for root in roots:
        for folder, linked in walk.below(os.fspath(root.path)):
            if len(found) >= MAX_SKILLS:
                return Inventory(tuple(found.values()), complete=False)
            path = os.path.realpath(folder)
            if path not in found:
                found[path] = InstalledSkill(_ref(path, folder.rpartition(os.sep)[2], root.kind), root, linked)
    return Inventory(tuple(found.values()), complete=not walk.cut)


def installed_paths(roots: Iterable[SkillRoot]) -> tuple[str, ...]:
    """Return the real paths of the same skills, and nothing else about them: no file of theirs is opened."""
    walk = _Walk()
    found: dict[str, None] = {}
    for root in roots:
        # Below a real path, only what was reached through a link can lie elsewhere.
        for folder, linked in walk.below(os.path.realpath(root.path)):
            if len(found) >= MAX_SKILLS:
                break
            found[os.path.realpath(folder) if linked else folder] = None
    return tuple(found)


def find_package(executable: Path | None) -> Path | None:
    """Return the npm package that an `openclaw` program belongs to, or None. Reads package.json files, starts nothing."""
    if executable is None:
        return None
    beside = executable.parent
    starts = [Path(os.path.realpath(executable)).parent, beside.parent / PACKAGE_NAME, beside / "node_modules" / PACKAGE_NAME]
    for start in starts:
        for folder in (start, *start.parents)[:_MAX_ANCESTORS]:
            if _package_name(folder / "package.json") == PACKAGE_NAME:
                return folder
            if folder.name == "node_modules":
                break
    return None


def package_version(package: Path) -> str | None:
    """Return the version that an npm package claims, or None."""
    return _member(package / "package.json", "version")


def _package_name(path: Path) -> str | None:
    return _member(path, "name")


def _member(path: Path, key: str) -> str | None:
    try:
        raw = read_bounded(path, limit=_MAX_PACKAGE_JSON)
        body = strict_json.loads(raw, max_bytes=_MAX_PACKAGE_JSON) if raw is not None else None
    except (OSError, ValueError):
        return None
    value = body.get(key) if isinstance(body, dict) else None
    return value if isinstance(value, str) else None


def _ref(path: str, name: str, kind: RootKind) -> SkillRef:
    origin = _OWN_ORIGIN.get(kind) or read_origin(Path(path))
    return SkillRef(name=name, path=path, version=origin.version, origin=origin)


class _Walk:
    """One search over all roots, so that its limit holds for the whole. `cut` says that the limit ended it."""

    def __init__(self) -> None:
        self.cut = False
        self._folders_left = MAX_FOLDERS

    def below(self, root: str) -> Iterator[tuple[str, bool]]:
        """Yield (folder, through a link?) for each skill below a root, in the order of their names."""
        if _is_skill(root):
            # OpenClaw loads such a root as one skill, and what its `skills` folder holds.
            yield root, False
            yield from self._in(f"{root}{os.sep}skills", 1)
        else:
            yield from self._in(root, 1)

    def _in(self, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
        for name, linked in self._children(folder):
            path = f"{folder}{os.sep}{name}"
            if _is_skill(path):
                yield path, linked
            elif not linked and depth < MAX_DEPTH:
                # OpenClaw starts the count again in a folder called `skills` at the top.
                yield from self._in(path, 1 if depth == 1 and name == "skills" else depth + 1)

    def _children(self, folder: str) -> list[tuple[str, bool]]:
        if self._folders_left <= 0:
            self.cut = True
            return []
        self._folders_left -= 1
        try:
            with os.scandir(folder) as entries:
                return sorted([(entry.name, entry.is_symlink()) for entry in entries if _counts(entry)])
        except OSError:
            return []


def _counts(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.name != "node_modules" and entry.is_dir()


def _is_skill(folder: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(f"{folder}{os.sep}{MANIFEST}").st_mode)  # noqa: PTH116 - thousands of times at a start
    except (OSError, ValueError):
        return False
