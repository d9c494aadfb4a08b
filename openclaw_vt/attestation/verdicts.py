"""A verdict as plain JSON and back: the part of a verification record that a cache hit shows again."""

from __future__ import annotations

from typing import Any

from openclaw_vt.errors import StatementInvalid
from openclaw_vt.model.finding import Confidence, Finding, Location, Severity
from openclaw_vt.model.permission import Endpoint, Permission
from openclaw_vt.model.subject import Digest, NotChecked
from openclaw_vt.model.verdict import (
    Analysis,
    AnalysisVerdict,
    CodeInsight,
    Coverage,
    EngineStats,
    Evidence,
    Indicator,
    Matched,
    Reputation,
    Response,
    Unavailability,
    Verdict,
)


def encode(verdict: Verdict) -> dict[str, Any]:
    """Return the verdict as JSON values."""
    return {
        "virustotal": _evidence_out(verdict.virustotal),
        "analysis": _analysis_out(verdict.analysis),
        "coverage": [[gap.what, gap.why] for gap in verdict.coverage.not_checked],
        "others": [_evidence_out(item) for item in verdict.others],
    }


def decode(value: dict[str, Any]) -> Verdict:
    """Return the verdict that `encode` wrote. Raises StatementInvalid when a signed record does not hold one."""
    try:
        return Verdict(
            virustotal=_evidence_in(value["virustotal"]),
            analysis=_analysis_in(value["analysis"]),
            coverage=Coverage(_gaps(value["coverage"])),
            others=tuple(_evidence_in(item) for item in value["others"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StatementInvalid("A verified record holds no readable verdict.", why=type(error).__name__) from None


def _gaps(items: list[list[str]]) -> tuple[NotChecked, ...]:
    return tuple(NotChecked(what, why) for what, why in items)


def _stats_out(stats: EngineStats) -> list[int]:
    return [stats.malicious, stats.suspicious, stats.undetected, stats.harmless]


def _evidence_out(item: Evidence) -> dict[str, Any]:
    return {
        "service": item.service,
        "verdict": item.verdict.value,
        "detail": item.detail.value if item.detail else None,
        "matched": item.matched.value,
        "stats": _stats_out(item.stats),
        "codeInsight": [[entry.source, entry.verdict] for entry in item.code_insight],
        "permalink": item.permalink,
        "analysisDate": item.analysis_date,
        "indicators": [[i.kind, i.value, i.verdict.value, i.malicious, i.file, i.line, i.used] for i in item.indicators],
        "responses": [
            {
                "sha256": r.asked,
                "kind": r.kind,
                "responseDigest": {"sha256": r.body},
                "stats": _stats_out(r.stats),
                "analysisDate": r.analysis_date,
            }
            for r in item.responses
        ],
        "notChecked": [[gap.what, gap.why] for gap in item.not_checked],
    }


def _evidence_in(value: dict[str, Any]) -> Evidence:
    return Evidence(
        service=value["service"],
        verdict=Reputation(value["verdict"]),
        detail=Unavailability(value["detail"]) if value["detail"] else None,
        matched=Matched(value["matched"]),
        stats=EngineStats(*value["stats"]),
        code_insight=tuple(CodeInsight(source, verdict) for source, verdict in value["codeInsight"]),
        permalink=value["permalink"],
        analysis_date=value["analysisDate"],
        indicators=tuple(
            Indicator(kind, text, Reputation(verdict), malicious, file, line, used)
            for kind, text, verdict, malicious, file, line, used in value["indicators"]
        ),
        responses=tuple(
            Response(
                Digest(r["sha256"]),
                r["kind"],
                Digest(r["responseDigest"]["sha256"]),
                EngineStats(*r["stats"]),
                r["analysisDate"],
            )
            for r in value["responses"]
        ),
        not_checked=_gaps(value["notChecked"]),
    )


def _analysis_out(item: Analysis) -> dict[str, Any]:
    return {
        "verdict": item.verdict.value,
        "category": item.category,
        "risk": item.risk,
        "requiredChecks": list(item.required_checks),
        "findings": [_finding_out(finding) for finding in item.findings],
        "permissions": [[p.resource, p.access, p.target, p.declared, p.file, p.line] for p in item.permissions],
        "endpoints": [[e.kind, e.value, e.file, e.line] for e in item.endpoints],
    }


def _analysis_in(value: dict[str, Any]) -> Analysis:
    return Analysis(
        verdict=AnalysisVerdict(value["verdict"]),
        category=value["category"],
        risk=value["risk"],
        required_checks=tuple(value["requiredChecks"]),
        findings=tuple(_finding_in(finding) for finding in value["findings"]),
        permissions=tuple(Permission(*row) for row in value["permissions"]),
        endpoints=tuple(Endpoint(*row) for row in value["endpoints"]),
    )


def _finding_out(item: Finding) -> list[Any]:
    place = item.location
    return [
        item.rule_id,
        int(item.severity),
        int(item.confidence),
        item.message,
        place.file if place else None,
        place.line if place else None,
        item.evidence,
        item.remediation,
        item.suppressed,
        item.source,
    ]


def _finding_in(row: list[Any]) -> Finding:
    rule_id, severity, confidence, message, file, line, evidence, remediation, suppressed, source = row
    return Finding(
        rule_id=rule_id,
        severity=Severity(severity),
        confidence=Confidence(confidence),
        message=message,
        location=Location(file, line) if file is not None else None,
        evidence=evidence,
        remediation=remediation,
        suppressed=suppressed,
        source=source,
    )
