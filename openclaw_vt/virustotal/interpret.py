"""From VirusTotal's JSON to evidence. Pure, and distrustful: every field may be missing, absurd or hostile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from openclaw_vt.model.display import shown_text
from openclaw_vt.model.subject import Digest
from openclaw_vt.model.verdict import (
    CodeInsight,
    EngineStats,
    Reputation,
    Response,
)
from openclaw_vt.virustotal.interface import FileReport, Unavailable

MAX_ENGINES = 1000
MAX_INSIGHTS = 16
MAX_WORD = 40
CLOCK_SLACK_S = 24 * 3600
_INSIGHT_BAD = frozenset({"malicious", "suspicious"})
_INSIGHT_CLEAN = frozenset({"benign", "clean", "harmless", "undetected"})


@dataclass(frozen=True, slots=True)
class Reading:
    """One report, read: its verdict and what it rests on. `analysis_date` is None when absent or in the future."""

    verdict: Reputation
    stats: EngineStats
    code_insight: tuple[CodeInsight, ...]
    analysis_date: int | None
    response: Response


def read_report(report: FileReport, *, asked: Digest, kind: str, now: float) -> Reading:
    """Read one file report. `now` is epoch seconds. Raises Unavailable if the body is no report about `asked`."""
    data = report.body.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("attributes"), dict):
        raise Unavailable("VirusTotal answered without a report.")
    attributes: dict[str, Any] = data["attributes"]
    if not _is_about(asked, data, attributes):
        raise Unavailable("VirusTotal answered about another file than the one it was asked about.")
    stats = _stats(attributes.get("last_analysis_stats"))
    insight = _insights(attributes.get("crowdsourced_ai_results"))
    date = _date(attributes.get("last_analysis_date"), now)
    return Reading(
        verdict=_verdict(stats, insight),
        stats=stats,
        code_insight=_kept(insight),
        analysis_date=date,
        response=Response(asked=asked, kind=kind, body=report.digest, stats=stats, analysis_date=date),
    )


def permalink(sha256: Digest) -> str:
    """Return the page a person opens. Built from the digest, never taken from the answer."""
    return f"https://www.virustotal.com/gui/file/{sha256}"


def _is_about(asked: Digest, data: dict[str, Any], attributes: dict[str, Any]) -> bool:
    return data.get("type", "file") == "file" and data.get("id") == asked and attributes.get("sha256", asked) == asked


def _count(value: object) -> int | None:
    """Return a number of engines, None for anything that is not one."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return None
    return min(value, MAX_ENGINES)


def _stats(value: object) -> EngineStats:
    """Read the four opinions; other keys (timeouts, unsupported types, ones not yet invented) are no opinions.

    Without a sound count of malicious ones the others say nothing: a detection still counts, "found nothing" does not.
    """
    if not isinstance(value, dict):
        return EngineStats()
    malicious, suspicious, undetected, harmless = (
        _count(value.get(name, default))
        for name, default in (("malicious", None), ("suspicious", 0), ("undetected", 0), ("harmless", 0))
    )
    if malicious is None or suspicious is None:
        return EngineStats(malicious or 0, suspicious or 0)
    return EngineStats(malicious, suspicious, undetected or 0, harmless or 0)


def _insights(value: object) -> tuple[CodeInsight, ...]:
    """Read the AI verdicts; entries without one say nothing. The text of an entry is never kept."""
    if not isinstance(value, list):
        return ()
    entries = []
    for item in value:
        verdict = item.get("verdict") if isinstance(item, dict) else None
        if isinstance(verdict, str) and verdict.strip():
            source = item.get("source")
            name = shown_text(source, MAX_WORD) if isinstance(source, str) else "unknown"
            entries.append(CodeInsight(source=name, verdict=shown_text(verdict.strip().lower(), MAX_WORD)))
    return tuple(entries)


def _kept(insights: tuple[CodeInsight, ...]) -> tuple[CodeInsight, ...]:
    """Return the entries worth keeping, the alarming ones first, so that none hides behind sixteen friendly ones."""
    return tuple(sorted(insights, key=lambda entry: entry.verdict not in _INSIGHT_BAD))[:MAX_INSIGHTS]


def _date(value: object, now: float) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= now + CLOCK_SLACK_S:
        return None
    return value


def _verdict(stats: EngineStats, insights: tuple[CodeInsight, ...]) -> Reputation:
    """Join engines and AI. Code Insight alone never makes more than suspicious.

    No opinion at all is pending, and so is a word of Code Insight that we do not know: it is no "benign".
    """
    if stats.malicious:
        return Reputation.MALICIOUS
    if stats.suspicious or any(i.verdict in _INSIGHT_BAD for i in insights):
        return Reputation.SUSPICIOUS
    if not stats.completed or any(i.verdict not in _INSIGHT_CLEAN for i in insights):
        return Reputation.PENDING
    return Reputation.CLEAN
