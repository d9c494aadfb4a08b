"""The real OpenClaw from npm in a throw-away home: its own state folder, an almost empty environment, time limits."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pexpect

OLDEST_NODE = (24, 16)
FOLLOWING_NODE = (25, 0)
OPENCLAW_VERSION = "2026.9.6"
RUN_LIMIT_S = 240
"""A first call in a fresh state folder takes 4 to 13 seconds; a loaded machine many times that."""
REPO = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are: `node` and `openclaw` are real paths to start, `bin` comes first in PATH."""

    bin: Path
    node: Path
    openclaw: Path


@dataclass(frozen=True, slots=True)
class Result:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def text(self) -> str:
        """Both streams, for assertions about what a person sees."""
        return self.stdout + self.stderr


def tool_folders(env: Mapping[str, str]) -> list[Path]:
    """Folders that may hold the programs: `$OCVT_TEST_TOOLS` (several, like PATH), then the checkout's own `.tools`."""
    named = [Path(part) for part in env.get("OCVT_TEST_TOOLS", "").split(os.pathsep) if part]
    return [*named, *(part / "node_modules" / ".bin" for part in named), REPO / ".tools" / "node_modules" / ".bin"]


def find_tools(env: Mapping[str, str]) -> Tools | str:
    """Return the tools, or the reason why there are none, in words for a skipped test."""
    folders = os.pathsep.join(str(folder) for folder in tool_folders(env))
    openclaw = shutil.which("openclaw", path=folders)
    if openclaw is None:
        return "no openclaw in $OCVT_TEST_TOOLS or .tools/node_modules/.bin"
    for path in (folders, env.get("PATH", "")):
        node = shutil.which("node", path=path)
        if node and OLDEST_NODE <= node_version(node) < FOLLOWING_NODE:
            return Tools(Path(openclaw).parent, Path(node), Path(openclaw))
    return "no Node from 24.16 up to 25 beside it or in PATH"


def node_version(node: str) -> tuple[int, int]:
    """Return (major, minor) of that Node, (0, 0) when it does not say."""
    done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False)
    numbers = done.stdout.strip().removeprefix("v").split(".")
    return (int(numbers[0]), int(numbers[1])) if done.returncode == 0 and len(numbers) == 3 else (0, 0)


class OpenClawHost:
    """One OpenClaw installation with a home of its own. Use as a context manager: leftovers are killed at its end."""

    def __init__(self, tools: Tools, root: Path, *, clawhub_url: str | None = None) -> None:
        self.tools = tools
        self.root = root
        self.home = root / "home"
        self.state = root / "state"
        self.temp = root / "tmp"
        for folder in (self.home, self.state, self.temp):
            folder.mkdir(parents=True, mode=0o700)
        self.clawhub_url = clawhub_url
        self._terminals: list[pexpect.spawn[str]] = []

    @property
    def config(self) -> Path:
        """`openclaw.json`."""
        return self.state / "openclaw.json"

    @property
    def workspace(self) -> Path:
        """The default agent's workspace; skills are installed into its `skills`."""
        return self.state / "workspace"

    def skill(self, slug: str) -> Path:
        """Where a workspace skill lies once it is installed."""
        return self.workspace / "skills" / slug

    def env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of every call: nothing of the developer's own but PATH and the temporary folder."""
        path = os.pathsep.join((str(self.tools.node.parent), str(self.tools.bin), os.environ.get("PATH", os.defpath)))
        env = {
            "HOME": str(self.home),
            "PATH": path,
            "TMPDIR": str(self.temp),
            "OPENCLAW_STATE_DIR": str(self.state),
            "NO_COLOR": "1",
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "CLAWHUB_DISABLE_TELEMETRY": "1",
        }
        if self.clawhub_url:
            env["OPENCLAW_CLAWHUB_URL"] = self.clawhub_url
        return env | dict(extra or {})

    def write_config(self, value: Mapping[str, Any]) -> None:
        """Write `openclaw.json` the way a person's editor would."""
        self.config.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")

    def run(
        self, *args: str, extra_env: Mapping[str, str] | None = None, cwd: Path | None = None, limit_s: float = RUN_LIMIT_S
    ) -> Result:
        """Run `openclaw ARGS` without a terminal. Raises subprocess.TimeoutExpired after killing everything it started."""
        with subprocess.Popen(
            [str(self.tools.node), str(self.tools.openclaw), *args],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.env(extra_env),
            cwd=cwd or self.home,
            start_new_session=True,
        ) as child:
            try:
                out, err = child.communicate(timeout=limit_s)
            finally:
                kill_group(child.pid)
        return Result(child.returncode, out.decode(errors="replace"), err.decode(errors="replace"))

    def pty(
        self, *args: str, extra_env: Mapping[str, str] | None = None, cwd: Path | None = None, limit_s: float = RUN_LIMIT_S
    ) -> pexpect.spawn[str]:
        """Start `openclaw ARGS` on a terminal of 40 by 200; answer its questions with pexpect and end with `finish`."""
        import pexpect

        child = pexpect.spawn(
            str(self.tools.node),
            [str(self.tools.openclaw), *args],
            env=self.env({"TERM": "xterm"} | dict(extra_env or {})),
            cwd=str(cwd or self.home),
            timeout=limit_s,
            dimensions=(40, 200),
            encoding="utf-8",
            codec_errors="replace",
        )
        self._terminals.append(child)
        return child

    def close(self) -> None:
        """Kill terminal sessions that nobody finished; a second time does nothing."""
        for child in self._terminals:
            if not child.closed:
                kill_group(child.pid)
                child.close(force=True)
        self._terminals.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def finish(child: pexpect.spawn[str]) -> Result:
    """Read a terminal session to its end and return how it ended; its two streams are one."""
    import pexpect

    seen = child.before if isinstance(child.before, str) else ""
    child.expect(pexpect.EOF)
    rest = child.before if isinstance(child.before, str) else ""
    kill_group(child.pid)
    child.close()
    return Result(child.exitstatus if child.exitstatus is not None else -(child.signalstatus or 0), seen + rest, "")


def kill_group(group: int) -> None:
    """Kill a session's process group, which OpenClaw's own children share; gone already is fine."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)
