"""The default table, row by row, in both columns: install and update on one side, execution on the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from openclaw_vt.model.decision import Badge, Outcome, Phase
from openclaw_vt.model.finding import Confidence, Finding, Severity
from openclaw_vt.model.subject import NotChecked
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
    unavailable,
)
from openclaw_vt.policy import DEFAULT_ROWS, LIFTS, TOGGLES, Policy, Row, Standing, decide

ALLOW, WARN, BLOCK = Outcome
INSTALL = (Phase.PRE_INSTALL, Phase.POST_UPDATE)
USE = (Phase.PRE_EXECUTE, Phase.SCAN, Phase.RESCAN)
NONE: frozenset[Standing] = frozenset()
NO_TOGGLES = Policy(rows=tuple((row, ALLOW) for row in Row))


def vt(verdict=Reputation.CLEAN, *, malicious=0, suspicious=0, undetected=60, matched=Matched.BUNDLE, **more) -> Evidence:
    return Evidence("virustotal", verdict, matched=matched, stats=EngineStats(malicious, suspicious, undetected), **more)


def address(malicious: int, **more) -> Indicator:
    return Indicator("domain", "c2.example", Reputation.MALICIOUS, malicious, "SKILL.md", 3, **more)


def finding(severity: Severity, **more) -> Finding:
    return Finding("rule", severity, Confidence.HIGH, "something", **more)


CLEAN = Verdict(vt())
HIGH = Analysis(AnalysisVerdict.SUSPICIOUS, findings=(finding(Severity.HIGH),))
BAD = Analysis(AnalysisVerdict.MALICIOUS, findings=(finding(Severity.CRITICAL),))
DOUBTFUL = Analysis(AnalysisVerdict.SUSPICIOUS)
GAP = Coverage((NotChecked("blob.bin", "it is too large"),))

SITUATIONS = [
    ("reviewed-clean", CLEAN, NONE, ALLOW, "verified"),
    ("two-engines", Verdict(vt(Reputation.MALICIOUS, malicious=2)), NONE, BLOCK, "virustotal.malicious"),
    ("one-engine-and-a-high-finding", Verdict(vt(Reputation.MALICIOUS, malicious=1), HIGH), NONE, BLOCK, "virustotal.malicious"),
    ("malicious-by-analysis", replace(CLEAN, analysis=BAD), NONE, BLOCK, "analysis.malicious"),
    ("address-with-three-engines", Verdict(vt(indicators=(address(3),))), NONE, BLOCK, "indicator.malicious"),
    ("address-with-two-engines", Verdict(vt(indicators=(address(2),))), NONE, WARN, "indicator.suspicious"),
    ("address-with-one-engine", Verdict(vt(indicators=(address(1),))), NONE, WARN, "indicator.suspicious"),
    ("one-engine", Verdict(vt(Reputation.MALICIOUS, malicious=1)), NONE, WARN, "virustotal.suspicious"),
    ("one-suspicious-engine", Verdict(vt(Reputation.SUSPICIOUS, suspicious=1)), NONE, WARN, "virustotal.suspicious"),
    ("many-suspicious-engines", Verdict(vt(Reputation.SUSPICIOUS, suspicious=40)), NONE, WARN, "virustotal.suspicious"),
    (
        "code-insight-malicious-alone",
        Verdict(vt(Reputation.SUSPICIOUS, code_insight=(CodeInsight("palm", "malicious"),))),
        NONE,
        WARN,
        "virustotal.suspicious",
    ),
    ("suspicious-by-analysis", replace(CLEAN, analysis=DOUBTFUL), NONE, WARN, "analysis.suspicious"),
    ("never-seen", Verdict(Evidence("virustotal", Reputation.UNKNOWN)), NONE, WARN, "virustotal.not-reviewed"),
    (
        "only-files-known",
        Verdict(vt(Reputation.UNKNOWN, undetected=0, matched=Matched.FILES)),
        NONE,
        WARN,
        "virustotal.not-reviewed",
    ),
    ("files-claimed-clean", Verdict(vt(matched=Matched.FILES)), NONE, WARN, "virustotal.not-reviewed"),
    ("too-few-engines", Verdict(vt(undetected=29)), NONE, WARN, "virustotal.not-reviewed"),
    ("pending", Verdict(vt(Reputation.PENDING, undetected=0)), NONE, WARN, "virustotal.pending"),
    ("partly-checked", replace(CLEAN, coverage=GAP), NONE, WARN, "coverage.incomplete"),
    ("no-verdict-at-all", None, NONE, WARN, "skill.unreadable"),
    ("revoked", CLEAN, frozenset({Standing.REVOKED}), BLOCK, "revoked"),
    ("revoked-without-verdict", None, frozenset({Standing.REVOKED}), BLOCK, "revoked"),
    ("changed", None, frozenset({Standing.CHANGED}), WARN, "bytes.changed"),
    ("changed-though-clean", CLEAN, frozenset({Standing.CHANGED}), WARN, "bytes.changed"),
    ("stale-in-grace", CLEAN, frozenset({Standing.STALE}), ALLOW, "record.stale"),
    ("expired", CLEAN, frozenset({Standing.EXPIRED}), WARN, "virustotal.unavailable"),
    *(
        (f"unavailable-{why.value}", Verdict(unavailable("virustotal", why)), NONE, WARN, "virustotal.unavailable")
        for why in Unavailability
    ),
]
NAMED = {name: (verdict, standings, outcome, code) for name, verdict, standings, outcome, code in SITUATIONS}


@pytest.mark.parametrize("phase", [*INSTALL, *USE])
@pytest.mark.parametrize("name", NAMED)
def test_the_default_table(name, phase):
    verdict, standings, outcome, code = NAMED[name]
    ruling = decide(Policy(), verdict, standings, phase)
    assert (ruling.outcome, ruling.reasons[0].code) == (outcome, code)


@pytest.mark.parametrize("lift", LIFTS)
@pytest.mark.parametrize("name", NAMED)
def test_a_standing_lifts_a_warning_at_use_and_nothing_else(name, lift):
    verdict, standings, outcome, _ = NAMED[name]
    standings |= {lift}
    kept = lift is Standing.OWN and verdict is not None and verdict.analysis.verdict is not AnalysisVerdict.CLEAN
    for phase in USE:
        ruling = decide(Policy(), verdict, standings, phase)
        expected = ALLOW if outcome is WARN and not kept else outcome
        assert ruling.outcome is expected
        if outcome is WARN and not kept:
            assert ruling.reasons[0].code == lift.value
    for phase in INSTALL:
        assert decide(Policy(), verdict, standings, phase).outcome is outcome


def test_a_lifted_warning_still_names_what_was_lifted():
    ruling = decide(Policy(), NAMED["never-seen"][0], frozenset({Standing.ACCEPTED}), Phase.PRE_EXECUTE)
    assert [reason.code for reason in ruling.reasons] == ["accepted", "virustotal.not-reviewed"]
    assert ruling.badge is Badge.NONE


def test_ones_own_skill_that_turns_suspicious_is_asked_about_again():
    suspicious = replace(CLEAN, analysis=DOUBTFUL)
    assert decide(Policy(), suspicious, frozenset({Standing.OWN}), Phase.PRE_EXECUTE).outcome is WARN
    assert decide(Policy(), suspicious, frozenset({Standing.OWN, Standing.BASELINE}), Phase.PRE_EXECUTE).outcome is ALLOW


def test_the_sentence_for_a_skill_that_was_never_reviewed():
    (reason,) = decide(Policy(), NAMED["never-seen"][0], NONE, Phase.PRE_INSTALL).reasons
    assert reason.message == "This skill has not been reviewed by VirusTotal."


@pytest.mark.parametrize("why", Unavailability)
def test_each_way_to_have_no_answer_says_so_and_what_to_do(why):
    (reason,) = decide(Policy(), Verdict(unavailable("virustotal", why)), NONE, Phase.PRE_INSTALL).reasons
    assert reason.message.startswith("This skill has not been reviewed by VirusTotal: ")
    assert reason.remediation


def test_an_address_that_is_only_mentioned_or_a_detected_file_is_no_used_address():
    mentioned = address(50, used=False)
    file = Indicator("file", "ab" * 32, Reputation.MALICIOUS, 50, "run.sh")
    assert decide(Policy(), Verdict(vt(indicators=(mentioned, file))), NONE, Phase.PRE_INSTALL).outcome is ALLOW


def test_a_suppressed_or_a_medium_finding_does_not_turn_one_engine_into_a_block():
    for mild in (finding(Severity.CRITICAL, suppressed=True), finding(Severity.MEDIUM)):
        verdict = Verdict(vt(Reputation.MALICIOUS, malicious=1), Analysis(findings=(mild,)))
        assert decide(Policy(), verdict, NONE, Phase.PRE_INSTALL).outcome is WARN


def test_a_detected_file_does_not_hide_that_the_skill_was_never_reviewed():
    strict = Policy(rows=tuple((DEFAULT_ROWS | {Row.UNREVIEWED: BLOCK}).items()))
    for detected in (
        vt(Reputation.MALICIOUS, malicious=1, matched=Matched.FILES),
        vt(Reputation.MALICIOUS, malicious=1, undetected=5),
    ):
        ruling = decide(strict, Verdict(detected), NONE, Phase.PRE_INSTALL)
        assert ruling.outcome is BLOCK
        assert {reason.code for reason in ruling.reasons} == {"virustotal.suspicious", "virustotal.not-reviewed"}


def test_reasons_come_worst_first():
    verdict = Verdict(vt(Reputation.MALICIOUS, malicious=9), DOUBTFUL, GAP)
    codes = [reason.code for reason in decide(Policy(), verdict, NONE, Phase.SCAN).reasons]
    assert codes[0] == "virustotal.malicious"
    assert {"analysis.suspicious", "coverage.incomplete"} <= set(codes)


def test_an_empty_policy_blocks_what_every_other_policy_allows():
    for standings in (NONE, frozenset(LIFTS)):
        for phase in Phase:
            assert decide(Policy(rows=()), CLEAN, standings, phase).outcome is BLOCK


def test_a_row_that_the_policy_does_not_name_blocks_when_it_fires():
    thin = Policy(rows=((Row.REVOKED, BLOCK),))
    assert decide(thin, NAMED["never-seen"][0], NONE, Phase.SCAN).outcome is BLOCK
    assert decide(thin, CLEAN, NONE, Phase.SCAN).outcome is ALLOW


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(
    "name", [name for name, situation in NAMED.items() if situation[3] not in ("verified", "skill.unreadable")]
)
def test_each_row_is_a_toggle(name, outcome):
    verdict, standings, _, code = NAMED[name]
    toggled = Policy(rows=tuple((row, outcome if row.value == code else ALLOW) for row in Row))
    least = ALLOW if verdict is not None else WARN
    assert decide(toggled, verdict, standings, Phase.PRE_INSTALL).outcome is max(outcome, least)


def test_every_row_has_exactly_one_toggle_and_a_default():
    assert sorted(TOGGLES.values()) == sorted(Row) == sorted(DEFAULT_ROWS)


@pytest.mark.parametrize("standings", [NONE, *(frozenset({s}) for s in (Standing.STALE, Standing.EXPIRED, Standing.CHANGED))])
@pytest.mark.parametrize("phase", Phase)
def test_no_toggle_turns_nobody_looked_into_a_yes(phase, standings):
    assert decide(NO_TOGGLES, None, standings, phase).outcome is WARN


def test_what_a_further_service_says_only_worsens_and_never_speaks_as_virustotal():
    worse = Evidence("plugin:corp", Reputation.MALICIOUS, stats=EngineStats(malicious=2))
    doubt = Evidence("plugin:corp", Reputation.SUSPICIOUS)
    used = Evidence("plugin:corp", Reputation.CLEAN, indicators=(address(3),))
    for other, outcome in ((worse, BLOCK), (doubt, WARN), (used, BLOCK)):
        ruling = decide(Policy(), replace(CLEAN, others=(other,)), NONE, Phase.PRE_INSTALL)
        assert ruling.outcome is outcome
        assert not any("VirusTotal" in reason.message for reason in ruling.reasons)
    for verdict in (Reputation.CLEAN, Reputation.UNKNOWN, Reputation.UNAVAILABLE, Reputation.PENDING):
        praise = Evidence("plugin:corp", verdict, stats=EngineStats(undetected=90))
        assert decide(Policy(), replace(CLEAN, others=(praise,)), NONE, Phase.PRE_INSTALL).outcome is ALLOW
        unseen = Verdict(Evidence("virustotal", Reputation.UNKNOWN), others=(praise,))
        assert decide(Policy(), unseen, NONE, Phase.PRE_INSTALL).outcome is WARN


def test_the_badge_is_for_clean_bytes_alone():
    def badge(verdict, standings=NONE, phase=Phase.SCAN):
        return decide(Policy(), verdict, standings, phase).badge

    assert badge(CLEAN) is Badge.VERIFIED
    assert badge(CLEAN, frozenset({Standing.STALE})) is Badge.NONE
    assert badge(None, frozenset({Standing.ACCEPTED})) is Badge.NONE
    assert badge(CLEAN, frozenset({Standing.REVOKED})) is Badge.REVOKED
    for name, (verdict, standings, _, _) in NAMED.items():
        if name != "reviewed-clean" and not standings:
            assert badge(verdict, standings) is Badge.NONE
    # Toggles decide what happens, not what is true.
    assert decide(NO_TOGGLES, NAMED["never-seen"][0], NONE, Phase.SCAN).badge is Badge.NONE


def test_a_revoked_skill_that_somebody_lets_pass_still_shows_that_it_was_revoked():
    lenient = Policy(rows=tuple((DEFAULT_ROWS | {Row.REVOKED: WARN}).items()))
    ruling = decide(lenient, CLEAN, frozenset({Standing.REVOKED, Standing.ACCEPTED}), Phase.PRE_EXECUTE)
    assert (ruling.outcome, ruling.badge) == (ALLOW, Badge.REVOKED)


def test_zero_detections_are_never_called_safe():
    for verdict, standings, _, _ in NAMED.values():
        for reason in decide(Policy(), verdict, standings, Phase.PRE_INSTALL).reasons:
            assert " safe" not in f"{reason.message} {reason.remediation}".lower().replace("unsafe", "")
