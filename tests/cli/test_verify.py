"""`verify`: the question before every use, from the signed cache alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.command_line import Machine
from support.secret_service import secret_service

from openclaw_vt.virustotal.simulator import FileReport, Simulator


def test_yes_no_and_anything_else(machine: Machine, simulator: Simulator):
    good, unknown, bad = machine.verified("good"), machine.skill("unknown"), machine.skill("bad", {"SKILL.md": b"bad"})
    machine.know(bad, FileReport(malicious=9))
    assert machine.run("scan", str(bad)).code == 1
    simulator.reset()
    answers = {name: machine.run("verify", str(machine.root / "skills" / name)) for name in ("good", "unknown", "bad")}
    assert {name: done.code for name, done in answers.items()} == {"good": 0, "unknown": 3, "bad": 1}
    assert answers["good"].out.startswith(f"unchanged: {good}: ")
    assert answers["unknown"].out.startswith(f"unverified: {unknown}: ")
    assert answers["bad"].out.startswith(f"blocked: {bad}: ")
    assert machine.run("verify", str(good), str(unknown)).code == 3
    assert machine.run("verify", str(good), str(unknown), str(bad)).code == 1, "a block is worse than a warning"
    assert simulator.requests == []


def test_it_needs_no_key_no_keyring_and_no_network(machine: Machine):
    good = machine.verified()
    nothing = {"VT_API_KEY": None, "OPENCLAW_VT_KEYS_BACKEND": "keyring", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/none/such"}
    assert machine.run("verify", str(good), **nothing).code == 0


def test_json_is_a_report_and_quiet_says_nothing(machine: Machine):
    good = machine.verified()
    done = machine.run("verify", "--json", str(good))
    assert (done.code, done.json["schema"], done.report["virustotal"]["source"]) == (0, "openclaw-vt.report/1", "cache")
    assert (machine.run("verify", "-q", str(good)).text, machine.run("verify", "-q", "nothing").text) == ("", "")
    assert machine.run("verify", "-q", "nothing").code == 3


def test_it_writes_nothing(machine: Machine):
    good = machine.verified()
    before = {path: path.stat().st_mtime_ns for path in machine.home.rglob("*")}
    assert machine.run("verify", str(good)).code == 0
    assert machine.run("verify", "--json", str(machine.skill("unknown"))).code == 3
    assert {path: path.stat().st_mtime_ns for path in machine.home.rglob("*")} == before


def test_another_policy_or_server_verifies_nothing(machine: Machine):
    good = machine.verified()
    assert machine.run("verify", str(good), OPENCLAW_VT_VIRUSTOTAL_HOST="https://friendly.example").code == 3
    assert machine.run("verify", str(good), OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES="31").code == 3
    assert machine.run("verify", str(good)).code == 0


@pytest.mark.parametrize("change", ["one-byte", "added-file", "executable"])
def test_changed_bytes_are_not_verified(machine: Machine, change: str):
    good = machine.verified()
    manifest = good / "SKILL.md"
    if change == "one-byte":
        manifest.write_bytes(manifest.read_bytes() + b" ")
    elif change == "added-file":
        (good / "more.sh").write_bytes(b"#!/bin/sh\n")
    elif os.name == "posix":
        manifest.chmod(0o755)
    assert machine.run("verify", str(good)).code == 3


def test_honest_use_breaks_no_seal(machine: Machine):
    """Python that imports its neighbours leaves compiled files, and Finder its own; the skill is still the same."""
    files = {
        "SKILL.md": b"---\nname: sums\n---\nRun `python scripts/main.py`.\n",
        "scripts/main.py": b"import first\nimport second\nprint(first.one() + second.two())\n",
        "scripts/first.py": b"def one():\n    return 1\n",
        "scripts/second.py": b"import first\n\n\ndef two():\n    return first.one() + 1\n",
    }
    skill = machine.skill("sums", files)
    machine.know(skill)
    assert machine.run("scan", str(skill)).code == 0
    for _ in range(10):
        done = subprocess.run(
            [sys.executable, str(skill / "scripts/main.py")], capture_output=True, check=True, env=machine.environ()
        )
        assert done.stdout.strip() == b"3"
    assert list(skill.rglob("*.pyc")), "the interpreter left something behind"
    # The smallest file that Finder could have written: header, a root block of one address, and that block.
    header = b"\0\0\0\1Bud1" + (0x20).to_bytes(4, "big") + (0x20).to_bytes(4, "big") + (0x20).to_bytes(4, "big") + bytes(16)
    (skill / ".DS_Store").write_bytes(header + (1).to_bytes(4, "big") + bytes(4) + (0x25).to_bytes(4, "big") + bytes(52))
    done = machine.run("verify", str(skill))
    assert done.code == 0, done.text
    next(skill.rglob("*.pyc")).write_bytes(b"not what it would compile")
    assert machine.run("verify", str(skill)).code == 3


def test_bytes_seen_through_a_link_are_the_same_bytes(machine: Machine):
    good = machine.verified()
    (machine.root / "link").symlink_to(good)
    assert machine.run("verify", "link").code == 0


@pytest.mark.secret_service
def test_what_a_keyring_signed_is_verified_without_asking_it(machine: Machine):
    with secret_service() as session:
        machine.settings |= session.environ | {
            "HOME": str(machine.home),
            "PATH": str(machine.bin),
            "OPENCLAW_VT_KEYS_BACKEND": None,
        }
        machine.settings |= {f"XDG_{kind}_HOME": None for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
        good = machine.verified()
        assert machine.run("verify", str(good)).code == 0
        # A bus that cannot be reached, and a keyring that is gone: nobody is asked.
        assert machine.run("verify", str(good), DBUS_SESSION_BUS_ADDRESS="unix:path=/none/such").code == 0
        session.kill_service()
        assert machine.run("verify", str(good)).code == 0
    assert not (machine.state / "keys").exists()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs strace")
def test_no_socket_is_opened(machine: Machine, tmp_path: Path):
    from support.requirements import require

    strace = require("strace", "sees every socket that is opened")
    good = machine.verified()
    trace = tmp_path / "trace"
    prefix = (strace, "-f", "-qq", "-o", str(trace), "-e", "trace=socket,connect", sys.executable, "-m", "openclaw_vt")
    assert machine.run("verify", str(good), prefix=prefix).code == 0
    assert trace.read_text() == ""
