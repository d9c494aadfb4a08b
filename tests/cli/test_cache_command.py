"""`cache` and `audit`: looking at what was signed and what was decided, and moving it."""

from __future__ import annotations

import json
import os

import pytest
from support.command_line import Machine


def test_list_and_show_name_what_was_signed(machine: Machine):
    skill, own = machine.verified(), machine.skill("mine")
    assert machine.run("accept", "--no-input", str(own)).code == 0
    records = machine.run("cache", "list", "--json").json["records"]
    assert [(row["kind"], row["result"], row["basis"]) for row in records] == [
        ("verification", "PASSED", None),
        ("acceptance", None, "accepted"),
    ]
    tree = machine.run("scan", "--json", str(skill)).report["digest"]["tree"]
    for what in (str(skill), tree):
        assert [row["tree"] for row in machine.run("cache", "show", "--json", what).json["records"]] == [tree]
    assert "PASSED" in machine.run("cache", "list").out
    assert machine.run("cache", "show", "0" * 64).out == "There are no records.\n"
    assert machine.run("cache", "show", "none-such").code == 3


def test_verify_finds_what_was_changed(machine: Machine):
    machine.verified()
    assert machine.run("cache", "verify").out == "Every record, the chain and the head verify.\n"
    head = machine.state / "head.json"
    head.write_bytes(head.read_bytes()[:-20])
    done = machine.run("cache", "verify", "--json")
    assert (done.code, bool(done.json["problems"])) == (3, True)


def test_prune_keeps_what_counts(machine: Machine):
    skill = machine.verified()
    assert machine.run("cache", "prune", "--json").json == {"schema": "openclaw-vt.cache/1", "dropped": 0}
    assert machine.run("verify", str(skill)).code == 0


def test_an_export_moves_to_a_state_folder_with_the_same_key_and_to_no_other(machine: Machine):
    skill = machine.verified()
    done = machine.run("cache", "export", "out.jsonl")
    assert (done.code, done.out) == (0, "1 records were written to out.jsonl.\n")
    target = machine.root / "out.jsonl"
    assert os.name != "posix" or target.stat().st_mode & 0o077 == 0
    other = {"OPENCLAW_VT_STATE_DIR": str(machine.root / "other")}
    foreign = machine.run("cache", "import", "--json", "out.jsonl", **other)
    assert (foreign.json["imported"], foreign.json["unverified"]) == (0, 1)
    assert machine.run("verify", str(skill), **other).code == 3
    for name in ("cache.db", "head.json"):
        (machine.state / name).unlink()
    assert machine.run("verify", str(skill)).code == 3
    assert machine.run("cache", "import", "--json", "out.jsonl").json["imported"] == 1
    assert machine.run("verify", str(skill)).code == 0


@pytest.mark.parametrize("target", ["none/such/x", ".", "{state}/cache.db", "{state}/new", ""])
def test_an_export_has_to_have_a_place(machine: Machine, target: str):
    skill = machine.verified()
    before = machine.state_files()
    done = machine.run("cache", "export", target.format(state=machine.state))
    assert done.code == 2, done.text
    assert machine.state_files() == before
    assert machine.run("verify", str(skill)).code == 0


@pytest.mark.parametrize("source", ["none-such", ".", "/dev/zero", "fifo", "junk", "empty"])
def test_only_an_export_is_imported(machine: Machine, source: str):
    machine.verified()
    (machine.root / "junk").write_bytes(os.urandom(100_000))
    (machine.root / "empty").touch()
    if hasattr(os, "mkfifo"):
        os.mkfifo(machine.root / "fifo")
    done = machine.run("cache", "import", source)
    assert done.code == (0 if source == "empty" else done.code)
    assert done.code in (0, 2, 4)
    assert machine.run("cache", "verify").code == 0
    assert len(machine.run("cache", "list", "--json").json["records"]) == 1


class TestAudit:
    def test_shows_the_newest_decisions(self, machine: Machine):
        assert machine.run("audit").out == "Nothing has been decided yet.\n"
        machine.verified()
        machine.run("scan", str(machine.skill("unknown")))
        lines = machine.run("audit").out.splitlines()
        assert len(lines) == 2
        assert "warn scan weather" in lines[1]
        assert machine.run("audit", "-n", "1").out.splitlines() == lines[1:]
        assert machine.run("audit", "-n", "-5").out == "No entries were asked for.\n"
        assert machine.run("audit", "-n", "99999999999999999999").code == 0
        assert machine.run("audit", "-n", "many").code == 2

    def test_verify_finds_a_changed_line(self, machine: Machine):
        machine.verified()
        assert machine.run("audit", "--verify").code == 0
        log = machine.state / "audit.jsonl"
        machine.run("scan", str(machine.skill("unknown")))
        log.write_bytes(log.read_bytes().replace(b'"allow"', b'"block"'))
        done = machine.run("audit", "--verify", "--json")
        assert (done.code, [problem["code"] for problem in done.json["problems"]]) == (3, ["forged"])

    def test_a_log_that_somebody_else_wrote_does_nothing_to_a_terminal(self, machine: Machine):
        machine.verified()
        hostile = [
            {"sequence": 1, "detail": "no object", "time": "\x1b[31m"},
            {
                "sequence": 2,
                "detail": {"reasons": "x", "path": "\u202e\x1b]0;owned\x07", "skill": ["\x1b"]},
                "event": {"\x1b": 1},
            },
            {"sequence": 3, "detail": {"reasons": ["\x9b31m", 3, None]}},
        ]
        (machine.state / "audit.jsonl").write_text("".join(json.dumps(line) + "\n" for line in hostile))
        done = machine.run("audit")
        assert (done.code, len(done.out.splitlines())) == (0, 3)
        assert not set(done.out) & set("\x1b\x07\x9b\u202e")
        assert machine.run("audit", "--json").code == 0
