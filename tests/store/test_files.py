from __future__ import annotations

import os
import stat

import pytest

from openclaw_vt.store import files

POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")


def test_a_file_is_replaced_whole_and_privately(tmp_path):
    path = tmp_path / "f"
    files.replace(path, [b"one", b"two"])
    files.replace(path, [b"three"])
    assert path.read_bytes() == b"three"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]
    if os.name != "nt":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "f"
    files.replace(path, [b"old"])

    def breaking():
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.replace(path, breaking())
    assert path.read_bytes() == b"old"
    assert [item.name for item in tmp_path.iterdir()] == ["f"]


@POSIX
def test_a_link_in_the_place_of_the_file_is_replaced_not_followed(tmp_path):
    (tmp_path / "victim").write_bytes(b"mine")
    (tmp_path / "f").symlink_to(tmp_path / "victim")
    files.replace(tmp_path / "f", [b"new"])
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "f").is_symlink()


def test_leftovers_of_killed_writers_are_swept_and_nothing_else(tmp_path):
    for name in ("head.json.12-ab.new", "head.json", "head.json.set-aside-1", "other.new"):
        (tmp_path / name).touch()
    files.sweep(tmp_path / "head.json")
    assert sorted(item.name for item in tmp_path.iterdir()) == ["head.json", "head.json.set-aside-1", "other.new"]


def test_reading_knows_absent_from_empty(tmp_path):
    assert files.read(tmp_path / "no", limit=9) is None
    files.create(tmp_path / "f")
    assert files.read(tmp_path / "f", limit=9) == b""


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 200_000])
def test_a_file_up_to_the_limit_is_read_whole(tmp_path, size):
    (tmp_path / "f").write_bytes(b"x" * size)
    assert files.read(tmp_path / "f", limit=size) == b"x" * size
    if size:
        with pytest.raises(files.NotPlain, match="larger"):
            files.read(tmp_path / "f", limit=size - 1)


@pytest.mark.parametrize("kind", ["directory", "symlink", "fifo", "socket"])
def test_what_is_no_plain_file_is_not_read_and_does_not_hang(tmp_path, kind):
    path = tmp_path / "f"
    if kind == "directory":
        path.mkdir()
    elif os.name == "nt":
        pytest.skip("needs a privilege on Windows")
    elif kind == "symlink":
        path.symlink_to("/etc/passwd")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        os.mknod(path, stat.S_IFSOCK | 0o600)
    with pytest.raises(OSError, match=r"link|regular|No such device"):
        files.read(path, limit=9999)
    with pytest.raises(files.NotPlain):
        files.found(path)


def test_creating_leaves_what_is_there(tmp_path):
    (tmp_path / "f").write_bytes(b"mine")
    files.create(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == b"mine"


def test_setting_aside_takes_the_companions_along_and_overwrites_nothing(tmp_path):
    db = tmp_path / "cache.db"
    for generation in (b"one", b"two"):
        db.write_bytes(generation)
        db.with_name("cache.db-journal").write_bytes(b"journal " + generation)
        files.set_aside(db, "-journal")
    assert {item.name: item.read_bytes() for item in tmp_path.iterdir()} == {
        "cache.db.set-aside-1": b"one",
        "cache.db.set-aside-1-journal": b"journal one",
        "cache.db.set-aside-2": b"two",
        "cache.db.set-aside-2-journal": b"journal two",
    }
    assert files.set_aside(db, "-journal") is None


@POSIX
@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_folders_are_private_whatever_the_umask(tmp_path, umask):
    before = os.umask(umask)
    try:
        files.make_folder(tmp_path / "a" / "b")
        files.make_folder(tmp_path / "a" / "b")
        files.create(tmp_path / "a" / "b" / "f")
    finally:
        os.umask(before)
    assert [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("a", "a/b", "a/b/f")] == [0o700, 0o700, 0o600]


@POSIX
@pytest.mark.parametrize(
    ("mode", "reason"), [(0o700, None), (0o755, None), (0o500, None), (0o720, "other users"), (0o702, "other users")]
)
def test_a_folder_is_safe_when_nobody_else_can_write(tmp_path, mode, reason):
    folder = tmp_path / "f"
    folder.mkdir()
    folder.chmod(mode)
    found = files.unsafe_reason(folder)
    assert (found is None) if reason is None else found.startswith(reason)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "f").touch()
    assert files.unsafe_reason(tmp_path / "f") == "it is no folder"


def test_appending_is_all_or_nothing(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"a\n")
    files.append(path, b"b\n")
    assert path.read_bytes() == b"a\nb\n"
    with pytest.raises(FileNotFoundError):
        files.append(tmp_path / "absent", b"x")
