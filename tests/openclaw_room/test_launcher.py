from __future__ import annotations

import json
import os
import shlex
import stat
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

import openclaw_vt
from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import launcher
from openclaw_vt.openclaw.launcher import check_launcher, fits_shebang, write_launcher

POSIX = pytest.mark.skipif(os.name == "nt", reason="modes, owners and #! lines as POSIX has them")
QUESTION = b'{"protocolVersion": 99}'
RUN = b"main(asked)\n"
TELL = b"""import json, openclaw_vt
print(json.dumps([sys.prefix, openclaw_vt.__file__, json.__file__, {k: v for k, v in os.environ.items() if "_VT_" in k}]))
"""


def write(folder: Path, python: Path | None = None) -> Path:
    return write_launcher(
        folder, python=python or Path(sys.executable), config_path=folder / "the config.toml", state_dir=folder / "state"
    )


def start(path: Path, env: dict[str, str]) -> Any:
    """Start it as OpenClaw does: pipes, its own folder as the current one."""
    done = subprocess.run([str(path)], input=QUESTION, capture_output=True, env=env, cwd=path.parent, timeout=60, check=False)
    assert done.stdout, done.stderr.decode()
    return json.loads(done.stdout)


def told(path: Path, env: dict[str, str]) -> Any:
    """What the same launcher finds when it tells instead of running the command: prefix, package, json module, variables."""
    tells = path.with_name("tells")
    text = path.read_bytes()
    assert RUN in text
    tells.write_bytes(text.replace(RUN, TELL))
    tells.chmod(0o700)
    return start(tells, env)


@POSIX
def test_it_answers_openclaw_with_an_empty_environment(tmp_path):
    path = write(tmp_path / "with blank")
    assert start(path, {})["decision"] == "block"


@POSIX
def test_a_package_that_is_gone_blocks_with_words(tmp_path, monkeypatch):
    venv.create(tmp_path / "venv", symlinks=True)
    monkeypatch.setattr(openclaw_vt, "__file__", str(tmp_path / "gone" / "openclaw_vt" / "__init__.py"))
    answer = start(write(tmp_path / "data", tmp_path / "venv" / "bin" / "python"), {})
    assert (answer["protocolVersion"], answer["decision"]) == (1, "block")
    assert "openclaw-vt setup" in answer["reason"]


@POSIX
@pytest.mark.parametrize("name", ["plain", "with blank", "quote'and\"dollar$HOME", "Übung-天気", "percent%s{brace}", "new\nline"])
def test_paths_of_every_kind_arrive_whole(tmp_path, name):
    path = write(tmp_path / name)
    _, package, _, variables = told(path, {})
    assert package == str(Path(openclaw_vt.__file__).absolute())
    assert variables == {
        "OPENCLAW_VT_CONFIG": str(tmp_path / name / "the config.toml"),
        "OPENCLAW_VT_STATE_DIR": str(tmp_path / name / "state"),
    }
    assert check_launcher(path) == []


@POSIX
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o077, 0o777])
def test_modes_are_private_whatever_the_umask(tmp_path, umask):
    old = os.umask(umask)
    try:
        path = write(tmp_path / "data" / "openclaw-vt")
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert check_launcher(path) == []


@POSIX
@pytest.mark.parametrize("name", ["with blank", "ünïcode", "x" * 120])
def test_an_interpreter_whose_path_no_shebang_line_holds(tmp_path, name):
    venv.create(tmp_path / name, symlinks=True)
    python = tmp_path / name / "bin" / "python"
    assert not fits_shebang(str(python))
    path = write(tmp_path / "it's data", python)
    assert path.read_bytes().startswith(b"#!/bin/sh\n")
    tells = path.with_name("tells")
    tells.write_bytes(path.read_bytes().replace(shlex.quote(RUN.decode())[1:-1].encode(), TELL))
    tells.chmod(0o700)
    prefix, _, _, variables = start(tells, {})
    assert prefix == str(tmp_path / name)
    assert variables["OPENCLAW_VT_STATE_DIR"] == str(tmp_path / "it's data" / "state")


@POSIX
def test_an_editable_install_is_found_and_shadows_nothing(tmp_path, monkeypatch):
    """The package lies in a checkout that the interpreter does not know; a stray `json.py` beside it has no effect."""
    venv.create(tmp_path / "venv", symlinks=True)
    stray = tmp_path / "checkout"
    stray.mkdir()
    (stray / "json.py").write_text("raise SystemExit('shadowed')")
    (stray / "openclaw_vt").symlink_to(Path(openclaw_vt.__file__).parent)
    monkeypatch.setattr(openclaw_vt, "__file__", str(stray / "openclaw_vt" / "__init__.py"))
    path = write(tmp_path / "data", tmp_path / "venv" / "bin" / "python")
    prefix, package, standard, _ = told(path, {})
    assert prefix == str(tmp_path / "venv")
    assert package == str(stray / "openclaw_vt" / "__init__.py")
    assert not standard.startswith(str(stray))


@POSIX
def test_neither_the_environment_nor_the_current_folder_can_change_what_runs(tmp_path):
    path = write(tmp_path / "data")
    for name in ("openclaw_vt.py", "json.py", "sitecustomize.py"):
        (path.parent / name).write_text("raise SystemExit('hijacked')")
    evil = {"PYTHONPATH": str(path.parent), "PYTHONHOME": "/nowhere", "OPENCLAW_VT_CONFIG": "/evil", "PYTHONINSPECT": "1"}
    _, package, _, variables = told(path, evil)
    assert package == str(Path(openclaw_vt.__file__).absolute())
    assert variables["OPENCLAW_VT_CONFIG"] == str(tmp_path / "data" / "the config.toml")


def test_writing_again_replaces_it(tmp_path):
    path = write(tmp_path)
    first = path.read_bytes()
    assert write(tmp_path) == path
    assert path.read_bytes() == first
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


@POSIX
def test_a_place_that_cannot_be_written_is_an_error_for_people(tmp_path):
    (tmp_path / "bin").write_text("")
    with pytest.raises(ConfigError, match="could not be written"):
        write(tmp_path)


def test_the_users_own_packages_are_named_when_they_are_in_use(monkeypatch, tmp_path):
    monkeypatch.setattr("site.getusersitepackages", lambda: str(tmp_path))
    assert str(tmp_path) not in launcher.import_places()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    assert launcher.import_places()[-1] == str(tmp_path)


REFUSALS = {
    "group-may-write-it": (lambda path: path.chmod(0o770), "chmod go-w"),
    "anybody-may-write-it": (lambda path: path.chmod(0o707), "chmod go-w"),
    "not-executable": (lambda path: path.chmod(0o600), "chmod u+x"),
    "open-folder": (lambda path: path.parent.chmod(0o775), "Others may write to the folder"),
    "open-folder-further-up": (lambda path: path.parent.parent.chmod(0o777), "Others may write to the folder"),
    "link": (lambda path: path.symlink_to(path.rename(path.with_name("real"))), "no regular file"),
    "gone": (lambda path: path.unlink(), "cannot be read"),
}


@POSIX
@pytest.mark.parametrize("name", REFUSALS)
def test_what_openclaw_refuses_is_named_with_its_mend(tmp_path, name):
    path = write(tmp_path / "data")
    damage, words = REFUSALS[name]
    damage(path)
    problems = check_launcher(path)
    assert len(problems) == 1
    assert words in problems[0]
    assert str(path.parent.parent) in problems[0]


@POSIX
def test_a_sticky_folder_above_is_fine(tmp_path):
    path = write(tmp_path / "shared" / "data")
    (tmp_path / "shared").chmod(0o1777)
    assert check_launcher(path) == []


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_launcher_or_folder_is_refused(tmp_path):
    path = write(tmp_path / "data")
    os.chown(path, 12345, -1)
    os.chown(path.parent, 12345, -1)
    assert len(check_launcher(path)) == 2


def test_a_relative_path_is_refused():
    assert "absolute" in check_launcher(Path("openclaw-vt-policy"))[0]


def test_the_windows_file_keeps_the_program_in_one_piece(monkeypatch, tmp_path):
    monkeypatch.setattr(launcher, "_WINDOWS", True)
    path = write(tmp_path, Path(r"C:\Program Files\100% Python\python.exe"))
    text = path.read_text(encoding="utf-8")
    assert path.name == "openclaw-vt-policy.cmd"
    assert r'"C:\Program Files\100%% Python\python.exe" -I -c' in text
    program = bytes.fromhex(text.split("fromhex('")[1].split("'")[0]).decode()
    compile(program, "launcher", "exec")
    assert "install-policy" in program
