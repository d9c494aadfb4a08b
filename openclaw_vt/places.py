"""Where our files lie, from the environment alone. Standard library without imports that cost: every start comes through here."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_VARIABLES = frozenset({"OPENCLAW_VT_CONFIG", "OPENCLAW_VT_STATE_DIR"})
PREFIX = "OPENCLAW_VT_"


def config_file(environ: Mapping[str, str]) -> str:
    """Return the user's configuration file: OPENCLAW_VT_CONFIG, else the platform's place for it. Raises ConfigError."""
    named = environ.get("OPENCLAW_VT_CONFIG")
    return _absolute(named) if named else os.path.join(_base(environ, "XDG_CONFIG_HOME", ".config"), "config.toml")


def state_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of cache and audit log: OPENCLAW_VT_STATE_DIR, else the platform's place. Raises ConfigError."""
    named = environ.get("OPENCLAW_VT_STATE_DIR")
    return _absolute(named) if named else _base(environ, "XDG_STATE_HOME", ".local/state")


def data_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of the launcher that OpenClaw starts. Raises ConfigError."""
    return _base(environ, "XDG_DATA_HOME", ".local/share")


def _absolute(named: str) -> str:
    # As the system would find it: `abspath` would drop `..`, which is another folder behind a link.
    return named if os.path.isabs(named) else os.path.join(os.getcwd(), named)


def _base(environ: Mapping[str, str], variable: str, below_home: str) -> str:
    named = environ.get(variable, "")
    if named and os.path.isabs(named):  # the XDG specification says to ignore relative values
        return os.path.join(named, "openclaw-vt")
    if sys.platform == "win32" and environ.get("LOCALAPPDATA"):
        return os.path.join(environ["LOCALAPPDATA"], "openclaw-vt")
    home = environ.get("HOME") or os.path.expanduser("~")
    if home == "~":  # a user id without an entry in the user database, as in some containers
        from openclaw_vt.errors import ConfigError

        raise ConfigError("There is no home folder to keep settings in.", remedy=f"Set HOME or {variable}.")
    return os.path.join(home, below_home, "openclaw-vt")
