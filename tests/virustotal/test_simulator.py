"""The loopback VirusTotal's honest answers, asked by vt-py 0.22 as the product uses it and by http.client."""

from __future__ import annotations

import hashlib
import io
import json
from contextlib import closing
from datetime import UTC, datetime

import pytest
import vt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator_client import DATA, SHA256, Clock, ask, connected, form, stats_of

from openclaw_vt.virustotal.simulator import (
    SIMULATOR_KEY,
    Fault,
    FileReport,
    Simulator,
)


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


def test_the_key_is_checked_before_anything_else(simulator):
    simulator.fault, simulator.per_minute = Fault.HANG, 0
    missing, wrong = ask(simulator, "/files/x", key=None), ask(simulator, "/nowhere", key="a" * 64)
    assert (missing.status, missing.code) == (401, "AuthenticationRequiredError")
    assert (wrong.status, wrong.code) == (401, "WrongCredentialsError")


def test_the_key_header_is_found_in_any_case(simulator):
    simulator.default = FileReport()
    with connected(simulator) as connection:
        connection.request("GET", f"/api/v3/files/{SHA256}", headers={"X-APIKEY": SIMULATOR_KEY})
        with closing(connection.getresponse()) as response:
            assert response.status == 200


def test_only_the_loopback_interface_listens(simulator):
    assert simulator.url.startswith("http://127.0.0.1:")
    assert simulator._server.socket.getsockname()[0] == "127.0.0.1"


def test_a_file_is_found_by_each_of_its_three_hashes(simulator):
    simulator.know(DATA, FileReport(malicious=3, undetected=61))
    for name in (SHA256, SHA256.upper(), hashlib.sha1(DATA).hexdigest(), hashlib.md5(DATA).hexdigest()):
        reply = ask(simulator, f"/files/{name}")
        assert (reply.status, reply.json()["data"]["id"]) == (200, SHA256)
        assert stats_of(reply)["malicious"] == 3


def test_unknown_and_malformed_hashes_are_two_kinds_of_404(simulator):
    unknown, malformed = ask(simulator, f"/files/{'f' * 64}"), ask(simulator, "/files/not-a-hash")
    assert unknown.json()["error"] == {"code": "NotFoundError", "message": f'File "{"f" * 64}" not found'}
    assert malformed.json()["error"] == {"code": "NotFoundError", "message": "Resource not found."}
    assert unknown.status == malformed.status == 404


@pytest.mark.parametrize("path", [f"/files/{SHA256}/comments", "/domains/example.com", "/private/files", "/search?query=x"])
def test_endpoints_that_are_not_built_are_not_found(simulator, path):
    simulator.default = FileReport()
    assert ask(simulator, path).code == "NotFoundError"


def test_the_default_makes_every_unknown_file_clean_and_a_known_one_keeps_its_own(simulator):
    simulator.default = FileReport()
    simulator.know(SHA256, FileReport(malicious=9))
    assert stats_of(ask(simulator, f"/files/{'a' * 64}"))["malicious"] == 0
    assert stats_of(ask(simulator, f"/files/{SHA256}"))["malicious"] == 9


def test_know_refuses_what_is_no_hash(simulator):
    with pytest.raises(ValueError, match="hexadecimal"):
        simulator.know("weather", FileReport())


def test_vt_py_reads_a_report_as_it_reads_the_real_one(simulator, client, clock):
    simulator.know(DATA, FileReport(malicious=2, age_days=5, code_insight=(("palm", "benign"), ("uma", None))))
    report = client.get_object(f"/files/{SHA256}")
    assert (report.id, report.type, report.size) == (SHA256, "file", len(DATA))
    assert report.last_analysis_date == datetime.fromtimestamp(clock.now - 5 * 86_400, UTC)
    assert report.last_analysis_stats["type-unsupported"] == 12
    assert len(report.last_analysis_results) == 2 + 64 + 12
    assert [result["result"] is None for result in report.last_analysis_results.values()].count(False) == 2
    palm, uma = report.crowdsourced_ai_results
    assert (palm["source"], palm["verdict"]) == ("palm", "benign")
    assert "verdict" not in uma


@settings(max_examples=30, deadline=None)
@given(counts=st.tuples(*[st.integers(0, 40)] * 8), age=st.floats(-36_500, 36_500, allow_nan=False))
def test_every_engine_counted_is_listed_once_in_its_category(counts, age):
    order = ("malicious", "suspicious", "undetected", "harmless", "timeout", "confirmed_timeout", "failure", "type_unsupported")
    with Simulator(clock=Clock()) as simulator:
        simulator.know(SHA256, FileReport(**dict(zip(order, counts, strict=True)), age_days=age))
        attributes = ask(simulator, f"/files/{SHA256}").json()["data"]["attributes"]
    seen = [entry["category"] for entry in attributes["last_analysis_results"].values()]
    assert {key: seen.count(key) for key in attributes["last_analysis_stats"]} == attributes["last_analysis_stats"]
    assert len(seen) == sum(counts)


def test_vt_py_uploads_and_waits_for_what_it_turns_out_to_be(simulator, client):
    simulator.uploaded, simulator.polls = FileReport(malicious=12), 0
    analysis = client.scan_file(io.BytesIO(DATA), wait_for_completion=True)
    assert analysis.status == "completed"
    assert analysis.stats["malicious"] == 12
    assert client.get_object(f"/files/{SHA256}").last_analysis_stats["malicious"] == 12
    upload = next(request for request in simulator.requests if request.path.startswith("/_ah/upload/"))
    assert (upload.method, upload.filename) == ("POST", "unknown")
    assert DATA in upload.body


def test_an_analysis_is_queued_then_in_progress_then_completed(simulator):
    simulator.uploaded = FileReport(suspicious=1)
    analysis_id = ask(simulator, "/files", **form(DATA)).json()["data"]["id"]
    bodies = [ask(simulator, f"/analyses/{analysis_id}").json() for _ in range(4)]
    assert [body["data"]["attributes"]["status"] for body in bodies] == ["queued", "in-progress", "completed", "completed"]
    assert set(bodies[0]["data"]["attributes"]["stats"].values()) == {0}
    assert bodies[0]["data"]["attributes"]["results"] == {}
    assert bodies[1]["data"]["attributes"]["stats"]["suspicious"] == 0
    assert bodies[2]["data"]["attributes"]["stats"]["suspicious"] == 1
    info = {"sha256": SHA256, "sha1": hashlib.sha1(DATA).hexdigest(), "md5": hashlib.md5(DATA).hexdigest(), "size": len(DATA)}
    assert all(body["meta"]["file_info"] == info for body in bodies)


def test_an_upload_cannot_be_looked_up_before_its_analysis_is_complete(simulator, clock):
    ask(simulator, "/files", **form(DATA, filename="my secret plans.zip"))
    statuses = [ask(simulator, f"/files/{SHA256}").status for _ in range(3)]
    assert statuses == [404, 404, 200]
    attributes = ask(simulator, f"/files/{SHA256}").json()["data"]["attributes"]
    assert attributes["last_analysis_date"] == clock.now
    assert attributes["meaningful_name"] == "my secret plans.zip"


def test_an_upload_address_works_once(simulator):
    address = ask(simulator, "/files/upload_url").json()["data"]
    assert address.startswith(f"{simulator.url}/_ah/upload/")
    path = address.removeprefix(simulator.url)
    assert ask(simulator, path, **form(DATA)).status == 200
    assert ask(simulator, path, **form(DATA)).code == "NotFoundError"
    assert ask(simulator, "/_ah/upload/guessed", **form(DATA)).code == "NotFoundError"


def test_a_large_file_is_refused_by_the_edge_but_taken_by_an_upload_address(simulator):
    large = bytes(32 * 1024 * 1024 + 1)
    refused = ask(simulator, "/files", **form(large))
    assert (refused.status, refused.headers["content-type"][:9]) == (413, "text/html")
    address = ask(simulator, "/files/upload_url").json()["data"].removeprefix(simulator.url)
    assert ask(simulator, address, **form(large)).json()["data"]["type"] == "analysis"
    assert simulator.requests[-1].size > len(large)
    assert len(simulator.requests[-1].body) == 1024 * 1024


def test_a_form_without_a_file_is_a_bad_request(simulator):
    for body in (b"", b"--frontier--\r\n", form(DATA)["body"][:-8]):
        assert ask(simulator, "/files", **{**form(DATA), "body": body}).code == "BadRequestError"


def test_a_fresh_analysis_renews_the_date_of_an_old_report(simulator, clock):
    simulator.default, simulator.polls = FileReport(age_days=900), 0
    assert ask(simulator, f"/files/{SHA256}").json()["data"]["attributes"]["last_analysis_date"] == clock.now - 900 * 86_400
    analysis_id = ask(simulator, f"/files/{SHA256}/analyse", method="POST").json()["data"]["id"]
    assert ask(simulator, f"/analyses/{analysis_id}").json()["data"]["attributes"]["status"] == "completed"
    assert ask(simulator, f"/files/{SHA256}").json()["data"]["attributes"]["last_analysis_date"] == clock.now
    # Still the default, not a copy of it: what the test says next holds.
    simulator.default = FileReport(malicious=7)
    assert stats_of(ask(simulator, f"/files/{SHA256}"))["malicious"] == 7


def test_analysing_an_unknown_file_and_asking_for_an_unknown_analysis_are_404(simulator):
    assert ask(simulator, f"/files/{SHA256}/analyse", method="POST").code == "NotFoundError"
    assert ask(simulator, "/files/x/analyse", method="POST").code == "NotFoundError"
    assert ask(simulator, "/analyses/bm90aGluZw==").code == "NotFoundError"


def test_two_analyses_within_one_second_have_two_names(simulator):
    simulator.default = FileReport()
    answers = [ask(simulator, f"/files/{SHA256}/analyse", method="POST").json()["data"]["id"] for _ in range(2)]
    assert len(set(answers)) == 2


def test_a_client_without_a_length_is_understood(simulator):
    whole = form(DATA)
    pieces = iter([whole["body"][:20], whole["body"][20:]])
    with connected(simulator) as connection:
        headers = {"x-apikey": SIMULATOR_KEY, "Content-Type": whole["content_type"], "Transfer-Encoding": "chunked"}
        connection.request("POST", "/api/v3/files", body=pieces, headers=headers, encode_chunked=True)
        with closing(connection.getresponse()) as response:
            assert json.load(response)["data"]["type"] == "analysis"
        connection.request("GET", f"/api/v3/files/{SHA256}", headers={"x-apikey": SIMULATOR_KEY})
        with closing(connection.getresponse()) as response:
            assert response.status == 404
            response.read()
