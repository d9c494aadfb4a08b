"""The exit codes of the contract, as one table."""

from __future__ import annotations

import pytest
from support.command_line import Machine

from openclaw_vt.virustotal.simulator import FileReport

ALLOW, BLOCK, USAGE, WARN, INTERNAL = 0, 1, 2, 3, 4
SETTINGS = "OPENCLAW_VT_POLICY_ON_UNREVIEWED"

# Command, with {clean}, {unknown}, {bad}, {void} for skills; variables; exit code.
TABLE = [
    ("scan {clean}", {}, ALLOW),
    ("scan {unknown}", {}, WARN),
    ("scan {bad}", {}, BLOCK),
    ("scan {clean} {unknown}", {}, WARN),
    ("scan {unknown} {bad} {clean}", {}, BLOCK),
    ("scan {void}", {}, WARN),
    ("scan --fail-on block {unknown}", {}, ALLOW),
    ("scan --fail-on block {bad}", {}, BLOCK),
    ("scan --fail-on never {bad}", {}, USAGE),
    ("scan --offline {unknown}", {}, WARN),
    ("scan {unknown}", {SETTINGS: "block"}, BLOCK),
    ("scan {unknown}", {SETTINGS: "allow"}, ALLOW),
    ("scan {bad}", {SETTINGS: "allow"}, BLOCK),
    ("scan {unknown}", {SETTINGS: "perhaps"}, USAGE),
    ("scan {unknown}", {"VT_API_KEY": "0" * 64}, WARN),
    ("scan {unknown}", {"VT_API_KEY": "bad key"}, WARN),
    ("scan {unknown}", {"VT_API_KEY": None}, WARN),
    ("scan", {}, USAGE),
    ("scan --nonsense {clean}", {}, USAGE),
    ("verify {unknown}", {}, WARN),
    ("verify {void}", {}, WARN),
    ("verify", {}, USAGE),
    ("accept --no-input {unknown}", {}, ALLOW),
    ("accept --no-input {bad}", {}, BLOCK),
    ("accept {unknown}", {}, USAGE),
    ("accept --no-input {void}", {}, USAGE),
    ("accept --no-input {unknown}", {"OPENCLAW_VT_KEYS_BACKEND": "keyring"}, USAGE),
    ("install {clean}", {}, USAGE),
    ("key status", {}, ALLOW),
    ("key status --check", {}, ALLOW),
    ("key status --check", {"VT_API_KEY": "0" * 64}, WARN),
    ("key set", {}, USAGE),
    ("key delete", {}, ALLOW),
    ("key", {}, USAGE),
    ("cache list", {}, ALLOW),
    ("cache verify", {}, ALLOW),
    ("cache show {void}", {}, WARN),
    ("cache prune", {"OPENCLAW_VT_KEYS_BACKEND": "auto"}, USAGE),
    ("cache export {void}/x", {}, USAGE),
    ("cache import {void}", {}, USAGE),
    ("config show", {}, ALLOW),
    ("config validate", {}, ALLOW),
    ("config validate", {"OPENCLAW_VT_NONSENSE": "1"}, USAGE),
    ("audit", {}, ALLOW),
    ("audit --verify", {}, ALLOW),
    ("doctor --offline", {}, WARN),
    ("demo", {}, ALLOW),
    ("simulator --port 70000", {}, USAGE),
    ("simulator --port many", {}, USAGE),
    ("simulator --script {void}", {}, USAGE),
    ("completion bash", {}, ALLOW),
    ("completion fish", {}, USAGE),
    ("setup --purge --no-input", {}, USAGE),
    ("setup --remove", {}, USAGE),
    ("", {}, USAGE),
    ("--version", {}, ALLOW),
    ("scan --help", {}, ALLOW),
]


@pytest.mark.parametrize(("line", "variables", "code"), TABLE, ids=lambda value: str(value)[:60])
def test_table(machine: Machine, line: str, variables: dict, code: int):
    skills = {
        name: machine.skill(name, {"SKILL.md": f"---\nname: {name}\n---\n".encode()}) for name in ("clean", "unknown", "bad")
    }
    machine.know(skills["clean"])
    machine.know(skills["bad"], FileReport(malicious=9))
    places = {name: str(path) for name, path in skills.items()} | {"void": str(machine.root / "void")}
    done = machine.run(*(word.format(**places) for word in line.split()), **variables)
    assert done.code == code, done.text
    assert done.out or done.err, "an exit code alone tells a person nothing"
