"""What a cache hit may not do: load heavy libraries, touch the network, write, or ask the keyring."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.bench import Bench

from openclaw_vt.model.decision import Phase

HEAVY = ("vt", "aiohttp", "asyncio", "keyring", "rich", "yara_x", "tree_sitter", "pluggy", "yaml", "argparse", "tomlkit")
_WATCH = """
import json, os, sys
seen = []
def hook(event, args):
    if event.startswith("socket."):
        seen.append(event)
    if event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        seen.append(f"open {args[0]} {args[2]}")
    if event in ("os.rename", "os.remove", "os.mkdir", "os.chmod", "os.truncate", "subprocess.Popen"):
        seen.append(event)
sys.addaudithook(hook)
from openclaw_vt.cli import run
code = run(["verify", sys.argv[1]])
heavy = [name for name in sys.argv[2].split(",") if name in sys.modules]
print(json.dumps({"code": code, "seen": seen, "heavy": heavy}))
"""


@pytest.fixture
def verified(bench: Bench, weather: Path) -> Path:
    bench.know(weather)
    assert bench.check(weather, Phase.PRE_INSTALL).badge.value == "verified"
    return weather


def test_a_hit_loads_nothing_heavy_and_touches_no_network_and_no_file(bench: Bench, verified: Path):
    env = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.fspath(bench.home),
        "OPENCLAW_VT_CONFIG": os.fspath(bench.home / "config.toml"),
        "OPENCLAW_VT_STATE_DIR": os.fspath(bench.state),
        "OPENCLAW_VT_VIRUSTOTAL_HOST": bench.simulator.url,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    bench.simulator.reset()
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, os.fspath(verified), ",".join(HEAVY)], capture_output=True, text=True, env=env, check=False
    )
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {"code": 0, "seen": [], "heavy": []}, done.stderr
    assert bench.simulator.requests == []
