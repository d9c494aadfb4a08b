"""Every fault of the loopback VirusTotal, seen from the client's side."""

from __future__ import annotations

import gzip
import http.client
import json
import threading
from contextlib import closing

import pytest
import vt
from support.simulator_client import DATA, SHA256, Clock, ask, connected, serving_threads

from openclaw_vt.virustotal.simulator import (
    SIMULATOR_KEY,
    Fault,
    FileReport,
    Simulator,
)
from openclaw_vt.virustotal.simulator_faults import OVERSIZED_BYTES


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def others() -> set[threading.Thread]:
    """Threads of simulators that other tests of this process keep running."""
    return set(serving_threads())


@pytest.fixture
def simulator(clock, others):
    with Simulator(clock=clock) as running:
        yield running


@pytest.fixture
def client(simulator):
    with vt.Client(simulator.key, host=simulator.url, timeout=30) as running:
        yield running


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (Fault.UNAUTHORIZED, 401, "WrongCredentialsError"),
        (Fault.INACTIVE, 401, "UserNotActiveError"),
        (Fault.FORBIDDEN, 403, "ForbiddenError"),
        (Fault.TRANSIENT_503, 503, "TransientError"),
        (Fault.DEADLINE_504, 504, "DeadlineExceededError"),
    ],
)
def test_errors_in_the_envelope(simulator, fault, status, code):
    simulator.fault = fault
    reply = ask(simulator, f"/files/{SHA256}")
    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(("fault", "status"), [(Fault.HTML_502, 502), (Fault.HTML_200, 200)])
def test_pages_of_some_box_in_between(simulator, fault, status):
    simulator.fault = fault
    reply = ask(simulator, f"/files/{SHA256}")
    assert (reply.status, reply.headers["content-type"]) == (status, "text/html; charset=utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        reply.json()


@pytest.fixture
def report_with(simulator):
    def fetch(fault: Fault) -> dict:
        simulator.know(DATA, FileReport(code_insight=(("palm", "benign"),)))
        simulator.fault = fault
        return ask(simulator, f"/files/{SHA256}").json()["data"]

    return fetch


def test_stats_that_are_missing_partial_zero_or_too_many(report_with):
    assert "last_analysis_stats" not in report_with(Fault.MISSING_STATS)["attributes"]
    assert set(report_with(Fault.PARTIAL_STATS)["attributes"]["last_analysis_stats"]) == {
        "malicious",
        "undetected",
        "timeout",
        "type-unsupported",
    }
    assert set(report_with(Fault.ZERO_STATS)["attributes"]["last_analysis_stats"].values()) == {0}
    assert len(report_with(Fault.NINTH_STAT)["attributes"]["last_analysis_stats"]) == 9


def test_engines_without_a_version(report_with):
    results = report_with(Fault.NULL_VERSIONS)["attributes"]["last_analysis_results"].values()
    assert {result["engine_version"] for result in results} == {None, "None"}


def test_code_insight_absent_empty_wordless_or_of_two_minds(report_with):
    assert "crowdsourced_ai_results" not in report_with(Fault.AI_ABSENT)["attributes"]
    assert report_with(Fault.AI_EMPTY)["attributes"]["crowdsourced_ai_results"] == []
    (wordless,) = report_with(Fault.AI_EMPTY_VERDICT)["attributes"]["crowdsourced_ai_results"]
    assert wordless["verdict"] == ""
    first, second = report_with(Fault.AI_TWO_SOURCES)["attributes"]["crowdsourced_ai_results"]
    assert (first["source"], first["verdict"], second["source"]) == ("uma", "malicious", "palm")
    assert "verdict" not in second


def test_code_insight_with_terminal_escapes_and_a_prompt_injection(report_with):
    (entry,) = report_with(Fault.AI_HUGE)["attributes"]["crowdsourced_ai_results"]
    assert len(entry["analysis"]) == 100 * 1024
    assert "\x1b[2J" in entry["analysis"]
    assert "IGNORE ALL PREVIOUS INSTRUCTIONS" in entry["analysis"]


def test_dates_that_cannot_be_or_are_too_old(report_with, clock):
    assert report_with(Fault.FUTURE_DATE)["attributes"]["last_analysis_date"] > clock.now
    assert report_with(Fault.OLD_DATE)["attributes"]["last_analysis_date"] < clock.now - 10 * 365 * 86_400


def test_an_answer_about_another_file(report_with):
    wrong = report_with(Fault.WRONG_ID)
    assert wrong["id"] != SHA256 == wrong["attributes"]["sha256"]


def test_faults_about_reports_leave_a_404_as_it_is(simulator):
    for fault in (Fault.MISSING_STATS, Fault.AI_HUGE, Fault.WRONG_ID):
        simulator.fault = fault
        assert ask(simulator, f"/files/{SHA256}").code == "NotFoundError"


def test_an_answer_without_data(simulator, client):
    simulator.fault = Fault.NO_DATA
    with pytest.raises(ValueError, match="data"):
        client.get_object(f"/files/{SHA256}")


def test_json_that_stops_half_way(simulator):
    simulator.default, simulator.fault = FileReport(), Fault.TRUNCATED_JSON
    reply = ask(simulator, f"/files/{SHA256}")
    assert len(reply.body) == int(reply.headers["content-length"])
    with pytest.raises(ValueError, match="line 1"):
        reply.json()


@pytest.mark.parametrize(("fault", "least"), [(Fault.GZIP, 1000), (Fault.GZIP_BOMB, 16 * 1024 * 1024)])
def test_compressed_bodies(simulator, fault, least):
    simulator.default, simulator.fault = FileReport(), fault
    reply = ask(simulator, f"/files/{SHA256}")
    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.body) < 64 * 1024
    plain = gzip.decompress(reply.body)
    assert len(plain) > least
    assert json.loads(plain)["data"]["id"] == SHA256


def test_vt_py_inflates_a_compressed_body(simulator, client):
    simulator.default, simulator.fault = FileReport(), Fault.GZIP
    assert client.get_object(f"/files/{SHA256}").id == SHA256


def test_an_oversized_body_and_a_client_that_has_seen_enough(simulator, caplog, capfd):
    simulator.default, simulator.fault = FileReport(), Fault.OVERSIZED
    with connected(simulator) as connection:
        connection.request("GET", f"/api/v3/files/{SHA256}", headers={"x-apikey": SIMULATOR_KEY})
        with closing(connection.getresponse()) as response:
            assert int(response.headers["Content-Length"]) > OVERSIZED_BYTES
            assert response.read(1024) == b" " * 1024
    simulator.close()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("fault", "error"), [(Fault.CUT, http.client.IncompleteRead), (Fault.RESET, ConnectionResetError)])
def test_a_connection_that_ends_in_the_middle(simulator, fault, error, capfd):
    simulator.default, simulator.fault = FileReport(), fault
    # A reset may overtake the bytes before it, in which case the client has no answer at all.
    with pytest.raises((error, http.client.IncompleteRead)):
        ask(simulator, f"/files/{SHA256}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.RESET])
def test_vt_py_notices_a_cut_connection(simulator, client, fault):
    import aiohttp

    simulator.default, simulator.fault = FileReport(), fault
    with pytest.raises(aiohttp.ClientError):
        client.get_object(f"/files/{SHA256}")


def test_redirect_takes_the_key_to_a_stranger_and_the_stranger_records_it(simulator, client):
    with Simulator() as stranger:
        simulator.fault, simulator.fault_target = Fault.REDIRECT, stranger.url
        reply = ask(simulator, f"/files/{SHA256}?limit=1")
        assert (reply.status, reply.headers["location"]) == (302, f"{stranger.url}/api/v3/files/{SHA256}?limit=1")
        assert stranger.requests == []
        with pytest.raises(vt.APIError, match="not found"):
            client.get_object(f"/files/{SHA256}")
        # Plain vt-py leaks the key; the record is what lets a test of ours show that we do not.
        assert [request.headers["x-apikey"] for request in stranger.requests] == [SIMULATOR_KEY]


def test_foreign_upload_url(simulator):
    simulator.fault, simulator.fault_target = Fault.FOREIGN_UPLOAD_URL, "http://evil.invalid"
    assert ask(simulator, "/files/upload_url").json()["data"].startswith("http://evil.invalid/_ah/upload/")


def test_a_sequence_of_faults_is_used_up_and_skips_strangers(simulator):
    simulator.default = FileReport()
    simulator.faults, simulator.fault = [Fault.TRANSIENT_503, None, Fault.QUOTA_JSON], Fault.HTML_502
    statuses = [ask(simulator, f"/files/{SHA256}", key=key).status for key in (SIMULATOR_KEY, None, *[SIMULATOR_KEY] * 3)]
    assert statuses == [503, 401, 200, 429, 502]


def test_a_misspelt_fault_is_no_honest_answer(simulator):
    simulator.fault = "hang"
    assert simulator.fault is Fault.HANG
    with pytest.raises(ValueError, match="hnag"):
        simulator.fault = "hnag"


def test_hang_gives_nothing_and_close_ends_it(simulator, others):
    simulator.default, simulator.fault = FileReport(), Fault.HANG
    with connected(simulator) as connection:
        connection.request("GET", f"/api/v3/files/{SHA256}", headers={"x-apikey": SIMULATOR_KEY})
        connection.sock.settimeout(0.05)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(30)
        simulator.close()
        assert connection.sock.recv(1) == b""
    assert set(serving_threads()) <= others


def test_slow_drip_feeds_a_byte_at_a_time_until_closed(simulator, others):
    simulator.default, simulator.fault = FileReport(), Fault.SLOW_DRIP
    with connected(simulator) as connection:
        connection.request("GET", f"/api/v3/files/{SHA256}", headers={"x-apikey": SIMULATOR_KEY})
        with closing(connection.getresponse()) as response:
            assert response.status == 200
            assert [response.read(1) for _ in range(3)] == [b" "] * 3
            simulator.close()
            assert response.read().strip() == b""
    assert set(serving_threads()) <= others


def test_a_deadline_of_vt_py_ends_a_hang(simulator):
    simulator.fault = Fault.HANG
    with vt.Client(simulator.key, host=simulator.url, timeout=0.2) as impatient, pytest.raises(TimeoutError):
        impatient.get_object(f"/files/{SHA256}")
