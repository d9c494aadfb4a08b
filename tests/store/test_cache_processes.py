"""Many processes write at once; readers look on meanwhile."""

from __future__ import annotations

import os
import subprocess
import sys
from threading import Thread

import pytest
from support.signing import MAIL, NOW, OURS, POLICY, SAYS, WEATHER, Clock, MemoryVault, digest

from openclaw_vt.errors import CacheError
from openclaw_vt.store import files
from openclaw_vt.store.cache import Cache

PROCESSES = 20
EACH = 3

WRITER = """
import sys
from pathlib import Path
from support.signing import *
from openclaw_vt.store.cache import Cache
sys.stdin.readline()
with Cache(Path(sys.argv[1]), public=OURS.public, clock=Clock()) as cache:
    for number in range(int(sys.argv[3])):
        cache.append(SAYS.passed(digest(f"{sys.argv[2]} {number}")), signer=OURS, vault=None)
        found = cache.find(WEATHER, POLICY)
        assert found.problem is None and found.verification is not None, found.problem
print("done")
"""


def test_twenty_processes_appending_at_once_lose_nothing(tmp_path):
    folder = tmp_path / "state"
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        cache.append(SAYS.passed(), signer=OURS, vault=None)
        environ = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        writers = [
            subprocess.Popen(
                [sys.executable, "-c", WRITER, str(folder), str(number), str(EACH)],
                env=environ,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for number in range(PROCESSES)
        ]
        for writer in writers:  # they all wait for this line, so that they start together
            writer.stdin.write("go\n")
            writer.stdin.flush()
        for writer in writers:
            assert writer.communicate(timeout=120)[0] == "done\n"
        assert cache.verify_all() == ()
        assert [entry.sequence for entry in cache.entries()] == list(range(1, PROCESSES * EACH + 2))
        for number in range(PROCESSES):
            for each in range(EACH):
                assert cache.find(digest(f"{number} {each}"), POLICY).verification


def test_threads_may_share_one_cache(tmp_path):
    vault = MemoryVault()
    with Cache(tmp_path / "state", public=OURS.public, clock=Clock()) as cache:
        cache.append(SAYS.passed(), signer=OURS, vault=vault)
        wrong = []

        def use(number):
            try:
                for each in range(5):
                    if number % 2:
                        cache.append(SAYS.passed(digest(f"{number} {each}")), signer=OURS, vault=vault)
                    elif cache.find(WEATHER, POLICY).verification is None:
                        wrong.append(cache.find(WEATHER, POLICY))
            except CacheError as error:
                wrong.append(error)

        threads = [Thread(target=use, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []
        assert cache.verify_all(vault) == ()
        assert len(list(cache.entries())) == 16


def test_a_writer_that_never_lets_go_makes_the_next_one_say_so(tmp_path):
    folder = tmp_path / "state"
    with Cache(folder, public=OURS.public, clock=Clock(), lock_wait_s=0.05) as cache:
        cache.append(SAYS.passed(), signer=OURS, vault=None)
        with files.locked(folder / "cache.lock", wait_s=1), pytest.raises(CacheError, match="held by another process"):
            cache.append(SAYS.passed(MAIL), signer=OURS, vault=None)
        assert cache.find(WEATHER, POLICY).verification
        assert cache.find(WEATHER, POLICY).problem is None
        assert cache.append(SAYS.passed(MAIL), signer=OURS, vault=None).draft.time == NOW
