"""Somebody without the key writes to the cache's files. Whatever they do, nothing is allowed that was not said."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3

import pytest
from support.read_only import answers_without_write_access, open_to_all
from support.signing import DAY, MAIL, NOW, OURS, POLICY, SAYS, STRICTER, THEIRS, WEATHER, Clock, MemoryVault, digest

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.statement import Statement
from openclaw_vt.errors import CacheError
from openclaw_vt.store import record
from openclaw_vt.store.cache import Cache, Lookup, ProblemCode


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def cache(folder, clock):
    with Cache(folder, public=OURS.public, clock=clock, patience_s=0.05) as cache:
        yield cache


@pytest.fixture
def filled(cache):
    """Weather passed and accepted, mail failed."""
    for draft in (SAYS.passed(), SAYS.accepted(), SAYS.failed(MAIL), SAYS.passed(digest("last"))):
        cache.append(draft, signer=OURS, vault=None)
    return cache


def codes(problems):
    return {problem.code for problem in problems}


def sql(folder, statement, *values):
    with sqlite3.connect(folder / "cache.db") as database:
        found = database.execute(statement, values).fetchall()
    database.close()
    return found


def envelope(folder, sequence):
    return sql(folder, "SELECT envelope FROM record WHERE sequence = ?", sequence)[0][0]


def fresh_find(folder, tree=WEATHER, policy=POLICY, now=NOW):
    with Cache(folder, public=OURS.public, clock=Clock(now), patience_s=0.05) as cache:
        return cache.find(tree, policy)


# One row.


def test_a_row_flipped_at_any_byte_is_refused_and_named(filled, folder):
    raw = envelope(folder, 1)
    for position in [*range(0, len(raw), 7), *range(len(raw) - 120, len(raw))]:
        forged = raw[:position] + bytes([raw[position] ^ (1 << position % 8)]) + raw[position + 1 :]
        sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 1", forged)
        found = filled.find(WEATHER, POLICY)
        assert found.verification is None, position
        assert (found.problem.code, found.problem.sequence) == (ProblemCode.FORGED, 1)
    assert (ProblemCode.FORGED, 1) in {(problem.code, problem.sequence) for problem in filled.verify_all()}


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_row_cut_short_is_refused(filled, folder, length):
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 1", envelope(folder, 1)[:length])
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.FORGED


def test_rows_swapped_between_skills_are_refused(filled, folder):
    passed, failed = envelope(folder, 1), envelope(folder, 3)
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 3", passed)
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 1", failed)
    for tree in (WEATHER, MAIL):
        found = filled.find(tree, POLICY)
        assert (found.verification, found.problem.code) == (None, ProblemCode.FORGED)
    assert {problem.sequence for problem in filled.verify_all()} >= {1, 3}


def test_a_record_filed_under_another_skill_is_refused(filled, folder):
    sql(folder, "DELETE FROM record WHERE sequence = 3")
    sql(folder, "UPDATE record SET tree = ? WHERE sequence = 1", MAIL)
    found = filled.find(MAIL, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.FORGED)
    assert codes(filled.verify_all()) == {ProblemCode.FORGED, ProblemCode.GAP}


def test_a_record_filed_under_a_friendlier_policy_is_refused(filled, folder):
    sql(folder, "UPDATE record SET policy = ? WHERE sequence = 1", STRICTER)
    assert filled.find(WEATHER, STRICTER).problem.code is ProblemCode.FORGED


def test_a_record_moved_to_a_higher_number_is_refused(filled, folder):
    sql(folder, "UPDATE record SET sequence = 99 WHERE sequence = 1")
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.acceptance) == (None, None)


def test_a_record_moved_into_a_gap_is_refused(filled, folder):
    sql(folder, "DELETE FROM record WHERE sequence = 3")
    sql(folder, "UPDATE record SET sequence = 3 WHERE sequence = 1")
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.problem.code, found.problem.sequence) == (None, ProblemCode.FORGED, 3)


def test_an_acceptance_does_not_pass_for_a_verification(filled, folder):
    sql(folder, "DELETE FROM record WHERE sequence = 1")
    sql(folder, "UPDATE record SET kind = 'verification', policy = ? WHERE sequence = 2", POLICY)
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.FORGED)


def test_another_person_s_signature_is_refused(filled, folder):
    forged = record.make(Statement(SAYS.passed(MAIL), 3, digest("x")), THEIRS, version="1").envelope
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 3", forged)
    assert filled.find(MAIL, POLICY).verification is None


def test_the_same_signature_over_another_type_is_refused(filled, folder):
    payload = dsse.parse(envelope(folder, 1)).payload
    forged = dsse.sign("application/vnd.other+json", payload, OURS).to_bytes()
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 1", forged)
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.FORGED


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda raw: b" " + raw,
        lambda raw: raw + b"\n",
        lambda raw: raw.replace(b'"keyid":"' + OURS.public.keyid.encode() + b'"', b'"keyid":""'),
        lambda raw: raw.replace(b'"payloadType"', b'"payloadTyp\\u0065"'),
    ],
    ids=["space-before", "newline-after", "no-keyid", "escaped-key"],
)
def test_an_envelope_spelled_otherwise_is_refused_although_its_signature_holds(filled, folder, rewrite):
    raw = envelope(folder, 1)
    forged = rewrite(raw)
    assert forged != raw
    assert dsse.verify(dsse.parse(forged), OURS.public)
    sql(folder, "UPDATE record SET envelope = ? WHERE sequence = 1", forged)
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.FORGED


def test_a_forged_row_is_replaced_by_the_next_judgement(filled, folder):
    sql(folder, "UPDATE record SET envelope = x'00' WHERE sequence = 1")
    stored = filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert filled.find(WEATHER, POLICY).verification == stored


# Rows taken out.


def test_deleting_a_bad_answer_does_not_bring_the_good_one_back(cache, folder):
    for draft in (SAYS.passed(), SAYS.failed(), SAYS.passed(MAIL)):
        cache.append(draft, signer=OURS, vault=None)
    sql(folder, "DELETE FROM record WHERE sequence = 2")
    found = cache.find(WEATHER, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.GAP)
    assert [(problem.code, problem.sequence) for problem in cache.verify_all()] == [(ProblemCode.GAP, 2)]


def test_deleting_a_revocation_does_not_undo_it(cache, folder):
    for draft in (SAYS.passed(), SAYS.accepted(), SAYS.revoked(), SAYS.passed(MAIL)):
        cache.append(draft, signer=OURS, vault=None)
    sql(folder, "DELETE FROM record WHERE sequence = 3")
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)
    assert [(problem.code, problem.sequence) for problem in cache.verify_all()] == [(ProblemCode.GAP, 3)]


def test_deleting_the_newest_record_is_a_rollback(filled, folder):
    sql(folder, "DELETE FROM record WHERE sequence = 4")
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.acceptance, found.problem.code) == (None, None, ProblemCode.ROLLBACK)


def test_deleting_every_row_leaves_nothing_to_trust_and_every_revocation(cache, folder):
    for draft in (SAYS.passed(), SAYS.revoked(MAIL)):
        cache.append(draft, signer=OURS, vault=None)
    sql(folder, "DELETE FROM record")
    assert cache.find(WEATHER, POLICY).problem.code is ProblemCode.DATABASE_GONE
    assert cache.find(MAIL, POLICY).revoked
    stored = cache.append(SAYS.passed(), signer=OURS, vault=None)
    assert stored.sequence > 2
    assert cache.find(MAIL, POLICY) == Lookup(revoked=True)
    assert cache.find(WEATHER, POLICY).verification == stored
    assert cache.verify_all() == ()


# The head.


@pytest.mark.parametrize("junk", [b"", b"{}", b"\xff" * 100, b"[" * 9999], ids=["empty", "object", "junk", "deep"])
def test_a_head_that_is_junk_means_trusting_nothing(filled, folder, junk):
    (folder / "head.json").write_bytes(junk)
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.acceptance, found.problem.code) == (None, None, ProblemCode.HEAD_INVALID)
    assert ProblemCode.HEAD_INVALID in codes(filled.verify_all())


def test_a_head_flipped_at_any_byte_means_trusting_nothing(filled, folder):
    raw = (folder / "head.json").read_bytes()
    for position in range(0, len(raw), 5):
        (folder / "head.json").write_bytes(raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :])
        assert fresh_find(folder).verification is None or b"keyid" not in (folder / "head.json").read_bytes()


def test_a_head_signed_by_another_key_means_trusting_nothing(filled, folder, tmp_path):
    with Cache(tmp_path / "theirs", public=THEIRS.public, clock=Clock()) as other:
        for _ in range(4):
            other.append(SAYS.passed(), signer=THEIRS, vault=None)
    shutil.copy(tmp_path / "theirs" / "head.json", folder / "head.json")
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.HEAD_INVALID


def test_a_whole_cache_under_another_key_means_trusting_nothing(tmp_path, folder, clock):
    with Cache(folder, public=THEIRS.public, clock=clock) as other:
        other.append(SAYS.passed(), signer=THEIRS, vault=None)
    assert fresh_find(folder) == fresh_find(folder, MAIL)
    assert fresh_find(folder).problem.code is ProblemCode.HEAD_INVALID


def test_without_its_head_a_database_permits_nothing_and_still_forbids(cache, folder):
    for draft in (SAYS.passed(), SAYS.revoked(MAIL), SAYS.passed(digest("last"))):
        cache.append(draft, signer=OURS, vault=None)
    (folder / "head.json").unlink()
    assert cache.find(WEATHER, POLICY).problem.code is ProblemCode.HEAD_GONE
    assert cache.find(WEATHER, POLICY).verification is None
    assert cache.find(MAIL, POLICY).revoked
    stored = cache.append(SAYS.passed(digest("next")), signer=OURS, vault=None)
    assert stored.sequence > 3
    assert cache.find(MAIL, POLICY) == Lookup(revoked=True)
    assert cache.find(WEATHER, POLICY) == Lookup()
    assert cache.verify_all() == ()
    assert (folder / "cache.db.set-aside-1").exists()


def test_the_first_record_alone_is_not_believed_without_a_head(cache, folder):
    cache.append(SAYS.passed(), signer=OURS, vault=None)
    (folder / "head.json").unlink()
    assert cache.find(WEATHER, POLICY).problem.code is ProblemCode.HEAD_GONE


def test_a_forged_head_is_set_aside_and_the_vault_remembers_the_revocations(cache, folder):
    vault = MemoryVault()
    for draft in (SAYS.passed(), SAYS.revoked(MAIL)):
        cache.append(draft, signer=OURS, vault=vault)
    (folder / "head.json").write_bytes(b"junk")
    (folder / "cache.db").unlink()
    stored = cache.append(SAYS.passed(), signer=OURS, vault=vault)
    assert stored.sequence > 2
    assert cache.find(MAIL, POLICY).revoked
    assert (folder / "head.json.set-aside-1").read_bytes() == b"junk"
    assert cache.verify_all(vault) == ()


# The database file.


def test_a_database_file_damaged_anywhere_gives_the_truth_or_a_typed_problem(filled, folder):
    genuine = {tree: filled.find(tree, POLICY) for tree in (WEATHER, MAIL)}
    raw = (folder / "cache.db").read_bytes()
    chance = random.Random(7)
    for _ in range(250):
        damaged = bytearray(raw)
        for _ in range(chance.choice([1, 1, 4, 64])):
            damaged[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        (folder / "cache.db").write_bytes(damaged)
        for tree, truth in genuine.items():
            found = fresh_find(folder, tree)
            assert found.verification in (None, truth.verification)
            assert found.acceptance in (None, truth.acceptance)
            if found.verification != truth.verification:
                assert found.problem or filled.verify_all(), "a record vanished without a word"


@pytest.mark.parametrize("keep", [0, 1, 100, 4096, 5000, 8192, -1])
def test_a_truncated_database_is_a_typed_problem_and_the_next_write_goes_on(filled, folder, keep):
    raw = (folder / "cache.db").read_bytes()
    (folder / "cache.db").write_bytes(raw[:keep])
    named = {ProblemCode.CORRUPT, ProblemCode.DATABASE_GONE, ProblemCode.FORGED}
    assert filled.find(WEATHER, POLICY).problem.code in named
    assert codes(filled.verify_all()) & named
    stored = filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert filled.find(WEATHER, POLICY).verification == stored
    assert filled.verify_all() == ()


@pytest.mark.parametrize("junk", [b"junk" * 3000, b"SQLite format 3\0" + b"\xff" * 9000], ids=["junk", "header"])
def test_junk_in_the_place_of_the_database_is_set_aside_not_deleted(filled, folder, junk):
    (folder / "cache.db").write_bytes(junk)
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.CORRUPT
    assert filled.append(SAYS.passed(), signer=OURS, vault=None).sequence > 4
    assert (folder / "cache.db.set-aside-1").read_bytes() == junk
    assert filled.verify_all() == ()


def test_databases_that_were_set_aside_pile_up_and_none_is_written_over(filled, folder):
    for number in (1, 2, 3):
        (folder / "cache.db").write_bytes(b"junk %d" % number * 1000)
        filled.append(SAYS.passed(), signer=OURS, vault=None)
    for number in (1, 2, 3):
        assert (folder / f"cache.db.set-aside-{number}").read_bytes().startswith(b"junk %d" % number)


@pytest.mark.parametrize("name", ["cache.db", "head.json"])
@pytest.mark.parametrize("kind", ["directory", "symlink", "dangling", "fifo"])
def test_what_is_no_plain_file_is_refused_and_never_followed(filled, folder, tmp_path, name, kind):
    target = folder / name
    elsewhere = tmp_path / "elsewhere"
    if os.name == "nt" and kind != "directory":
        pytest.skip("needs a privilege on Windows")
    genuine = target.read_bytes()
    target.unlink()
    if kind == "directory":
        target.mkdir()
    elif kind == "fifo":
        os.mkfifo(target)
    else:
        if kind == "symlink":
            elsewhere.write_bytes(genuine)
        target.symlink_to(elsewhere)
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.UNSAFE
    assert filled.find(WEATHER, POLICY).verification is None
    assert codes(filled.verify_all()) == {ProblemCode.UNSAFE}
    with pytest.raises(CacheError, match="not used"):
        filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert not elsewhere.exists() or elsewhere.read_bytes() == genuine


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE record RENAME TO other; CREATE VIEW record AS SELECT * FROM other",
        "CREATE TRIGGER t AFTER INSERT ON record BEGIN DELETE FROM record WHERE kind = 'revocation'; END",
        "DROP INDEX record_by_key",
        "CREATE TABLE more (x)",
    ],
    ids=["view", "trigger", "no-index", "table"],
)
def test_tables_that_are_not_ours_are_set_aside(filled, folder, statement):
    with sqlite3.connect(folder / "cache.db") as database:
        database.executescript(statement)
    database.close()
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.CORRUPT
    stored = filled.append(SAYS.revoked(), signer=OURS, vault=None)
    assert filled.find(WEATHER, POLICY).revoked
    assert [entry.stored for entry in filled.entries()] == [stored]


def test_a_database_turned_to_write_ahead_logging_is_set_aside(filled, folder):
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("PRAGMA journal_mode=WAL")
    database.close()
    assert fresh_find(folder).problem.code is ProblemCode.CORRUPT
    filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert fresh_find(folder).verification is not None


def test_a_planted_write_ahead_log_is_set_aside(filled, folder):
    (folder / "cache.db-wal").write_bytes(b"x" * 100)
    assert fresh_find(folder).verification is None
    filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert fresh_find(folder).verification is not None
    assert not (folder / "cache.db-wal").exists()


def test_a_planted_journal_never_gets_into_a_new_database(filled, folder):
    (folder / "cache.db").unlink()
    (folder / "cache.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + b"\xff" * 2000)
    stored = filled.append(SAYS.passed(), signer=OURS, vault=None)
    assert fresh_find(folder).verification == stored
    assert (folder / "cache.db.set-aside-1-journal").exists()


# Rollback.


def snapshot(folder, to):
    to.mkdir()
    for name in ("cache.db", "head.json"):
        shutil.copy(folder / name, to / name)
    return to


@pytest.fixture
def old(cache, folder, tmp_path):
    """A copy from before weather was revoked and mail failed."""
    for draft in (SAYS.passed(), SAYS.accepted(), SAYS.passed(MAIL)):
        cache.append(draft, signer=OURS, vault=None)
    copy = snapshot(folder, tmp_path / "old")
    for draft in (SAYS.revoked(), SAYS.failed(MAIL)):
        cache.append(draft, signer=OURS, vault=None)
    return copy


def test_an_older_database_is_not_believed_and_revocations_stay(cache, folder, old):
    shutil.copy(old / "cache.db", folder / "cache.db")
    assert cache.find(WEATHER, POLICY).revoked
    found = cache.find(MAIL, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.ROLLBACK)
    assert ProblemCode.ROLLBACK in codes(cache.verify_all())


def test_after_a_rollback_the_next_writer_begins_anew_and_counts_on(cache, folder, old):
    shutil.copy(old / "cache.db", folder / "cache.db")
    stored = cache.append(SAYS.passed(digest("next")), signer=OURS, vault=None)
    assert stored.sequence > 5
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)
    assert cache.find(MAIL, POLICY) == Lookup()
    assert cache.verify_all() == ()
    assert (folder / "cache.db.set-aside-1").read_bytes() == (old / "cache.db").read_bytes()


def test_rows_from_before_cannot_be_carried_into_the_new_database(cache, folder, old):
    shutil.copy(old / "cache.db", folder / "cache.db")
    cache.append(SAYS.passed(digest("next")), signer=OURS, vault=None)
    plant(folder)
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)
    found = cache.find(MAIL, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.GAP)


def plant(folder):
    with sqlite3.connect(folder / "cache.db") as database:
        database.execute("ATTACH ? AS old", (str(folder / "cache.db.set-aside-1"),))
        database.execute("INSERT INTO record SELECT * FROM old.record")
    database.close()


def test_rows_that_nothing_contradicts_say_nothing_either_once_set_aside(filled, folder):
    (folder / "head.json").unlink()
    filled.append(SAYS.passed(digest("next")), signer=OURS, vault=None)
    plant(folder)
    assert filled.find(WEATHER, POLICY) == Lookup()


def test_a_bad_answer_after_a_database_was_set_aside_outlives_its_row(filled, folder):
    (folder / "head.json").unlink()
    for draft in (SAYS.failed(), SAYS.passed(digest("next"))):
        filled.append(draft, signer=OURS, vault=None)
    sql(folder, "DELETE FROM record WHERE tree = ?", WEATHER)
    filled.import_(folder / "cache.db.set-aside-1", signer=OURS)
    assert filled.find(WEATHER, POLICY).verification is None


def test_an_older_head_is_not_believed_either(cache, folder, old):
    shutil.copy(old / "head.json", folder / "head.json")
    found = cache.find(WEATHER, POLICY)
    assert (found.verification, found.acceptance, found.problem.code) == (None, None, ProblemCode.HEAD_BEHIND)
    assert found.revoked
    cache.append(SAYS.passed(digest("next")), signer=OURS, vault=None)
    assert cache.find(WEATHER, POLICY).revoked
    assert cache.verify_all() == ()


def test_a_head_one_step_older_hides_no_revocation(cache, folder):
    cache.append(SAYS.passed(), signer=OURS, vault=None)
    before = (folder / "head.json").read_bytes()
    cache.append(SAYS.revoked(), signer=OURS, vault=None)
    (folder / "head.json").write_bytes(before)
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)


def test_a_head_one_step_older_makes_no_reinstatement_count_early(cache, folder):
    cache.append(SAYS.revoked(), signer=OURS, vault=None)
    before = (folder / "head.json").read_bytes()
    cache.append(SAYS.reinstated(), signer=OURS, vault=None)
    (folder / "head.json").write_bytes(before)
    assert cache.find(WEATHER, POLICY).revoked


def test_a_mixture_of_two_caches_is_not_believed(cache, folder, old, tmp_path, clock):
    with Cache(tmp_path / "twin", public=OURS.public, clock=clock) as twin:
        for _ in range(5):
            twin.append(SAYS.passed(), signer=OURS, vault=None)
    shutil.copy(tmp_path / "twin" / "cache.db", folder / "cache.db")
    found = cache.find(WEATHER, POLICY)
    assert (found.verification, found.revoked, found.problem.code) == (None, True, ProblemCode.ROLLBACK)


def test_another_chain_that_is_one_record_longer_does_not_pass_for_a_crash(cache, folder, old, tmp_path, clock):
    with Cache(tmp_path / "twin", public=OURS.public, clock=clock) as twin:
        for _ in range(6):
            twin.append(SAYS.passed(), signer=OURS, vault=None)
    shutil.copy(tmp_path / "twin" / "cache.db", folder / "cache.db")
    found = cache.find(WEATHER, POLICY)
    assert (found.verification, found.revoked, found.problem.code) == (None, True, ProblemCode.HEAD_BEHIND)


def test_a_rollback_of_both_is_found_out_by_the_vault_at_the_next_write(cache, folder, tmp_path):
    vault = MemoryVault()
    for draft in (SAYS.passed(), SAYS.passed(MAIL)):
        cache.append(draft, signer=OURS, vault=vault)
    old = snapshot(folder, tmp_path / "old")
    cache.append(SAYS.revoked(), signer=OURS, vault=vault)
    for name in ("cache.db", "head.json"):
        shutil.copy(old / name, folder / name)
    assert codes(cache.verify_all(vault)) == {ProblemCode.VAULT_AHEAD}
    stored = cache.append(SAYS.passed(digest("next")), signer=OURS, vault=vault)
    assert stored.sequence > 3
    assert cache.find(WEATHER, POLICY) == Lookup(revoked=True)
    assert cache.verify_all(vault) == ()


def test_a_rollback_of_both_that_was_written_to_is_found_out_too(cache, folder, tmp_path):
    vault = MemoryVault()
    cache.append(SAYS.passed(), signer=OURS, vault=vault)
    old = snapshot(folder, tmp_path / "old")
    cache.append(SAYS.revoked(), signer=OURS, vault=vault)
    for name in ("cache.db", "head.json"):
        shutil.copy(old / name, folder / name)
    cache.append(SAYS.revoked(MAIL), signer=OURS, vault=None)  # as long as the vault's chain, but another
    assert ProblemCode.VAULT_AHEAD in codes(cache.verify_all(vault))
    cache.append(SAYS.passed(digest("next")), signer=OURS, vault=vault)
    assert cache.find(WEATHER, POLICY).revoked
    assert cache.find(MAIL, POLICY).revoked


def test_deleting_everything_does_not_lift_a_revocation_that_the_vault_knows(cache, folder):
    vault = MemoryVault()
    cache.append(SAYS.revoked(), signer=OURS, vault=vault)
    shutil.rmtree(folder)
    assert cache.find(WEATHER, POLICY) == Lookup()
    cache.append(SAYS.passed(MAIL), signer=OURS, vault=vault)
    assert cache.find(WEATHER, POLICY).revoked


def test_a_frozen_cache_does_not_outlive_its_records(filled):
    assert filled.find(WEATHER, POLICY).verification.draft.not_after < NOW + 31 * DAY


def test_a_reader_that_keeps_running_sees_the_file_change_under_it(filled, folder, tmp_path):
    assert filled.find(WEATHER, POLICY).verification
    copy = snapshot(folder, tmp_path / "copy")
    filled.append(SAYS.failed(), signer=OURS, vault=None)
    (copy / "cache.db").replace(folder / "cache.db")
    found = filled.find(WEATHER, POLICY)
    assert (found.verification, found.problem.code) == (None, ProblemCode.ROLLBACK)


# Who owns the folder.


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
@pytest.mark.parametrize("mode", [0o770, 0o777, 0o1777])
def test_a_folder_that_others_may_write_to_is_refused_with_a_remedy(filled, folder, mode):
    folder.chmod(mode)
    problem = filled.find(WEATHER, POLICY).problem
    assert problem.code is ProblemCode.UNSAFE
    assert "chmod 700" in problem.remedy
    assert codes(filled.verify_all()) == {ProblemCode.UNSAFE}
    with pytest.raises(CacheError, match="not private"):
        filled.append(SAYS.passed(), signer=OURS, vault=None)
    folder.chmod(0o700)
    assert filled.find(WEATHER, POLICY).problem is None


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(filled, folder):
    os.chown(folder, 65534, 65534)
    assert filled.find(WEATHER, POLICY).problem.code is ProblemCode.UNSAFE


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_on_a_read_only_folder_reading_works_and_writing_says_why():
    with open_to_all() as folder:
        with Cache(folder, public=OURS.public, clock=Clock()) as cache:
            cache.append(SAYS.passed(), signer=OURS, vault=None)
        verified, refused = answers_without_write_access(folder)
        assert verified == "True None"
        assert "refused" in refused
        assert sorted(path.name for path in folder.iterdir()) == ["cache.db", "cache.lock", "head.json"]
