"""The roster: what our key signed about this moment, or nothing."""

from __future__ import annotations

import marshal
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.signing import OURS, THEIRS

from openclaw_vt.attestation.dsse import pae
from openclaw_vt.daemon import roster
from openclaw_vt.daemon.roster import Entry, Ground
from openclaw_vt.model.subject import Digest, SkillRef, identify
from openclaw_vt.skill.reader import read
from openclaw_vt.skill.recheck import shape_of, unchanged

NOW = Ground("head", Digest("0" * 64), 1_000_000)
FILES = {"SKILL.md": b"# one", "scripts/run.sh": b"echo", "scripts/deep/er/a b \xe7\x8c\xab.py": b"", "empty.txt": b""}


def entry(folder: Path, until: int | None = None) -> Entry:
    for name, data in FILES.items():
        path = folder / name if name.isascii() else folder / name.encode("latin-1").decode()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "scripts/run.sh").chmod(0o755)
    (folder / "nothing in it").mkdir(exist_ok=True)
    snapshot = read(str(folder))
    shape = shape_of(snapshot)
    assert shape is not None
    return Entry(identify(snapshot, SkillRef(folder.name, str(folder))), shape, until)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


def test_what_was_written_is_read_and_still_fits_the_bytes(state: Path, tmp_path: Path):
    entries = [entry(tmp_path / "one"), entry(tmp_path / "two\nlines", until=NOW.time)]
    roster.save(str(state), NOW, entries, OURS)
    found = roster.load(str(state), OURS.public, NOW)
    assert found == {item.subject.ref.path: item for item in entries}
    assert all(unchanged(path, item.shape) for path, item in found.items())
    assert (state / roster.NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "ground",
    [replace(NOW, head="another"), replace(NOW, policy=Digest("1" * 64)), replace(NOW, time=NOW.time - 1)],
    ids=["cache went on", "other policy", "clock went back"],
)
def test_another_moment_is_another_matter(state: Path, tmp_path: Path, ground: Ground):
    roster.save(str(state), NOW, [entry(tmp_path / "one")], OURS)
    assert roster.load(str(state), OURS.public, ground) == {}


def test_a_yes_that_has_ended_is_left_out(state: Path, tmp_path: Path):
    roster.save(str(state), NOW, [entry(tmp_path / "one", until=NOW.time - 1), entry(tmp_path / "two")], OURS)
    assert list(roster.load(str(state), OURS.public, NOW)) == [str(tmp_path / "two")]


def test_nobody_elses_signature_counts(state: Path, tmp_path: Path):
    roster.save(str(state), NOW, [entry(tmp_path / "one")], THEIRS)
    assert roster.load(str(state), OURS.public, NOW) == {}
    assert roster.load(str(state), None, NOW) == {}


def test_a_signature_over_something_else_of_ours_does_not_count(state: Path, tmp_path: Path):
    roster.save(str(state), NOW, [entry(tmp_path / "one")], OURS)
    payload = (state / roster.NAME).read_bytes().partition(b"\n")[2]
    other = OURS.sign(pae("application/vnd.in-toto+json", payload)).hex().encode()
    (state / roster.NAME).write_bytes(other + b"\n" + payload)
    assert roster.load(str(state), OURS.public, NOW) == {}


def test_any_flipped_bit_takes_all_of_it_away(state: Path, tmp_path: Path):
    roster.save(str(state), NOW, [entry(tmp_path / "one")], OURS)
    good = (state / roster.NAME).read_bytes()
    whole = roster.load(str(state), OURS.public, NOW)

    @given(st.integers(0, len(good) - 1), st.integers(0, 7))
    @settings(max_examples=200)
    def flipped(place: int, bit: int) -> None:
        raw = bytearray(good)
        raw[place] ^= 1 << bit
        (state / roster.NAME).write_bytes(raw)
        # The signature in capital letters is the same signature.
        expected = whole if bytes(raw).lower() == good.lower() and place < good.index(b"\n") else {}
        assert roster.load(str(state), OURS.public, NOW) == expected

    assert whole
    flipped()


@pytest.mark.parametrize(
    "body", [None, 7, (), ((1, 2), []), (("head", "0" * 64, 0), [(1,)]), (("head", "0" * 64, 0), [("p",) * 7])]
)
def test_a_signed_body_of_another_shape_is_no_crash(state: Path, body: object):
    payload = marshal.dumps(body)
    (state / roster.NAME).write_bytes(OURS.sign(pae(roster.TYPE, payload)).hex().encode() + b"\n" + payload)
    assert roster.load(str(state), OURS.public, NOW) == {}


@pytest.mark.parametrize("raw", [b"", b"\n", b"zz\nx", b"00" * 64 + b"\n" + b"x" * 100, b"\xff" * 50])
def test_garbage_is_no_roster(state: Path, raw: bytes):
    (state / roster.NAME).write_bytes(raw)
    assert roster.load(str(state), OURS.public, NOW) == {}
