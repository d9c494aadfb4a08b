"""Names that lie: to the eye, or to a system that folds, strips or reserves them. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from openclaw_vt.model.display import hides, shown

# Given to `re` as text: compiled at first use, and most skills have no name that comes near.
_RESERVED = r"(?is)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?"
_RESERVED_STARTS = ("/con", "/prn", "/aux", "/nul", "/com", "/lpt")

NOT_TEXT = "its name is not valid UTF-8, so systems do not agree on what it is called"
DISGUISED = "its name holds control, direction or invisible characters"
STREAM = "its name holds a colon or a backslash, which Windows reads as something else than a name"
STRIPPED = "its name ends in a dot or a space, which some systems strip"
RESERVED = "its name stands for a device on Windows"


def objections(paths: Iterable[str]) -> list[tuple[str, str]]:
    """Return (path, why) for every name below `paths` that no honest skill needs and some system misreads."""
    listed = list(paths)
    text = "/" + "/".join(listed) + "/"
    everything = _with_folders(listed)
    found = []
    if not _plain(text):
        found = [(path, why) for path in sorted(everything) if (why := _objection(path.rpartition("/")[2]))]
    return found + _collisions(everything, ascii_only=text.isascii())


def _plain(text: str) -> bool:
    # Whole-text tests in C: an ordinary skill must not pay a regular expression for each name.
    if not (text.isascii() and text.isprintable()) or ":" in text or "\\" in text or "./" in text or " /" in text:
        return False
    lower = text.lower()
    return not any(start in lower for start in _RESERVED_STARTS)


def _objection(name: str) -> str | None:
    if any("\ud800" <= char <= "\udfff" for char in name):
        return NOT_TEXT
    if hides(name):
        return DISGUISED
    if ":" in name or "\\" in name:
        return STREAM
    if name.endswith(".") or name != name.rstrip():
        return STRIPPED
    return RESERVED if re.fullmatch(_RESERVED, name) else None


def _with_folders(paths: list[str]) -> set[str]:
    everything = set(paths)
    for folder in {path.rpartition("/")[0] for path in paths}:
        above = folder
        while above and above not in everything:
            everything.add(above)
            above = above.rpartition("/")[0]
    return everything


def _collisions(everything: set[str], *, ascii_only: bool) -> list[tuple[str, str]]:
    fold = str.lower if ascii_only else _folded
    if len(set(map(fold, everything))) == len(everything):
        return []
    same: dict[str, list[str]] = defaultdict(list)
    for path in sorted(everything):
        same[fold(path)].append(path)
    return [
        (other, f"some systems cannot tell this name from {shown(group[0])}") for group in same.values() for other in group[1:]
    ]


def _folded(path: str) -> str:
    # Unicode's canonical caseless match: folding can undo normalisation, so both are done twice.
    from unicodedata import normalize

    return normalize("NFD", normalize("NFD", path).casefold()).casefold()
