from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bench import Bench, make_skill

from openclaw_vt.virustotal.simulator import Simulator


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with Simulator() as simulator:
        yield Bench(tmp_path / "machine", simulator)


@pytest.fixture
def weather(tmp_path: Path) -> Path:
    return make_skill(tmp_path / "weather")
