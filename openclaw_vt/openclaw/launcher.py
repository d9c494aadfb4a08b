"""The program that OpenClaw and our plugin start: a small file of its own, because OpenClaw is strict about the path.

OpenClaw 2026.9.6 takes a regular file of the user's (or root's) that nobody else can write, in folders that nobody else can
write. The scripts that pip makes under a umask of 002 and pipx's links fail that. The launcher is started with an empty
environment, so it carries what it needs: interpreter, import path, configuration and state, all absolute.
"""

from __future__ import annotations

import os
import shlex
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import openclaw_vt
from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw.files import PRIVATE_FOLDER, OnDisk, make_private_folder, replace

NAME = "openclaw-vt-policy"
EXECUTABLE = 0o700
MAX_SHEBANG = 127
"""Bytes of a `#!` line that every Linux reads; macOS reads more."""
_WINDOWS = sys.platform == "win32"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH

# Our own folders come before the interpreter's site-packages and after the standard library: a user's site-packages in
# front would let a stray `typing.py` shadow the real one.
_PROGRAM = """\
import os, sys
places = {places}
first = next((i for i, p in enumerate(sys.path) if p.endswith(("site-packages", "dist-packages"))), len(sys.path))
sys.path[first:first] = [p for p in places if p not in sys.path]
os.environ["OPENCLAW_VT_CONFIG"] = {config}
os.environ["OPENCLAW_VT_STATE_DIR"] = {state}
try:
    from openclaw_vt.cli import main
except ImportError:
    print('{{"protocolVersion": 1, "decision": "block", "reason": "{gone}"}}')
    sys.exit(0)
asked = sys.argv[1:] if sys.argv[1:2] == ["daemon"] else ["install-policy"]
main(asked)
"""
_GONE = "openclaw-vt cannot be loaded any more. Install it again and run `openclaw-vt setup`, or take it out of openclaw.json."
_NOTE = "# Written by `openclaw-vt setup`; run that again instead of editing this file."


def launcher_path(data_dir: Path) -> Path:
    """Return where the launcher belongs: `bin/openclaw-vt-policy` in our data folder."""
    return data_dir / "bin" / (f"{NAME}.cmd" if _WINDOWS else NAME)


def write_launcher(data_dir: Path, *, python: Path, config_path: Path, state_dir: Path) -> Path:
    """Write the launcher and return its path. The folder gets mode 0700 and the file 0700, whatever the umask.

    `data_dir` is our own (`$XDG_DATA_HOME/openclaw-vt`); `python` is the interpreter that runs now, not resolved, so that a
    virtual environment stays one. The other paths are absolute. Raises ConfigError when it cannot be written.
    """
    path = launcher_path(data_dir)
    places = import_places()
    try:
        make_private_folder(path.parent)
        if not _WINDOWS:
            path.parent.chmod(PRIVATE_FOLDER)
        replace(path, OnDisk(_text(python, places, config_path, state_dir), EXECUTABLE))
    except OSError as error:
        raise ConfigError(f"{path} could not be written.", why=error.strerror or type(error).__name__) from None
    return path


def import_places() -> tuple[str, ...]:
    """Return the folders that an isolated interpreter would miss: this package's parent, and the user's site-packages.

    They are found in what this process imports from, so `pip --user`, pipx, virtual environments and editable installs work.
    """
    import site

    own = str(Path(openclaw_vt.__file__).absolute().parent.parent)
    user = site.getusersitepackages()
    return (own, user) if user in sys.path and user != own else (own,)


def ourselves(*words: str) -> list[str]:
    """Return the command that runs this program with `words`, isolated: nothing in the folder it runs in passes for ours."""
    start = f"import sys; sys.path += {list(import_places())!r}; from openclaw_vt.cli import main; main()"
    return [sys.executable, "-I", "-c", start, *words]


def _text(python: Path, places: Sequence[str], config: Path, state: Path) -> bytes:
    program = _PROGRAM.format(places=ascii(list(places)), config=ascii(str(config)), state=ascii(str(state)), gone=_GONE)
    if _WINDOWS:
        return _cmd(python, program)
    shebang = f"#!{python} -I"
    if fits_shebang(str(python)):
        return f"{shebang}\n{_NOTE}\n{program}".encode()
    # A blank, a long or a non-ASCII path does not survive a #! line; the shell takes any.
    line = f'exec {shlex.quote(str(python))} -I -c {shlex.quote(program)} "$@"\n'
    return b"#!/bin/sh\n" + _NOTE.encode() + b"\n" + os.fsencode(line)


def fits_shebang(python: str) -> bool:
    """Whether the kernel, and Python reading its own first line, take this interpreter in a `#!` line."""
    plain = python.isascii() and python.isprintable() and " " not in python
    return plain and len(f"#!{python} -I\n") <= MAX_SHEBANG


def _cmd(python: Path, program: str) -> bytes:
    """A Windows batch file. Unproven: no OpenClaw on Windows has started it yet.

    The program travels as hexadecimal digits, since cmd.exe has no quoting that keeps it whole.
    """
    runs = f"exec(bytes.fromhex('{program.encode().hex()}').decode())"
    quoted = str(python).replace("%", "%%")
    return f'@echo off\r\nrem {_NOTE[2:]}\r\n"{quoted}" -I -c "{runs}" %*\r\n'.encode("utf-8", "surrogatepass")


def check_launcher(path: Path) -> list[str]:
    """Return what OpenClaw would refuse the launcher for, each with what mends it; empty when it would be started.

    These are OpenClaw's own rules: absolute, a regular file and no link, owned by the user or root, not writable by group or
    others, the same for every folder above it unless sticky. On Windows it looks at access lists, which are not repeated here.
    """
    if not path.is_absolute():
        return [f"{path} is not an absolute path. Run `openclaw-vt setup` again."]
    try:
        found = path.lstat()
    except OSError as error:
        return [f"{path} cannot be read ({error.strerror}). Run `openclaw-vt setup` again."]
    if not stat.S_ISREG(found.st_mode):
        return [f"{path} is no regular file. Remove it and run `openclaw-vt setup` again."]
    if _WINDOWS:
        return []
    problems = list(_file_problems(path, found))
    for folder in path.parents:
        problems.extend(_folder_problems(folder))
    return problems


def _file_problems(path: Path, found: os.stat_result) -> Iterator[str]:
    if found.st_mode & _OTHERS_WRITE:
        yield f"Others may write to {path}. Run: chmod go-w {shlex.quote(str(path))}"
    if not found.st_mode & stat.S_IXUSR:
        yield f"{path} is not executable. Run: chmod u+x {shlex.quote(str(path))}"
    if not _trusted(found):
        yield f"{path} belongs to another user. Remove it and run `openclaw-vt setup` again."


def _folder_problems(folder: Path) -> Iterator[str]:
    try:
        found = folder.stat()
    except OSError as error:
        yield f"{folder} cannot be looked at ({error.strerror}), and OpenClaw wants to."
        return
    if found.st_mode & _OTHERS_WRITE and not found.st_mode & stat.S_ISVTX:
        yield f"Others may write to the folder {folder}. Run: chmod go-w {shlex.quote(str(folder))}"
    if not _trusted(found):
        yield f"The folder {folder} belongs to another user. Set XDG_DATA_HOME to your own folder and run `openclaw-vt setup`."


def _trusted(found: os.stat_result) -> bool:
    return found.st_uid in {0, os.getuid()}
