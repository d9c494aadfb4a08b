"""Which skills are measured: found below the folders that were named, put into families, and split into two halves."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SKILL_FILE = "SKILL.md"
Kind = Literal["malicious", "benign"]
Half = Literal["A", "B"]


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill. `folder` names the folder that was given, `family` is empty where there are none."""

    kind: Kind
    folder: str
    family: str
    path: str


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that was given: its skills, and the names directly below it that hold none."""

    path: str
    skills: tuple[Skill, ...]
    without: tuple[str, ...]


def survey(kind: Kind, given: str, label: str, pattern: re.Pattern[str] | None) -> Folder:
    """Return the skills below a folder, sorted. A family is what `pattern` captures, otherwise the folder a skill lies in."""
    root = os.path.realpath(given)
    found = tuple(Skill(kind, label, _family(os.path.relpath(path, root), pattern), path) for path in sorted(_skills(root)))
    used = {part for skill in found for part in Path(skill.path).relative_to(root).parts[:1]}
    below = [] if found and not used else sorted(place.name for place in Path(root).iterdir())
    return Folder(root, found, tuple(name for name in below if name not in used))


def labels(given: Sequence[str]) -> dict[str, str]:
    """Return what each folder is called in a table: its name, or the path as it was given where two have the same name."""
    names = [Path(path).resolve().name for path in given]
    return {path: name if names.count(name) == 1 else path for path, name in zip(given, names, strict=True)}


def half_of(name: str) -> Half:
    """Return the half that a skill belongs to. `name` is its tree digest, so that a copy elsewhere lands in the same half."""
    return "B" if hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()[0] & 1 else "A"


def _skills(root: str) -> Iterator[str]:
    """Yield every folder that holds a SKILL.md, outermost only, never through a link."""
    for folder, names, files in os.walk(root):
        if SKILL_FILE in files:
            names.clear()
            yield folder


def _family(relative: str, pattern: re.Pattern[str] | None) -> str:
    if pattern is not None:
        match = pattern.search(relative)
        return match[min(1, pattern.groups)] or "" if match else ""
    parts = Path(relative).parts
    return parts[0] if len(parts) > 1 else ""
