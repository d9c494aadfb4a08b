"""A tiny install policy that a test steers: it answers what it is told to and writes down what it was asked."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REASON = "Not reviewed."

_SCRIPT = """\
#!{python} -I
import json, os, sys
here = os.path.dirname(os.path.abspath(__file__))
request = json.load(sys.stdin)
call = {{"parent": os.getppid(), "environment": sorted(os.environ), "request": request}}
with open(os.path.join(here, "calls"), "a", encoding="utf-8") as log:
    log.write(json.dumps(call) + chr(10))
with open(os.path.join(here, "answer"), encoding="utf-8") as answer:
    sys.stdout.write(answer.read())
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One question. `parent` is the asking process's id."""

    parent: int
    environment: tuple[str, ...]
    request: dict[str, Any]

    @property
    def source(self) -> Path:
        """The folder that is asked about."""
        return Path(self.request["sourcePath"])


class ScriptedPolicy:
    """The policy's program and what it saw."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.program = folder / "policy"
        self.program.write_text(_SCRIPT.format(python=sys.executable), encoding="utf-8")
        self.program.chmod(0o700)
        self._answer, self._calls = folder / "answer", folder / "calls"
        self.answer("allow")

    def answer(self, decision: str) -> None:
        """Answer this from now on, and forget earlier questions."""
        body: dict[str, Any] = {"protocolVersion": 1, "decision": decision}
        if decision != "allow":
            body |= {"reason": REASON, "findings": [{"ruleId": "test.rule", "severity": "warn", "message": "look at this"}]}
        self._answer.write_text(json.dumps(body), encoding="utf-8")
        self._calls.unlink(missing_ok=True)

    def calls(self) -> list[Call]:
        """Every question since the answer was set."""
        if not self._calls.exists():
            return []
        asked = [json.loads(line) for line in self._calls.read_text(encoding="utf-8").splitlines()]
        return [Call(one["parent"], tuple(one["environment"]), one["request"]) for one in asked]
