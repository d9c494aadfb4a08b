"""The server of the loopback VirusTotal: what it records, how it ends, and what garbage does to it."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
import vt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator_client import DATA, SHA256, Clock, ask, connected, form, stats_of

from openclaw_vt.errors import UsageError
from openclaw_vt.virustotal.simulator import (
    SIMULATOR_KEY,
    FileReport,
    Simulator,
)
from openclaw_vt.virustotal.simulator_data import hashes_of
from openclaw_vt.virustotal.simulator_http import parse_multipart


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def simulator(clock):
    with Simulator(clock=clock) as running:
        yield running


@pytest.fixture
def client(simulator):
    with vt.Client(simulator.key, host=simulator.url, timeout=30) as running:
        yield running


def test_every_request_is_recorded_as_it_came(simulator, clock):
    ask(simulator, f"/files/{SHA256}?relationships=a", key=None, X_Odd="yes")
    ask(simulator, "/files", **form(DATA, filename='/home/me/"x"/weather.zip'))
    first, second = simulator.requests
    assert (first.method, first.path, first.time) == ("GET", f"/api/v3/files/{SHA256}?relationships=a", clock.now)
    assert "x-apikey" not in first.headers
    assert first.headers["x-odd"] == "yes"
    assert first.filename is None
    assert second.filename == '/home/me/"x"/weather.zip'
    assert second.headers["x-apikey"] == SIMULATOR_KEY
    assert SIMULATOR_KEY not in repr(second)


def test_a_path_leaked_by_vt_py_shows_in_the_record(simulator, client, tmp_path):
    skill = tmp_path / "skill.zip"
    skill.write_bytes(DATA)
    with skill.open("rb") as file:
        client.scan_file(file)
    assert simulator.requests[-1].filename == str(skill)


def test_one_connection_serves_many_requests(simulator):
    simulator.default = FileReport()
    with connected(simulator) as connection:
        ports = set()
        for _ in range(5):
            connection.request("GET", f"/api/v3/files/{SHA256}", headers={"x-apikey": SIMULATOR_KEY})
            ports.add(connection.sock.getsockname()[1])
            with closing(connection.getresponse()) as response:
                assert json.load(response)["data"]["id"] == SHA256
    assert len(ports) == 1


def test_an_answer_is_one_write_and_waits_for_no_acknowledgement(simulator):
    simulator.know(DATA, FileReport(undetected=0, type_unsupported=0))
    with socket.create_connection(("127.0.0.1", int(simulator.url.rpartition(":")[2])), timeout=30) as raw:
        raw.sendall(f"GET /api/v3/files/{SHA256} HTTP/1.1\r\nHost: x\r\nx-apikey: {SIMULATOR_KEY}\r\n\r\n".encode())
        head, _, body = raw.recv(65_536).partition(b"\r\n\r\n")
        assert f"Content-Length: {len(body)}".encode() in head
        served = next(iter(simulator._server._open))
        assert served.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_concurrent_requests_each_get_their_own_answer(simulator):
    files = {hashlib.sha256(bytes([n])).hexdigest(): n for n in range(24)}
    for digest, number in files.items():
        simulator.know(digest, FileReport(malicious=number))
    answers: dict[str, int] = {}

    def fetch(digest: str) -> None:
        answers[digest] = stats_of(ask(simulator, f"/files/{digest}"))["malicious"]

    threads = [threading.Thread(target=fetch, args=(digest,)) for digest in files]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert answers == files
    assert len(simulator.requests) == 24


def test_a_limit_holds_against_concurrent_requests(simulator):
    simulator.default, simulator.per_minute = FileReport(), 4
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda: statuses.append(ask(simulator, f"/files/{SHA256}").status)) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200] * 4 + [429] * 8


def test_close_may_be_called_twice_and_frees_the_port():
    with Simulator() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(UsageError, match="cannot listen"):
            Simulator(port=port).start()
        first.close()
        first.close()
    with Simulator(port=port) as second:
        assert second.url == first.url


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_does_not_exist_is_a_usage_error(port):
    with pytest.raises(UsageError, match="no port"):
        Simulator(port=port).start()


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\xfc\xff\r\n\r\n",
        b"GET\r\n\r\n",
        b"BREW /pot HTTP/1.1\r\n\r\n",
        b"POST /api/v3/files HTTP/1.1\r\nContent-Length: minus one\r\n\r\n",
        b"POST /api/v3/files HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
        b"POST /api/v3/files HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nlarge\r\n",
        b"POST /api/v3/files HTTP/1.1\r\nContent-Length: 10\r\n\r\nfour",
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n",
    ],
    ids=[
        "tls-hello",
        "no-target",
        "odd-method",
        "length-in-words",
        "length-absurd",
        "chunk-in-words",
        "half-a-body",
        "long-line",
    ],
)
def test_garbage_is_refused_without_a_word_on_stderr(simulator, request_bytes, capfd, caplog):
    with socket.create_connection(("127.0.0.1", int(simulator.url.rpartition(":")[2])), timeout=30) as raw:
        raw.sendall(request_bytes)
        raw.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := raw.recv(65_536):
                answer += piece
        except ConnectionResetError:
            pass  # a server that closes with our bytes unread may do so
    assert b" 200 " not in answer
    assert simulator.requests == []
    assert ask(simulator, f"/files/{SHA256}").status == 404
    assert capfd.readouterr().err == ""
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_fault_of_our_own_is_logged_and_costs_one_connection(simulator, monkeypatch, caplog):
    def broken() -> float:
        raise ZeroDivisionError("the clock fell down")

    with monkeypatch.context() as patch:
        patch.setattr(simulator, "_clock", broken)
        with pytest.raises(http.client.RemoteDisconnected):
            ask(simulator, f"/files/{SHA256}")
    assert "the simulator failed" in caplog.text
    assert ask(simulator, f"/files/{SHA256}").status == 404


def test_a_client_of_the_old_protocol_is_answered_and_let_go(simulator):
    with socket.create_connection(("127.0.0.1", int(simulator.url.rpartition(":")[2])), timeout=30) as raw:
        raw.sendall(f"GET /api/v3/files/x HTTP/1.0\r\nx-apikey: {SIMULATOR_KEY}\r\n\r\n".encode())
        answer = b""
        while piece := raw.recv(65_536):
            answer += piece
    assert b"Connection: close" in answer
    assert b"NotFoundError" in answer


def test_importing_the_simulator_costs_no_server_and_no_vt():
    code = (
        "import sys, openclaw_vt.virustotal.simulator;"
        "print([m for m in ('vt', 'aiohttp', 'http.server', 'socketserver', 'asyncio') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_environment())
    assert run.stdout.strip() == "[]"


def _environment() -> dict[str, str]:
    import openclaw_vt

    return {**os.environ, "PYTHONPATH": str(Path(openclaw_vt.__file__).parents[1])}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C to a whole console, this one included")
def test_serve_forever_announces_itself_and_ends_quietly_with_ctrl_c():
    code = (
        "from openclaw_vt.virustotal.simulator import serve_forever, Script, Fault\n"
        "serve_forever(announce=lambda url: print(url, flush=True), script=Script(fault=Fault.HTML_502))\n"
    )
    arguments = [sys.executable, "-c", code]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()) as process:
        try:
            url = process.stdout.readline().strip()
            host = url.removeprefix("http://")
            with closing(http.client.HTTPConnection(host, timeout=30)) as connection:
                connection.request("GET", "/api/v3/files/x", headers={"x-apikey": SIMULATOR_KEY})
                with closing(connection.getresponse()) as response:
                    assert response.status == 502
                process.send_signal(signal.SIGINT)
                output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert (process.returncode, output, errors) == (0, "", "")


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=300), name=NAMES, boundary=st.from_regex(r"[0-9A-Za-z]{16,40}", fullmatch=True))
def test_a_form_is_read_back_byte_for_byte(data, name, boundary):
    sent = form(data, name, boundary)
    (part,) = parse_multipart(sent["content_type"], sent["body"])
    assert (part.name, part.filename, part.data) == ("file", name, data)


@settings(max_examples=100, deadline=None)
@given(content_type=st.text(max_size=60), body=st.binary(max_size=200))
def test_no_form_makes_the_reader_stumble(content_type, body):
    for kind in (content_type, f"multipart/form-data; boundary={content_type}", "multipart/form-data; boundary=b"):
        assert all(part.data in body for part in parse_multipart(kind, body))


def test_hashes_are_those_of_the_bytes():
    hashes = hashes_of(b"")
    assert hashes.sha256 == hashlib.sha256().hexdigest()
    assert (hashes.sha1, hashes.md5, hashes.size) == (hashlib.sha1().hexdigest(), hashlib.md5().hexdigest(), 0)
