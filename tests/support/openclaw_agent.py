"""The agent of the real OpenClaw: turns with and without a Gateway, its terminal, its approvals, and our product in its home.

The model is `support.model_server`, so a test orders tool calls and reads back exactly what a model was told.
"""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pexpect
from support.model_server import ModelServer, Request
from support.openclaw_host import REPO, OpenClawHost, Result, Tools, kill_group
from support.skill_trees import write

from openclaw_vt.skill.bundle import canonical_zip
from openclaw_vt.skill.reader import read
from openclaw_vt.virustotal.simulator import FileReport, Simulator

CLEAN = FileReport(undetected=64)
NINE = FileReport(malicious=9, undetected=55)
READY = "[gateway] ready"
START_LIMIT_S = 240
STOP_LIMIT_S = 20
TURN_LIMIT_S = 120
UP, ENTER = "\x1b[A", "\r"
BLOCKED = "openclaw-vt stopped this skill. The user must review it in their own terminal or chat; do not try another way."
GUARDED = "openclaw-vt does not let the agent do this. Only the user can, in their own terminal or chat; do not try another way."
UNCHECKED = "openclaw-vt could not check this skill, so it was not used. The user must look at it in their own terminal or chat."
DENIED = "Denied by user. The tool call did not run."
"""What a model may read when a call does not happen: three sentences of ours, two of OpenClaw's."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one message to the agent. `results` is what the model was told by its tools, in the order of its calls."""

    results: list[str]
    requests: list[Request]
    command: Result | None = None

    @property
    def result(self) -> str:
        """The only tool's result."""
        (only,) = self.results
        return only

    def saw(self, needle: str) -> bool:
        """Whether these characters reached the model in this turn."""
        return any(
            needle.encode() in request.raw or json.dumps(needle)[1:-1].encode() in request.raw for request in self.requests
        )


class AgentMachine:
    """One person's machine: OpenClaw with the loopback model, VirusTotal's simulator, our product set up by its own command."""

    def __init__(self, tools: Tools, root: Path, model: ModelServer, simulator: Simulator) -> None:
        self.host = OpenClawHost(tools, root)
        self.model = model
        self.simulator = simulator
        self.port = _free_port()
        self.host.write_config(agent_config(model.url, port=self.port, workspace=self.host.workspace))
        self._sessions = 0

    def close(self) -> None:
        """Stop our daemon and whatever OpenClaw left."""
        self.product("daemon", "--stop")
        self.host.close()

    def product(self, *args: str, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
        """Run `openclaw-vt ARGS` as this machine's user does, without a terminal."""
        settings = {
            "OPENCLAW_VT_VIRUSTOTAL_HOST": self.simulator.url,
            "OPENCLAW_VT_VIRUSTOTAL_REQUESTS_PER_MINUTE": "10000",
            "OPENCLAW_VT_VIRUSTOTAL_REQUESTS_PER_DAY": "100000",
            "OPENCLAW_VT_KEYS_BACKEND": "file",
            "PYTHONPATH": str(REPO),
        }
        env = self.host.env(settings | extra)
        argv = [sys.executable, "-m", "openclaw_vt", *args]
        return subprocess.run(argv, input=stdin, capture_output=True, text=True, env=env, timeout=300, check=False)

    def set_up(self) -> None:
        """Wire the product into OpenClaw."""
        done = self.product("setup", "--no-input", VT_API_KEY=self.simulator.key)
        assert done.returncode == 0, done.stderr

    @property
    def config(self) -> dict[str, Any]:
        """`openclaw.json` as it is now."""
        return json.loads(self.host.config.read_text(encoding="utf-8"))

    def with_config(self, **members: Any) -> None:
        """Set members of `openclaw.json`; None takes one away."""
        self.host.write_config({name: value for name, value in (self.config | members).items() if value is not None})

    def toggle(self, **values: str | None) -> None:
        """Set our plugin's settings in `openclaw.json` the way an editor would; None takes one away."""
        config = self.config
        ours = config["plugins"]["entries"]["openclaw-vt"]
        merged = ours.get("config", {}) | values
        ours["config"] = {name: value for name, value in merged.items() if value is not None}
        self.host.write_config(config)

    def skill(self, name: str, body: str = "Run scripts/run.sh.", files: dict[str, str] | None = None) -> Path:
        """Put a skill into the workspace, as a person would who unpacks one there. Its script says `ran NAME`."""
        head = f"---\nname: {name}\ndescription: A skill for a test.\n---\n\n"
        return write(
            self.host.skill(name), {"SKILL.md": f"{head}{body}\n", "scripts/run.sh": f"echo ran {name}\n"} | (files or {})
        )

    def know(self, folder: Path, report: FileReport = CLEAN) -> None:
        """Teach VirusTotal the skill as it is now."""
        self.simulator.know(canonical_zip(read(folder)), report)

    def verified(self, name: str, **files: Any) -> Path:
        """Put a skill there that VirusTotal knows as clean, and have it scanned."""
        folder = self.skill(name, **files)
        self.know(folder)
        done = self.product("scan", str(folder))
        assert done.returncode == 0, done.stdout + done.stderr
        return folder

    def session(self) -> str:
        """A session key that nobody used before."""
        self._sessions += 1
        return f"agent:main:test{self._sessions}"

    def turn(self, *orders: str, local: bool = False, session: str | None = None) -> Turn:
        """Send one message as a headless command does: through the Gateway, or `local` in the command's own process.

        OpenClaw refuses `local` while a Gateway runs for the same home.
        """
        key = session or self.session()
        before = len(self.model.of(key))
        words = ["agent", *(["--local"] if local else []), "--session-key", key, "--json", "--message", "\n".join(orders)]
        done = self.host.run(*words)
        assert done.code == 0, done.text
        asked = self.model.of(key)[before:]
        assert asked, f"no question reached the model: {done.text}"
        return Turn(asked[-1].tool_results, asked, done)

    def pending(self) -> list[dict[str, Any]]:
        """What `openclaw approvals pending` lists."""
        done = self.host.run("approvals", "pending", "--json")
        assert done.code == 0, done.text
        return json.loads(done.stdout)["approvals"]

    def resolve(self, approval: str, decision: str) -> None:
        """Answer an approval from another shell."""
        done = self.host.run("approvals", "resolve", approval, decision)
        assert done.code == 0, done.text

    def daemon(self) -> dict[str, Any] | None:
        """What `openclaw-vt daemon --status` says, or None while there is none."""
        found = json.loads(self.product("daemon", "--status", "--json").stdout)
        return found if found["running"] else None

    def start_daemon(self) -> dict[str, Any]:
        """Start the daemon unless it runs, and return what it says of itself."""
        done = self.product("daemon", "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Gateway:
    """`openclaw gateway run`, a context manager. It is ready when entered and ends by SIGTERM."""

    def __init__(self, machine: AgentMachine) -> None:
        self.machine = machine
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        host = self.machine.host
        self._process = subprocess.Popen(
            [str(host.tools.node), str(host.tools.openclaw), "gateway", "run"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=host.env(),
            cwd=host.home,
            start_new_session=True,
        )
        self._reader.start()
        try:
            self.wait_for(READY, limit_s=START_LIMIT_S)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """Everything it printed so far."""
        with self._news:
            return "".join(self.lines)

    def mark(self) -> int:
        """A place in the log, to wait for what comes after it."""
        with self._news:
            return len(self.lines)

    @contextlib.contextmanager
    def reloading(self) -> Iterator[None]:
        """Change `openclaw.json` inside of this; it ends when the Gateway has taken the change in."""
        place = self.mark()
        yield
        self.wait_for("config hot reload applied", since=place)

    def wait_for(self, text: str, *, since: int = 0, limit_s: float = TURN_LIMIT_S) -> None:
        """Wait until a line with `text` is printed. Raises AssertionError with the log when it ends or takes too long."""
        with self._news:
            self._news.wait_for(lambda: self._ended or self._said(text, since), timeout=limit_s)
            assert self._said(text, since), f"the Gateway never said {text!r}:\n{''.join(self.lines[-60:])}"

    def _said(self, text: str, since: int) -> bool:
        return any(text in line for line in self.lines[since:])

    def stop(self) -> int:
        """End it as an operator does, and return its exit code. It waits for what its agent runs; we wait STOP_LIMIT_S."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_LIMIT_S)
        kill_group(self._process.pid)
        code = self._process.wait()
        self._reader.join()
        return code

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            for line in stream:
                self._tell(line.decode(errors="replace"))
        self._tell("", ended=True)

    def _tell(self, line: str, *, ended: bool = False) -> None:
        with self._news:
            self.lines.append(line)
            self._ended = ended
            self._news.notify_all()


class Tui:
    """`openclaw tui` on a terminal: where a person sits and can answer. A context manager."""

    def __init__(self, machine: AgentMachine) -> None:
        self.machine = machine
        self.key = machine.session()
        self._child = machine.host.pty("tui", "--session", self.key)
        self._before = 0
        self._panel = ""

    def __enter__(self) -> Self:
        self._child.expect_exact("connected | idle")
        return self

    def __exit__(self, *exc: object) -> None:
        kill_group(self._child.pid)
        self._child.close(force=True)

    def order(self, line: str) -> None:
        """Type one order and send it."""
        self._before = len(self.machine.model.of(self.key))
        self._child.send(line)
        self._child.expect_exact(line[-20:])
        self._child.send(ENTER)

    def asked(self) -> str:
        """Wait for an approval panel; return what was drawn since the order."""
        self._child.expect_exact("Do not apply this change")
        self._panel = str(self._child.before)
        return self._panel

    def choose(self, decision: str) -> None:
        """Answer the panel with the keyboard: `allow-once`, `allow-always` or `deny`, in this order; the last is preselected."""
        always = "Always allow" in self._panel
        steps = {"deny": 0, "allow-always": 1, "allow-once": 2 if always else 1}
        self._child.send(UP * steps[decision] + ENTER)

    def turn(self) -> Turn:
        """Wait until the model has every tool's result and has answered."""
        requests = self.until(lambda asked: bool(asked) and bool(asked[-1].tool_results))
        return Turn(requests[-1].tool_results, requests)

    def until(self, enough: Callable[[list[Request]], bool]) -> list[Request]:
        """Keep drawing until what the model was asked since the order is enough. Raises AssertionError after TURN_LIMIT_S."""
        for _ in range(TURN_LIMIT_S * 4):
            asked = self.machine.model.of(self.key)[self._before :]
            if enough(asked):
                return asked
            # The terminal has to be emptied meanwhile, or OpenClaw would wait for us to read.
            self._child.expect([pexpect.TIMEOUT, "\x00"], timeout=0.25)
        raise AssertionError(f"the turn did not come to its end:\n{self._child.before}")


def agent_config(model_url: str, *, port: int, workspace: Path) -> dict[str, Any]:
    """An `openclaw.json` with the loopback model and a Gateway on a loopback port."""
    fake = {
        "id": "fake",
        "name": "fake",
        "reasoning": False,
        "input": ["text"],
        "cost": {"input": 0, "output": 0, "cacheRead": 0, "cacheWrite": 0},
        "contextWindow": 196_608,
        "maxTokens": 8192,
    }
    provider = {"baseUrl": model_url, "apiKey": "x", "api": "openai-completions", "models": [fake]}
    return {
        "gateway": {
            "mode": "local",
            "port": port,
            "bind": "loopback",
            "auth": {"mode": "token", "token": "a token for tests only"},
        },
        "models": {"providers": {"fake": provider}},
        "agents": {"defaults": {"model": {"primary": "fake/fake"}, "workspace": str(workspace)}},
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
