from __future__ import annotations

import json

import pytest

from openclaw_vt.attestation import verdicts
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

EVIDENCE = Evidence(
    service="virustotal",
    verdict=Reputation.UNAVAILABLE,
    detail=Unavailability.QUOTA,
    matched=Matched.FILES,
    stats=EngineStats(1, 2, 3, 4),
    code_insight=(CodeInsight("palm", "benign"),),
    permalink="https://example.org/x",
    analysis_date=7,
    indicators=(Indicator("url", "http://x", Reputation.MALICIOUS, 3, "SKILL.md", 4, used=True),),
    responses=(Response(Digest("a" * 64), "bundle", Digest("b" * 64), EngineStats(), 9),),
    not_checked=(NotChecked("b.bin", "too large"),),
)
FULL = Verdict(
    virustotal=EVIDENCE,
    analysis=Analysis(
        verdict=AnalysisVerdict.SUSPICIOUS,
        category="weather-news",
        risk="low",
        required_checks=("badge",),
        findings=(
            Finding(
                rule_id="network.raw-ip",
                severity=Severity.HIGH,
                confidence=Confidence.HIGH,
                message="m",
                location=Location("a.sh", 4),
                evidence="curl",
                remediation="r",
            ),
            Finding(rule_id="x.y", severity=Severity.INFO, confidence=Confidence.LOW, message="m"),
        ),
        permissions=(Permission("network", "connect", "x", declared=False, file="a.sh", line=1),),
        endpoints=(Endpoint("domain", "x", "a.sh", 1),),
    ),
    coverage=Coverage((NotChecked("a", "b"),)),
    others=(EVIDENCE,),
)


def test_a_full_verdict_survives_the_way_through_a_record():
    assert verdicts.decode(json.loads(json.dumps(verdicts.encode(FULL)))) == FULL


@pytest.mark.parametrize("name", ["virustotal", "analysis", "coverage", "others"])
@pytest.mark.parametrize("value", [..., None, 1, "x", [1], {"verdict": "x"}], ids=str)
def test_a_record_without_a_readable_verdict_is_named_as_that(name, value):
    body = verdicts.encode(FULL)
    if value is ...:
        del body[name]
    else:
        body[name] = value
    with pytest.raises(StatementInvalid, match="no readable verdict"):
        verdicts.decode(body)
