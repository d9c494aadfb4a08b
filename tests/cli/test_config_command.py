"""`config`: what is set, where it came from, and what is wrong with it."""

from __future__ import annotations

import tomllib

import pytest
from support.command_line import Machine


@pytest.fixture
def machine(machine: Machine) -> Machine:
    machine.settings |= dict.fromkeys(name for name in machine.environ() if name.startswith("OPENCLAW_VT_"))
    return machine


def write(machine: Machine, text: str | bytes) -> None:
    machine.config.parent.mkdir(parents=True, exist_ok=True)
    machine.config.write_bytes(text.encode() if isinstance(text, str) else text)


def test_what_is_shown_is_toml_that_means_the_same(machine: Machine):
    write(machine, '[virustotal]\nmin_engines = 31\nlookups = ["bundle"]\n')
    shown = machine.run("config", "show").out
    assert tomllib.loads(shown)["virustotal"]["min_engines"] == 31
    write(machine, shown)
    assert machine.run("config", "show").out == shown
    assert machine.run("config", "validate").code == 0


def test_every_value_knows_where_it_came_from(machine: Machine):
    write(machine, "[virustotal]\nmin_engines = 31\ntimeout_s = 3\n")
    settings = machine.run("config", "show", "--json", OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S="4").json["settings"]["virustotal"]
    assert settings["min_engines"] == {"value": 31, "origin": "user", "place": str(machine.config)}
    assert settings["timeout_s"] == {"value": 4, "origin": "environment", "place": "OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S"}
    assert settings["max_age_days"]["origin"] == "default"
    line = next(line for line in machine.run("config", "show", "--origin").out.splitlines() if line.startswith("min_engines"))
    assert line == f"min_engines = 31   # user: {machine.config}"


def test_path_and_validate(machine: Machine):
    assert machine.run("config", "path").out == f"{machine.config}\n"
    assert machine.run("config", "path", "--json").json["path"] == str(machine.config)
    before = machine.run("config", "validate", "--json").json
    assert before["valid"] is True
    write(machine, "[policy]\non_unreviewed = 'block'\n")
    assert machine.run("config", "validate", "--json").json["policy"] != before["policy"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[virustotal]\nmin_engine = 31\n", "Did you mean virustotal.min_engines?"),
        ("[virus]\nx = 1\n", "Did you mean virustotal?"),
        ("[virustotal]\nmin_engines = 'many'\n", "Use a number from 1 to 1000."),
        ("min_engines 31", "is not valid TOML"),
        (b"\xff\xfe", "is not valid TOML"),
        ("[policy]\non_unreviewed = 'maybe'\n", "Use one of allow, warn, block."),
        ("x\x1b[31m = 1\n", "is not valid TOML"),
        ("[virustotal]\nhost = 'http://vt.example'\n", "Use https://host"),
    ],
)
def test_a_broken_file_stops_every_command_with_exit_code_2(machine: Machine, text: str | bytes, words: str):
    write(machine, text)
    skill = str(machine.skill())
    for command in (
        ["config", "validate"],
        ["config", "show"],
        ["scan", skill],
        ["verify", skill],
        ["accept", "--no-input", skill],
    ):
        done = machine.run(*command)
        assert (done.code, done.out) == (2, "")
        assert words in done.err
        assert "\x1b" not in done.err
    assert machine.run("config", "path").code == 0, "the file to mend is still named"


def test_a_misspelled_variable_is_an_error(machine: Machine):
    done = machine.run("config", "validate", OPENCLAW_VT_VIRUSTOTAL_HOTS="https://x.example")
    assert (done.code, "Did you mean OPENCLAW_VT_VIRUSTOTAL_HOST?" in done.err) == (2, True)


def test_a_home_is_needed_only_where_nothing_else_names_the_places(machine: Machine):
    named = {"HOME": None, "OPENCLAW_VT_CONFIG": str(machine.root / "c.toml"), "OPENCLAW_VT_STATE_DIR": str(machine.root / "s")}
    assert machine.run("config", "validate", **named).code == 0
    assert machine.run("scan", "--offline", str(machine.skill()), **named).code == 3
    assert (machine.root / "s" / "audit.jsonl").exists()


def test_an_action_is_required_and_named_in_the_help(machine: Machine):
    assert machine.run("config").code == 2
    assert "validate" in machine.run("config", "--help").out
