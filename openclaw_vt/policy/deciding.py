"""From what was learnt to what happens: pure and total.

Block rows win, then warn rows; a person's acceptance, the baseline and OpenClaw's own bundled skills only ever lift a
warning, never a block. A policy without rows blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

from openclaw_vt.model.decision import Badge, Outcome, Phase, Reason
from openclaw_vt.model.finding import Severity
from openclaw_vt.model.verdict import AnalysisVerdict, Evidence, Matched, Reputation, Unavailability, Verdict
from openclaw_vt.policy.table import LIFT_WORDS, LIFTS, PASSED_WORDS, Policy, Row, Standing


@dataclass(frozen=True, slots=True)
class Ruling:
    """What `decide` says: the outcome, every row that fired (worst first), and the badge these bytes may carry."""

    outcome: Outcome
    reasons: tuple[Reason, ...]
    badge: Badge


@dataclass(frozen=True, slots=True)
class _Fired:
    row: Row
    message: str
    remediation: str = ""


def decide(policy: Policy, verdict: Verdict | None, standings: frozenset[Standing], phase: Phase) -> Ruling:
    """Apply the table. Total: every input has an answer, and what the policy does not name is blocked.

    `verdict` is None when nobody could judge (an unreadable skill, or a question that only the cache may answer);
    then only a standing can allow.
    """
    if not policy.rows:
        return Ruling(Outcome.BLOCK, (Reason("policy.empty", "The policy has no rows, so nothing is allowed."),), Badge.NONE)
    fired = [*_standing_rows(standings), *(_verdict_rows(policy, verdict) if verdict else ())]
    lifted_by = _lifting(standings, phase, verdict)
    unjudged = verdict is None and lifted_by is None
    worst = max((policy.outcome(item.row) for item in fired), default=Outcome.ALLOW)
    if unjudged:
        # No toggle turns "nobody looked" into a yes: without a verdict only a standing can allow.
        least = max(Outcome.WARN, policy.outcome(Row.UNREADABLE))
        if least > worst or not fired:
            fired.append(_Fired(Row.UNREADABLE, "These bytes have no verdict.", "Judge them with `openclaw-vt scan`."))
        worst = max(worst, least)
    reasons, badge = _reasons(policy, fired), _badge(verdict, standings, fired)
    if worst is Outcome.WARN and lifted_by is not None:
        return Ruling(Outcome.ALLOW, (_lift_reason(lifted_by), *reasons), badge)
    if not reasons:
        reasons = (_lift_reason(lifted_by),) if verdict is None and lifted_by else (_clean_reason(),)
    return Ruling(worst, reasons, badge)


def _lifting(standings: frozenset[Standing], phase: Phase, verdict: Verdict | None) -> Standing | None:
    """Return the standing that lifts a warning at this moment, or None."""
    if phase not in (Phase.PRE_EXECUTE, Phase.SCAN, Phase.RESCAN):
        # An update is new bytes and an install is a new question: only use and inspection rest on an earlier yes.
        return None
    suspicious = verdict is not None and verdict.analysis.verdict is not AnalysisVerdict.CLEAN
    # One's own skill is trusted for its author, not for its content: what analysis finds in it is asked about again.
    return next((s for s in LIFTS if s in standings and not (s is Standing.OWN and suspicious)), None)


def _reasons(policy: Policy, fired: list[_Fired]) -> tuple[Reason, ...]:
    ordered = sorted(fired, key=lambda item: -policy.outcome(item.row))
    return tuple(Reason(item.row.value, item.message, item.remediation) for item in ordered)


def _clean_reason() -> Reason:
    return Reason("verified", PASSED_WORDS)


def _lift_reason(standing: Standing) -> Reason:
    return Reason(standing.value, LIFT_WORDS[standing])


def _badge(verdict: Verdict | None, standings: frozenset[Standing], fired: list[_Fired]) -> Badge:
    if Standing.REVOKED in standings:
        return Badge.REVOKED
    verified = (
        verdict is not None
        and not fired
        and verdict.virustotal.verdict is Reputation.CLEAN
        and verdict.analysis.verdict is AnalysisVerdict.CLEAN
        and verdict.coverage.complete
    )
    return Badge.VERIFIED if verified else Badge.NONE


def _standing_rows(standings: frozenset[Standing]) -> list[_Fired]:
    rows = []
    if Standing.REVOKED in standings:
        rows.append(
            _Fired(Row.REVOKED, "The verification of these bytes was revoked.", "See `openclaw-vt cache show` for when and why.")
        )
    if Standing.CHANGED in standings:
        rows.append(_Fired(Row.CHANGED, "The bytes differ from those that were verified here.", "Look at what changed."))
    if Standing.STALE in standings:
        rows.append(_Fired(Row.STALE, "The last check is older than allowed and VirusTotal could not be asked again."))
    if Standing.EXPIRED in standings:
        rows.append(_Fired(Row.UNAVAILABLE, "The last check is too old to count.", "Scan the skill again with a network."))
    return rows


def _verdict_rows(policy: Policy, verdict: Verdict) -> list[_Fired]:
    rows = [*_analysis_rows(verdict), *_coverage_rows(verdict), *_reputation_rows(policy, verdict.virustotal, verdict)]
    for other in verdict.others:
        # Further services only worsen: their clean, unknown and unavailable say nothing.
        rows.extend(_detection_rows(policy, other, verdict, _OTHERS_WORDS))
    return rows


def _analysis_rows(verdict: Verdict) -> list[_Fired]:
    if verdict.analysis.verdict is AnalysisVerdict.MALICIOUS:
        return [_Fired(Row.ANALYSIS_MALICIOUS, "Local analysis found malicious behaviour.", "Do not install or use this skill.")]
    if verdict.analysis.verdict is AnalysisVerdict.SUSPICIOUS:
        return [
            _Fired(Row.ANALYSIS_SUSPICIOUS, "Local analysis found something suspicious.", "Read the findings before you agree.")
        ]
    return []


def _coverage_rows(verdict: Verdict) -> list[_Fired]:
    if verdict.coverage.complete:
        return []
    return [_Fired(Row.INCOMPLETE, "Not everything in this skill could be checked.", "See the coverage for what and why.")]


def _high_finding(verdict: Verdict) -> bool:
    return any(f.severity >= Severity.HIGH and not f.suppressed for f in verdict.analysis.findings)


@dataclass(frozen=True, slots=True)
class _Words:
    """Who speaks: VirusTotal is named only where it really spoke."""

    several: str
    together: str
    one: str
    suspicious: str
    alone: str
    address: str
    address_doubted: str
    next_step: str


_VIRUSTOTAL_WORDS = _Words(
    several="Several VirusTotal engines call this malicious.",
    together="A VirusTotal engine calls this malicious, and local analysis found something serious as well.",
    one="One VirusTotal engine calls this malicious.",
    suspicious="A VirusTotal engine calls this suspicious.",
    alone="VirusTotal's Code Insight calls this unsafe while no engine does.",
    address="The skill uses an address that VirusTotal engines call malicious.",
    address_doubted="The skill uses an address that a VirusTotal engine calls malicious.",
    next_step="Open the VirusTotal report, and ask the publisher.",
)
_OTHERS_WORDS = _Words(
    several="Another reputation service calls this malicious.",
    together="Another reputation service calls this malicious, and local analysis found something serious as well.",
    one="Another reputation service suspects this.",
    suspicious="Another reputation service suspects this.",
    alone="Another reputation service suspects this.",
    address="The skill uses an address that another reputation service calls malicious.",
    address_doubted="The skill uses an address that another reputation service suspects.",
    next_step="See the report for what it said, and ask the publisher.",
)


def _reputation_rows(policy: Policy, item: Evidence, verdict: Verdict) -> list[_Fired]:
    """Return what was detected and what was not reviewed: two questions, so that a detection never hides the second."""
    return [*_detection_rows(policy, item, verdict, _VIRUSTOTAL_WORDS), *_review_rows(policy, item)]


def _detection_rows(policy: Policy, item: Evidence, verdict: Verdict, words: _Words) -> list[_Fired]:
    rows = _indicator_rows(policy, item, words)
    engines = item.stats.malicious
    if engines >= policy.block_malicious_engines or (engines >= 1 and _high_finding(verdict)):
        what = words.several if engines > 1 else words.together if _high_finding(verdict) else words.one
        rows.append(_Fired(Row.ENGINES, what, "Do not install or use this skill."))
    elif engines or item.stats.suspicious or item.verdict in (Reputation.SUSPICIOUS, Reputation.MALICIOUS):
        what = words.one if engines else words.suspicious if item.stats.suspicious else words.alone
        rows.append(_Fired(Row.DETECTION, what, words.next_step))
    return rows


def _indicator_rows(policy: Policy, item: Evidence, words: _Words) -> list[_Fired]:
    # A detected file is a detection of the skill; here only addresses count, and only those it really uses.
    worst = max((i.malicious for i in item.indicators if i.used and i.kind != "file"), default=0)
    if worst >= policy.block_indicator_engines:
        return [_Fired(Row.INDICATOR_MALICIOUS, words.address)]
    return [_Fired(Row.INDICATOR_SUSPICIOUS, words.address_doubted)] if worst > 0 else []


def _review_rows(policy: Policy, item: Evidence) -> list[_Fired]:
    # SKILL.md is the payload and engines do not read it: an answer about some files reviews nothing.
    if item.verdict in _NO_REVIEW or item.matched is Matched.FILES:
        return [_unreviewed(item)]
    if item.stats.completed < policy.min_engines:
        words = "Too few VirusTotal engines have looked at this skill to call it reviewed."
        return [_Fired(Row.UNREVIEWED, words, "Ask VirusTotal to analyse it again, or read the skill yourself.")]
    return []


_NO_REVIEW = frozenset({Reputation.UNKNOWN, Reputation.PENDING, Reputation.UNAVAILABLE})


def _unreviewed(item: Evidence) -> _Fired:
    if item.verdict is Reputation.PENDING:
        return _Fired(Row.PENDING, "VirusTotal has not finished reviewing this skill.", "Ask again in some minutes.")
    if item.verdict is Reputation.UNAVAILABLE:
        return _Fired(Row.UNAVAILABLE, *_UNAVAILABLE_WORDS[item.detail or Unavailability.ERROR])
    if item.matched is Matched.FILES:
        words = "This skill has not been reviewed by VirusTotal as a whole; only some of its files are known there."
        return _Fired(Row.UNREVIEWED, words, "Read the skill yourself, or ask its publisher to have it scanned.")
    words = "This skill has not been reviewed by VirusTotal."
    return _Fired(Row.UNREVIEWED, words, "Read the skill yourself, or ask its publisher to have it scanned.")


_NOT_REVIEWED = "This skill has not been reviewed by VirusTotal"
_UNAVAILABLE_WORDS: dict[Unavailability, tuple[str, str]] = {
    Unavailability.NO_KEY: (f"{_NOT_REVIEWED}: there is no API key.", "Store a free key with `openclaw-vt key set`."),
    Unavailability.OFFLINE: (f"{_NOT_REVIEWED}: it was not asked.", "Scan again with a network."),
    Unavailability.QUOTA: (f"{_NOT_REVIEWED}: the key's quota is used up for now.", "Wait a minute and scan again."),
    Unavailability.UNAUTHORIZED: (f"{_NOT_REVIEWED}: it refused the API key.", "Store a valid key with `openclaw-vt key set`."),
    Unavailability.TIMEOUT: (f"{_NOT_REVIEWED}: it did not answer in time.", "Check the network and scan again."),
    Unavailability.ERROR: (f"{_NOT_REVIEWED}: it gave no usable answer.", "Check the network and scan again later."),
}
