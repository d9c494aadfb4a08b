"""JSON as a security tool must read it: no duplicate keys, no NaN, no huge numbers, bounded size and depth."""

from __future__ import annotations

import json
import math
import re
from typing import Any

MAX_DEPTH = 64
MAX_DIGITS = 18
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
# An unterminated string matches up to the end: trying again from each later quote would make hostile input quadratic.
_STRING = rb'(?s)"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def _bounded_int(text: str) -> int:
    if len(text) > MAX_DIGITS + 1:
        raise ValueError("a number is too large")
    return int(text)


def _bounded_float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number is too large")
    return value


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for char in raw.translate(None, _NOT_BRACKETS):
        if char in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _check_depth(raw: bytes) -> None:
    # The C scanner recurses; counting brackets first keeps it shallow. Brackets inside strings count in the first, cheap pass;
    # only when that finds too many are the strings taken out, so that evidence full of "[[" is still readable.
    if _depth(raw) > MAX_DEPTH and _depth(re.sub(_STRING, b"", raw)) > MAX_DEPTH:
        raise ValueError("nested too deeply")


def loads(raw: bytes, *, max_bytes: int) -> Any:
    """Parse UTF-8 JSON. Raises ValueError for anything that is not plain, small, unambiguous JSON."""
    if len(raw) > max_bytes:
        raise ValueError(f"larger than {max_bytes} bytes")
    text = raw.decode("utf-8", "strict")
    _check_depth(raw)
    try:
        return json.loads(
            text,
            object_pairs_hook=_no_duplicates,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_bounded_float,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None


def dumps(value: Any) -> bytes:
    """Serialise with sorted keys and no spare space: the same value gives the same bytes."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def take(value: Any, keys: dict[str, type | tuple[type, ...]], *, where: str) -> dict[str, Any]:
    """Check that `value` is an object with at least `keys` of the given types; further keys are left in place.

    Raises ValueError naming the place. A bool never passes for an int.
    """
    if not isinstance(value, dict):
        raise ValueError(f"{where} is not an object")
    for key, kind in keys.items():
        item = value.get(key)
        if key not in value or not isinstance(item, kind) or (isinstance(item, bool) and not _allows_bool(kind)):
            raise ValueError(f"{where}.{key} is missing or of the wrong type")
    return value


def _allows_bool(kind: type | tuple[type, ...]) -> bool:
    return kind is bool or (isinstance(kind, tuple) and bool in kind)
