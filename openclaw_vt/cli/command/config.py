"""`openclaw-vt config`: what is set, where it came from, and whether it is valid."""

from __future__ import annotations

import argparse
import os

from openclaw_vt.cli.parser import Subparsers, add_json

SCHEMA = "openclaw-vt.config/1"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("config", help="show and check the settings")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    show = actions.add_parser("show", help="print every setting")
    show.add_argument("--origin", action="store_true", help="say where each value came from")
    add_json(show)
    show.set_defaults(run=_show)
    path = actions.add_parser("path", help="print the configuration file's path")
    add_json(path)
    path.set_defaults(run=_path)
    validate = actions.add_parser("validate", help="check the configuration")
    add_json(validate)
    validate.set_defaults(run=_validate)


def _show(args: argparse.Namespace) -> int:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load

    config = load(os.environ)
    if args.json:
        tables: dict[str, dict[str, object]] = {}
        for (table, key), setting in config.settings.items():
            tables.setdefault(table, {})[key] = {"value": setting.value, "origin": setting.origin, "place": setting.place}
        emit({"schema": SCHEMA, "path": str(config.path), "settings": tables})
        return 0
    seen = ""
    for (table, key), setting in config.settings.items():
        if table != seen:
            say(f"[{table}]")
            seen = table
        origin = f"   # {setting.origin}{': ' + setting.place if setting.place else ''}" if args.origin else ""
        say(f"{key} = {toml(setting.value)}{origin}")
    return 0


def toml(value: object) -> str:
    """Return a setting's value as TOML."""
    import json

    if isinstance(value, tuple):
        return "[" + ", ".join(json.dumps(item) for item in value) + "]"
    return json.dumps(value)


def _path(args: argparse.Namespace) -> int:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import config_path

    path = str(config_path(os.environ))
    if args.json:
        emit({"schema": SCHEMA, "path": path})
    else:
        say(path)
    return 0


def _validate(args: argparse.Namespace) -> int:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load

    config = load(os.environ)
    digest = config.policy().digest
    if args.json:
        emit({"schema": SCHEMA, "path": str(config.path), "valid": True, "policy": digest})
    else:
        say(f"{config.path}: valid; policy digest {digest}{'' if config.path.exists() else ' (there is no file yet)'}")
    return 0
