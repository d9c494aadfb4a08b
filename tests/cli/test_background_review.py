"""After setup, VirusTotal is asked about the skills that were there, by a process that setup does not wait for."""

from __future__ import annotations

import os
import threading
import time

import pytest
from support.bench import make_skill

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import load
from openclaw_vt.onboarding import Host, review_later, survey, write_config
from openclaw_vt.store.keys import SecretText, open_store, set_virustotal_key
from openclaw_vt.virustotal.simulator import FileReport, Simulator

PATIENCE_S = 60


@pytest.fixture
def machine(tmp_path, monkeypatch):
    with Simulator() as simulator:
        environ = {
            "HOME": os.fspath(tmp_path),
            "PATH": os.environ["PATH"],
            "OPENCLAW_VT_CONFIG": os.fspath(tmp_path / "config.toml"),
            "OPENCLAW_VT_STATE_DIR": os.fspath(tmp_path / "state"),
            "OPENCLAW_VT_VIRUSTOTAL_HOST": simulator.url,
            "OPENCLAW_VT_KEYS_BACKEND": "file",
        }
        write_config(load(environ), {})
        set_virustotal_key(open_store("file", state_dir=tmp_path / "state", environ={}), SecretText(simulator.key))
        with Assembly(load(environ, use_environment=False), environ=environ) as assembly:
            yield assembly, simulator, Host(tmp_path / "openclaw", tmp_path / "openclaw" / "openclaw.json", None, environ)


def eventually(condition) -> bool:
    """Wait for another process: until it is done, or long after it should have been."""
    end = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while time.monotonic() < end:
        if condition():
            return True
        pause.wait(0.1)
    return False


def test_what_turns_out_bad_is_blocked_without_anybody_asking(machine, tmp_path):
    assembly, simulator, host = machine
    environ = dict(host.environ) | {"OPENCLAW_STATE_DIR": os.fspath(host.state)}
    folder = make_skill(host.state / "workspace" / "skills" / "weather")
    host = Host(host.state, host.config, None, environ)
    found = survey(assembly, host.skills(), own=host.state / "none")
    assert [item.decision.request.path for item in found] == [os.fspath(folder)]
    simulator.default = FileReport(malicious=9, undetected=55)
    assert review_later(assembly, found) == 1
    assert eventually(lambda: assembly.gate().verify(os.fspath(folder)).outcome.label == "block")


def test_without_a_key_nothing_is_started(machine):
    assembly, simulator, host = machine
    assembly.key_store().delete("virustotal-api-key")
    make_skill(host.state / "workspace" / "skills" / "weather")
    environ = dict(host.environ) | {"OPENCLAW_STATE_DIR": os.fspath(host.state)}
    found = survey(assembly, Host(host.state, host.config, None, environ).skills(), own=host.state / "none")
    assert (len(found), review_later(assembly, found), simulator.requests) == (1, 0, [])
