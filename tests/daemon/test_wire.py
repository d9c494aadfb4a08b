"""The protocol's lines and its challenge, over real sockets: whatever comes, there is an object, an end, or a WireError."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.daemon_client import PATIENCE_S, proof

from openclaw_vt.daemon import wire
from openclaw_vt.daemon.wire import MAX_LINE_BYTES, Lines, WireError, greet, knock, parse

TOKEN, OTHER = b"t" * 32, b"o" * 32
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
OBJECT = st.dictionaries(st.text(max_size=6), JSON, max_size=5)


@contextmanager
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of one connection; neither waits for ever."""
    one, other = socket.socketpair()
    with one, other:
        for end in (one, other):
            end.settimeout(PATIENCE_S)
        yield one, other


@given(st.lists(OBJECT, max_size=4), st.lists(st.integers(0, 200), max_size=6))
@settings(max_examples=60)
def test_lines_arrive_whole_however_they_were_cut(objects: list[dict[str, Any]], cuts: list[int]):
    raw = b"".join(json.dumps(item).encode() + b"\n" for item in objects)
    places = sorted({0, len(raw), *(cut % (len(raw) + 1) for cut in cuts)})
    with pair() as (one, other):
        lines, got = Lines(other), []
        # Every piece is sent before the next is read, so that a read meets the cut.
        for start, end in itertools.pairwise(places):
            one.sendall(raw[start:end])
            whole = raw[:end].count(b"\n") - len(got)
            got += [lines.object() for _ in range(whole)]
        one.shutdown(socket.SHUT_WR)
        assert got == objects
        assert lines.object() is None


@given(OBJECT)
@settings(max_examples=40)
def test_what_is_written_is_one_line_of_ascii_and_reads_back(value: dict[str, Any]):
    with pair() as (one, other):
        Lines(one).write(value)
        one.shutdown(socket.SHUT_WR)
        line = Lines(other).read()
    assert line is not None
    assert line.isascii()
    assert parse(line) == value


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_garbage_is_an_object_an_end_or_a_wire_error(raw: bytes):
    with pair() as (one, other):
        one.sendall(raw)
        one.shutdown(socket.SHUT_WR)
        lines = Lines(other)
        try:
            while (found := lines.object()) is not None:
                assert isinstance(found, dict)
        except WireError:
            pass


REFUSED = {
    "same-key-twice": b'{"op":"use","op":"stop"}',
    "same-key-twice-inside": b'{"modes":{"preExecute":"enforce","preExecute":"off"}}',
    "nested-without-end": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "unclosed": b'{"a":' + b"[" * 100_000,
    "number-without-end": b'{"id":' + b"9" * 100_000 + b"}",
    "not-a-number": b'{"id":NaN}',
    "infinity": b'{"id":1e999}',
    "an-array": b'[{"id":1}]',
    "a-text": b'"stop"',
    "nothing": b"",
    "latin-1": b'{"op":"\xe9"}',
    "utf-16": '{"op":"stop"}'.encode("utf-16"),
    "two-objects": b'{"id":1}{"id":2}',
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_object_is_refused(name: str):
    with pytest.raises(WireError):
        parse(REFUSED[name])


@pytest.mark.parametrize("ended", [True, False], ids=["with-an-end", "that-never-ends"])
def test_a_line_that_is_too_long_is_refused_without_being_kept_for_ever(ended: bool):
    with pair() as (one, other):
        sent = threading.Thread(target=_flood, args=(one, MAX_LINE_BYTES + 10, ended))
        sent.start()
        lines = Lines(other)
        with pytest.raises(WireError, match="too long"):
            lines.read()
        assert len(lines._kept) < 2 * MAX_LINE_BYTES
        other.close()
        sent.join(PATIENCE_S)


def _flood(end: socket.socket, size: int, ended: bool) -> None:
    try:
        end.sendall(b"x" * size + (b"\n" if ended else b"x" * 4 * size))
    except OSError:
        return  # the reader has given up, as it should


def test_the_longest_line_that_is_allowed_passes_and_one_byte_more_does_not():
    with pair() as (one, other):
        for size, good in ((MAX_LINE_BYTES, True), (MAX_LINE_BYTES + 1, False)):
            sent = threading.Thread(target=one.sendall, args=(b"y" * size + b"\n",))
            sent.start()
            lines = Lines(other)
            if good:
                assert lines.read() == b"y" * size
            else:
                with pytest.raises(WireError):
                    lines.read()
            sent.join(PATIENCE_S)


def test_an_answer_that_is_too_long_is_not_half_sent():
    with pair() as (one, other):
        with pytest.raises(WireError):
            Lines(one).write({"text": "z" * MAX_LINE_BYTES})
        one.shutdown(socket.SHUT_WR)
        assert other.recv(10) == b""


def test_answers_of_many_threads_never_mix():
    with pair() as (one, other):
        out, back = Lines(one), Lines(other)
        threads = [
            threading.Thread(target=lambda number=number: [out.write({"n": number, "pad": "p" * 3000}) for _ in range(20)])
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        seen = [back.object()["n"] for _ in range(160)]
        for thread in threads:
            thread.join(PATIENCE_S)
    assert {number: seen.count(number) for number in range(8)} == dict.fromkeys(range(8), 20)


# --- the challenge ---


def meeting(server: bytes, client: bytes) -> tuple[Any, Any]:
    """Let both halves meet, each with a token; return what each came to."""
    ends: dict[str, Any] = {}

    def run(name: str, half: Any, *arguments: Any) -> None:
        try:
            ends[name] = half(*arguments)
        except (WireError, OSError) as error:
            ends[name] = error
            arguments[0]._socket.close()

    with pair() as (one, other):
        thread = threading.Thread(target=run, args=("server", greet, Lines(one), server, "9.9"))
        thread.start()
        run("client", knock, Lines(other), client, "test")
        thread.join(PATIENCE_S)
    return ends["server"], ends["client"]


def test_two_that_know_the_token_meet():
    assert meeting(TOKEN, TOKEN) == (None, "9.9")


def test_a_wrong_token_ends_it_on_both_sides():
    server, client = meeting(TOKEN, OTHER)
    assert isinstance(client, WireError), "the daemon proves itself first: an impostor hears no proof of ours"
    assert isinstance(server, WireError | OSError)


def answered(*lines: bytes) -> WireError | OSError | None:
    """What the daemon's half makes of a client that says these lines and leaves."""
    with pair() as (one, other):
        other.sendall(b"".join(line + b"\n" for line in lines))
        other.shutdown(socket.SHUT_WR)
        try:
            greet(Lines(one), TOKEN, "9.9")
        except (WireError, OSError) as error:
            return error
    return None


def hello(nonce: Any = "a" * 32) -> bytes:
    return json.dumps({"hello": 1, "nonce": nonce}).encode()


IMPOSTORS = {
    "silence": (),
    "no-greeting": (b'{"id":1,"op":"stop"}',),
    "no-greeting-but-a-proof": (b'{"proof":"' + b"0" * 64 + b'"}',),
    "no-proof": (hello(),),
    "a-request-for-a-proof": (hello(), b'{"id":1,"op":"stop"}'),
    "a-wrong-proof": (hello(), b'{"proof":"' + b"0" * 64 + b'"}'),
    "the-daemons-own-proof": (hello(), json.dumps({"proof": proof(TOKEN, "server", "a" * 32)}).encode()),
    "a-proof-of-its-own-nonce": (hello(), json.dumps({"proof": proof(TOKEN, "client", "a" * 32)}).encode()),
    "a-proof-that-is-no-text": (hello(), b'{"proof":true}'),
    "a-proof-that-is-no-unicode": (hello(), b'{"proof":"\\ud800"}'),
    "a-short-nonce": (hello("aa"),),
    "a-long-nonce": (hello("a" * 1000),),
    "a-nonce-that-is-no-text": (hello(7),),
    "garbage": (b"\x16\x03\x01\x02\x00",),
}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_an_impostor_gets_nowhere(name: str):
    assert answered(*IMPOSTORS[name]) is not None


@pytest.mark.parametrize(
    "said",
    [
        {"hello": 1, "version": "9.9", "proof": "0" * 64, "nonce": "b" * 32},
        {"hello": 1, "version": "9.9", "nonce": "b" * 32},
        {"hello": 1, "version": "9.9", "proof": proof(TOKEN, "server", "c" * 32), "nonce": "b" * 32},
        {"proof": "\ud800"},
        [],
    ],
    ids=["wrong-proof", "no-proof", "replayed-proof", "no-unicode", "no-object"],
)
def test_a_client_says_nothing_more_to_a_daemon_that_proves_nothing(said: Any):
    with pair() as (one, other):
        one.sendall(json.dumps(said).encode() + b"\n")
        lines = Lines(other)
        with pytest.raises(WireError):
            knock(lines, TOKEN, "test")
        other.shutdown(socket.SHUT_WR)
        greeting = Lines(one)
        assert set(greeting.object() or {}) == {"hello", "nonce", "client"}
        assert greeting.object() is None, "no proof was given away"


def test_a_daemon_that_knows_the_token_but_asks_nothing_is_no_daemon():
    with pair() as (one, other):

        def impostor() -> None:
            lines = Lines(one)
            nonce = (lines.object() or {})["nonce"]
            lines.write({"hello": 1, "proof": proof(TOKEN, "server", nonce)})

        thread = threading.Thread(target=impostor)
        thread.start()
        with pytest.raises(WireError):
            knock(Lines(other), TOKEN, "test")
        thread.join(PATIENCE_S)


def test_no_two_challenges_are_alike():
    nonces = []
    for _ in range(20):
        with pair() as (one, other):
            other.sendall(hello() + b"\n")
            other.shutdown(socket.SHUT_WR)
            with pytest.raises(WireError):
                greet(Lines(one), TOKEN, "9.9")
            nonces.append((Lines(other).object() or {})["nonce"])
    assert len(set(nonces)) == 20


def test_the_two_sides_proofs_differ():
    assert wire.proof(TOKEN, "server", "a" * 32) != wire.proof(TOKEN, "client", "a" * 32)
    assert wire.proof(TOKEN, "server", "a" * 32) == proof(TOKEN, "server", "a" * 32)
