"""`doctor`: every part tried for real, each failure with its mend."""

from __future__ import annotations

import json
import os
import sys

import pytest
from support.command_line import Machine

from openclaw_vt.virustotal.simulator import Simulator

PARTS = [
    "state folder",
    "clock",
    "OpenClaw",
    "install policy",
    "policy program",
    "plugin",
    "daemon",
    "key store",
    "signed cache",
    "audit log",
    "VirusTotal",
]


def examined(machine: Machine, *options: str, **extra: str | None) -> dict[str, dict]:
    done = machine.run("doctor", "--json", *options, **extra)
    checks = done.json["checks"]
    assert [check["name"] for check in checks] == PARTS
    assert done.json["good"] is not any(check["health"] == "broken" for check in checks)
    assert done.code == (0 if done.json["good"] else 3)
    assert all(check["remedy"] for check in checks if check["health"] != "good"), "every failure has its mend"
    return {check["name"]: check for check in checks}


def test_after_setup_nothing_is_broken(machine: Machine, simulator: Simulator):
    machine.install_openclaw(version="2026.9.6 (eb377ac)")
    assert machine.run("setup", "--no-input").code == 0
    health = {name: check["health"] for name, check in examined(machine).items()}
    assert health.pop("key store") == "weak", "files are named as the weaker choice"
    assert set(health.values()) == {"good"}
    assert len(simulator.requests) == 1


def test_text_says_the_same(machine: Machine):
    done = machine.run("doctor", "--offline")
    assert done.code == 3
    assert [line[8:23].strip() for line in done.out.splitlines() if not line.startswith(" ")] == PARTS
    assert "-> Run `openclaw-vt setup`" in done.out


def test_a_machine_that_was_never_set_up(machine: Machine):
    found = examined(machine, "--offline")
    assert {name for name, check in found.items() if check["health"] == "broken"} == {
        "install policy",
        "policy program",
        "plugin",
    }
    assert (found["OpenClaw"]["health"], found["VirusTotal"]["health"]) == ("weak", "weak")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("unauthorized", "refused the API key"),
        ("quota-json", "quota is used up"),
        ("transient-503", "no usable answer"),
        ("hang", "in time"),
    ],
)
def test_virustotal_away(machine: Machine, simulator: Simulator, fault: str, words: str):
    simulator.fault = fault
    check = examined(machine, OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S="1")["VirusTotal"]
    assert (check["health"], words in check["detail"]) == ("broken", True)


def test_no_key_is_weak_and_offline_asks_nobody(machine: Machine, simulator: Simulator):
    assert examined(machine, VT_API_KEY=None)["VirusTotal"]["health"] == "weak"
    assert examined(machine, "--offline")["VirusTotal"]["health"] == "weak"
    assert simulator.requests == []


@pytest.mark.skipif(os.name != "posix", reason="modes and scripts")
class TestBrokenParts:
    @pytest.fixture(autouse=True)
    def _set_up(self, machine: Machine):
        assert machine.run("setup", "--no-input").code == 0

    def broken(self, machine: Machine) -> set[str]:
        return {name for name, check in examined(machine, "--offline").items() if check["health"] == "broken"}

    def test_fix_mends_the_launcher_and_the_wiring(self, machine: Machine):
        machine.launcher.unlink()
        machine.openclaw_json.write_text("{}")
        assert self.broken(machine) == {"install policy", "policy program", "plugin"}
        assert machine.run("doctor", "--offline", "--fix").code == 0
        assert self.broken(machine) == set()
        assert json.loads(machine.openclaw_json.read_text())["security"]["installPolicy"]["enabled"] is True

    def test_a_launcher_that_others_may_write(self, machine: Machine):
        machine.launcher.chmod(0o775)
        found = examined(machine, "--offline")["install policy"]
        assert (found["health"], "chmod go-w" in found["detail"]) == ("broken", True)
        machine.run("doctor", "--offline", "--fix")
        assert self.broken(machine) == set()

    @pytest.mark.parametrize("noise", ["echo noise", "exit 3", "printf '\\377'", "printf '[]'"])
    def test_a_launcher_that_does_not_answer(self, machine: Machine, noise: str):
        machine.launcher.write_text(f"#!/bin/sh\n{noise}\n")
        assert self.broken(machine) == {"policy program"}

    def test_a_state_folder_that_others_may_write(self, machine: Machine):
        machine.state.chmod(0o777)
        assert "state folder" in self.broken(machine)
        machine.run("doctor", "--offline", "--fix")
        assert self.broken(machine) == set()

    def test_a_cache_that_was_tampered_with(self, machine: Machine):
        machine.verified()
        (machine.state / "head.json").write_bytes(b"{}")
        assert self.broken(machine) == {"signed cache"}

    def test_a_signing_key_that_is_gone(self, machine: Machine):
        (machine.state / "keys" / "signing-key").unlink()
        found = examined(machine, "--offline")["key store"]
        assert (found["health"], "key rotate" in found["remedy"]) == ("broken", True)

    def test_a_clock_that_stopped_years_ago(self, machine: Machine):
        code = "import time; time.time = lambda: 86400.0; from openclaw_vt.cli import main; main()"
        done = machine.run("doctor", "--offline", "--json", prefix=(sys.executable, "-c", code))
        clock = next(check for check in done.json["checks"] if check["name"] == "clock")
        assert clock["health"] == "broken"

    @pytest.mark.parametrize("body", ["exit 1", "printf '\\033[31mowned\\007'; printf '\\377'", "kill -9 $$", ""])
    def test_an_openclaw_that_misbehaves(self, machine: Machine, body: str):
        program = machine.bin / "openclaw"
        program.write_text(f"#!/bin/sh\n{body}\n")
        program.chmod(0o755)
        done = machine.run("doctor", "--offline")
        assert not set(done.out) & set("\x1b\x07")

    def test_an_openclaw_that_is_no_program(self, machine: Machine):
        (machine.bin / "openclaw").write_bytes(b"\0\0\0")
        (machine.bin / "openclaw").chmod(0o755)
        assert examined(machine, "--offline")["OpenClaw"]["health"] == "broken"

    def test_a_broken_openclaw_json_spoils_no_other_part(self, machine: Machine):
        machine.openclaw_json.write_text("{ broken")
        assert self.broken(machine) == {"install policy", "plugin"}

    def test_an_openclaw_in_the_folder_where_we_stand_is_never_run(self, machine: Machine):
        machine.install_openclaw()
        found = examined(machine, "--offline", PATH=os.pathsep.join(("bin", ".", "")))
        assert found["OpenClaw"]["health"] == "weak"
        assert machine.openclaw_calls() == []

    def test_what_it_starts_does_not_inherit_the_key(self, machine: Machine):
        machine.install_openclaw()
        examined(machine, "--offline")
        (call,) = machine.openclaw_calls()
        assert "VT_API_KEY" not in call["environ"]
