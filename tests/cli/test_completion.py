"""`completion` and the help: what a shell and a newcomer see."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from support.command_line import Machine
from support.requirements import require

from openclaw_vt.cli.parser import COMMANDS


def test_bash_completes_commands_actions_and_options(machine: Machine):
    bash = require("bash", "runs the completion script")
    script = machine.root / "completion.bash"
    script.write_text(machine.run("completion", "bash").out, encoding="utf-8")
    probe = """
source "$1"
offered() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_openclaw_vt >/dev/null 2>&1; echo "${COMPREPLY[*]}"; }
offered openclaw-vt ""
offered openclaw-vt key ""
offered openclaw-vt scan --of
"""
    done = subprocess.run([bash, "-c", probe, "bash", str(script)], capture_output=True, text=True, check=True)
    commands, actions, options = done.stdout.splitlines()
    assert set(commands.split()) >= {name.replace("_", "-") for name in COMMANDS}
    assert set(actions.split()) >= {"set", "status", "delete", "rotate"}
    assert options.split() == ["--offline"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_each_script_parses_where_its_shell_is(machine: Machine, shell: str):
    done = machine.run("completion", shell)
    assert (done.code, "openclaw-vt" in done.out, done.err) == (0, True, "")
    program = shutil.which(shell)
    if program and shell != "tcsh":
        subprocess.run([program, "-n"], input=done.raw_out, check=True)


def test_another_shell_is_named_as_unknown(machine: Machine):
    done = machine.run("completion", "fish")
    assert (done.code, "bash" in done.err) == (2, True)


@pytest.mark.parametrize("command", [name.replace("_", "-") for name in COMMANDS])
def test_every_command_has_a_help(machine: Machine, command: str):
    done = machine.run(command, "--help")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"usage: openclaw-vt {command}")
    assert done.out.isascii()


def test_the_help_names_the_exit_codes_and_no_command_is_a_mistake(machine: Machine):
    assert "Exit codes: 0 allow, 1 block, 2 usage" in " ".join(machine.run("--help").out.split())
    assert machine.run().code == 2
    assert machine.run("scam").code == 2
    assert machine.run("--version").out.startswith("openclaw-vt ")
