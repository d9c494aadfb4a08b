"""A skill that the agent wrote and wants to keep (OpenClaw's Skill Workshop), judged before it lies anywhere.

The files come as text in a message. They become the same kind of snapshot that a folder does, and are judged by the same judge.
What goes back is stored by OpenClaw and read by the agent: our own words, escaped paths, and no command that says yes.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any, Literal, NamedTuple, Protocol

from openclaw_vt.answers import recorded
from openclaw_vt.language import Translate
from openclaw_vt.ledger import Ledger
from openclaw_vt.model import strict_json
from openclaw_vt.model.decision import Decision, Outcome, Phase, Reason, Request, Source
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.finding import Finding, Severity
from openclaw_vt.model.subject import Digest, Entry, NotChecked, Origin, SkillRef, Snapshot, Subject, identify, parse_digest
from openclaw_vt.model.verdict import Verdict
from openclaw_vt.policy import Policy, Row, Standing, decide
from openclaw_vt.skill.finds import Finds
from openclaw_vt.skill.limits import DEFAULT_LIMITS

MAX_FILES = 512
MAX_FILE_BYTES = 1 << 20
MAX_BYTES = 4 << 20
"""OpenClaw 2026.9.6 hands over 256 files of 1 MiB each at most, 3 MiB together."""
MAX_DEPTH = 16
MAX_FINDINGS = 50
MAX_GAPS = 10
MAX_MESSAGE = 300
MANIFEST = "SKILL.md"
_SEVERITY = {Severity.CRITICAL: "critical", Severity.HIGH: "critical", Severity.MEDIUM: "warn"}
# Nobody but its author has a skill that was written a minute ago: that VirusTotal does not know it says nothing against it.
_UNKNOWN_BY_NATURE = frozenset({"virustotal.not-reviewed", "virustotal.unavailable", "virustotal.pending"})


class Proposal(NamedTuple):
    """A proposed skill: the name that the workshop gives it, and its bytes."""

    name: str
    snapshot: Snapshot


class Rooms(Protocol):
    """The part of `Assembly` that judging a proposal takes: the gate's rooms, without the one that reads paths."""

    @property
    def policy(self) -> Policy:
        """What the operator wants."""

    @property
    def clock(self) -> Callable[[], float]:
        """Epoch seconds."""

    @property
    def translate(self) -> Translate:
        """The person's language."""

    def judge(self, request: Request, subject: Subject, snapshot: Snapshot) -> tuple[Subject, Verdict]:
        """Judge a snapshot, and name it as its manifest does."""

    def ledger(self) -> Ledger:
        """Return what is known of bytes."""

    def report(self, decision: Decision) -> tuple[Reason, ...]:
        """Write the decision down."""


def judge_proposal(body: Any, rooms: Rooms) -> dict[str, Any]:
    """Return the answer to one proposal: `decision`, `summary`, `metrics` and `findings`, as OpenClaw stores them.

    What is no proposal is a block. VirusTotal is asked by hash alone, within the judge's deadline.
    """
    began = time.monotonic()
    try:
        proposal = parse(body)
    except ValueError as error:
        return _malformed(str(error), rooms.translate)
    decision = judged(proposal, rooms)
    rooms.report(replace(decision, elapsed_ms=(time.monotonic() - began) * 1000))
    return answer(decision, rooms.translate)


def judged(proposal: Proposal, rooms: Rooms) -> Decision:
    """Return the gate's decision about bytes that lie nowhere, from the record where there is one, and remember a new one.

    A person's earlier yes lifts nothing; a revocation counts.
    """
    request = Request(Phase.PRE_INSTALL, f"workshop:{proposal.name}", origin=Origin("workshop"), name=proposal.name)
    ref = SkillRef(name=proposal.name, path=request.path, origin=Origin("workshop"))
    subject, ledger, now = identify(proposal.snapshot, ref), rooms.ledger(), rooms.clock()
    known = ledger.recognise(subject, rooms.policy, now=now)
    revoked = known.standings & {Standing.REVOKED}
    old = recorded(known, subject) if known.settled else None
    if old is not None:
        ruling = decide(rooms.policy, old, revoked, request.phase)
        return Decision(request, ruling.outcome, ruling.reasons, known.named(subject), old, Source.CACHE, ruling.badge)
    subject, verdict = rooms.judge(request, subject, proposal.snapshot)
    ruling = decide(rooms.policy, verdict, revoked, request.phase)
    notices = ledger.remember(subject, proposal.snapshot, verdict, ruling, rooms.policy, known, now=now)
    source = Source.LIVE if verdict.virustotal.lookups else Source.NONE
    return Decision(request, ruling.outcome, ruling.reasons + notices, subject, verdict, source, ruling.badge)


def answer(decision: Decision, translate: Translate) -> dict[str, Any]:
    """Return the decision in the workshop's words. Every number in `metrics` is finite."""
    subject, verdict = decision.subject, decision.verdict
    word = _word(decision)
    return {
        "decision": word,
        "summary": _summary(word, decision, translate),
        "metrics": _metrics(subject, verdict) if subject and verdict else {},
        "findings": _findings(verdict, translate) if verdict else [],
    }


def _malformed(why: str, translate: Translate) -> dict[str, Any]:
    summary = translate("openclaw-vt could not read this proposal as a skill, so it was stopped.")
    message = shown_text(f"This is no skill: {why}.", MAX_MESSAGE)
    finding = {"ruleId": "proposal.malformed", "severity": "critical", "message": message}
    return {"decision": "block", "summary": summary, "metrics": {}, "findings": [finding]}


def _word(decision: Decision) -> Literal["pass", "revise", "block"]:
    if decision.outcome is Outcome.BLOCK or decision.verdict is None:
        return "block"
    fired = {reason.code for reason in decision.reasons} & set(Row)
    return "revise" if decision.outcome is Outcome.WARN and fired - _UNKNOWN_BY_NATURE else "pass"


def _summary(word: str, decision: Decision, translate: Translate) -> str:
    if word == "block":
        return translate(
            "openclaw-vt stopped this skill. The user must review it in their own terminal or chat; do not try another way."
        )
    if word == "revise":
        return translate("openclaw-vt found something in this skill that should be changed, or could not check all of it.")
    if decision.outcome is Outcome.WARN:
        return translate("openclaw-vt found nothing against this skill. VirusTotal has not reviewed it.")
    return translate("openclaw-vt found nothing against this skill, and VirusTotal has reviewed these very bytes.")


def _metrics(subject: Subject, verdict: Verdict) -> dict[str, int]:
    weights = [item.severity for item in verdict.analysis.findings if not item.suppressed]
    return {
        "files": subject.files,
        "bytes": subject.bytes,
        "findings": len(weights),
        "seriousFindings": sum(weight >= Severity.HIGH for weight in weights),
        "endpoints": len(verdict.analysis.endpoints),
        "notChecked": len(verdict.coverage.not_checked),
        "virustotalMalicious": verdict.virustotal.stats.malicious,
        "virustotalEngines": verdict.virustotal.stats.completed,
        "virustotalLookups": verdict.virustotal.lookups,
    }


def _findings(verdict: Verdict, translate: Translate) -> list[dict[str, Any]]:
    told = [_finding(item, translate) for item in verdict.analysis.findings if not item.suppressed]
    return told[:MAX_FINDINGS] + [_gap(gap) for gap in verdict.coverage.not_checked[:MAX_GAPS]]


def _finding(item: Finding, translate: Translate) -> dict[str, Any]:
    message = " ".join(translate(text) for text in (item.message, item.remediation) if text)
    result: dict[str, Any] = {
        "ruleId": shown_text(item.rule_id, 80),
        "severity": _SEVERITY.get(item.severity, "info"),
        "message": shown_text(message, MAX_MESSAGE),
    }
    if item.location is not None:
        result["file"] = shown(item.location.file)
        if item.location.line is not None:
            result["line"] = item.location.line
    return result


def _gap(gap: NotChecked) -> dict[str, Any]:
    message = shown_text(f"{gap.what}: {gap.why}", MAX_MESSAGE)
    return {"ruleId": "coverage.incomplete", "severity": "warn", "message": message}


def parse(body: Any) -> Proposal:
    """Return the proposal that a message holds: `skill.name`, and `files` of `path`, `content`, `encoding`.

    Raises ValueError for anything else: paths that lead elsewhere or stand there twice, bytes that are not the announced
    ones, no SKILL.md, too much of anything. Further members are ignored. A `sha256` beside a file is compared, never believed.
    """
    listed = strict_json.take(body, {"skill": dict, "files": list}, where="proposal")
    name = strict_json.take(listed["skill"], {"name": str}, where="proposal.skill")["name"]
    if not 0 < len(listed["files"]) <= MAX_FILES:
        raise ValueError(f"a proposal has 1 to {MAX_FILES} files")
    files: dict[str, bytes] = {}
    left = MAX_BYTES
    for item in listed["files"]:
        path, data = _file(item)
        left -= len(data)
        if left < 0 or path in files:
            raise ValueError(f"more than {MAX_BYTES} bytes" if left < 0 else f"the file {shown(path)} stands there twice")
        files[path] = data
    if MANIFEST not in files:
        raise ValueError(f"there is no {MANIFEST}")
    _check_tree(files)
    return Proposal(shown_text(name, 80) or "unnamed", _snapshot(files))


def _file(item: Any) -> tuple[str, bytes]:
    fields = strict_json.take(item, {"path": str, "content": str, "encoding": str}, where="file")
    path, content = _path(fields["path"]), fields["content"]
    if len(content) > 2 * MAX_FILE_BYTES:
        raise ValueError(f"the file {shown(path)} is too large")
    try:
        data = _decoded(content, fields["encoding"])
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError(f"the file {shown(path)} is not what its encoding says") from None
    if len(data) > MAX_FILE_BYTES:
        raise ValueError(f"the file {shown(path)} is too large")
    announced = fields.get("sha256")
    if announced is not None and parse_digest(announced) != sha256(data).hexdigest():
        raise ValueError(f"the file {shown(path)} does not hold the bytes that were announced")
    return path, data


def _decoded(content: str, encoding: str) -> bytes:
    if encoding == "utf8":
        return content.encode("utf-8")
    if encoding == "base64":
        return base64.b64decode(content.encode("ascii"), validate=True)
    raise ValueError("an encoding that is neither utf8 nor base64")


def _path(path: str) -> str:
    try:
        size = len(path.encode("utf-8"))
    except UnicodeEncodeError:
        raise ValueError("a path that is no text") from None
    steps = path.split("/")
    plain = not (set(path) & {"\0", "\\", ":"} or any(step in ("", ".", "..") for step in steps))
    if not plain or size > DEFAULT_LIMITS.max_path_bytes or len(steps) > MAX_DEPTH:
        raise ValueError(f"{shown(path)} is no plain relative path")
    return path


def _check_tree(files: dict[str, bytes]) -> None:
    for path in files:
        above = path.rpartition("/")[0]
        while above:
            if above in files:
                raise ValueError(f"{shown(above)} is a file and a folder at once")
            above = above.rpartition("/")[0]


def _snapshot(files: dict[str, bytes]) -> Snapshot:
    """Names and roles are judged as they are for a folder. The workshop writes plain files: none can be run by itself."""
    finds = Finds(DEFAULT_LIMITS)
    finds.entries.extend(
        Entry(path, size=len(data), sha256=Digest(sha256(data).hexdigest()), data=data) for path, data in files.items()
    )
    return finds.snapshot(None)
