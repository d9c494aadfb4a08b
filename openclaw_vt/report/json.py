"""The report schema `openclaw-vt.report/1`.

Every text here is fit to be printed, whatever it came from: names and paths have their hidden characters escaped, sentences
lose them, and lone surrogates, which no encoder takes, are gone. The one exception is the skill's own `path`, which programs
compare: it is exact wherever it is text at all, and `json.dumps` must escape it (its default).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from openclaw_vt.model.decision import Decision, Source
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.verdict import Analysis, Evidence, Indicator

SCHEMA = "openclaw-vt.report/1"
MAX_PATH = 4096
MAX_TEXT = 1000


def document(decisions: tuple[Decision, ...]) -> dict[str, Any]:
    """Return the object that `scan --json` prints."""
    return {"schema": SCHEMA, "reports": [report(decision) for decision in decisions]}


def report(decision: Decision) -> dict[str, Any]:
    """Return one report. Unjudged parts are null, never invented."""
    verdict, subject = decision.verdict, decision.subject
    return {
        "skill": _skill(decision),
        "digest": {"tree": subject.tree, "dirHash1": subject.dir_hash1, "files": subject.files, "bytes": subject.bytes}
        if subject
        else None,
        "phase": decision.request.phase.value,
        "decision": decision.outcome.label,
        "reasons": [{"code": r.code, "message": _text(r.message), "remediation": _text(r.remediation)} for r in decision.reasons],
        "virustotal": _virustotal(verdict.virustotal, decision.source) if verdict else None,
        "analysis": _analysis(verdict.analysis) if verdict else None,
        "others": [_virustotal(item, decision.source) | {"service": _text(item.service)} for item in verdict.others]
        if verdict
        else [],
        "coverage": {
            "complete": verdict.coverage.complete if verdict else False,
            "not_checked": [{"what": _text(g.what), "why": _text(g.why)} for g in verdict.coverage.not_checked]
            if verdict
            else [{"what": "the skill", "why": "it was not judged"}],
        },
        "badge": decision.badge.value,
        "timing_ms": {"total": round(decision.elapsed_ms, 1)},
    }


def _skill(decision: Decision) -> dict[str, Any]:
    subject = decision.subject
    path = _exact(decision.request.path)
    if subject is None:
        return {"name": None, "version": None, "path": path, "origin": {"kind": "unknown", "slug": None, "publisher": None}}
    origin = subject.ref.origin
    return {
        "name": shown(subject.ref.name),
        "version": _text_or_none(subject.ref.version),
        "path": path,
        "origin": {"kind": origin.kind, "slug": _text_or_none(origin.slug), "publisher": _text_or_none(origin.publisher)},
    }


def iso_time(seconds: int | None) -> str | None:
    """Return epoch seconds as an ISO 8601 time in UTC, None for none and for what is no time."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return None


def _exact(path: str) -> str:
    try:
        return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, as only Windows and JSON have them
        return path.encode("utf-8", "backslashreplace").decode()


def _text(text: str) -> str:
    return shown_text(text, MAX_TEXT)


def _text_or_none(text: str | None) -> str | None:
    return _text(text) if text is not None else None


def _file(path: str | None) -> str | None:
    return shown(path, limit=MAX_PATH) if path else None


def _virustotal(item: Evidence, source: Source) -> dict[str, Any]:
    return {
        "verdict": item.verdict.value,
        "detail": item.detail.value if item.detail else None,
        "matched": item.matched.value,
        "source": source.value,
        "stats": {
            "malicious": item.stats.malicious,
            "suspicious": item.stats.suspicious,
            "undetected": item.stats.undetected,
            "harmless": item.stats.harmless,
        },
        "engines": item.stats.completed,
        "code_insight": [{"source": _text(entry.source), "verdict": _text(entry.verdict)} for entry in item.code_insight],
        "permalink": item.permalink,
        "analysis_date": iso_time(item.analysis_date),
        "lookups": item.lookups,
        "indicators": [_indicator(entry) for entry in item.indicators],
    }


def _indicator(item: Indicator) -> dict[str, Any]:
    return {
        "kind": _text(item.kind),
        "value": _text(item.value),
        "verdict": item.verdict.value,
        "malicious": item.malicious,
        "file": _file(item.file),
        "line": item.line,
    }


def _analysis(item: Analysis) -> dict[str, Any]:
    return {
        "verdict": item.verdict.value,
        "category": item.category,
        "risk": item.risk,
        "required_checks": list(item.required_checks),
        "findings": [_finding(finding) for finding in item.findings],
        "permissions": [
            {
                "resource": _text(p.resource),
                "access": _text(p.access),
                "target": _text(p.target),
                "declared": p.declared,
                "file": _file(p.file),
                "line": p.line,
            }
            for p in item.permissions
        ],
        "endpoints": [
            {"kind": _text(e.kind), "value": _text(e.value), "file": _file(e.file), "line": e.line} for e in item.endpoints
        ],
    }


def _finding(item: Finding) -> dict[str, Any]:
    return {
        "rule_id": _text(item.rule_id),
        "severity": item.severity.label,
        "confidence": item.confidence.label,
        "message": _text(item.message),
        "file": _file(item.location.file) if item.location else None,
        "line": item.location.line if item.location else None,
        "evidence": _text(item.evidence),
        "remediation": _text(item.remediation),
        "fingerprint": item.fingerprint,
        "suppressed": item.suppressed,
        "source": _text(item.source),
    }
