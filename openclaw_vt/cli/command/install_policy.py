"""`openclaw-vt install-policy`: OpenClaw's `security.installPolicy` asks here. JSON on stdin, JSON on stdout, nothing else."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.model.subject import Subject


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("install-policy", help="answer OpenClaw's install policy (started by OpenClaw)")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer one question. Exit code 0 whatever the answer: OpenClaw shows a person nothing of a failed program."""
    del args
    # A library that printed would break the protocol, so stdout is kept for the answer alone.
    out, sys.stdout = sys.stdout, sys.stderr
    try:
        answered = _answer()
    finally:
        sys.stdout = out
    out.write(json.dumps(answered, ensure_ascii=True) + "\n")
    out.flush()
    return 0


def _answer() -> dict[str, Any]:
    from openclaw_vt.errors import GateError
    from openclaw_vt.install_protocol import MAX_REQUEST_BYTES, blocked

    raw = sys.stdin.buffer.read(MAX_REQUEST_BYTES + 1)
    try:
        return _judged(raw)
    except GateError as error:
        return blocked("openclaw-vt could not judge this install:", str(error))
    except Exception as error:  # noqa: BLE001 - whatever breaks in here must reach the person as a block with words
        return blocked("openclaw-vt failed while judging this install.", f"{type(error).__name__}; run `openclaw-vt doctor`.")


def _judged(raw: bytes) -> dict[str, Any]:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import load
    from openclaw_vt.install_policy import Desk, answer

    with Assembly(load(os.environ, use_environment=False)) as assembly:
        gate = assembly.gate()
        desk = Desk(
            check=gate.check,
            check_plugin=gate.look_up,
            notices=assembly.notices(),
            policy=assembly.policy.digest,
            translate=assembly.translate,
            agreed=lambda subject: _agreed(subject, assembly),
            asker=_asker(),
            install=assembly.config["hooks", "pre_install"],
            update=assembly.config["hooks", "post_update"],
        )
        return answer(raw, desk)


def _agreed(subject: Subject, assembly: Assembly) -> None:
    """Sign the person's yes. Where it cannot be signed, the first use asks once more; the install goes on."""
    from openclaw_vt.errors import GateError
    from openclaw_vt.ledger import acceptance

    draft = acceptance(subject, basis="accepted", by="openclaw", now=assembly.clock())
    try:
        assembly.ledger().state(draft)
    except GateError as error:
        print(f"openclaw-vt: the approval was not remembered: {error}", file=sys.stderr)
        return
    assembly.audit().append("accepted", {"skill": subject.ref.name, "tree": subject.tree, "by": "openclaw"})


def _asker() -> str:
    """Name the process that asks: its number and, where the system tells, when it started (numbers are used again)."""
    parent = os.getppid()
    try:
        with open(f"/proc/{parent}/stat", "rb") as stat:  # noqa: PTH123 - one small pseudo-file
            return f"{parent}@{stat.read().rpartition(b')')[2].split()[19].decode()}"
    except (OSError, IndexError, ValueError):
        return str(parent)
