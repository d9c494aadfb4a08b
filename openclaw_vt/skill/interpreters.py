"""Asking a Python interpreter what it makes of a source, without ever running the source.

Compiling hostile source can take gigabytes, so only small sources that stay small are compiled in this process; the rest,
and every source of another version, go to a child process with limits.
"""

# ruff: noqa: PTH116, PTH117, PTH118, PTH120 - plain strings go to and come from the system here, and pathlib stays out of the reader's imports

from __future__ import annotations

import marshal
import os
import stat
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib.util import MAGIC_NUMBER
from itertools import islice

from openclaw_vt.skill.growth import stays_small
from openclaw_vt.skill.limits import KIB, MIB

Job = tuple[bytes, int]
"""A source, and the optimisation level (0, 1, 2)."""

TIMEOUT_S = 5.0
"""For one child and all its sources."""
MAX_MEMORY = 512 * MIB
"""Address space of the child, where the system can limit it."""
_HERE_MAX_SOURCE = 64 * KIB
_HERE_MAX_GROWTH = MIB
_TRIES = 3
_USUAL_FOLDERS = ("/usr/bin", "/usr/local/bin", "/opt/homebrew/bin")
"""Searched after PATH, because OpenClaw starts its policy program with an empty environment."""
_magic_of: dict[str, bytes] = {}
"""What each program answered as its magic number, so that a shim that starts nothing is tried once in a process."""

# In the child: length-prefixed sources in, the magic number and length-prefixed code out; nothing for what does not compile.
_CHILD = f"""
import sys, marshal
from importlib.util import MAGIC_NUMBER
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, ({MAX_MEMORY}, {MAX_MEMORY}))
    resource.setrlimit(resource.RLIMIT_CPU, ({int(TIMEOUT_S)}, {int(TIMEOUT_S)}))
except Exception:
    pass
read, write = sys.stdin.buffer.read, sys.stdout.buffer.write
write(MAGIC_NUMBER)
while True:
    head = read(5)
    if len(head) < 5:
        break
    source = read(int.from_bytes(head[1:], "little"))
    try:
        code = marshal.dumps(compile(source, "<source>", "exec", dont_inherit=True, optimize=head[0]))
    except Exception:
        code = b""
    if len(code) > 32 * len(source) + 65536:
        code = b""
    write(len(code).to_bytes(4, "little") + code)
"""


def compiled(jobs: Sequence[Job], *, version: tuple[int, int], magic: bytes, root: str | None) -> list[bytes | None]:
    """Return the marshalled code of each source as the interpreter of this version and magic number compiles it.

    None where it does not compile, or no such interpreter is at hand. No interpreter below `root` is run.
    """
    results: list[bytes | None] = [None] * len(jobs)
    ours = version == sys.version_info[:2] and magic == MAGIC_NUMBER and sys.implementation.name == "cpython"
    away = list(range(len(jobs)))
    if ours:
        away = [index for index in away if not _is_harmless(jobs[index][0])]
        for index in set(range(len(jobs))) - set(away):
            results[index] = _compiled_here(*jobs[index])
    if away:
        programs = (sys.executable,) if ours and sys.executable else islice(find(version, root=root), _TRIES)
        for program in programs:  # the first may be a shim that starts nothing, or a build with another magic number
            if _magic_of.get(program, magic) != magic:
                continue
            answers = _ask(program, [jobs[index] for index in away], magic)
            for index, code in zip(away, answers, strict=False):
                results[index] = code
            if answers:
                break
    return results


def _is_harmless(source: bytes) -> bool:
    return len(source) <= _HERE_MAX_SOURCE and stays_small(source, limit=_HERE_MAX_GROWTH)


def _compiled_here(source: bytes, optimize: int) -> bytes | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an invalid escape in somebody's script is not ours to report
            return marshal.dumps(compile(source, "<source>", "exec", dont_inherit=True, optimize=optimize))
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError, SystemError):
        return None


def _ask(program: str, jobs: Sequence[Job], magic: bytes) -> list[bytes | None]:
    import logging
    import subprocess

    question = b"".join(bytes([level]) + len(source).to_bytes(4, "little") + source for source, level in jobs)
    environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    try:
        answer = subprocess.run(  # noqa: S603 - an interpreter of the system or our own, with our own program text
            [program, "-I", "-S", "-B", "-W", "ignore", "-c", _CHILD],
            input=question,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=TIMEOUT_S,
            cwd=os.path.dirname(program),
            env={"PATH": os.defpath, **environment},
            check=False,
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        logging.getLogger(__name__).info("%s gave no answer: %s", program, error)
        return []
    _magic_of[program] = answer[: len(magic)]
    return list(_codes(answer[len(magic) :])) if answer.startswith(magic) else []


def _codes(answer: bytes) -> Iterator[bytes | None]:
    at = 0
    while at + 4 <= len(answer):
        size = int.from_bytes(answer[at : at + 4], "little")
        code = answer[at + 4 : at + 4 + size]
        yield code if size and len(code) == size else None
        at += 4 + size


def find(version: tuple[int, int], *, root: str | None) -> Iterator[str]:
    """Yield interpreters of a Python version: from absolute PATH folders that nobody but us and root owns, never below `root`.

    Windows names no interpreter by version, so there nothing comes back for any version but our own.
    """
    name = f"python{version[0]}.{version[1]}"
    forbidden = os.path.realpath(root) if root else None
    for folder in dict.fromkeys([*os.get_exec_path(), *_USUAL_FOLDERS]):
        program = os.path.realpath(os.path.join(folder, name)) if os.path.isabs(folder) else ""
        if program and not _below(program, forbidden) and _trusted(os.path.dirname(program)) and _trusted(program):
            yield program


def _below(path: str, folder: str | None) -> bool:
    return folder is not None and (path == folder or path.startswith(os.path.join(folder, "")))


def _trusted(path: str) -> bool:
    try:
        info = os.stat(path)
    except OSError:
        return False
    ours = not hasattr(os, "geteuid") or info.st_uid in (0, os.geteuid())
    return ours and not info.st_mode & stat.S_IWOTH and os.access(path, os.X_OK)
