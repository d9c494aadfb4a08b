"""How the loopback VirusTotal counts, refuses and forgets, with a clock that stands still."""

from __future__ import annotations

from datetime import datetime

import pytest
import vt
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator_client import DATA, NOON, SHA256, Clock, ask, form

from openclaw_vt.virustotal.simulator import (
    Fault,
    FileReport,
    Simulator,
)
from openclaw_vt.virustotal.simulator_faults import QUOTA_FAULTS
from openclaw_vt.virustotal.simulator_quota import Meter


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


def test_the_minute_slides(simulator, clock):
    simulator.default, simulator.per_minute = FileReport(), 4
    path = f"/files/{SHA256}"
    statuses = []
    for seconds in (0, 10, 20, 30, 40, 59.9, 60, 60.1, 70):
        clock.now = NOON + seconds
        statuses.append(ask(simulator, path).status)
    assert statuses == [200, 200, 200, 200, 429, 429, 200, 429, 200]


@pytest.mark.parametrize(
    ("limit", "start", "next_start"),
    [
        ("per_day", "2031-05-30T23:59:30+00:00", "2031-05-31T00:00:00+00:00"),
        ("per_month", "2031-12-31T23:59:30+00:00", "2032-01-01T00:00:00+00:00"),
    ],
)
def test_day_and_month_start_at_midnight_utc(simulator, clock, limit, start, next_start):
    setattr(simulator, limit, 1)
    simulator.default, simulator.over_quota = FileReport(), Fault.QUOTA_JSON_RETRY_AFTER
    clock.now = datetime.fromisoformat(start).timestamp()
    assert ask(simulator, f"/files/{SHA256}").status == 200
    refused = ask(simulator, f"/files/{SHA256}")
    assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    clock.now = datetime.fromisoformat(next_start).timestamp()
    assert ask(simulator, f"/files/{SHA256}").status == 200


@pytest.mark.parametrize("kind", QUOTA_FAULTS)
@pytest.mark.parametrize("cause", ["fault", "limit"])
@pytest.mark.parametrize("seconds", [0, 17])
def test_the_kinds_of_429(simulator, kind, cause, seconds):
    if cause == "fault":
        simulator.fault = kind
    else:
        simulator.per_minute, simulator.over_quota = 0, kind
    simulator.retry_after_s = seconds
    reply = ask(simulator, f"/files/{SHA256}")
    assert reply.status == 429
    assert reply.headers.get("retry-after") == (str(seconds) if kind is Fault.QUOTA_JSON_RETRY_AFTER else None)
    if kind is Fault.QUOTA_HTML:
        assert reply.headers["content-type"].startswith("text/html")
        assert b"error" not in reply.body
    else:
        code = "TooManyRequestsError" if kind is Fault.TOO_MANY_REQUESTS else "QuotaExceededError"
        assert reply.code == code


@pytest.mark.parametrize(
    ("fault", "code"),
    [(Fault.QUOTA_JSON, "QuotaExceededError"), (Fault.QUOTA_HTML, "ClientError"), (Fault.TRANSIENT_503, "ServerError")],
)
def test_what_vt_py_makes_of_refusals(simulator, client, fault, code):
    simulator.fault = fault
    with pytest.raises(vt.APIError) as caught:
        client.get_object(f"/files/{SHA256}")
    assert caught.value.code == code


def test_a_new_file_is_free_to_upload_and_to_ask_about(simulator):
    simulator.per_day = 0
    analysis_id = ask(simulator, "/files", **form(DATA)).json()["data"]["id"]
    for _ in range(3):
        assert ask(simulator, f"/analyses/{analysis_id}").status == 200
    assert ask(simulator, f"/files/{SHA256}").status == 200
    assert ask(simulator, "/analyses/invalid").status == 404
    assert ask(simulator, f"/files/{'0' * 64}").status == 429
    assert ask(simulator, f"/files/{SHA256}/analyse", method="POST").status == 429


def test_uploading_a_known_file_costs(simulator):
    simulator.know(DATA, FileReport())
    simulator.per_day = 0
    assert ask(simulator, "/files", **form(DATA)).status == 429


def test_reset_forgets_requests_and_counters_but_not_files(simulator):
    simulator.know(SHA256, FileReport())
    simulator.per_day = 1
    assert [ask(simulator, f"/files/{SHA256}").status for _ in range(2)] == [200, 429]
    simulator.reset()
    assert simulator.requests == []
    assert ask(simulator, f"/files/{SHA256}").status == 200


@settings(max_examples=50, deadline=None)
@given(limit=st.integers(0, 5), steps=st.lists(st.floats(0, 90, allow_nan=False), max_size=30))
def test_no_minute_ever_holds_more_than_its_limit(limit, steps):
    now, granted = NOON, []
    for step in steps:
        now += step
        wait = _replay(granted).wait_s(now, per_minute=limit, per_day=None, per_month=None)
        if wait is None:
            granted.append(now)
        elif limit:
            assert _replay(granted).wait_s(now + wait, per_minute=limit, per_day=None, per_month=None) is None
    assert all(sum(start <= time < start + 60 for time in granted) <= limit for start in granted)


def _replay(times: list[float]) -> Meter:
    meter = Meter()
    for time in times:
        meter.count(time)
    return meter
