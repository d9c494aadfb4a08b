"""`openclaw-vt install-policy`: OpenClaw's `security.installPolicy` asks here. JSON on stdin, JSON on stdout, nothing else."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from openclaw_vt.cli.parser import Subparsers

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import Config
    from openclaw_vt.model.subject import Subject
    from openclaw_vt.openclaw.installed import InstalledSkill

PATIENCE_S = 45.0


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("install-policy", help="answer OpenClaw's install policy (started by OpenClaw)")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Answer one question. Exit code 0 whatever the answer: OpenClaw shows a person nothing of a failed program."""
    del args
    if sys.stdin.isatty():
        from openclaw_vt.errors import UsageError

        raise UsageError("OpenClaw starts this and asks on standard input.", remedy="Run `openclaw-vt doctor` to try it.")
    with _stdout_kept() as out:
        answered = _answer()
        out.write(json.dumps(answered, ensure_ascii=True) + "\n")
    return 0


@contextlib.contextmanager
def _stdout_kept() -> Iterator[TextIO]:
    """Keep stdout for the answer alone: what a library or a program that it starts prints goes to stderr."""
    printed, kept = sys.stdout, os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    try:
        with open(kept, "w", encoding="ascii", closefd=False) as out:
            yield out
    finally:
        sys.stdout = printed
        os.dup2(kept, 1)
        os.close(kept)


def _answer() -> dict[str, Any]:
    from openclaw_vt.errors import GateError
    from openclaw_vt.install_protocol import MAX_REQUEST_BYTES, allowed, blocked

    raw = sys.stdin.buffer.read(MAX_REQUEST_BYTES + 1)
    try:
        return _judged(raw)
    except GateError as error:
        if _fails_open():
            print(f"openclaw-vt: this install was not judged: {error}", file=sys.stderr)
            return allowed()
        return blocked("openclaw-vt could not judge this install:", str(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever breaks in here must reach the person as a block with words
        return blocked("openclaw-vt failed while judging this install.", f"{type(error).__name__}; run `openclaw-vt doctor`.")


def _fails_open() -> bool:
    """Whether the person chose that an install goes on when the gate cannot judge it. Unreadable settings choose nothing."""
    from openclaw_vt.errors import GateError

    try:
        return bool(_config()["hooks", "fail_install"] == "open")
    except GateError:
        return False


def _judged(raw: bytes) -> dict[str, Any]:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.person import by_agent
    from openclaw_vt.install_policy import Desk, answer
    from openclaw_vt.updates import comparing

    with Assembly(_config()) as assembly:
        gate = assembly.gate()
        asker, certain = _asker()
        desk = Desk(
            check=gate.check,
            check_plugin=gate.look_up,
            notices=assembly.notices(),
            policy=assembly.policy.digest,
            translate=assembly.translate,
            agreed=lambda subject: _agreed(subject, assembly),
            asker=asker,
            certain=certain,
            install=assembly.config["hooks", "pre_install"],
            update=assembly.config["hooks", "post_update"],
            updates=comparing(assembly, _installed),
            by_agent=by_agent(os.environ),
        )
        return answer(raw, desk)


def _installed() -> tuple[InstalledSkill, ...]:
    """Return the skills of the OpenClaw that asks: it hands on the variables that name its folders."""
    from openclaw_vt.onboarding import locate

    return locate(os.environ, None).skills().skills


def _config() -> Config:
    """Return the settings from files alone, with a patience that OpenClaw has too: setup tells it to wait for 60 seconds."""
    from openclaw_vt.config import load

    config = load(os.environ, use_environment=False)
    if config["virustotal", "timeout_s"] > PATIENCE_S:
        return load(os.environ, use_environment=False, flags={"virustotal.timeout_s": PATIENCE_S})
    return config


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


def _asker() -> tuple[str, bool]:
    """Name the process that asks, and say whether that is certain: numbers are used again, so its start belongs to its name."""
    parent = os.getppid()
    started = _started(parent)
    return f"{parent}@{started}", bool(started)


def _started(process: int) -> str:
    """Return when a process started, in the system's own words; empty where it does not tell (Windows)."""
    try:
        with open(f"/proc/{process}/stat", "rb") as stat:  # noqa: PTH123 - one small pseudo-file
            return stat.read().rpartition(b")")[2].split()[19].decode()
    except (OSError, IndexError, ValueError):
        pass
    try:
        command = ["/bin/ps", "-o", "lstart=", "-p", str(process)]
        done = subprocess.run(command, capture_output=True, timeout=5, check=False, env={"LC_ALL": "C", "TZ": "UTC"})  # noqa: S603 - the system's own program, and a number
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return " ".join(done.stdout.decode("ascii", "replace").split()) if done.returncode == 0 else ""
