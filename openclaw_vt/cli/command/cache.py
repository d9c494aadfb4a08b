"""`openclaw-vt cache`: look into the signed cache, check it, move it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.ledger import Pen
    from openclaw_vt.store.cache import Entry

Action = Callable[[argparse.Namespace, "Assembly"], int]
SCHEMA = "openclaw-vt.cache/1"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("cache", help="list, check and move what was verified and signed")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, action in (
        ("list", "list every record", _list),
        ("show", "print what was signed about a skill or a tree digest", _show),
        ("verify", "verify every signature, the chain and the head", _verify),
        ("prune", "drop records that can no longer change an answer", _prune),
        ("export", "write every record to a file", _export),
        ("import", "take over an export that this machine's key signed", _import),
    ):
        sub = actions.add_parser(name, help=help_text)
        if name == "show":
            sub.add_argument("what", metavar="PATH|DIGEST")
        if name in ("export", "import"):
            sub.add_argument("file", metavar="FILE")
        add_json(sub)
        sub.set_defaults(run=_with_assembly(action), person=name in ("prune", "import"))


def _with_assembly(action: Action) -> Callable[[argparse.Namespace], int]:
    def run(args: argparse.Namespace) -> int:
        from openclaw_vt.assembly import Assembly
        from openclaw_vt.config import load

        with Assembly(load(os.environ)) as assembly:
            return action(args, assembly)

    return run


def _row(entry: Entry) -> dict[str, Any]:
    if entry.stored is None:
        problem = entry.problem.message if entry.problem else "unreadable"
        return {"sequence": entry.sequence, "kind": "invalid", "problem": problem}
    from openclaw_vt.attestation.statement import rfc3339

    draft = entry.stored.draft
    return {
        "sequence": entry.sequence,
        "kind": draft.kind.name.lower(),
        "name": draft.name,
        "tree": draft.tree,
        "result": draft.result,
        "basis": draft.detail.get("basis"),
        "time": rfc3339(draft.time),
        "notAfter": rfc3339(draft.not_after) if draft.not_after else None,
    }


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.model.display import shown

    if as_json:
        emit({"schema": SCHEMA, "records": rows})
        return
    for row in rows:
        if "problem" in row:
            say(f"{row['sequence']:>6}  INVALID  {row['problem']}")
            continue
        what = row["result"] or row["basis"] or ""
        say(f"{row['sequence']:>6}  {row['time']}  {row['kind']:<13} {what:<9} {row['tree'][:16]}  {shown(row['name'])}")
    if not rows:
        say("There are no records.")


def _list(args: argparse.Namespace, assembly: Assembly) -> int:
    _print([_row(entry) for entry in assembly.cache().entries()], as_json=args.json)
    return 0


def _show(args: argparse.Namespace, assembly: Assembly) -> int:
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.model.subject import parse_digest, tree_digest
    from openclaw_vt.skill.reader import read

    try:
        tree = parse_digest(args.what)
    except ValueError:
        tree = tree_digest(read(absolute(args.what)).entries)
    _print([_row(entry) for entry in assembly.cache().history(tree)], as_json=args.json)
    return 0


def _verify(args: argparse.Namespace, assembly: Assembly) -> int:
    from openclaw_vt.cli.terminal import emit, note, say
    from openclaw_vt.errors import KeyStoreError
    from openclaw_vt.store.keys import open_head_vault

    try:
        vault = open_head_vault(assembly.key_store())
    except KeyStoreError as error:
        note(f"The copy of the head in the key store could not be compared: {error.what}")
        vault = None
    problems = assembly.cache().verify_all(vault)
    if args.json:
        rows = [
            {"code": p.code.value, "message": p.message, "sequence": p.sequence, "repairable": p.repairable} for p in problems
        ]
        emit({"schema": "openclaw-vt.cache-verify/1", "problems": rows})
    else:
        for problem in problems:
            where = f"record {problem.sequence}: " if problem.sequence is not None else ""
            say(f"{problem.code.value}: {where}{problem.message} {problem.remedy}".rstrip())
        if not problems:
            say("Every record, the chain and the head verify.")
    return 3 if any(not problem.repairable for problem in problems) else 0


def _pen(assembly: Assembly) -> Pen:
    from openclaw_vt.errors import KeyStoreError

    pen = assembly.pen()
    if pen is None:
        raise KeyStoreError("There is no usable key store to sign with.", remedy="See `openclaw-vt doctor`.")
    return pen


def _prune(args: argparse.Namespace, assembly: Assembly) -> int:
    pen = _pen(assembly)
    dropped = assembly.cache().prune(assembly.clock(), signer=pen.signer, vault=pen.vault)
    _tell(args, {"dropped": dropped}, f"{dropped} records were dropped.")
    return 0


def _export(args: argparse.Namespace, assembly: Assembly) -> int:
    from openclaw_vt.errors import UsageError
    from openclaw_vt.model.display import shown

    path = _file(args.file)
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"{shown(args.file, limit=200)} is no place for a file.", remedy="Name a file in a folder that exists.")
    if path.resolve().is_relative_to(assembly.config.state_dir.resolve()):
        raise UsageError("The state folder is no place for an export.", why="It could overwrite what it is made from.")
    count = assembly.cache().export(path)
    _tell(args, {"exported": count}, f"{count} records were written to {shown(args.file, limit=200)}.")
    return 0


def _import(args: argparse.Namespace, assembly: Assembly) -> int:
    from openclaw_vt.errors import UsageError
    from openclaw_vt.model.display import shown

    path = _file(args.file)
    if not path.is_file():
        raise UsageError(f"{shown(args.file, limit=200)} is no file.", remedy="Name a file that `cache export` wrote.")
    pen = _pen(assembly)
    done = assembly.cache().import_(path, signer=pen.signer, vault=pen.vault)
    body = {"imported": done.appended, "outdated": done.outdated, "unverified": done.unverified}
    words = f"{done.appended} records taken over, {done.outdated} of no further use, {done.unverified} did not verify."
    _tell(args, body, words)
    return 0


def _file(given: str) -> Path:
    from openclaw_vt.cli.paths import absolute

    return Path(absolute(given))


def _tell(args: argparse.Namespace, body: dict[str, Any], words: str) -> None:
    from openclaw_vt.cli.terminal import emit, say

    if args.json:
        emit({"schema": SCHEMA} | body)
    else:
        say(words)
