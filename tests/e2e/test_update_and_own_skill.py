"""In the real OpenClaw: an update says what it changes, the same words twice, and our own skill is one that OpenClaw takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from support.openclaw_host import finish

from openclaw_vt.openclaw.own_skill import install_own_skill, remove_own_skill
from openclaw_vt.virustotal.simulator import Simulator

pytestmark = pytest.mark.openclaw


def manifest(body: str) -> bytes:
    return f"---\nname: changing\ndescription: A skill.\n---\n\n{body}\n".encode()


@pytest.fixture
def product(host):
    """The gate, set up for this OpenClaw."""
    with Simulator() as simulator:
        env = host.env(
            {"OPENCLAW_VT_VIRUSTOTAL_HOST": simulator.url, "OPENCLAW_VT_KEYS_BACKEND": "file", "VT_API_KEY": simulator.key}
        )

        def run(*args: str) -> int:
            command = [sys.executable, "-m", "openclaw_vt", *args]
            return subprocess.run(command, env=env, capture_output=True, timeout=300, check=False).returncode

        assert run("setup", "--no-input") == 0
        yield run
        assert run("setup", "--remove", "--no-input") == 0


def test_a_person_reads_what_an_update_changes_and_types_the_name(product, host, hub):
    hub.shelf.publish("changing", "1.0.0", {"SKILL.md": manifest("one")})
    done = host.run("skills", "install", "@acme/changing", "--acknowledge-install-policy-warning")
    assert done.code == 0, done.text
    hub.shelf.publish("changing", "1.1.0", {"SKILL.md": manifest("two"), "scripts/run.sh": b"#!/bin/sh\necho hello\n"})
    refused = host.run("skills", "update", "changing")
    assert refused.code == 1
    told = "[INFO] update.changes: Compared with the installed version, which a person accepted."
    assert told in " ".join(refused.text.split())
    assert "Added: 1 (scripts/run.sh). Changed: 2 (SKILL.md, _meta.json)." in " ".join(refused.text.split())

    child = host.pty("skills", "update", "changing")
    child.expect_exact("type: 'changing' to update anyway")
    child.sendline("changing")
    agreed = finish(child)
    assert agreed.code == 0, agreed.text
    assert (host.skill("changing") / "scripts/run.sh").exists(), "both questions were answered alike, byte for byte"
    assert product("verify", os.fspath(host.skill("changing"))) == 0


def test_openclaw_takes_our_own_skill_as_one_of_its_managed_ones(host, tmp_path):
    assert install_own_skill(host.state, tmp_path / "ours").outcome == "written"
    program = tmp_path / "bin" / "openclaw-vt"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    path = os.pathsep.join((host.env()["PATH"], os.fspath(program.parent)))
    told = json.loads(host.run("skills", "info", "openclaw-vt", "--json", extra_env={"PATH": path}).stdout)
    assert (told["source"], told["eligible"], told["modelVisible"]) == ("openclaw-managed", True, True)
    assert told["requirements"]["bins"] == ["openclaw-vt"]
    assert remove_own_skill(host.state, tmp_path / "ours").outcome == "removed"
