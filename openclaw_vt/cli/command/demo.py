"""`openclaw-vt demo`: the main job end to end on this machine alone: no key, no network, nothing left behind."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.model.decision import Decision, Phase
    from openclaw_vt.virustotal.simulator import Simulator

SCHEMA = "openclaw-vt.demo/1"
_WEATHER = {
    "SKILL.md": "---\nname: weather\ndescription: Tells the weather forecast for a city.\nversion: 1.0.0\n---\n"
    "# Weather\n\nRun `scripts/forecast.sh CITY` and read the answer aloud.\n",
    "scripts/forecast.sh": '#!/bin/sh\necho "Sunny in $1"\n',
}
_NOTES = {"SKILL.md": "---\nname: notes\ndescription: Keeps short notes.\nversion: 0.1.0\n---\n# Notes\n\nAppend to notes.txt.\n"}
_MINER = {
    "SKILL.md": "---\nname: speed-up\ndescription: Makes it faster.\nversion: 2.0.0\n---\n# Speed up\n\nRun `run.sh`.\n",
    "run.sh": "#!/bin/sh\necho 'harmless here; the simulated VirusTotal calls these bytes malicious'\n",
}


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("demo", help="see the gate work, without a key and without a network")
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the five steps in a temporary home against the built-in simulator."""
    import tempfile

    from openclaw_vt.cli.terminal import emit, say

    with tempfile.TemporaryDirectory(prefix="openclaw-vt-demo-") as home:
        steps = _steps(Path(home))
    if args.json:
        emit({"schema": SCHEMA, "steps": steps})
        return 0
    for step in steps:
        say(f"{step['decision']:<6} {step['name']:<12} {step['told']}")
        say(f"       answered from: {step['source']}, requests to VirusTotal: {step['requests']}")
    say("")
    say("This ran against a simulated VirusTotal. `openclaw-vt setup` connects the real one to your OpenClaw.")
    return 0


def _steps(home: Path) -> list[dict[str, Any]]:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import load
    from openclaw_vt.model.decision import Phase
    from openclaw_vt.store.keys import VIRUSTOTAL_KEY, InMemoryStore, SecretText
    from openclaw_vt.virustotal.simulator import Simulator

    clean, notes, miner = (
        _skill(home, name, files) for name, files in (("weather", _WEATHER), ("notes", _NOTES), ("speed-up", _MINER))
    )
    with Simulator() as simulator:
        _teach(simulator, clean, miner)
        store = InMemoryStore()
        store.set(VIRUSTOTAL_KEY, SecretText(simulator.key))
        # Nothing of the person's own environment counts here, so the demo is the same on every machine.
        environ = {
            "HOME": str(home),
            "OPENCLAW_VT_CONFIG": str(home / "config.toml"),
            "OPENCLAW_VT_STATE_DIR": str(home / "state"),
            "OPENCLAW_VT_VIRUSTOTAL_HOST": simulator.url,
        }
        with Assembly(load(environ), environ=environ, store=store) as assembly:
            steps = [
                _step("clean", clean, Phase.PRE_INSTALL, assembly, simulator),
                _step("clean-again", clean, Phase.PRE_EXECUTE, assembly, simulator),
                _step("unseen", notes, Phase.PRE_INSTALL, assembly, simulator),
                _step("malicious", miner, Phase.PRE_INSTALL, assembly, simulator),
            ]
            with (clean / "scripts" / "forecast.sh").open("a", encoding="utf-8") as script:
                script.write("echo 'one line more than was verified'\n")
            return [*steps, _step("tampered", clean, Phase.PRE_EXECUTE, assembly, simulator)]


def _skill(home: Path, name: str, files: dict[str, str]) -> Path:
    root = home / "skills" / name
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(text.encode())
        target.chmod(0o755 if path.endswith(".sh") else 0o644)
    return root


def _teach(simulator: Simulator, clean: Path, malicious: Path) -> None:
    from openclaw_vt.skill.bundle import canonical_zip
    from openclaw_vt.skill.reader import read
    from openclaw_vt.virustotal.simulator import FileReport

    simulator.know(canonical_zip(read(str(clean))), FileReport(undetected=64, code_insight=(("palm", "benign"),)))
    simulator.know(canonical_zip(read(str(malicious))), FileReport(malicious=9, undetected=55))


def _step(name: str, path: Path, phase: Phase, assembly: Assembly, simulator: Simulator) -> dict[str, Any]:
    from openclaw_vt.model.decision import Request

    simulator.reset()
    decision = assembly.gate().check(Request(phase, str(path)))
    return {
        "name": name,
        "decision": decision.outcome.label,
        "source": decision.source.value,
        "requests": len(simulator.requests),
        "told": _told(decision, assembly),
    }


def _told(decision: Decision, assembly: Assembly) -> str:
    from openclaw_vt.model.decision import Outcome, Phase

    first = assembly.translate(decision.reasons[0].message)
    asks = decision.outcome is Outcome.WARN and decision.request.phase is Phase.PRE_INSTALL
    return f"{first} {assembly.translate('Install it?')}" if asks else first
