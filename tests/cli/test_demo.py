"""`demo`: the first command that a visitor runs."""

from __future__ import annotations

import pytest
from support.command_line import Machine


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """A visitor: no key, no settings, no keyring."""
    machine.settings |= dict.fromkeys(name for name in machine.environ() if name.startswith("OPENCLAW_VT_"))
    machine.settings["VT_API_KEY"] = None
    return machine


def test_five_steps(machine: Machine):
    done = machine.run("demo", "--json")
    assert (done.code, done.err, done.json["schema"]) == (0, "", "openclaw-vt.demo/1")
    steps = {step["name"]: (step["decision"], step["source"], step["requests"]) for step in done.json["steps"]}
    assert list(steps) == ["clean", "clean-again", "unseen", "malicious", "tampered"]
    assert steps["clean"] == ("allow", "live", 1)
    assert steps["clean-again"] == ("allow", "cache", 0)
    assert steps["unseen"][:2] == ("warn", "live")
    assert steps["malicious"] == ("block", "live", 1)
    assert (steps["tampered"][0], steps["tampered"][2] > 0) == ("warn", True)


def test_it_reads_well_and_leaves_nothing(machine: Machine, tmp_path):
    temp = tmp_path / "temp"
    temp.mkdir()
    done = machine.run("demo", TMPDIR=str(temp))
    assert done.code == 0
    assert "This skill has not been reviewed by VirusTotal. Install it?" in done.out
    assert "\x1b" not in done.out
    assert list(temp.iterdir()) == []
    assert list(machine.home.iterdir()) == []


def test_nothing_of_the_persons_own_counts(machine: Machine, simulator):
    own = {
        "VT_API_KEY": "f" * 64,
        "OPENCLAW_VT_VIRUSTOTAL_HOST": simulator.url,
        "OPENCLAW_VT_POLICY_ON_UNREVIEWED": "block",
        "OPENCLAW_VT_STATE_DIR": "/dev/null",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "PYTHON_KEYRING_BACKEND": "none.such",
    }
    machine.config.parent.mkdir(parents=True)
    machine.config.write_text("broken")
    done = machine.run("demo", "--json", **own)
    assert [step["decision"] for step in done.json["steps"]] == ["allow", "allow", "warn", "block", "warn"]
    assert simulator.requests == []


def test_without_a_temporary_folder_it_says_so(machine: Machine):
    import sys

    code = "import tempfile; tempfile._candidate_tempdir_list = lambda: ['/none/such']; from openclaw_vt.cli import main; main()"
    done = machine.run("demo", prefix=(sys.executable, "-c", code))
    assert (done.code, "No usable temporary directory" in done.err) == (4, True)
