"""Python children that can import the package from this checkout, with an environment that is given and not inherited."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import openclaw_vt

ROOT = Path(openclaw_vt.__file__).resolve().parents[1]


def start(code: str, *arguments: str, environ: Mapping[str, str] = {}) -> subprocess.Popen[str]:
    """Start `code` in a new Python with pipes for all three streams."""
    base = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env={**base, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", **environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(code: str, *arguments: str, environ: Mapping[str, str] = {}) -> str:
    """Run `code` to its end and return what it printed; it must succeed."""
    with start(code, *arguments, environ=environ) as child:
        output, errors = child.communicate(timeout=120)
    assert child.returncode == 0, errors
    return output
