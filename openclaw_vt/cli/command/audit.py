"""`openclaw-vt audit`: what the gate decided, and whether the log is whole."""

from __future__ import annotations

import argparse
import os

from openclaw_vt.cli.parser import Subparsers, add_json


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("audit", help="show what was decided; check the log's chain")
    parser.add_argument("-n", "--lines", type=int, default=20, metavar="N", help="how many of the newest entries")
    parser.add_argument("--verify", action="store_true", help="check that no line was changed or taken out")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the newest entries, or check the chain."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load

    with Assembly(load(os.environ)) as assembly:
        audit = assembly.audit()
        if args.verify:
            problems = audit.verify()
            for problem in problems:
                say(f"{problem.code.value}: {problem.message}")
            if not problems:
                say("The audit log is whole.")
            return 3 if problems else 0
        entries = audit.tail(max(0, args.lines))
    if args.json:
        emit({"schema": "openclaw-vt.audit/1", "entries": list(entries)})
        return 0
    for entry in entries:
        detail = entry.get("detail", {})
        words = " ".join(str(detail.get(key) or "-") for key in ("decision", "phase", "skill", "path"))
        say(f"{entry.get('time')}  {entry.get('event')}  {words}  {','.join(detail.get('reasons', []))}")
    if not entries:
        say("Nothing has been decided yet.")
    return 0
