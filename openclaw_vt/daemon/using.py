"""A skill is about to be used: pass, ask a person, or block; and what the person then said."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass
from typing import Any

from openclaw_vt.assembly import Assembly
from openclaw_vt.daemon.copies import Copies
from openclaw_vt.daemon.front import Front
from openclaw_vt.daemon.own import goes_on_as_own
from openclaw_vt.daemon.request import Mode, budget_s, mode_of, path_of
from openclaw_vt.daemon.server import Reply
from openclaw_vt.daemon.tickets import Ticket, Tickets
from openclaw_vt.daemon.words import Question, asking, unfinished, writing
from openclaw_vt.daemon.worker import Worker
from openclaw_vt.errors import GateError, SkillUnreadable
from openclaw_vt.language import resolve, translator
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Decision, Outcome, Phase, Request
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Digest, Subject
from openclaw_vt.model.verdict import Reputation
from openclaw_vt.policy.table import Standing
from openclaw_vt.recognition import Recognised, unhashed

FRESH_S = 600.0
"""How long a warning stands before the same bytes are judged again; after no answer from VirusTotal, a tenth of it."""
MAX_FRESH = 1_000
MAX_WAITING = 32

log = logging.getLogger(__name__)
Judged = Callable[[str, Decision], None]


@dataclass(frozen=True, slots=True)
class _Fresh:
    decision: Decision
    policy: Digest
    since: float


class Using:
    """Answers `use`, `answer`, `writing` and `verify`. `judged` hears of every new decision about an installed skill."""

    def __init__(self, front: Front, worker: Worker, copies: Copies, *, judged: Judged) -> None:
        self._front = front
        self._worker = worker
        self._copies = copies
        self._judged = judged
        self._tickets = Tickets()
        self._waiting = ThreadPoolExecutor(max_workers=MAX_WAITING, thread_name_prefix="waiting")
        self._fresh: dict[Digest, _Fresh] = {}
        self._lock = threading.Lock()

    def use(self, request: dict[str, Any], reply: Reply) -> None:
        """Answer at once where the bytes are known; else judge within the client's budget. Raises ValueError, GateError."""
        path, budget = path_of(request), budget_s(request)
        room = self._front.room()
        mode = mode_of(request, "preExecute", room.config["hooks", "pre_execute"])
        if mode == "off":
            reply({"answer": "pass", "mode": mode})
            return
        subject: Subject | None = None
        decided = False
        try:
            subject, known = self._front.recognise_in(room, path)
            if known.plain_yes(subject) is not None and not room.asked:
                reply(self._passed(path, subject, mode, copy=request.get("copy") is True))
                return
            # An older question is no answer any more where something was signed since, one way or the other.
            decided = known.settled or known.lifted or Standing.REVOKED in known.standings
        except SkillUnreadable:
            pass  # the gate says why, and that a person must decide
        fresh = None if decided else self._still_fresh(subject)
        if fresh is not None:
            reply(self._answered(path, fresh, mode, request))
            return
        self._judge(path, subject, mode, budget, request, reply)

    def verify(self, request: dict[str, Any], reply: Reply) -> None:
        """Answer `openclaw-vt verify` where every path is a plain yes; -1 sends the asker to the whole walk. Raises ValueError.

        Paths, the asker's configuration file and the words travel as hexadecimal digits, so that asking needs no JSON.
        """
        listed = request.get("paths")
        if not isinstance(listed, list) or not all(isinstance(path, str) for path in listed):
            raise ValueError("paths is no list of texts")
        paths = [path_of({"path": os.fsdecode(bytes.fromhex(path))}) for path in listed]
        same = request.get("config") == os.fsencode(self._front.config.file).hex()
        words = [self._plain_yes(path) for path in paths] if same else []
        if not words or None in words:
            reply({"code": -1, "text": ""})
            return
        text = "".join(f"unchanged: {shown(path, limit=200)}: {word}\n" for path, word in zip(paths, words, strict=True))
        reply({"code": 0, "text": text.encode("utf-8", "backslashreplace").hex()})

    def _plain_yes(self, path: str) -> str | None:
        try:
            subject, known = self._front.recognise(path)
        except GateError:
            return None
        return known.plain_yes(subject)

    def writing(self, request: dict[str, Any], reply: Reply) -> None:
        """The agent is about to write into a skill: ask, unless the skill is the person's own. Raises ValueError, GateError."""
        path = path_of(request)
        mode = mode_of(request, "preExecute", self._front.config["hooks", "pre_execute"])
        try:
            subject, known = self._front.recognise(path)
        except SkillUnreadable:
            reply({"answer": "pass", "mode": mode})  # nothing there that could be changed; its use is another question
            return
        if mode == "off" or Standing.OWN in known.standings:
            reply({"answer": "pass", "mode": mode})
            return
        reply({"answer": "ask", "mode": mode, **self._question(None, subject, writing(subject, self._translate()))})

    def answer(self, request: dict[str, Any], reply: Reply) -> None:
        """Take what a person said. Only `allow-always` is kept: a signed yes to exactly the bytes that were asked about."""
        ticket = self._tickets.redeem(request.get("ticket"))
        resolution = request.get("resolution")
        known = ("allow-once", "allow-always", "deny", "timeout", "cancelled")
        if ticket is None or resolution not in known:
            reply({"kept": False})
            return
        work = self._worker.submit(f"answer {request['ticket']}", lambda assembly: self._keep(assembly, ticket, str(resolution)))
        self._later(work, 30.0, lambda kept: reply({"kept": bool(kept)}), lambda: reply({"kept": False}))

    def close(self) -> None:
        """Let nobody wait any more."""
        self._waiting.shutdown(wait=False, cancel_futures=True)

    def _judge(
        self, path: str, subject: Subject | None, mode: Mode, budget: float, request: dict[str, Any], reply: Reply
    ) -> None:
        name = f"use {path} {subject.tree if subject else ''}"
        work = self._worker.submit(name, lambda assembly: self._decide(assembly, path))
        self._later(
            work,
            budget,
            lambda decision: reply(self._answered(path, decision, mode, request)),
            lambda: reply({"answer": "ask", "mode": mode, **self._question(path, subject, unfinished(path, self._translate()))}),
        )

    def _decide(self, assembly: Assembly, path: str) -> Decision:
        decision = assembly.gate().check(Request(Phase.PRE_EXECUTE, path))
        if decision.outcome is Outcome.WARN:
            decision = goes_on_as_own(assembly, decision) or decision
        if decision.outcome is Outcome.WARN and decision.subject is not None:
            with self._lock:
                if len(self._fresh) >= MAX_FRESH:
                    self._fresh.clear()
                self._fresh[decision.subject.tree] = _Fresh(decision, assembly.policy.digest, time.monotonic())
        self._judged(path, decision)
        return decision

    def _still_fresh(self, subject: Subject | None) -> Decision | None:
        """Return the warning these very bytes got a short while ago: asking VirusTotal again would only spend quota."""
        with self._lock:
            known = self._fresh.get(subject.tree) if subject else None
        if known is None or known.policy != self._front.policy.digest or subject is None:
            return None
        verdict = known.decision.verdict
        away = verdict is None or verdict.virustotal.verdict is Reputation.UNAVAILABLE
        asked_about = known.decision.subject
        same = asked_about is not None and asked_about.unhashed == subject.unhashed and asked_about.ref.path == subject.ref.path
        old = time.monotonic() - known.since > (FRESH_S / 10 if away else FRESH_S)
        return known.decision if same and not old else None

    def _passed(self, path: str, subject: Subject, mode: Mode, *, copy: bool) -> dict[str, Any]:
        answer: dict[str, Any] = {"answer": "pass", "mode": mode}
        if copy:
            answer["copy"] = self._copies.of(path, subject)
        return answer

    def _answered(self, path: str, decision: Decision, mode: Mode, request: dict[str, Any]) -> dict[str, Any]:
        code = decision.reasons[0].code if decision.reasons else ""
        if decision.outcome is Outcome.ALLOW and decision.subject is not None:
            return self._passed(path, decision.subject, mode, copy=request.get("copy") is True)
        if decision.outcome is Outcome.BLOCK:
            return {"answer": "block", "mode": mode, "code": code}
        question = asking(decision, self._translate())
        # A search that only passes through a skill asks nobody, so there is nothing to answer.
        ticketed = None if request.get("how") == "below" else path
        asked = {"answer": "ask", "mode": mode, "code": code, **self._question(ticketed, decision.subject, question)}
        if request.get("copy") is True and decision.subject is not None:
            # What a person says yes to is what then runs, whatever happens to the original while they think.
            asked["copy"] = self._copies.of(path, decision.subject)
        return asked

    def _question(self, path: str | None, subject: Subject | None, question: Question) -> dict[str, Any]:
        ticket = self._tickets.issue(path, subject) if path is not None and subject is not None else None
        said = {"title": question.title, "description": question.description, "severity": question.severity}
        return said | ({"ticket": ticket} if ticket else {})

    def _keep(self, assembly: Assembly, ticket: Ticket, resolution: str) -> bool:
        subject = ticket.subject
        assembly.audit().append("approval", {"skill": subject.ref.name, "tree": subject.tree, "resolution": resolution})
        if resolution != "allow-always":
            return False
        now, known = self._front.recognise(ticket.path)
        if now.tree != subject.tree or unhashed(now) != unhashed(subject) or _is_signed_no(known):
            return False  # other bytes, or bytes that were found bad while the question stood
        assembly.ledger().state(acceptance(subject, basis="accepted", by="openclaw-approval", now=assembly.clock()))
        assembly.audit().append("accepted", {"skill": subject.ref.name, "tree": subject.tree, "by": "openclaw-approval"})
        return True

    def _later(self, work: Future[Any] | None, budget: float, done: Callable[[Any], None], not_done: Callable[[], None]) -> None:
        """Wait for `work` in a thread of its own, and say one of the two. The work itself goes on."""

        def wait() -> None:
            try:
                result = work.result(timeout=budget) if work is not None else None
            except (TooSlow, Exception):  # noqa: BLE001 - whatever broke was logged by its line; here it is "no answer in time"
                not_done()
                return
            if work is None:
                not_done()
            else:
                done(result)

        self._waiting.submit(wait)

    def _translate(self) -> Callable[[str], str]:
        return translator(resolve(self._front.config["ui", "language"], os.environ))


def _is_signed_no(known: Recognised) -> bool:
    """Whether the cache says block: no older question and no person's yes stands against that."""
    return Standing.REVOKED in known.standings or (known.settled and not known.verified)
