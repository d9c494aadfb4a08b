"""Real vt-py against the loopback VirusTotal: each fault becomes the right kind of "no answer", and the key stays home."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import children
from support.simulator_client import DATA, SHA256

from openclaw_vt import __version__
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.model.subject import Digest
from openclaw_vt.model.verdict import Unavailability
from openclaw_vt.transport import Answer
from openclaw_vt.virustotal.client import MAX_REPORT_BYTES, VirusTotal, _body_of
from openclaw_vt.virustotal.interface import QuotaExceeded, TimedOut, Unauthorized, Unavailable
from openclaw_vt.virustotal.simulator import SIMULATOR_KEY, Fault, FileReport, Simulator

PATIENT_S, IMPATIENT_S = 30.0, 0.5


@pytest.fixture
def simulator():
    with Simulator() as running:
        running.know(DATA, FileReport())
        yield running


def client_of(host: str, key=lambda: SIMULATOR_KEY) -> VirusTotal:
    return VirusTotal(host=host, key=key, timeout_s=8)


@pytest.fixture
def client(simulator):
    client = client_of(simulator.url)
    yield client
    client.close()


def ask(client: VirusTotal, within: float = PATIENT_S, digest: str = SHA256):
    return client.file_report(Digest(digest), deadline=time.monotonic() + within)


def refused(client: VirusTotal, kind: type[Unavailable] = Unavailable, within: float = PATIENT_S) -> Unavailable:
    with pytest.raises(Unavailable) as caught:
        ask(client, within)
    assert type(caught.value) is kind
    return caught.value


# --- honest answers ---


def test_a_known_file(client, simulator):
    report = ask(client)
    assert report is not None
    assert report.body["data"]["id"] == SHA256
    assert len(simulator.requests) == 1


def test_the_digest_of_a_report_is_that_of_the_bytes_received(client, simulator):
    from support.simulator_client import ask as raw

    assert ask(client).digest == hashlib.sha256(raw(simulator, f"/files/{SHA256}").body).hexdigest()


def test_a_file_nobody_ever_saw(client):
    assert ask(client, digest="ab" * 32) is None


def test_a_compressed_answer(client, simulator):
    simulator.fault = Fault.GZIP
    assert ask(client).body["data"]["id"] == SHA256


def test_one_connection_serves_many_questions_and_threads(client, simulator):
    reports: list[object] = []
    threads = [threading.Thread(target=lambda: reports.append(ask(client))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [report.body["data"]["id"] for report in reports] == [SHA256] * 4


def test_closing_twice_and_asking_again(client):
    ask(client)
    client.close()
    client.close()
    assert ask(client) is not None


# --- what leaves this machine ---


def test_a_request_holds_the_hash_the_key_and_nothing_about_this_machine(client, simulator, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ask(client)
    (request,) = simulator.requests
    assert (request.method, request.path, request.body) == ("GET", f"/api/v3/files/{SHA256}", b"")
    assert set(request.headers) == {"host", "x-apikey", "accept-encoding", "user-agent", "accept"}
    assert str(tmp_path) not in json.dumps(request.headers)
    assert request.headers["host"] == simulator.url.removeprefix("http://")
    assert request.headers["user-agent"].startswith(f"openclaw-vt {__version__};")


def test_the_key_is_fetched_at_the_first_question_and_only_then(simulator):
    fetched: list[int] = []

    def key() -> str:
        fetched.append(1)
        return SIMULATOR_KEY

    client = client_of(simulator.url, key)
    assert fetched == []
    ask(client)
    ask(client)
    assert fetched == [1]
    client.close()


@pytest.mark.parametrize("location", ["{stranger}", "//{authority}/x", "https://{authority}/x", "/api/v3/files/elsewhere"])
def test_the_key_never_follows_a_redirect(client, simulator, location):
    with Simulator() as stranger:
        target = location.format(stranger=stranger.url, authority=stranger.url.removeprefix("http://"))
        simulator.fault, simulator.fault_target = Fault.REDIRECT, target
        assert refused(client).cause is Unavailability.ERROR
        assert stranger.requests == []
        assert len(simulator.requests) == 1


def test_the_environment_names_no_proxy_and_no_password(client, simulator, tmp_path, monkeypatch):
    with Simulator() as stranger:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, stranger.url)
        (tmp_path / ".netrc").write_text("machine 127.0.0.1 login a password b\n")
        monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
        ask(client)
        assert stranger.requests == []
        assert "authorization" not in simulator.requests[0].headers


@pytest.mark.parametrize("digest", ["", "ab" * 31, "AB" * 32, "../../users/me", f"{SHA256}/comments", "{0}", f"{SHA256}\n"])
def test_only_a_sha256_is_ever_asked_for(client, simulator, digest):
    with pytest.raises(ValueError, match="SHA-256"):
        ask(client, digest=digest)
    assert simulator.requests == []


# --- faults ---

EXPECTED: dict[Fault, tuple[type[Unavailable], Unavailability]] = {
    Fault.UNAUTHORIZED: (Unauthorized, Unavailability.UNAUTHORIZED),
    Fault.INACTIVE: (Unauthorized, Unavailability.UNAUTHORIZED),
    Fault.FORBIDDEN: (Unauthorized, Unavailability.UNAUTHORIZED),
    Fault.QUOTA_JSON: (QuotaExceeded, Unavailability.QUOTA),
    Fault.QUOTA_JSON_RETRY_AFTER: (QuotaExceeded, Unavailability.QUOTA),
    Fault.QUOTA_HTML: (QuotaExceeded, Unavailability.QUOTA),
    Fault.TOO_MANY_REQUESTS: (QuotaExceeded, Unavailability.QUOTA),
    Fault.TRANSIENT_503: (Unavailable, Unavailability.ERROR),
    Fault.DEADLINE_504: (Unavailable, Unavailability.ERROR),
    Fault.HTML_502: (Unavailable, Unavailability.ERROR),
    Fault.HTML_200: (Unavailable, Unavailability.ERROR),
    Fault.REDIRECT: (Unavailable, Unavailability.ERROR),
    Fault.HANG: (TimedOut, Unavailability.TIMEOUT),
    Fault.SLOW_DRIP: (TimedOut, Unavailability.TIMEOUT),
    Fault.CUT: (Unavailable, Unavailability.ERROR),
    Fault.RESET: (Unavailable, Unavailability.ERROR),
    Fault.TRUNCATED_JSON: (Unavailable, Unavailability.ERROR),
    Fault.GZIP_BOMB: (Unavailable, Unavailability.ERROR),
    Fault.OVERSIZED: (Unavailable, Unavailability.ERROR),
}
ABOUT_THE_REPORT = {fault for fault in Fault if fault not in EXPECTED} - {Fault.GZIP}


@pytest.mark.parametrize("fault", EXPECTED)
def test_each_fault_of_the_wire_is_no_answer_of_its_own_kind(client, simulator, fault):
    simulator.fault = fault
    kind, cause = EXPECTED[fault]
    error = refused(client, kind, IMPATIENT_S if cause is Unavailability.TIMEOUT else PATIENT_S)
    assert error.cause is cause
    assert error.what
    told = " ".join(error.diagnostics())
    assert SIMULATOR_KEY not in told
    assert SHA256 not in told
    assert simulator.url not in told


@pytest.mark.parametrize("fault", sorted(ABOUT_THE_REPORT))
def test_faults_of_a_report_reach_the_one_who_reads_reports(client, simulator, fault):
    simulator.fault = fault
    assert ask(client) is not None


@pytest.mark.parametrize("fault", EXPECTED)
def test_after_a_fault_the_next_question_is_answered(client, simulator, fault):
    simulator.faults = [fault]
    kind, cause = EXPECTED[fault]
    refused(client, kind, IMPATIENT_S if cause is Unavailability.TIMEOUT else PATIENT_S)
    assert ask(client) is not None


def test_quota_says_how_long_to_wait_when_virustotal_says_so(client, simulator):
    simulator.fault, simulator.retry_after_s = Fault.QUOTA_JSON_RETRY_AFTER, 17
    assert refused(client, QuotaExceeded).retry_after == 17
    for fault in (Fault.QUOTA_JSON, Fault.QUOTA_HTML, Fault.TOO_MANY_REQUESTS):
        simulator.fault = fault
        assert refused(client, QuotaExceeded).retry_after is None


@pytest.mark.parametrize(
    ("header", "seconds"), [("9" * 400, 86_400), ("-5", None), ("soon", None), ("٣", None), ("1e9", None), ("0", 0)]
)
def test_an_absurd_wait_is_capped_or_ignored(header, seconds):
    with pytest.raises(QuotaExceeded) as caught:
        _body_of(Answer(429, {"retry-after": header}, b""))
    assert caught.value.retry_after == seconds


def test_a_404_counts_only_in_virustotals_own_words():
    assert _body_of(Answer(404, {}, b'{"error": {"code": "NotFoundError", "message": "File not found"}}')) is None
    for body in (
        b"",
        b"<html>404</html>",
        b"{}",
        b'{"error": {"code": "Teapot"}}',
        b'{"error": "NotFoundError"}',
        b'[{"error": 1}]',
    ):
        with pytest.raises(Unavailable):
            _body_of(Answer(404, {}, body))


@pytest.mark.parametrize("status", [201, 202, 204, 206, 301, 304, 400, 409, 418, 500, 599])
def test_no_other_status_is_an_answer(status):
    good = json.dumps({"data": {"id": SHA256}}).encode()
    with pytest.raises(Unavailable):
        _body_of(Answer(status, {}, good))


def test_nobody_listens(simulator):
    simulator.close()
    client = client_of(simulator.url)
    assert refused(client).cause is Unavailability.ERROR
    client.close()


def test_a_server_that_speaks_no_http():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def babble() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"\x00\xffSSH-2.0-nonsense\r\n\r\n")

        thread = threading.Thread(target=babble, daemon=True)
        thread.start()
        client = client_of(f"http://127.0.0.1:{server.getsockname()[1]}")
        assert refused(client).cause is Unavailability.ERROR
        client.close()
        thread.join()


def test_plain_http_where_tls_is_asked_for(simulator):
    client = client_of(simulator.url.replace("http://", "https://"))
    assert refused(client).cause is Unavailability.ERROR
    assert simulator.requests == []
    client.close()


def test_a_deadline_that_has_passed_asks_nobody(client, simulator):
    refused(client, TimedOut, within=-1)
    assert simulator.requests == []


def test_the_deadline_counts_while_another_caller_is_inside(client, simulator):
    with client._lane._lock:
        refused(client, TimedOut, within=0.1)
    assert simulator.requests == []


@pytest.mark.parametrize(
    "body", [b" " * (MAX_REPORT_BYTES + 1), b"[" * 100_000, b'{"a": ' * 60_000, b"1" * 100_000, b'{"a":1,"a":1}', b"NaN", b"\xff"]
)
def test_json_that_is_not_plain_small_and_unambiguous_is_no_report(body):
    with pytest.raises(Unavailable):
        _body_of(Answer(200, {}, body))


@given(
    st.integers(100, 599),
    st.binary(max_size=64)
    | st.recursive(
        st.none() | st.text(max_size=9) | st.integers() | st.floats(),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.sampled_from(["error", "code", "data", "message"]), x, max_size=3),
    ).map(lambda x: json.dumps(x).encode()),
)
@settings(max_examples=300)
def test_any_status_with_any_body_is_a_report_nothing_or_unavailable(status, body):
    try:
        report = _body_of(Answer(status, {}, body))
    except Unavailable:
        return
    assert isinstance(report, dict) if status == 200 else report is None


# --- keys that are none ---


@pytest.mark.parametrize("key", ["", " ", "abc def", "line\r\nX-Evil: 1", "schlüssel", "\x00", "a\x7f"])
def test_a_text_that_is_no_key_is_refused_here_and_never_repeated(simulator, key):
    client = client_of(simulator.url, lambda: key)
    error = refused(client, Unauthorized)
    assert simulator.requests == []
    assert "key set" in error.remedy
    if key.strip():
        assert key not in str(error)
    client.close()


def test_a_key_store_that_fails_is_no_answer_and_no_crash(simulator):
    def locked() -> str:
        raise KeyStoreError("The keyring is locked.", remedy="Unlock it.")

    client = client_of(simulator.url, locked)
    error = refused(client)
    assert (error.why, error.remedy) == ("The keyring is locked.", "Unlock it.")
    client.close()


# --- the end of the process ---

HUNG_RESOLVER = """
import socket, sys, threading, time
from openclaw_vt.virustotal.client import VirusTotal
from openclaw_vt.virustotal.interface import TimedOut

socket.getaddrinfo = lambda *a, **k: threading.Event().wait()
client = VirusTotal(host="https://vt.example", key=lambda: "k" * 64, timeout_s=8)
try:
    client.file_report("ab" * 32, deadline=time.monotonic() + 0.5)
except TimedOut:
    print("timed out")
client.close()
"""


def test_a_resolver_that_hangs_holds_up_neither_the_answer_nor_the_exit():
    with children.start(HUNG_RESOLVER) as child:
        output, errors = child.communicate(timeout=60)
    assert (output.strip(), errors, child.returncode) == ("timed out", "", 0)


def test_importing_the_client_costs_no_network_library():
    code = "import sys, openclaw_vt.virustotal.client; print([m for m in ('vt', 'aiohttp', 'asyncio') if m in sys.modules])"
    assert children.run(code).strip() == "[]"
