"""What a hit costs: nothing is written, nothing heavy is imported, no socket is opened."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from support.requirements import missing, require
from support.signing import NOW, OURS, POLICY, SAYS, WEATHER, Clock

from openclaw_vt.store.cache import Cache

HIT = """
import sys
from pathlib import Path
from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.store.cache import Cache
folder, key, tree, policy, now = sys.argv[1:]
with Cache(Path(folder), public=PublicKey(bytes.fromhex(key)), clock=lambda: float(now)) as cache:
    found = cache.find(tree, policy)
assert found.verification is not None and found.problem is None, found
print(*sorted(sys.modules))
"""
HEAVY = {"asyncio", "aiohttp", "vt", "keyring", "rich", "filelock", "logging", "pluggy", "yaml", "ssl", "http", "_strptime"}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "state"
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        for draft in (SAYS.accepted(), SAYS.passed()):
            cache.append(draft, signer=OURS, vault=None)
    return folder


def hit(folder, *before):
    search = os.pathsep.join(path for path in sys.path if path)
    arguments = [str(folder), OURS.public.raw.hex(), WEATHER, POLICY, str(NOW)]
    return subprocess.run(
        [*before, sys.executable, "-c", HIT, *arguments],
        # Without HOME, Python itself asks the system's name service for one, over a socket.
        env={"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "HOME": str(folder.parent)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_hit_imports_nothing_heavy(folder):
    done = hit(folder)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


def test_a_hit_leaves_the_folder_as_it_was(folder):
    def state():
        paths = [folder, *sorted(folder.iterdir())]
        return [(path.name, path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.stat().st_size) for path in paths]

    before = state()
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        for _ in range(3):
            assert cache.find(WEATHER, POLICY).verification
        assert state() == before
    assert state() == before
    assert [name for name, *_ in before] == ["state", "cache.db", "cache.lock", "head.json"]


def test_a_hit_makes_no_system_call_that_writes_or_talks(folder, tmp_path):
    strace = require("strace", "it shows the system calls of a hit")
    trace = tmp_path / "trace"
    calls = "openat,open,creat,mkdir,rename,unlink,ftruncate,pwrite64,fsync,fdatasync,socket,connect,unlinkat,renameat2"
    done = hit(folder, strace, "-f", "-qq", "-o", str(trace), "-e", f"trace={calls}")
    if done.returncode != 0 and "ptrace" in done.stderr.lower():
        missing("this machine does not let strace attach")
    assert done.returncode == 0, done.stderr
    lines = trace.read_text().splitlines()
    assert any("cache.db" in line for line in lines)
    assert [line for line in lines if "O_WRONLY" in line or "O_RDWR" in line or "O_CREAT" in line] == []
    assert [line for line in lines if "open" not in line.split("(")[0]] == []
