"""JSON5 with places: values for reading, spans for editing without touching anything else.

OpenClaw's `openclaw.json` is JSON5 that people comment and indent as they like. This reader follows the JSON5 1.0.0
specification and, where that leaves a choice, the `json5` package that OpenClaw uses (the last of two equal keys wins).
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64

_BLANK = "\t\v\f \u00a0\ufeff\n\r\u2028\u2029\u1680\u2000-\u200a\u202f\u205f\u3000"
_TRIVIA = re.compile(rf"(?:[{_BLANK}]+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|Infinity|NaN|(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_PLAIN_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]*)")
_WORD = re.compile(r"(?:\\u[0-9a-fA-F]{4}|[^\W]|[$_\u200c\u200d]|[^\x00-\x7f])+")
_PLAIN_TEXT = {"'": re.compile(r"[^'\\\n\r]*"), '"': re.compile(r'[^"\\\n\r]*')}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "0": "\0"}
_LINE_ENDS = frozenset("\n\r\u2028\u2029")
_LITERALS = {"true": True, "false": False, "null": None}
_CLOSING = {"{": "}", "[": "]"}


@dataclass(frozen=True, slots=True)
class Child:
    """An element of a container: where it starts (its key, in an object), its value, and where its comma is, if any."""

    key: str | None
    start: int
    node: Node
    comma: int | None


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its span: `text[start:end]`. `children` is None for anything but an object or a list."""

    start: int
    end: int
    value: Any
    children: tuple[Child, ...] | None = None

    def child(self, key: str) -> Child | None:
        """Return the object's member of that name, or None. Raises ValueError when there are two: which one counts is a trap."""
        found = [child for child in self.children or () if child.key == key]
        if len(found) > 1:
            raise ValueError(f"the key {key!r} stands twice in one object")
        return found[0] if found else None


def loads(text: str) -> Any:
    """Return the value of a JSON5 text. Raises ValueError."""
    try:
        # Most configurations are plain JSON, and the C scanner is fifty times faster.
        return json.loads(text)
    except (ValueError, RecursionError):
        return parse(text).value


def parse(text: str) -> Node:
    """Parse a whole JSON5 text. Raises ValueError naming the line."""
    reader = _Reader(text)
    node = reader.value(reader.skip(0), depth=0)
    rest = reader.skip(node.end)
    if rest != len(text):
        raise reader.error(rest, "something follows the value")
    return node


def skip_trivia(text: str, at: int) -> int:
    """Return the place after the blanks and comments that start at `at`."""
    match = _TRIVIA.match(text, at)
    return match.end() if match else at


class _Reader:
    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def error(self, at: int, why: str) -> ValueError:
        return ValueError(f"line {self.text.count(chr(10), 0, at) + 1}: {why}")

    def skip(self, at: int) -> int:
        return skip_trivia(self.text, at)

    def value(self, at: int, *, depth: int) -> Node:
        char = self.text[at : at + 1]
        if depth > MAX_DEPTH:
            raise self.error(at, "nested too deeply")
        if char in _CLOSING and char:
            return self.container(at, depth=depth)
        if char in _PLAIN_TEXT:
            end, text = self.string(at)
            return Node(at, end, text)
        number = _NUMBER.match(self.text, at)
        if number and not _WORD.match(self.text, number.end()):
            return Node(at, number.end(), _number(number.group()))
        word = _WORD.match(self.text, at)
        if word and word.group() in _LITERALS:
            return Node(at, word.end(), _LITERALS[word.group()])
        raise self.error(at, "a value is missing or not understood")

    def container(self, at: int, *, depth: int) -> Node:
        is_object = self.text[at] == "{"
        closing = _CLOSING[self.text[at]]
        children: list[Child] = []
        place = self.skip(at + 1)
        while not self.text.startswith(closing, place):
            if children and children[-1].comma is None:
                raise self.error(place, "a comma or the closing bracket is missing")
            child = self.child(place, is_object=is_object, depth=depth)
            children.append(child)
            place = self.skip(child.node.end if child.comma is None else child.comma + 1)
        values = [child.node.value for child in children]
        value = {child.key: child.node.value for child in children} if is_object else values
        return Node(at, place + 1, value, tuple(children))

    def child(self, at: int, *, is_object: bool, depth: int) -> Child:
        key, place = None, at
        if is_object:
            end, key = self.key(at)
            colon = self.skip(end)
            if not self.text.startswith(":", colon):
                raise self.error(colon, "a key without a colon")
            place = self.skip(colon + 1)
        node = self.value(place, depth=depth + 1)
        after = self.skip(node.end)
        return Child(key, at, node, after if self.text.startswith(",", after) else None)

    def key(self, at: int) -> tuple[int, str]:
        if self.text[at : at + 1] in _PLAIN_TEXT:
            return self.string(at)
        word = _WORD.match(self.text, at)
        name = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found.group(1), 16)), word.group()) if word else ""
        if not word or not _is_identifier(name):
            raise self.error(at, "a key or the closing bracket is missing")
        return word.end(), name

    def string(self, at: int) -> tuple[int, str]:
        quote, place, parts = self.text[at], at + 1, []
        while True:
            plain = _PLAIN_TEXT[quote].match(self.text, place)
            if plain:
                parts.append(plain.group())
                place = plain.end()
            char = self.text[place : place + 1]
            if char == quote:
                return place + 1, _paired("".join(parts))
            if char != "\\":
                raise self.error(place, "a text is not closed on its line")
            place, part = self.escape(place + 1)
            parts.append(part)

    def escape(self, at: int) -> tuple[int, str]:
        char = self.text[at : at + 1]
        if char in {"x", "u"}:
            end = at + (3 if char == "x" else 5)
            digits = self.text[at + 1 : end]
            if not re.fullmatch(r"[0-9a-fA-F]{2}|[0-9a-fA-F]{4}", digits) or len(digits) != end - at - 1:
                raise self.error(at, "an escape without its digits")
            return end, chr(int(digits, 16))
        if char in _LINE_ENDS:
            return at + (2 if self.text.startswith("\r\n", at) else 1), ""
        following = self.text[at + 1 : at + 2]
        if not char or char in "123456789" or (char == "0" and following in set("0123456789")):
            raise self.error(at, "an escape that JSON5 does not have")
        return at + 1, _ESCAPES.get(char, char)


def _is_identifier(name: str) -> bool:
    """ECMAScript 5.1 IdentifierName, as JSON5's unquoted keys are."""
    categories = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nl"}
    rest = categories | {"Mn", "Mc", "Nd", "Pc"}
    return (
        bool(name)
        and (name[0] in "$_" or unicodedata.category(name[0]) in categories)
        and all(char in "$_\u200c\u200d" or unicodedata.category(char) in rest for char in name[1:])
    )


def _paired(text: str) -> str:
    """Join surrogates that came as two escapes; a lone one stays what it is."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def _number(text: str) -> int | float:
    sign = -1 if text.startswith("-") else 1
    body = text.lstrip("+-")
    if body[:2] in {"0x", "0X"}:
        return sign * int(body, 16)
    if _PLAIN_NUMBER.fullmatch(text) and len(text) <= 18:  # noqa: PLR2004 - further digits mean nothing to JavaScript
        return int(text)
    return sign * float({"Infinity": "inf", "NaN": "nan"}.get(body, body))
