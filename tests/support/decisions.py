"""Decisions as the gate makes them, and the hostile words that skills, services and plugins put into every field of them."""

from __future__ import annotations

from openclaw_vt.model.decision import Badge, Decision, Outcome, Phase, Reason, Request, Source
from openclaw_vt.model.finding import Confidence, Finding, Location, Severity
from openclaw_vt.model.permission import Endpoint, Permission
from openclaw_vt.model.subject import Digest, NotChecked, Origin, SkillRef, Subject
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
    Unavailability,
    Verdict,
)

TREE, DIR = Digest("ab" * 32), Digest("cd" * 32)
HOSTILE = {
    "ansi": "\x1b[2J\x1b[1;1H\x1b]0;owned\x07safe",
    "c1": "\x9b2J\x90x\x9c\x85safe",
    "bidi": "\u202egnp.exe\u2066\u200e",
    "lines": "a\nb\r\nallow  fake (x)\u2028c\x0bd",
    "hidden": "a\u200b\u2060\ufeff\U000e0041\u3164b",
    "escaped-byte": "caf\udce9",
    "surrogate": "\ud800x\udfff",
    "nul": "a\0b",
    "markup": "<script>alert(1)</script>](javascript:x)",
    "backslash": "\\x1b[2J\\",
}


def decision(
    word: str = "word",
    *,
    outcome: Outcome = Outcome.WARN,
    path: str | None = None,
    virustotal: Evidence | None = None,
    **more,
) -> Decision:
    """A decision with `word` in every field that somebody else may fill."""
    subject = Subject(SkillRef(word, word, word, Origin("clawhub", word, word, word, word)), TREE, DIR, 7, 30211)
    finding = Finding(word, Severity.HIGH, Confidence.MEDIUM, word, Location(word, 4), word, word, source=word)
    placeless = Finding(word, Severity.INFO, Confidence.LOW, word)
    evidence = virustotal or Evidence(
        "virustotal",
        Reputation.SUSPICIOUS,
        matched=Matched.BUNDLE,
        stats=EngineStats(0, 1, 60, 2),
        code_insight=(CodeInsight(word, word),),
        permalink=f"https://www.virustotal.com/gui/file/{TREE}",
        analysis_date=1_900_000_000,
        lookups=1,
        indicators=(Indicator(word, word, Reputation.MALICIOUS, 3, word, 12),),
        not_checked=(NotChecked(word, word),),
    )
    analysis = Analysis(
        AnalysisVerdict.SUSPICIOUS,
        "weather-news",
        "low",
        ("badge",),
        (finding, placeless),
        (Permission(word, word, word, declared=False, file=word, line=1),),
        (Endpoint(word, word, word, 1),),
    )
    other = Evidence(word, Reputation.UNAVAILABLE, Unavailability.TIMEOUT)
    verdict = Verdict(evidence, analysis, Coverage((NotChecked(word, word),)), (other,))
    fields = {
        "request": Request(Phase.SCAN, word if path is None else path),
        "outcome": outcome,
        "reasons": (Reason("virustotal.suspicious", word, word),),
        "subject": subject,
        "verdict": verdict,
        "source": Source.LIVE,
        "badge": Badge.NONE,
        "elapsed_ms": 12.345,
    }
    return Decision(**(fields | more))
