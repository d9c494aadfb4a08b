"""What the cache answers when nobody interferes."""

from __future__ import annotations

import os
import sqlite3
import stat

import pytest
from support.signing import DAY, MAIL, NOW, OURS, POLICY, SAYS, STRICTER, THEIRS, WEATHER, Clock, MemoryVault, Says, digest

from openclaw_vt.attestation.statement import Draft, Kind
from openclaw_vt.errors import CacheError
from openclaw_vt.store.cache import Cache, Lookup, ProblemCode


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(tmp_path, clock):
    with Cache(tmp_path / "state", public=OURS.public, clock=clock) as cache:
        yield cache


def say(cache, *drafts, vault=None):
    return [cache.append(draft, signer=OURS, vault=vault) for draft in drafts]


def codes(problems):
    return [problem.code for problem in problems]


def test_a_cache_that_was_never_written_knows_nothing_and_is_fine(cache, tmp_path):
    assert cache.find(WEATHER, POLICY) == Lookup()
    assert cache.verify_all() == ()
    assert list(cache.entries()) == []
    assert not (tmp_path / "state").exists()


def test_what_was_said_is_found_word_for_word(cache):
    (stored,) = say(cache, SAYS.passed(verdict={"deep": [1, 2]}))
    found = cache.find(WEATHER, POLICY)
    assert found == Lookup(verification=stored)
    assert stored.draft == SAYS.passed(verdict={"deep": [1, 2]})
    assert cache.verify_all() == ()


def test_it_is_found_by_another_process_that_opens_the_same_folder(cache, tmp_path, clock):
    (stored,) = say(cache, SAYS.passed())
    with Cache(tmp_path / "state", public=OURS.public, clock=clock) as other:
        assert other.find(WEATHER, POLICY).verification == stored


def test_other_bytes_and_another_policy_are_not_found(cache):
    say(cache, SAYS.passed())
    assert cache.find(MAIL, POLICY) == Lookup()
    assert cache.find(WEATHER, STRICTER) == Lookup()


def test_the_newest_verification_wins(cache):
    say(cache, SAYS.passed(), SAYS.failed())
    assert cache.find(WEATHER, POLICY).verification.draft.result == "FAILED"
    say(cache, SAYS.passed())
    assert cache.find(WEATHER, POLICY).verification.draft.result == "PASSED"


def test_a_person_s_word_is_about_bytes_whatever_the_policy(cache):
    say(cache, SAYS.accepted(basis="own"))
    for policy in (POLICY, STRICTER):
        assert cache.find(WEATHER, policy).acceptance.draft.detail == {"basis": "own"}
    assert cache.find(MAIL, POLICY).acceptance is None


def test_a_revocation_ends_all_that_was_said_before_under_every_policy(cache):
    say(cache, SAYS.passed(), SAYS.passed(policy=STRICTER), SAYS.accepted(), SAYS.revoked())
    for policy in (POLICY, STRICTER):
        assert cache.find(WEATHER, policy) == Lookup(revoked=True)
    assert cache.find(MAIL, POLICY) == Lookup()


def test_a_revocation_holds_although_the_bytes_are_judged_clean_again(cache):
    say(cache, SAYS.revoked(), SAYS.passed(), SAYS.accepted())
    assert cache.find(WEATHER, POLICY).revoked


def test_a_reinstatement_lifts_the_block_and_brings_nothing_back(cache):
    say(cache, SAYS.passed(), SAYS.accepted(), SAYS.revoked(), SAYS.reinstated())
    assert cache.find(WEATHER, POLICY) == Lookup()
    stored = say(cache, SAYS.passed(), SAYS.accepted())
    assert cache.find(WEATHER, POLICY) == Lookup(*stored)
    assert cache.verify_all() == ()


def test_records_form_a_chain_from_one(cache):
    stored = say(cache, SAYS.passed(), SAYS.passed(MAIL), SAYS.accepted())
    assert [item.sequence for item in stored] == [1, 2, 3]
    assert [item.statement.previous for item in stored] == [None, stored[0].record, stored[1].record]
    assert [entry.stored for entry in cache.entries()] == stored
    assert [entry.sequence for entry in cache.history(WEATHER)] == [1, 3]


def test_expiry_is_left_to_the_caller_who_knows_the_phase(cache, clock):
    say(cache, SAYS.passed())
    clock.now += 365 * DAY
    assert cache.find(WEATHER, POLICY).verification.draft.not_after == NOW + 30 * DAY


def test_a_clock_that_was_set_back_a_year_makes_nothing_fresh_again(cache, clock):
    say(cache, SAYS.passed(), SAYS.revoked(MAIL))
    clock.now -= 365 * DAY
    found = cache.find(WEATHER, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.CLOCK)
    assert cache.find(MAIL, POLICY).revoked
    assert ProblemCode.CLOCK in codes(cache.verify_all())


def test_a_clock_behind_the_last_write_cannot_say_what_is_fresh(cache, clock):
    say(cache, SAYS.passed())
    clock.now += 365 * DAY
    say(cache, Says(NOW + 365 * DAY).passed(MAIL))
    clock.now = NOW + DAY
    assert cache.find(WEATHER, POLICY).problem.code is ProblemCode.CLOCK
    assert cache.find(WEATHER, POLICY).verification is None


def test_a_record_from_a_clock_that_ran_ahead_is_not_believed_until_its_time(cache, clock):
    clock.now += 365 * DAY
    say(cache, Says(NOW + 365 * DAY).passed())
    clock.now = NOW
    say(cache, SAYS.passed(MAIL))
    assert cache.find(WEATHER, POLICY).problem.code is ProblemCode.CLOCK
    assert cache.find(MAIL, POLICY).problem is None
    say(cache, SAYS.passed())
    assert cache.find(WEATHER, POLICY).verification.draft.time == NOW


def test_a_few_minutes_between_two_clocks_are_no_matter(cache, clock):
    clock.now = NOW + 299
    say(cache, Says(NOW + 299).passed())
    clock.now = NOW
    assert cache.find(WEATHER, POLICY).verification is not None


def test_records_without_a_key_are_named_and_not_believed(cache, tmp_path, clock):
    say(cache, SAYS.passed())
    with Cache(tmp_path / "state", public=None, clock=clock) as keyless:
        assert keyless.find(WEATHER, POLICY).problem.code is ProblemCode.NO_KEY
        assert codes(keyless.verify_all()) == [ProblemCode.NO_KEY]


def test_the_first_signature_may_come_with_the_key(tmp_path, clock):
    with Cache(tmp_path / "state", public=None, clock=clock) as cache:
        assert cache.find(WEATHER, POLICY) == Lookup()
        (stored,) = say(cache, SAYS.passed())
        assert cache.find(WEATHER, POLICY).verification == stored


def test_another_signer_than_the_enrolled_one_is_refused(cache):
    with pytest.raises(CacheError, match="another key"):
        cache.append(SAYS.passed(), signer=THEIRS, vault=None)


@pytest.mark.parametrize(
    "draft",
    [
        Draft(Kind.VERIFICATION, WEATHER, "x", NOW, policy=POLICY, result="PASSED"),
        Draft(Kind.ACCEPTANCE, "not a digest", "x", NOW),
        Draft(Kind.ACCEPTANCE, WEATHER, "x", 10**15),
        Draft(Kind.ACCEPTANCE, WEATHER, "x", NOW, detail={"set": {1}}),
        Draft(Kind.ACCEPTANCE, WEATHER, "x", NOW, detail={"number": float("nan")}),
        Draft(Kind.ACCEPTANCE, WEATHER, "x", NOW, detail={"big": "x" * 7_000_000}),
    ],
    ids=["no-end", "no-digest", "no-time", "no-json", "nan", "huge"],
)
def test_what_could_not_be_read_back_is_not_written(cache, draft):
    say(cache, SAYS.passed(MAIL))
    with pytest.raises(CacheError):
        say(cache, draft)
    assert [entry.sequence for entry in cache.entries()] == [1]
    assert cache.verify_all() == ()


def test_a_signer_that_returns_rubbish_writes_nothing(cache):
    class Broken:
        public = OURS.public

        def sign(self, message):
            return bytes(64)

    with pytest.raises(CacheError, match="not written"):
        cache.append(SAYS.passed(), signer=Broken(), vault=None)
    assert cache.find(WEATHER, POLICY) == Lookup()


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077, 0o277])
def test_files_are_private_whatever_the_umask(tmp_path, clock, umask):
    folder = tmp_path / "a" / "b" / "state"
    before = os.umask(umask)
    try:
        with Cache(folder, public=OURS.public, clock=clock) as cache:
            say(cache, SAYS.passed(), SAYS.passed(MAIL))
            cache.export(folder / "export.jsonl")
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == dict.fromkeys(["cache.db", "head.json", "cache.lock", "export.jsonl"], 0o600)
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent, folder.parent.parent)} == {0o700}


@pytest.mark.parametrize("name", ["with space", "per%cent?#&=x", "für Änne 天気", "a'b\"c"])
def test_any_folder_name_will_do(tmp_path, clock, name):
    if os.name == "nt":
        name = name.translate({ord(char): "_" for char in '?"'})
    with Cache(tmp_path / name, public=OURS.public, clock=clock) as cache:
        (stored,) = say(cache, SAYS.passed())
        assert cache.find(WEATHER, POLICY).verification == stored
    assert (tmp_path / name / "cache.db").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows names are Unicode")
def test_a_folder_name_that_is_no_utf8_will_do(tmp_path, clock):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    with Cache(folder, public=OURS.public, clock=clock) as cache:
        say(cache, SAYS.passed())
        assert cache.find(WEATHER, POLICY).verification


# Pruning.


def test_pruning_changes_no_answer_and_breaks_no_chain(cache, clock):
    say(cache, SAYS.passed(), SAYS.passed(), SAYS.passed(MAIL), SAYS.accepted(MAIL), SAYS.revoked(MAIL), SAYS.passed())
    before = [cache.find(tree, POLICY) for tree in (WEATHER, MAIL)]
    assert cache.prune(NOW, signer=OURS) == 4
    assert [cache.find(tree, POLICY) for tree in (WEATHER, MAIL)] == before
    assert cache.verify_all() == ()
    assert [entry.sequence for entry in cache.entries()] == [5, 6]
    say(cache, SAYS.passed(MAIL))
    assert cache.prune(NOW, signer=OURS) == 0
    assert cache.verify_all() == ()


def test_there_is_nothing_to_prune_before_the_first_record(cache):
    assert cache.prune(NOW, signer=OURS) == 0
    assert cache.verify_all() == ()


def test_pruning_drops_what_expired_long_ago_but_never_the_newest(cache, clock):
    say(cache, SAYS.passed(), SAYS.passed(MAIL), SAYS.accepted())
    assert cache.prune(NOW + 80 * DAY, signer=OURS) == 0
    assert cache.prune(NOW + 91 * DAY, signer=OURS) == 2
    assert cache.find(WEATHER, POLICY).acceptance is not None
    assert cache.verify_all() == ()


def test_pruning_keeps_the_newest_record_even_when_it_expired(cache):
    say(cache, SAYS.passed(), SAYS.passed(MAIL))
    assert cache.prune(NOW + 91 * DAY, signer=OURS) == 1
    assert [entry.sequence for entry in cache.entries()] == [2]
    assert cache.verify_all() == ()


def test_pruning_tells_the_vault_what_it_mended(cache, tmp_path):
    vault = MemoryVault()
    say(cache, SAYS.passed(), vault=vault)
    before = (tmp_path / "state" / "head.json").read_bytes()
    say(cache, SAYS.revoked())
    (tmp_path / "state" / "head.json").write_bytes(before)  # killed between database and head
    cache.prune(NOW, signer=OURS, vault=vault)
    assert vault.head == (tmp_path / "state" / "head.json").read_bytes() != before


def test_pruning_never_lets_an_older_record_speak_again(cache, clock):
    say(cache, SAYS.passed(), Says(NOW - 200 * DAY).failed(), SAYS.passed(MAIL))
    assert cache.prune(NOW, signer=OURS) == 2
    assert cache.find(WEATHER, POLICY) == Lookup()


def test_rows_removed_without_a_signature_are_named_after_a_pruning_too(cache, tmp_path):
    say(cache, SAYS.passed(), SAYS.passed(), SAYS.passed(MAIL), SAYS.passed())
    cache.prune(NOW, signer=OURS)
    with sqlite3.connect(tmp_path / "state" / "cache.db") as database:
        database.execute("DELETE FROM record WHERE sequence = 3")
    database.close()
    (problem,) = cache.verify_all()
    assert (problem.code, problem.sequence) == (ProblemCode.GAP, 3)


# The vault.


def test_the_vault_gets_the_head_of_every_write(cache, tmp_path):
    vault = MemoryVault()
    say(cache, SAYS.passed(), SAYS.revoked(), vault=vault)
    assert vault.head == (tmp_path / "state" / "head.json").read_bytes()
    assert cache.verify_all(vault) == ()


@pytest.mark.parametrize("head", [b"", b"junk", b"{}"])
def test_a_vault_with_rubbish_is_named_and_written_over(cache, head):
    vault = MemoryVault(head)
    say(cache, SAYS.passed())
    assert codes(cache.verify_all(vault)) == [ProblemCode.VAULT_INVALID]
    say(cache, SAYS.passed(MAIL), vault=vault)
    assert cache.verify_all(vault) == ()


def test_a_locked_key_store_does_not_lose_the_record(cache):
    vault = MemoryVault(broken=True)
    (stored,) = say(cache, SAYS.passed(), vault=vault)
    assert cache.find(WEATHER, POLICY).verification == stored


def test_a_vault_that_missed_a_write_is_named_as_repairable(cache):
    vault = MemoryVault()
    say(cache, SAYS.passed(), vault=vault)
    say(cache, SAYS.passed(MAIL))
    (problem,) = cache.verify_all(vault)
    assert problem.code is ProblemCode.PENDING
    assert problem.repairable


def test_statements_about_many_skills_do_not_get_mixed_up(cache):
    trees = [digest(str(number)) for number in range(30)]
    stored = say(cache, *(SAYS.passed(tree) for tree in trees))
    assert [cache.find(tree, POLICY).verification for tree in trees] == stored
