from __future__ import annotations

import os

import pytest
from support.clawhub_server import ClawHubServer
from support.openclaw_host import OpenClawHost, Tools, find_tools
from support.openclaw_policy import ScriptedPolicy
from support.requirements import missing


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
