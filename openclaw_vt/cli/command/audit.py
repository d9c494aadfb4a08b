"""`openclaw-vt audit`: what the gate decided, and whether the log is whole."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.store.problem import Problem

MAX_WORDS = 200
MAX_LINES = 100_000


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
            return _verified(audit.verify(), as_json=args.json)
        entries = audit.tail(min(max(0, args.lines), MAX_LINES))
    if args.json:
        emit({"schema": "openclaw-vt.audit/1", "entries": list(entries)})
        return 0
    for entry in entries:
        say(_line(entry))
    if not entries:
        say("Nothing has been decided yet." if args.lines > 0 else "No entries were asked for.")
    return 0


def _verified(problems: tuple[Problem, ...], *, as_json: bool) -> int:
    from openclaw_vt.cli.terminal import emit, say

    if as_json:
        rows = [{"code": problem.code.value, "message": problem.message, "sequence": problem.sequence} for problem in problems]
        emit({"schema": "openclaw-vt.audit-verify/1", "problems": rows})
    else:
        for problem in problems:
            say(f"{problem.code.value}: {problem.message}")
        if not problems:
            say("The audit log is whole.")
    return 3 if problems else 0


def _line(entry: dict[str, Any]) -> str:
    """Return one entry as a line. The log is not signed: whoever may write here may have put anything into it."""
    from openclaw_vt.model.display import shown_text

    found = entry.get("detail")
    detail: dict[str, Any] = found if isinstance(found, dict) else {}
    words = [str(detail.get(key) or "-") for key in ("decision", "phase", "skill", "path")]
    words += [f"{key}={detail[key]}" for key in ("by", "rule", "tool", "resolution") if detail.get(key)]
    reasons = detail.get("reasons")
    codes = ",".join(map(str, reasons)) if isinstance(reasons, list) else ""
    parts = (str(entry.get("time")), str(entry.get("event")), " ".join(words), codes)
    return "  ".join(shown_text(part, MAX_WORDS) for part in parts)
