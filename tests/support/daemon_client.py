"""A machine with a warm gate: a real daemon process started through the command line, and raw ways to talk to it."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from support.command_line import Machine

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import load
from openclaw_vt.daemon.client import Client
from openclaw_vt.errors import GateError
from openclaw_vt.ledger import acceptance, revocation
from openclaw_vt.model.subject import SkillRef, Subject, identify
from openclaw_vt.skill.reader import read
from openclaw_vt.store.keys import VIRUSTOTAL_KEY, FileStore, SecretText
from openclaw_vt.virustotal.simulator import Fault

PATIENCE_S = 60.0
ALONE: dict[str, str | None] = dict.fromkeys(
    ("OPENCLAW_VT_KEYS_BACKEND", "OPENCLAW_VT_VIRUSTOTAL_HOST", "OPENCLAW_VT_CLAWHUB_LOOKUP", "VT_API_KEY")
)
"""The daemon reads files alone, so these machines have their settings there and nothing in the environment."""


def eventually(found: Callable[[], Any], what: str = "it") -> Any:
    """Return the first true thing that `found` returns. It fails when nothing true comes in a minute."""
    deadline = time.monotonic() + PATIENCE_S
    while not (value := found()):
        assert time.monotonic() < deadline, f"{what} never happened"
        time.sleep(0.02)
    return value


@dataclass
class Warm(Machine):
    """One person's machine with settings in a file. `runtime` is its XDG_RUNTIME_DIR: a short, private folder."""

    runtime: Path = field(default_factory=Path)
    toml: dict[str, dict[str, Any]] = field(default_factory=dict)
    pids: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.settings |= ALONE | {"XDG_RUNTIME_DIR": str(self.runtime)}
        self.configure()
        self.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        FileStore(self.state).set(VIRUSTOTAL_KEY, SecretText(self.simulator.key))

    def configure(self, **tables: dict[str, Any]) -> None:
        """Write the settings file; `tables` are joined with what is set already."""
        base: dict[str, dict[str, Any]] = {
            "keys": {"backend": "file"},
            "virustotal": {"host": self.simulator.url},
            "clawhub": {"lookup": False},
            "daemon": {"idle_s": 120},
        }
        for table, values in (base | self.toml).items():
            self.toml[table] = base.get(table, {}) | values | tables.get(table, {})
        self.toml |= {table: values for table, values in tables.items() if table not in self.toml}
        lines = [
            line
            for table, values in self.toml.items()
            for line in (f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items()))
        ]
        self.config.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = self.config.with_name("fresh.toml")
        fresh.write_text("\n".join(lines) + "\n", encoding="utf-8")
        fresh.replace(self.config)

    @property
    def met(self) -> dict[str, Any]:
        """What the daemon published: socket, token, pid, version, protocol."""
        return json.loads((self.state / "daemon.json").read_bytes())

    @property
    def log(self) -> str:
        place = self.state / "daemon.log"
        return place.read_text(encoding="utf-8") if place.exists() else ""

    def up(self) -> Self:
        """Start the daemon through the command line."""
        done = self.run("daemon")
        assert done.code == 0, done.text
        self.pids.add(self.met["pid"])
        return self

    def client(self, *, timeout_s: float = PATIENCE_S) -> Client:
        return Client(str(self.state), timeout_s=timeout_s)

    def ask(self, op: str, **members: Any) -> dict[str, Any]:
        """One request on a connection of its own; the answer must be `ok`."""
        with self.client() as client:
            return client.ask(op, **members)

    def use(self, skill: Path, **members: Any) -> dict[str, Any]:
        return self.ask("use", **({"path": str(skill), "tool": "read", "budget_ms": 20_000} | members))

    def talk(self, *, shaken: bool = True) -> Talk:
        """A raw connection, after the challenge unless told otherwise."""
        met = self.met
        talk = Talk(met["socket"], bytes.fromhex(met["token"]))
        if shaken:
            talk.shake()
        return talk

    def assembly(self) -> Assembly:
        """Our own rooms over the same files, as another process has them."""
        environ = {name: value for name, value in self.environ().items() if not name.startswith("XDG")}
        return Assembly(load(environ, use_environment=False), environ=environ)

    def accept(self, skill: Path, basis: Any = "accepted") -> Subject:
        """Sign a person's yes, as the command line does."""
        subject = self.subject(skill)
        with self.assembly() as assembly:
            place = str(skill) if basis == "own" else None
            assembly.ledger().state(acceptance(subject, basis=basis, by="terminal", now=assembly.clock(), place=place))
            if place:
                assembly.notices().note_sighting(place, subject.tree)
        return subject

    def revoke(self, skill: Path) -> None:
        with self.assembly() as assembly:
            assembly.ledger().state(revocation(self.subject(skill), by="test", why="a test", now=assembly.clock()))

    def subject(self, skill: Path) -> Subject:
        return identify(read(skill), SkillRef(name=skill.name, path=str(skill)))

    def statements(self, skill: Path) -> list[str]:
        """The kinds of everything that was ever signed about the skill's present bytes, oldest first."""
        with self.assembly() as assembly:
            found = assembly.cache().history(self.subject(skill).tree)
            return [entry.stored.draft.kind.name.lower() for entry in found if entry.stored]

    def audit(self) -> list[dict[str, Any]]:
        place = self.state / "audit.jsonl"
        return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()] if place.exists() else []

    def rest(self) -> None:
        """Wait until nothing is being judged any more."""
        with self.client() as client:
            eventually(lambda: not client.ask("status")["busy"], "rest")

    def kill(self) -> None:
        """End the daemons that run here, the hard way. What the address file says is believed only after the challenge."""
        with contextlib.suppress(GateError), self.client(timeout_s=5.0) as client:
            self.pids.add(client.ask("status")["pid"])
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                eventually(lambda pid=pid: not alive(pid), "the end of the daemon")


class Talk:
    """A connection by hand: bytes out, lines in."""

    def __init__(self, place: str, token: bytes) -> None:
        self.token = token
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(place)
        self.kept = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, raw: bytes | dict[str, Any]) -> None:
        self.socket.sendall(raw if isinstance(raw, bytes) else json.dumps(raw).encode() + b"\n")

    def line(self) -> dict[str, Any] | None:
        """The next line, None when the other side has closed."""
        try:
            while b"\n" not in self.kept:
                chunk = self.socket.recv(65536)
                if not chunk:
                    return None
                self.kept += chunk
        except ConnectionError:
            return None
        line, _, self.kept = self.kept.partition(b"\n")
        return json.loads(line)

    def greet(self) -> dict[str, Any] | None:
        """Send a greeting and return what the daemon says to it."""
        self.send({"hello": 1, "nonce": secrets.token_hex(16), "client": "test"})
        return self.line()

    def shake(self) -> None:
        hello = self.greet()
        assert hello is not None
        self.send({"proof": proof(self.token, "client", hello["nonce"])})

    def ask(self, **members: Any) -> dict[str, Any] | None:
        self.send(members)
        return self.line()


@contextmanager
def occupied(machine: Warm) -> Iterator[None]:
    """Keep the line of judgements busy with one that VirusTotal does not answer; it ends a few seconds after the block began."""
    machine.configure(virustotal={"timeout_s": 3.0})
    other = machine.skill("occupied", {"SKILL.md": b"---\nname: occupied\n---\nSlow.\n"})
    before = len(machine.simulator.requests)
    machine.simulator.faults = [Fault.HANG]
    with machine.talk() as talk:
        talk.send({"id": 1, "op": "use", "path": str(other), "budget_ms": 20_000})
        eventually(lambda: len(machine.simulator.requests) > before, "the slow judgement")
        yield
        assert talk.line()["answer"] == "ask"


def proof(token: bytes, side: str, nonce: str) -> str:
    """The protocol's proof, written down a second time."""
    return hmac.new(token, f"{side} {nonce}".encode(), "sha256").hexdigest()


def alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


def mode(path: Path | str) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


class Stdio:
    """`openclaw-vt daemon --stdio` as the plugin keeps it: a child that is spoken to over its pipes."""

    def __init__(self, machine: Warm, *, prefix: tuple[str, ...] = ()) -> None:
        command = [*(prefix or (sys.executable, "-m", "openclaw_vt")), "daemon", "--stdio"]
        self.child = subprocess.Popen(
            command, env=machine.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def send(self, raw: bytes | dict[str, Any]) -> None:
        self.child.stdin.write(raw if isinstance(raw, bytes) else json.dumps(raw).encode() + b"\n")
        self.child.stdin.flush()

    def line(self) -> dict[str, Any] | None:
        line = self.child.stdout.readline()
        return json.loads(line) if line else None

    def ask(self, **members: Any) -> dict[str, Any] | None:
        self.send(members)
        return self.line()

    def end(self) -> tuple[int, bytes, bytes]:
        """Close its input; return the exit code and what it still said, both streams."""
        out, err = self.child.communicate(timeout=PATIENCE_S)
        return self.child.returncode, out, err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.kill()
        for stream in (self.child.stdin, self.child.stdout, self.child.stderr):
            with contextlib.suppress(OSError):
                stream.close()
        self.child.wait()
