"""The tree digest: any change of what counts changes it, nothing else does, and it does not depend on the packaging."""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.children import run
from support.skill_trees import RawZip, digest, tarred, zipped

from openclaw_vt.model.subject import Entry, Snapshot, tree_digest
from openclaw_vt.skill import folders
from openclaw_vt.skill.reader import read

NAME = st.text("abcdefgh_-.é猫", min_size=1, max_size=5).filter(lambda name: name.strip(".") == name)
CONTENT = st.binary(max_size=40)
FILE = st.tuples(CONTENT, st.booleans())
Tree = dict[str, tuple[bytes, bool]]
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs modes")


def _fits(tree: Tree) -> bool:
    """No name is a file and a folder at once, none is empty of parts."""
    return not any(other.startswith(path + "/") for path in tree for other in tree)


TREE = st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map("/".join), FILE, min_size=1, max_size=6).filter(_fits)


@contextmanager
def on_disk(tree: Tree) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "skill"
        root.mkdir()
        for path, (content, executable) in {"SKILL.md": (b"# x", False), **tree}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
            (root / path).chmod(0o755 if executable else 0o644)
        yield root


@given(TREE)
@settings(deadline=None, max_examples=40)
@posix_only
def test_a_copy_a_zip_and_a_tar_have_the_same_digest(tree: Tree) -> None:
    with on_disk(tree) as root:
        expected = digest(root)
        assert digest(Path(shutil.copytree(root, root.parent / "copy"))) == expected
        assert digest(zipped(root, root.parent / "a.zip")) == expected
        assert digest(tarred(root, root.parent / "a.tgz")) == expected
        assert digest(tarred(root, root.parent / "a.tar", mode="w", form=tarfile.GNU_FORMAT)) == expected


@given(TREE, st.data())
@settings(deadline=None, max_examples=60)
@posix_only
def test_any_change_changes_the_digest(tree: Tree, data: st.DataObject) -> None:
    with on_disk(tree) as root:
        before = digest(root)
        path = root / data.draw(st.sampled_from(sorted(tree)))
        change = data.draw(st.sampled_from(["byte", "append", "exec", "remove", "rename", "add", "empty folder", "link"]))
        content = path.read_bytes()
        if change == "byte":
            assume(content)
            at = data.draw(st.integers(0, len(content) - 1))
            path.write_bytes(content[:at] + bytes([content[at] ^ data.draw(st.integers(1, 255))]) + content[at + 1 :])
        elif change == "append":
            path.write_bytes(content + b"\n")
        elif change == "exec":
            path.chmod(path.stat().st_mode ^ 0o111)
        elif change == "remove":
            path.unlink()
        elif change == "rename":
            path.rename(path.with_name("zzz"))
        elif change == "add":
            (path.parent / "zzz").write_bytes(content)
        elif change == "empty folder":
            (path.parent / "zzz").mkdir()
        else:
            path.unlink()
            path.symlink_to("zzz")
            (path.parent / "zzz").write_bytes(content)
        assert digest(root) != before


@given(TREE)
@settings(deadline=None, max_examples=40)
@posix_only
def test_both_ways_into_a_folder_read_the_same(tree: Tree) -> None:
    with on_disk(tree) as root, pytest.MonkeyPatch.context() as patch:
        snapshots = []
        for descriptors in (True, False):
            patch.setattr(folders, "HAS_DESCRIPTORS", descriptors)
            snapshots.append(read(root))
        assert snapshots[0] == snapshots[1]


@given(st.lists(st.tuples(st.sampled_from("fdl"), NAME, CONTENT, st.booleans()), max_size=4, unique_by=lambda item: item[1]))
@settings(deadline=None)
def test_two_different_trees_never_share_a_digest(items: list[tuple[str, str, bytes, bool]]) -> None:
    import hashlib

    def entry(kind: str, name: str, content: bytes, executable: bool) -> Entry:
        if kind == "f":
            return Entry(name, "file", len(content), executable, hashlib.sha256(content).hexdigest(), content)
        return Entry(name, "directory") if kind == "d" else Entry(name, "link", target=content.hex())

    entries = tuple(entry(*item) for item in items)
    seen = {tree_digest(entries)}
    for index in range(len(entries)):
        seen.add(tree_digest(entries[:index] + entries[index + 1 :]))
    assert len(seen) == len(entries) + 1
    assert tree_digest(entries) == tree_digest(entries[::-1])


@posix_only
def test_entries_are_sorted_by_their_raw_bytes(tmp_path: Path) -> None:
    try:
        for name in (b"z", b"\xff", b"\xc3\xa9", b"\xf0\x9f\x8c\x8d", b"a/b", b"a.b", b"a"):
            path = tmp_path / os.fsdecode(name)
            if name == b"a":
                (tmp_path / "a" / "c").touch()
            else:
                path.parent.mkdir(exist_ok=True)
                path.touch()
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    raw = [entry.raw_path for entry in read(tmp_path).entries]
    assert raw == sorted(raw)
    assert len(raw) == 7


@posix_only
@pytest.mark.parametrize("locale", [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"LC_ALL": "C.UTF-8"}])
def test_the_locale_changes_nothing(locale: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "é猫.md").write_bytes(b"x")
    code = (
        "import sys; from openclaw_vt.skill.reader import read; from openclaw_vt.model.subject import tree_digest;"
        "s = read(sys.argv[1]); print(tree_digest(s.entries), len(s.gaps))"
    )
    assert run(code, str(tmp_path), environ=locale).split() == [digest(tmp_path), "0"]


def test_a_snapshot_with_gaps_still_names_its_bytes() -> None:
    assert tree_digest(Snapshot(()).entries) == tree_digest(())


def test_the_reader_imports_nothing_heavy() -> None:
    vocabulary = run("import sys, openclaw_vt.model.subject; print(*sys.modules)").split()
    loaded = run("import sys, openclaw_vt.skill.reader; print(*sys.modules)").split()
    added = set(loaded) - set(vocabulary)
    assert {name for name in added if not name.startswith("openclaw_vt")} <= {"errno", "__future__"}


def test_the_module_list_of_a_plain_skill_stays_short(tmp_path: Path) -> None:
    (tmp_path / "SKILL.md").write_bytes(b"# x")
    code = "import sys; from openclaw_vt.skill.reader import read; read(sys.argv[1]); print(*sys.modules)"
    loaded = set(run(code, str(tmp_path)).split())
    lazy = ("archive", "zips", "tars", "byproducts", "pyc", "interpreters", "links", "bundle", "records", "marshal_form")
    assert not loaded & {f"openclaw_vt.skill.{name}" for name in lazy}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads the peak memory of Linux")
def test_a_large_file_is_hashed_without_growing(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        file.truncate(300 << 20)
    code = """
import resource, sys
from openclaw_vt.skill.reader import read
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
entry, = read(sys.argv[1]).entries
print(peak() - before, entry.size, entry.data)
"""
    grown, size, data = run(code, str(tmp_path)).split()
    assert int(grown) < 16 << 10
    assert (size, data) == (str(300 << 20), "None")


def test_a_zip_of_nothing_but_the_skill_is_the_skill(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a/SKILL.md").write_bytes(b"x")
    (tmp_path / "b.zip").write_bytes(RawZip().add(b"SKILL.md").bytes())
    assert digest(tmp_path / "a") == digest(tmp_path / "b.zip")
