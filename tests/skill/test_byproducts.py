"""What honest use leaves behind changes nothing; whatever merely looks like it is content."""

from __future__ import annotations

import importlib.util
import json
import marshal
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.skill_trees import content_paths, digest, ds_store, write, zipped

from openclaw_vt.model.subject import Entry, tree_digest
from openclaw_vt.skill import interpreters, pyc
from openclaw_vt.skill.byproducts import is_ds_store, with_roles
from openclaw_vt.skill.marshal_form import CodeReader, Numbers
from openclaw_vt.skill.reader import read

MAIN = "import helper\nfrom pkg import inner\nprint(helper.work(3), inner.VALUE)\n"
HELPER = '''"""Helper of a skill."""
from __future__ import annotations
import asyncio

NAMES = frozenset({"a", "b", "c", "é", "\\ud800"})
NUMBERS = (1, -1, 2.5, -0.0, 3j, 10**30, 2**31, None, ..., True, b"bytes", "text")


class Tool:
    size: int = 3

    def __init__(self):
        self.__private = [item for item in range(self.size) if item in {1, 2}]

    async def go(self, *names, deep=False, **rest):
        async with self as tool:
            await asyncio.sleep(0)
        return {name: tool for name in names}


def work(number, /, *, scale=2):
    def inner():
        nonlocal number
        number += 1
        return lambda: (number, scale, work)
    assert number, "never"
    try:
        return f"{inner()()[0]!r:>10}"[1:-1]
    except (ValueError, *()):
        raise
    finally:
        number = 0
'''
TAG = sys.implementation.cache_tag
CACHED = f"scripts/__pycache__/helper.{TAG}.pyc"
VERSIONS = sorted(
    Path(found)
    for minor in range(8, 15)
    for found in (
        shutil.which(f"python3.{minor}"),
        *map(str, Path.home().glob(f".pyenv/versions/3.{minor}.*/bin/python3.{minor}")),
    )
    if found and ".pyenv/shims" not in found
)


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proof and no interpreter is remembered from another test."""
    monkeypatch.setattr(pyc, "_proofs", {})
    monkeypatch.setattr(interpreters, "_magic_of", {})


@pytest.fixture
def skill(tmp_path: Path) -> Path:
    files = {"SKILL.md": "# Weather\n", "scripts/main.py": MAIN, "scripts/helper.py": HELPER}
    return write(tmp_path / "a skill", {**files, "scripts/pkg/__init__.py": "", "scripts/pkg/inner.py": "VALUE = 1\n"})


def run(skill: Path, *options: str, program: str | Path = sys.executable, script: str = "scripts/main.py") -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([program, *options, skill / script], check=True, capture_output=True, env=environ)


def compiled(source: bytes, *, name: str = "/elsewhere/helper.py", optimize: int = -1) -> bytes:
    return marshal.dumps(compile(source, name, "exec", dont_inherit=True, optimize=optimize))


def cache_file(source: bytes, body: bytes, *, flags: int = 0) -> bytes:
    tail = (0).to_bytes(4, "little") + len(source).to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags.to_bytes(4, "little") + tail + body


# honest use


@pytest.mark.parametrize("options", [(), ("-O",), ("-OO",), ("-W", "ignore")])
def test_running_a_skill_changes_nothing(options: tuple[str, ...], skill: Path) -> None:
    before = digest(skill)
    run(skill, *options)
    assert list(skill.rglob("*.pyc"))
    snapshot = read(skill)
    assert not snapshot.gaps
    assert tree_digest(snapshot.entries) == before
    assert {entry.role for entry in snapshot.entries if "__pycache__" in entry.path} == {"byproduct"}
    assert all(entry.data is not None for entry in snapshot.entries if entry.path.endswith(".pyc"))


@pytest.mark.parametrize("program", VERSIONS, ids=lambda path: f"{path.parent.parent.name}-{path.name}")
def test_what_other_versions_of_python_write_changes_nothing(program: Path, skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = (skill / "scripts/helper.py").read_text().replace("(ValueError, *())", "ValueError")
    (skill / "scripts/helper.py").write_text(source)
    before = digest(skill)
    run(skill, program=program)
    assert len(list(skill.rglob("*.pyc"))) == 3
    monkeypatch.setenv("PATH", f"relative{os.pathsep}{program.parent}")
    monkeypatch.setattr(interpreters, "_USUAL_FOLDERS", ())
    assert digest(skill) == before
    ours = program.name == f"python3.{sys.version_info[1]}"
    monkeypatch.setenv("PATH", str(skill))
    monkeypatch.setattr(pyc, "_proofs", {})
    assert ours or digest(skill) != before, "without its interpreter it is content"


@pytest.mark.parametrize("mode", ["checked-hash", "unchecked-hash", "timestamp"])
def test_all_kinds_of_cache_files_are_by_products(mode: str, skill: Path) -> None:
    before = digest(skill)
    subprocess.run(
        [sys.executable, "-m", "compileall", "-q", "-j1", "--invalidation-mode", mode, skill], check=True, capture_output=True
    )
    assert digest(skill) == before


def test_a_skill_that_moved_after_its_run_keeps_its_identity(skill: Path) -> None:
    before = digest(skill)
    run(skill)
    moved = skill.rename(skill.parent / "elsewhere")
    assert digest(moved) == before
    assert digest(zipped(moved, skill.parent / "a.zip")) == before


def test_a_warm_process_compiles_nothing_twice(skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(skill)
    before = digest(skill)
    monkeypatch.setattr(interpreters, "compiled", lambda *_, **__: pytest.fail("compiled again"))
    assert digest(skill) == before


def test_a_skill_that_never_ran_starts_nothing(skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pyc, "proven", lambda *_, **__: pytest.fail("looked for proof"))
    digest(skill)


# what only looks like it


def _evil(skill: Path) -> bytes:
    source = (skill / "scripts/helper.py").read_bytes()
    return cache_file(source, compiled(source + b"\nimport os; os.system('evil')\n"))


@pytest.fixture
def honest(skill: Path) -> Path:
    """The cache file of helper.py after an honest run; the others are gone."""
    run(skill)
    for path in [*skill.rglob("*.pyc")]:
        if path != skill / CACHED:
            path.unlink()
    return skill / CACHED


def test_a_compiled_file_of_other_code_is_content(skill: Path, honest: Path) -> None:
    honest.write_bytes(_evil(skill))
    assert CACHED in content_paths(read(skill))


@pytest.mark.parametrize("change", ["x = 1", "x = 1.0", "x = True", "x = '1'", "x = b'1'", "x = 1j", "x = (1,)", "x = -0.0"])
def test_values_that_compare_equal_are_told_apart(change: str, skill: Path) -> None:
    source = b"x = 0.0\n"
    write(skill, {"scripts/helper.py": source})
    path = skill / CACHED
    path.parent.mkdir()
    path.write_bytes(cache_file(source, compiled(change.encode() + b"\n")))
    assert CACHED in content_paths(read(skill))


def test_every_flipped_byte_of_the_code_makes_it_content(skill: Path, honest: Path) -> None:
    source = b"def f(a, b=2):\n    return (a, b, 'text', 1.5, 7)\n"
    write(skill, {"scripts/helper.py": source})
    body = compiled(source)
    reader = CodeReader(body, Numbers(), version=sys.version_info[:2], max_values=10_000)
    reader.module()
    (name,) = reader.filenames
    entries = [entry for entry in read(skill).entries if entry.path != CACHED]
    start = body.index(name)
    survived = []
    for at in range(len(body)):
        damaged = bytearray(body)
        damaged[at] ^= 0x02
        data = cache_file(source, bytes(damaged))
        entry = Entry(CACHED, "file", len(data), sha256=None, data=data)
        pyc._proofs.clear()
        if CACHED in pyc.proven([*entries, entry], root=None):
            survived.append(at)
    # Only the folder in the file name may differ, and it must stay printable.
    assert set(survived) <= set(range(start, start + len(name) - len("helper.py")))


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("helper.py", True),
        ("/a/b/helper.py", True),
        ("C:\\a\\helper.py", True),
        ("/a/b/other.py", False),
        ("/a/helper.py\n", False),
        ("\x1b[2J/helper.py", False),
        ("x" * 5_000 + "/helper.py", False),
    ],
)
def test_the_recorded_file_name_must_be_one_of_the_source(name: str, good: bool, skill: Path) -> None:
    source = (skill / "scripts/helper.py").read_bytes()
    write(skill, {CACHED: cache_file(source, compiled(source, name=name))})
    assert (CACHED not in content_paths(read(skill))) == good


def test_two_recorded_file_names_make_it_content(skill: Path) -> None:
    source = b"def f():\n    pass\n"
    code = compile(source, "/a/helper.py", "exec", dont_inherit=True)
    inner = code.co_consts[0].replace(co_filename="/payload/helper.py")
    mixed = code.replace(co_consts=(inner, *code.co_consts[1:]))
    write(skill, {"scripts/helper.py": source, CACHED: cache_file(source, marshal.dumps(mixed))})
    assert CACHED in content_paths(read(skill))


def test_damaged_headers_and_additions_make_it_content(skill: Path, honest: Path) -> None:
    good = honest.read_bytes()
    for data in (
        good + b"payload",
        good[:-1],
        good[:16],
        good[:3],
        b"",
        b"\0\0" + good[2:],
        good[:4] + b"\x04" + good[5:],
        good[:4] + b"\x02" + good[5:],
        good[:12] + b"\0\0\0\0" + good[16:],
        good[:16] + marshal.dumps([1, 2]),
    ):
        honest.write_bytes(data)
        assert CACHED in content_paths(read(skill))


@pytest.mark.skipif(os.name != "posix", reason="needs modes and links")
def test_executable_or_linked_cache_files_are_content(skill: Path, honest: Path) -> None:
    (skill / "run.pyc").symlink_to(CACHED)
    assert CACHED in content_paths(read(skill))
    (skill / "run.pyc").unlink()
    assert CACHED not in content_paths(read(skill))
    (skill / "cache").symlink_to("scripts/__pycache__")
    assert CACHED in content_paths(read(skill))
    (skill / "cache").unlink()
    honest.chmod(0o755)
    assert CACHED in content_paths(read(skill))


@pytest.mark.parametrize(
    "name",
    [
        "scripts/helper.{tag}.pyc",
        "scripts/helper.pyc",
        "scripts/__pycache__/other.{tag}.pyc",
        "scripts/__pycache__/helper.pyc",
        "scripts/__pycache__/helper.{tag}.pyc.bak",
        "scripts/__pycache__/helper.{tag}.so",
        "scripts/__pycache__/helper.{tag}-pytest-8.0.pyc",
        "scripts/__pycache__/helper.{tag}.opt-3.pyc",
        "scripts/__pycache__/deep/helper.{tag}.pyc",
        "scripts/__pycache__/helper.pypy39.pyc",
        "__pycache__/helper.{tag}.pyc",
    ],
)
def test_a_cache_file_in_another_place_is_content(name: str, skill: Path, honest: Path) -> None:
    data = honest.read_bytes()
    honest.unlink()
    place = name.format(tag=TAG)
    write(skill, {place: data})
    assert place in content_paths(read(skill))


def test_a_stale_cache_file_is_content(skill: Path, honest: Path) -> None:
    (skill / "scripts/helper.py").write_text(HELPER.replace("scale=2", "scale=3"))
    assert CACHED in content_paths(read(skill))
    (skill / "scripts/helper.py").unlink()
    assert CACHED in content_paths(read(skill))


def test_an_interpreter_inside_the_skill_is_never_run(skill: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = '#!/bin/sh\ntouch "$(dirname "$0")/ran"\n'
    write(skill, {"bin/python3.9": fake}, executable=("bin/python3.9",))
    write(skill.parent / "writable", {"python3.9": fake}, executable=("python3.9",))
    (skill.parent / "writable").chmod(0o777)
    monkeypatch.chdir(skill)
    parts = (skill / "bin", skill.parent / "writable", "bin", "", skill.parent / "link")
    if os.name == "posix":
        (skill.parent / "link").symlink_to(skill / "bin")
    monkeypatch.setenv("PATH", os.pathsep.join(map(str, parts)))
    monkeypatch.setattr(interpreters, "_USUAL_FOLDERS", ())
    data = b"\x61\x0d\r\n" + bytes(8) + len(HELPER.encode()).to_bytes(4, "little") + b"\xe3" + bytes(40)
    write(skill, {"scripts/__pycache__/helper.cpython-39.pyc": data})
    snapshot = read(skill)
    assert "scripts/__pycache__/helper.cpython-39.pyc" in content_paths(snapshot)
    assert not list(skill.parent.rglob("ran"))


# hostile sources and hostile code


def _finally_bomb(depth: int = 19) -> bytes:
    lines = []
    for level in range(depth):
        pad = " " * level
        lines += [pad + "try:", pad + " pass", pad + "finally:"]
    return "\n".join([*lines, " " * depth + "f()\n"]).encode()


HOSTILE_SOURCES = {
    "nested finally": _finally_bomb(),
    "many exits": b"def f():\n try:\n  pass\n" + b"  if x: return\n" * 2_000 + b" finally:\n" + b"  g()\n" * 2_000,
    "long private names": b"class " + b"A" * 30_000 + b":\n" + b"".join(b" __a%d = 1\n" % n for n in range(2_000)),
    "nested brackets": b"(" * 50_000,
    "long chain": b"a" + b".b" * 30_000,
    "unary": b"-" * 60_000 + b"1",
    "null byte": b"x = 1\0\n",
    "bad encoding": b"# coding: nonsense\nx = 1\n",
    "no utf-8": b"x = '\xff'\n",
    "big number": b"x = " + b"9" * 10_000,
    "warning": b"x = '\\d' is 1\n",
    "deep indentation": b"".join(b" " * n + b"if 1:\n" for n in range(150)),
}


@pytest.mark.parametrize("kind", HOSTILE_SOURCES)
def test_hostile_sources_get_an_answer(kind: str, skill: Path) -> None:
    source = HOSTILE_SOURCES[kind]
    write(skill, {"scripts/helper.py": source, CACHED: cache_file(source, b"\xe3" + bytes(60))})
    assert CACHED in content_paths(read(skill))


@pytest.mark.parametrize("kind", ["nested finally", "many exits", "long private names"])
def test_sources_that_grow_are_not_compiled_here(kind: str) -> None:
    assert not interpreters._is_harmless(HOSTILE_SOURCES[kind])


def test_honest_sources_are_compiled_here() -> None:
    assert interpreters._is_harmless(HELPER.encode())
    room = Path(pyc.__file__).parent
    assert all(interpreters._is_harmless(path.read_bytes()) for path in room.glob("*.py"))


def test_code_that_shares_its_parts_into_a_bomb_is_no_bomb_here() -> None:
    # Each tuple holds the one before it twice, by reference: 2**60 values in half a kilobyte.
    nest = b"\xa9\x02" * 60 + b"NN" + b"".join(b"r" + level.to_bytes(4, "little") for level in range(59, 0, -1))
    empty, none, name = b"s\0\0\0\0", b")\0", b"z\x01a"
    data = b"c" + bytes(20) + empty + nest + none + none + empty + name * 3 + bytes(4) + empty + empty
    reader = CodeReader(data, Numbers(), version=(3, 11), max_values=10_000)
    reader.module()
    assert reader.values < 200


def test_code_that_nests_for_ever_is_refused() -> None:
    with pytest.raises(ValueError, match="too deep"):
        CodeReader(b"\xe3" + bytes(20) + b")\x01" * 5_000, Numbers(), version=(3, 11), max_values=10_000).module()


@given(st.binary(max_size=400), st.sampled_from([(3, 8), (3, 11), (3, 14)]))
@settings(deadline=None, max_examples=300)
def test_arbitrary_code_is_read_or_refused_with_a_value_error(data: bytes, version: tuple[int, int]) -> None:
    reader = CodeReader(b"\xe3" + data, Numbers(), version=version, max_values=1_000)
    with suppress(ValueError):
        reader.module()


GOOD = compiled(HELPER.encode())


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(1, 255)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=300)
def test_damaged_code_is_read_or_refused_with_a_value_error(patches: list[tuple[int, int]]) -> None:
    data = bytearray(GOOD)
    for at, bits in patches:
        data[at] ^= bits
    reader = CodeReader(bytes(data), Numbers(), version=sys.version_info[:2], max_values=5_000)
    with suppress(ValueError):
        reader.module()


# folders


def test_an_empty_cache_folder_vanishes(skill: Path) -> None:
    before = digest(skill)
    (skill / "scripts/__pycache__").mkdir()
    (skill / "__pycache__").mkdir()
    assert digest(skill) == before


def test_a_cache_folder_does_not_hide_or_invent_an_empty_folder(skill: Path) -> None:
    (skill / "assets").mkdir()
    before = digest(skill)
    (skill / "assets/__pycache__").mkdir()
    assert digest(skill) == before
    assert "assets" in content_paths(read(skill))
    write(skill, {"assets/.DS_Store": ds_store()})
    assert digest(skill) == before
    (skill / "assets/inner").mkdir()
    assert digest(skill) != before
    assert "assets" not in content_paths(read(skill))


def test_a_cache_folder_with_something_else_stays(skill: Path, honest: Path) -> None:
    before = digest(skill)
    write(skill, {"scripts/__pycache__/data/": ""})
    assert digest(skill) != before


# .DS_Store


@pytest.mark.parametrize("place", [".DS_Store", "scripts/.DS_Store", "scripts/pkg/.DS_Store"])
def test_finders_file_changes_nothing(place: str, skill: Path) -> None:
    write(skill, {".gitignore": ".DS_Store\n__pycache__\n"})
    before = digest(skill)
    write(skill, {place: ds_store()})
    assert digest(skill) == before


@pytest.mark.parametrize("text", ["sh .DS_Store", "cat .ds_store | sh", "open('.' + 'DS_Store')", ". ./.DS_*"])
def test_a_ds_store_that_a_file_speaks_of_is_content(text: str, skill: Path) -> None:
    write(skill, {"SKILL.md": text, "scripts/.DS_Store": ds_store(b"rm -rf ~")})
    assert "scripts/.DS_Store" in content_paths(read(skill))


def test_a_script_named_like_an_ignore_file_may_not_speak_of_it(skill: Path) -> None:
    write(skill, {"runignore": "sh .DS_Store", ".DS_Store": ds_store()})
    assert ".DS_Store" in content_paths(read(skill))


@pytest.mark.skipif(os.name != "posix", reason="needs modes and links")
def test_an_executable_or_linked_ds_store_is_content(skill: Path) -> None:
    write(skill, {".DS_Store": ds_store()})
    (skill / "run").symlink_to(".DS_Store")
    assert ".DS_Store" in content_paths(read(skill))
    (skill / "run").unlink()
    (skill / ".DS_Store").chmod(0o755)
    assert ".DS_Store" in content_paths(read(skill))


def test_only_sound_ds_stores_count() -> None:
    good = ds_store()
    assert is_ds_store(good)
    for bad in (b"", good[:40], good[:-1], b"#!/bin/sh\n" + good, good + bytes(64 << 10), good[:4] + b"Bud2" + good[8:]):
        assert not is_ds_store(bad)
    assert not is_ds_store(good[:8] + b"\xff" + good[9:])
    assert not is_ds_store(good[:12] + b"\xff" + good[13:])


@given(st.binary(max_size=200).map(lambda tail: b"\0\0\0\1Bud1" + tail) | st.binary(max_size=64))
@settings(deadline=None)
def test_arbitrary_bytes_are_a_ds_store_or_not(data: bytes) -> None:
    assert is_ds_store(data) in (True, False)


# records of the installer


CLAWHUB = ".clawhub/origin.json"
SOURCE = ".openclaw/source-origin.json"


def test_a_record_that_does_not_parse_is_content(skill: Path) -> None:
    write(skill, {CLAWHUB: b'{"version": 1, "evil": true}', SOURCE: b"#!/bin/sh\n"})
    assert {CLAWHUB, SOURCE} <= set(content_paths(read(skill)))


@pytest.fixture
def source_record() -> str:
    record = {"version": 1, "source": "path", "spec": "/home/me/weather", "slug": "weather", "installedAt": 1_750_000_000_000}
    return json.dumps(record, indent=2) + "\n"


def test_a_strict_record_changes_nothing(skill: Path, source_record: str) -> None:
    before = digest(skill)
    write(skill, {SOURCE: source_record})
    snapshot = read(skill)
    assert [entry.role for entry in snapshot.entries if entry.path == SOURCE] == ["record"]
    assert tree_digest(snapshot.entries) == before
    write(skill, {".openclaw/.DS_Store": ds_store()})
    assert digest(skill) == before


def test_a_record_elsewhere_executable_or_linked_is_content(skill: Path, source_record: str) -> None:
    write(skill, {f"scripts/{SOURCE}": source_record})
    assert f"scripts/{SOURCE}" in content_paths(read(skill))
    write(skill, {SOURCE: source_record})
    if os.name == "posix":
        (skill / "main.json").symlink_to(SOURCE)
        assert SOURCE in content_paths(read(skill))
        (skill / "main.json").unlink()
        (skill / SOURCE).chmod(0o755)
        assert SOURCE in content_paths(read(skill))


def test_roles_never_leave_the_three_words() -> None:
    entries = [Entry("a/__pycache__/x.cpython-311.pyc", "file", 1, data=b"x"), Entry("__pycache__", "directory")]
    assert {entry.role for entry in with_roles(entries, reached=set(), root=None)} == {"content", "byproduct"}
