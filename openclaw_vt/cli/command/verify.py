"""`openclaw-vt verify`: are these the bytes that were verified? From the signed cache alone, without a network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

    from openclaw_vt.cli.parser import Subparsers
    from openclaw_vt.model.decision import Decision


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    from openclaw_vt.cli.parser import add_json

    parser = commands.add_parser("verify", help="compare bytes with the signed cache; no network")
    parser.add_argument("path", nargs="+", metavar="PATH", help="a skill folder or archive")
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing; the exit code answers")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer with output as the flags ask."""
    decisions = _verify(args.path)
    if args.json and not args.quiet:
        from openclaw_vt.cli.terminal import emit
        from openclaw_vt.report.json import document

        emit(document(tuple(decisions)))
    elif not args.quiet:
        _say(decisions)
    return _code(decisions)


def quick(paths: list[str]) -> int:
    """Answer without argparse: only paths were given."""
    decisions = _verify(paths)
    _say(decisions)
    return _code(decisions)


def _verify(paths: list[str]) -> list[Decision]:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.config import load

    named = [absolute(path) for path in paths]
    with Assembly(load(os.environ)) as assembly:
        gate = assembly.gate()
        return [gate.verify(path) for path in named]


def _say(decisions: list[Decision]) -> None:
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.model.display import shown

    words = ("unchanged", "unverified", "blocked")
    for decision in decisions:
        reason = decision.reasons[0].message if decision.reasons else ""
        say(f"{words[decision.outcome]}: {shown(decision.request.path, limit=200)}: {reason}")


def _code(decisions: list[Decision]) -> int:
    from openclaw_vt.cli.outcome import exit_code

    return exit_code(decisions)
