"""OpenClaw tells what its agent runs in the environment: a person's commands refuse it, and its installs are not asked about."""

from __future__ import annotations

import json

import pytest
from support import install_questions as ask
from support.bench import CLEAN
from support.command_line import Machine

AGENT = {"OPENCLAW_SHELL": "exec"}


def answered(machine: Machine, question: dict, **extra: str) -> dict:
    return json.loads(machine.run("install-policy", stdin=ask.raw(question), **extra).out)


@pytest.mark.parametrize(
    "words",
    [
        ("accept", "--no-input", "SKILL"),
        ("accept", "--own", "--no-input", "SKILL"),
        ("accept", "SKILL"),
        ("setup", "--no-input"),
        ("setup", "--remove", "--no-input"),
        ("install", "SKILL"),
        ("key", "set"),
        ("key", "delete"),
        ("key", "rotate"),
        ("cache", "prune"),
        ("cache", "import", "SKILL"),
        ("daemon", "--stop"),
    ],
    ids=" ".join,
)
def test_a_persons_command_refuses_the_agent(machine: Machine, words: tuple[str, ...]):
    skill = machine.skill()
    done = machine.run(*(str(skill) if word == "SKILL" else word for word in words), stdin=b"0" * 64 + b"\n", **AGENT)
    assert done.code == 1, done.text
    assert "The agent may not do this for you." in done.err
    assert machine.run("verify", str(skill)).code == 3, "nothing was accepted"
    assert not machine.openclaw_json.exists(), "nothing was set up"


@pytest.mark.parametrize(
    "words",
    [("scan", "SKILL"), ("verify", "SKILL"), ("cache", "list"), ("config", "show"), ("key", "status"), ("audit",)],
    ids=" ".join,
)
def test_reading_is_for_everybody(machine: Machine, words: tuple[str, ...]):
    skill = machine.skill()
    done = machine.run(*(str(skill) if word == "SKILL" else word for word in words), **AGENT)
    assert "may not" not in done.err
    assert done.code in (0, 3)


def test_a_shell_of_the_persons_own_is_no_agent(machine: Machine):
    assert machine.run("accept", "--no-input", str(machine.skill()), OPENCLAW_SHELL="tui-local").code == 0


def test_an_install_the_agent_started_is_blocked_where_a_person_would_be_asked(machine: Machine):
    skill = machine.skill()
    question = ask.question(skill)
    assert answered(machine, question)["decision"] == "warn"
    said = answered(machine, question, **AGENT)
    assert said["decision"] == "block"
    assert "The agent started this" in said["reason"]


def test_an_install_the_agent_started_passes_where_nobody_would_be_asked(machine: Machine):
    assert machine.run("setup", "--no-input").code == 0
    skill = machine.skill()
    machine.know(skill, CLEAN)
    assert answered(machine, ask.question(skill), **AGENT)["decision"] == "allow"


@pytest.mark.parametrize(("chosen", "decision"), [("open", "allow"), ("closed", "block")])
def test_an_install_that_cannot_be_judged_goes_as_the_person_chose(machine: Machine, chosen: str, decision: str):
    assert machine.run("setup", "--no-input").code == 0
    with machine.config.open("a") as config:
        config.write(f'\n[hooks]\nfail_install = "{chosen}"\n\n[plugins]\nallow = ["missing"]\n')
    assert answered(machine, ask.question(machine.skill()))["decision"] == decision
