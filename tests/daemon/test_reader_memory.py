"""A long-lived look-up remembers its answers, and never an outdated one: every look asks whether anybody wrote since."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import children
from support.signing import DAY, MAIL, NOW, OURS, POLICY, SAYS, THEIRS, WEATHER, Clock, MemoryVault

from openclaw_vt.store.cache import Cache

WRITER = """
import sys
sys.path.insert(0, sys.argv[4])
from support.signing import *
from openclaw_vt.store.cache import Cache
says = Says(time=int(sys.argv[3]))
with Cache(sys.argv[1], public=OURS.public, clock=Clock(says.time)) as cache:
    cache.append(getattr(says, sys.argv[2])(), signer=OURS, vault=None)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lasting(folder: Path, clock: Clock) -> Iterator[Cache]:
    """The cache of a process that lives for days."""
    with Cache(folder, public=OURS.public, clock=clock, patience_s=0.05) as cache:
        yield cache


def another_process_says(folder: Path, what: str, at: int = NOW) -> None:
    children.run(WRITER, str(folder), what, str(at), str(Path(__file__).parents[1]))


def says(folder: Path, draft) -> None:
    with Cache(folder, public=OURS.public, clock=Clock(draft.time)) as cache:
        cache.append(draft, signer=OURS, vault=None)


def seen(cache: Cache) -> tuple[bool, bool, bool]:
    """Verified, accepted, revoked; twice, since the second time comes from memory."""
    once, again = cache.find(WEATHER, POLICY), cache.find(WEATHER, POLICY)
    assert once == again
    return once.verification is not None, once.acceptance is not None, once.revoked


def test_what_another_process_wrote_is_seen_at_the_very_next_look(lasting: Cache, folder: Path):
    assert seen(lasting) == (False, False, False)
    another_process_says(folder, "passed")
    assert seen(lasting) == (True, False, False)
    another_process_says(folder, "accepted")
    assert seen(lasting) == (True, True, False)
    another_process_says(folder, "revoked")
    assert seen(lasting)[2]
    another_process_says(folder, "reinstated")
    assert not seen(lasting)[2]


def test_what_this_process_wrote_through_another_cache_is_seen_too(lasting: Cache, folder: Path):
    for draft, expected in ((SAYS.passed(), (True, False, False)), (SAYS.accepted(), (True, True, False))):
        says(folder, draft)
        assert seen(lasting) == expected
    says(folder, SAYS.revoked())
    assert seen(lasting)[2]


def test_a_hundred_turns_are_each_seen(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    with Cache(folder, public=OURS.public, clock=Clock()) as writer:
        for _ in range(25):
            writer.append(SAYS.revoked(), signer=OURS, vault=None)
            assert lasting.find(WEATHER, POLICY).revoked
            writer.append(SAYS.reinstated(), signer=OURS, vault=None)
            assert not lasting.find(WEATHER, POLICY).revoked


def test_a_record_of_other_bytes_changes_nothing(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    says(folder, SAYS.failed(MAIL))
    assert seen(lasting) == (True, False, False)


def test_a_removed_database_is_no_memory_of_it(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    (folder / "cache.db").unlink()
    assert seen(lasting) == (False, False, False)


def test_a_removed_folder_is_no_memory_of_it(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    shutil.rmtree(folder)
    assert seen(lasting) == (False, False, False)


def test_a_removed_or_forged_head_is_noticed(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    head = (folder / "head.json").read_bytes()
    (folder / "head.json").write_bytes(head.replace(b'"', b"'", 1))
    assert lasting.find(WEATHER, POLICY).problem is not None
    (folder / "head.json").write_bytes(head)
    assert lasting.find(WEATHER, POLICY).problem is None
    (folder / "head.json").unlink()
    with Cache(folder, public=OURS.public, clock=Clock()) as fresh:
        assert lasting.find(WEATHER, POLICY) == fresh.find(WEATHER, POLICY)


def rolled_back(folder: Path, how: str) -> None:
    """Put the database of before the revocation back."""
    old = folder.with_name("old.db")
    if how == "replaced":
        old.replace(folder / "cache.db")
        return
    times = (folder / "cache.db").stat()
    with (folder / "cache.db").open("r+b") as file:
        file.write(old.read_bytes())
        file.truncate()
    if how == "in-place-with-the-old-times":
        os.utime(folder / "cache.db", ns=(times.st_atime_ns, times.st_mtime_ns))


@pytest.mark.parametrize("how", ["replaced", "in-place", "in-place-with-the-old-times"])
@pytest.mark.parametrize("looked_between", [True, False])
def test_a_database_that_is_rolled_back_takes_no_revocation_away(lasting: Cache, folder: Path, how: str, looked_between: bool):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    shutil.copy2(folder / "cache.db", folder.with_name("old.db"))
    says(folder, SAYS.revoked())
    if looked_between:
        assert lasting.find(WEATHER, POLICY).revoked
    rolled_back(folder, how)
    found = lasting.find(WEATHER, POLICY)
    assert found.revoked or found.problem is not None, "the head knows that there was more"


def test_a_database_of_somebody_elses_key_says_nothing(lasting: Cache, folder: Path, tmp_path: Path):
    says(folder, SAYS.passed(MAIL))
    assert seen(lasting) == (False, False, False)
    with Cache(tmp_path / "theirs", public=THEIRS.public, clock=Clock()) as cache:
        cache.append(SAYS.passed(), signer=THEIRS, vault=None)
    for name in ("cache.db", "head.json"):
        (tmp_path / "theirs" / name).replace(folder / name)
    found = lasting.find(WEATHER, POLICY)
    assert (found.verification, found.acceptance) == (None, None)
    assert found.problem is not None


def test_a_folder_that_others_may_write_to_ends_every_memory(lasting: Cache, folder: Path):
    if os.name != "posix":
        pytest.skip("modes as POSIX has them")
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    folder.chmod(0o777)
    assert lasting.find(WEATHER, POLICY).problem is not None
    folder.chmod(0o700)
    assert seen(lasting) == (True, False, False)


def test_a_clock_that_goes_back_makes_it_look_anew(lasting: Cache, folder: Path, clock: Clock):
    says(folder, SAYS.passed())
    assert seen(lasting) == (True, False, False)
    clock.now = NOW - 10 * DAY
    with Cache(folder, public=OURS.public, clock=Clock(clock.now)) as fresh:
        expected = fresh.find(WEATHER, POLICY)
    assert lasting.find(WEATHER, POLICY) == expected, "a record from the future, as a process started now sees it"
    clock.now = NOW
    assert seen(lasting) == (True, False, False)


def test_a_clock_that_goes_on_keeps_the_record_and_its_date(lasting: Cache, folder: Path, clock: Clock):
    says(folder, SAYS.passed())
    seen(lasting)
    clock.now = NOW + 400 * DAY
    with Cache(folder, public=OURS.public, clock=Clock(clock.now)) as fresh:
        assert lasting.find(WEATHER, POLICY) == fresh.find(WEATHER, POLICY)


def test_answers_under_two_policies_are_two_answers(lasting: Cache, folder: Path):
    says(folder, SAYS.passed())
    assert lasting.find(WEATHER, POLICY).verification
    assert lasting.find(WEATHER, MAIL).verification is None
    assert lasting.find(MAIL, POLICY).verification is None
    assert lasting.find(WEATHER, POLICY).verification


def test_a_key_that_is_enrolled_meanwhile_counts(folder: Path, clock: Clock):
    """The cache that signs learns its key; what it remembered without one is not asked again."""
    with Cache(folder, public=None, clock=clock) as cache:
        assert cache.find(WEATHER, POLICY).verification is None
        cache.append(SAYS.passed(), signer=OURS, vault=MemoryVault())
        assert cache.find(WEATHER, POLICY).verification
