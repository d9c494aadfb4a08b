"""kill -9, a full disk and I/O errors at every single write of an append. What was acknowledged stays, nothing else appears."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys

import pytest
from support.faults import Child, harmed, points
from support.read_only import answers_without_write_access, open_to_all
from support.signing import MAIL, OURS, POLICY, SAYS, WEATHER, Clock, digest

from openclaw_vt.store.cache import Cache, Lookup, ProblemCode

APPENDING = """
import os, sys
from pathlib import Path
from support.signing import *
from openclaw_vt.errors import CacheError
from openclaw_vt.store.cache import Cache
folder, count, revoked = sys.argv[1:]
drafts = [SAYS.passed(digest(str(number))) for number in range(int(count))]
if revoked:
    drafts.append(SAYS.revoked(digest(revoked)))
with Cache(Path(folder), public=OURS.public, clock=Clock()) as cache:
    for draft in drafts:
        try:
            stored = cache.append(draft, signer=OURS, vault=None)
            os.writev(1, [b"acknowledged %d %s %s\\n" % (stored.sequence, stored.draft.tree.encode(), stored.record.encode())])
        except CacheError as error:
            os.writev(1, [b"refused %s\\n" % str(error).encode()])
"""


def acknowledged(output: str) -> list[tuple[str, str]]:
    lines = [line.split() for line in output.splitlines() if line.startswith("acknowledged ")]
    return [(tree, record) for _, _, tree, record in lines]


def look(folder, tree):
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        return cache.find(tree, POLICY)


def assert_whole(folder, promised, point):
    """Assert that the promises hold, now and after the next write."""
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        for tree, record in promised:
            found = cache.find(tree, POLICY)
            assert found.problem is None, (point, found.problem)
            assert found.revoked or found.verification.record == record, point
        left = cache.verify_all()
        assert {problem.code for problem in left} <= {ProblemCode.PENDING}, (point, left)
        stored = cache.append(SAYS.passed(digest("after")), signer=OURS, vault=None)
        assert cache.find(digest("after"), POLICY) == Lookup(verification=stored)
        assert cache.verify_all() == (), point
        for tree, record in promised:
            found = cache.find(tree, POLICY)
            assert found.revoked or found.verification.record == record, point
        sequences = [entry.sequence for entry in cache.entries()]
        assert sequences == list(range(1, stored.sequence + 1)), point
    assert sorted(path.name for path in folder.iterdir()) == ["cache.db", "cache.lock", "head.json"], point


@pytest.fixture
def template(tmp_path):
    """A cache with one record."""
    folder = tmp_path / "template"
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        stored = cache.append(SAYS.passed(), signer=OURS, vault=None)
    return folder, (WEATHER, stored.record)


@pytest.mark.parametrize("fault", ["kill", "EIO", "ENOSPC"])
def test_a_fault_at_any_write_of_two_appends_loses_nothing_and_invents_nothing(tmp_path, template, fault):
    kept, first = template
    folder = tmp_path / "state"
    child = Child(APPENDING, (str(folder), "1", "mail" if fault == "kill" else ""))
    shutil.copytree(kept, folder)
    every = list(points(child, tmp_path / "trace", fault))
    assert len(every) > 20
    for point in every:
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        done = harmed(child, point)
        assert done.returncode != 0 if fault == "kill" else done.returncode == 0, (point, done.stderr)
        promised = [first, *acknowledged(done.stdout)]
        if (MAIL, promised[-1][1]) == promised[-1]:
            assert look(folder, MAIL).revoked, point
        assert_whole(folder, promised, point)


@pytest.mark.parametrize("fault", ["kill", "ENOSPC"])
def test_a_fault_at_any_write_of_the_very_first_append(tmp_path, fault):
    folder = tmp_path / "state"
    child = Child(APPENDING, (str(folder), "1", ""))
    for point in list(points(child, tmp_path / "trace", fault)):
        shutil.rmtree(folder)
        done = harmed(child, point)
        assert_whole(folder, acknowledged(done.stdout), point)


def test_killed_at_any_write_while_a_rolled_back_database_is_set_aside(tmp_path, template):
    """The revocation must hold at every moment, and what was allowed before it must not come back."""
    kept, _ = template
    folder = tmp_path / "state"
    old = (kept / "cache.db").read_bytes()
    with Cache(kept, public=OURS.public, clock=Clock()) as cache:
        cache.append(SAYS.revoked(MAIL), signer=OURS, vault=None)
        cache.append(SAYS.failed(), signer=OURS, vault=None)
    (kept / "cache.db").write_bytes(old)
    shutil.copytree(kept, folder)
    child = Child(APPENDING, (str(folder), "1", ""))
    for point in list(points(child, tmp_path / "trace", "kill")):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        promised = acknowledged(harmed(child, point).stdout)
        for _before_and_after_the_next_write in range(2):
            assert look(folder, MAIL).revoked, point
            assert look(folder, WEATHER).verification is None, point
            assert all(look(folder, tree).verification.record == record for tree, record in promised), point
            with Cache(folder, public=OURS.public, clock=Clock()) as cache:
                cache.append(SAYS.passed(digest("after")), signer=OURS, vault=None)
                assert cache.verify_all() == (), point


def test_killed_at_any_write_of_a_pruning(tmp_path):
    kept, folder = tmp_path / "kept", tmp_path / "state"
    with Cache(kept, public=OURS.public, clock=Clock()) as cache:
        for draft in (SAYS.passed(), SAYS.passed(), SAYS.accepted(MAIL), SAYS.revoked(MAIL), SAYS.passed()):
            cache.append(draft, signer=OURS, vault=None)
        answer = cache.find(WEATHER, POLICY)
    script = APPENDING.replace("    for draft in drafts:", "    cache.prune(NOW, signer=OURS)\n    for draft in []:")
    child = Child(script, (str(folder), "0", ""))
    shutil.copytree(kept, folder)
    for point in list(points(child, tmp_path / "trace", "kill")):
        shutil.rmtree(folder)
        shutil.copytree(kept, folder)
        harmed(child, point)
        assert look(folder, WEATHER) == answer, point
        assert look(folder, MAIL).revoked, point
        with Cache(folder, public=OURS.public, clock=Clock()) as cache:
            assert cache.verify_all() == (), point


# A journal that a killed writer left, without strace.

HALF_WRITTEN = """
import os, signal, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size=1")
database.execute("PRAGMA cache_spill=1")
database.execute("BEGIN IMMEDIATE")
database.execute("DELETE FROM record")
for number in range(100, 300):
    database.execute("INSERT INTO record VALUES (?, 'verification', 'x', 'y', zeroblob(5000))", (number,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def hot(template):
    """A database in the middle of somebody's transaction, with the journal that undoes it."""
    folder, first = template
    subprocess.run([sys.executable, "-c", HALF_WRITTEN, str(folder / "cache.db")], check=False)
    assert (folder / "cache.db-journal").stat().st_size > 512
    return folder, first


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_reader_rolls_back_what_a_killed_writer_left(hot):
    folder, (tree, record) = hot
    assert look(folder, tree).verification.record == record
    assert not (folder / "cache.db-journal").exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@pytest.mark.parametrize("use", ["verify_all", "entries", "append"])
def test_so_does_everything_else(hot, use):
    folder, (tree, record) = hot
    with Cache(folder, public=OURS.public, clock=Clock()) as cache:
        if use == "append":
            cache.append(SAYS.passed(MAIL), signer=OURS, vault=None)
        elif use == "entries":
            assert [entry.sequence for entry in cache.entries()] == [1]
        else:
            assert cache.verify_all() == ()
    assert look(folder, tree).verification.record == record


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_where_it_cannot_be_rolled_back_it_is_a_miss_with_a_notice(hot):
    with open_to_all() as folder:
        shutil.copytree(hot[0], folder)
        found, _ = answers_without_write_access(folder)
        assert found == "False unreadable"
        (folder / "cache.db-journal").chmod(0o600)
        (folder / "cache.db").chmod(0o600)
        assert look(folder, hot[1][0]).verification.record == hot[1][1]


# Somebody else holds the file.


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "IMMEDIATE"])
def test_a_held_database_is_a_miss_with_a_notice_never_an_exception(template, lock):
    folder, (tree, record) = template
    holder = sqlite3.connect(folder / "cache.db", isolation_level=None)
    holder.execute(f"BEGIN {lock}")
    with Cache(folder, public=OURS.public, clock=Clock(), patience_s=0.05) as cache:
        found = cache.find(tree, POLICY)
        if lock == "EXCLUSIVE":
            assert (found.verification, found.problem.code) == (None, ProblemCode.BUSY)
            assert found.problem.repairable
        else:
            assert found.verification.record == record
        holder.execute("ROLLBACK")
        holder.close()
        assert cache.find(tree, POLICY).verification.record == record


FULL_DISK = """
import resource, sys
from pathlib import Path
from support.signing import *
from openclaw_vt.errors import CacheError
from openclaw_vt.store.cache import Cache
with Cache(Path(sys.argv[1]), public=OURS.public, clock=Clock()) as cache:
    cache.append(SAYS.passed(), signer=OURS, vault=None)
    for limit in (0, 100, 600, 5000, 9000, 13000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            cache.append(SAYS.passed(MAIL), signer=OURS, vault=None)
            print("written", limit)
        except CacheError as error:
            found = cache.find(WEATHER, POLICY)
            assert found.verification or found.problem, limit
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    cache.append(SAYS.passed(MAIL), signer=OURS, vault=None)
    for tree in (WEATHER, MAIL):
        assert cache.find(tree, POLICY).verification, cache.find(tree, POLICY)
    assert cache.verify_all() == ()
    print("went on")
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size")
def test_a_disk_that_is_full_refuses_and_then_goes_on(tmp_path):
    done = Child(FULL_DISK, (str(tmp_path / "state"),)).run()
    assert done.stdout.splitlines()[-1:] == ["went on"], done.stderr
