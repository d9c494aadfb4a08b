from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command_line import Machine

from openclaw_vt.virustotal.simulator import Simulator


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def machine(simulator: Simulator, tmp_path: Path) -> Machine:
    return Machine(tmp_path, simulator)
