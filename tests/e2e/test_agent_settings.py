"""Settings in a running Gateway: they hold without a restart, and `openclaw.json` can only make the gate stricter."""

from __future__ import annotations

import pytest
from support.model_server import order
from support.openclaw_agent import BLOCKED, NINE

pytestmark = [pytest.mark.openclaw, pytest.mark.xdist_group("agent")]


@pytest.fixture
def unknown(agent, gateway):
    agent.skill("unknown")
    return order("exec", command="bash skills/unknown/scripts/run.sh")


@pytest.fixture
def observing(agent, gateway):
    """Our own configuration says `observe` for a while."""
    settings = agent.host.home / ".config" / "openclaw-vt" / "config.toml"
    kept = settings.read_text(encoding="utf-8")
    assert "[hooks]" not in kept
    settings.write_text(f'{kept}\n[hooks]\npre_execute = "observe"\n', encoding="utf-8")
    yield
    settings.write_text(kept, encoding="utf-8")


def reloaded(agent, gateway, **values) -> None:
    with gateway.reloading():
        agent.toggle(**values)


def test_openclaw_json_cannot_loosen_the_gate(agent, gateway, unknown):
    reloaded(agent, gateway, preExecute="off")
    try:
        turn = agent.turn(unknown)
    finally:
        reloaded(agent, gateway, preExecute=None)
    assert BLOCKED in turn.result


def test_observe_lets_through_and_enforce_in_openclaw_json_ends_that_without_a_restart(agent, gateway, unknown, observing):
    bad = agent.skill("watched")
    agent.know(bad, NINE)
    seen = agent.turn(unknown, order("exec", command="bash skills/watched/scripts/run.sh"))
    assert seen.results == ["ran unknown", "ran watched"]
    reloaded(agent, gateway, preExecute="enforce")
    try:
        turn = agent.turn(unknown)
    finally:
        reloaded(agent, gateway, preExecute=None)
    assert BLOCKED in turn.result


def test_a_snapshot_is_what_runs(agent, gateway):
    agent.verified("copied", files={"scripts/run.sh": 'echo from "$0"\n'})
    reloaded(agent, gateway, runFrom="snapshot")
    try:
        turn = agent.turn(
            order("exec", command="bash skills/copied/scripts/run.sh"), order("read", path="skills/copied/SKILL.md")
        )
    finally:
        reloaded(agent, gateway, runFrom=None)
    assert turn.results[0].startswith("from /")
    assert "workspace/skills" not in turn.results[0]
    assert "A skill for a test." in turn.results[1]
