"""`openclaw-vt completion`: a completion script for the shell."""

from __future__ import annotations

import argparse

from openclaw_vt.cli.parser import Subparsers


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("completion", help="print a completion script for your shell")
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the script."""
    import shtab

    from openclaw_vt.cli.parser import build
    from openclaw_vt.cli.terminal import say

    say(shtab.complete(build(), shell=args.shell))
    return 0
