"""OpenClaw's install-policy protocol, version 1, as OpenClaw 2026.9.6 speaks it: the question parsed, the answer written.

Limits that OpenClaw sets: a question of at most 256 KiB, a reason of 1,000 characters, a rendered notice of 4,000 (its own
heading, the target's name and some 460 characters of advice included). It counts as JavaScript does, in UTF-16 units.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.language import Translate
from openclaw_vt.model import strict_json
from openclaw_vt.model.decision import Decision, Outcome, Phase, Request
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.finding import Finding, Severity
from openclaw_vt.model.subject import Origin, OriginKind, parse_digest

PROTOCOL = 1
MAX_REQUEST_BYTES = 256 * 1024
MAX_REASON = 700
MAX_FINDINGS = 5
MAX_MESSAGE = 160
MAX_FILE = 80
MAX_RULE = 80
MAX_CHANGES = 600
MAX_NOTICE = 3000
"""UTF-16 units of reason and findings together; the rest of the 4,000 is for what OpenClaw writes around them."""
_FRAME = len("    • [CRITICAL] :  (:12345678)\n")
PROBE = "doctor:install-policy-probe"
_SEVERITY = {Severity.CRITICAL: "critical", Severity.HIGH: "critical", Severity.MEDIUM: "warn"}
_ORIGINS: dict[str, OriginKind] = {
    "clawhub": "clawhub",
    "git": "git",
    "path": "local",
    "upload": "upload",
    "openclaw-workspace": "local",
    "openclaw-bundled": "bundled",
}
_DEPENDENCY = "openclaw-"


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

    @property
    def for_dependency(self) -> bool:
        """Whether a skill that is installed already wants something installed for it (brew, npm, uv)."""
        return str(self.origin.get("type")).startswith(_DEPENDENCY)


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
    """Return the gate's request. A dependency is installed on behalf of a skill in use, so an earlier yes to it counts."""
    phase = Phase.POST_UPDATE if asked.mode == "update" else Phase.PRE_INSTALL
    return Request(
        phase=Phase.PRE_EXECUTE if asked.for_dependency else phase,
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


def blocked(reason: str, detail: str = "") -> dict[str, Any]:
    """Return a block that a person can understand."""
    text = shown_text(f"{reason} {detail}", MAX_REASON)
    return {"protocolVersion": PROTOCOL, "decision": "block", "reason": _cut(text, MAX_REASON)}


def allowed() -> dict[str, Any]:
    """Return an allow."""
    return {"protocolVersion": PROTOCOL, "decision": "allow"}


def rendered(decision: Decision, translate: Translate, *, changes: str = "") -> dict[str, Any]:
    """Return the gate's decision as OpenClaw's answer: short, harmless, and without a number that moves.

    `changes` says what an update changes, in the person's language; it comes first among the findings.
    """
    result: dict[str, Any] = {"protocolVersion": PROTOCOL, "decision": decision.outcome.label}
    if decision.outcome is Outcome.ALLOW:
        return result
    result["reason"] = _reason(decision, translate)
    left = MAX_NOTICE - _units(result["reason"])
    findings = []
    for item in _findings(decision, translate, changes):
        left -= _units(item["ruleId"] + item["message"] + item.get("file", "")) + _FRAME
        if left < 0:
            break
        findings.append(item)
    if findings:
        result["findings"] = findings
    return result


def _reason(decision: Decision, translate: Translate) -> str:
    """Return the reasons, the question at their end: what is too long loses reasons, never the question."""
    question = translate("Install it?") if decision.outcome is Outcome.WARN else ""
    words = " ".join(f"{translate(r.message)} {translate(r.remediation)}".strip() for r in decision.reasons)
    room = MAX_REASON - _units(question) - 1
    return f"{_cut(shown_text(f'openclaw-vt: {words}', room), room)} {question}".rstrip()


def _findings(decision: Decision, translate: Translate, changes: str) -> Iterator[dict[str, Any]]:
    if changes:
        message = _cut(shown_text(changes, MAX_CHANGES), MAX_CHANGES)
        yield {"ruleId": "update.changes", "severity": "info", "message": message}
    if decision.verdict is None:
        return
    for item in decision.verdict.analysis.findings[:MAX_FINDINGS]:
        yield _finding(item, translate)
    for gap in decision.verdict.coverage.not_checked[:MAX_FINDINGS]:
        message = _cut(shown_text(f"{gap.what}: {gap.why}", MAX_MESSAGE), MAX_MESSAGE)
        yield {"ruleId": "coverage.incomplete", "severity": "warn", "message": message}


def _finding(item: Finding, translate: Translate) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": _cut(shown_text(item.rule_id, MAX_RULE), MAX_RULE),
        "severity": _SEVERITY.get(item.severity, "info"),
        "message": _cut(shown_text(translate(item.message), MAX_MESSAGE), MAX_MESSAGE),
    }
    if item.location:
        result["file"] = shown(item.location.file, limit=MAX_FILE)
        if item.location.line:
            result["line"] = item.location.line
    return result


def _units(text: str) -> int:
    """Return the length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _cut(text: str, units: int) -> str:
    """Return at most so many UTF-16 units of `text`, never half of a character."""
    if _units(text) <= units:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: 2 * (units - 1)].decode("utf-16-le", "ignore") + "…"
