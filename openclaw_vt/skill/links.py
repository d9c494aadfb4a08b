"""Symbolic links: where each one arrives, worked out from the names alone. Pure; nothing is ever followed on disk."""

from __future__ import annotations

from collections.abc import Sequence

from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Entry

MAX_HOPS = 40
"""Links on one way before it counts as a circle; Linux's own number."""


class _Astray(Exception):  # noqa: N818 - it is an answer inside this module, never an error outside
    """The link does not arrive inside the skill; the text says how."""


def arrivals(entries: Sequence[Entry]) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Return where each link arrives, as link path -> path inside the skill, and (path, why) for those that do not.

    The way is walked as a kernel walks it: links met on the way are followed, `..` leads to the real parent. Only a way
    whose every step lies inside the skill, and whose end exists, counts.
    """
    links = {entry.path: entry.target or "" for entry in entries if entry.kind == "link"}
    if not links:
        return {}, []
    files = {entry.path for entry in entries if entry.kind == "file"}
    folders = {""} | {entry.path for entry in entries if entry.kind == "directory"}
    for entry in entries:
        folder = entry.path.rpartition("/")[0]
        while folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    arrived: dict[str, str] = {}
    astray: list[tuple[str, str]] = []
    for path, target in links.items():
        try:
            arrived[path] = _arrive(path, links, files, folders)
        except _Astray as way:
            astray.append((path, f"a link to {shown(target)}, {way}"))
    return arrived, astray


def _arrive(path: str, links: dict[str, str], files: set[str], folders: set[str]) -> str:
    here, hops = path.rpartition("/")[0], 1
    ahead = _steps(links[path])
    while ahead:
        step = ahead.pop()
        if step == "..":
            if not here:
                raise _Astray("which leads out of the skill")
            here = here.rpartition("/")[0]
            continue
        there = f"{here}/{step}" if here else step
        if there in links:
            hops += 1
            if hops > MAX_HOPS:
                raise _Astray("which never arrives")
            ahead += _steps(links[there])
        elif there in folders or (there in files and not ahead):
            here = there
        else:
            raise _Astray("where this skill has nothing that was read")
    return here


def _steps(target: str) -> list[str]:
    """Return the steps of a target, the first one last."""
    if target.startswith("/"):
        raise _Astray("which is an absolute path")
    if not target or "\\" in target or ":" in target or "\0" in target:
        raise _Astray("which systems read in different ways")
    return [step for step in reversed(target.split("/")) if step not in ("", ".")]
