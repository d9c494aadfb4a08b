"""`unchanged` says yes exactly when a whole reading would give the same entries and no gaps. It never hangs and never raises."""

from __future__ import annotations

import mmap
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.skill_trees import NOBODY, as_ordinary_user, reachable_folder, write

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.subject import Snapshot
from openclaw_vt.skill.reader import read
from openclaw_vt.skill.recheck import MAX_FILE_BYTES, Shape, shape_of, unchanged

pytestmark = pytest.mark.skipif(os.name != "posix", reason="elsewhere there are no directory descriptors, so nothing is compared")
NAME = st.sampled_from(["a", "b", "c.sh", "d e", "é", "猫.md", ".hidden", "__pycache__", "node_modules"])
PATH = st.lists(NAME, min_size=1, max_size=3).map("/".join)
TREE = st.dictionaries(PATH, st.tuples(st.binary(max_size=30), st.booleans()), min_size=1, max_size=6)


@contextmanager
def on_disk(tree: dict[str, tuple[bytes, bool]], empty: list[str]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "skill"
        files = {path: content for path, (content, _) in tree.items()}
        write(root, {"SKILL.md": b"# x", **files}, executable=tuple(path for path, (_, runs) in tree.items() if runs))
        for folder in empty:
            (root / folder).mkdir(parents=True, exist_ok=True)
        yield root


def fits(tree: dict[str, object], empty: list[str]) -> bool:
    """No name is a file and a folder at once."""
    return not any(f"{other}/".startswith(f"{path}/") for path in tree for other in (*tree, *empty) if other != path) and not (
        set(tree) & set(empty)
    )


def known(root: Path) -> tuple[Snapshot, Shape]:
    snapshot = read(root)
    shape = shape_of(snapshot)
    assert shape is not None
    return snapshot, shape


def same_on_a_whole_reading(root: Path, before: Snapshot) -> bool:
    try:
        now = read(root)
    except SkillUnreadable:
        return False
    return not now.gaps and now.archive is None and now.entries == before.entries


def quietly(path: Path, content: bytes) -> None:
    """Change a file in place, keeping its size and its times."""
    before = path.stat()
    with path.open("r+b") as file:
        file.write(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def through_memory(path: Path, content: bytes) -> None:
    before = path.stat()
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as view:
        view[:] = content
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def flipped(content: bytes) -> bytes:
    return bytes([content[0] ^ 1]) + content[1:]


def link_out(path: Path) -> None:
    """Put the very bytes behind a link that leads out of the skill."""
    outside = next(parent.parent for parent in path.parents if parent.name == "skill")
    path.symlink_to(path.rename(outside / "moved"))


def link_to_sibling(path: Path) -> None:
    path.rename(path.with_name("zzz"))
    path.symlink_to("zzz")


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    path.unlink()
    here = Path.cwd()
    os.chdir(path.parent)  # the name of a socket must be short
    try:
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(path.name)
    finally:
        os.chdir(here)


def swap_contents(path: Path) -> None:
    other = path.parents[0] / "zzz"
    other.write_bytes(b"swapped")
    other.replace(path)


MUTATIONS: dict[str, Callable[[Path], object]] = {
    "nothing": lambda path: None,
    "touched": lambda path: os.utime(path, (1, 1)),
    "rewritten-with-the-same-bytes": lambda path: path.write_bytes(path.read_bytes()),
    "replaced-by-an-equal-file": lambda path: shutil.copy2(path, path.parent / "zzz").replace(path),
    "readable-by-all": lambda path: path.chmod(path.stat().st_mode | 0o044),
    "byte-with-the-old-times": lambda path: quietly(path, flipped(path.read_bytes())),
    "byte-through-mmap": lambda path: through_memory(path, flipped(path.read_bytes())),
    "appended": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "cut": lambda path: os.truncate(path, path.stat().st_size - 1),
    "executable": lambda path: path.chmod(path.stat().st_mode ^ 0o111),
    "executable-for-others-alone": lambda path: path.chmod((path.stat().st_mode & ~0o111) | 0o001),
    "setuid": lambda path: path.chmod(path.stat().st_mode | 0o4000),
    "setgid": lambda path: path.chmod(path.stat().st_mode | 0o2010),
    "renamed": lambda path: path.rename(path.with_name("zzz")),
    "renamed-in-case": lambda path: path.rename(path.with_name(path.name.upper() + "Z")),
    "removed": lambda path: path.unlink(),
    "added": lambda path: (path.parent / "zzz").write_bytes(b""),
    "added-folder": lambda path: (path.parent / "zzz").mkdir(),
    "added-cache": lambda path: write(path.parent, {"zzz/__pycache__/m.pyc": b"no code"}),
    "file-becomes-folder": lambda path: (path.unlink(), path.mkdir()),
    "link-out": link_out,
    "link-inside": link_to_sibling,
    "fifo": fifo,
    "socket": unix_socket,
    "hard-link": lambda path: os.link(path, path.parent / "zzz"),
    "replaced": swap_contents,
}
NEEDS_BYTES = ("byte-with-the-old-times", "byte-through-mmap", "cut")


@pytest.mark.parametrize("name", MUTATIONS)
@given(tree=TREE, empty=st.lists(PATH, max_size=2), data=st.data())
@settings(max_examples=6)
def test_a_yes_means_what_a_whole_reading_says(name: str, tree, empty: list[str], data: st.DataObject):
    assume(fits(tree, empty))
    with on_disk(tree, empty) as root:
        before, shape = known(root)
        assert unchanged(str(root), shape)
        path = root / data.draw(st.sampled_from(sorted({"SKILL.md", *tree} if name not in NEEDS_BYTES else _with_bytes(tree))))
        MUTATIONS[name](path)
        assert unchanged(str(root), shape) is same_on_a_whole_reading(root, before)


def _with_bytes(tree: dict[str, tuple[bytes, bool]]) -> set[str]:
    return {"SKILL.md", *(path for path, (content, _) in tree.items() if content)}


ALWAYS_SEEN = set(MUTATIONS) - {
    "nothing",
    "touched",
    "rewritten-with-the-same-bytes",
    "replaced-by-an-equal-file",
    "readable-by-all",
}


@pytest.mark.parametrize("name", sorted(ALWAYS_SEEN))
@pytest.mark.parametrize("where", ["SKILL.md", "scripts/run.sh"])
def test_every_attack_is_a_no(tmp_path: Path, name: str, where: str):
    root = write(tmp_path / "skill", {"SKILL.md": "# x", "scripts/run.sh": "#!/bin/sh\n"}, executable=("scripts/run.sh",))
    _, shape = known(root)
    MUTATIONS[name](root / where)
    # Any one of the three bits makes a file executable, so one that keeps one of them is the same as before.
    assert unchanged(str(root), shape) is (name == "executable-for-others-alone" and where == "scripts/run.sh")


def replaced_by_link(root: Path) -> None:
    real = root.parent / "real"
    (root / "scripts").rename(real)
    (root / "scripts").symlink_to(real)


def replaced_by_link_inside(root: Path) -> None:
    (root / "scripts").rename(root / ".real")
    (root / "scripts").symlink_to(".real")


FOLDERS: dict[str, Callable[[Path], object]] = {
    "folder-becomes-a-link": replaced_by_link,
    "folder-becomes-a-link-inside": replaced_by_link_inside,
    "folder-becomes-a-file": lambda root: (shutil.rmtree(root / "scripts"), (root / "scripts").write_bytes(b"")),
    "folder-is-gone": lambda root: shutil.rmtree(root / "scripts"),
    "empty-folder-is-gone": lambda root: (root / "empty").rmdir(),
    "empty-folder-is-filled": lambda root: (root / "empty" / "x").write_bytes(b""),
    "everything-is-gone": shutil.rmtree,
    "the-skill-is-a-file": lambda root: (shutil.rmtree(root), root.write_bytes(b"# x")),
    "the-skill-is-a-fifo": lambda root: (shutil.rmtree(root), os.mkfifo(root)),
    "the-skill-is-a-link-to-itself": lambda root: (shutil.rmtree(root), root.symlink_to(root)),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders_are_held_to_what_they_were(tmp_path: Path, name: str):
    root = write(tmp_path / "skill", {"SKILL.md": "# x", "scripts/run.sh": "#!/bin/sh\n", "empty/": ""})
    before, shape = known(root)
    FOLDERS[name](root)
    assert not unchanged(str(root), shape)
    assert not same_on_a_whole_reading(root, before)


def test_the_named_path_may_be_a_link_as_for_a_reading(tmp_path: Path):
    root = write(tmp_path / "skill", {"SKILL.md": "# x"})
    before, shape = known(root)
    link = tmp_path / "link"
    link.symlink_to(root)
    assert unchanged(str(link), shape)
    assert same_on_a_whole_reading(link, before)
    other = write(tmp_path / "other", {"SKILL.md": "# y"})
    link.unlink()
    link.symlink_to(other)
    assert not unchanged(str(link), shape)


@pytest.mark.parametrize("path", ["", "/none/such", "a\0b", "/dev/null", "\udc80"])
def test_odd_paths_are_a_no(tmp_path: Path, path: str):
    _, shape = known(write(tmp_path / "skill", {"SKILL.md": "# x"}))
    assert not unchanged(path, shape)


def test_what_may_not_be_read_any_more_is_a_no():
    with reachable_folder() as folder:
        root = write(folder / "skill", {"SKILL.md": "# x", "more.md": "y"})
        _, shape = known(root)
        if os.geteuid() == 0:
            os.chown(root / "more.md", NOBODY + 1, -1)
        (root / "more.md").chmod(0o000)
        with as_ordinary_user():
            assert not unchanged(str(root), shape)


# The smallest file that Finder could have written: header, a root block of one address, and that block.
FINDER = (
    b"\0\0\0\1Bud1"
    + b"".join(number.to_bytes(4, "big") for number in (0x20, 0x20, 0x20))
    + bytes(16)
    + b"".join(number.to_bytes(4, "big") for number in (1, 0, 0x25))
    + bytes(52)
)
LEFT_TO_THE_READER: dict[str, Callable[[Path], object]] = {
    "a-link": lambda root: (root / "link").symlink_to("SKILL.md"),
    "a-link-out": lambda root: (root / "link").symlink_to("/etc/passwd"),
    "a-fifo": lambda root: os.mkfifo(root / "pipe"),
    "a-large-file": lambda root: (root / "large").write_bytes(b"\0" * (MAX_FILE_BYTES + 1)),
    "finders-leavings": lambda root: (root / ".DS_Store").write_bytes(FINDER),
    "setuid": lambda root: (root / "SKILL.md").chmod(0o4644),
}


@pytest.mark.parametrize("name", LEFT_TO_THE_READER)
def test_what_is_unusual_has_no_shape(tmp_path: Path, name: str):
    root = write(tmp_path / "skill", {"SKILL.md": "# x"})
    LEFT_TO_THE_READER[name](root)
    assert shape_of(read(root)) is None


def test_an_archive_has_no_shape(tmp_path: Path):
    write(tmp_path / "skill", {"SKILL.md": "# x"})
    assert shape_of(read(shutil.make_archive(str(tmp_path / "skill"), "zip", tmp_path / "skill"))) is None


def test_a_single_file_is_never_taken_for_a_folder(tmp_path: Path):
    file = tmp_path / "SKILL.md"
    file.write_bytes(b"# x")
    shape = shape_of(read(file))
    assert shape is None or not unchanged(str(file), shape)


def test_no_descriptor_is_left_open(tmp_path: Path):
    fds = Path("/dev/fd")
    if not fds.is_dir() or sys.platform == "darwin":
        pytest.skip("this system does not list descriptors")
    root = write(tmp_path / "skill", {"SKILL.md": "# x", "a/b/c/d.md": "y"})
    _, shape = known(root)
    (root / "a/b/c/d.md").write_bytes(b"z")
    before = len(list(fds.iterdir()))
    for _ in range(50):
        assert not unchanged(str(root), shape)
    assert len(list(fds.iterdir())) == before
