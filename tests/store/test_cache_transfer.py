"""Export, import, and going over to another signing key."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
from support.signing import DAY, MAIL, NOW, OURS, POLICY, SAYS, STRICTER, THEIRS, WEATHER, Clock, MemoryVault, Says, digest

from openclaw_vt.errors import CacheError
from openclaw_vt.store.cache import Cache, Lookup
from openclaw_vt.store.transfer import Imported


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(tmp_path, clock):
    with Cache(tmp_path / "state", public=OURS.public, clock=clock) as cache:
        yield cache


@pytest.fixture
def other(tmp_path, clock):
    """An empty cache under the same key: the machine was set up again."""
    with Cache(tmp_path / "other", public=OURS.public, clock=clock) as other:
        yield other


@pytest.fixture
def file(tmp_path):
    return tmp_path / "export.jsonl"


def say(cache, *drafts):
    return [cache.append(draft, signer=OURS, vault=None) for draft in drafts]


def test_what_was_exported_comes_in_again(cache, other, file):
    say(cache, SAYS.passed(verdict="x"), SAYS.accepted(MAIL), SAYS.revoked(digest("bad")))
    assert cache.export(file) == 3
    assert other.import_(file, signer=OURS) == Imported(appended=3)
    found = other.find(WEATHER, POLICY).verification.draft
    assert (found.time, found.not_after, found.detail["verdict"]) == (NOW, NOW + 30 * DAY, "x")
    assert other.find(MAIL, POLICY).acceptance
    assert other.find(digest("bad"), POLICY).revoked
    assert other.verify_all() == ()


def test_each_imported_record_names_the_one_it_repeats(cache, other, file):
    (stored,) = say(cache, SAYS.passed())
    cache.export(file)
    other.import_(file, signer=OURS)
    assert other.find(WEATHER, POLICY).verification.draft.detail["imported"] == {"sha256": stored.record}


def test_importing_twice_or_into_where_it_came_from_changes_nothing(cache, other, file):
    say(cache, SAYS.passed(), SAYS.accepted(), SAYS.revoked(MAIL))
    cache.export(file)
    assert cache.import_(file, signer=OURS) == Imported(outdated=3)
    other.import_(file, signer=OURS)
    assert other.import_(file, signer=OURS) == Imported(outdated=3)


def test_an_export_of_another_key_is_refused_line_by_line(cache, file, tmp_path, clock):
    with Cache(tmp_path / "theirs", public=THEIRS.public, clock=clock) as theirs:
        theirs.append(SAYS.passed(), signer=THEIRS, vault=None)
        theirs.export(file)
    assert cache.import_(file, signer=OURS) == Imported(unverified=1)
    assert cache.find(WEATHER, POLICY) == Lookup()


def test_lines_that_were_touched_are_left_out_and_the_others_come_in(cache, other, file):
    say(cache, SAYS.passed(), SAYS.passed(MAIL))
    cache.export(file)
    first, second = file.read_bytes().splitlines()
    file.write_bytes(first.replace(b"A", b"B", 1) + b"\n\r\n" + b"junk\n" + second + b"\r\n\xff\n")
    assert other.import_(file, signer=OURS) == Imported(appended=1, unverified=3)
    assert other.find(WEATHER, POLICY).verification is None
    assert other.find(MAIL, POLICY).verification


def test_an_export_from_before_a_revocation_does_not_undo_it(cache, file):
    say(cache, SAYS.passed(), SAYS.accepted())
    cache.export(file)
    say(cache, SAYS.revoked())
    assert cache.import_(file, signer=OURS).appended == 0
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)
    say(cache, SAYS.reinstated())
    assert cache.import_(file, signer=OURS).appended == 0
    assert cache.find(WEATHER, POLICY) == Lookup()


def test_not_even_when_the_revocation_s_row_was_deleted(cache, file, tmp_path):
    say(cache, SAYS.passed())
    cache.export(file)
    say(cache, SAYS.revoked(), SAYS.reinstated())
    with sqlite3.connect(tmp_path / "state" / "cache.db") as database:
        database.execute("DELETE FROM record WHERE kind = 'revocation'")
    database.close()
    assert cache.import_(file, signer=OURS).appended == 0


def test_an_export_from_before_a_worse_answer_does_not_undo_it(cache, file):
    say(cache, SAYS.passed())
    cache.export(file)
    say(cache, SAYS.failed())
    assert cache.import_(file, signer=OURS) == Imported(outdated=1)
    assert cache.find(WEATHER, POLICY).verification.draft.result == "FAILED"


def test_a_cache_that_lost_everything_and_revoked_since_is_not_overruled_by_an_old_export(cache, other, file, clock):
    say(cache, *(SAYS.passed(digest(str(number))) for number in range(5)), SAYS.passed())
    cache.export(file)
    later = Says(NOW + DAY)
    clock.now += DAY
    say(other, later.revoked(), later.reinstated())
    other.import_(file, signer=OURS)
    assert other.find(WEATHER, POLICY) == Lookup()


def test_what_the_source_itself_revoked_later_does_not_come_in(cache, other, file):
    say(cache, SAYS.passed(), SAYS.accepted(), SAYS.revoked(), SAYS.reinstated(), SAYS.passed(policy=STRICTER))
    cache.export(file)
    assert other.import_(file, signer=OURS) == Imported(appended=1)
    assert other.find(WEATHER, POLICY) == Lookup()
    assert other.find(WEATHER, STRICTER).verification


def test_a_reinstatement_never_comes_in(cache, other, file):
    say(cache, SAYS.revoked(), SAYS.reinstated())
    cache.export(file)
    say(other, SAYS.revoked())
    other.import_(file, signer=OURS)
    assert other.find(WEATHER, POLICY).revoked


def test_lines_in_another_order_restrict_no_less(cache, other, file):
    say(cache, SAYS.passed(), SAYS.revoked())
    cache.export(file)
    file.write_bytes(b"".join(reversed(file.read_bytes().splitlines(keepends=True))))
    other.import_(file, signer=OURS)
    assert other.find(WEATHER, POLICY) == Lookup(revoked=True)


def test_only_the_newest_of_a_kind_comes_in_and_nothing_long_expired(cache, other, file, clock):
    say(cache, Says(NOW - 200 * DAY).passed(MAIL), SAYS.failed(), SAYS.passed())
    cache.export(file)
    assert other.import_(file, signer=OURS) == Imported(appended=1, outdated=1)
    assert other.find(WEATHER, POLICY).verification.draft.result == "PASSED"


def test_what_comes_from_the_future_stays_there(cache, other, file):
    say(cache, Says(NOW + DAY).passed())
    cache.export(file)
    assert other.import_(file, signer=OURS) == Imported(outdated=1)


def test_a_database_that_was_set_aside_can_be_imported(cache, tmp_path):
    say(cache, SAYS.passed(), SAYS.accepted(MAIL), SAYS.passed(digest("x")))
    folder = tmp_path / "state"
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("UPDATE record SET envelope = x'00' WHERE sequence = 3")
    database.close()
    say(cache, SAYS.passed(digest("next")))
    assert cache.find(WEATHER, POLICY) == Lookup()
    assert cache.import_(folder / "cache.db.set-aside-1", signer=OURS) == Imported(appended=2, unverified=1)
    assert cache.find(WEATHER, POLICY).verification
    assert cache.find(MAIL, POLICY).acceptance
    assert cache.verify_all() == ()


def test_of_a_damaged_database_both_ends_come_in(cache, other, tmp_path):
    trees = [digest(str(number)) for number in range(60)]
    say(cache, *(SAYS.passed(tree) for tree in trees))
    path = tmp_path / "state" / "cache.db"
    raw = bytearray(path.read_bytes())
    record = next(entry.stored for entry in cache.entries() if entry.sequence == 30)
    cache.close()
    middle = raw.index(record.envelope) // 4096 * 4096
    raw[middle : middle + 4096] = b"\xff" * 4096
    path.with_name("damaged").write_bytes(raw)
    done = other.import_(path.with_name("damaged"), signer=OURS)
    assert 20 < done.appended < 60
    assert other.find(trees[0], POLICY).verification
    assert other.find(trees[-1], POLICY).verification


@pytest.mark.parametrize("name", ["state/cache.db", "state/../state/cache.db"])
def test_the_cache_is_not_imported_into_itself(cache, tmp_path, name):
    say(cache, SAYS.passed())
    with pytest.raises(CacheError, match="into itself"):
        cache.import_(tmp_path / name, signer=OURS)


@pytest.mark.parametrize("content", [None, b"x" * 9_000_000, b"SQLite format 3\0" + b"\xff" * 5000], ids=["none", "long", "junk"])
def test_a_file_that_is_no_export_is_refused_in_one_way(cache, file, content):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CacheError):
        cache.import_(file, signer=OURS)


def test_an_export_to_where_nothing_can_be_written_says_so(cache, tmp_path):
    say(cache, SAYS.passed())
    with pytest.raises(CacheError):
        cache.export(tmp_path / "no" / "such" / "folder" / "file")


def test_a_change_of_key_takes_everything_over(cache, tmp_path, clock):
    vault = MemoryVault()
    for draft in (SAYS.passed(), SAYS.accepted(), SAYS.revoked(MAIL), SAYS.passed(digest("x")), SAYS.failed(digest("x"))):
        cache.append(draft, signer=OURS, vault=vault)
    done = cache.rekey(THEIRS, vault=vault)
    assert done.unverified == 0
    with Cache(tmp_path / "state", public=THEIRS.public, clock=clock) as renewed:
        found = renewed.find(WEATHER, POLICY)
        assert found.verification
        assert found.acceptance
        assert renewed.find(MAIL, POLICY) == Lookup(revoked=True)
        assert renewed.find(digest("x"), POLICY).verification.draft.result == "FAILED"
        assert renewed.verify_all(vault) == ()
        assert all(entry.stored for entry in renewed.entries())


def test_after_a_change_of_key_the_old_database_counts_for_nothing(cache, tmp_path, clock):
    say(cache, SAYS.passed(), SAYS.revoked())
    cache.rekey(THEIRS)
    shutil.copy(tmp_path / "state" / "cache.db.set-aside-1", tmp_path / "state" / "cache.db")
    with Cache(tmp_path / "state", public=THEIRS.public, clock=clock) as renewed:
        assert renewed.find(WEATHER, POLICY).verification is None
        assert renewed.find(WEATHER, POLICY).revoked


def test_there_is_no_change_to_the_same_key(cache):
    say(cache, SAYS.passed())
    with pytest.raises(CacheError, match="no older key"):
        cache.rekey(OURS)
