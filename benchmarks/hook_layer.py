"""What asking five plugins before a use costs, over answering that use in the daemon (the socket and Node left out).

Five plugins that implement `skill_pre_execute` and find nothing are registered in the real manager; both are measured in one
process, alternating. Usage: python benchmarks/hook_layer.py [ROUNDS]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from verify_start import skill

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import load
from openclaw_vt.daemon.desk import Gatehouse
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Phase, Request
from openclaw_vt.model.finding import Finding
from openclaw_vt.plugin.manager import Hooks
from openclaw_vt.plugin.spec import hookimpl
from openclaw_vt.skill.reader import read

GOAL = 0.10
PLUGINS = 5


class Quiet:
    """A plugin with nothing to object."""

    @hookimpl
    def skill_pre_execute(self, request: Request, snapshot: object) -> list[Finding]:
        del request, snapshot
        return []


def microseconds(began: float) -> float:
    return (time.perf_counter() - began) * 1e6


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings = home / ".config/openclaw-vt/config.toml"
        settings.parent.mkdir(parents=True)
        settings.write_text('[keys]\nbackend = "file"\n')
        environ = {"HOME": folder}
        path = str(skill(home / "skill"))
        hooks = Hooks()
        for number in range(PLUGINS):
            hooks.register(Quiet(), name=f"quiet-{number}")
        config = load(environ, use_environment=False)
        house = Gatehouse(lambda: config, stop=lambda: None, environ=environ)
        with Assembly(config, environ=environ) as assembly:
            subject = house.front.identify(path)
            assembly.ledger().state(acceptance(subject, basis="accepted", by="script", now=time.time()))
        snapshot, request = read(path), Request(Phase.PRE_EXECUTE, path)
        said: list[dict[str, object]] = []
        ratios, layers, uses = [], [], []
        for number in range(rounds + 20):
            began = time.perf_counter()
            house.serve({"id": number, "op": "use", "path": path}, said.append)
            use = microseconds(began)
            began = time.perf_counter()
            hooks.collect("skill_pre_execute", Finding, request=request, snapshot=snapshot)
            layer = microseconds(began)
            if number >= 20:
                ratios.append(layer / use)
                layers.append(layer)
                uses.append(use)
        assert all(answer["answer"] == "pass" for answer in said), "every use was verified"
    print(f"{PLUGINS} plugins asked: {statistics.median(layers):.1f} us; a use answered: {statistics.median(uses):.0f} us")
    print(f"share (median of {rounds} pairs): {statistics.median(ratios):.1%}   goal: {GOAL:.0%}")
    sys.stdout.flush()
    os._exit(0)  # the gatehouse's workers are idle, and nobody waits for them


if __name__ == "__main__":
    main()
