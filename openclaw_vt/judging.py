"""From bytes to a verdict: hash look-ups beside extraction and judging, under one deadline.

What did not happen in time, and who failed, stands in the coverage or in the evidence; nothing is left unsaid.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from openclaw_vt.analysis.category import categorise
from openclaw_vt.analysis.facts import Command, Prose, Unread
from openclaw_vt.analysis.manifest import Manifest, read_manifest
from openclaw_vt.analysis.rules import verdict_of
from openclaw_vt.model.decision import Phase, Request
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.permission import Endpoint, Profile
from openclaw_vt.model.subject import NotChecked, Snapshot, Subject
from openclaw_vt.model.verdict import Analysis, Coverage, Evidence, Unavailability, Verdict, unavailable
from openclaw_vt.plugin.manager import Collected, Hooks, joined

VIRUSTOTAL = "virustotal"
GRACE_S = 0.5
FACTS = (Command, Prose, Endpoint, Unread)
MAX_FINDINGS = 1000
MAX_ENDPOINTS = 2000
_PHASE_HOOKS = {
    Phase.PRE_INSTALL: "skill_pre_install",
    Phase.PRE_EXECUTE: "skill_pre_execute",
    Phase.POST_UPDATE: "skill_post_update",
}


class Judge:
    """Asks every plugin, ours among them, and joins the answers. `timeout_s` bounds the look-ups of one judgement."""

    def __init__(self, hooks: Hooks, *, timeout_s: float) -> None:
        self._hooks = hooks
        self._timeout_s = timeout_s

    def judge(self, request: Request, subject: Subject, snapshot: Snapshot, manifest: Manifest) -> Verdict:
        """Return the verdict on one snapshot. Never raises for a plugin's or a service's sake."""
        deadline = time.monotonic() + self._timeout_s
        lookups = _Aside(
            self._hooks.each(
                "skill_reputation",
                Evidence,
                request=request,
                subject=subject,
                snapshot=snapshot,
                indicators=(),
                deadline=deadline,
            )
        )
        analysis, gaps = self._analyse(request, snapshot, manifest, request.previous)
        answered, finished = lookups.result(deadline + GRACE_S)
        gaps += manifest.problems + snapshot.gaps + answered.failed
        evidence, others = _sorted_evidence(answered, finished=finished)
        if answered.items and not finished:
            gaps += (NotChecked("a further reputation service", "it did not answer in time"),)
        gaps += tuple(gap for item in (evidence, *others) for gap in item.not_checked)
        return Verdict(evidence, analysis, Coverage(_unique(gaps)), others)

    def _analyse(
        self, request: Request, snapshot: Snapshot, manifest: Manifest, previous: Profile | None
    ) -> tuple[Analysis, tuple[NotChecked, ...]]:
        facts = self._hooks.collect("skill_extract", *FACTS, snapshot=snapshot, manifest=manifest)
        found = self._hooks.collect("skill_analyze", Finding, facts=facts.items, manifest=manifest, previous=previous)
        moment = self._moment(request, snapshot, previous)
        unread = tuple(fact.gap for fact in facts.items if isinstance(fact, Unread))
        category = categorise(manifest)
        findings: tuple[Finding, ...] = tuple(sorted({*found.items, *moment.items}, key=_finding_order))
        endpoints = tuple(dict.fromkeys(fact for fact in facts.items if isinstance(fact, Endpoint)))
        over = _over("findings", len(findings), MAX_FINDINGS) + _over("addresses", len(endpoints), MAX_ENDPOINTS)
        analysis = Analysis(
            verdict=verdict_of(findings),
            category=category.name,
            risk=category.risk,
            required_checks=category.required_checks,
            findings=findings[:MAX_FINDINGS],
            endpoints=endpoints[:MAX_ENDPOINTS],
        )
        return analysis, facts.failed + found.failed + moment.failed + unread + over

    def _moment(self, request: Request, snapshot: Snapshot, previous: Profile | None) -> Collected:
        hook = _PHASE_HOOKS.get(request.phase)
        if hook is None:
            return Collected()
        return self._hooks.collect(hook, Finding, request=request, snapshot=snapshot, previous=previous)


class _Aside:
    """Answers fetched on a daemon thread: a service that ignores its deadline keeps nobody waiting and hides no answer."""

    def __init__(self, answers: Iterator[Collected]) -> None:
        self._answers: list[Collected] = []
        self._thread = threading.Thread(target=self._run, args=(answers,), daemon=True, name="openclaw-vt look-ups")
        self._thread.start()

    def _run(self, answers: Iterator[Collected]) -> None:
        for answer in answers:
            self._answers.append(answer)

    def result(self, deadline: float) -> tuple[Collected, bool]:
        """Wait until `deadline` (monotonic seconds); return what has been answered by then, and whether that is all."""
        self._thread.join(max(0.0, deadline - time.monotonic()))
        finished = not self._thread.is_alive()
        return joined(list(self._answers)), finished


def _sorted_evidence(answered: Collected, *, finished: bool) -> tuple[Evidence, tuple[Evidence, ...]]:
    """Tell VirusTotal's own evidence from that of further services. Plugins are stamped, so only ours bears the name."""
    ours = next((item for item in answered.items if item.service == VIRUSTOTAL), None)
    others = tuple(item for item in answered.items if item.service != VIRUSTOTAL)
    return ours or unavailable(VIRUSTOTAL, Unavailability.ERROR if finished else Unavailability.TIMEOUT), others


def _over(what: str, count: int, limit: int) -> tuple[NotChecked, ...]:
    return (NotChecked(f"further {what}", f"only {limit} are kept"),) if count > limit else ()


def _unique(gaps: tuple[NotChecked, ...]) -> tuple[NotChecked, ...]:
    return tuple(dict.fromkeys(gaps))


def _finding_order(item: Finding) -> tuple[Any, ...]:
    place = item.location
    return (-item.severity, place.file if place else "", (place.line or 0) if place else 0, item.rule_id, item.evidence)


def described(subject: Subject, snapshot: Snapshot) -> tuple[Subject, Manifest]:
    """Return the subject under the name and version its manifest claims, and the manifest."""
    manifest = read_manifest(snapshot)
    ref = subject.ref._replace(name=manifest.name or subject.ref.name, version=manifest.version or subject.ref.version)
    return subject._replace(ref=ref), manifest
