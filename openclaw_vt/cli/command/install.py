"""`openclaw-vt install`: judge, ask, then hand to `openclaw skills install`."""

from __future__ import annotations

import argparse
import os
import subprocess
from pathlib import Path

from openclaw_vt.cli.parser import Subparsers, add_no_input

ACKNOWLEDGE = "--acknowledge-install-policy-warning"
_AGREED = -1
_INTERRUPTED = frozenset({130, -2})  # what a shell says of Ctrl-C, and what the system does


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("install", help="judge a skill, ask, and let OpenClaw install it")
    parser.add_argument("source", metavar="SOURCE", help="a skill folder, or what `openclaw skills install` takes")
    parser.add_argument("openclaw", nargs="*", metavar="ARG", help="further arguments for OpenClaw, after --")
    add_no_input(parser)
    parser.set_defaults(run=run, person=True)


def run(args: argparse.Namespace) -> int:
    """Judge a local folder here; anything else is judged when OpenClaw asks us, with the bytes it downloaded."""
    from openclaw_vt.errors import UsageError
    from openclaw_vt.openclaw.command import find_openclaw

    executable = find_openclaw(os.environ)
    if executable is None:
        raise UsageError("The `openclaw` command was not found.", remedy="Install OpenClaw, or put it in PATH.")
    source, agreed = args.source, []
    folder = _folder(source)
    if folder is not None:
        code = _judged(folder, no_input=args.no_input)
        if code in (1, 3):
            return code
        # The very folder that was judged, however OpenClaw would have read the name.
        source, agreed = folder, [ACKNOWLEDGE] if code == _AGREED else []
    else:
        _require_policy(source)
    return _handed_over([executable, "skills", "install", source, *args.openclaw, *agreed])


def _folder(source: str) -> str | None:
    """Return the absolute path of the folder that OpenClaw would take from here, None for what it fetches from elsewhere.

    OpenClaw takes paths that begin with `./`, `../`, `~/` or `/`; a bare word is a name on ClawHub, even where a folder of
    that name stands here. A person who looked at the one must not get the other. Raises UsageError.
    """
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.errors import UsageError
    from openclaw_vt.model.display import shown

    if source != source.strip() or source.startswith("-"):
        raise UsageError(f"OpenClaw would not take {shown(source)} as it is written.", remedy="Write a folder as ./FOLDER.")
    spelled_out = source.startswith(("./", "../", "~/")) or source in (".", "..") or Path(source).is_absolute()
    path = absolute(os.path.expanduser(source) if source.startswith("~/") else source)  # noqa: PTH111 - a str keeps undecodable names
    if not Path(path).is_dir():
        return None
    if not spelled_out:
        raise UsageError(
            f"{shown(source)} is a folder here, and OpenClaw would take it for a name on ClawHub.",
            remedy=f"Write ./{shown(source)} for the folder, or @OWNER/NAME for the skill on ClawHub.",
        )
    return path


def _judged(path: str, *, no_input: bool) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import exit_code, show
    from openclaw_vt.cli.person import require_unchanged
    from openclaw_vt.cli.terminal import confirm_by_name, say
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Outcome, Phase, Request
    from openclaw_vt.model.display import shown

    with Assembly(load(os.environ)) as assembly:
        decision = assembly.gate().check(Request(Phase.PRE_INSTALL, path))
        show(decision, explain=False, translate=assembly.translate)
        if decision.outcome is not Outcome.WARN or decision.subject is None:
            return exit_code([decision])
        if no_input:
            say("Not installed: a person must decide, and --no-input asks nobody.")
            return 3
        if not confirm_by_name(shown(decision.subject.ref.name), assembly.translate("Install it?")):
            say("Not installed.")
            return 3
        require_unchanged(decision.subject)
        return _AGREED


def _require_policy(source: str) -> None:
    from openclaw_vt.config import data_dir
    from openclaw_vt.errors import UsageError
    from openclaw_vt.model.display import shown
    from openclaw_vt.openclaw.wiring import is_wired_now

    if not is_wired_now(os.environ, data_dir(os.environ)):
        raise UsageError(
            f"OpenClaw would install {shown(source)} without asking the gate.",
            why="Its install policy is not set to openclaw-vt.",
            remedy="Run `openclaw-vt setup` first.",
        )


def _handed_over(command: list[str]) -> int:
    """Run OpenClaw without our keys in its environment; what it starts would inherit them."""
    from openclaw_vt.cli import EXIT_INTERRUPTED
    from openclaw_vt.cli.terminal import note
    from openclaw_vt.errors import UsageError
    from openclaw_vt.store.keys import child_environment

    try:
        done = subprocess.run(command, check=False, env=child_environment(os.environ))  # noqa: S603 - our person's own command
    except OSError as error:
        why = f"{error.strerror or type(error).__name__}."
        raise UsageError("The `openclaw` command could not be started.", why=why, remedy="Repair the installation.") from None
    if done.returncode == 0:
        return 0
    if done.returncode in _INTERRUPTED:
        return EXIT_INTERRUPTED
    note(f"OpenClaw did not install it (its exit code is {done.returncode}).")
    return 1
