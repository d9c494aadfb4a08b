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
    parser.set_defaults(run=run, person=True)


def run(args: argparse.Namespace) -> int:
    """Judge, show, ask, sign. Bytes that changed in between are not accepted."""
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.outcome import show
    from openclaw_vt.cli.paths import absolute
    from openclaw_vt.cli.terminal import confirm_by_name
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Phase, Request
    from openclaw_vt.model.display import shown

    path = absolute(args.path)
    with Assembly(load(os.environ)) as assembly:
        decision = assembly.gate().check(Request(Phase.SCAN, path, refresh=args.reinstate))
        show(decision, explain=False, translate=assembly.translate, aside=args.json)
        subject = _acceptable(decision, assembly, reinstate=args.reinstate)
        if args.own:
            _require_clean(decision)
        _require_pen(assembly)  # before the question: a yes that cannot be kept is not worth asking for
        name = shown(subject.ref.name)
        if not args.no_input and not confirm_by_name(name, f"Accept {name} as it is now? An update will ask again."):
            _tell(args, subject, accepted=False)
            return 3
        _sign(assembly, subject, args)
    _tell(args, subject, accepted=True)
    return 0


def _acceptable(decision: Decision, assembly: Assembly, *, reinstate: bool) -> Subject:
    """Return the subject if a person may say yes to it. Raises UsageError or the gate's error otherwise."""
    from openclaw_vt.errors import Refused, UsageError
    from openclaw_vt.model.decision import Outcome
    from openclaw_vt.policy import Row

    if decision.subject is None:
        reason = decision.reasons[0]
        raise UsageError("This cannot be accepted, since it could not be read.", why=reason.message, remedy=reason.remediation)
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


def _require_pen(assembly: Assembly) -> None:
    from openclaw_vt.errors import KeyStoreError

    if assembly.pen() is None:
        raise KeyStoreError(
            "There is no usable key store, so an acceptance could not be signed.",
            remedy='Start or unlock a keyring, or choose the weaker `keys.backend = "file"`; see `openclaw-vt doctor`.',
        )


def _require_clean(decision: Decision) -> None:
    """A skill of one's own is used without questions, so nothing suspicious may stand in it."""
    from openclaw_vt.errors import Refused
    from openclaw_vt.model.verdict import AnalysisVerdict

    if decision.verdict is None or decision.verdict.analysis.verdict is not AnalysisVerdict.CLEAN:
        raise Refused("Local analysis found something, so this is not taken as your own.", remedy="Accept it without --own.")


def _sign(assembly: Assembly, subject: Subject, args: argparse.Namespace) -> None:
    from openclaw_vt.cli.person import require_unchanged
    from openclaw_vt.ledger import acceptance, reinstatement

    require_unchanged(subject)
    ledger, now, by = assembly.ledger(), assembly.clock(), "script" if args.no_input else "terminal"
    if args.reinstate:
        ledger.state(reinstatement(subject, by=by, now=now))
    place = os.path.realpath(subject.ref.path) if args.own else None
    ledger.state(acceptance(subject, basis="own" if args.own else "accepted", by=by, now=now, place=place))
    if place is not None:
        assembly.notices().note_sighting(place, subject.tree)
    _write_down(assembly, subject, by)


def _write_down(assembly: Assembly, subject: Subject, by: str) -> None:
    """Put the acceptance into the audit log; the signature holds even where the log cannot be written."""
    from openclaw_vt.cli.terminal import note

    problem = assembly.audit().append("accepted", {"skill": subject.ref.name, "tree": subject.tree, "by": by})
    if problem is not None:
        note(problem.message)


def _tell(args: argparse.Namespace, subject: Subject, *, accepted: bool) -> None:
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.model.display import shown

    name = shown(subject.ref.name)
    if args.json:
        emit({"schema": "openclaw-vt.accept/1", "skill": name, "tree": subject.tree, "accepted": accepted})
    elif accepted:
        say(f"Accepted {name}: these bytes are used without asking until they change.")
    else:
        say("Nothing was accepted.")
