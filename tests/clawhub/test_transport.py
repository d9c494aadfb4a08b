"""The one place where bytes come in: deadlines, caps and redirects, seen without any of its users."""

from __future__ import annotations

import threading
import time

import pytest
from support.clawhub_server import ClawHubServer, Fault

from openclaw_vt.transport import Getter, Lane, TooLarge, Transport, drain


@pytest.fixture
def hub():
    with ClawHubServer() as server:
        server.shelf.publish("weather", "1.0.0", {"SKILL.md": b"text"})
        yield server


def get(hub, *, within: float = 30, **more):
    return Getter(agent="test agent").get(f"{hub.url}/api/v1/skills/weather", deadline=time.monotonic() + within, **more)


def test_an_answer_comes_whole_with_lower_case_header_names(hub):
    answer = get(hub)
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.body.startswith(b"{")


def test_a_redirect_is_an_answer_and_is_not_followed(hub):
    hub.faults["skill"] = Fault.REDIRECT
    assert get(hub).status == 302
    assert len(hub.seen) == 1


def test_a_body_over_the_cap_is_dropped_while_it_comes(hub):
    hub.faults["skill"] = Fault.HUGE
    with pytest.raises(TooLarge):
        get(hub, max_bytes=100_000)


def test_a_body_that_never_ends_ends_at_the_deadline(hub):
    hub.faults["skill"] = Fault.DRIP
    with pytest.raises(TimeoutError):
        get(hub, within=0.5)


def test_a_failure_names_its_kind_and_no_address(hub):
    hub.faults["skill"] = Fault.HANG_UP
    with pytest.raises(Transport) as caught:
        get(hub)
    assert hub.url.rpartition(":")[2] not in str(caught.value)
    assert str(caught.value).isalpha()


@pytest.mark.parametrize("url", ["http://", "http://[::1", "nonsense", "ftp://127.0.0.1/", "http://127.0.0.1:99999/"])
def test_an_address_that_is_none_is_a_transport_failure(url):
    with pytest.raises((Transport, ValueError)):
        Getter(agent="test").get(url, deadline=time.monotonic() + 30)


def test_a_lane_closes_while_a_caller_who_ignores_every_deadline_is_inside():
    lane, release, entered = Lane(), threading.Event(), threading.Event()

    async def stuck() -> None:
        entered.set()
        release.wait()

    inside = threading.Thread(target=lambda: lane.run(stuck, deadline=time.monotonic() + 30))
    inside.start()
    entered.wait()
    lane.close()  # returns, or this test does not
    release.set()
    inside.join()
    lane.close()


def test_a_farewell_that_hangs_does_not_keep_a_lane_open():
    import asyncio

    async def work() -> int:
        return 7

    async def farewell() -> None:
        await asyncio.Event().wait()

    lane = Lane()
    assert lane.run(work, deadline=time.monotonic() + 30) == 7
    lane.close(farewell)
    lane.close()
    assert lane.run(work, deadline=time.monotonic() + 30) == 7
    lane.close()


class Trickle:
    """A body of pieces; counts how many were taken."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.taken = 0

    async def read(self, n: int = -1) -> bytes:
        self.taken += 1
        return self.pieces.pop(0) if self.pieces else b""


def run(coroutine_maker):
    lane = Lane()
    try:
        return lane.run(coroutine_maker, deadline=time.monotonic() + 30)
    finally:
        lane.close()


def test_a_body_of_exactly_the_cap_is_taken_and_one_byte_more_is_not():
    assert run(lambda: drain(Trickle([b"ab", b"cd"]), max_bytes=4)) == b"abcd"
    with pytest.raises(TooLarge):
        run(lambda: drain(Trickle([b"ab", b"cd", b"e"]), max_bytes=4))


def test_nothing_is_read_after_the_cap():
    endless = Trickle([b"x" * 10] * 1000)
    with pytest.raises(TooLarge):
        run(lambda: drain(endless, max_bytes=25))
    assert endless.taken == 3
