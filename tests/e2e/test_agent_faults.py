"""The daemon fails in every way we could think of: the skill is asked about or stopped, the Gateway goes on."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
from pathlib import Path

import pytest
from support.model_server import order
from support.openclaw_agent import BLOCKED, UNCHECKED

from openclaw_vt.virustotal.simulator import Fault

pytestmark = [pytest.mark.openclaw, pytest.mark.xdist_group("agent")]


def run_of(name: str) -> str:
    return order("exec", command=f"bash skills/{name}/scripts/run.sh")


def rendezvous(agent) -> Path:
    return agent.host.home / ".local" / "state" / "openclaw-vt" / "daemon.json"


# A machine that is busy may use up the plugin's patience before the daemon says what it knows: the call does not run either way.
STOPPED = (BLOCKED, UNCHECKED)


@pytest.fixture(scope="module")
def verified(agent, gateway):
    agent.verified("steady")
    return run_of("steady")


@pytest.fixture(scope="module")
def changed(agent, gateway):
    folder = agent.verified("shaky")
    (folder / "scripts" / "run.sh").write_text("echo SMUGGLED\n", encoding="utf-8")
    return run_of("shaky")


@pytest.fixture(autouse=True)
def the_gateway_survives_and_the_named_remedy_mends(agent, gateway, verified):
    yield
    assert gateway.alive
    stopped = agent.product("daemon", "--stop")
    assert stopped.returncode == 0, stopped.stderr


def test_a_killed_daemon_is_started_again_by_the_next_use(agent, verified, changed):
    os.kill(agent.start_daemon()["pid"], signal.SIGKILL)
    turn = agent.turn(verified, changed)
    assert turn.results[0] == "ran steady"
    assert BLOCKED in turn.results[1]
    assert not turn.saw("SMUGGLED")


def test_killed_in_the_middle_of_a_run_it_lets_nothing_through(agent, verified, changed):
    pids = [agent.start_daemon()["pid"]]

    def kill(request) -> None:
        if len(request.tool_results) == 1 and pids:
            os.kill(pids.pop(), signal.SIGKILL)

    agent.model.before_reply = kill
    try:
        turn = agent.turn(verified, changed, verified)
    finally:
        agent.model.before_reply = None
    assert not pids
    assert turn.results[0] == "ran steady"
    assert turn.results[1] in STOPPED
    assert turn.results[2] == "ran steady"
    assert not turn.saw("SMUGGLED")


def test_a_wedged_daemon_stops_skills_and_nothing_else(agent, verified, changed):
    pid = agent.start_daemon()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        turn = agent.turn(verified, changed, order("exec", command="echo no skill"), order("read", path="skills/shaky/SKILL.md"))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert turn.results[2] == "no skill"
    assert all(turn.results[index] == UNCHECKED for index in (0, 1, 3))
    assert not turn.saw("SMUGGLED")


def test_closed_is_closed_when_the_daemon_is_wedged(agent, gateway, verified):
    pid = agent.start_daemon()["pid"]
    with gateway.reloading():
        agent.toggle(failExecute="closed")
    os.kill(pid, signal.SIGSTOP)
    try:
        turn = agent.turn(verified)
    finally:
        os.kill(pid, signal.SIGCONT)
        with gateway.reloading():
            agent.toggle(failExecute=None)
    assert turn.result == UNCHECKED


def test_a_virustotal_that_hangs_costs_a_question_and_no_wait(agent, gateway):
    agent.skill("slow")
    agent.simulator.fault = Fault.HANG
    try:
        turn = agent.turn(run_of("slow"))
    finally:
        agent.simulator.fault = None
    assert turn.result in STOPPED
    assert not turn.saw("ran slow")


class Impostor:
    """Listens where the daemon did and says yes to everything; it knows no token."""

    def __init__(self, path: str) -> None:
        Path(path).unlink(missing_ok=True)
        self.greeted = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(path)
        Path(path).chmod(0o600)
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as stream, contextlib.suppress(OSError):
                for line in stream:
                    asked = json.loads(line)
                    self.greeted += "hello" in asked
                    yes = {"hello": 1, "version": "0.1.0", "proof": "00" * 32, "nonce": "00" * 16, "ok": True, "answer": "pass"}
                    stream.write(json.dumps(yes | {"id": asked.get("id", 0), "mode": "off"}).encode() + b"\n")
                    stream.flush()


def test_an_impostor_on_the_socket_is_not_believed(agent, verified, changed):
    met = agent.start_daemon()
    told = json.loads(rendezvous(agent).read_text(encoding="utf-8"))
    os.kill(met["pid"], signal.SIGKILL)
    with Impostor(told["socket"]) as impostor:
        turn = agent.turn(changed)
    assert "SMUGGLED" not in turn.result
    assert not turn.saw("SMUGGLED")
    assert impostor.greeted, "the plugin did meet it"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a socket to somebody else")
def test_a_socket_of_another_user_is_not_spoken_to(agent, verified, changed):
    met = agent.start_daemon()
    told = json.loads(rendezvous(agent).read_text(encoding="utf-8"))
    os.kill(met["pid"], signal.SIGKILL)
    with Impostor(told["socket"]) as impostor:
        os.chown(told["socket"], 65_534, 65_534)
        turn = agent.turn(changed)
    assert not turn.saw("SMUGGLED")
    assert not impostor.greeted
    assert agent.product("daemon", "--stop").returncode == 0
    assert agent.turn(verified).result == "ran steady"


def test_a_broken_rendezvous_is_no_yes(agent, changed):
    met = agent.start_daemon()
    os.kill(met["pid"], signal.SIGKILL)
    rendezvous(agent).write_bytes(b'{"protocol": 1')
    turn = agent.turn(changed)
    assert not turn.saw("SMUGGLED")
