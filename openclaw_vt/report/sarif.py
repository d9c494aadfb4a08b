"""SARIF 2.1.0 for code scanning: one result per finding, and one per policy row that did not allow."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from openclaw_vt import __version__
from openclaw_vt.model.decision import Decision, Outcome, Reason
from openclaw_vt.model.display import shown_text
from openclaw_vt.model.finding import Finding, Severity

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MAX_TEXT = 1000
_LEVELS = {
    Severity.INFO: "note",
    Severity.LOW: "note",
    Severity.MEDIUM: "warning",
    Severity.HIGH: "error",
    Severity.CRITICAL: "error",
}


def document(decisions: tuple[Decision, ...]) -> dict[str, Any]:
    """Return one SARIF log with one run over all skills.

    Places are the skill's path as given, joined with the file's: relative ones stay relative, absolute ones are file URIs.
    """
    results = [result for decision in decisions for result in _results(decision)]
    rules = sorted({result["ruleId"] for result in results})
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "openclaw-vt", "version": __version__, "rules": [{"id": rule} for rule in rules]}},
                "results": results,
            }
        ],
    }


def _results(decision: Decision) -> list[dict[str, Any]]:
    root = decision.request.path
    results = (
        [_row(reason, decision.outcome, root) for reason in decision.reasons] if decision.outcome is not Outcome.ALLOW else []
    )
    findings = decision.verdict.analysis.findings if decision.verdict else ()
    return results + [_finding(finding, root) for finding in findings]


def _row(reason: Reason, outcome: Outcome, root: str) -> dict[str, Any]:
    return {
        "ruleId": reason.code,
        "level": "error" if outcome is Outcome.BLOCK else "warning",
        "message": _message(reason.message, reason.remediation),
        "locations": [_place(root, "SKILL.md", None)],
    }


def _finding(item: Finding, root: str) -> dict[str, Any]:
    place = item.location
    result: dict[str, Any] = {
        "ruleId": shown_text(item.rule_id, MAX_TEXT),
        "level": _LEVELS[item.severity],
        "message": _message(item.message, item.remediation),
        "locations": [_place(root, place.file if place else "SKILL.md", place.line if place else None)],
        "partialFingerprints": {"openclawVt/v1": item.fingerprint},
    }
    if item.suppressed:
        result["suppressions"] = [{"kind": "external"}]
    return result


def _message(*sentences: str) -> dict[str, str]:
    return {"text": shown_text(" ".join(sentences), MAX_TEXT)}


def _place(root: str, file: str, line: int | None) -> dict[str, Any]:
    # As text, since joining paths would let a file that calls itself absolute stand outside of its skill.
    folder = PurePath(root)
    uri = quote(_raw(f"{folder.as_posix()}/{file.lstrip('/')}"), safe="/")
    if folder.is_absolute():
        uri = f"file:///{uri.lstrip('/')}"
    physical: dict[str, Any] = {"artifactLocation": {"uri": uri}}
    if line is not None and line >= 1:
        physical["region"] = {"startLine": line}
    return {"physicalLocation": physical}


def _raw(path: str) -> bytes:
    try:
        return path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, as only Windows has them
        return path.encode("utf-8", "backslashreplace")
