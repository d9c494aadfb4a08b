"""What travels in the wheel: the program, its catalogues, and what OpenClaw loads, byte for byte as it lies here."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_the_wheel_carries_the_plugin_and_the_skill(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    for folder in ("openclaw", "skill"):
        prefix, source = f"openclaw_vt/_hooks/{folder}/", ROOT / "hooks" / folder
        shipped = {name.removeprefix(prefix): data for name, data in held.items() if name.startswith(prefix)}
        wanted = {
            path.relative_to(source).as_posix(): path.read_bytes()
            for path in source.rglob("*")
            if path.is_file() and "test" not in path.relative_to(source).parts
        }
        assert shipped == wanted
    assert "openclaw_vt/locale/ja/LC_MESSAGES/openclaw_vt.mo" in held
    assert "openclaw_vt/py.typed" in held
    assert not any("tests/" in name or "__pycache__" in name for name in held)
