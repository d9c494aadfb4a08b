"""Our plugin for OpenClaw: where its files lie, and the entries in `openclaw.json` that load it."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from openclaw_vt.openclaw.record import Edit

PLUGIN_ID = "openclaw-vt"
MANIFEST = "openclaw.plugin.json"
_HERE = Path(__file__).resolve().parents[1]
_VARIABLE = re.compile(r"\$(?=\{[A-Z_][A-Z0-9_]*\})")


def plugin_folder() -> Path:
    """Return the plugin's folder: inside the installed package, or beside it in a source checkout."""
    inside, beside = _HERE / "_hooks" / "openclaw", _HERE.parent / "hooks" / "openclaw"
    return inside if (inside / MANIFEST).is_file() else beside


def plugin_edits(config: Mapping[str, Any], *, launcher: Path, state_dir: Path) -> tuple[Edit, ...]:
    """Return what loads the plugin. `config` is OpenClaw's configuration: where it lists the plugins it allows, ours joins.

    Each value stands alone, so that toggles a person set beside ours stay.
    """
    entry = ("plugins", "entries", PLUGIN_ID)
    edits = [
        Edit(("plugins", "load", "paths"), _text(plugin_folder()), in_list=True),
        Edit((*entry, "enabled"), value=True),
        Edit((*entry, "config", "launcher"), _text(launcher)),
        Edit((*entry, "config", "stateDir"), _text(state_dir)),
    ]
    plugins = config.get("plugins")
    if isinstance(plugins, Mapping) and isinstance(plugins.get("allow"), list):
        edits.append(Edit(("plugins", "allow"), PLUGIN_ID, in_list=True))
    return tuple(edits)


def plugin_traces() -> tuple[Edit, ...]:
    """Return what to clear where the record of `plugin_edits` is lost: the whole entry, and our place in both lists."""
    return (
        Edit(("plugins", "entries", PLUGIN_ID), value=None),
        Edit(("plugins", "load", "paths"), _text(plugin_folder()), in_list=True),
        Edit(("plugins", "allow"), PLUGIN_ID, in_list=True),
    )


def is_loaded(config: Mapping[str, Any]) -> bool:
    """Whether OpenClaw, with this configuration, loads the plugin from where it lies now."""
    plugins = config.get("plugins")
    plugins = plugins if isinstance(plugins, Mapping) else {}
    load, entries, allow = plugins.get("load"), plugins.get("entries"), plugins.get("allow")
    paths = load.get("paths") if isinstance(load, Mapping) else None
    entry = entries.get(PLUGIN_ID) if isinstance(entries, Mapping) else None
    listed = isinstance(paths, list) and str(plugin_folder()) in paths
    enabled = isinstance(entry, Mapping) and entry.get("enabled") is True and plugins.get("enabled") is not False
    return listed and enabled and (not isinstance(allow, list) or PLUGIN_ID in allow)


def refusals() -> list[str]:
    """Return what OpenClaw would skip the plugin for, silently: no folder, another owner, or a mode that lets anybody write."""
    folder = plugin_folder()
    try:
        found = folder.stat()
    except OSError:
        return [f"{folder} is gone. Install openclaw-vt again and run `openclaw-vt setup`."]
    if sys.platform == "win32":
        return []
    problems = []
    if found.st_mode & stat.S_IWOTH:
        problems.append(f"Anybody may write to {folder}. Run: chmod o-w '{folder}'")
    if found.st_uid not in {0, os.getuid()}:
        problems.append(f"{folder} belongs to another user. Install openclaw-vt for yourself.")
    return problems


def _text(path: Path) -> str:
    # OpenClaw puts variables into every text of its configuration; a doubled dollar keeps it from that.
    return _VARIABLE.sub("$$", str(path))
