"""`openclaw-vt daemon`: the warm gate that OpenClaw's plugin and `verify` ask."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.config import Config


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("daemon", help="start the warm gate that OpenClaw's plugin asks; it ends by itself when idle")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--foreground", action="store_true", help="stay in this terminal")
    what.add_argument("--status", action="store_true", help="say whether it runs")
    what.add_argument("--stop", action="store_true", help="end it")
    what.add_argument("--stdio", action="store_true", help="speak the protocol on standard input and output")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Start, stop, describe or be the daemon."""
    if args.stdio:
        return _stdio()
    config = _settings()
    from openclaw_vt.daemon.starting import has_sockets

    if not has_sockets():
        from openclaw_vt.errors import UsageError

        raise UsageError("This system has no Unix sockets.", remedy="The plugin uses `openclaw-vt daemon --stdio` by itself.")
    if args.stop:
        from openclaw_vt.cli.person import require_person

        require_person(os.environ)
    if args.foreground:
        return _foreground()
    if args.status:
        return _status(config, json=args.json)
    return _stop(config, json=args.json) if args.stop else _start(config, json=args.json)


def _settings() -> Config:
    """Return the settings from files alone: what stands in the environment of whoever started us counts for nothing."""
    from openclaw_vt.config import load

    return load(os.environ, use_environment=False)


def _foreground() -> int:
    from openclaw_vt.cli.terminal import note
    from openclaw_vt.daemon.starting import run as serve

    if not serve(_settings, os.environ):
        note("openclaw-vt: another daemon runs for this state folder.")
    return 0


def _stdio() -> int:
    from openclaw_vt.daemon.stdio import converse

    # What a library or a program that it starts prints must not stand between the answers.
    spoken = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    converse(_settings, os.environ, sys.stdin.buffer, spoken)
    return 0


def _start(config: Config, *, json: bool) -> int:
    from openclaw_vt.daemon.starting import ensure

    with ensure(config, os.environ) as client:
        return _described(client.ask("status"), json=json)


def _status(config: Config, *, json: bool) -> int:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.daemon.client import Absent, Client

    try:
        with Client(config.state_folder) as client:
            return _described(client.ask("status"), json=json)
    except Absent as error:
        if json:
            emit({"schema": "openclaw-vt.daemon/1", "running": False})
        else:
            say(f"{error.what} It is started when OpenClaw or a command needs it.")
        return Absent.exit_code


def _described(status: dict[str, object], *, json: bool) -> int:
    from openclaw_vt.cli.terminal import emit, say

    kept = {name: status[name] for name in ("version", "pid", "uptime_s", "served", "busy")}
    if json:
        emit({"schema": "openclaw-vt.daemon/1", "running": True, **kept})
    else:
        since = f"for {kept['uptime_s']} s; it answered {kept['served']} requests"
        say(f"The daemon {kept['version']} runs as process {kept['pid']}, {since}.")
    return 0


def _stop(config: Config, *, json: bool) -> int:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.daemon.starting import stop

    stopped = stop(config.state_folder)
    if json:
        emit({"schema": "openclaw-vt.daemon/1", "running": False, "stopped": stopped})
    else:
        say("The daemon has ended." if stopped else "The daemon was not running.")
    return 0
