"""How much code a Python source becomes, estimated before it is compiled: a few lines can ask for gigabytes.

CPython copies the body of a `finally` to every way out of its `try` (the normal end, an exception, and each return, break
and continue inside), so nested ones multiply: 19 levels, 300 bytes of source, are 18 MB of code and 1.5 GB of memory. Ways
out of `with` and `except ... as` cost code too, and a class name becomes part of each private name inside the class.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable

_LONG_WORD = re.compile(rb"[\w\x80-\xff]{200}")
_EXIT = re.compile(rb"return|break|continue")
_LEFT = re.compile(rb"with|except")
_MAX_NESTED = 20
"""CPython refuses more blocks inside each other."""
_WAY_OUT = 64
"""Bytes of code for leaving one `with` or `except ... as`, generously."""
_Size = tuple[int, int]
"""Bytes that are compiled, counted as often as they are copied, and ways out likewise."""


def stays_small(source: bytes, *, limit: int) -> bool:
    """Whether compiling `source` handles at most `limit` bytes, copies included. False also for what does not parse."""
    if len(source) > limit or _LONG_WORD.search(source):
        return False
    if b"finally" not in source:  # nothing is copied; parsing would cost more than compiling
        exits, left = len(_EXIT.findall(source)), min(len(_LEFT.findall(source)), _MAX_NESTED)
        return len(source) + _WAY_OUT * exits * left <= limit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            module = ast.parse(source)
        lengths = [len(line) + 1 for line in source.splitlines()]
        return _all(module.body, lengths, limit)[0] <= limit
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError, SystemError):
        return False


def _all(nodes: Iterable[ast.AST], lengths: list[int], limit: int) -> _Size:
    size = exits = 0
    for node in nodes:
        more, ways = _one(node, lengths, limit)
        size, exits = size + more, exits + ways
        if size > limit:  # numbers in a bomb have hundreds of digits; the answer is known here
            break
    return size, exits


def _one(node: ast.AST, lengths: list[int], limit: int) -> _Size:
    parts = [_all(getattr(node, name, ()), lengths, limit) for name in ("body", "handlers", "orelse", "cases")]
    size, exits = sum(part[0] for part in parts), sum(part[1] for part in parts)
    if isinstance(node, ast.Try | ast.TryStar):
        copied, inner = _all(node.finalbody, lengths, limit)
        copies = 2 + exits
        size, exits = size + copies * copied, exits + copies * inner
    elif isinstance(node, ast.With | ast.AsyncWith):
        size += _WAY_OUT * len(node.items) * (1 + exits)
    elif isinstance(node, ast.ExceptHandler):
        size += _WAY_OUT * (1 + exits)
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        exits = 0
    elif isinstance(node, ast.Return | ast.Break | ast.Continue):
        exits = 1
    return size + _own(node, lengths), exits


def _own(node: ast.AST, lengths: list[int]) -> int:
    """Return the bytes of the lines of a statement that holds no others, or of the head of one that does."""
    first, last = getattr(node, "lineno", 1), getattr(node, "end_lineno", 1)
    first = min([first, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))])
    body = getattr(node, "body", None)
    if isinstance(body, list) and body:
        last = max(first, getattr(body[0], "lineno", first))
    return sum(lengths[first - 1 : last])
