"""`openclaw-vt` as its user runs it: a process of its own in a throw-away home, with nothing of the developer's environment."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pexpect
from support.bench import CLEAN, make_skill
from support.children import ROOT

from openclaw_vt.skill.bundle import canonical_zip
from openclaw_vt.skill.reader import read
from openclaw_vt.virustotal.simulator import FileReport, Simulator

RUN_LIMIT_S = 120
_UNPRIVILEGED = """
import contextlib, io, os, sys, tempfile
from pathlib import Path
from openclaw_vt.cli import main, run
real, given = dict(os.environ), sys.argv[1:]
with tempfile.TemporaryDirectory() as home, contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    # Loads every module while they can still be read: another user may not be able to.
    skill = Path(home, "skill")
    skill.mkdir()
    skill.joinpath("SKILL.md").write_text("---\\nname: warm-up\\n---\\n")
    os.environ.update(HOME=home, OPENCLAW_VT_STATE_DIR=home + "/state", OPENCLAW_VT_CONFIG=home + "/config.toml")
    for words in (["scan"], ["accept", "--no-input"], ["verify"], ["verify", "--json"]):
        run([*words, str(skill)])
    for words in (["setup", "--no-input"], ["doctor", "--offline"], ["cache", "list"], ["audit"], ["key", "status"]):
        run(words)
os.environ.clear()
os.environ.update(real)
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
main(given)
"""
_CRAMPED = """
import resource, sys
from openclaw_vt.cli import main
limit = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
main(sys.argv[2:])
"""
_OPENCLAW = """#!{python} -I
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "openclaw.calls"), "a", encoding="utf-8") as log:
    log.write(json.dumps({{"argv": sys.argv[1:], "environ": dict(os.environ)}}) + chr(10))
if sys.argv[1:] == ["--version"]:
    print({version!r})
sys.exit({code})
"""


@dataclass(frozen=True)
class Done:
    """How a command ended. `out` and `err` are what a person saw."""

    code: int
    raw_out: bytes
    raw_err: bytes

    @property
    def out(self) -> str:
        return self.raw_out.decode("utf-8", "surrogateescape")

    @property
    def err(self) -> str:
        return self.raw_err.decode("utf-8", "surrogateescape")

    @property
    def text(self) -> str:
        return self.out + self.err

    @property
    def json(self) -> Any:
        return json.loads(self.raw_out)

    @property
    def report(self) -> dict[str, Any]:
        (report,) = self.json["reports"]
        return report

    def __post_init__(self) -> None:
        assert b"Traceback" not in self.raw_err, self.err


@dataclass
class Machine:
    """One person's machine. `settings` join the environment of every call; None takes a variable away."""

    root: Path
    simulator: Simulator
    settings: dict[str, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for folder in (self.home, self.bin):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def bin(self) -> Path:
        """The only folder in PATH."""
        return self.root / "bin"

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "openclaw-vt"

    @property
    def config(self) -> Path:
        return self.home / ".config" / "openclaw-vt" / "config.toml"

    @property
    def openclaw_json(self) -> Path:
        return self.home / ".openclaw" / "openclaw.json"

    @property
    def launcher(self) -> Path:
        return self.home / ".local" / "share" / "openclaw-vt" / "bin" / "openclaw-vt-policy"

    def environ(self, extra: Mapping[str, str | None] = {}) -> dict[str, str]:
        """The whole environment: files for keys, the simulator for VirusTotal, its key in VT_API_KEY."""
        found: dict[str, str | None] = {name: os.environ[name] for name in ("SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
        found |= {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
            "OPENCLAW_VT_KEYS_BACKEND": "file",
            "OPENCLAW_VT_VIRUSTOTAL_HOST": self.simulator.url,
            "OPENCLAW_VT_CLAWHUB_LOOKUP": "false",
            "VT_API_KEY": self.simulator.key,
        }
        return {name: value for name, value in (found | self.settings | extra).items() if value is not None}

    def start(self, *argv: str | bytes, prefix: tuple[str, ...] = (), extra: Mapping[str, str | None] = {}, **options: Any):
        """Start a command with pipes for all three streams, and return the process."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE) | options
        return subprocess.Popen([*(prefix or (sys.executable, "-m", "openclaw_vt")), *argv], env=self.environ(extra), **streams)

    def run(
        self,
        *argv: str | bytes,
        stdin: bytes = b"",
        prefix: tuple[str, ...] = (),
        cwd: Path | None = None,
        umask: int = -1,
        **extra: str | None,
    ) -> Done:
        """Run a command to its end."""
        options = {"cwd": cwd or self.root, "start_new_session": True, "umask": umask}
        with self.start(*argv, prefix=prefix, extra=extra, **options) as child:
            try:
                out, err = child.communicate(stdin, timeout=RUN_LIMIT_S)
            except subprocess.TimeoutExpired:
                child.kill()
                raise
        return Done(child.returncode, out, err)

    def unprivileged(self, *argv: str, **extra: str | None) -> Done:
        """Run a command as a user who is not root, whoever runs the tests."""
        return self.run(*argv, prefix=(sys.executable, "-c", _UNPRIVILEGED), **extra)

    def cramped(self, limit: int, *argv: str, **extra: str | None) -> Done:
        """Run a command that can make no file larger than `limit` bytes: a disk that is full."""
        return self.run(*argv, prefix=(sys.executable, "-c", _CRAMPED, str(limit)), **extra)

    def terminal(self, *argv: str, **extra: str | None) -> pexpect.spawn[str]:
        """Run a command on a terminal of its own."""
        return pexpect.spawn(
            sys.executable,
            ["-m", "openclaw_vt", *argv],
            env=self.environ(extra),
            cwd=str(self.root),
            encoding="utf-8",
            timeout=RUN_LIMIT_S,
            dimensions=(40, 240),
        )

    def know(self, folder: Path, report: FileReport = CLEAN) -> None:
        """Teach VirusTotal the canonical bundle of the skill as it is now."""
        bundle = canonical_zip(read(folder))
        assert bundle is not None
        self.simulator.know(bundle, report)

    def skill(self, name: str = "weather", files: dict[str, bytes] | None = None) -> Path:
        """Write a skill; without `files` a small harmless one."""
        return make_skill(self.root / "skills" / name, files)

    def verified(self, name: str = "weather") -> Path:
        """Write a skill that VirusTotal knows as clean, and have it scanned."""
        folder = self.skill(name, {"SKILL.md": f"---\nname: {name}\ndescription: A skill.\n---\nHello.\n".encode()})
        self.know(folder)
        done = self.run("scan", str(folder))
        assert done.code == 0, done.text
        return folder

    def state_files(self) -> dict[str, bytes]:
        """Return every file under the state folder, by its path there."""
        found = self.state.rglob("*") if self.state.is_dir() else ()
        return {path.relative_to(self.state).as_posix(): path.read_bytes() for path in found if path.is_file()}

    def install_openclaw(self, *, code: int = 0, version: str = "2026.9.6") -> None:
        """Put a program called `openclaw` into PATH; it writes down what it was asked and does nothing."""
        program = self.bin / "openclaw"
        program.write_text(_OPENCLAW.format(python=sys.executable, version=version, code=code), encoding="utf-8")
        program.chmod(0o755)

    def openclaw_calls(self) -> list[dict[str, Any]]:
        """Return what the `openclaw` in PATH was started with: argv and environ."""
        log = self.bin / "openclaw.calls"
        return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []


def finish(child: pexpect.spawn[str]) -> tuple[int | None, str]:
    """Read a terminal to its end; return the exit code and everything since the last match."""
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before or ""
