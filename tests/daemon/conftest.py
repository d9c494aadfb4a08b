from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.daemon_client import Warm

from openclaw_vt.virustotal.simulator import Simulator


@contextmanager
def warm_machine(root: Path) -> Iterator[Warm]:
    with tempfile.TemporaryDirectory(prefix="vt") as runtime, Simulator() as simulator:
        machine = Warm(root, simulator, runtime=Path(runtime))
        try:
            yield machine
        finally:
            machine.kill()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Warm]:
    """A machine of one's own, where no daemon runs yet."""
    with warm_machine(tmp_path) as made:
        yield made


@pytest.fixture
def warm(machine: Warm) -> Warm:
    """A machine of one's own with a daemon."""
    return machine.up()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """One daemon for the tests of a file, which keep to skills of their own."""
    with warm_machine(tmp_path_factory.mktemp("shared")) as made:
        yield made.up()
