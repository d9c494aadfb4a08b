"""A racing attacker against verified copies; `benchmarks/race.py` runs the same for a minute and counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import openclaw_vt

RACE = Path(__file__).resolve().parents[2] / "benchmarks" / "race.py"
SECONDS = "3"


@pytest.mark.skipif(sys.platform != "linux", reason="the attacker mounts and renames as Linux lets it")
def test_swapping_the_original_never_wins_against_the_verified_copy():
    environ = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "PYTHONPATH": str(Path(openclaw_vt.__file__).parent.parent)}
    command = [sys.executable, str(RACE), SECONDS, "--json"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=200, check=True)
    counted = json.loads(done.stdout)["snapshot"]
    assert counted["wins"] == 0
    assert counted["yes"] > 50
    assert counted["attacks"] > 50
