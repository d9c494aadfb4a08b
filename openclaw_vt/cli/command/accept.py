"""`openclaw-vt accept`: a person says yes to these very bytes. The agent cannot: the name is typed on the person's terminal."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from openclaw_vt.cli.parser import Subparsers, add_json, add_no_input

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.model.decision import Decision
    from openclaw_vt.model.subject import Subject


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("accept", help="agree to a skill's present bytes, so that its use is not asked about again")
    parser.add_argument("path", metavar="PATH", help="the skill folder")
    parser.add_argument("--own", action="store_true", help="this is a skill that you write yourself")
    parser.add_argument("--reinstate", action="store_true", help="take back a revocation")
    add_no_input(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Judge, show, ask, sign. Bytes that changed in between are not accepted."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import show
    from openclaw_vt.cli.terminal import confirm_by_name, emit, say
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Phase, Request
    from openclaw_vt.model.display import shown

    path = os.path.abspath(args.path)  # noqa: PTH100 - resolve() would follow links
    with Assembly(load(os.environ)) as assembly:
        decision = assembly.gate().check(Request(Phase.SCAN, path, refresh=args.reinstate))
        if not args.json:
            show(decision, explain=False, translate=assembly.translate)
        subject = _acceptable(decision, assembly, reinstate=args.reinstate)
        name = shown(subject.ref.name)
        if not args.no_input and not confirm_by_name(name, f"Accept {name} as it is now? An update will ask again."):
            say("Nothing was accepted.")
            return 3
        _sign(assembly, subject, args)
    if args.json:
        emit({"schema": "openclaw-vt.accept/1", "skill": subject.ref.name, "tree": subject.tree, "accepted": True})
    else:
        say(f"Accepted {name}: these bytes are used without asking until they change.")
    return 0


def _acceptable(decision: Decision, assembly: Assembly, *, reinstate: bool) -> Subject:
    """Return the subject if a person may say yes to it. Raises UsageError or the gate's error otherwise."""
    from openclaw_vt.errors import Refused, UsageError
    from openclaw_vt.model.decision import Outcome
    from openclaw_vt.policy import Row

    if decision.subject is None:
        raise UsageError("This cannot be accepted, since it could not be read.")
    rows = {row.value for row in Row if assembly.policy.outcome(row) is Outcome.BLOCK}
    blocking = rows & {reason.code for reason in decision.reasons}
    if reinstate:
        blocking -= {Row.REVOKED.value}
    if blocking:
        raise Refused(
            "A blocked skill cannot be accepted.",
            why=", ".join(sorted(blocking)),
            remedy="`accept --reinstate` takes a revocation back." if blocking == {Row.REVOKED.value} else "",
        )
    return decision.subject


def _sign(assembly: Assembly, subject: Subject, args: argparse.Namespace) -> None:
    from openclaw_vt.errors import UsageError
    from openclaw_vt.ledger import acceptance, reinstatement
    from openclaw_vt.model.subject import tree_digest
    from openclaw_vt.skill.reader import read

    if tree_digest(read(subject.ref.path).entries) != subject.tree:
        raise UsageError("The skill changed while you were asked, so nothing was accepted.", remedy="Look at it again.")
    ledger, now, by = assembly.ledger(), assembly.clock(), "script" if args.no_input else "terminal"
    if args.reinstate:
        ledger.state(reinstatement(subject, by=by, now=now))
    ledger.state(acceptance(subject, basis="own" if args.own else "accepted", by=by, now=now))
