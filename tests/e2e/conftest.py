from __future__ import annotations

import os

import pytest
from support.clawhub_server import ClawHubServer
from support.model_server import ModelServer
from support.openclaw_agent import AgentMachine, Gateway, Tui
from support.openclaw_host import OpenClawHost, Tools, find_tools
from support.openclaw_policy import ScriptedPolicy
from support.requirements import missing

from openclaw_vt.virustotal.simulator import Simulator


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The real OpenClaw and a Node that runs it. `make tools` puts them into `.tools`."""
    found = find_tools(os.environ)
    if isinstance(found, str):
        missing(f"the real OpenClaw is not here: {found}")
    return found


@pytest.fixture(scope="module")
def hub():
    """A ClawHub of our own on a loopback port."""
    with ClawHubServer() as server:
        yield server


@pytest.fixture(scope="module")
def host(tools, hub, tmp_path_factory):
    """An OpenClaw with a home of its own. A module shares it, since the first call into a fresh home takes long."""
    with OpenClawHost(tools, tmp_path_factory.mktemp("openclaw"), clawhub_url=hub.url) as running:
        yield running


@pytest.fixture
def policy(host, tmp_path):
    """A policy program that the test steers, wired into the host by the product's own editing of `openclaw.json`."""
    from openclaw_vt.openclaw.wiring import install_policy_block, unwire, wire

    scripted = ScriptedPolicy(tmp_path / "policy")
    wire(host.config, install_policy_block(scripted.program, pass_env=("HOME", "LANG")), backup=tmp_path / "ours")
    yield scripted
    unwire(host.config, backup=tmp_path / "ours")


@pytest.fixture(scope="session")
def machines(tools, tmp_path_factory):
    """Makes machines whose agent has a model on loopback and our product in its way; all are closed at the end."""
    made: list[AgentMachine] = []
    with ModelServer() as model, Simulator() as simulator:

        def make(name: str) -> AgentMachine:
            machine = AgentMachine(tools, tmp_path_factory.mktemp(name), model, simulator)
            made.append(machine)
            machine.set_up()
            return machine

        yield make
        for machine in made:
            machine.close()


@pytest.fixture(scope="session")
def agent(machines):
    """The machine that all tests with a Gateway share, for a Gateway takes long to start."""
    return machines("agent")


@pytest.fixture(scope="session")
def gateway(agent):
    """That machine's Gateway."""
    with Gateway(agent) as running:
        yield running


@pytest.fixture(scope="module")
def person(agent, gateway):
    """A person at a terminal of that Gateway, who can answer."""
    with Tui(agent) as terminal:
        yield terminal
