"""An attacker who swaps a verified skill's bytes between the check and the use, as fast as a process can.

One process attacks: it rewrites the script through a shared mapping and restores its times, replaces it by renaming, swaps the
whole folder with an evil twin, puts a link in its place and, where it may, mounts the twin over it. The victim asks the daemon
and, after a yes, runs what it was pointed at: the original, or with `hooks.run_from = "snapshot"` the verified copy. A win is
a yes after which the attacker's bytes ran.

Usage: python benchmarks/race.py [SECONDS] [--json]
"""

from __future__ import annotations

import contextlib
import json
import mmap
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GOOD, EVIL = b"echo good\n", b"echo evil\n"
SCRIPT = "scripts/run.sh"


def attack(skill: Path, evil: Path, stop: Path) -> None:
    """Change and restore the skill until `stop` exists. Every round leaves the good bytes behind, so that yeses go on."""
    script, spare = skill / SCRIPT, evil.parent / "spare"
    rounds = [by_mapping, by_rename, by_folder, by_link]
    if os.geteuid() == 0 and mounts(evil, skill):
        rounds.append(by_mount)
    count = 0
    while not stop.exists():
        with contextlib.suppress(OSError):
            rounds[count % len(rounds)](skill, evil, script, spare)
        count += 1
    print(count)


def by_mapping(skill: Path, evil: Path, script: Path, spare: Path) -> None:
    del skill, evil, spare
    before = script.stat()
    with script.open("r+b") as handle, mmap.mmap(handle.fileno(), len(GOOD)) as mapped:
        mapped[:] = EVIL
        os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
        mapped[:] = GOOD


def by_rename(skill: Path, evil: Path, script: Path, spare: Path) -> None:
    del skill
    kept = spare.with_suffix(".kept")
    shutil.copy2(evil / SCRIPT, spare)
    os.link(script, kept)
    try:
        spare.replace(script)
    finally:
        kept.replace(script)


def by_folder(skill: Path, evil: Path, script: Path, spare: Path) -> None:
    del script
    away = spare.with_suffix(".away")
    skill.rename(away)
    try:
        evil.rename(skill)
        skill.rename(evil)
    finally:
        away.rename(skill)


def by_link(skill: Path, evil: Path, script: Path, spare: Path) -> None:
    del spare
    folder, away = script.parent, skill.parent / "scripts.away"
    folder.rename(away)
    try:
        folder.symlink_to(evil / "scripts")
        folder.unlink()
    finally:
        away.rename(folder)


def by_mount(skill: Path, evil: Path, script: Path, spare: Path) -> None:
    del script, spare
    subprocess.run(["mount", "--bind", str(evil), str(skill)], check=False, capture_output=True)
    subprocess.run(["umount", "-l", str(skill)], check=False, capture_output=True)


def mounts(evil: Path, skill: Path) -> bool:
    done = subprocess.run(["mount", "--bind", str(evil), str(skill)], check=False, capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", "-l", str(skill)], check=False, capture_output=True)
    return done.returncode == 0


def make(root: Path, content: bytes) -> Path:
    (root / "scripts").mkdir(parents=True)
    (root / "SKILL.md").write_bytes(b"---\nname: race\ndescription: Is raced for.\n---\nRun scripts/run.sh.\n")
    (root / SCRIPT).write_bytes(content)
    return root


def ran(place: str) -> bytes:
    """What a shell would run at `place` now."""
    try:
        return Path(place, SCRIPT).read_bytes()
    except OSError:
        return b""


def race(home: Path, seconds: float, *, copies: bool) -> dict[str, int]:
    """Ask and use for `seconds`; count yeses, wins and everything else."""
    from openclaw_vt.config import load
    from openclaw_vt.daemon.starting import ensure

    skill, evil = make(home / "skills" / "race", GOOD), make(home / "attacker" / "twin", EVIL)
    environ = {"HOME": str(home), "PATH": os.environ["PATH"]}
    program = [sys.executable, "-m", "openclaw_vt"]
    package = {"PYTHONPATH": str(Path(sys.modules["openclaw_vt"].__file__ or "").parent.parent)}
    subprocess.run([*program, "accept", "--no-input", str(skill)], env=environ | package, check=True, capture_output=True)
    stop, counted = home / "stop", {"asked": 0, "yes": 0, "wins": 0}
    config = load(environ, use_environment=False)
    with ensure(config, environ) as client:
        attacker = subprocess.Popen(
            [sys.executable, __file__, "--attack", str(skill), str(evil), str(stop)], stdout=subprocess.PIPE, text=True
        )
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            counted["asked"] += 1
            answer = client.ask("use", path=str(skill), copy=copies, budget_ms=50)
            if answer["answer"] != "pass" or (copies and not answer["copy"]):
                continue
            counted["yes"] += 1
            counted["wins"] += ran(answer["copy"] if copies else str(skill)) == EVIL
        stop.touch()
        counted["attacks"] = int(attacker.communicate(timeout=60)[0])
        with contextlib.suppress(Exception):
            client.ask("stop")
    return counted


def main() -> None:
    words = [word for word in sys.argv[1:] if word != "--json"]
    seconds = float(words[0]) if words else 60.0
    told = {}
    for name, copies in (("original", False), ("snapshot", True)):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            home = Path(folder)
            settings = home / ".config/openclaw-vt/config.toml"
            settings.parent.mkdir(parents=True)
            settings.write_text('[keys]\nbackend = "file"\n[virustotal]\nservice = "off"\n')
            told[name] = race(home, seconds, copies=copies)
    if "--json" in sys.argv:
        print(json.dumps(told))
        return
    for name, counted in told.items():
        share = counted["wins"] / counted["yes"] if counted["yes"] else 0.0
        print(f"{name}: {counted['attacks']} attacks, {counted['yes']} yeses, {counted['wins']} wins ({share:.2%} of the yeses)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--attack"]:
        attack(*map(Path, sys.argv[2:5]))
    else:
        import openclaw_vt  # noqa: F401 - found before the work begins

        main()
