"""Attacks on the walk through a folder, by the numbers of the threat model: each gets an answer, none hangs, none gets in."""

from __future__ import annotations

import errno
import mmap
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.skill_trees import (
    SECRET,
    as_ordinary_user,
    content_paths,
    digest,
    gap_text,
    holds,
    reachable_folder,
    write,
)

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.subject import tree_digest
from openclaw_vt.skill import folders
from openclaw_vt.skill.limits import Limits
from openclaw_vt.skill.reader import read

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX file types")


@pytest.fixture(params=["descriptors", "paths"], autouse=True)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every attack is tried on both ways into a folder; the second is what Windows uses."""
    if request.param == "descriptors" and not folders.HAS_DESCRIPTORS:
        pytest.skip("this system has no directory descriptors")
    monkeypatch.setattr(folders, "HAS_DESCRIPTORS", request.param == "descriptors")
    return request.param


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    return write(
        tmp_path / "a skill é",
        {"SKILL.md": "# Weather\n", "scripts/deep/run.py": "print(1)\n", "scripts/tool.sh": "#!/bin/sh\n"},
        executable=("scripts/tool.sh",),
    )


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    return write(tmp_path / "outside", {"secret.txt": SECRET, "deep/run.py": SECRET, "run.py": SECRET})


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[], None]], None]:
    """Let something happen right before one named thing is opened, or looked at for opening, for the first time."""
    pending: dict[str, Callable[[], None]] = {}

    def hooked(real: Callable[..., object]) -> Callable[..., object]:
        def call(path: str, *args: int, **kwargs: int) -> object:
            act = pending.pop(os.fsdecode(path).rpartition("/")[2], None)
            if act is not None:
                act()
            return real(path, *args, **kwargs)

        return call

    monkeypatch.setattr(os, "open", hooked(os.open))
    monkeypatch.setattr(os, "lstat", hooked(os.lstat))
    return pending.__setitem__


# 1: swapped by a link, at every component


@posix_only
@pytest.mark.parametrize("moment", ["scripts", "deep", "run.py"])
@pytest.mark.parametrize("component", ["scripts", "deep", "run.py"])
def test_component_swapped_by_a_link_before_it_or_what_is_below_is_opened(
    component: str, moment: str, skill: Path, outside: Path, meanwhile: Callable[[str, Callable[[], None]], None]
) -> None:
    place = next(skill.rglob(component))
    goal = {"scripts": outside, "deep": outside / "deep", "run.py": outside / "run.py"}[component]
    swapped = []

    def swap() -> None:
        place.rename(skill.parent / "taken away")
        place.symlink_to(goal)
        swapped.append(component)

    meanwhile(moment, swap)
    snapshot = read(skill)
    assert swapped
    assert not holds(snapshot, SECRET)
    if component == moment:
        assert "a link to" in gap_text(snapshot)


@posix_only
def test_a_racing_writer_never_gets_the_secret_in(skill: Path, outside: Path) -> None:
    code = """
import os, sys
place, secret, folder, spare = sys.argv[1:]
honest, link = spare + "/honest", spare + "/link"
print("ready", flush=True)
while True:
    os.symlink(secret, link); os.replace(link, place)
    open(honest, "w").write("print(1)\\n"); os.replace(honest, place)
    os.rename(folder, spare + "/gone"); os.symlink(os.path.dirname(secret), folder)
    os.unlink(folder); os.rename(spare + "/gone", folder)
"""
    spare = skill.parent / "spare"
    spare.mkdir()
    arguments = [skill / "SKILL.md", outside / "secret.txt", skill / "scripts", spare]
    with subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        try:
            won = sum(holds(read(skill), SECRET) for _ in range(300))
        finally:
            child.kill()
    assert won == 0


# 2: links


@posix_only
def test_links_that_stay_inside_are_entries_and_are_not_followed(skill: Path) -> None:
    (skill / "run").symlink_to("scripts/tool.sh")
    (skill / "all").symlink_to("scripts")
    (skill / "scripts/deep/up").symlink_to("../../SKILL.md")
    (skill / "chain").symlink_to("all/deep/up")
    snapshot = read(skill)
    assert not snapshot.gaps
    links = {entry.path: entry.target for entry in snapshot.entries if entry.kind == "link"}
    assert links == {
        "all": "scripts",
        "chain": "all/deep/up",
        "run": "scripts/tool.sh",
        "scripts/deep/up": "../../SKILL.md",
    }
    assert len(snapshot.files()) == 3


@posix_only
@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("/etc/passwd", "absolute"),
        ("../outside/secret.txt", "out of the skill"),
        ("scripts/../../outside/secret.txt", "out of the skill"),
        ("all/../../outside", "out of the skill"),
        ("nothing/here", "nothing that was read"),
        ("loop", "never arrives"),
        ("SKILL.md/x", "nothing that was read"),
        ("..\\outside", "different ways"),
        ("C:/Windows", "different ways"),
        ("out/secret.txt", "absolute"),
        ("../" * 60 + "etc/passwd", "out of the skill"),
    ],
)
def test_links_that_leave_are_gaps_and_no_entries(target: str, why: str, skill: Path, outside: Path) -> None:
    (skill / "all").symlink_to("scripts")
    (skill / "out").symlink_to(outside)
    (skill / "loop").symlink_to(target)
    snapshot = read(skill)
    assert "loop" not in content_paths(snapshot)
    assert why in gap_text(snapshot)
    assert not holds(snapshot, SECRET)


@posix_only
def test_magic_links_are_gaps(skill: Path) -> None:
    (skill / "cwd").symlink_to("/proc/self/cwd")
    (skill / "fd").symlink_to("/proc/self/fd/0")
    snapshot = read(skill)
    assert len(snapshot.gaps) == 2
    assert len(snapshot.entries) == 3


@posix_only
def test_the_root_itself_may_be_a_link(skill: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(skill, target_is_directory=True)
    assert digest(link) == digest(skill)
    assert digest(Path(f"{link}/")) == digest(skill)


# 3: hard links


def test_a_hard_link_is_content_and_a_change_through_it_is_seen(skill: Path, outside: Path) -> None:
    os.link(outside / "secret.txt", skill / "data.txt")
    before = digest(skill)
    (outside / "secret.txt").write_bytes(b"changed from outside")
    assert digest(skill) != before


# 4: FIFO, socket, device


@posix_only
def test_fifo_and_socket_are_gaps_and_never_opened(skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(skill / "fifo")
    monkeypatch.chdir(skill)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        snapshot = read(skill)
    assert gap_text(snapshot).count("it is a device, a FIFO, a socket or a junction") == 2
    assert len(snapshot.entries) == 3


@posix_only
def test_a_device_is_a_gap(skill: Path) -> None:
    try:
        os.mknod(skill / "zero", 0o20644, os.makedev(1, 5))
    except OSError as error:
        pytest.skip(f"devices cannot be made here: {error}")
    assert "zero: it is a device" in gap_text(read(skill))


@posix_only
def test_a_file_swapped_by_a_fifo_does_not_hang(skill: Path, meanwhile: Callable[[str, Callable[[], None]], None]) -> None:
    def swap() -> None:
        (skill / "SKILL.md").unlink()
        os.mkfifo(skill / "SKILL.md")

    meanwhile("SKILL.md", swap)
    assert "SKILL.md: it is a device, a FIFO, a socket or a junction" in gap_text(read(skill))


@posix_only
@pytest.mark.parametrize("place", ["/dev/zero", "/dev/null"])
def test_a_device_as_root_is_refused(place: str) -> None:
    with pytest.raises(SkillUnreadable, match="neither a folder nor a file"):
        read(place)


@posix_only
def test_a_fifo_as_root_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "skill.zip")
    with pytest.raises(SkillUnreadable, match="neither a folder nor a file"):
        read(tmp_path / "skill.zip")


# 5: too much


@posix_only
def test_a_sparse_terabyte_is_a_gap_and_the_rest_is_read(skill: Path) -> None:
    with (skill / "huge").open("wb") as file:
        try:
            file.truncate(1 << 40)
        except OSError as error:
            assert error.errno in (errno.EFBIG, errno.ENOSPC)  # noqa: PT017 - a small disk is no failure
            file.truncate(1 << 33)
    snapshot = read(skill)
    assert gap_text(snapshot) == "huge: it is too large to be read"
    assert len(snapshot.files()) == 3


def test_too_many_names_are_refused(skill: Path) -> None:
    (skill / "many").mkdir()
    for number in range(20_001):
        (skill / "many" / str(number)).touch()
    with pytest.raises(SkillUnreadable, match="more than 20,000"):
        read(skill)


@posix_only
def test_a_folder_5000_deep_is_a_gap(skill: Path) -> None:
    start = os.open(skill, os.O_RDONLY)
    here = start
    try:
        for _ in range(5_000):
            os.mkdir("d", dir_fd=here)
            below = os.open("d", os.O_RDONLY | os.O_DIRECTORY, dir_fd=here)
            os.close(here)
            here = below
        snapshot = read(skill)
    finally:
        os.close(here)
        subprocess.run(["rm", "-rf", str(skill / "d")], check=True)  # deeper than Python's own removal can go
    assert "deeper than this reader goes" in gap_text(snapshot)
    assert len(snapshot.files()) == 3


@posix_only
def test_the_longest_name_is_read_and_too_long_a_path_is_a_gap(skill: Path) -> None:
    long = "n" * 255
    deep = skill
    for _ in range(4):
        deep = deep / long
        deep.mkdir()
        (deep / "file").write_bytes(b"x")
    snapshot = read(skill)
    assert [entry.path.count("/") for entry in snapshot.files() if entry.path.endswith("file")] == [1, 2, 3]
    assert "its path is too long" in gap_text(snapshot)
    assert max(len(gap.what) for gap in snapshot.gaps) <= 120


@posix_only
def test_a_name_that_is_no_utf8_is_read_and_named(skill: Path) -> None:
    try:
        (skill / os.fsdecode(b"caf\xe9.md")).write_bytes(b"x")
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    snapshot = read(skill)
    assert b"caf\xe9.md" in [entry.raw_path for entry in snapshot.entries]
    assert gap_text(snapshot) == r"caf\xe9.md: its name is not valid UTF-8, so systems do not agree on what it is called"


def test_large_files_are_hashed_but_not_kept(skill: Path) -> None:
    (skill / "large").write_bytes(b"l" * 1_001)
    (skill / "zlast").write_bytes(b"z" * 999)
    snapshot = read(skill, limits=Limits(max_kept_file_bytes=1_000, max_kept_bytes=500))
    large, last = snapshot.find("large"), snapshot.find("zlast")
    assert large is not None
    assert last is not None
    assert large.data is None
    assert last.data is None
    assert gap_text(snapshot).count("too large to be looked into; its digest is exact") == 2
    assert tree_digest(snapshot.entries) == tree_digest(read(skill).entries)


def test_a_file_over_the_hashing_limit_is_a_gap(skill: Path) -> None:
    (skill / "large").write_bytes(b"l" * 1_001)
    snapshot = read(skill, limits=Limits(max_hashed_bytes=1_000))
    assert gap_text(snapshot) == "large: it is too large to be read"
    assert snapshot.find("SKILL.md") is not None


@posix_only
def test_gaps_are_counted_not_piled_up(skill: Path) -> None:
    for number in range(100):
        (skill / f"link{number}").symlink_to("/etc/passwd")
    snapshot = read(skill, limits=Limits(max_gaps=10))
    assert len(snapshot.gaps) == 11
    assert snapshot.gaps[-1].why == "90 more could not be read or are refused"


# 6: grows or shrinks while it is hashed


@pytest.fixture
def while_reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None], int], None]:
    """Let something happen after each of the first `times` readings of any file."""
    real = os.read

    def arm(act: Callable[[], None], times: int) -> None:
        left = iter(range(times))

        def reading(fd: int, size: int) -> bytes:
            data = real(fd, size)
            if next(left, None) is not None:
                act()
            return data

        monkeypatch.setattr(os, "read", reading)

    return arm


def _rewrite(path: Path) -> Callable[[], None]:
    sizes = iter(range(1, 1_000))
    return lambda: path.write_bytes(b"#" * next(sizes) * 7) and None


def test_a_file_that_changes_once_is_read_again(skill: Path, while_reading: Callable[..., None]) -> None:
    while_reading(_rewrite(skill / "SKILL.md"), 1)
    snapshot = read(skill)
    assert not snapshot.gaps
    entry = snapshot.find("SKILL.md")
    assert entry is not None
    assert entry.data == (skill / "SKILL.md").read_bytes()


def test_a_file_that_never_stands_still_is_a_gap_of_bounded_size(skill: Path, while_reading: Callable[..., None]) -> None:
    path = skill / "SKILL.md"

    def grow() -> None:
        with path.open("ab") as file:
            file.write(b"more")

    while_reading(grow, 1_000)
    snapshot = read(skill)
    assert "SKILL.md: it changed while it was being read" in gap_text(snapshot)
    entry = snapshot.find("SKILL.md")
    assert entry is not None
    assert entry.data is not None
    assert len(entry.data) == entry.size < 100


def test_a_file_that_shrinks_is_read_again(skill: Path, while_reading: Callable[..., None]) -> None:
    while_reading(lambda: os.truncate(skill / "SKILL.md", 2), 1)
    entry = read(skill).find("SKILL.md")
    assert entry is not None
    assert entry.data == b"# "


# 7: added during the walk


def test_a_file_added_during_the_walk_is_in_the_snapshot(skill: Path, while_reading: Callable[..., None]) -> None:
    while_reading(lambda: (skill / "added.py").write_bytes(b"evil") and None, 1)
    snapshot = read(skill)
    assert "added.py" in content_paths(snapshot)
    assert not snapshot.gaps


def test_a_file_moved_from_an_unread_to_a_read_folder_is_not_lost(skill: Path, while_reading: Callable[..., None]) -> None:
    write(skill, {"a/first": "1", "b/hidden": "2"})

    def move() -> None:
        if (skill / "b/hidden").exists():
            (skill / "b/hidden").rename(skill / "a/hidden")

    real = os.read
    while_reading(move, 1_000)
    assert os.read is not real
    snapshot = read(skill)
    assert {"a/hidden", "b"} <= set(content_paths(snapshot))


def test_a_folder_that_never_stands_still_is_a_gap(skill: Path, while_reading: Callable[..., None]) -> None:
    names = iter(range(1_000))

    def add() -> None:
        (skill / f"new{next(names)}").touch()

    while_reading(add, 1_000)
    assert ".: names were added, removed or replaced while it was being read" in gap_text(read(skill))


# 8 and 9: the same size, times and inode, other bytes


def test_a_dirty_page_rewrite_changes_the_digest(skill: Path) -> None:
    path = skill / "scripts/deep/run.py"
    path.write_bytes(b"A" * 4_096)
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 4_096) as pages:
        pages[0:1] = b"a"  # the page is dirty from here on, so further stores leave the times alone
        before, info = digest(skill), path.stat()
        pages[100:104] = b"evil"
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
        assert digest(skill) != before


@pytest.mark.parametrize("shift_ns", [0, -86_400 * 10**9 * 365])
def test_restored_times_hide_nothing(shift_ns: int, skill: Path) -> None:
    path = skill / "SKILL.md"
    before, info = digest(skill), path.stat()
    path.write_bytes(b"# Wexther\n")
    os.utime(path, ns=(info.st_atime_ns + shift_ns, info.st_mtime_ns + shift_ns))
    assert path.stat().st_size == info.st_size
    assert digest(skill) != before


def test_times_alone_change_nothing(skill: Path) -> None:
    before = digest(skill)
    os.utime(skill / "SKILL.md", ns=(0, 0))
    assert digest(skill) == before


# 10: swapped between check and use, other mounts


def test_a_snapshot_carries_the_bytes_that_were_hashed(skill: Path) -> None:
    import hashlib

    snapshot = read(skill)
    (skill / "SKILL.md").write_bytes(SECRET)
    (skill / "scripts").rename(skill / "else")
    assert all(hashlib.sha256(entry.data or b"").hexdigest() == entry.sha256 for entry in snapshot.files())
    assert not holds(snapshot, SECRET)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts are made with unshare")
def test_another_file_system_mounted_inside_is_a_gap(skill: Path, way: str) -> None:
    code = (
        "import sys; from openclaw_vt.skill import folders, reader;"
        "folders.HAS_DESCRIPTORS = sys.argv[2] == 'descriptors';"
        "s = reader.read(sys.argv[1]); print([g.what for g in s.gaps], len(s.entries))"
    )
    script = 'mount -t tmpfs none "$1/scripts" || exit 77; : > "$1/scripts/evil.py"; exec "$2" -c "$3" "$1" "$4"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", skill, sys.executable, code, way],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUTF8": "1"},
    )
    if "unshare" in done.stderr or done.returncode == 77:
        pytest.skip("mounts cannot be made here")
    assert done.stdout == "['scripts'] 1\n", done.stderr


# 11: names that systems confuse


@posix_only
@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("README.md", "readme.MD"), "cannot tell this name from"),
        (("Lib/a.py", "lib/b.py"), "cannot tell this name from"),
        (("straße", "STRASSE"), "cannot tell this name from"),
        (("caf\u00e9", "cafe\u0301"), "cannot tell this name from"),
        (("tool.py ",), "ends in a dot or a space"),
        (("tool.py.",), "ends in a dot or a space"),
        (("tool.py\u00a0",), "ends in a dot or a space"),
        (("docs./a.md",), "ends in a dot or a space"),
        (("SKILL.md:evil",), "a colon or a backslash"),
        (("scripts\\evil.py",), "a colon or a backslash"),
        (("aux.py",), "device on Windows"),
        (("lib/NUL",), "device on Windows"),
        (("com1.tar.gz",), "device on Windows"),
        (("gpj.\u202eexe",), "control, direction or invisible"),
        (("SKILL\u200b.md",), "control, direction or invisible"),
        (("\U000e0041.md",), "control, direction or invisible"),
        (("\x1b[2Jclear",), "control, direction or invisible"),
        (("two\nlines",), "control, direction or invisible"),
        ((".g\u200cit",), "control, direction or invisible"),
    ],
)
def test_names_that_systems_confuse_are_gaps_shown_escaped(names: tuple[str, ...], why: str, skill: Path) -> None:
    try:
        write(skill, dict.fromkeys(names, "x"))
    except OSError as error:
        pytest.skip(f"this file system takes no such name: {error}")
    snapshot = read(skill)
    if len(snapshot.entries) < 3 + len(names):
        pytest.skip("this file system cannot tell these names apart itself")
    assert why in gap_text(snapshot)
    assert all(gap.what.isprintable() for gap in snapshot.gaps)


@posix_only
def test_ordinary_names_of_all_languages_are_no_gaps(skill: Path) -> None:
    names = (
        "資料　一覧.md",
        "Ünïcode.py",
        "العربية.md",
        "config.toml",
        "common.py",
        "a b.txt",
        "console.log",
        "#x@y+z=1,(2)[3]{4}~.md",
    )
    write(skill, dict.fromkeys(names, "x"))
    assert not read(skill).gaps


# 12: modes, attributes


@posix_only
@pytest.mark.parametrize("mode", [0o755, 0o700, 0o654, 0o645])
def test_any_exec_bit_changes_the_digest(mode: int, skill: Path) -> None:
    before = digest(skill)
    (skill / "SKILL.md").chmod(mode)
    assert digest(skill) != before


@posix_only
def test_other_mode_bits_change_nothing(skill: Path) -> None:
    before = digest(skill)
    (skill / "SKILL.md").chmod(0o600)
    (skill / "scripts").chmod(0o2775)
    assert digest(skill) == before


@posix_only
@pytest.mark.parametrize("mode", [0o4755, 0o2755])
def test_setuid_and_setgid_are_gaps(mode: int, skill: Path) -> None:
    (skill / "scripts/tool.sh").chmod(mode)
    assert "scripts/tool.sh: it is set to run with its owner's rights" in gap_text(read(skill))


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="no extended attributes here")
def test_extended_attributes_change_nothing(skill: Path) -> None:
    before = digest(skill)
    try:
        os.setxattr(skill / "SKILL.md", "user.origin", b"somewhere")
    except OSError as error:
        pytest.skip(f"this file system has no extended attributes: {error}")
    assert digest(skill) == before


# 13: everything is content


@pytest.mark.parametrize(
    "name",
    [
        "extra.txt",
        "empty/",
        ".git",
        ".git/hooks/pre-commit",
        "node_modules/x/index.js",
        ".env",
        ".hidden/run",
        "__pycache__/evil.cpython-311.pyc",
        "scripts/deep/__pycache__/run.cpython-311.pyc",
        "scripts/deep/run.pyc",
        ".DS_Store",
        ".clawhub/origin.json",
        ".clawhub/evil.py",
        ".openclaw/source-origin.json",
        "._SKILL.md",
        "Thumbs.db",
    ],
)
def test_whatever_is_added_changes_the_digest(name: str, skill: Path) -> None:
    before = digest(skill)
    write(skill, {name: b"\xa7\r\r\n not what it says"})
    assert digest(skill) != before
    assert name.rstrip("/") in content_paths(read(skill))


# unreadable parts, and roots


@posix_only
def test_what_may_not_be_read_is_a_gap() -> None:
    with reachable_folder() as skill:
        write(skill, {"SKILL.md": "# Weather", "locked.py": "x", "private/x": "x"})
        (skill / "locked.py").chmod(0)
        (skill / "private").chmod(0)
        with as_ordinary_user():
            snapshot = read(skill)
        (skill / "private").chmod(0o700)
    assert gap_text(snapshot).count("it could not be read: Permission denied") == 2
    assert content_paths(snapshot) == ["SKILL.md"]


@posix_only
@pytest.mark.parametrize("name", ["", "SKILL.md"])
def test_a_root_that_may_not_be_read_is_unreadable(name: str) -> None:
    with reachable_folder() as skill:
        write(skill, {"SKILL.md": "# Weather"})
        (skill / name).chmod(0)
        with as_ordinary_user(), pytest.raises(SkillUnreadable) as caught:
            read(skill / name)
        skill.chmod(0o700)
    assert "Permission denied" in caught.value.why
    assert caught.value.remedy


@pytest.mark.parametrize("path", ["no such skill", "nul\0byte", "x" * 5_000, ""])
def test_a_path_to_nothing_is_unreadable(path: str) -> None:
    with pytest.raises(SkillUnreadable) as caught:
        read(path)
    assert caught.value.diagnostics().remedy
    assert len(str(caught.value)) < 400


def test_an_error_of_the_disk_is_a_gap(skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.read

    def failing(fd: int, size: int) -> bytes:
        data = real(fd, size)
        if data.startswith(b"# Weather"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return data

    monkeypatch.setattr(os, "read", failing)
    assert gap_text(read(skill)) == f"SKILL.md: it could not be read: {os.strerror(errno.EIO)}"


def test_no_descriptor_is_left_open(skill: Path, tmp_path: Path) -> None:
    def open_ones() -> Iterator[int]:
        for fd in range(256):
            try:
                os.fstat(fd)
            except OSError:
                continue
            yield fd

    write(skill, {f"folder{number}/file": "x" for number in range(60)})
    before = list(open_ones())
    read(skill)
    with pytest.raises(SkillUnreadable):
        read(skill, limits=Limits(max_entries=70))
    assert list(open_ones()) == before
