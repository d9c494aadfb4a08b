"""Attacks on archives (14 of the threat model): refused as a whole, or a gap; nothing is ever written to disk."""

from __future__ import annotations

import gzip
import io
import stat
import struct
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.skill_trees import (
    SECRET,
    RawZip,
    content_paths,
    deflate,
    digest,
    gap_text,
    holds,
    member,
    raw_tar,
    tarred,
    write,
    zipped,
)

from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.subject import Snapshot, tree_digest
from openclaw_vt.skill.archive import read_archive
from openclaw_vt.skill.limits import DEFAULT_LIMITS, Budget, Limits
from openclaw_vt.skill.reader import read

SKILL = {"SKILL.md": "# Weather\n", "scripts/run.sh": "#!/bin/sh\n", "scripts/deep/a.py": "x = 1\n" * 500, "empty/": ""}


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    return write(tmp_path / "weather", SKILL, executable=("scripts/run.sh",))


def opened(data: bytes, name: str, tmp_path: Path, limits: Limits = DEFAULT_LIMITS) -> Snapshot:
    path = tmp_path / name
    path.write_bytes(data)
    before = set(tmp_path.rglob("*"))
    try:
        return read(path, limits=limits)
    finally:
        assert set(tmp_path.rglob("*")) == before, "an archive was unpacked to disk"


def refusal(data: bytes, name: str, tmp_path: Path, limits: Limits = DEFAULT_LIMITS) -> str:
    with pytest.raises(SkillUnreadable) as caught:
        opened(data, name, tmp_path, limits)
    assert caught.value.remedy
    assert str(caught.value).isprintable()
    return caught.value.why.lower()


# honest archives


@pytest.mark.parametrize("prefix", ["", "weather/", "package/"])
def test_a_skill_is_the_same_as_folder_zip_and_tar(prefix: str, skill: Path, tmp_path: Path) -> None:
    expected = digest(skill)
    assert digest(zipped(skill, tmp_path / "a.zip", prefix=prefix)) == expected
    assert digest(zipped(skill, tmp_path / "a.skill", prefix=prefix)) == expected
    assert digest(tarred(skill, tmp_path / "a.tgz", prefix=prefix)) == expected
    assert digest(tarred(skill, tmp_path / "a.tar", prefix=prefix, mode="w")) == expected
    for number, form in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT)):
        assert digest(tarred(skill, tmp_path / f"b{number}.tar.gz", prefix=prefix, form=form)) == expected


@pytest.mark.parametrize("options", [[], ["-0"], ["-X"], ["-fd"]])
def test_what_info_zip_writes_is_read(options: list[str], skill: Path, tmp_path: Path) -> None:
    try:
        subprocess.run(["zip", "-qr", *options, tmp_path / "a.zip", "."], cwd=skill, check=True)
    except FileNotFoundError:
        pytest.skip("zip is not installed")
    assert digest(tmp_path / "a.zip") == digest(skill)


def test_what_gnu_tar_writes_is_read(skill: Path, tmp_path: Path) -> None:
    long = skill / ("n" * 80) / ("m" * 90)
    long.mkdir(parents=True)
    (long / "file").write_bytes(b"x")
    try:
        subprocess.run(["tar", "czf", tmp_path / "a.tgz", "."], cwd=skill, check=True)
    except FileNotFoundError:
        pytest.skip("tar is not installed")
    assert digest(tmp_path / "a.tgz") == digest(skill)


def test_what_git_archive_writes_is_read(skill: Path, tmp_path: Path) -> None:
    (skill / "empty").rmdir()
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-C", str(skill)]
    try:
        subprocess.run([*git, "init", "-q"], check=True)
    except FileNotFoundError:
        pytest.skip("git is not installed")
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)
    for name in ("a.zip", "a.tar.gz"):
        subprocess.run([*git, "archive", "--prefix=w/", "-o", tmp_path / name, "HEAD"], check=True)
    subprocess.run(["rm", "-rf", skill / ".git"], check=True)
    assert digest(tmp_path / "a.zip") == digest(tmp_path / "a.tar.gz") == digest(skill)


def test_a_zip_without_unix_modes_has_nothing_executable(tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md").add(b"run.sh", mode=0o100755, system=0).bytes()
    assert not any(entry.executable for entry in opened(data, "a.zip", tmp_path).entries)


def test_trailing_sizes_are_read_with_and_without_their_mark(tmp_path: Path) -> None:
    import zlib

    told = struct.pack("<3L", zlib.crc32(b"x"), 1, 1)
    later = {"crc": 0, "packed": 0, "size": 0}
    for mark in (b"", b"PK\7\10"):
        data = RawZip().add(b"SKILL.md", flags=8, local=later, after=mark + told).add(b"b").bytes()
        assert content_paths(opened(data, "a.zip", tmp_path)) == ["SKILL.md", "b"]
    lie = RawZip().add(b"SKILL.md", flags=8, local=later, after=struct.pack("<3L", 1, 1, 1)).bytes()
    assert "trailing sizes" in refusal(lie, "a.zip", tmp_path)


def test_a_top_folder_is_kept_when_something_stands_beside_it(tmp_path: Path) -> None:
    data = RawZip().add(b"weather/SKILL.md").add(b"__MACOSX/._SKILL.md").bytes()
    assert content_paths(opened(data, "a.zip", tmp_path)) == ["__MACOSX/._SKILL.md", "weather/SKILL.md"]


def test_an_empty_archive_is_an_empty_skill(tmp_path: Path) -> None:
    assert opened(RawZip().bytes(), "a.zip", tmp_path).entries == ()
    assert opened(raw_tar(member("a", kind=tarfile.DIRTYPE)), "a.tar", tmp_path).entries[0].kind == "directory"


# names that lead elsewhere


@pytest.mark.parametrize(
    "name",
    [
        b"../evil", b"a/../../evil", b"a/..", b"/etc/passwd", b"//server/share", b"a//b", b"a/./b", b"..", b"", b"/",
        b"..\\evil", b"a\\b", b"C:/evil", b"c:evil", b"\\\\server\\share", b"a\0b", b"x" * 2_000, b"d/" * 70 + b"x",
    ],
)  # fmt: skip
def test_a_member_that_leads_elsewhere_refuses_the_archive(name: bytes, tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md").add(name, SECRET).bytes()
    assert "its member" in refusal(data, "a.zip", tmp_path)
    if b"\0" not in name and 0 < len(name) <= 100:
        text = name.decode()
        assert "its member" in refusal(raw_tar(member("SKILL.md"), member(text, SECRET)), "a.tar", tmp_path)


@pytest.mark.parametrize("names", [(b"a", b"a"), (b"a/b", b"a"), (b"a", b"a/b"), (b"a/", b"a"), (b"./a", b"a")])
def test_a_member_twice_refuses_the_archive(names: tuple[bytes, bytes], tmp_path: Path) -> None:
    archive = RawZip().add(b"SKILL.md")
    tar = [member("SKILL.md")]
    for name in names:
        folder = name.endswith(b"/")
        archive.add(name, b"" if folder else b"x", mode=0o40755 if folder else 0o100644)
        tar.append(member(name.decode(), kind=tarfile.DIRTYPE if folder else tarfile.REGTYPE))
    assert "its member a" in refusal(archive.bytes(), "a.zip", tmp_path)
    assert "its member a" in refusal(raw_tar(*tar), "a.tar", tmp_path)


@pytest.mark.parametrize("names", [(b"Run.py", b"run.py"), (b"A/x", b"a/y"), ("é".encode(), "e\u0301".encode())])
def test_members_that_only_differ_in_case_or_form_are_gaps(names: tuple[bytes, bytes], tmp_path: Path) -> None:
    archive = RawZip().add(b"SKILL.md")
    for name in names:
        archive.add(name, flags=0x800)
    assert "cannot tell this name from" in gap_text(opened(archive.bytes(), "a.zip", tmp_path))


def test_a_name_in_an_unstated_encoding_is_a_gap(tmp_path: Path) -> None:
    snapshot = opened(RawZip().add(b"SKILL.md").add("é.md".encode()).bytes(), "a.zip", tmp_path)
    assert "does not state how its name is encoded" in gap_text(snapshot)


def test_a_second_unicode_name_refuses_the_archive(tmp_path: Path) -> None:
    extra = struct.pack("<2HBL", 0x7075, 5 + 7, 1, 0) + b"evil.py"
    for where in ("local", "central"):
        data = RawZip().add(b"good.py", **{where: {"extra": extra}}).bytes()
        assert "two names" in refusal(data, "a.zip", tmp_path)


# links, devices, hard links


def test_links_in_archives_are_gaps_and_never_followed(skill: Path, tmp_path: Path) -> None:
    (skill / "run").symlink_to("scripts/run.sh")
    for path in (zipped(skill, tmp_path / "a.zip"), tarred(skill, tmp_path / "a.tar", mode="w")):
        snapshot = read(path)
        assert gap_text(snapshot) == "run: a link in an archive; programs that unpack it do not agree on what it becomes"
        assert tree_digest(snapshot.entries) == digest(skill)


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd"])
def test_links_that_leave_an_archive_are_no_entries(target: str, tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md").add(b"l", target.encode(), mode=stat.S_IFLNK | 0o777).bytes()
    assert content_paths(opened(data, "a.zip", tmp_path)) == ["SKILL.md"]
    tar = raw_tar(member("SKILL.md"), member("l", kind=tarfile.SYMTYPE, link=target))
    assert content_paths(opened(tar, "a.tar", tmp_path)) == ["SKILL.md"]


def test_a_link_that_members_are_written_through_refuses_the_archive(tmp_path: Path) -> None:
    data = RawZip().add(b"d", b"../..", mode=stat.S_IFLNK | 0o777).add(b"d/evil", SECRET).bytes()
    assert "file and a folder at once" in refusal(data, "a.zip", tmp_path)
    tar = raw_tar(member("d", kind=tarfile.SYMTYPE, link="/tmp"), member("d/evil", SECRET))
    assert "file and a folder at once" in refusal(tar, "a.tar", tmp_path)


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        (tarfile.LNKTYPE, "hard link"),
        (tarfile.CHRTYPE, "device"),
        (tarfile.BLKTYPE, "device"),
        (tarfile.FIFOTYPE, "FIFO"),
    ],
)
def test_other_members_of_a_tar_are_gaps(kind: bytes, why: str, tmp_path: Path) -> None:
    data = raw_tar(member("SKILL.md"), member("odd", kind=kind, link="SKILL.md"))
    snapshot = opened(data, "a.tar", tmp_path)
    assert why in gap_text(snapshot)
    assert content_paths(snapshot) == ["SKILL.md"]


@pytest.mark.parametrize("mode", [stat.S_IFIFO, stat.S_IFSOCK, stat.S_IFCHR, stat.S_IFBLK])
def test_other_members_of_a_zip_are_gaps(mode: int, tmp_path: Path) -> None:
    snapshot = opened(RawZip().add(b"SKILL.md").add(b"odd", mode=mode | 0o644).bytes(), "a.zip", tmp_path)
    assert "a device, a FIFO or a socket" in gap_text(snapshot)


@pytest.mark.parametrize(("name", "mode"), [(b"a", 0o40755), (b"a/", 0o100644)])
def test_a_member_of_two_kinds_refuses_the_archive(name: bytes, mode: int, tmp_path: Path) -> None:
    assert "two kinds" in refusal(RawZip().add(name, b"", mode=mode).bytes(), "a.zip", tmp_path)


def test_a_folder_with_contents_refuses_the_archive(tmp_path: Path) -> None:
    assert "folder has contents" in refusal(RawZip().add(b"a/", SECRET, mode=0o40755).bytes(), "a.zip", tmp_path)


def test_setuid_in_an_archive_is_a_gap(tmp_path: Path) -> None:
    assert "setuid" in gap_text(opened(RawZip().add(b"SKILL.md", mode=0o104755).bytes(), "a.zip", tmp_path))


# two readings of one file


@pytest.mark.parametrize(
    "local",
    [
        {"name": b"evil.py!"}, {"name": b"EVIL.md", "extra": b"xxxx\0\0\0"}, {"method": 8}, {"flags": 0x800}, {"crc": 1},
        {"size": 2}, {"packed": 0}, {"packed": 0xFFFFFFFF, "size": 0xFFFFFFFF},
    ],
)  # fmt: skip
def test_a_local_header_that_disagrees_refuses_the_archive(local: dict[str, object], tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md", local=local).add(b"other").bytes()
    assert refusal(data, "a.zip", tmp_path)


def test_data_in_front_behind_and_between_refuse_the_archive(tmp_path: Path) -> None:
    good = RawZip().add(b"SKILL.md").bytes()
    for data in (
        b"#!/bin/sh\nexit\n" + good,
        good + b"trailing",
        good + good,
        RawZip().add(b"SKILL.md", after=b"between").add(b"b").bytes(),
        RawZip().add(b"SKILL.md").bytes(between=b"between"),
        RawZip().add(b"SKILL.md").bytes(comment=b"c" * 300),
        RawZip().add(b"SKILL.md").bytes(comment=good),
        RawZip().add(b"SKILL.md").bytes(comment=b"\x1b[2J"),
    ):
        assert refusal(data, "a.zip", tmp_path)


def test_members_hidden_from_the_directory_refuse_the_archive(tmp_path: Path) -> None:
    archive = RawZip().add(b"hidden.py", SECRET).add(b"SKILL.md")
    archive.directory.pop(0)
    assert "bytes between them" in refusal(archive.bytes(), "a.zip", tmp_path)


def test_overlapping_members_refuse_the_archive(tmp_path: Path) -> None:
    archive = RawZip().add(b"SKILL.md", b"x" * 100)
    archive.directory.append(archive.directory[0].replace(b"SKILL.md", b"SKILL.me"))
    assert "overlap" in refusal(archive.bytes(), "a.zip", tmp_path)


@pytest.mark.parametrize("change", [{"count": 2}, {"count": 0}, {"count": 0xFFFF}, {"start": 0}, {"start": 1 << 31}])
def test_a_directory_that_lies_refuses_the_archive(change: dict[str, int], tmp_path: Path) -> None:
    assert refusal(RawZip().add(b"SKILL.md").bytes(**change), "a.zip", tmp_path)


def test_zip64_refuses_the_archive(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive, archive.open("SKILL.md", "w", force_zip64=True) as file:
        file.write(b"x")
    assert "differs" in refusal(stream.getvalue(), "a.zip", tmp_path)
    extra = struct.pack("<2HQ", 1, 8, 1)
    assert "zip64" in refusal(RawZip().add(b"SKILL.md", central={"size": 0xFFFFFFFF}, extra=extra).bytes(), "a.zip", tmp_path)


def test_wrong_checksums_and_sizes_refuse_the_archive(tmp_path: Path) -> None:
    for lie in ({"crc": 7}, {"size": 5}):
        data = RawZip().add(b"SKILL.md", b"x" * 4, method=8, local=lie, central=lie).bytes()
        assert "another size or checksum" in refusal(data, "a.zip", tmp_path)
    junk = RawZip().add(b"SKILL.md", b"x" * 4, method=8, packed=deflate(b"x" * 4) + b"hidden").bytes()
    assert "bytes of nobody" in refusal(junk, "a.zip", tmp_path)
    cut = RawZip().add(b"SKILL.md", b"x" * 400, method=8, packed=deflate(b"x" * 400)[:-2]).bytes()
    assert "cut off" in refusal(cut, "a.zip", tmp_path)
    bad = RawZip().add(b"SKILL.md", b"x" * 4, method=8, packed=b"\xff\xff\xff\xff").bytes()
    assert "damaged" in refusal(bad, "a.zip", tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.zip", b"\x1f\x8b rest"), ("a.tgz", b"PK\3\4 rest"), ("a.skill", b"#!/bin/sh\n"), ("a.tar", b"plain text"),
        ("a.zip", b""), ("A.ZIP", b"MZ"), ("a.tar.gz", b"PK\5\6" + bytes(18)),
    ],
)  # fmt: skip
def test_a_name_that_promises_another_format_is_refused(name: str, data: bytes, tmp_path: Path) -> None:
    assert "promises another format" in refusal(data, name, tmp_path)


@pytest.mark.parametrize("head", [b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07\x01\0", b"\xfd7zXZ\0", b"BZh9", b"\x28\xb5\x2f\xfd"])
def test_other_archives_are_refused_not_taken_for_one_file(head: bytes, tmp_path: Path) -> None:
    assert "archives are not read" in refusal(head + b"rest", "skill.bin", tmp_path)


# encryption, unknown methods


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"flags": 1}, "encrypted"),
        ({"flags": 0x41}, "encrypted"),
        ({"method": 99}, "compressed in a way"),
        ({"method": 12}, "compressed"),
    ],
)
def test_members_that_cannot_be_read_are_gaps(change: dict[str, int], why: str, tmp_path: Path) -> None:
    snapshot = opened(RawZip().add(b"SKILL.md").add(b"locked", SECRET, **change).bytes(), "a.zip", tmp_path)
    assert why in gap_text(snapshot)
    assert content_paths(snapshot) == ["SKILL.md"]


# bombs


def test_a_bomb_is_refused_by_its_ratio(tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md", bytes(32 << 20), method=8).bytes()
    assert "200 times its size" in refusal(data, "a.zip", tmp_path)
    assert "200 times its size" in refusal(gzip.compress(raw_tar(member("a", bytes(32 << 20)))), "a.tgz", tmp_path)
    assert "200 times its size" in refusal(gzip.compress(raw_tar(member("a")) + bytes(32 << 20)), "a.tgz", tmp_path)


def test_a_bomb_is_refused_by_its_total(tmp_path: Path) -> None:
    limits = Limits(max_unpacked_bytes=10_000)
    many = RawZip()
    for number in range(20):
        many.add(b"%d" % number, b"x" * 1_000)
    assert "more than 10,000 bytes" in refusal(many.bytes(), "a.zip", tmp_path, limits)
    small = gzip.compress(raw_tar(*(member(str(number), b"x" * 1_000) for number in range(20))))
    assert "more than 10,000 bytes" in refusal(small, "a.tgz", tmp_path, limits)


def test_a_member_that_lies_about_its_size_stops_there(tmp_path: Path) -> None:
    told = {"size": 10}
    data = RawZip().add(b"SKILL.md", bytes(64 << 20), method=8, local=told, central=told).bytes()
    assert "another size" in refusal(data, "a.zip", tmp_path)


def test_too_many_members_and_too_large_an_archive_are_refused(tmp_path: Path) -> None:
    many = RawZip()
    for number in range(30):
        many.add(b"%d" % number)
    with pytest.raises(SkillUnreadable, match="too many files"):
        opened(many.bytes(), "a.zip", tmp_path, Limits(max_entries=29))
    assert "larger than 100 bytes" in refusal(many.bytes(), "a.zip", tmp_path, Limits(max_archive_bytes=100))


def test_a_large_member_is_hashed_and_not_kept(tmp_path: Path) -> None:
    data = RawZip().add(b"SKILL.md").add(b"z", b"z" * 200_000, method=8).bytes()
    snapshot = opened(data, "a.zip", tmp_path, Limits(max_kept_file_bytes=1_000))
    entry = snapshot.find("z")
    assert entry is not None
    assert entry.data is None
    assert entry.size == 200_000
    assert "too large to be looked into" in gap_text(snapshot)


# tar's own tricks


def _pax(**records: str) -> tuple[tarfile.TarInfo, bytes]:
    body = b""
    for key, value in records.items():
        record = f" {key.replace('__', '.')}={value}\n".encode()
        length = len(record) + len(str(len(record) + 2))
        body += str(length).encode() + record
    info, _ = member("PaxHeaders/x", body)
    info.type = tarfile.XHDTYPE
    return info, body


@pytest.mark.parametrize(
    "records",
    [
        {"size": "99"},
        {"GNU__sparse__major": "1"},
        {"GNU__sparse__name": "evil"},
        {"SCHILY__realsize": "9"},
        {"hdrcharset": "x"},
        {"path": ""},
    ],
)
def test_pax_headers_that_programs_read_differently_are_refused(records: dict[str, str], tmp_path: Path) -> None:
    assert refusal(raw_tar(_pax(**records), member("SKILL.md")), "a.tar", tmp_path)


def test_pax_headers_must_be_one_for_one_member(tmp_path: Path) -> None:
    one = _pax(path="SKILL.md")
    assert content_paths(opened(raw_tar(one, member("x")), "a.tar", tmp_path)) == ["SKILL.md"]
    assert "two headers" in refusal(raw_tar(one, one, member("x")), "a.tar", tmp_path)
    assert "ends where a member" in refusal(raw_tar(one), "a.tar", tmp_path)
    info, body = _pax(path="evil")
    info.type = tarfile.XGLTYPE
    assert "global header" in refusal(raw_tar((info, body), member("x")), "a.tar", tmp_path)


def test_a_pax_path_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    assert "plain relative path" in refusal(raw_tar(_pax(path="../evil"), member("x")), "a.tar", tmp_path)


def test_what_follows_or_cuts_a_tar_is_refused(tmp_path: Path) -> None:
    good = raw_tar(member("SKILL.md", b"x" * 600))
    packed = gzip.compress(good)
    for data, name in (
        (good + raw_tar(member("evil")), "a.tar"), (good[:600], "a.tar"), (good[:1_536], "a.tar"), (packed + b"x", "a.tgz"),
        (packed + packed, "a.tgz"), (packed[:-9], "a.tgz"), (gzip.compress(b"no tar at all"), "a.tgz"),
        (gzip.compress(b""), "a.tgz"),
    ):  # fmt: skip
        assert refusal(data, name, tmp_path)


@pytest.mark.parametrize(
    ("at", "new"),
    [
        (124, b"\x80" + bytes(10) + b"\x02"),
        (148, b"000000\0 "),
        (156, b"S"),
        (156, b"V"),
        (156, b"7"),
        (257, b"old\0\0\0"),
        (124, b"-0000000001\0"),
    ],
)
def test_headers_that_programs_read_differently_are_refused(at: int, new: bytes, tmp_path: Path) -> None:
    data = bytearray(raw_tar(member("SKILL.md", b"x" * 2)))
    data[at : at + len(new)] = new
    if at != 148:
        data[148:156] = b"%06o\0 " % (sum(data[:148]) + sum(data[156:512]) + 8 * 32)
    path = "a.tar" if at != 257 else "a.tgz"
    assert refusal(gzip.compress(bytes(data)) if at == 257 else bytes(data), path, tmp_path)


# single files


def test_a_single_file_is_a_skill_of_one(tmp_path: Path) -> None:
    snapshot = opened(b"# Weather\n", "SKILL.md", tmp_path)
    assert [(entry.path, entry.data) for entry in snapshot.entries] == [("SKILL.md", b"# Weather\n")]


# arbitrary bytes


ARCHIVES = {
    "zip": RawZip().add(b"SKILL.md").add(b"s/a", b"x" * 300, method=8).add(b"s/").bytes(),
    "tar": raw_tar(member("SKILL.md"), member("s/" + "n" * 120, b"x" * 700), form=tarfile.PAX_FORMAT),
    "gzip": gzip.compress(raw_tar(member("SKILL.md"), member("s/a", b"x" * 700), form=tarfile.GNU_FORMAT), mtime=0),
}


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
@given(data=st.binary(max_size=2_000))
@settings(deadline=None, max_examples=150)
def test_arbitrary_bytes_are_refused_or_read(kind: str, data: bytes) -> None:
    try:
        read_archive(data, kind, Budget(Limits()))
    except SkillUnreadable as error:
        assert error.why  # noqa: PT017 - either answer is right, anything else is not


@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
@given(
    patches=st.lists(st.tuples(st.integers(0, 4_000), st.binary(min_size=1, max_size=4)), min_size=1, max_size=4),
    cut=st.integers(0, 3),
)
@settings(deadline=None, max_examples=300)
def test_damaged_archives_are_refused_or_read(kind: str, patches: list[tuple[int, bytes]], cut: int) -> None:
    data = bytearray(ARCHIVES[kind])
    for at, patch in patches:
        place = at % len(data)
        data[place : place + len(patch)] = patch
    try:
        snapshot = read_archive(bytes(data[: len(data) - cut]), kind, Budget(Limits()))
    except SkillUnreadable:
        return
    tree_digest(snapshot.entries)
    assert not holds(snapshot, SECRET)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_every_flipped_byte_is_refused_or_keeps_to_the_rules(kind: str) -> None:
    good = ARCHIVES[kind]
    for at in range(0, len(good), 3):
        data = bytearray(good)
        data[at] ^= 0x41
        try:
            snapshot = read_archive(bytes(data), kind, Budget(Limits()))
        except SkillUnreadable:
            continue
        assert all(not entry.path.startswith(("/", "..")) for entry in snapshot.entries)
