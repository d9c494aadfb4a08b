"""Hostile names and texts made fit for a terminal, a log line and a language model. Pure."""

from __future__ import annotations

import re

NAME_LIMIT = 120
"""Characters of a name that are shown."""

# Everything that moves the cursor, turns the writing direction, joins or hides characters, or is no character at all:
# C0 and C1 controls, soft hyphen, grapheme joiner, fillers, bidi marks and isolates, zero-width characters, variation
# selectors, tag characters, lone surrogates, non-characters.
_HIDDEN = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# Patterns are compiled at first use, by `re` itself: a cache hit shows no odd name.
_ONE_HIDDEN = f"[{_HIDDEN}]"
_ESCAPED = rf"[\\{_HIDDEN}]|(?! )\s"
# CSI, then OSC and the other string sequences (which end at BEL or ST), then two-character escapes; 7- and 8-bit forms.
_ANSI = (
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)


def _escape(match: re.Match[str]) -> str:
    char = match.group()
    if char == "\\":
        return r"\\"
    if "\udc80" <= char <= "\udcff":  # a byte that is no UTF-8, kept by surrogateescape
        return f"\\x{ord(char) & 0xFF:02x}"
    if char <= "\x7f":
        return f"\\x{ord(char):02x}"
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


def hides(text: str) -> bool:
    """Return whether `text` holds a character that a reader cannot see or that changes how its neighbours are seen."""
    return re.search(_ONE_HIDDEN, text) is not None


def replaced(text: str) -> str:
    """Return `text` with each such character turned into the replacement character."""
    return re.sub(_ONE_HIDDEN, "\N{REPLACEMENT CHARACTER}", text)


def shown(name: str, limit: int = NAME_LIMIT) -> str:
    """Return a file name for a person: nothing hidden, nothing that a terminal obeys, at most `limit` characters.

    Control, bidi, zero-width and tag characters, undecodable bytes and odd white space become escapes, so two different
    short names never look the same. A long name keeps its end, because that is where the file type stands.
    """
    ends = name if len(name) <= 4 * limit else name[: 2 * limit] + name[-2 * limit :]
    text = re.sub(_ESCAPED, _escape, ends)
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def shown_text(text: str, limit: int) -> str:
    """Return somebody else's words on one line: ordinary Unicode stays, at most `limit` characters.

    ANSI sequences and control, bidi, zero-width and tag characters are dropped; each run of white space, line ends
    included, becomes one space. The result can still say anything: it is safe to print, not safe to believe.
    """
    head = text[: 8 * limit]
    # Line ends separate words, so they turn to spaces before the other controls vanish.
    spaced = re.sub(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]", " ", re.sub(_ANSI, "", head))
    line = " ".join(re.sub(_ONE_HIDDEN, "", spaced).split())
    if len(line) <= limit and len(head) == len(text):
        return line
    return line[: limit - 1].rstrip() + "…"
