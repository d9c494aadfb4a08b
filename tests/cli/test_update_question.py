"""An update, asked about as OpenClaw asks: by the program, with the skills where this machine's OpenClaw keeps them."""

from __future__ import annotations

import itertools
import json

import pytest
from support import install_questions as ask
from support.bench import WEATHER, make_skill
from support.command_line import Machine

NUMBERS = itertools.count()
TOLD = "Newly executable: 1 (scripts/more.sh). Added: 2 (LICENSE, scripts/more.sh)."
NEXT = WEATHER | {"scripts/more.sh": b"#!/bin/sh\necho more\n"}


@pytest.fixture
def machine(machine: Machine) -> Machine:
    assert machine.run("setup", "--no-input").code == 0
    machine.settings |= {"OPENCLAW_VT_KEYS_BACKEND": None, "OPENCLAW_VT_VIRUSTOTAL_HOST": None, "VT_API_KEY": None}
    machine.settings |= {"OPENCLAW_VT_CLAWHUB_LOOKUP": None}
    return machine


def changes(machine: Machine, **extra: str) -> str:
    """Ask about an update that nobody asked about before: a warning is repeated as it was to the process that heard it."""
    number = next(NUMBERS)
    path = make_skill(machine.root / f"staged-{number}" / "weather", NEXT | {"LICENSE": str(number).encode()})
    done = machine.run("install-policy", stdin=ask.raw(ask.clawhub(path, mode="update")), **extra)
    assert (done.code, done.json["decision"]) == (0, "warn")
    first = done.json["findings"][0]
    assert first["ruleId"] == "update.changes"
    return first["message"]


def test_the_installed_version_is_found_where_openclaw_keeps_its_skills(machine: Machine):
    assert "was not found" in changes(machine)
    make_skill(machine.openclaw_json.parent / "workspace" / "skills" / "weather")
    assert changes(machine) == f"Compared with the installed version, which is not verified. {TOLD}"


def test_the_folders_that_openclaw_was_told_to_use_count(machine: Machine):
    state = machine.root / "another state"
    make_skill(state / "skills" / "weather")
    assert TOLD in changes(machine, OPENCLAW_STATE_DIR=str(state))
    make_skill(machine.root / "elsewhere" / "skills" / "weather", NEXT | {"SKILL.md": b"other"})
    (state / "openclaw.json").write_text(json.dumps({"agents": {"defaults": {"workspace": str(machine.root / "elsewhere")}}}))
    said = changes(machine, OPENCLAW_STATE_DIR=str(state))
    assert "Several installed skills fit" in said
    assert said.endswith("Added: 1 (LICENSE). Changed: 1 (SKILL.md).")


def test_a_broken_openclaw_json_stops_no_question(machine: Machine):
    machine.openclaw_json.write_text("{ this is no JSON5")
    assert "could not be read, so nothing was compared" in changes(machine)
