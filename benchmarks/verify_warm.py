"""How long `openclaw-vt verify` takes on a hit while the daemon runs, over a Python that does nothing.

Prints the median of the ratios of interleaved pairs. Usage: python benchmarks/verify_warm.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from verify_start import seconds, skill

import openclaw_vt

GOAL = 2.0


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = home / ".config/openclaw-vt/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[keys]\nbackend = "file"\n')
        env = {"HOME": folder, "PATH": os.environ["PATH"]}
        path = skill(home / "skill")
        package = Path(openclaw_vt.__file__).parent.parent
        script = home / "openclaw-vt"
        script.write_text(f"import sys\nsys.path.append({str(package)!r})\nfrom openclaw_vt.cli import main\nmain()\n")
        program = [sys.executable, "-I", str(script)]
        subprocess.run([*program, "accept", "--no-input", str(path)], env=env, check=True, stdout=subprocess.DEVNULL)
        subprocess.run([*program, "daemon"], env=env, check=True, stdout=subprocess.DEVNULL)
        try:
            hit, bare = [*program, "verify", str(path)], [sys.executable, "-I", "-c", "pass"]
            pairs = [(seconds(hit, env), seconds(bare, env)) for _ in range(runs + 2)][2:]
            told = subprocess.run([*program, "daemon", "--status", "--json"], env=env, check=True, capture_output=True)
            assert f'"served": {runs + 4}' in told.stdout.decode(), "the daemon answered every one of them"
        finally:
            subprocess.run([*program, "daemon", "--stop"], env=env, check=True, stdout=subprocess.DEVNULL)
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"verify on a hit, warm: {statistics.median(a for a, _ in pairs) * 1000:.1f} ms")
    print(f"python -I -c pass: {statistics.median(b for _, b in pairs) * 1000:.1f} ms")
    print(f"ratio (median of {runs} pairs): {ratio:.2f}   goal with the daemon: {GOAL}")


if __name__ == "__main__":
    main()
