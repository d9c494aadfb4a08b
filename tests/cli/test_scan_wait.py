"""`scan --wait`: a used-up quota is waited for, anything else is not."""

from __future__ import annotations

import json
import os

import pytest
from support.bench import CLEAN, make_skill

from openclaw_vt.cli import run
from openclaw_vt.cli.command import scan
from openclaw_vt.virustotal.simulator import Fault, Simulator


@pytest.fixture
def simulator(tmp_path, monkeypatch):
    monkeypatch.setattr(scan, "QUOTA_PAUSE_S", 0)
    for name in [name for name in os.environ if name.startswith("OPENCLAW_VT_")]:
        monkeypatch.delenv(name)
    with Simulator() as running:
        running.default = CLEAN
        for name, value in {
            "HOME": str(tmp_path / "home"),
            "VT_API_KEY": running.key,
            "OPENCLAW_VT_CONFIG": str(tmp_path / "config.toml"),
            "OPENCLAW_VT_STATE_DIR": str(tmp_path / "state"),
            "OPENCLAW_VT_VIRUSTOTAL_HOST": running.url,
            "OPENCLAW_VT_KEYS_BACKEND": "file",
        }.items():
            monkeypatch.setenv(name, value)
        yield running


def scanned(capsys, *args: str):
    code = run(["scan", "--json", *args])
    return code, json.loads(capsys.readouterr().out)["reports"][0]["virustotal"]


def test_it_asks_again_until_the_quota_is_back(simulator, tmp_path, capsys):
    simulator.faults = [Fault.QUOTA_JSON, Fault.QUOTA_HTML]
    code, told = scanned(capsys, "--wait", str(make_skill(tmp_path / "weather")))
    assert (code, told["verdict"]) == (0, "clean")
    assert len(simulator.requests) == 3


def test_without_it_the_answer_is_at_once_and_says_quota(simulator, tmp_path, capsys):
    simulator.fault = Fault.QUOTA_JSON
    code, told = scanned(capsys, str(make_skill(tmp_path / "weather")))
    assert (code, told["detail"], len(simulator.requests)) == (3, "quota", 1)


def test_it_does_not_wait_for_anything_else(simulator, tmp_path, capsys):
    simulator.fault = Fault.UNAUTHORIZED
    code, told = scanned(capsys, "--wait", str(make_skill(tmp_path / "weather")))
    assert (code, told["detail"], len(simulator.requests)) == (3, "unauthorized", 1)
