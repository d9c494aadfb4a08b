"""The same protocol over the pipes of a child, where there are no Unix sockets."""

from __future__ import annotations

import sys

import pytest
from support.children import ROOT
from support.daemon_client import Stdio, Warm

from openclaw_vt.daemon.wire import MAX_LINE_BYTES
from openclaw_vt.virustotal.simulator import FileReport

NOISY = (
    sys.executable,
    "-c",
    f"""
import sys
sys.path.append({str(ROOT)!r})
import os
from openclaw_vt.daemon import using
honest = using.Using.use
def loud(self, request, reply):
    print("a library prints")
    os.write(1, b"so does a program it starts\\n")
    os.system("echo and a shell")
    honest(self, request, reply)
using.Using.use = loud
from openclaw_vt.cli import main
main()
""",
)


def test_the_same_answers_as_over_a_socket(warm: Warm):
    names = ("good", "unknown", "bad")
    skills = {name: warm.skill(name, {"SKILL.md": f"---\nname: {name}\n---\nHi {name}.\n".encode()}) for name in names}
    warm.know(skills["good"])
    warm.know(skills["bad"], FileReport(malicious=9))
    over_socket = {name: warm.use(path) for name, path in skills.items()}
    with Stdio(warm) as stdio:
        assert stdio.ask(id=1, op="status")["ok"]
        for name, path in skills.items():
            answer = stdio.ask(id=1, op="use", path=str(path), tool="read", budget_ms=20_000)
            assert {k: v for k, v in answer.items() if k != "ticket"} == {
                k: v for k, v in over_socket[name].items() if k != "ticket"
            }
            if name == "unknown":
                assert stdio.ask(id=2, op="answer", ticket=answer["ticket"], resolution="allow-always")["kept"]
        assert stdio.end()[0] == 0
    assert warm.use(skills["unknown"])["answer"] == "pass", "what one keeps counts for the other at once"


def test_what_libraries_print_never_mixes_in(machine: Warm):
    folder = machine.skill("any")
    with Stdio(machine, prefix=NOISY) as stdio:
        for number in range(3):
            assert stdio.ask(id=number, op="use", path=str(folder), budget_ms=20_000)["answer"] == "ask"
        code, out, err = stdio.end()
    assert (code, out) == (0, b"")
    for words in (b"a library prints", b"so does a program it starts", b"and a shell"):
        assert words in err


def test_it_ends_with_its_input(machine: Warm):
    with Stdio(machine) as stdio:
        assert stdio.ask(id=1, op="status")["ok"]
        assert stdio.end() == (0, b"", b"")


def test_it_ends_when_it_is_told_to(machine: Warm):
    with Stdio(machine) as stdio:
        assert stdio.ask(id=1, op="stop") == {"id": 1, "ok": True}
        assert stdio.line() is None
        assert stdio.end()[0] == 0


@pytest.mark.parametrize(
    "said",
    [b"garbage\n", b"[]\n", b'{"id":1,"id":1,"op":"stop"}\n', b"\xff\n", b"[" * 1000 + b"\n", b"\n"],
    ids=["garbage", "array", "twice", "no-text", "deep", "nothing"],
)
def test_what_is_no_request_is_an_answer(machine: Warm, said: bytes):
    with Stdio(machine) as stdio:
        stdio.send(said)
        assert stdio.line()["ok"] is False
        assert stdio.ask(id=1, op="status")["ok"]


def test_a_line_without_end_ends_it(machine: Warm):
    with Stdio(machine) as stdio:
        stdio.send(b"x" * (MAX_LINE_BYTES + 1))
        assert stdio.line() is None


def test_a_reader_that_is_gone_ends_it(machine: Warm):
    with Stdio(machine) as stdio:
        assert stdio.ask(id=1, op="status")["ok"]
        stdio.child.stdout.close()
        stdio.send({"id": 2, "op": "status"})
        stdio.send({"id": 3, "op": "status"})
        assert stdio.child.wait(timeout=60) == 0


def test_there_is_nothing_to_connect_to(machine: Warm):
    with Stdio(machine) as stdio:
        assert stdio.ask(id=1, op="status")["ok"]
        assert not (machine.state / "daemon.json").exists()
        stdio.end()


def test_settings_that_cannot_be_read_are_said(machine: Warm):
    machine.config.write_bytes(b"[hooks]\npre_execute = 7\n")
    done = machine.run("daemon", "--stdio")
    assert (done.code, done.raw_out, "hooks.pre_execute" in done.err) == (2, b"", True)
