"""Edits of a JSON5 text that leave every other byte alone: comments, order, indentation, line ends.

Every edit is checked: the text is parsed before and after, and what came out must be what was asked for, or nothing is
returned. Values are named by the path of keys that leads to them.
"""

from __future__ import annotations

import copy
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from openclaw_vt.openclaw.json5 import Child, Node, parse

KeyPath = tuple[str, ...]

INCLUDE = "$include"
_INDENT = re.compile(r"[ \t]*")
_SAME_LINE = re.compile(r"(?:[ \t]|/\*[^\n\r]*?\*/)*(?://[^\n\r]*)?")


@dataclass(frozen=True, slots=True)
class _Style:
    unit: str
    end: str


@dataclass(frozen=True, slots=True)
class Found:
    """What stands at a path: its value and its text, exactly as it is written."""

    value: Any
    text: str


def look(text: str, path: KeyPath) -> Found | None:
    """Return what stands at `path`, or None. Raises ValueError when the text is no JSON5 or the path runs into a non-object."""
    node, missing = _descend(parse(text), path)
    return None if missing else Found(node.value, text[node.start : node.end])


def put(text: str, path: KeyPath, value: Any) -> str:
    """Return the text with `value` at `path`, replacing what stood there. Raises ValueError when that cannot be done safely."""
    root = parse(text)
    return _checked(root, _put(text, root, path, _renderer(text, root, value)), lambda tree: _set(tree, path, value))


def put_back(text: str, path: KeyPath, written: str) -> str:
    """Return the text with `written`, a value as it was spelt before, in place of what stands at `path`. Raises ValueError."""
    root, value = parse(text), parse(written).value
    return _checked(root, _put(text, root, path, lambda _: written), lambda tree: _set(tree, path, value))


def add(text: str, path: KeyPath, item: Any) -> str:
    """Return the text with `item` at the end of the list at `path`, which is made if need be. Raises ValueError."""
    root = parse(text)
    node, missing = _descend(root, path)
    if missing:
        return put(text, path, [item])
    if not isinstance(node.value, list):
        raise ValueError(f"{'.'.join(path)} is no list")
    after = _inserted(text, node, _style(text, root), _renderer(text, root, item))
    return _checked(root, after, lambda tree: _set(tree, path, [*node.value, item]))


def drop(text: str, path: KeyPath) -> str:
    """Return the text without the key at the end of `path`. Raises ValueError, also when it is not there."""
    root = parse(text)
    parent, missing = _descend(root, path[:-1])
    child = None if missing else parent.child(path[-1])
    if child is None:
        raise ValueError(f"{'.'.join(path)} is not there")
    return _checked(root, _removed(text, parent, child), lambda tree: _unset(tree, path))


def drop_item(text: str, path: KeyPath, item: Any) -> str:
    """Return the text without the first `item` of the list at `path`. Raises ValueError, also when it is not there."""
    root = parse(text)
    node, missing = _descend(root, path)
    if missing or not isinstance(node.value, list) or item not in node.value or node.children is None:
        raise ValueError(f"the item is not in {'.'.join(path)}")
    place = node.value.index(item)
    rest = [*node.value[:place], *node.value[place + 1 :]]
    return _checked(root, _removed(text, node, node.children[place]), lambda tree: _set(tree, path, rest))


def _descend(root: Node, path: KeyPath) -> tuple[Node, KeyPath]:
    """Follow `path` as far as it goes. Returns the last node and the keys that are missing below it."""
    node = root
    for depth, key in enumerate(path):
        if not isinstance(node.value, dict):
            raise ValueError(f"{'.'.join(path[:depth]) or 'the whole file'} is no object")
        if depth and INCLUDE in node.value:
            # What stands in the other file would be merged with ours, lists joined end to end.
            raise ValueError(f"{'.'.join(path[:depth])} takes part of its content from another file ({INCLUDE})")
        child = node.child(key)
        if child is None:
            return node, path[depth:]
        node = child.node
    return node, ()


def _put(text: str, root: Node, path: KeyPath, render: Callable[[str], str]) -> str:
    node, missing = _descend(root, path)
    if not missing:
        return text[: node.start] + render(_line_indent(text, node.start)) + text[node.end :]
    style = _style(text, root)
    return _inserted(text, node, style, lambda indent: _nested(missing, style, render, indent))


def _nested(keys: KeyPath, style: _Style, render: Callable[[str], str], indent: str) -> str:
    """The member text of `keys[0]`, with objects around the value for each further key."""
    name = json.dumps(keys[0], ensure_ascii=False)
    if len(keys) == 1:
        return f"{name}: {render(indent)}"
    inner = indent + style.unit
    return f"{name}: {{{style.end}{inner}{_nested(keys[1:], style, render, inner)}{style.end}{indent}}}"


def _renderer(text: str, root: Node, value: Any) -> Callable[[str], str]:
    """Return what writes `value` for a given indentation of its first line."""
    style = _style(text, root)
    lines = json.dumps(value, indent=style.unit, ensure_ascii=False).split("\n")
    return lambda indent: f"{style.end}{indent}".join(lines)


def _inserted(text: str, node: Node, style: _Style, render: Callable[[str], str]) -> str:
    """Insert an element after the last one of a container, on a line of its own where the others have theirs."""
    if not node.children:
        return _first(text, node, style, render)
    last = node.children[-1]
    comma = "" if last.comma is not None else ","
    trailing = "," if last.comma is not None else ""
    after = last.node.end if last.comma is None else last.comma + 1
    if not _alone_on_line(text, last.start) or text.find("\n", after, node.end) < 0:
        return f"{text[:after]}{comma} {_one_line(render)}{trailing}{text[after:]}"
    # A comment behind the last element on its line belongs to that element.
    rest = _SAME_LINE.match(text, after)
    place = rest.end() if rest else after
    indent = _line_indent(text, last.start)
    return f"{text[:after]}{comma}{text[after:place]}{style.end}{indent}{render(indent)}{trailing}{text[place:]}"


def _first(text: str, node: Node, style: _Style, render: Callable[[str], str]) -> str:
    """Insert the first element of an empty container, after the comments that may stand in it."""
    closing = node.end - 1
    outer = _line_indent(text, node.start)
    indent = outer + style.unit
    if _alone_on_line(text, closing):
        line = text.rfind("\n", 0, closing) + 1
        return f"{text[:line]}{indent}{render(indent)}{style.end}{text[line:]}"
    return f"{text[:closing]}{style.end}{indent}{render(indent)}{style.end}{outer}{text[closing:]}"


def _removed(text: str, parent: Node, child: Child) -> str:
    """Take an element out with its comma, and with its line when nothing else stands there."""
    siblings = parent.children or ()
    place = next(i for i, sibling in enumerate(siblings) if sibling.start == child.start)
    start, end = child.start, child.node.end if child.comma is None else child.comma + 1
    if child.comma is None and place:
        # The comma before it goes, whatever comments stand between the two stay.
        comma = siblings[place - 1].comma
        if comma is not None:
            return _cut(text[:comma] + text[comma + 1 :], start - 1, end - 1)
    return _cut(text, start, end)


def _cut(text: str, start: int, end: int) -> str:
    line = text.rfind("\n", 0, start) + 1
    following = _INDENT.match(text, end)
    rest = following.end() if following else end
    if not text[line:start].strip(" \t"):
        if text.startswith(("\n", "\r\n"), rest):
            return text[:line] + text[text.index("\n", rest) + 1 :]
        return text[:start] + text[rest:]
    before = len(text[:start].rstrip(" \t"))
    return text[:before] + text[end:]


def _one_line(render: Callable[[str], str]) -> str:
    return re.sub(r"\r?\n[ \t]*", " ", render("")) if "\n" in render("") else render("")


def _alone_on_line(text: str, at: int) -> bool:
    line = text.rfind("\n", 0, at) + 1
    return line > 0 and not text[line:at].strip(" \t")


def _line_indent(text: str, at: int) -> str:
    line = text.rfind("\n", 0, at) + 1
    match = _INDENT.match(text, line)
    return match.group() if match else ""


def _style(text: str, root: Node) -> _Style:
    """How the file is written: its first key's indentation is one step, its first line end is every line's."""
    first = root.children[0] if root.children else None
    unit = _line_indent(text, first.start) if first and _alone_on_line(text, first.start) else ""
    newline = text.find("\n")
    return _Style(unit or "  ", "\r\n" if newline > 0 and text[newline - 1] == "\r" else "\n")


def _checked(before: Node, after: str, change: Callable[[Any], None]) -> str:
    """Return `after` if parsing it gives what `change` makes of the parsed `before`. Raises ValueError otherwise."""
    expected = copy.deepcopy(before.value)
    change(expected)
    try:
        got = parse(after).value
    except ValueError as error:
        raise ValueError(f"the edit would have broken the file ({error})") from None
    if not _same(got, expected):
        raise ValueError("the edit would have changed something else")
    return after


def _same(one: Any, other: Any) -> bool:
    """Equal, key order included; NaN equals NaN."""
    if isinstance(one, dict) and isinstance(other, dict):
        return list(one) == list(other) and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return type(one) is type(other) and bool(one == other)


def _set(root: Any, path: Sequence[str], value: Any) -> None:
    for key in path[:-1]:
        root = root.setdefault(key, {})
    root[path[-1]] = value


def _unset(root: Any, path: Sequence[str]) -> None:
    for key in path[:-1]:
        root = root[key]
    del root[path[-1]]
