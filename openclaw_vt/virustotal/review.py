"""Ask for the planned hashes until one answers for the whole skill, and join what came back into one piece of evidence."""

from __future__ import annotations

from openclaw_vt.model.verdict import (
    EngineStats,
    Evidence,
    Indicator,
    Matched,
    Reputation,
    Unavailability,
    unavailable,
)
from openclaw_vt.virustotal.interface import ReputationService, Unavailable
from openclaw_vt.virustotal.interpret import Reading, permalink, read_report
from openclaw_vt.virustotal.plan import MAX_LOOKUPS, Target

SERVICE = "virustotal"


def review(service: ReputationService, wanted: tuple[Target, ...], *, deadline: float, now: float) -> Evidence:
    """Return VirusTotal's evidence. `deadline` is monotonic seconds, `now` epoch seconds. Never raises for the service's sake.

    The first known bundle ends the walk with one request. Known files never make a skill clean, since SKILL.md is the payload;
    a detected file counts. An unanswered request makes the whole answer unavailable: half a look is no look.
    """
    if not wanted:
        return unavailable(SERVICE, Unavailability.OFFLINE)  # nothing to ask is "not asked", never "never seen"
    found: list[tuple[Target, Reading]] = []
    asked = 0
    for target in wanted[:MAX_LOOKUPS]:
        asked += 1
        try:
            report = service.file_report(target.sha256, deadline=deadline)
            if report is None:
                continue
            reading = read_report(report, asked=target.sha256, kind=target.matched.value, now=now)
        except Unavailable as error:
            return _cut_short(error, found, asked)
        if target.matched is not Matched.FILES:
            return _whole(target, reading, asked)
        found.append((target, reading))
    return _files(found, asked)


def _cut_short(error: Unavailable, found: list[tuple[Target, Reading]], asked: int) -> Evidence:
    partial = _files(found, asked)
    if partial.verdict in (Reputation.MALICIOUS, Reputation.SUSPICIOUS):
        return partial  # what was detected before the failure stays detected
    return unavailable(SERVICE, error.cause, lookups=asked)


def _whole(target: Target, reading: Reading, asked: int) -> Evidence:
    return Evidence(
        service=SERVICE,
        verdict=reading.verdict,
        matched=target.matched,
        stats=reading.stats,
        code_insight=reading.code_insight,
        permalink=permalink(target.sha256),
        analysis_date=reading.analysis_date,
        lookups=asked,
        responses=(reading.response,),
    )


def _files(found: list[tuple[Target, Reading]], asked: int) -> Evidence:
    if not found:
        return Evidence(service=SERVICE, verdict=Reputation.UNKNOWN, lookups=asked)
    target, worst = max(found, key=lambda pair: (pair[1].stats.malicious, pair[1].stats.suspicious, _weight(pair[1].verdict)))
    bad = worst.verdict in (Reputation.MALICIOUS, Reputation.SUSPICIOUS)
    return Evidence(
        service=SERVICE,
        verdict=worst.verdict if bad else Reputation.UNKNOWN,
        matched=Matched.FILES,
        stats=worst.stats if bad else EngineStats(),
        code_insight=worst.code_insight if bad else (),
        permalink=permalink(target.sha256) if bad else None,
        analysis_date=worst.analysis_date if bad else None,
        lookups=asked,
        indicators=tuple(Indicator("file", t.sha256, reading.verdict, reading.stats.malicious, t.file) for t, reading in found),
        responses=tuple(reading.response for _, reading in found),
    )


def _weight(verdict: Reputation) -> int:
    return (Reputation.CLEAN, Reputation.PENDING, Reputation.SUSPICIOUS, Reputation.MALICIOUS).index(verdict)
