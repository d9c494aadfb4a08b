"""OpenClaw's own skills after an update of OpenClaw: new bytes that came with a new package, not somebody's edit.

The person said yes to what their OpenClaw brings along. Which version that was is noted, unsigned, beside the cache: a new
version renews the yes for skills that local analysis finds clean; the same version with other bytes renews nothing. Whoever can
change the package can change OpenClaw itself.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from openclaw_vt.assembly import Assembly
from openclaw_vt.errors import GateError
from openclaw_vt.ledger import acceptance
from openclaw_vt.model import strict_json
from openclaw_vt.model.decision import Decision, Phase, Request
from openclaw_vt.model.subject import Origin
from openclaw_vt.model.verdict import AnalysisVerdict
from openclaw_vt.openclaw.installed import package_version
from openclaw_vt.store import files

NAME = "bundled.json"
_MAX_BYTES = 4096

log = logging.getLogger(__name__)


def note(state_folder: str, package: Path | None) -> None:
    """Note which OpenClaw the person's yes was about. Never raises: without the note nothing is renewed."""
    version = package_version(package) if package else None
    if version is None:
        return
    try:
        files.make_folder(state_folder)
        files.replace(os.path.join(state_folder, NAME), [strict_json.dumps({"version": version})])
    except OSError as error:
        log.warning("The version of OpenClaw was not noted: %s", error.strerror)


def is_new(state_folder: str, package: Path | None) -> bool:
    """Whether the installed OpenClaw is another version than the one that was noted; False where none was."""
    try:
        raw = files.read(os.path.join(state_folder, NAME), limit=_MAX_BYTES)
        body = strict_json.loads(raw, max_bytes=_MAX_BYTES) if raw is not None else None
        known = strict_json.take(body, {"version": str}, where=NAME)["version"] if body is not None else None
    except (OSError, ValueError):
        return False
    version = package_version(package) if package else None
    return known is not None and version is not None and version != known


def renew(assembly: Assembly, paths: Iterable[str], package: Path | None) -> list[Decision]:
    """Look at bundled skills that are no plain yes, by local analysis alone; returns the decisions about those that stay so.

    Where OpenClaw is a new version, the clean ones are signed. Raises GateError for keys that cannot be used.
    """
    state, gate, left = assembly.config.state_folder, assembly.gate(), []
    new = is_new(state, package)
    for path in paths:
        decision = gate.check(Request(Phase.SCAN, path, origin=Origin("bundled"), offline=True))
        subject, verdict = decision.subject, decision.verdict
        clean = verdict is not None and verdict.coverage.complete and verdict.analysis.verdict is AnalysisVerdict.CLEAN
        if not (new and clean and subject is not None):
            left.append(decision)
            continue
        try:
            assembly.ledger().state(acceptance(subject, basis="bundled", by="openclaw-update", now=assembly.clock()))
        except GateError:
            left.append(decision)
            continue
        assembly.audit().append("baseline", {"skill": subject.ref.name, "tree": subject.tree, "by": "openclaw-update"})
    if new:
        note(state, package)
    return left
