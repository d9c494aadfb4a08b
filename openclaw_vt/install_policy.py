"""OpenClaw's install-policy protocol, version 1: one JSON object in, one out. Anything odd is a block with a reason.

OpenClaw asks twice when a person agreed to a warning, and compares the two answers byte for byte; a person may take minutes.
So a warning is kept by tree digest and repeated as it was, unless the new answer is allow or block.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from openclaw_vt.language import Translate
from openclaw_vt.model import strict_json
from openclaw_vt.model.decision import Decision, Outcome, Phase, Request
from openclaw_vt.model.display import shown
from openclaw_vt.model.finding import Finding, Severity
from openclaw_vt.model.subject import Digest, Origin, OriginKind, parse_digest

PROTOCOL = 1
MAX_REQUEST_BYTES = 256 * 1024
MAX_REASON = 700
MAX_FINDINGS = 5
MAX_MESSAGE = 160
MAX_FILE = 80
NOTICE_LIFE_S = 15 * 60
PROBE = "doctor:install-policy-probe"
_SEVERITY = {Severity.CRITICAL: "critical", Severity.HIGH: "critical", Severity.MEDIUM: "warn"}
_ORIGINS: dict[str, OriginKind] = {
    "clawhub": "clawhub",
    "git": "git",
    "path": "local",
    "upload": "upload",
    "openclaw-workspace": "local",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """OpenClaw's question, parsed. `is_file` is true when `path` is an archive."""

    target: str
    kind: str
    path: str
    is_file: bool
    mode: str
    specifier: str
    origin: dict[str, Any]
    source: dict[str, Any]
    plugin: dict[str, Any]


class Notices(Protocol):
    """Where a warning is kept between OpenClaw's two questions. Unsigned: it can only ever be repeated as a warning."""

    def recall(self, tree: Digest, policy: Digest) -> bytes | None:
        """Return the warning kept for these bytes within its life, or None."""

    def keep(self, tree: Digest, policy: Digest, text: bytes) -> None:
        """Keep a warning. Never raises: a warning that was not kept costs a second question, no safety."""


Check = Callable[[Request], Decision]


def parse(raw: bytes) -> Asked:
    """Parse a question. Raises ValueError for anything but protocol 1 with the fields we rely on; others are ignored."""
    body = strict_json.take(
        strict_json.loads(raw, max_bytes=MAX_REQUEST_BYTES),
        {"protocolVersion": int, "targetName": str, "targetType": str, "sourcePath": str, "sourcePathKind": str, "request": dict},
        where="request",
    )
    if body["protocolVersion"] != PROTOCOL:
        raise ValueError(f"protocol version {body['protocolVersion']} is not known")
    if body["targetType"] not in ("skill", "plugin") or body["sourcePathKind"] not in ("directory", "file"):
        raise ValueError("an unknown kind of target or path")
    if not Path(body["sourcePath"]).is_absolute() or "\0" in body["sourcePath"]:
        raise ValueError("the source path is not absolute")
    request = strict_json.take(body["request"], {"mode": str, "requestedSpecifier": str}, where="request.request")
    if request["mode"] not in ("install", "update"):
        raise ValueError("an unknown mode")
    return Asked(
        target=body["targetName"],
        kind=body["targetType"],
        path=body["sourcePath"],
        is_file=body["sourcePathKind"] == "file",
        mode=request["mode"],
        specifier=request["requestedSpecifier"],
        origin=_object(body.get("origin")),
        source=_object(body.get("source")),
        plugin=_object(body.get("plugin")),
    )


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def is_probe(asked: Asked) -> bool:
    """Whether this is `openclaw doctor --deep` trying us: its own origin, no source, and an empty folder."""
    if asked.origin.get("type") != "doctor" or asked.specifier != PROBE or asked.source:
        return False
    try:
        return next(Path(asked.path).iterdir(), None) is None
    except OSError:
        return False


def request_of(asked: Asked) -> Request:
    """Return the gate's request for a question about a skill."""
    return Request(
        phase=Phase.POST_UPDATE if asked.mode == "update" else Phase.PRE_INSTALL,
        path=asked.path,
        origin=origin_of(asked.origin),
    )


def origin_of(claim: dict[str, Any]) -> Origin:
    """Return the origin that OpenClaw states. Texts that do not fit are dropped, not repaired."""
    kind = _ORIGINS.get(str(claim.get("type")), "unknown")
    try:
        archive = parse_digest(claim["sha256"])
    except (KeyError, ValueError):
        archive = None
    return Origin(
        kind=kind,
        slug=_text(claim.get("slug")),
        publisher=_text(claim.get("ownerHandle")),
        version=_text(claim.get("version")),
        registry=_text(claim.get("registry")),
        archive_sha256=archive,
    )


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value and len(value) <= 200 else None  # noqa: PLR2004 - far above any real one


def answer(raw: bytes, *, check: Check, notices: Notices, policy: Digest, translate: Translate) -> dict[str, Any]:
    """Return OpenClaw's answer to one question. `check` judges; it is not called for the doctor's probe."""
    try:
        asked = parse(raw)
    except ValueError as error:
        return blocked(translate("openclaw-vt could not understand OpenClaw's question."), shown(str(error)))
    if is_probe(asked):
        return {"protocolVersion": PROTOCOL, "decision": "allow"}
    decision = check(request_of(asked))
    fresh = _rendered(decision, translate)
    if decision.outcome is not Outcome.WARN or decision.subject is None:
        return fresh
    tree = decision.subject.tree
    kept = notices.recall(tree, policy)
    if kept is not None:
        repeated = _kept(kept)
        if repeated is not None:
            return repeated
    notices.keep(tree, policy, strict_json.dumps(fresh))
    return fresh


def blocked(reason: str, detail: str = "") -> dict[str, Any]:
    """Return a block that a person can understand."""
    return {"protocolVersion": PROTOCOL, "decision": "block", "reason": f"{reason} {detail}".strip()[:MAX_REASON]}


def _kept(text: bytes) -> dict[str, Any] | None:
    try:
        value = strict_json.loads(text, max_bytes=64 * 1024)
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("decision") == "warn" else None


def _rendered(decision: Decision, translate: Translate) -> dict[str, Any]:
    reasons = [f"{translate(r.message)} {translate(r.remediation)}".strip() for r in decision.reasons]
    question = [translate("Install it?")] if decision.outcome is Outcome.WARN else []
    result: dict[str, Any] = {"protocolVersion": PROTOCOL, "decision": decision.outcome.label}
    if decision.outcome is Outcome.ALLOW:
        return result
    result["reason"] = "openclaw-vt: " + " ".join([*reasons, *question])[:MAX_REASON]
    findings = [_finding(item, translate) for item in (decision.verdict.analysis.findings if decision.verdict else ())][
        :MAX_FINDINGS
    ]
    gaps = [
        {"ruleId": "coverage.incomplete", "severity": "warn", "message": f"{gap.what}: {gap.why}"[:MAX_MESSAGE]}
        for gap in (decision.verdict.coverage.not_checked if decision.verdict else ())[:MAX_FINDINGS]
    ]
    if findings or gaps:
        result["findings"] = findings + gaps
    return result


def _finding(item: Finding, translate: Translate) -> dict[str, Any]:
    rendered: dict[str, Any] = {
        "ruleId": item.rule_id[:80],
        "severity": _SEVERITY.get(item.severity, "info"),
        "message": translate(item.message)[:MAX_MESSAGE],
    }
    if item.location:
        rendered["file"] = shown(item.location.file, limit=MAX_FILE)
        if item.location.line:
            rendered["line"] = item.location.line
    return rendered
