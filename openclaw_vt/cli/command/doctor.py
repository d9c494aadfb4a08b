"""`openclaw-vt doctor`: every part tried for real, each failure with its mend."""

from __future__ import annotations

import argparse
import os

from openclaw_vt.cli.parser import Subparsers, add_json

SCHEMA = "openclaw-vt.doctor/1"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("doctor", help="try every part, and say what to do about what fails")
    parser.add_argument("--offline", action="store_true", help="do not ask VirusTotal")
    parser.add_argument("--fix", action="store_true", help="mend folder modes, the launcher and the install policy")
    parser.add_argument("--openclaw-state-dir", metavar="DIR", help="OpenClaw's state folder (default: the usual one)")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Examine, and mend if asked. Exit 0 when nothing is broken."""
    from openclaw_vt import diagnosis, onboarding
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import emit, note, say
    from openclaw_vt.config import load

    host = onboarding.locate(os.environ, args.openclaw_state_dir)
    with Assembly(load(os.environ)) as assembly:
        if args.fix:
            for line in diagnosis.mend(assembly, host):
                note(line)
        checks = []
        for check in diagnosis.examine(assembly, host, offline=args.offline):
            checks.append(check)
            if not args.json:
                say(f"{check.health.value:<7} {check.name:<15} {check.detail}")
                if check.remedy:
                    say(f"        {'':<15} -> {check.remedy}")
    broken = any(check.health is diagnosis.Health.BROKEN for check in checks)
    if args.json:
        rows = [{"name": c.name, "health": c.health.value, "detail": c.detail, "remedy": c.remedy} for c in checks]
        emit({"schema": SCHEMA, "good": not broken, "checks": rows})
    return 3 if broken else 0
