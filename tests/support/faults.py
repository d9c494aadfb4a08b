"""Killing a process, or failing one of its system calls, at every point where it writes. Needs strace, so Linux."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from support.requirements import missing, require

WRITES = ("write", "pwrite64", "fsync", "fdatasync", "rename", "renameat2", "unlink", "unlinkat", "ftruncate")
_FAULTS = {"kill": "signal=KILL", "EIO": "error=EIO", "ENOSPC": "error=ENOSPC"}


@dataclass(frozen=True)
class Point:
    """The `number`-th call of `call`, and what happens there."""

    call: str
    number: int
    fault: str


@dataclass(frozen=True)
class Child:
    """A Python script that answers with os.writev, so that its answers are not among the counted writes."""

    script: str
    arguments: tuple[str, ...]

    def run(self, *strace: str) -> subprocess.CompletedProcess[str]:
        search = os.pathsep.join(path for path in sys.path if path)
        return subprocess.run(
            [*strace, sys.executable, "-c", self.script, *self.arguments],
            env={"PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )


def points(child: Child, trace: Path, *faults: str) -> Iterator[Point]:
    """Run the child once unharmed, and yield every point at which it wrote."""
    strace = require("strace", "crashes are injected into single system calls")
    done = child.run(strace, "-qq", "-o", str(trace), "-e", f"trace={','.join(WRITES)}")
    if done.returncode != 0 and "ptrace" in done.stderr.lower():
        missing("this machine does not let strace attach")
    assert done.returncode == 0, done.stderr
    counted = Counter(re.findall(r"^(\w+)\(", trace.read_text(), re.MULTILINE))
    for call, count in counted.items():
        for number in range(1, count + 1):
            yield from (Point(call, number, fault) for fault in faults)


def harmed(child: Child, point: Point) -> subprocess.CompletedProcess[str]:
    """Run the child with the fault injected."""
    inject = f"inject={point.call}:{_FAULTS[point.fault]}:when={point.number}"
    return child.run("strace", "-qq", "-o", os.devnull, "-e", f"trace={point.call}", "-e", inject)
