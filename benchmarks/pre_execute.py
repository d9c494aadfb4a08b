"""A skill is used: how long the plugin waits for the warm gate, over a bare walk that reads and hashes the same files.

Both are measured from Node in one interleaved run: the plugin's own client asks the daemon over its socket; a Python process
of its own walks in turn and tells how long a walk alone took. Either does it three times and the last counts, so that neither
pays for having been asleep. The third number is what
starting a Python for each use would cost. Usage: python benchmarks/pre_execute.py [ROUNDS]; Node 24 must be in PATH.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOAL, SPAWN_GOAL = 2.75, 1 / 30
HERE = Path(__file__).resolve().parent


def bare_walk(root: str) -> None:
    """The least that reads and hashes every file of a folder in Python."""
    from hashlib import sha256

    folders = [root]
    while folders:
        with os.scandir(folders.pop()) as names:
            for name in names:
                if name.is_dir(follow_symlinks=False):
                    folders.append(name.path)
                    continue
                fd = os.open(name.path, os.O_RDONLY)
                sha256(os.read(fd, 1 << 20)).digest()
                os.close(fd)


def answer_walks(root: str) -> None:
    """Walk for each line read, and say in nanoseconds how long the last of three walks took: the ones before wake the caches."""
    for _ in sys.stdin:
        bare_walk(root)
        bare_walk(root)
        began = time.perf_counter_ns()
        bare_walk(root)
        print(time.perf_counter_ns() - began, flush=True)


def main() -> None:
    # Not at the top: the isolated walker does not have these.
    from verify_start import skill

    import openclaw_vt

    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    node = shutil.which("node")
    if node is None:
        sys.exit("node is not in PATH")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = home / ".config/openclaw-vt/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[keys]\nbackend = "file"\n')
        env = {"HOME": folder, "PATH": os.environ["PATH"], "PYTHONPATH": str(Path(openclaw_vt.__file__).parent.parent)}
        path = skill(home / "skill")
        program = [sys.executable, "-m", "openclaw_vt"]
        subprocess.run([*program, "accept", "--no-input", str(path)], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*program, "daemon"], env=env, check=True, stdout=subprocess.DEVNULL)
        try:
            walker = [sys.executable, "-I", str(HERE / "pre_execute.py"), "--walks", str(path)]
            asked = {"stateDir": str(home / ".local/state/openclaw-vt"), "path": str(path), "rounds": rounds, "walker": walker}
            script = [node, str(HERE / "pre_execute.mjs"), json.dumps(asked)]
            told = json.loads(subprocess.run(script, env=env, check=True, capture_output=True).stdout)
        finally:
            subprocess.run([*program, "daemon", "--stop"], env=env, check=True, stdout=subprocess.DEVNULL)
    ratio = statistics.median(a / b for a, b in zip(told["asked"], told["walked"], strict=True))
    asked_us, walked_us = (statistics.median(told[name]) for name in ("asked", "walked"))
    spawned_us = statistics.median(told["spawned"])
    print(f"plugin to daemon and back: {asked_us:.0f} us; bare walk and SHA-256: {walked_us:.0f} us")
    print(f"ratio (median of {rounds} pairs): {ratio:.2f}   goal: {GOAL}")
    print(f"over starting a Python ({spawned_us / 1000:.1f} ms): 1/{spawned_us / asked_us:.0f}   goal: 1/{1 / SPAWN_GOAL:.0f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--walks"]:
        answer_walks(sys.argv[2])
    else:
        main()
