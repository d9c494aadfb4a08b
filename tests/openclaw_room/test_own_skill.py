"""Our own skill: put into OpenClaw's managed root, kept current, taken out; whatever else lies there stays as it is."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from support.skill_trees import digest

from openclaw_vt.analysis.category import categorise
from openclaw_vt.analysis.facts import Unread
from openclaw_vt.analysis.manifest import read_manifest
from openclaw_vt.analysis.read import read_facts
from openclaw_vt.analysis.rules import judge
from openclaw_vt.cli.parser import build
from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import own_skill
from openclaw_vt.openclaw.own_skill import folder_of, install_own_skill, remove_own_skill, shipped
from openclaw_vt.skill.reader import read

POSIX = pytest.mark.skipif(os.name == "nt", reason="links and modes as POSIX has them")
OLD = b"---\nname: openclaw-vt\n---\nAn earlier version of ours.\n"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "open claw é"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "ours"


@pytest.fixture
def place(state: Path) -> Path:
    return folder_of(state)


def put_earlier(monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, **more: bytes) -> None:
    """Install an earlier version, as an earlier version of this package did."""
    with monkeypatch.context() as patched:
        patched.setattr(own_skill, "shipped", lambda: {"SKILL.md": OLD, **more})
        assert install_own_skill(state, record).outcome == "written"


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- put in, kept current, taken out ---


def test_it_is_put_in_and_a_second_time_changes_nothing(state: Path, record: Path, place: Path):
    assert install_own_skill(state, record).outcome == "written"
    assert everything(place) == shipped()
    before = {path: path.stat().st_mtime_ns for path in (*place.rglob("*"), *record.rglob("*"))}
    assert install_own_skill(state, record).outcome == "unchanged"
    assert {path: path.stat().st_mtime_ns for path in (*place.rglob("*"), *record.rglob("*"))} == before


def test_removing_leaves_nothing_behind(state: Path, record: Path, tmp_path: Path):
    state.mkdir()
    record.mkdir()
    install_own_skill(state, record)
    assert remove_own_skill(state, record).outcome == "removed"
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == [state.name, record.name]
    assert remove_own_skill(state, record).outcome == "absent"


def test_the_root_of_skills_stays_when_it_was_there_before(state: Path, record: Path, place: Path):
    place.parent.mkdir(parents=True)
    install_own_skill(state, record)
    remove_own_skill(state, record)
    assert list(place.parent.iterdir()) == []


def test_an_earlier_version_of_ours_is_replaced_and_its_further_files_go(
    monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path
):
    put_earlier(monkeypatch, state, record, **{"notes.md": b"gone by now"})
    assert install_own_skill(state, record).outcome == "written"
    assert everything(place) == shipped()


def test_an_earlier_version_is_removed_too(monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path):
    put_earlier(monkeypatch, state, record)
    assert remove_own_skill(state, record).outcome == "removed"
    assert not place.exists()


def test_after_a_crash_between_record_and_file_the_file_is_still_ours(
    monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path
):
    put_earlier(monkeypatch, state, record)

    def crashes(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(own_skill, "make_private_folder", crashes)
        with pytest.raises(ConfigError):
            install_own_skill(state, record)
    assert everything(place) == {"SKILL.md": OLD}
    assert install_own_skill(state, record).outcome == "written"
    assert everything(place) == shipped()


def test_what_a_killed_writer_left_is_swept_and_blocks_nothing(
    monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path
):
    put_earlier(monkeypatch, state, record)
    (place / ".SKILL.md.4711-0badcafe.new").write_bytes(b"half")
    assert install_own_skill(state, record).outcome == "written"
    assert everything(place) == shipped()
    (place / ".SKILL.md.4711-0badcafe.new").write_bytes(b"half")
    assert remove_own_skill(state, record).outcome == "removed"
    assert not place.exists()


def test_our_own_bytes_without_a_record_are_taken_for_ours(state: Path, record: Path, place: Path):
    install_own_skill(state, record)
    for note in record.rglob("*.json"):
        note.unlink()
    assert install_own_skill(state, record).outcome == "unchanged"
    assert list(record.rglob("*.json")), "and it is noted again"


def test_two_openclaws_have_a_note_each(tmp_path: Path, record: Path):
    one, two = tmp_path / "one", tmp_path / "two"
    install_own_skill(one, record)
    install_own_skill(two, record)
    remove_own_skill(one, record)
    assert install_own_skill(two, record).outcome == "unchanged"
    assert not one.joinpath("skills").exists()


# --- somebody else's ---


def test_a_skill_of_somebody_else_by_that_name_is_left_alone(state: Path, record: Path, place: Path):
    place.mkdir(parents=True)
    (place / "SKILL.md").write_bytes(b"mine")
    for _ in range(2):
        done = install_own_skill(state, record)
        assert (done.outcome, bool(done.why)) == ("left", True)
    assert remove_own_skill(state, record).outcome == "left"
    assert everything(place) == {"SKILL.md": b"mine"}


def test_what_a_person_changed_is_theirs(monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path):
    put_earlier(monkeypatch, state, record)
    (place / "SKILL.md").write_bytes(OLD + b"my own line")
    assert install_own_skill(state, record).outcome == "left"
    assert remove_own_skill(state, record).outcome == "left"
    assert everything(place) == {"SKILL.md": OLD + b"my own line"}


def test_a_file_that_somebody_added_stops_an_update_and_outlives_removal(
    monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path
):
    put_earlier(monkeypatch, state, record)
    (place / "mine.txt").write_bytes(b"mine")
    assert install_own_skill(state, record).outcome == "left"
    assert everything(place) == {"SKILL.md": OLD, "mine.txt": b"mine"}
    assert remove_own_skill(state, record).outcome == "left"
    assert everything(place) == {"mine.txt": b"mine"}


@POSIX
@pytest.mark.parametrize("link", ["folder", "file", "dangling"])
def test_nothing_is_written_or_removed_through_a_link(state: Path, record: Path, place: Path, tmp_path: Path, link: str):
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "SKILL.md").write_bytes(b"theirs")
    place.parent.mkdir(parents=True)
    if link == "folder":
        place.symlink_to(target)
    else:
        place.mkdir()
        (place / "SKILL.md").symlink_to(target / ("SKILL.md" if link == "file" else "nothing"))
    assert install_own_skill(state, record).outcome == "left"
    assert remove_own_skill(state, record).outcome == "left"
    assert everything(target) == {"SKILL.md": b"theirs"}


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"no json",
        b"[]",
        b'{"files": []}',
        b'{"files": {"SKILL.md": 7}, "madeRoot": true}',
        b'{"files": {"SKILL.md": []}, "madeRoot": "yes"}',
    ],
)
def test_a_broken_note_knows_nothing_and_breaks_nothing(
    monkeypatch: pytest.MonkeyPatch, state: Path, record: Path, place: Path, note: bytes
):
    put_earlier(monkeypatch, state, record)
    (path,) = record.rglob("*.json")
    path.write_bytes(note)
    assert install_own_skill(state, record).outcome == "left"
    assert everything(place) == {"SKILL.md": OLD}


def test_a_forged_note_reaches_no_other_folder(state: Path, record: Path, place: Path):
    install_own_skill(state, record)
    victim = place.parent / "victim.txt"
    victim.write_bytes(b"keep me")
    (path,) = record.rglob("*.json")
    body = json.loads(path.read_bytes())
    body["files"] |= {"../victim.txt": [own_skill._sha256(b"keep me")], str(victim): [own_skill._sha256(b"keep me")]}
    path.write_text(json.dumps(body))
    remove_own_skill(state, record)
    assert victim.read_bytes() == b"keep me"


def test_a_file_in_the_place_of_the_root_is_an_error_with_a_remedy(state: Path, record: Path, place: Path):
    state.mkdir()
    place.parent.write_bytes(b"in the way")
    for act in (install_own_skill, remove_own_skill):
        with pytest.raises(ConfigError, match="setup"):
            act(state, record)
    assert place.parent.read_bytes() == b"in the way"


@POSIX
@pytest.mark.parametrize("mask", [0o000, 0o077, 0o777])
def test_an_odd_umask_opens_nothing(state: Path, record: Path, place: Path, mask: int):
    before = os.umask(mask)
    try:
        install_own_skill(state, record)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o600}
    assert place.stat().st_mode & 0o777 == 0o700


# --- what it says ---


@pytest.fixture
def text() -> str:
    return shipped()["SKILL.md"].decode()


def test_our_own_scanner_has_nothing_to_say_about_it(state: Path, record: Path, place: Path):
    install_own_skill(state, record)
    snapshot = read(place)
    manifest, facts = read_manifest(snapshot), tuple(read_facts(snapshot))
    assert (snapshot.gaps, manifest.problems, list(judge(facts))) == ((), (), [])
    assert not [fact for fact in facts if isinstance(fact, Unread)]
    assert (manifest.name, manifest.bins) == ("openclaw-vt", ("openclaw-vt",))
    assert categorise(manifest).risk == "medium"
    assert digest(place)


def test_openclaw_reads_its_metadata_from_one_line(text: str):
    (line,) = re.findall(r"^metadata: (.+)$", text.split("---")[1], flags=re.MULTILINE)
    assert json.loads(line)["openclaw"]["requires"] == {"bins": ["openclaw-vt"]}


def test_it_names_only_commands_that_are_there_and_only_read(text: str):
    named = re.findall(r"`openclaw-vt ([^`]+)`", text)
    assert named
    for line in named:
        args = build().parse_args(line.replace("PATH", "/x").split())
        assert args.run.__module__.rpartition(".")[2] in ("scan", "verify", "audit", "cache", "doctor")
    written = {"accept", "setup", "key", "config", "install", "--fix", "prune", "import", "--upload", "--no-input"}
    assert not {word for line in named for word in line.split()} & written


def test_it_says_that_approving_is_the_persons_own_act_and_hands_over_no_way_to_do_it(text: str):
    plain = " ".join(text.replace("*", "").split())
    assert "Approving a skill is the user's own act, in their own terminal or in OpenClaw's approval prompt." in plain
    assert "Never try it for them." in plain
    assert "wait for the user's yes" in plain
    assert "openclaw-vt accept" not in text
    assert "acknowledge-install-policy" not in text
