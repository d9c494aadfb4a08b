"""A decision as lines for a terminal. Whatever a skill controls was escaped where it came in; each line is swept here again."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from openclaw_vt.model.decision import Badge, Decision, Outcome, Source
from openclaw_vt.model.display import replaced, shown
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.verdict import Evidence, Matched, Reputation
from openclaw_vt.report.json import iso_time

Translate = Callable[[str], str]
MAX_FINDINGS = 20
MAX_GAPS = 20
_COLOUR = {Outcome.ALLOW: "32", Outcome.WARN: "33", Outcome.BLOCK: "31"}
_WORD = {Outcome.ALLOW: "allow", Outcome.WARN: "warn ", Outcome.BLOCK: "block"}


def lines(decision: Decision, *, colour: bool = False, explain: bool = False, translate: Translate = str) -> Iterator[str]:
    """Yield the lines of one report. `explain` adds what a person seldom needs: digests, required checks, every finding."""
    yield _headline(decision, colour=colour)
    for line in _body(decision, explain=explain, translate=translate):
        yield replaced(line)


def _body(decision: Decision, *, explain: bool, translate: Translate) -> Iterator[str]:
    for reason in decision.reasons:
        yield f"    {translate(reason.message)}"
        if reason.remediation and decision.outcome is not Outcome.ALLOW:
            yield f"      -> {translate(reason.remediation)}"
    if decision.verdict is None:
        return
    yield f"    VirusTotal: {virustotal_words(decision.verdict.virustotal, decision.source)}"
    yield from _findings(decision.verdict.analysis.findings, explain=explain)
    yield from _gaps(decision)
    if explain:
        yield from _explained(decision)


def _headline(decision: Decision, *, colour: bool) -> str:
    word = _WORD[decision.outcome]
    word = f"\x1b[{_COLOUR[decision.outcome]};1m{word}\x1b[0m" if colour else word
    name = shown(decision.subject.ref.name) if decision.subject else ""
    badge = {Badge.VERIFIED: "  [VirusTotal Verified]", Badge.REVOKED: "  [revoked]", Badge.NONE: ""}[decision.badge]
    return f"{word}  {name}{' ' if name else ''}({shown(decision.request.path, limit=200)}){badge}"


def virustotal_words(item: Evidence, source: Source) -> str:
    """Say what VirusTotal said, in numbers and never as "safe"."""
    if item.verdict is Reputation.UNAVAILABLE:
        return f"not asked or no answer ({item.detail.value if item.detail else 'error'})"
    if item.matched is Matched.NONE:
        return "never seen"
    if item.verdict is Reputation.PENDING and not item.stats.completed:
        return "known, not analysed yet"
    of = "some files" if item.matched is Matched.FILES else "the whole skill"
    day = iso_time(item.analysis_date)
    when = f", analysed {day[:10]}" if day else ""
    kept = ", from the signed cache" if source is Source.CACHE else ""
    detected = item.stats.malicious + item.stats.suspicious
    insight = "".join(f", Code Insight ({entry.source}): {entry.verdict}" for entry in item.code_insight)
    if item.matched is Matched.FILES and not detected and not insight:
        return f"knows some files, not the skill as a whole{kept}"
    return f"{detected} of {item.stats.completed} engines detect {of}{when}{insight}{kept}"


def _findings(findings: tuple[Finding, ...], *, explain: bool) -> Iterator[str]:
    shown_findings = findings if explain else findings[:MAX_FINDINGS]
    for item in shown_findings:
        place = ""
        if item.location:
            place = shown(item.location.file) + (f":{item.location.line}" if item.location.line else "")
        yield f"    [{item.severity.label}] {item.message} ({item.rule_id}) {place}".rstrip()
        if item.evidence:
            yield f"        {item.evidence}"
    if len(findings) > len(shown_findings):
        yield f"    ... and {len(findings) - len(shown_findings)} further findings (--explain shows all)"


def _gaps(decision: Decision) -> Iterator[str]:
    gaps = decision.verdict.coverage.not_checked if decision.verdict else ()
    for gap in gaps[:MAX_GAPS]:
        yield f"    not checked: {gap.what}: {gap.why}"
    if len(gaps) > MAX_GAPS:
        yield f"    ... and {len(gaps) - MAX_GAPS} more that were not checked (--json lists all)"


def _explained(decision: Decision) -> Iterator[str]:
    if decision.subject is None or decision.verdict is None:
        return
    analysis, evidence = decision.verdict.analysis, decision.verdict.virustotal
    yield f"    tree digest {decision.subject.tree} ({decision.subject.files} files, {decision.subject.bytes} bytes)"
    yield f"    category {analysis.category}, risk {analysis.risk}; careful people check: {', '.join(analysis.required_checks)}"
    yield f"    {evidence.lookups} requests to VirusTotal; {evidence.permalink or 'no report page'}"
