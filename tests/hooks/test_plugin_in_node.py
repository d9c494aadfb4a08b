"""The plugin's own tests, run by the Node that OpenClaw needs: one test here for each file there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from support.requirements import missing

PLUGIN = Path(__file__).resolve().parents[2] / "hooks" / "openclaw"
OLDEST = (24, 16)


@pytest.fixture(scope="module")
def node() -> str:
    """Return a Node that is new enough: from the tools of the suite, else from PATH."""
    for place in (os.environ.get("OCVT_TEST_TOOLS", ""), os.environ.get("PATH", "")):
        found = shutil.which("node", path=place) if place else None
        if found and _version(found) >= OLDEST:
            return found
    missing("Node 24.16 or newer is not installed: the plugin runs in OpenClaw's Node")
    raise AssertionError


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=60).stdout
    return tuple(int(part) for part in re.findall(r"\d+", said)[:2])


@pytest.mark.parametrize("file", sorted(path.name for path in (PLUGIN / "test").glob("*.test.js")))
def test_the_plugin(node: str, file: str):
    command = [node, "--test", "--test-reporter=tap", f"test/{file}"]
    done = subprocess.run(command, cwd=PLUGIN, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stdout.splitlines() if "not ok" in line) + done.stdout[-6000:]
    counted = re.search(r"^# pass (\d+)$", done.stdout, re.MULTILINE)
    assert counted, "the tests were counted"
    assert int(counted.group(1)) > 0, "there are tests in it"


def test_no_file_of_the_plugin_is_long_or_needs_a_package():
    for path in [PLUGIN / "index.js", *(PLUGIN / "lib").rglob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert text.count("\n") <= 400, path
        imported = re.findall(r"(?:from|import)\s+\"([^\"]+)\"", text)
        assert all(name.startswith((".", "node:", "openclaw/plugin-sdk/")) for name in imported), (path, imported)
