"""`openclaw-vt verify`: are these the bytes that were verified? From the signed cache alone, without a network."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from openclaw_vt.cli.parser import Subparsers
    from openclaw_vt.model.decision import Decision

UNDECIDED = 3


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
    if decisions is None:
        return UNDECIDED
    if args.json and not args.quiet:
        from openclaw_vt.cli.terminal import emit
        from openclaw_vt.report.json import document

        emit(document(tuple(decisions)))
    elif not args.quiet:
        _say(decisions)
    return _code(decisions)


def quick(paths: list[str]) -> int:
    """Answer without argparse: only paths were given. A plain yes does not load the gate either."""
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.config import load
    from openclaw_vt.seal import plain_yes

    named = [absolute(path) for path in paths]
    if (words := plain_yes(named, load(os.environ))) is not None:
        _print(zip(named, words, strict=True))
        return 0
    decisions = _verify(paths)
    if decisions is None:
        return UNDECIDED
    _say(decisions)
    return _code(decisions)


def _verify(paths: list[str]) -> list[Decision] | None:
    """Return a decision for each path, or None where our own state cannot be trusted: then nothing is verified."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.config import load
    from openclaw_vt.errors import KeyStoreError

    named = [absolute(path) for path in paths]
    try:
        with Assembly(load(os.environ)) as assembly:
            gate = assembly.gate()
            return [gate.verify(path) for path in named]
    except KeyStoreError as error:
        from openclaw_vt.cli.terminal import explain

        explain(error)
        return None


def _say(decisions: list[Decision]) -> None:
    words = ("unchanged", "unverified", "blocked")
    _print((d.request.path, d.reasons[0].message if d.reasons else "", words[d.outcome]) for d in decisions)


def _print(lines: Iterable[tuple[str, ...]]) -> None:
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.model.display import shown

    for path, reason, *word in lines:
        say(f"{word[0] if word else 'unchanged'}: {shown(path, limit=200)}: {reason}")


def _code(decisions: list[Decision]) -> int:
    from openclaw_vt.cli.outcome import exit_code

    return exit_code(decisions)
