"""`openclaw-vt scan`: the full judgement of one or many skills."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from openclaw_vt.cli.parser import Subparsers, add_json
from openclaw_vt.errors import UsageError

MAX_DEPTH = 8
MAX_SKILLS = 10_000


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("scan", help="judge skills: VirusTotal and local analysis")
    parser.add_argument("path", nargs="+", metavar="PATH", help="a skill folder or archive")
    parser.add_argument("-r", "--recursive", action="store_true", help="judge every folder with a SKILL.md below PATH")
    parser.add_argument("--offline", action="store_true", help="use no network")
    parser.add_argument("--refresh", action="store_true", help="ask VirusTotal again even if the verdict is cached")
    parser.add_argument("--wait", action="store_true", help="wait for VirusTotal's quota instead of giving up")
    parser.add_argument("--explain", action="store_true", help="show digests, required checks and every finding")
    parser.add_argument("--upload", choices=("ask", "never", "always"), help="whether files may be uploaded (not yet done)")
    parser.add_argument("--fail-on", choices=("warn", "block"), default="warn", help="with block, a warning exits 0")
    parser.add_argument("--sarif", metavar="FILE", help="also write SARIF 2.1.0")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge every path; the exit code is that of the worst."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import exit_code, show
    from openclaw_vt.cli.terminal import Progress, emit
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Phase, Request
    from openclaw_vt.model.display import shown
    from openclaw_vt.report.json import document

    paths = list(_skills(args.path, recursive=args.recursive))
    flags = {"virustotal.upload": args.upload} if args.upload else {}
    flags |= {"virustotal.timeout_s": 120.0} if args.wait else {}
    with Assembly(load(os.environ, flags=flags)) as assembly:
        gate = assembly.gate()
        progress, decisions = Progress(len(paths)), []
        for number, path in enumerate(paths, start=1):
            progress.step(number, shown(path))
            decision = gate.check(Request(Phase.SCAN, path, offline=args.offline, refresh=args.refresh))
            decisions.append(decision)
            if not args.json:
                progress.done()
                show(decision, explain=args.explain, translate=assembly.translate)
        progress.done()
    if args.json:
        emit(document(tuple(decisions)))
    if args.sarif:
        _write_sarif(args.sarif, tuple(decisions))
    return exit_code(decisions, warn_is_fine=args.fail_on == "block")


def _skills(paths: list[str], *, recursive: bool) -> Iterator[str]:
    for given in paths:
        path = os.path.abspath(given)  # noqa: PTH100 - resolve() would follow links, and a str keeps undecodable names
        if not recursive:
            yield path
            continue
        found = 0
        for found, folder in enumerate(_below(path), start=1):
            if found > MAX_SKILLS:
                raise UsageError(f"There are more than {MAX_SKILLS} skills below {given}.", remedy="Name smaller folders.")
            yield folder
        if not found:
            raise UsageError(f"There is no SKILL.md below {given}.")


def _below(root: str) -> Iterator[str]:
    """Yield folders that hold a SKILL.md, outermost only, never through a link."""
    for folder, names, files in os.walk(root, onerror=_complain):
        if "SKILL.md" in files:
            names.clear()
            yield folder
        elif folder[len(root) :].count(os.sep) >= MAX_DEPTH:
            names.clear()
        else:
            names.sort()


def _complain(error: OSError) -> None:
    raise UsageError(f"The folder {error.filename} cannot be read.", why=error.strerror or "")


def _write_sarif(target: str, decisions: tuple[object, ...]) -> None:
    import json

    from openclaw_vt.report import sarif

    text = json.dumps(sarif.document(decisions), indent=2)  # type: ignore[arg-type]  # the tuple was built two lines above
    try:
        if target == "-":
            sys.stdout.write(text + "\n")
        else:
            Path(target).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UsageError(f"The SARIF file {target} cannot be written.", why=error.strerror or "") from None
