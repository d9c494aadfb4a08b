"""The documents beside the code: what they list is all there is, and what they promise has a test."""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import openclaw_vt
from openclaw_vt.analysis.category import CATEGORIES, UNCATEGORISED
from openclaw_vt.analysis.rules import RULES
from openclaw_vt.attestation.statement import Kind
from openclaw_vt.cli.parser import build
from openclaw_vt.config import OPTIONS
from openclaw_vt.policy import DEFAULT_ROWS, TOGGLES
from openclaw_vt.store.problem import ProblemCode
from openclaw_vt.virustotal.simulator_script import _REPORT_FIELDS, _SCRIPT_FIELDS

PACKAGE = Path(openclaw_vt.__file__).parent
ROOT = PACKAGE.parent
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
PROMISE = "unchanged since VirusTotal's verdict X at time T, judged under policy P"
# The tests are also run from an installed package, without the documents.
pytestmark = pytest.mark.skipif(not (ROOT / "docs" / "reference.md").exists(), reason="there are no documents beside the package")


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reference() -> str:
    return document("docs/reference.md")


def rows(text: str) -> list[list[str]]:
    """The cells of every table, without marks of code."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip().strip("`") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def modules() -> Iterator[str]:
    for path in PACKAGE.rglob("*.py"):
        if path.name != "__init__.py":
            yield path.relative_to(PACKAGE).as_posix()


def test_the_drawing_of_the_layers_is_the_contract():
    contracts = tomllib.loads(document("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    section = document("docs/architecture.md").split("## Layers")[1].split("## ")[0]
    drawn = [re.split(r"\s{2,}", line)[0] for line in section.split("```")[1].splitlines()[1:]]
    assert drawn == [layer.replace("openclaw_vt.", "") for layer in layers]


def test_every_module_has_its_purpose_on_the_map_and_no_other():
    assert {row[0] for row in rows(document("docs/architecture.md")) if row[0].endswith(".py")} == set(modules())


def commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.Action]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, sub in action.choices.items():
                yield from commands(sub, f"{name} {below}".strip())
        else:
            yield name, action


def test_every_command_and_option_is_in_the_reference(reference):
    for command, action in commands(build()):
        assert f"`{command}" in reference, command
        for option in action.option_strings:
            assert option in reference, (command, option)


def test_no_option_is_in_the_reference_that_is_not_there(reference):
    known = {option for _, action in commands(build()) for option in action.option_strings}
    named = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]+)", reference.split("## Commands")[1].split("## Exit codes")[0]))
    assert named <= known


def test_every_schema_is_in_the_reference(reference):
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py"))
    inside_only = {"openclaw-vt.wiring/1"}
    assert set(re.findall(r'"(openclaw-vt\.[a-z-]+/\d+)"', source)) - inside_only == set(
        re.findall(r"`(openclaw-vt\.[a-z-]+/\d+)`", reference)
    )


def test_every_setting_is_in_the_reference_with_its_default(reference):
    section = reference.split("## Configuration")[1].split("## Environment")[0]
    told = {row[0]: row[1] for row in rows(section) if "." in row[0]}
    assert told == {
        f"{table}.{key}": json.dumps(list(option.default) if isinstance(option.default, tuple) else option.default)
        for table, keys in OPTIONS.items()
        for key, option in keys.items()
    }


def test_the_default_policy_is_in_the_reference(reference):
    section = reference.split("## Default policy")[1].split("## Reason codes")[0]
    told = {row[0]: (row[1], row[2]) for row in rows(section) if row[1].startswith("on_")}
    assert told == {row.value: (toggle, DEFAULT_ROWS[row].label) for toggle, row in TOGGLES.items()}


def test_rules_and_categories_are_in_the_reference(reference):
    section = reference.split("## Local analysis")[1].split("## Configuration")[0]
    told = {row[0]: row[1] for row in rows(section)}
    for rule in RULES:
        assert told[rule.rule_id] == rule.severity.label
    for category in (*CATEGORIES, UNCATEGORISED):
        assert told[category.name] == category.risk


def test_words_for_programs_are_in_the_reference(reference):
    words = [*Kind, *ProblemCode, *_SCRIPT_FIELDS, *_REPORT_FIELDS]
    assert [word for word in words if f"`{word}`" not in reference] == []


def test_the_promise_stands_word_for_word_where_people_look():
    for name in ("README.md", "README.ja.md", "docs/threat-model.md"):
        assert PROMISE in " ".join(document(name).split()), name


def test_every_attack_names_a_test_that_exists():
    told = document("docs/threat-model.md")
    named = re.findall(r"`(tests/[\w/.]+)`", told)
    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []
    for section in re.split(r"^## ", told, flags=re.MULTILINE):
        if section.startswith("Attacks"):
            assert all("tests/" in row[-1] for row in rows(section)[1:]), section


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_demo_prints_what_the_readme_shows(name, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "openclaw_vt", "demo"],
        env={"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout in document(name)


def test_links_between_the_documents_lead_somewhere():
    broken = []
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?://)([^)]+)\)", path.read_text(encoding="utf-8")):
            place, _, anchor = target.partition("#")
            file = (path.parent / place).resolve() if place else path
            if not file.exists() or (anchor and anchor not in anchors(file)):
                broken.append((path.name, target))
    assert broken == []


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
