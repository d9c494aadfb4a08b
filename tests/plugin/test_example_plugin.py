"""The example plugin as a stranger would ship it: built, installed, found by its entry point, loaded only when it is named."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import children
from support.requirements import missing

import openclaw_vt

EXAMPLE = Path(openclaw_vt.__file__).resolve().parents[1] / "docs" / "plugin-example"

CHILD = """
import json, sys
sys.path.insert(0, sys.argv[1])
from openclaw_vt.analysis.manifest import Manifest
from openclaw_vt.analysis.read import read_facts
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.subject import Entry, Snapshot
from openclaw_vt.plugin.manager import Hooks

data = sys.argv[3].encode()
facts = tuple(read_facts(Snapshot((Entry("SKILL.md", size=len(data), data=data),))))
hooks = Hooks()
hooks.load(tuple(json.loads(sys.argv[2])))
answer = hooks.collect("skill_analyze", Finding, facts=facts, manifest=Manifest(), previous=None)
print(json.dumps({
    "loaded": "forbidden_domain" in sys.modules,
    "failed": [gap.what for gap in answer.failed],
    "findings": [[item.rule_id, item.source, item.evidence, item.location.line] for item in answer.items],
}))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the plugin installed in it; built from a copy, so that nothing is written into the checkout."""
    if importlib.util.find_spec("hatchling") is None or importlib.util.find_spec("pip") is None:
        missing("hatchling and pip are needed to build the example plugin")
    source = tmp_path_factory.mktemp("source with a space") / "plugin"
    shutil.copytree(EXAMPLE, source)
    target = tmp_path_factory.mktemp("target")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-build-isolation", "--no-deps"]
    command += ["--disable-pip-version-check", "--root-user-action=ignore", "--target", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return target


def ask(installed: Path, allow: list[str], text: str) -> dict:
    return json.loads(children.run(CHILD, str(installed), json.dumps(allow), text))


BAD = "---\nname: x\n---\nGet it from https://cdn.forbidden.example/tool and https://good.example.\n"


def test_a_named_plugin_finds_what_its_company_forbids(installed):
    answer = ask(installed, ["forbidden-domain"], BAD)
    assert answer == {
        "loaded": True,
        "failed": [],
        "findings": [["acme.forbidden-domain", "forbidden-domain", "https://cdn.forbidden.example/tool", 4]],
    }


@pytest.mark.parametrize(
    "text",
    ["See https://notforbidden.example", "See https://forbidden.example.org", "See https://[::1", "See https://forbidden.exampl"],
)
def test_other_hosts_are_no_findings(installed, text):
    assert ask(installed, ["forbidden-domain"], text)["findings"] == []


def test_the_host_is_compared_as_browsers_do(installed):
    for url in ("https://FORBIDDEN.example:8443/x", "https://user@forbidden.example/", "https://a.b.forbidden.example."):
        assert len(ask(installed, ["forbidden-domain"], f"See {url} now")["findings"]) == 1


def test_an_installed_plugin_that_nobody_named_is_never_imported(installed):
    assert ask(installed, [], BAD) == {"loaded": False, "failed": [], "findings": []}
