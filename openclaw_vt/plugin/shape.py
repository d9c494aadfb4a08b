"""Whether a value that a stranger made really is what its class declares: Python does not look, and the gate relies on it."""

from __future__ import annotations

from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints


def fits(value: object, hint: Any) -> bool:
    """Whether `value` has exactly the declared type, all the way down: no subclasses, whose properties could say anything.

    Understands what `model` and `analysis.facts` use: plain classes, enums, dataclasses, unions, new types, `tuple[X, ...]`.
    """
    if isinstance(hint, NewType):
        return fits(value, hint.__supertype__)
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return any(fits(value, option) for option in get_args(hint))
    if origin is tuple:
        return type(value) is tuple and all(fits(item, get_args(hint)[0]) for item in value)
    if hint is None or hint is NoneType:
        return value is None
    if type(value) is not hint:
        return False
    return not is_dataclass(hint) or all(fits(getattr(value, name), inner) for name, inner in _fields(hint).items())


@cache
def _fields(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)
