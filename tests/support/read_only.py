"""A state folder that the asking process cannot write to: read-only for us, or, as root, another user's."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AS_NOBODY = """
import os, sys, tempfile
from pathlib import Path
from support.signing import *
from openclaw_vt.store.cache import Cache
from openclaw_vt.errors import CacheError

def attempt(folder):
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        found = cache.find(WEATHER, POLICY)
        print(found.verification is not None, found.problem and found.problem.code)
        try:
            cache.append(SAYS.passed(MAIL), signer=OURS, vault=None)
        except CacheError as error:
            print("refused", error.what)

with tempfile.TemporaryDirectory() as elsewhere:
    attempt(Path(elsewhere) / "state")  # loads every module, which another user may not be able to read
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
attempt(Path(sys.argv[1]))
"""


@contextmanager
def open_to_all() -> Iterator[Path]:
    """Give a folder under one that every user may enter; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name) / "state"


def answers_without_write_access(folder: Path) -> list[str]:
    """Return what a process says that may read everything in the folder and write nothing: one look-up, one append."""
    for path in folder.iterdir():
        path.chmod(0o444)
    folder.chmod(0o555)
    search = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", _AS_NOBODY, str(folder)]
    try:
        done = subprocess.run(command, env={"PYTHONPATH": search}, capture_output=True, text=True, check=False)
    finally:
        folder.chmod(0o700)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[1:]
