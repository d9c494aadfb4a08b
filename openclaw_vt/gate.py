"""The vertical: one request in, one decision out.

request → snapshot (bytes read once) → subject (their digests) → signed cache → judge → verdict → decide → remember → decision.
Data walks one way. What was analysed is what was hashed, so nothing can change in between.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import PurePath

from openclaw_vt.answers import answer, recorded, unreadable
from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.ledger import Ledger, turned_bad
from openclaw_vt.model.decision import Badge, Decision, Outcome, Phase, Reason, Request, Source
from openclaw_vt.model.subject import Digest, Origin, SkillRef, Snapshot, Subject, identify
from openclaw_vt.model.verdict import Coverage, Evidence, Reputation, Verdict
from openclaw_vt.policy import Policy, Standing, decide
from openclaw_vt.recognition import Recognised

_OF_AGE = frozenset({Standing.STALE, Standing.EXPIRED})


@dataclass(frozen=True, slots=True)
class Rooms:
    """What the gate is built from; `assembly.py` fills it. Judging is a function so that a cache hit never loads it.

    `seen` hints which bytes last passed at a path (unsigned: it can only add a warning's words).
    `objects` asks the operator's own plugins before each use, a hit included; None where there are none.
    """

    policy: Policy
    read: Callable[[str], Snapshot]
    origin: Callable[[Snapshot], Origin]
    ledger: Ledger
    judge: Callable[[Request, Subject, Snapshot], tuple[Subject, Verdict]]
    ask: Callable[[Request, Subject, Snapshot], Evidence]
    seen: Callable[[str], Digest | None]
    report: Callable[[Decision], tuple[Reason, ...]]
    clock: Callable[[], float] = time.time
    objects: Callable[[Request, Snapshot], bool] | None = None


class Gate:
    """Answers `check`. One instance serves many requests; it holds no state of its own."""

    def __init__(self, rooms: Rooms) -> None:
        self._rooms = rooms

    def check(self, request: Request) -> Decision:
        """Judge one skill at one moment. Total: whatever the path holds, there is a decision, and errors never allow."""

        def judged(snapshot: Snapshot, subject: Subject) -> Decision:
            known = self._known(subject)
            recorded = self._from_record(request, subject, snapshot, known)
            return recorded or self._from_judgement(request, subject, snapshot, known)

        return self._reported(self._read(request, judged))

    def verify(self, path: str) -> Decision:
        """Answer from the cache alone: are these the bytes that were verified, accepted or blocked? No network, no writing."""
        request = Request(Phase.PRE_EXECUTE, path, offline=True)

        def compared(_: Snapshot, subject: Subject) -> Decision:
            known = self._known(subject)
            verdict = recorded(known, subject) if known.settled or Standing.STALE in known.standings else None
            ruling = decide(self._rooms.policy, verdict, known.standings, request.phase)
            return answer(request, known.named(subject), verdict, ruling, Source.CACHE, known)

        return self._read(request, compared)

    def look_up(self, request: Request) -> Decision:
        """Ask only what others say about these bytes, for things we cannot judge (OpenClaw's plugins). Remembers nothing."""

        def asked(snapshot: Snapshot, subject: Subject) -> Decision:
            verdict = Verdict(self._rooms.ask(request, subject, snapshot), coverage=Coverage(subject.unhashed))
            ruling = replace(decide(self._rooms.policy, verdict, frozenset(), request.phase), badge=Badge.NONE)
            source = Source.LIVE if verdict.virustotal.lookups else Source.NONE
            return answer(request, subject, verdict, ruling, source, Recognised())

        return self._reported(self._read(request, asked))

    def _read(self, request: Request, rest: Callable[[Snapshot, Subject], Decision]) -> Decision:
        """Read the bytes once, name them by their digest, and walk on with both."""
        began = time.monotonic()
        try:
            snapshot = self._rooms.read(request.path)
            decision = rest(snapshot, identify(snapshot, self._ref(request, snapshot)))
        except SkillUnreadable as error:
            decision = unreadable(request, error, self._rooms.policy)
        return replace(decision, elapsed_ms=(time.monotonic() - began) * 1000)

    def _known(self, subject: Subject) -> Recognised:
        return self._rooms.ledger.recognise(subject, self._rooms.policy, now=self._rooms.clock())

    def _ref(self, request: Request, snapshot: Snapshot) -> SkillRef:
        origin = request.origin or self._rooms.origin(snapshot)
        name = request.name or PurePath(request.path).name or request.path
        return SkillRef(name=name, path=request.path, version=origin.version, origin=origin)

    def _from_record(self, request: Request, subject: Subject, snapshot: Snapshot, known: Recognised) -> Decision | None:
        """Return a decision that needs no judgement, or None: bytes that are known, or a use that a person said yes to."""
        executing = request.phase is Phase.PRE_EXECUTE
        if request.refresh or (executing and self._rooms.objects and self._rooms.objects(request, snapshot)):
            return None
        if not (known.settled or Standing.REVOKED in known.standings or (executing and known.lifted)):
            return None
        verdict = recorded(known, subject) if known.settled else None
        if known.settled and verdict is None:
            return None
        ruling = decide(self._rooms.policy, verdict, known.standings - _OF_AGE, request.phase)
        return answer(request, known.named(subject), verdict, ruling, Source.CACHE, known)

    def _from_judgement(self, request: Request, subject: Subject, snapshot: Snapshot, known: Recognised) -> Decision:
        subject, verdict = self._rooms.judge(request, subject, snapshot)
        source = Source.LIVE if verdict.virustotal.lookups else Source.NONE
        standings = known.standings - _OF_AGE
        old = recorded(known, subject) if Standing.STALE in known.standings else None
        if old is not None and verdict.virustotal.verdict is Reputation.UNAVAILABLE:
            # Verified, unchanged, past its date, and VirusTotal is away: the old answer holds for the days of grace.
            verdict = replace(verdict, virustotal=old.virustotal)
            standings, source = standings | {Standing.STALE}, Source.CACHE
        ruling = decide(self._rooms.policy, verdict, standings, request.phase)
        if ruling.badge is not Badge.VERIFIED and self._rooms.seen(request.path) not in (None, subject.tree):
            # Changed bytes that pass anew are fine; where they do not, the change is why it matters.
            ruling = decide(self._rooms.policy, verdict, standings | {Standing.CHANGED}, request.phase)
        if turned_bad(known, verdict):
            ruling = replace(ruling, badge=Badge.REVOKED)
        notices = self._rooms.ledger.remember(
            subject, snapshot, verdict, ruling, self._rooms.policy, known, now=self._rooms.clock()
        )
        return answer(request, subject, verdict, replace(ruling, reasons=ruling.reasons + notices), source, known)

    def _reported(self, decision: Decision) -> Decision:
        if decision.source is Source.CACHE and decision.outcome is Outcome.ALLOW:
            return decision  # a hit writes nothing
        return replace(decision, reasons=decision.reasons + self._rooms.report(decision))
