from __future__ import annotations

import os
import sqlite3
import stat

import pytest
from support.signing import MAIL, NOW, POLICY, STRICTER, WEATHER, Clock, digest

from openclaw_vt.store import notices as module
from openclaw_vt.store.notices import LIFE_S, Notices


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def notices(tmp_path, clock):
    return Notices(tmp_path / "state", clock=clock)


WARNING = b'{"decision":"warn","reason":"\xff\x00 not reviewed"}'


def test_a_warning_is_repeated_byte_for_byte_for_a_quarter_of_an_hour(notices, clock):
    assert notices.recall(WEATHER, POLICY) is None
    notices.keep(WEATHER, POLICY, WARNING)
    clock.now += LIFE_S
    assert notices.recall(WEATHER, POLICY) == WARNING
    clock.now += 1
    assert notices.recall(WEATHER, POLICY) is None


def test_a_live_warning_is_not_replaced_by_a_later_one(notices, clock):
    notices.keep(WEATHER, POLICY, WARNING)
    clock.now += 60
    notices.keep(WEATHER, POLICY, b"other")
    assert notices.recall(WEATHER, POLICY) == WARNING
    clock.now += LIFE_S
    notices.keep(WEATHER, POLICY, b"other")
    assert notices.recall(WEATHER, POLICY) == b"other"


def test_it_belongs_to_bytes_policy_and_key(notices):
    notices.keep(WEATHER, POLICY, WARNING, key="install")
    assert notices.recall(MAIL, POLICY, key="install") is None
    assert notices.recall(WEATHER, STRICTER, key="install") is None
    assert notices.recall(WEATHER, POLICY) is None
    assert notices.recall(WEATHER, POLICY, key="install") == WARNING


@pytest.mark.parametrize("years", [-1, 1])
def test_a_clock_that_jumps_forgets_and_recovers(notices, clock, years):
    notices.keep(WEATHER, POLICY, WARNING)
    clock.now += years * 365 * 86400
    assert notices.recall(WEATHER, POLICY) is None
    notices.keep(WEATHER, POLICY, b"new")
    assert notices.recall(WEATHER, POLICY) == b"new"


def test_size_and_number_are_capped(notices, clock, monkeypatch):
    monkeypatch.setattr(module, "MAX_NOTICES", 3)
    notices.keep(WEATHER, POLICY, b"x" * (module.MAX_TEXT_BYTES + 1))
    assert notices.recall(WEATHER, POLICY) is None
    for number in range(6):
        clock.now += 1
        notices.keep(digest(str(number)), POLICY, b"%d" % number)
    assert [notices.recall(digest(str(number)), POLICY) for number in range(6)] == [None] * 3 + [b"3", b"4", b"5"]


def test_the_last_bytes_seen_at_a_path_are_remembered(notices, tmp_path):
    path = str(tmp_path / os.fsdecode(b"caf\xe9 'x'"))
    assert notices.sighting(path) is None
    notices.note_sighting(path, WEATHER)
    notices.note_sighting(path, MAIL)
    assert notices.sighting(path) == MAIL


def test_reading_writes_nothing(notices, tmp_path):
    assert notices.recall(WEATHER, POLICY) is None
    assert notices.sighting("/x") is None
    assert not (tmp_path / "state").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_the_file_is_private_whatever_the_umask(notices, tmp_path):
    before = os.umask(0)
    try:
        notices.keep(WEATHER, POLICY, WARNING)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()} == {0o600}


@pytest.mark.parametrize("junk", [b"junk" * 999, b"SQLite format 3\0" + b"\xff" * 5000, b""])
def test_a_damaged_file_is_forgotten_and_begun_anew(notices, tmp_path, junk):
    notices.keep(WEATHER, POLICY, WARNING)
    (tmp_path / "state" / "hints.db").write_bytes(junk)
    assert notices.recall(WEATHER, POLICY) is None
    notices.keep(WEATHER, POLICY, WARNING)  # finds the damage, throws it away
    notices.keep(WEATHER, POLICY, WARNING)
    assert notices.recall(WEATHER, POLICY) == WARNING


@pytest.mark.parametrize("value", ["x" * 64, WEATHER.upper(), "", None, 7, b"\xff"])
def test_a_forged_sighting_is_no_digest(notices, tmp_path, value):
    notices.note_sighting("/x", WEATHER)
    with sqlite3.connect(tmp_path / "state" / "hints.db") as database:
        database.execute("UPDATE sighting SET tree = ?", (value,))
    database.close()
    assert notices.sighting("/x") is None


@pytest.mark.parametrize("kind", ["directory", "symlink", "fifo", "open-folder"])
def test_what_is_not_ours_is_left_alone(notices, tmp_path, kind):
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    target = state / "hints.db"
    if kind == "directory":
        target.mkdir()
    elif os.name == "nt":
        pytest.skip("needs a privilege on Windows")
    elif kind == "fifo":
        os.mkfifo(target)
    elif kind == "symlink":
        target.symlink_to(tmp_path / "elsewhere")
    else:
        state.chmod(0o777)
    notices.keep(WEATHER, POLICY, WARNING)
    assert notices.recall(WEATHER, POLICY) is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_held_file_costs_a_hint_and_raises_nothing(notices, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_PATIENCE_S", 0.05)
    notices.keep(WEATHER, POLICY, WARNING)
    holder = sqlite3.connect(tmp_path / "state" / "hints.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert notices.recall(WEATHER, POLICY) is None
    notices.keep(MAIL, POLICY, WARNING)
    holder.execute("ROLLBACK")
    holder.close()
    assert notices.recall(WEATHER, POLICY) == WARNING


def test_time_is_the_clock_s(notices, clock):
    notices.keep(WEATHER, POLICY, WARNING)
    assert clock.now == NOW
