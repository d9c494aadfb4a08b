"""`openclaw-vt install-policy`: OpenClaw's `security.installPolicy` asks here. JSON on stdin, JSON on stdout, nothing else."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

from openclaw_vt.cli.parser import Subparsers


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
    from openclaw_vt.install_policy import MAX_REQUEST_BYTES, blocked

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
    from openclaw_vt.install_policy import answer

    with Assembly(load(os.environ, use_environment=False)) as assembly:
        return answer(
            raw,
            check=assembly.gate().check,
            notices=assembly.notices(),
            policy=assembly.policy.digest,
            translate=assembly.translate,
        )
