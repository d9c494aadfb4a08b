"""A gate on a throw-away machine: its own home, keys in memory, and a real VirusTotal simulator."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from pathlib import Path

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import load
from openclaw_vt.model.decision import Decision, Phase, Request
from openclaw_vt.skill.bundle import canonical_zip
from openclaw_vt.skill.reader import read
from openclaw_vt.store.keys import VIRUSTOTAL_KEY, InMemoryStore, SecretText
from openclaw_vt.virustotal.simulator import FileReport, Simulator

CLEAN = FileReport(undetected=64)
WEATHER = {
    "SKILL.md": b"---\nname: weather\ndescription: The weather.\nversion: 1.2.0\n---\n# Weather\n\nRun forecast.sh.\n",
    "scripts/forecast.sh": b'#!/bin/sh\necho "sunny in $1"\n',
}


def make_skill(root: Path, files: dict[str, bytes] | None = None) -> Path:
    """Write a skill folder; files that end in .sh are executable."""
    for name, data in (WEATHER if files is None else files).items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o755 if name.endswith(".sh") else 0o644)
    return root


@dataclass
class Bench:
    """One machine. `now` can be moved; `settings` are OPENCLAW_VT_* values."""

    home: Path
    simulator: Simulator
    store: InMemoryStore = field(default_factory=InMemoryStore)
    now: float | None = None
    settings: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.store.set(VIRUSTOTAL_KEY, SecretText(self.simulator.key))

    @property
    def state(self) -> Path:
        return self.home / "state"

    def assembly(self) -> Assembly:
        environ = {
            "HOME": os.fspath(self.home),
            "OPENCLAW_VT_CONFIG": os.fspath(self.home / "config.toml"),
            "OPENCLAW_VT_STATE_DIR": os.fspath(self.state),
            "OPENCLAW_VT_VIRUSTOTAL_HOST": self.simulator.url,
            "OPENCLAW_VT_CLAWHUB_LOOKUP": "false",
        } | self.settings
        return Assembly(
            load(environ), environ=environ, store=self.store, clock=lambda: time.time() if self.now is None else self.now
        )

    def check(self, path: Path, phase: Phase = Phase.SCAN, **options: bool) -> Decision:
        with self.assembly() as assembly:
            return assembly.gate().check(Request(phase, os.fspath(path), **options))

    def verify(self, path: Path) -> Decision:
        with self.assembly() as assembly:
            return assembly.gate().verify(os.fspath(path))

    def know(self, path: Path, report: FileReport = CLEAN) -> None:
        """Teach VirusTotal the canonical bundle of the skill as it is now."""
        bundle = canonical_zip(read(path))
        assert bundle is not None
        self.simulator.know(bundle, report)
