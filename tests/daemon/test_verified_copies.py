"""Verified copies: exactly the bytes that were checked, in a place where a swap of the original changes nothing."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import pytest
from support.daemon_client import Warm, eventually, mode
from support.skill_trees import digest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the protocol runs over stdio")

CRAMPED = """
import resource, signal, sys
from openclaw_vt.cli import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
main(sys.argv[1:])
"""


def files(name: str) -> dict[str, bytes]:
    return {
        "SKILL.md": f"---\nname: {name}\ndescription: A skill.\n---\nHello.\n".encode(),
        "scripts/run.sh": b"#!/bin/sh\ntrue\n",
        "data/é 猫.txt": b"\0\xff binary \r\n",
    }


def known(machine: Warm, name: str) -> Path:
    folder = machine.skill(name, files(name))
    (folder / "empty").mkdir()
    machine.accept(folder)
    return folder


def copied(machine: Warm, folder: Path) -> Path:
    answer = machine.use(folder, copy=True)
    assert answer["answer"] == "pass"
    return Path(answer["copy"])


def test_a_copy_holds_exactly_the_bytes_and_is_read_only_and_elsewhere(shared: Warm):
    folder = known(shared, "exact")
    copy = copied(shared, folder)
    assert digest(copy) == digest(folder)
    assert copy.name == "exact"
    assert copy.is_relative_to(shared.state / "copies")
    assert not copy.is_relative_to(folder)
    modes = {path.relative_to(copy).as_posix(): mode(path) for path in copy.rglob("*")}
    assert modes == {
        "SKILL.md": 0o400,
        "data": 0o500,
        "data/é 猫.txt": 0o400,
        "empty": 0o500,
        "scripts": 0o500,
        "scripts/run.sh": 0o500,
    }
    assert mode(copy) == 0o500
    assert mode(shared.state / "copies") == 0o700
    assert all(path.stat().st_nlink == 1 for path in copy.rglob("*") if path.is_file()), "no hard link to the original"


def test_nobody_gets_a_copy_who_did_not_ask(shared: Warm):
    folder = known(shared, "unasked")
    for asked in (False, None, "true", 1):
        assert "copy" not in shared.use(folder, copy=asked)
    assert not (shared.state / "copies" / shared.subject(folder).tree).exists()


def test_the_second_use_takes_the_same_copy(shared: Warm):
    folder = known(shared, "again")
    copy = copied(shared, folder)
    before = (copy / "SKILL.md").stat()
    assert copied(shared, folder) == copy
    assert (copy / "SKILL.md").stat().st_ino == before.st_ino


def test_swapping_the_original_afterwards_changes_nothing(shared: Warm):
    folder = known(shared, "swapped")
    good = (folder / "scripts/run.sh").read_bytes()
    copy = copied(shared, folder)
    (folder / "scripts/run.sh").write_bytes(b"#!/bin/sh\nevil\n")
    assert (copy / "scripts/run.sh").read_bytes() == good
    assert shared.use(folder, copy=True)["answer"] == "ask"
    shutil.rmtree(folder)
    assert (copy / "scripts/run.sh").read_bytes() == good


def rewrite(copy: Path, outside: Path) -> None:
    target = copy / "scripts/run.sh"
    target.chmod(0o700)
    target.write_bytes(b"#!/bin/sh\nevil\n")
    target.chmod(0o500)


def add(copy: Path, outside: Path) -> None:
    copy.chmod(0o700)
    (copy / "more.sh").write_bytes(b"evil\n")


def remove(copy: Path, outside: Path) -> None:
    (copy / "scripts").chmod(0o700)
    (copy / "scripts/run.sh").unlink()


def empty(copy: Path, outside: Path) -> None:
    for folder in [copy, *copy.rglob("*/")]:
        folder.chmod(0o700)
    shutil.rmtree(copy)


def become_a_file(copy: Path, outside: Path) -> None:
    empty(copy, outside)
    copy.write_bytes(b"evil")


def become_a_link(copy: Path, outside: Path) -> None:
    """The very bytes, behind a link to a place where they can be changed a moment later."""
    shutil.copytree(copy, outside / "same")
    empty(copy, outside)
    copy.symlink_to(outside / "same")


def become_a_link_above(copy: Path, outside: Path) -> None:
    shutil.copytree(copy.parent, outside / "above")
    empty(copy, outside)
    copy.parent.rmdir()
    copy.parent.symlink_to(outside / "above")


@pytest.mark.parametrize(
    "tamper",
    [rewrite, add, remove, empty, become_a_file, become_a_link, become_a_link_above],
    ids=lambda tamper: tamper.__name__.replace("_", "-"),
)
def test_a_copy_that_was_tampered_with_is_made_anew(shared: Warm, tmp_path: Path, tamper):
    folder = known(shared, f"tampered-{tamper.__name__}")
    copy = copied(shared, folder)
    tamper(copy, tmp_path)
    again = shared.use(folder, copy=True)
    assert again["answer"] == "pass"
    assert again["copy"] == str(copy)
    assert not copy.is_symlink()
    assert not copy.parent.is_symlink()
    assert digest(copy) == digest(folder)
    assert mode(copy / "scripts/run.sh") == 0o500


def test_two_skills_with_the_same_bytes_and_other_names_each_get_theirs(shared: Warm):
    folder = known(shared, "name-one")
    other = folder.with_name("name-two")
    shutil.copytree(folder, other)
    first, second = copied(shared, folder), copied(shared, other)
    assert (first.name, second.name) == ("name-one", "name-two")
    assert digest(first) == digest(second) == digest(folder)


@pytest.mark.parametrize("target", ["SKILL.md", "/etc/hostname", "nowhere"])
def test_a_skill_with_links_has_no_copy(shared: Warm, target: str):
    folder = known(shared, f"links-{len(target)}")
    (folder / "link").symlink_to(target)
    shared.accept(folder)
    answer = shared.use(folder, copy=True)
    assert (answer["answer"], answer["copy"]) == ("pass", None)


def test_what_running_left_behind_is_not_copied(shared: Warm):
    folder = shared.skill("ran", {"SKILL.md": b"---\nname: ran\n---\nx\n", "main.py": b"import other\n", "other.py": b"X = 1\n"})
    shared.accept(folder)
    done = shared.run(str(folder / "main.py"), prefix=(sys.executable,))
    assert done.code == 0, done.text
    assert list(folder.rglob("*.pyc"))
    copy = copied(shared, folder)
    assert not list(copy.rglob("*.pyc"))
    assert shared.use(folder)["answer"] == "pass"


@pytest.mark.parametrize("what", ["file", "loose", "link"])
def test_where_no_copy_can_be_kept_there_is_none_and_the_use_still_passes(warm: Warm, tmp_path: Path, what: str):
    folder = known(warm, "none")
    place = warm.state / "copies"
    if what == "file":
        place.write_bytes(b"")
    elif what == "loose":
        place.mkdir()
        place.chmod(0o777)
    else:
        (tmp_path / "open").mkdir()
        (tmp_path / "open").chmod(0o777)
        place.symlink_to(tmp_path / "open")
    answer = warm.use(folder, copy=True)
    assert (answer["answer"], answer["copy"]) == ("pass", None)
    assert what != "link" or not list((tmp_path / "open").iterdir())


def test_a_full_disk_makes_no_copy_and_no_half_of_one(machine: Warm):
    folder = machine.skill("large", files("large") | {"data/large.bin": os.urandom(300_000)})
    machine.accept(folder)
    child = machine.start("daemon", "--foreground", prefix=(sys.executable, "-c", CRAMPED))
    machine.pids.add(child.pid)
    eventually((machine.state / "daemon.json").exists, "the daemon")
    answer = machine.use(folder, copy=True)
    assert (answer["answer"], answer["copy"]) == ("pass", None)
    machine.ask("stop")
    child.communicate(timeout=60)
    assert not (machine.state / "copies" / machine.subject(folder).tree).exists()


def test_old_copies_are_swept_at_the_start_and_used_ones_stay(machine: Warm):
    kept, dropped = known(machine, "kept"), known(machine, "dropped")
    machine.up()
    places = {folder: copied(machine, folder).parent for folder in (kept, dropped)}
    leftover = machine.state / "copies" / "x.123.new"
    leftover.mkdir()
    precious = machine.root / "precious"
    precious.mkdir()
    (machine.state / "copies" / "link").symlink_to(precious)
    machine.run("daemon", "--stop")
    long_ago = time.time() - 3 * 86_400
    for place in (places[dropped], leftover, precious):
        os.utime(place, (long_ago, long_ago))
    machine.up()
    eventually(lambda: not places[dropped].exists() and not leftover.exists(), "the sweep")
    assert places[kept].exists()
    assert precious.exists()


def test_a_copy_that_is_not_asked_about_is_offered_after_a_judgement_too(shared: Warm):
    folder = shared.skill("judged", {"SKILL.md": b"---\nname: judged\ndescription: d\n---\nHello.\n", "run.sh": b"true\n"})
    shared.know(folder)
    assert digest(copied(shared, folder)) == digest(folder)
