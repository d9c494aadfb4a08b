"""How long the daemon takes to verify 1,000 installed skills when it starts, over a bare walk that hashes the same files.

The skills were verified before, so a signed roster lies in the state folder, as after any earlier run of the daemon. Both are
measured in one process, alternating. Usage: python benchmarks/start_up.py [SKILLS] [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pre_execute import bare_walk
from verify_start import skill

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import load
from openclaw_vt.daemon.front import Front
from openclaw_vt.daemon.host import located
from openclaw_vt.daemon.survey import Survey
from openclaw_vt.ledger import acceptance
from openclaw_vt.openclaw.installed import installed_paths

GOAL = 1.5


def survey(environ: dict[str, str]) -> tuple[float, int]:
    """What a daemon does when OpenClaw starts: find the skills, verify them. Seconds, and how many are verified."""
    settings = load(environ, use_environment=False)
    with Assembly(settings, environ=environ) as assembly:
        began = time.perf_counter()
        front = Front(lambda: settings)
        found = Survey(front, assembly).run(located(environ, None, None).skills())
        took = time.perf_counter() - began
        front.close()
    assert not found.anew, "everything came from the roster"
    return took, found.looked_at - len(found.unknown)


def prepare(environ: dict[str, str], root: Path, count: int) -> None:
    for number in range(count):
        skill(root / f"skill-{number:04}")
        (root / f"skill-{number:04}" / "SKILL.md").write_text(
            f"---\nname: s{number}\ndescription: Measures.\n---\nNumber {number}.\n"
        )
    settings = load(environ, use_environment=False)
    with Assembly(settings, environ=environ) as assembly:
        front = Front(lambda: settings)
        for path in installed_paths(located(environ, None, None).roots):
            assembly.ledger().state(acceptance(front.identify(path), basis="baseline", by="script", now=assembly.clock()))
        Survey(front, assembly).run(located(environ, None, None).skills())
        Survey(front, assembly).write_down()
        front.close()


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = home / ".config/openclaw-vt/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[keys]\nbackend = "file"\n')
        environ = {"HOME": folder, "PATH": "/nowhere", "OPENCLAW_STATE_DIR": str(home / "openclaw")}
        root = home / "openclaw" / "skills"
        prepare(environ, root, count)
        ratios, times = [], []
        for _ in range(rounds):
            began = time.perf_counter()
            bare_walk(os.fspath(root))
            bare = time.perf_counter() - began
            took, verified = survey(environ)
            assert verified == count, f"{verified} of {count} are verified"
            ratios.append(took / bare)
            times.append((took, bare))
    print(f"{count} skills verified at start: {statistics.median(t for t, _ in times) * 1000:.0f} ms")
    print(f"bare walk and SHA-256: {statistics.median(b for _, b in times) * 1000:.0f} ms")
    print(f"ratio (median of {rounds}): {statistics.median(ratios):.2f}   goal: {GOAL}")


if __name__ == "__main__":
    main()
