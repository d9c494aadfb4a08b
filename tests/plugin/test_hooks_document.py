"""docs/hooks.md and the hookspecs say the same, and every example in it runs."""

from __future__ import annotations

import inspect
import re
import types
from pathlib import Path

import pytest

import openclaw_vt
from openclaw_vt.plugin import manager, spec
from openclaw_vt.plugin.manager import Hooks

ROOT = Path(openclaw_vt.__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "hooks.md"
if not DOCUMENT.exists():
    pytest.skip("the package is installed without its documents", allow_module_level=True)
TEXT = DOCUMENT.read_text(encoding="utf-8")
HEADINGS = dict(re.findall(r"^### `(skill_\w+)\((.*)\)`$", TEXT, re.MULTILINE))
SPECS = {name: function for name, function in vars(spec).items() if hasattr(function, f"{spec.PROJECT}_spec")}
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def section(name: str) -> str:
    return TEXT.partition(f"### `{name}(")[2].partition("\n### ")[0].partition("\n## ")[0]


def test_every_hook_has_a_section_with_its_arguments_and_no_other_hook_has():
    assert {name: ", ".join(inspect.signature(function).parameters) for name, function in SPECS.items()} == HEADINGS


def test_every_hookspec_is_typed_and_explained():
    for name, function in SPECS.items():
        assert function.__doc__, name
        assert "return" in inspect.get_annotations(function), name
        assert set(inspect.signature(function).parameters) < set(inspect.get_annotations(function)), name


@pytest.mark.parametrize("name", SPECS)
def test_every_section_has_an_example_of_its_own_hook(name):
    assert f"def {name}(" in section(name)


@pytest.mark.parametrize("source", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_runs_and_its_hooks_are_taken(source):
    module = types.ModuleType("example")
    exec(compile(source, "docs/hooks.md", "exec"), module.__dict__)
    if any(name in SPECS for name in vars(module)):
        Hooks().register(module, name="example")


def test_the_numbers_in_the_document_are_those_of_the_code():
    assert f"cut (messages at {manager.MAX_TEXT} characters)" in TEXT
    assert f"At most {manager.MAX_ITEMS:,} items" in TEXT


def test_what_the_document_says_is_stamped_is_what_the_code_stamps():
    stamped = inspect.getsource(manager._stamped)
    for word in ("source", "service", "suppressed", "permalink", "responses"):
        assert f"`{word}`" in TEXT
        assert f"{word}=" in stamped
