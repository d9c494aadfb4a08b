"""`openclaw-vt scan`: the full judgement of one or many skills."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from openclaw_vt.cli.parser import Subparsers, add_json
from openclaw_vt.errors import UsageError

if TYPE_CHECKING:
    from openclaw_vt.model.decision import Decision, Request

MAX_DEPTH = 8
MAX_SKILLS = 10_000
QUOTA_PAUSE_S = 20
QUOTA_TRIES = 30
STDOUT = "-"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("scan", help="judge skills: VirusTotal and local analysis")
    parser.add_argument("path", nargs="+", metavar="PATH", help="a skill folder or archive")
    parser.add_argument("-r", "--recursive", action="store_true", help="judge every folder with a SKILL.md below PATH")
    parser.add_argument("--offline", action="store_true", help="use no network")
    parser.add_argument("--refresh", action="store_true", help="ask VirusTotal again even if the verdict is cached")
    parser.add_argument("--wait", action="store_true", help="wait up to ten minutes for VirusTotal's quota")
    parser.add_argument("--explain", action="store_true", help="show digests, required checks and every finding")
    parser.add_argument("--upload", choices=("ask", "never", "always"), help="whether files may be uploaded (not yet done)")
    parser.add_argument("--fail-on", choices=("warn", "block"), default="warn", help="with block, a warning exits 0")
    parser.add_argument("--sarif", metavar="FILE", help="also write SARIF 2.1.0; - prints it instead of the text")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge every path; the exit code is that of the worst."""
    from openclaw_vt.cli.outcome import exit_code
    from openclaw_vt.cli.terminal import emit
    from openclaw_vt.report.json import document

    if args.json and args.sarif == STDOUT:
        raise UsageError("--json and --sarif - both want standard output.", remedy="Name a file for one of them.")
    decisions = _judged(args)
    if args.json:
        emit(document(decisions))
    if args.sarif:
        _write_sarif(args.sarif, decisions)
    return exit_code(decisions, warn_is_fine=args.fail_on == "block")


def _judged(args: argparse.Namespace) -> tuple[Decision, ...]:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import show
    from openclaw_vt.cli.terminal import Progress, note
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Phase, Request
    from openclaw_vt.model.display import shown

    flags = {"virustotal.upload": args.upload} if args.upload else {}
    config = load(os.environ, flags=flags)
    paths = list(_skills(args.path, recursive=args.recursive, remark=note))
    decisions = []
    with Assembly(config) as assembly:
        gate, progress = assembly.gate(), Progress(len(paths))
        for number, path in enumerate(paths, start=1):
            progress.step(number, shown(path))
            request = Request(Phase.SCAN, path, offline=args.offline, refresh=args.refresh)
            decision = _patient(gate.check, request, wait=args.wait, remark=note)
            decisions.append(decision)
            progress.done()
            if not args.json and args.sarif != STDOUT:
                show(decision, explain=args.explain, translate=assembly.translate)
    return tuple(decisions)


def _patient(check: Callable[[Request], Decision], request: Request, *, wait: bool, remark: Callable[[str], None]) -> Decision:
    """Judge; with `wait`, judge again while nothing but the key's quota is in the way, for ten minutes at most."""
    import time

    decision = check(request)
    for _ in range(QUOTA_TRIES if wait else 0):
        if decision.verdict is None or decision.verdict.virustotal.detail != "quota":
            break
        remark(f"VirusTotal's quota is used up; asking again in {QUOTA_PAUSE_S} seconds (Ctrl-C ends it).")
        time.sleep(QUOTA_PAUSE_S)
        decision = check(request)
    return decision


def _skills(paths: list[str], *, recursive: bool, remark: Callable[[str], None]) -> Iterator[str]:
    """Yield what to judge. `remark` is told what was not looked into."""
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.model.display import shown

    for given in paths:
        root = absolute(given)
        if not recursive:
            yield root
            continue
        count = 0
        for count, path in enumerate(_below(root, remark), start=1):
            if count > MAX_SKILLS:
                raise UsageError(f"There are more than {MAX_SKILLS} skills below {shown(given)}.", remedy="Name smaller folders.")
            yield path
        if not count:
            raise UsageError(f"There is no SKILL.md below {shown(given)}.", remedy="Name the folder that holds the skills.")


def _below(root: str, remark: Callable[[str], None]) -> Iterator[str]:
    """Yield folders that hold a SKILL.md, outermost only, never through a link; and those that nobody could look into.

    A folder that cannot be read is judged like any other, so that it ends as a warning and hides nothing else.
    """
    from openclaw_vt.model.display import shown

    unread: list[str] = []
    deeper = 0
    for folder, names, files in os.walk(root, onerror=lambda error: unread.append(os.fsdecode(error.filename or root))):
        if "SKILL.md" in files:
            names.clear()
            yield folder
        elif names and folder[len(root) :].count(os.sep) >= MAX_DEPTH:
            deeper += 1
            names.clear()
        else:
            names.sort()
    yield from sorted(unread)
    if deeper:
        remark(f"Folders more than {MAX_DEPTH} levels below {shown(root, limit=200)} were not looked into ({deeper} times).")


def _write_sarif(target: str, decisions: tuple[Decision, ...]) -> None:
    import json

    from openclaw_vt.cli.terminal import say
    from openclaw_vt.model.display import shown
    from openclaw_vt.report import sarif

    text = json.dumps(sarif.document(decisions), indent=2)
    if target == STDOUT:
        say(text)
        return
    try:
        Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The SARIF file {shown(target, limit=200)} cannot be written.", why=error.strerror or "") from None
