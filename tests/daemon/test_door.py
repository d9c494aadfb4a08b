"""The door: before the challenge nothing is answered, and no client can spoil it for the others."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.daemon_client import Talk, Warm, alive, eventually, proof

from openclaw_vt.daemon.client import Absent
from openclaw_vt.daemon.server import MAX_CLIENTS
from openclaw_vt.daemon.wire import MAX_LINE_BYTES

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the protocol runs over stdio")


def well(machine: Warm) -> bool:
    return machine.ask("status")["ok"]


BEFORE = {
    "a-request": [{"id": 1, "op": "status"}],
    "stop": [{"id": 1, "op": "stop"}],
    "a-use": [{"id": 1, "op": "use", "path": "/tmp"}],
    "garbage": [b"GET / HTTP/1.1\r\n\r\n"],
    "an-array": [b"[1]\n"],
    "same-key-twice": [b'{"hello":1,"nonce":"%s","nonce":"%s"}\n' % (b"a" * 32, b"b" * 32)],
    "nested": [b"[" * 10_000 + b"\n"],
    "a-proof-first": [{"proof": "0" * 64}],
}


@pytest.mark.parametrize("name", BEFORE)
def test_before_a_greeting_nothing_is_answered(shared: Warm, name: str):
    with shared.talk(shaken=False) as talk:
        for said in BEFORE[name]:
            talk.send(said)
        assert talk.line() is None
    assert well(shared)


AFTER = {
    "a-request": lambda talk, hello: {"id": 1, "op": "status"},
    "stop": lambda talk, hello: {"id": 1, "op": "stop"},
    "another-greeting": lambda talk, hello: {"hello": 1, "nonce": "a" * 32},
    "the-servers-proof": lambda talk, hello: {"proof": hello["proof"]},
    "an-echo-of-the-nonce": lambda talk, hello: {"proof": hello["nonce"]},
    "a-proof-for-the-wrong-side": lambda talk, hello: {"proof": proof(talk.token, "server", hello["nonce"])},
    "a-proof-with-another-token": lambda talk, hello: {"proof": proof(b"x" * 32, "client", hello["nonce"])},
    "a-proof-of-another-nonce": lambda talk, hello: {"proof": proof(talk.token, "client", "0" * 32)},
    "a-proof-that-is-no-text": lambda talk, hello: {"proof": [proof(talk.token, "client", hello["nonce"])]},
    "a-proof-in-capitals": lambda talk, hello: {"proof": proof(talk.token, "client", hello["nonce"]).upper() + "X"},
}


@pytest.mark.parametrize("name", AFTER)
def test_without_the_proof_nothing_is_answered(shared: Warm, name: str):
    with shared.talk(shaken=False) as talk:
        hello = talk.greet()
        assert set(hello) == {"hello", "version", "proof", "nonce"}
        talk.send(AFTER[name](talk, hello))
        with contextlib.suppress(ConnectionError):
            talk.send({"id": 2, "op": "status"})
        assert talk.line() is None
    assert well(shared)


def test_a_proof_that_was_heard_is_good_for_nothing_later(shared: Warm):
    with shared.talk(shaken=False) as talk:
        heard = {"proof": proof(talk.token, "client", talk.greet()["nonce"])}
        talk.send(heard)
        assert talk.ask(id=1, op="status")["ok"]
    with shared.talk(shaken=False) as talk:
        talk.greet()
        talk.send(heard)
        with contextlib.suppress(ConnectionError):
            talk.send({"id": 1, "op": "status"})
        assert talk.line() is None


def test_the_daemon_proves_itself_and_the_proof_is_fresh(shared: Warm):
    seen = set()
    for _ in range(3):
        with shared.talk(shaken=False) as talk:
            talk.send({"hello": 1, "nonce": "c" * 32})
            hello = talk.line()
            assert hello["proof"] == proof(talk.token, "server", "c" * 32)
            seen.add(hello["nonce"])
    assert len(seen) == 3


def test_a_silent_client_keeps_nobody_out_and_is_dropped(warm: Warm):
    with warm.talk(shaken=False) as silent, warm.talk(shaken=False) as half:
        half.greet()
        assert well(warm)
        assert silent.line() is None
        assert half.line() is None
    assert well(warm)


def test_a_client_that_knows_the_token_of_an_older_daemon_is_refused(warm: Warm):
    old = bytes.fromhex(warm.met["token"])
    assert warm.run("daemon", "--stop").code == 0
    warm.up()
    with Talk(warm.met["socket"], old) as talk:
        hello = talk.greet()
        assert hello is not None
        talk.send({"proof": proof(old, "client", hello["nonce"])})
        assert talk.line() is None


def test_a_client_meets_no_impostor(machine: Warm):
    """Somebody listens at a private socket with a private address file, but without the token that is written there."""
    place = machine.runtime / "impostor.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        place.chmod(0o600)
        listener.listen()
        body = {"protocol": 1, "socket": str(place), "token": "ab" * 32, "pid": os.getpid(), "version": "0.1.0"}
        address = machine.state / "daemon.json"
        address.write_text(json.dumps(body, sort_keys=True, separators=(",", ":")))
        address.chmod(0o600)
        child = machine.start("daemon", "--status")
        connection, _ = listener.accept()
        with connection:
            heard = connection.recv(4096)
            connection.sendall(
                json.dumps({"hello": 1, "version": "0.1.0", "proof": "0" * 64, "nonce": "0" * 32}).encode() + b"\n"
            )
            rest = connection.recv(4096)
        out, _ = child.communicate(timeout=60)
    assert (child.returncode, b"does not answer" in out, rest) == (3, True, b""), out
    assert b"ab" * 32 not in heard


def test_many_clients_and_then_no_more_and_then_again(warm: Warm):
    with contextlib.ExitStack() as held:
        talks = [held.enter_context(warm.talk()) for _ in range(MAX_CLIENTS)]
        assert all(talk.ask(id=1, op="status")["ok"] for talk in talks)
        with warm.talk(shaken=False) as turned_away:
            assert turned_away.line() is None
        with pytest.raises(Absent):
            warm.client()
        assert talks[0].ask(id=2, op="status")["ok"], "those that are in go on"
        talks.pop().socket.close()
        eventually(lambda: _let_in(warm))


def _let_in(machine: Warm) -> bool:
    try:
        return well(machine)
    except Absent:
        return False


def _flood(talk: Talk) -> None:
    while True:
        talk.send({"id": 1, "op": "status"})


def test_a_client_that_never_reads_its_answers_holds_nobody_up(shared: Warm):
    with shared.talk() as deaf:
        deaf.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            _flood(deaf)
        for _ in range(3):
            assert well(shared)
    assert well(shared)


def test_a_client_that_leaves_in_the_middle_is_no_loss(shared: Warm):
    folder = shared.skill("left")
    for said in (b'{"id":1,"op":"us', b'{"id":1,"op":"use","path":%s,"budget_ms":20000}\n' % json.dumps(str(folder)).encode()):
        with shared.talk() as talk:
            talk.send(said)
    assert well(shared)


def test_many_requests_in_flight_are_each_answered_under_their_number(shared: Warm):
    with shared.talk() as talk:
        for number in range(300):
            talk.send({"id": number, "op": ("status", "findings", "nonsense")[number % 3]})
        answers = [talk.line() for _ in range(300)]
    assert sorted(answer["id"] for answer in answers) == list(range(300))
    assert {answer["ok"] for answer in answers if answer["id"] % 3 == 2} == {False}


def test_requests_arrive_whole_however_they_were_cut(shared: Warm):
    with shared.talk() as talk:
        for byte in b'{"id":7,"op":"status"}\n{"id":8,':
            talk.send(bytes([byte]))
        assert talk.line()["id"] == 7
        talk.send(b'"op":"status"}\n')
        assert talk.line()["id"] == 8


@pytest.mark.parametrize(
    "said",
    [
        b"x" * (MAX_LINE_BYTES + 2),
        b'{"id":1,"op":"status","pad":"' + b"y" * MAX_LINE_BYTES + b'"}\n',
        b"{\n",
        b"[]\n",
        b"\xff\xfe\n",
        b'{"id":1,"id":2,"op":"stop"}\n',
        b'{"id":' + b"1" * 4000 + b',"op":"stop"}\n',
        b'{"a":' * 100 + b"1" + b"}" * 100 + b"\n",
    ],
    ids=["endless", "huge", "half", "array", "no-text", "twice", "huge-number", "deep"],
)
def test_who_does_not_speak_the_protocol_is_dropped(shared: Warm, said: bytes):
    with shared.talk() as talk:
        with contextlib.suppress(ConnectionError):
            talk.send(said)
        assert talk.line() is None
    assert well(shared)


@given(st.lists(st.binary(max_size=80), max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_end_the_daemon(shared: Warm, lines: list[bytes]):
    with shared.talk() as talk, contextlib.suppress(ConnectionError):
        talk.send(b"\n".join(lines) + b"\n")
        talk.socket.shutdown(socket.SHUT_WR)
        while talk.line() is not None:
            pass
    assert well(shared)


def test_nothing_is_left_open_by_clients_that_come_and_go(shared: Warm):
    fds = Path(f"/proc/{shared.met['pid']}/fd")
    if not fds.is_dir():
        pytest.skip("this system does not list descriptors")
    well(shared)
    eventually(lambda: len(list(Path(f"/proc/{shared.met['pid']}/task").iterdir())) < 40)
    before = len(list(fds.iterdir()))
    for _ in range(40):
        well(shared)
    eventually(lambda: len(list(fds.iterdir())) <= before + 2, "closing")


def test_a_wedged_daemon_is_an_absent_one(warm: Warm):
    os.kill(warm.met["pid"], signal.SIGSTOP)
    with pytest.raises(Absent):
        warm.client()
    os.kill(warm.met["pid"], signal.SIGCONT)
    assert well(warm)
    assert alive(warm.met["pid"])
