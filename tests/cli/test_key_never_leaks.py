"""The VirusTotal key: in the key store, in the `x-apikey` header of requests to the configured host, and nowhere else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import install_questions as ask
from support.bench import CLEAN
from support.command_line import Done, Machine
from support.requirements import missing, require

from openclaw_vt.virustotal.simulator import Fault, Simulator

KEY = "5ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4e75ec4"
USER = "mallory-the-user"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(key=KEY) as running:
        running.default = CLEAN
        yield running


@pytest.fixture
def machine(simulator: Simulator, tmp_path: Path) -> Machine:
    machine = Machine(tmp_path / USER, simulator)
    (machine.root / "temp").mkdir()
    machine.settings |= {"USER": USER, "LOGNAME": USER, "TMPDIR": str(machine.root / "temp")}
    machine.settings |= {"OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S": "1", "PYTHONWARNINGS": "always"}
    return machine


def no_leak(machine: Machine, *runs: Done) -> None:
    """Look for the key in what was printed, in every file of the machine and in every request."""
    for done in runs:
        assert KEY not in done.text
        assert KEY.encode() not in done.raw_out + done.raw_err
    own = machine.state / "keys" / "virustotal-api-key"
    for path in machine.root.rglob("*"):
        if path.is_file() and path != own:
            assert KEY.encode() not in path.read_bytes(), path
            assert KEY not in path.name
    for request in machine.simulator.requests:
        headers = dict(request.headers)
        assert headers.pop("x-apikey") == KEY
        sent = f"{request.method} {request.path} {headers}".encode() + request.body
        for secret in (KEY, USER, str(machine.root), os.fspath(Path.home()), "weather"):
            assert secret.encode() not in sent, secret


@pytest.mark.parametrize("form", ["--json", "--explain"])
def test_no_fault_brings_it_out(machine: Machine, simulator: Simulator, form: str):
    """Each fault strikes one skill of one run, so what one answer left behind meets the next."""
    skills = [str(machine.skill(fault, {"SKILL.md": fault.encode()})) for fault in Fault]
    with Simulator(key=KEY) as thief:
        simulator.faults, simulator.fault_target = list(Fault), thief.url
        done = machine.run("scan", "--debug", form, *skills)
        assert done.code == 3, done.text
        assert thief.requests == [], "a redirect is not followed, with or without the key"
    assert len(simulator.requests) == len(Fault)
    no_leak(machine, done)


def test_no_command_brings_it_out(machine: Machine):
    machine.install_openclaw()
    skill = str(machine.skill())
    commands = [
        ["setup", "--no-input"],
        ["key", "set", "--check"],
        ["key", "status", "--check"],
        ["key", "status", "--check", "--json"],
        ["scan", skill],
        ["scan", "--refresh", "--explain", skill],
        ["scan", "--json", skill],
        ["scan", "--sarif", "out.sarif", skill],
        ["verify", "--json", skill],
        ["accept", "--no-input", skill],
        ["install", skill],
        ["doctor"],
        ["doctor", "--json", "--fix"],
        ["config", "show", "--origin"],
        ["config", "show", "--json"],
        ["cache", "list", "--json"],
        ["cache", "show", skill],
        ["cache", "verify"],
        ["cache", "export", "export.jsonl"],
        ["audit", "--json"],
        ["completion", "bash"],
        ["key", "rotate"],
        ["key", "delete"],
        ["setup", "--remove", "--no-input"],
    ]
    runs = []
    for words in commands:
        runs.append(machine.run(*words, "--debug", stdin=KEY.encode(), VT_API_KEY=KEY))
        assert runs[-1].code in (0, 3), (words, runs[-1].text)
    no_leak(machine, *runs)
    assert all(KEY not in str(call) for call in machine.openclaw_calls())


def test_openclaws_question_does_not_bring_it_out(machine: Machine):
    machine.run("setup", "--no-input")
    runs = [
        machine.run("install-policy", stdin=ask.raw(ask.question(machine.skill()))),
        machine.run("install-policy", stdin=ask.raw(ask.plugin(machine.skill(), "plugin-package"))),
        machine.run("install-policy", stdin=b"junk " + KEY[:10].encode()),
    ]
    assert machine.simulator.requests
    no_leak(machine, *runs)


@pytest.mark.parametrize(
    "wrong", ["has a blank", "line\nfeed", "caf\u00e9-caf\u00e9-caf\u00e9-caf\u00e9", "x" * 300, "\x1b[31mred-red-red-red"]
)
def test_a_key_that_is_no_key_is_not_quoted(machine: Machine, simulator: Simulator, wrong: str):
    for words in (
        ["scan", str(machine.skill())],
        ["key", "status"],
        ["key", "status", "--check"],
        ["doctor"],
        ["setup", "--no-input"],
    ):
        done = machine.run(*words, "--debug", VT_API_KEY=wrong)
        assert wrong[:8] not in done.text, words
    assert simulator.requests == []
    assert all(wrong.encode() not in data for data in machine.state_files().values())


def test_an_error_of_our_own_does_not_bring_it_out(machine: Machine):
    code = (
        "from openclaw_vt.virustotal import client\n"
        "def broken(answer): raise LookupError\n"
        "client._body_of = broken\n"
        "from openclaw_vt.cli import main; main()"
    )
    done = machine.run("key", "status", "--check", prefix=(sys.executable, "-c", code))
    assert (done.code, "LookupError" in done.err) == (4, True)
    no_leak(machine, done)


def test_no_program_that_is_started_gets_it(machine: Machine, tmp_path: Path):
    strace = require("strace", "sees what every started program is given")
    machine.install_openclaw()
    assert machine.run("setup", "--no-input").code == 0
    skill = machine.verified()
    # Its own skills are what setup has VirusTotal asked about, in a process of its own.
    shutil.copytree(machine.skill("own"), machine.home / ".openclaw" / "workspace" / "skills" / "own")
    for number, words in enumerate(
        (["doctor"], ["install", str(skill)], ["setup", "--no-input"], ["scan", "--refresh", str(skill)])
    ):
        trace = tmp_path / f"trace-{number}"
        options = ("-f", "-qq", "-v", "-s", "65536", "-e", "trace=execve", "-o", str(trace))
        done = machine.run(*words, prefix=(strace, *options, sys.executable, "-m", "openclaw_vt"))
        if "ptrace" in done.err.lower():
            missing("this machine does not let strace attach")
        if words[0] == "setup":
            assert any('"--wait"' in line for line in trace.read_text(errors="replace").splitlines()), "the review was started"
        ours, *others = (line for line in trace.read_text(errors="replace").splitlines() if "execve(" in line)
        assert KEY in ours, "the trace shows environments"
        assert all(KEY not in line for line in others)
