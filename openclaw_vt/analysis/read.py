"""From a snapshot's text to facts: commands in scripts and in code blocks, prose lines, hidden characters, and addresses.

Nothing is cut off in silence: a long line is read in overlapping windows, and what is over a limit or no text becomes a gap.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple

from openclaw_vt.analysis.facts import Command, Fact, Prose, Unread
from openclaw_vt.analysis.manifest import SKILL_FILE, split_frontmatter, unified
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.finding import Location
from openclaw_vt.model.permission import Endpoint
from openclaw_vt.model.subject import Entry, NotChecked, Snapshot

MAX_LINE = 4096
OVERLAP = 1024
"""Characters that two windows of a long line share: more than any rule looks across."""
MAX_FACTS = 200_000
MAX_TEXT_BYTES = 16 * 1024 * 1024
MAX_URL = 1024

_SHELL_SUFFIXES = (".sh", ".bash", ".zsh", ".command")
_PROSE_SUFFIXES = (".md", ".markdown", ".txt")
_CODE_SUFFIXES = (".py", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".ps1", ".bat", ".cmd")
_DATA_SUFFIXES = (".json", ".jsonl", ".json5", ".csv", ".tsv", ".svg", ".css", ".lock", ".log")
_PACKAGE = "package.json"
_SHELL_FENCES = frozenset({"", "sh", "bash", "shell", "zsh", "console", "terminal", "shellsession"})
_SHEBANG = re.compile(rb"#!\s*\S*/(?:env\s+)?(?:ba|z|da)?sh\b")
_FENCE = re.compile(r"(?:(?:[>*+-]|\d{1,9}[.)])\s*)*(`{3,}|~{3,})(.*)")
"""A fence may stand behind the marks of a quotation or of a list item."""
_INLINE = re.compile(r"`([^`\n]{3,512})`")
_URL = re.compile(r"\bhttps?://[^\s\"'<>`)\]}|\\]{3,}")
# Tag characters, variation selectors in a row and the invisible operators carry text that a model reads and a person does not
# see. Zero-width joiners and direction marks also occur in honest prose of many languages, and a flag such as Scotland's is six
# tag characters long.
_HIDDEN = re.compile("[\U000e0001-\U000e007f\U000e0100-\U000e01ef\ufe00-\ufe0f\u2061-\u2064\u115f\u1160\u3164\uffa0]{8,}")
# Pictures, fonts and sound: nothing in them is read as an instruction or run, so that they are not read here is no gap.
_MEDIA = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"\x00\x00\x01\x00", b"II*\x00", b"MM\x00*"),
    *(b"\x00\x01\x00\x00", b"OTTO", b"wOFF", b"wOF2", b"ID3", b"OggS", b"fLaC"),
)


class _Block(NamedTuple):
    """An open code block: its fence, its language, and the number of its first line."""

    fence: str
    language: str
    first: int


def read_facts(snapshot: Snapshot) -> Iterator[Fact]:
    """Yield the facts of every readable file: SKILL.md, then small files before large ones.

    That order is the defence against padding: what pushes a skill over the limits is what goes unread.
    """
    facts = size = 0
    for entry in sorted(snapshot.files(), key=lambda e: (e.path != SKILL_FILE, e.size, e.raw_path)):
        size += len(entry.data or b"")
        if size > MAX_TEXT_BYTES:
            yield _too_much(entry)
            return
        for fact in _file(entry):
            if facts == MAX_FACTS:
                yield _too_much(entry)
                return
            facts += 1
            yield fact


def _too_much(entry: Entry) -> Unread:
    return Unread(NotChecked(f"{shown(entry.path)} and all larger files", "there is more text than is analysed"))


def _file(entry: Entry) -> Iterator[Fact]:
    if entry.data is None:
        yield Unread(NotChecked(shown(entry.path), "it is too large to be analysed"))
        return
    kind = _kind(entry.path.lower(), entry.data)
    utf16 = entry.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if b"\0" in entry.data and not utf16:
        if kind is None:
            yield from _binary(entry.path, entry.data)
            return
        yield Unread(NotChecked(shown(entry.path), "it holds zero bytes, and programs do not agree on what those mean"))
    text = unified(entry.data.decode("utf-16" if utf16 else "utf-8", "replace").replace("\0", ""))
    yield from _endpoints(entry.path, text)
    if kind == "shell":
        yield from _shell(entry.path, text, "script")
    elif kind == "prose":
        yield from _markdown(entry.path, text)
        return
    elif kind != "data":
        yield from _plain(entry.path, text, "script")
    yield from _hidden(entry.path, text)


def _binary(path: str, data: bytes) -> Iterator[Fact]:
    if not data.startswith(_MEDIA) and data[4:8] != b"ftyp":
        yield Unread(NotChecked(shown(path), "it is a program, an archive or a document that local analysis does not read"))


def _kind(name: str, data: bytes) -> str | None:
    """Return shell, prose, code or data for what is surely text by name or first line; None for the rest, read as code."""
    if name.endswith(_SHELL_SUFFIXES) or _SHEBANG.match(data[:64]):
        return "shell"
    if name.endswith(_PROSE_SUFFIXES):
        return "prose"
    if name.endswith(_DATA_SUFFIXES) and name.rpartition("/")[2] != _PACKAGE:
        return "data"  # a report that quotes an attack is no attack; npm's file, though, holds commands
    return "code" if name.endswith(_CODE_SUFFIXES) or data.startswith(b"#!") else None


def _endpoints(path: str, text: str) -> Iterator[Fact]:
    """Yield each address once, where it stands first."""
    seen: set[str] = set()
    number, counted = 1, 0
    for match in _URL.finditer(text):
        value = shown_text(match.group()[: 2 * MAX_URL].rstrip(".,;:"), MAX_URL)
        if value not in seen:
            seen.add(value)
            number += text.count("\n", counted, match.start())
            counted = match.start()
            yield Endpoint("url", value, path, number)


def _windows(text: str) -> Iterator[str]:
    """Yield the text in pieces of at most `MAX_LINE` characters that overlap, so that nothing falls between two."""
    yield text[:MAX_LINE]
    for start in range(MAX_LINE - OVERLAP, len(text) - OVERLAP, MAX_LINE - OVERLAP):
        yield text[start : start + MAX_LINE]


def _shell(path: str, text: str, context: str, first: int = 1) -> Iterator[Fact]:
    """Yield logical lines: a trailing backslash or pipe joins the next one; comments are not commands."""
    held, start = "", first
    for number, line in enumerate(text.split("\n"), start=first):
        stripped = line.strip()
        # In a code block, a line that begins with a box, a bullet or an emoji is what some program printed.
        if stripped.startswith("#") or (context == "fence" and stripped and not stripped[0].isascii()):
            continue
        start = start if held.strip() else number
        held += stripped.rstrip("\\")
        if stripped.endswith(("\\", "|", "&&")):
            if len(held) < MAX_LINE:
                held += " "
                continue
            yield from _commands(held, Location(path, start), context)
            held = held[-OVERLAP:] + " "
            continue
        yield from _commands(held, Location(path, start), context)
        held = ""
    yield from _commands(held, Location(path, start), context)


def _commands(text: str, place: Location, context: str) -> Iterator[Fact]:
    command = text.strip().removeprefix("$ ")
    if command:
        for window in _windows(command):
            yield Command(window, place, context)


def _plain(path: str, text: str, context: str, first: int = 1) -> Iterator[Fact]:
    for number, line in enumerate(text.split("\n"), start=first):
        if not line.lstrip().startswith(("#", "//")):
            yield from _commands(line, Location(path, number), context)


def _markdown(path: str, text: str) -> Iterator[Fact]:
    front, body, first = split_frontmatter(text)
    yield from _hidden(path, front, 2)
    block: _Block | None = None
    lines: list[str] = []
    for number, line in enumerate(body.split("\n"), start=first):
        mark = line.strip()
        opened = _FENCE.match(mark)
        if block is None and opened and not ("`" in opened[2] and opened[1][0] == "`"):
            yield from _hidden(path, line, number)
            block, lines = _Block(opened[1], _language(opened[2]), number + 1), []
        elif block is not None and _closes(mark.lstrip("> "), block.fence):
            yield from _fence(path, block, lines)
            block = None
        elif block is not None:
            lines.append(line)
        elif mark:
            yield from _prose(path, number, line)
    if block is not None:
        yield from _fence(path, block, lines)


def _language(info: str) -> str:
    word = (info.split() or [""])[0]
    return re.split(r"[^a-z0-9+#-]", word.lower().lstrip("{."), maxsplit=1)[0]


def _closes(mark: str, fence: str) -> bool:
    # CommonMark: the same character, at least as often, and nothing else on the line.
    return len(mark) >= len(fence) and set(mark) == {fence[0]}


def _fence(path: str, block: _Block, lines: list[str]) -> Iterator[Fact]:
    text = "\n".join(lines)
    # What a block calls itself decides how it is read, not whether: "text" is as easily pasted into a shell as "bash".
    if block.language in _SHELL_FENCES:
        yield from _shell(path, text, "fence", block.first)
    else:
        yield from _plain(path, text, "fence", block.first)
    yield from _hidden(path, text, block.first)


def _prose(path: str, number: int, line: str) -> Iterator[Fact]:
    place = Location(path, number)
    for match in _INLINE.finditer(line):
        yield Command(match.group(1), place, "inline")
    for window in _windows(line):
        yield Prose(window, place, hidden="".join(_HIDDEN.findall(window)))


def _hidden(path: str, text: str, first: int = 1) -> Iterator[Fact]:
    """Yield the lines outside prose that hold hidden characters: a model reads those everywhere."""
    if not _HIDDEN.search(text):
        return
    for number, line in enumerate(text.split("\n"), start=first):
        for window in _windows(line) if _HIDDEN.search(line) else ():
            yield Prose(window, Location(path, number), hidden="".join(_HIDDEN.findall(window)))
