from __future__ import annotations

import hashlib
import io
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.skill_trees import digest, ds_store, write

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.subject import Entry, Snapshot
from openclaw_vt.skill.bundle import bundle_digest, canonical_zip
from openclaw_vt.skill.limits import Limits
from openclaw_vt.skill.reader import read

FILES = {"SKILL.md": "# Weather\n", "scripts/run.sh": "#!/bin/sh\n", "猫/é.md": "x" * 1_000, "empty.txt": ""}


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    return write(tmp_path / "weather", FILES, executable=("scripts/run.sh",))


def test_the_bundle_never_changes_its_form() -> None:
    entry = Entry("SKILL.md", "file", 4, sha256=hashlib.sha256(b"# x\n").hexdigest(), data=b"# x\n")
    # Pinned: VirusTotal knows a skill by this digest, so a change of form would forget every skill it has seen.
    assert bundle_digest(Snapshot((entry,))) == "7a207d78503dbad415c28e6b1718beea78cc1128464be97a15fa8b3e28b5f50a"


def test_the_digest_is_that_of_the_bytes_and_does_not_depend_on_the_order(skill: Path) -> None:
    snapshot = read(skill)
    assert bundle_digest(snapshot) == hashlib.sha256(canonical_zip(snapshot)).hexdigest()
    assert bundle_digest(Snapshot(snapshot.entries[::-1])) == bundle_digest(snapshot)


def test_python_reads_it(skill: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(canonical_zip(read(skill)))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == sorted(FILES, key=lambda name: name.encode())
        assert {name: archive.read(name).decode() for name in archive.namelist()} == FILES
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert modes["scripts/run.sh"] == 0o100755
    assert modes["SKILL.md"] == 0o100644


def test_unzip_and_our_own_reader_read_it(skill: Path, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(canonical_zip(read(skill)))
    assert digest(tmp_path / "a.zip") == digest(skill)
    try:
        done = subprocess.run(["unzip", "-tq", tmp_path / "a.zip"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("unzip is not installed")
    assert done.returncode == 0


@given(st.dictionaries(st.text("abé猫\udcff/", min_size=1, max_size=8), st.binary(max_size=50), max_size=5))
@settings(deadline=None)
def test_any_names_and_bytes_come_back(files: dict[str, bytes]) -> None:
    entries = tuple(Entry(path, "file", len(data), sha256=None, data=data) for path, data in files.items())
    with zipfile.ZipFile(io.BytesIO(canonical_zip(Snapshot(entries)))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.read(info) for info in archive.infolist()) == sorted(files.values())


def test_only_content_is_in_it(skill: Path) -> None:
    before = bundle_digest(read(skill))
    write(skill, {".DS_Store": ds_store(), "nothing/": ""})
    assert bundle_digest(read(skill)) == before


def test_a_file_that_was_not_kept_leaves_no_bundle(skill: Path) -> None:
    snapshot = read(skill, limits=Limits(max_kept_file_bytes=100))
    for build in (bundle_digest, canonical_zip):
        with pytest.raises(SkillUnreadable, match="too large to be kept"):
            build(snapshot)


def test_what_a_plain_zip_cannot_hold_leaves_no_bundle() -> None:
    many = Snapshot(tuple(Entry(str(number), "file", data=b"") for number in range(65_535)))
    huge = Snapshot((Entry("a", "file", 1 << 32, data=b""),))
    for snapshot in (many, huge):
        with pytest.raises(SkillUnreadable, match="too large to be bundled"):
            bundle_digest(snapshot)
