"""What must hold for every verdict anybody could construct, not only for the rows of the table."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

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
)
from openclaw_vt.policy import DEFAULT_ROWS, Policy, Row, Standing, decide

counts = st.integers(0, 90)
findings = st.builds(
    Finding,
    rule_id=st.just("rule"),
    severity=st.sampled_from(Severity),
    confidence=st.sampled_from(Confidence),
    message=st.just("words"),
    suppressed=st.booleans(),
)
indicators = st.builds(
    Indicator,
    kind=st.sampled_from(("url", "domain", "ip", "file")),
    value=st.just("x.example"),
    verdict=st.sampled_from(Reputation),
    malicious=counts,
    used=st.booleans(),
)
evidence = st.builds(
    Evidence,
    service=st.sampled_from(("virustotal", "plugin:other")),
    verdict=st.sampled_from(Reputation),
    detail=st.none() | st.sampled_from(Unavailability),
    matched=st.sampled_from(Matched),
    stats=st.builds(EngineStats, counts, counts, counts, counts),
    code_insight=st.lists(st.builds(CodeInsight, st.just("palm"), st.just("malicious")), max_size=1).map(tuple),
    indicators=st.lists(indicators, max_size=3).map(tuple),
)
verdicts = st.builds(
    Verdict,
    virustotal=evidence,
    analysis=st.builds(Analysis, verdict=st.sampled_from(AnalysisVerdict), findings=st.lists(findings, max_size=3).map(tuple)),
    coverage=st.sampled_from((Coverage(), Coverage((NotChecked("a", "b"),)))),
    others=st.lists(evidence, max_size=2).map(tuple),
)
standings = st.frozensets(st.sampled_from(Standing))
phases = st.sampled_from(Phase)
outcomes = st.sampled_from(Outcome)
policies = st.builds(
    Policy,
    rows=st.dictionaries(st.sampled_from(Row), outcomes).map(lambda rows: tuple(rows.items())),
    block_malicious_engines=st.integers(1, 5),
    block_indicator_engines=st.integers(1, 5),
    min_engines=st.integers(1, 60),
)


def _ordered(rows: dict[Row, Outcome]) -> bool:
    """Whether a worse row is never milder than the row it takes the place of."""
    return (
        rows[Row.ENGINES] >= rows[Row.DETECTION]
        and rows[Row.INDICATOR_MALICIOUS] >= rows[Row.INDICATOR_SUSPICIOUS]
        and rows[Row.ANALYSIS_MALICIOUS] >= rows[Row.ANALYSIS_SUSPICIOUS]
    )


sane_policies = st.builds(
    Policy,
    rows=st.fixed_dictionaries(dict.fromkeys(Row, outcomes)).filter(_ordered).map(lambda rows: tuple(rows.items())),
    min_engines=st.integers(1, 60),
)


def _more_detections(verdict: Verdict, name: str, amount: int) -> Verdict:
    vt, stats = verdict.virustotal, verdict.virustotal.stats
    # Engines change their mind; if none had an opinion to change, further engines would also be further coverage.
    amount = min(amount, stats.undetected)
    worse = replace(stats, **{name: getattr(stats, name) + amount}, undetected=stats.undetected - amount)
    known_bad = name == "malicious" or vt.verdict is Reputation.MALICIOUS
    return replace(verdict, virustotal=replace(vt, stats=worse, verdict=Reputation(("suspicious", "malicious")[known_bad])))


def _fewer_engines(verdict: Verdict, _amount: int) -> Verdict:
    vt = verdict.virustotal
    return replace(verdict, virustotal=replace(vt, stats=replace(vt.stats, undetected=0, harmless=0)))


def _malicious_by_analysis(verdict: Verdict, _amount: int) -> Verdict:
    return replace(verdict, analysis=replace(verdict.analysis, verdict=AnalysisVerdict.MALICIOUS))


def _another_finding(verdict: Verdict, _amount: int) -> Verdict:
    grave = Finding("grave", Severity.CRITICAL, Confidence.HIGH, "words")
    return replace(verdict, analysis=replace(verdict.analysis, findings=(*verdict.analysis.findings, grave)))


def _another_gap(verdict: Verdict, _amount: int) -> Verdict:
    return replace(verdict, coverage=Coverage((*verdict.coverage.not_checked, NotChecked("c", "d"))))


def _another_address(verdict: Verdict, amount: int) -> Verdict:
    used = Indicator("ip", "198.51.100.7", Reputation.MALICIOUS, amount)
    vt = verdict.virustotal
    return replace(verdict, virustotal=replace(vt, indicators=(*vt.indicators, used)))


def _another_service(verdict: Verdict, amount: int) -> Verdict:
    another = Evidence("plugin:x", Reputation.MALICIOUS, stats=EngineStats(malicious=amount))
    return replace(verdict, others=(*verdict.others, another))


WORSE = {
    "malicious": lambda verdict, amount: _more_detections(verdict, "malicious", amount),
    "suspicious": lambda verdict, amount: _more_detections(verdict, "suspicious", amount),
    "fewer engines": _fewer_engines,
    "analysis": _malicious_by_analysis,
    "finding": _another_finding,
    "gap": _another_gap,
    "address": _another_address,
    "service": _another_service,
}
REVIEWED = (Reputation.CLEAN, Reputation.SUSPICIOUS, Reputation.MALICIOUS)


@given(policies, st.none() | verdicts, standings, phases)
def test_total_every_input_has_an_answer_with_a_reason(policy, verdict, known, phase):
    ruling = decide(policy, verdict, known, phase)
    assert isinstance(ruling.outcome, Outcome)
    assert ruling.reasons
    assert all(reason.code and reason.message for reason in ruling.reasons)
    assert ruling == decide(policy, verdict, known, phase)


@given(sane_policies, verdicts, standings, phases, st.sampled_from(tuple(WORSE)), st.integers(1, 5))
def test_monotone_worse_evidence_never_gives_a_better_outcome(policy, verdict, known, phase, how, amount):
    if how in ("malicious", "suspicious") and verdict.virustotal.verdict not in REVIEWED:
        return  # an answer instead of none is another situation, not a worse one
    before = decide(policy, verdict, known, phase)
    after = decide(policy, WORSE[how](verdict, amount), known, phase)
    assert after.outcome >= before.outcome


@given(verdicts, standings, phases, st.sampled_from(tuple(WORSE)), st.integers(1, 5))
def test_monotone_under_the_default_policy_whatever_was_known_before(verdict, known, phase, how, amount):
    before = decide(Policy(), verdict, known, phase)
    assert decide(Policy(), WORSE[how](verdict, amount), known, phase).outcome >= before.outcome


@given(policies, st.none() | verdicts, standings, st.frozensets(st.sampled_from(Standing)), phases)
def test_a_block_is_never_lifted(policy, verdict, known, more, phase):
    if verdict is None and policy.outcome(Row.UNREADABLE) is Outcome.BLOCK:
        return  # "nobody judged" is the absence of an answer, and a standing is an answer
    if decide(policy, verdict, known, phase).outcome is Outcome.BLOCK:
        assert decide(policy, verdict, known | more, phase).outcome is Outcome.BLOCK


@given(policies, st.none() | verdicts, standings, phases)
def test_verified_is_only_ever_allowed_clean_and_complete(policy, verdict, known, phase):
    ruling = decide(policy, verdict, known, phase)
    if ruling.badge is Badge.VERIFIED:
        assert ruling.outcome is Outcome.ALLOW
        assert verdict is not None
        assert verdict.virustotal.verdict is Reputation.CLEAN
        assert verdict.virustotal.stats.malicious == verdict.virustotal.stats.suspicious == 0
        assert verdict.virustotal.stats.completed >= policy.min_engines
        assert verdict.virustotal.matched is not Matched.FILES
        assert verdict.analysis.verdict is AnalysisVerdict.CLEAN
        assert verdict.coverage.complete
        assert not known & {Standing.REVOKED, Standing.STALE, Standing.EXPIRED, Standing.CHANGED}


@given(policies, standings, phases)
def test_without_a_verdict_only_a_persons_word_allows(policy, known, phase):
    lifts = known & {Standing.ACCEPTED, Standing.BASELINE, Standing.OWN, Standing.BUNDLED}
    if not lifts or phase in (Phase.PRE_INSTALL, Phase.POST_UPDATE):
        assert decide(policy, None, known, phase).outcome is not Outcome.ALLOW


OTHER_VALUES = {
    "rows": tuple((DEFAULT_ROWS | {Row.PENDING: Outcome.ALLOW}).items()),
    "host": "https://vt.example",
    "service": "off",
    "clawhub": "https://hub.example",
}


def test_the_digest_changes_with_every_field():
    digests = {Policy().digest}
    for field in Policy._fields:
        digests.add(Policy()._replace(**{field: OTHER_VALUES.get(field, 7)}).digest)
    assert len(digests) == 1 + len(Policy._fields)


def test_the_digest_changes_with_every_row():
    digests = {Policy(rows=tuple((DEFAULT_ROWS | {row: outcome}).items())).digest for row in Row for outcome in Outcome}
    assert len(digests) == 1 + 2 * len(Row)


@given(st.permutations(tuple(DEFAULT_ROWS.items())))
def test_the_order_of_the_rows_is_no_part_of_the_policy(rows):
    assert Policy(rows=tuple(rows)).digest == Policy().digest
