"""`openclaw-vt install`: judge, ask, then hand to `openclaw skills install`."""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from openclaw_vt.cli.parser import Subparsers, add_no_input

ACKNOWLEDGE = "--acknowledge-install-policy-warning"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("install", help="judge a skill, ask, and let OpenClaw install it")
    parser.add_argument("source", metavar="SOURCE", help="a skill folder, or what `openclaw skills install` takes")
    parser.add_argument("openclaw", nargs="*", metavar="ARG", help="further arguments for OpenClaw, after --")
    add_no_input(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge a local folder here; anything else is judged when OpenClaw asks us, with the bytes it downloaded."""
    from openclaw_vt.errors import UsageError
    from openclaw_vt.openclaw.command import find_openclaw

    executable = find_openclaw(os.environ)
    if executable is None:
        raise UsageError("The `openclaw` command was not found.", remedy="Install OpenClaw, or put it in PATH.")
    agreed: list[str] = []
    if Path(args.source).is_dir():
        code = _judged(args)
        if code in (1, 3):
            return code
        agreed = [ACKNOWLEDGE] if code == _AGREED else []
    else:
        _require_policy(args.source)
    done = subprocess.run([executable, "skills", "install", args.source, *args.openclaw, *agreed], check=False)  # noqa: S603 - our person's own command
    return 0 if done.returncode == 0 else 1


_AGREED = -1


def _judged(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import exit_code, show
    from openclaw_vt.cli.terminal import confirm_by_name, say
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Outcome, Phase, Request
    from openclaw_vt.model.display import shown

    path = os.path.abspath(args.source)  # noqa: PTH100 - resolve() would follow links
    with Assembly(load(os.environ)) as assembly:
        decision = assembly.gate().check(Request(Phase.PRE_INSTALL, path))
        show(decision, explain=False, translate=assembly.translate)
        if decision.outcome is not Outcome.WARN or decision.subject is None:
            return exit_code([decision])
        if args.no_input:
            say("Not installed: a person must decide, and --no-input asks nobody.")
            return 3
        if confirm_by_name(shown(decision.subject.ref.name), assembly.translate("Install it?")):
            return _AGREED
        say("Not installed.")
        return 3


def _require_policy(source: str) -> None:
    from openclaw_vt.config import data_dir
    from openclaw_vt.errors import UsageError
    from openclaw_vt.openclaw.wiring import is_wired_now

    if not is_wired_now(os.environ, data_dir(os.environ)):
        raise UsageError(
            f"OpenClaw would install {source!r:.80} without asking the gate.",
            why="Its install policy is not set to openclaw-vt.",
            remedy="Run `openclaw-vt setup` first.",
        )
