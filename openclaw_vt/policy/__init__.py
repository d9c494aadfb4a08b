"""From what was learnt to what happens: a frozen policy and `decide()`.

A cache hit needs the policy and not the deciding, so the names of `deciding.py` are loaded when they are first used (PEP 562).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from openclaw_vt.policy.table import DEFAULT_ROWS, LIFTS, TOGGLES, Policy, Row, Standing

if TYPE_CHECKING:
    from openclaw_vt.policy.deciding import Ruling, decide

__all__ = ["DEFAULT_ROWS", "LIFTS", "TOGGLES", "Policy", "Row", "Ruling", "Standing", "decide"]


def __getattr__(name: str) -> Any:
    """Load `decide` or `Ruling`."""
    if name in ("Ruling", "decide"):
        from importlib import import_module

        return getattr(import_module("openclaw_vt.policy.deciding"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
