"""Disks that are full, folders that cannot be written, processes that die or come in crowds: right answers, in words."""

from __future__ import annotations

import os
import sys
from collections import Counter

import pytest
from support.command_line import Machine
from support.read_only import open_to_all
from support.requirements import require

from openclaw_vt.virustotal.simulator import FileReport, Simulator

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, limits and signals are POSIX ones")
NINE = FileReport(malicious=9)


def codes(report: dict) -> list[str]:
    return [reason["code"] for reason in report["reasons"]]


class TestAStateFolderThatCannotBeWritten:
    @pytest.fixture
    def machine(self, machine: Machine):
        """A machine whose home other users may look at: whoever runs the tests, the commands run as somebody else."""
        with open_to_all() as place:
            yield Machine(place, machine.simulator)

    def test_it_judges_and_says_what_was_not_remembered(self, machine: Machine, simulator: Simulator):
        simulator.default = FileReport(undetected=64)
        skill = machine.skill()
        machine.state.mkdir(parents=True)
        for folder in (machine.root, machine.home, *machine.state.parents[:3]):
            folder.chmod(0o755)
        machine.state.chmod(0o555)
        done = machine.unprivileged("scan", "--json", str(skill))
        machine.state.chmod(0o755)
        assert (done.code, done.report["decision"], done.report["badge"]) == (0, "allow", "verified")
        assert {"cache.not-written", "audit.not-written"} <= set(codes(done.report))
        assert list(machine.state.iterdir()) == []

    def test_what_is_remembered_can_still_be_read(self, machine: Machine):
        good = machine.verified()
        for path in (machine.root, machine.home, *machine.state.parents[:3], machine.bin):
            path.chmod(0o755)
        for path in machine.state.rglob("*"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        machine.state.chmod(0o555)
        before = machine.state_files()
        verified = machine.unprivileged("verify", str(good))
        listed = machine.unprivileged("cache", "list", "--json")
        machine.state.chmod(0o755)
        assert verified.code == 0, verified.text
        assert len(listed.json["records"]) == 1
        assert machine.state_files() == before


class TestAFullDisk:
    @pytest.mark.parametrize("limit", [0, 100, 5000, 20_000])
    def test_every_decision_stays_right(self, machine: Machine, limit: int):
        clean, bad, unknown = (machine.skill(name, {"SKILL.md": name.encode()}) for name in ("clean", "bad", "unknown"))
        machine.know(clean)
        machine.know(bad, NINE)
        # The signing key is there already: making it is what a full disk stops first.
        assert machine.run("accept", "--no-input", str(machine.skill("other", {"SKILL.md": b"other"}))).code == 0
        done = machine.cramped(limit, "scan", "--json", str(clean), str(bad), str(unknown))
        assert (done.code, [report["decision"] for report in done.json["reports"]]) == (1, ["allow", "block", "warn"])
        if limit == 0:
            assert {"cache.not-written", "audit.not-written"} <= set(codes(done.json["reports"][0]))
        assert machine.run("verify", str(bad)).code in (1, 3)
        assert machine.run("verify", str(unknown)).code == 3
        assert machine.run("scan", str(clean)).code == 0
        assert machine.run("cache", "verify").code == 0
        assert machine.run("audit", "--verify").code == 0

    @pytest.mark.parametrize("limit", [0, 100, 2000])
    def test_an_acceptance_that_was_not_kept_is_no_success(self, machine: Machine, limit: int):
        skill = machine.skill()
        done = machine.cramped(limit, "accept", "--no-input", str(skill))
        assert done.code != 0 or machine.run("verify", str(skill)).code == 0
        assert done.code == 0 or machine.run("verify", str(skill)).code == 3
        assert machine.run("accept", "--no-input", str(skill)).code == 0
        assert machine.run("verify", str(skill)).code == 0

    @pytest.mark.parametrize("limit", [0, 50, 400, 3000])
    def test_setup_leaves_openclaw_as_it_was_or_fully_set_up(self, machine: Machine, limit: int):
        machine.openclaw_json.parent.mkdir()
        machine.openclaw_json.write_text("{ a: 1 }\n")
        done = machine.cramped(limit, "setup", "--no-input")
        wired = "openclaw-vt-policy" in machine.openclaw_json.read_text()
        assert wired or machine.openclaw_json.read_text() == "{ a: 1 }\n"
        assert done.code != 0 or wired
        assert machine.run("setup", "--no-input").code == 0
        assert machine.run("setup", "--remove", "--no-input").code == 0
        assert machine.openclaw_json.read_text() == "{ a: 1 }\n"


class TestSomethingInTheWay:
    @pytest.mark.parametrize("kind", ["file", "fifo", "device", "under-a-file"])
    def test_in_the_place_of_the_state_folder(self, machine: Machine, kind: str):
        place = machine.root / "state"
        if kind == "file":
            place.write_text("mine")
        elif kind == "fifo":
            os.mkfifo(place)
        elif kind == "under-a-file":
            (machine.root / "file").write_text("mine")
            place = machine.root / "file" / "state"
        extra = {"OPENCLAW_VT_STATE_DIR": "/dev/null" if kind == "device" else str(place)}
        skill = machine.skill()
        assert machine.run("verify", str(skill), **extra).code == 3
        for words in (["scan", str(skill)], ["accept", "--no-input", str(skill)], ["key", "set"], ["setup", "--no-input"]):
            done = machine.run(*words, stdin=machine.simulator.key.encode(), **extra)
            assert done.code in (2, 3, 4), (words, done.text)
            assert "internal error" not in done.err, (words, done.text)
        done = machine.run("doctor", "--offline", "--json", **extra)
        assert done.code == 3
        if kind == "file":
            assert place.read_text() == "mine"

    @pytest.mark.parametrize("name", ["cache.db", "head.json", "audit.jsonl", "hints.db", "signing.pub", "keys"])
    @pytest.mark.parametrize("kind", ["folder", "link", "fifo", "junk"])
    def test_in_the_place_of_one_of_our_files(self, machine: Machine, name: str, kind: str):
        good = machine.verified()
        path = machine.state / name
        if path.is_dir():
            path.rename(path.with_name("gone"))
        path.unlink(missing_ok=True)
        if kind == "folder":
            path.mkdir(mode=0o700)
        elif kind == "link":
            (machine.root / "victim").write_text("mine")
            path.symlink_to(machine.root / "victim")
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            path.write_bytes(os.urandom(5000))
        unknown, bad = machine.skill("unknown"), machine.skill("bad", {"SKILL.md": b"bad"})
        machine.know(bad, NINE)
        for command in ("verify", "scan"):
            done = machine.run(command, "--json", str(good), str(unknown), str(bad))
            assert done.code != 0, command
            if done.out:
                _, about_unknown, about_bad = (report["decision"] for report in done.json["reports"])
                assert (about_unknown, about_bad in ("warn", "block")) == ("warn", True)
        if kind == "link":
            assert (machine.root / "victim").read_text() == "mine"


class TestDeath:
    @pytest.mark.parametrize(
        "point", ["fsync:1", "fsync:4", "fsync:8", "fsync:12", "fdatasync:2", "fdatasync:4", "rename:1", "rename:4"]
    )
    def test_killed_in_the_middle_of_an_acceptance(self, machine: Machine, point: str):
        strace = require("strace", "kills at one system call")
        good, skill, bad = machine.verified("good"), machine.skill(), machine.skill("bad", {"SKILL.md": b"bad"})
        machine.know(bad, NINE)
        assert machine.run("scan", str(bad)).code == 1
        call, number = point.split(":")
        fault = ("-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={number}")
        prefix = (strace, "-f", "-qq", "-o", os.devnull, *fault, sys.executable, "-m", "openclaw_vt")
        killed = machine.run("accept", "--no-input", str(skill), prefix=prefix)
        assert killed.code in (0, -9, 137)
        found = [
            report["decision"] for report in machine.run("verify", "--json", str(good), str(bad), str(skill)).json["reports"]
        ]
        assert found[:2] == ["allow", "block"], "nothing that was said before is lost"
        assert found[2] == "allow" if killed.code == 0 else found[2] in ("allow", "warn")
        assert machine.run("accept", "--no-input", str(skill)).code == 0
        assert machine.run("verify", str(skill)).code == 0
        assert machine.run("cache", "verify").code == 0
        assert machine.run("audit", "--verify").code == 0


class TestCrowds:
    def test_twenty_scans_of_one_skill_at_once(self, machine: Machine, simulator: Simulator):
        simulator.default = FileReport(undetected=64)
        skill = machine.skill()
        patience = {
            "OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S": "200"
        }  # twenty Pythons on few cores are slow, which is not the matter here
        children = [machine.start("scan", "--json", str(skill), extra=patience) for _ in range(20)]
        ends = Counter()
        for child in children:
            out, errors = child.communicate(timeout=240)
            ends[child.returncode, b'"decision": "allow"' in out, errors] += 1
        assert ends == {(0, True, b""): 20}
        assert machine.run("verify", str(skill)).code == 0
        assert machine.run("cache", "verify", "--json").json["problems"] == []
        assert machine.run("audit", "--verify").code == 0

    def test_different_commands_at_once(self, machine: Machine, simulator: Simulator):
        skills = [machine.skill(f"s{number}", {"SKILL.md": f"{number}".encode()}) for number in range(4)]
        for skill in skills:
            machine.know(skill)
        commands = [["scan", str(skill)] for skill in skills]
        commands += [["accept", "--no-input", str(machine.skill(f"a{n}", {"SKILL.md": b"a%d" % n}))] for n in range(4)]
        commands += [["setup", "--no-input"], ["doctor", "--offline"], ["cache", "list"], ["key", "status"]]
        children = {" ".join(words): machine.start(*words) for words in commands}
        for line, child in children.items():
            _, errors = child.communicate(timeout=240)
            assert child.returncode in ((0, 3) if line.startswith("doctor") else (0,)), (line, errors)
        for words in commands[:8]:
            assert machine.run("verify", words[-1]).code == 0, words
        assert machine.run("cache", "verify").code == 0
