"""What a client may ask, read strictly: the plugin runs inside OpenClaw, where everything a skill controls is near."""

from __future__ import annotations

import os
from typing import Any, Literal, get_args

Mode = Literal["enforce", "observe", "off"]
_MODES: tuple[Mode, ...] = get_args(Mode)
MAX_PATH_BYTES = 4096
MAX_TEXT = 2000
_BUDGET_MS = (50, 20_000)


def path_of(request: dict[str, Any], name: str = "path") -> str:
    """Return an absolute path. Raises ValueError."""
    path = request.get(name)
    if not isinstance(path, str) or not os.path.isabs(path) or "\0" in path or len(os.fsencode(path)) > MAX_PATH_BYTES:
        raise ValueError(f"{name} is no absolute path")
    return path


def text_of(request: dict[str, Any], name: str, *, default: str = "") -> str:
    """Return a text of at most 2,000 characters. Raises ValueError."""
    text = request.get(name)
    if text is None:
        return default
    if not isinstance(text, str):
        raise ValueError(f"{name} is no text")
    return text[:MAX_TEXT]


def budget_s(request: dict[str, Any]) -> float:
    """Return how long the client waits, in seconds: 1.5 unless it says so, 0.05 to 20."""
    asked = request.get("budget_ms", 1500)
    if isinstance(asked, bool) or not isinstance(asked, int | float):
        raise ValueError("budget_ms is no number")
    low, high = _BUDGET_MS
    return min(max(asked, low), high) / 1000


def mode_of(request: dict[str, Any], name: str, configured: Mode) -> Mode:
    """Return the stricter of the configured mode and the one the client carries: what stands in openclaw.json only tightens."""
    modes = request.get("modes")
    asked = modes.get(name) if isinstance(modes, dict) else None
    return stricter(configured, asked) if asked in _MODES else configured


def stricter(one: Mode, other: Mode) -> Mode:
    """Return whichever mode lets less through."""
    return min(one, other, key=_MODES.index)
