"""Other scanners on the same skills: each installed from PyPI into an environment of its own, run as a person would run it.

What they are given is a copy of the skill, so that they can write nothing into it, in an environment without anybody's keys. Both
were tried for real without a network; guarddog then says on its error output that its lists of popular packages are missing,
which local folders do not need. cisco-ai-skill-scanner and what it installs take about 700 MB, guarddog 160 MB. Untried: Windows
and macOS; guarddog's sandbox where the kernel has none (it is run again without).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from detection.answer import Answer, Level, silent

ENVIRONMENTS = Path("~/.cache/openclaw-vt-bench")
INSTALL_S = 1200
START_S = 120.0
"""What a run may take beyond its skills: these programs load models and rules first, for ten seconds of CPU and more."""
_ORDER: tuple[Level, ...] = ("no answer", "clean", "suspicious", "malicious")


class Missing(Exception):  # noqa: N818 - what the peer is
    """A peer cannot be installed; the text says why."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A scanner. `batch` is how many skills one run takes; `again` is added when the program refuses for want of it.

    `command` gets the folder of copies and the report's path; `answers` gets the report and yields paths with what was said.
    """

    name: str
    version: str
    program: str
    batch: int
    command: Callable[[str, str], list[str]]
    answers: Callable[[Any], Iterator[tuple[str, Answer]]]
    mapping: str
    again: str = ""


def _cisco_command(folder: str, report: str) -> list[str]:
    return ["scan-all", "--recursive", folder, "--format", "json", "--compact", "--output-json", report]


def _cisco_answers(report: Any) -> Iterator[tuple[str, Answer]]:
    levels: dict[str, Level] = {"CRITICAL": "malicious", "HIGH": "suspicious"}
    for result in report["results"]:
        rules = tuple(sorted({f"{f['rule_id']} ({f['severity'].lower()})" for f in result["findings"]}))
        yield (
            result["skill_path"],
            Answer(
                level=levels.get(result["max_severity"], "clean"),
                rules=rules,
                complete=not result.get("analyzers_failed"),
                ms=result.get("duration_ms"),
            ),
        )


def _guarddog_command(folder: str, report: str) -> list[str]:
    del report  # it prints
    inner = next(os.scandir(next(os.scandir(folder)).path)).path
    return ["pypi", "scan", inner, "--output-format", "json"]


def _guarddog_answers(report: Any) -> Iterator[tuple[str, Answer]]:
    levels: dict[str, Level] = {"high_risk": "malicious", "suspicious": "suspicious"}
    yield (
        report["package"],
        Answer(
            level=levels.get((report.get("risk_score") or {}).get("label", ""), "clean"),
            rules=tuple(sorted({f"{risk['threat_rule']} ({risk['severity']})" for risk in report.get("risks", ())})),
            complete=not report.get("errors"),
        ),
    )


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            name="cisco-ai-skill-scanner",
            version="2.3.2",
            program="skill-scanner",
            batch=200,
            command=_cisco_command,
            answers=_cisco_answers,
            mapping="worst finding critical = malicious, high = suspicious (its own `is_safe` is false for both); "
            "default policy, no model; its CPU seconds hold the start of one process per folder and 200 skills, its milliseconds "
            "are those it reports",
        ),
        Peer(
            name="guarddog",
            version="3.2.0",
            program="guarddog",
            batch=1,
            command=_guarddog_command,
            answers=_guarddog_answers,
            mapping="`pypi scan` of the folder (its rules for source code are the same for npm); "
            "risk label high_risk = malicious, suspicious = suspicious; one process a skill",
            again="--no-sandbox",
        ),
    )
}


def install(peer: Peer) -> Path:
    """Return the peer's program, installing it at first need. Raises Missing."""
    place = ENVIRONMENTS.expanduser() / peer.name
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    program = scripts / (peer.program + (".exe" if sys.platform == "win32" else ""))
    mark = place / f"installed-{peer.version}"
    if mark.exists() and program.exists():
        return program
    print(f"installing {peer.name} {peer.version} into {place} ...", file=sys.stderr, flush=True)
    pip = [str(scripts / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        for command in ([sys.executable, "-m", "venv", "--clear", str(place)], [*pip, f"{peer.name}=={peer.version}"]):
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=INSTALL_S)
    except subprocess.CalledProcessError as error:
        raise Missing((error.stderr.strip().splitlines() or ["no reason was given"])[-1]) from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(str(error)) from None
    mark.touch()
    return program


def judged(peer: Peer, program: Path, paths: Sequence[str], *, limit_s: float) -> Iterator[Answer]:
    """Yield the peer's answer for each path, in order. A run that says nothing is repeated in halves."""
    for start in range(0, len(paths), peer.batch):
        yield from _answered(peer, program, paths[start : start + peer.batch], limit_s)


def _answered(peer: Peer, program: Path, paths: Sequence[str], limit_s: float) -> list[Answer]:
    answers = _run(peer, program, paths, limit_s)
    if len(paths) == 1 or any(answer.level != "no answer" for answer in answers):
        return answers
    middle = len(paths) // 2
    return [*_answered(peer, program, paths[:middle], limit_s), *_answered(peer, program, paths[middle:], limit_s)]


def _run(peer: Peer, program: Path, paths: Sequence[str], limit_s: float) -> list[Answer]:
    with tempfile.TemporaryDirectory(prefix="openclaw-vt-detection-", ignore_cleanup_errors=True) as name:
        base = Path(name).resolve()
        copies, home, report = base / "skills", base / "home", base / "report.json"
        home.mkdir()
        for number, path in enumerate(paths):
            # Its own name, in a folder of its own: scanners compare a skill's name with its folder's.
            with suppress(OSError, shutil.Error):
                shutil.copytree(path, copies / str(number) / Path(path).name, symlinks=True)
        began, cpu = time.perf_counter(), _children_cpu()
        command = [str(program), *peer.command(str(copies), str(report))]
        allowed_s = START_S + limit_s * (1 + len(paths) / 10)
        problem = _execute(command, home, report, allowed_s)
        if peer.again and peer.again in problem:
            problem = _execute([*command, peer.again], home, report, allowed_s)
        spent = (_children_cpu() - cpu) / len(paths) or None
        ms = (time.perf_counter() - began) * 1000 / len(paths)
        said = _said(peer, report, copies)
    return [
        replace(said[n], cpu_s=spent, ms=ms if said[n].ms is None else said[n].ms)
        if n in said
        else replace(silent(problem or "it is not in the report", ms=ms), cpu_s=spent)
        for n in range(len(paths))
    ]


def _said(peer: Peer, report: Path, copies: Path) -> dict[int, Answer]:
    """Return the worst answer under each copy's number; nothing where the report is none."""
    said: dict[int, Answer] = {}
    with suppress(OSError, ValueError, KeyError, TypeError):
        for path, answer in peer.answers(json.loads(report.read_bytes())):
            number = int(Path(path).relative_to(copies).parts[0])
            said[number] = max(said.get(number, silent("")), answer, key=lambda a: _ORDER.index(a.level))
    return said


def _execute(command: list[str], home: Path, report: Path, allowed_s: float) -> str:
    """Run a program; what it prints is the report unless it writes one. Returns what went wrong, empty for nothing."""
    kept = ("PATH", "LANG", "TMPDIR", "SYSTEMROOT", "TEMP", "TMP")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    environ |= {"HOME": str(home), "USERPROFILE": str(home)}
    printed, complaints = home.parent / "printed", home.parent / "complaints"
    with printed.open("wb") as out, complaints.open("wb") as err:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=home, env=environ, start_new_session=True
        )
        try:
            status = process.wait(allowed_s)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"more than {allowed_s:g} s"
        except BaseException:
            _end(process)
            raise
    if not report.exists() and printed.stat().st_size:
        printed.rename(report)
    lines = complaints.read_text("utf-8", "replace").strip().splitlines()
    return f"status {status}: {' '.join(lines[-3:])}"[:500] if status else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and what it started; the session is its own, so nobody else's process is in it."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    process.wait()


def _children_cpu() -> float:
    """Seconds of CPU of ended children; always zero on Windows, where nobody counts them."""
    times = os.times()
    return times.children_user + times.children_system
