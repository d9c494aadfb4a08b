"""How long `openclaw-vt verify` takes on a hit, without the daemon, over a Python that does nothing.

Prints the median of the ratios of interleaved pairs, and which heavy modules a hit loads (it should load none).
Usage: python benchmarks/verify_start.py [RUNS]
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import openclaw_vt

FILES = 20
GOAL = 4.0
HEAVY = ("vt", "aiohttp", "asyncio", "keyring", "rich", "yara_x", "tree_sitter", "pluggy", "yaml", "argparse", "dataclasses")


def skill(root: Path) -> Path:
    """A skill of 20 files and about 27 KB, the size the goals speak of."""
    (root / "scripts").mkdir(parents=True)
    (root / "SKILL.md").write_text("---\nname: bench\ndescription: Measures.\n---\nHello.\n")
    for number in range(FILES - 1):
        (root / "scripts" / f"part{number}.sh").write_text(f"echo {number}\n" * 120)
    return root


def seconds(command: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        env = {"HOME": folder, "PATH": os.environ["PATH"], "OPENCLAW_VT_KEYS_BACKEND": "file"}
        path = skill(home / "skill")
        # Started as the console script does it: isolated, with the package on the path.
        package = Path(openclaw_vt.__file__).parent.parent
        script = home / "openclaw-vt"
        script.write_text(f"import sys\nsys.path.append({str(package)!r})\nfrom openclaw_vt.cli import main\nmain()\n")
        program = [sys.executable, "-I", str(script)]
        subprocess.run([*program, "accept", "--no-input", str(path)], env=env, check=True, stdout=subprocess.DEVNULL)
        loaded = home / "loaded"
        ends = "from openclaw_vt.cli import run\nrun(sys.argv[1:])\nprint(*sys.modules)"
        loaded.write_text(script.read_text().replace("main()", ends))
        counted = [sys.executable, "-I", str(loaded), "verify", str(path)]
        modules = subprocess.run(counted, env=env, check=True, capture_output=True)
        names = modules.stdout.decode().splitlines()[-1].split()
        hit, bare = [*program, "verify", str(path)], [sys.executable, "-I", "-c", "pass"]
        pairs = [(seconds(hit, env), seconds(bare, env)) for _ in range(runs + 2)][2:]
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"verify on a hit: {statistics.median(a for a, _ in pairs) * 1000:.1f} ms")
    print(f"python -I -c pass: {statistics.median(b for _, b in pairs) * 1000:.1f} ms")
    print(f"modules a hit loads: {len(names)}, heavy ones among them: {', '.join(set(HEAVY) & set(names)) or 'none'}")
    print(f"ratio (median of {runs} pairs): {ratio:.2f}   goal without the daemon: {GOAL}")


if __name__ == "__main__":
    main()
