"""OpenClaw asks before every install and update; here is the answer. Anything odd is a block with a reason.

OpenClaw asks twice when a person agreed to a warning, and compares the two answers byte for byte; a person may take minutes.
So a warning is kept for the process that asked and repeated to it as it was, unless the new answer is allow or block. The
second question, from the same process about the same bytes at the same place, is also the only sign of the person's yes that
OpenClaw gives.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from openclaw_vt.install_protocol import Asked, allowed, blocked, is_probe, parse, rendered, request_of
from openclaw_vt.language import Translate
from openclaw_vt.model import strict_json
from openclaw_vt.model.decision import Decision, Outcome, Reason, Request
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Digest, Subject
from openclaw_vt.updates import Updates

MAX_KEPT_BYTES = 64 * 1024
Mode = Literal["enforce", "observe", "off"]

log = logging.getLogger(__name__)


class Notices(Protocol):
    """Where a warning, and who was asked, is kept between OpenClaw's two questions. Unsigned: see ADR 6 for what follows."""

    def recall(self, tree: Digest, policy: Digest, *, key: str = "") -> bytes | None:
        """Return the warning kept for these bytes within its life, or None. `key` tells several apart."""

    def keep(self, tree: Digest, policy: Digest, text: bytes, *, key: str = "") -> None:
        """Keep a warning. Never raises: a warning that was not kept costs a second question, no safety."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What answering takes. `asker` names the process that asks; `agreed` signs a person's yes.

    `updates` finds what an update replaces. `by_agent` says that OpenClaw's own command runs below a tool of the agent: a
    warning is then a block, for whoever passes the flag that acknowledges it is no person. `certain` is False where the system
    does not tell when that process started: its number alone may be another's by now, and then nobody's yes is read from it.
    """

    check: Callable[[Request], Decision]
    check_plugin: Callable[[Request], Decision]
    notices: Notices
    policy: Digest
    translate: Translate
    agreed: Callable[[Subject], None]
    asker: str
    certain: bool = True
    install: Mode = "enforce"
    update: Mode = "enforce"
    updates: Updates | None = None
    by_agent: bool = False


def answer(raw: bytes, desk: Desk) -> dict[str, Any]:
    """Return OpenClaw's answer to one question; the doctor's probe is answered without a judgement."""
    try:
        asked = parse(raw)
    except ValueError as error:
        return blocked(desk.translate("openclaw-vt could not understand OpenClaw's question."), shown(str(error)))
    mode = desk.update if asked.mode == "update" else desk.install
    if is_probe(asked) or mode == "off":
        return allowed()
    plugin = asked.kind == "plugin"
    decision, changes = (desk.check_plugin(request_of(asked)), "") if plugin else _checked(asked, desk)
    if mode == "observe" or (plugin and _not_asked_about(asked, decision)):
        return allowed()  # the audit log holds what would have happened
    return _steady(asked, decision, changes, desk)


def _checked(asked: Asked, desk: Desk) -> tuple[Decision, str]:
    """Judge a skill. Returns the decision and, for an update that is not simply allowed, what it changes."""
    request = request_of(asked)
    if desk.updates is None or asked.mode != "update" or asked.for_dependency:
        return desk.check(request), ""
    before = desk.updates.before(name=asked.target, origin=request.origin, path=asked.path)
    decision = desk.check(replace(request, previous=before.profile))
    return decision, "" if decision.outcome is Outcome.ALLOW else desk.updates.words(before, decision, desk.translate)


_BY_AGENT = Reason(
    "install.by-agent",
    "The agent started this, and it may not agree to a warning for you.",
    "Run the same command in your own terminal.",
)


def _steady(asked: Asked, decision: Decision, changes: str, desk: Desk) -> dict[str, Any]:
    """Return the answer, a warning as this process heard it before, and take its second question for a yes."""
    if decision.outcome is Outcome.WARN and desk.by_agent:
        decision = replace(decision, outcome=Outcome.BLOCK, reasons=(_BY_AGENT, *decision.reasons))
    fresh = rendered(decision, desk.translate, changes=changes)
    if decision.outcome is not Outcome.WARN or decision.subject is None:
        return fresh
    tree, who = decision.subject.tree, f"{desk.asker} {asked.kind}"
    question = f"{who} {asked.mode} {asked.path}"
    repeated = _kept(desk.notices.recall(tree, desk.policy, key=who))
    asked_before = desk.notices.recall(tree, desk.policy, key=question) is not None
    if asked_before and desk.certain and asked.kind == "skill" and not asked.for_dependency:
        desk.agreed(decision.subject)
    desk.notices.keep(tree, desk.policy, b"asked", key=question)
    if repeated is None:
        desk.notices.keep(tree, desk.policy, strict_json.dumps(fresh), key=who)
    return repeated or fresh


def _not_asked_about(asked: Asked, decision: Decision) -> bool:
    """Whether a plugin that nobody has seen passes at this question.

    We read skills, and do not pretend to have read a plugin: look-ups alone speak about it. One install asks up to three times
    (archive, package, dependencies); a plugin nobody has seen is asked about once, at its package. What OpenClaw itself vouches
    for from its own catalogue is not asked about; a detection always counts.
    """
    codes = {reason.code for reason in decision.reasons}
    unseen = codes <= {"virustotal.not-reviewed", "virustotal.unavailable", "virustotal.pending"}
    vouched = asked.source.get("authority") == "official" or asked.origin.get("type") not in ("plugin-package", "plugin-bundle")
    return unseen and vouched and decision.outcome is Outcome.WARN


def _kept(text: bytes | None) -> dict[str, Any] | None:
    try:
        value = strict_json.loads(text, max_bytes=MAX_KEPT_BYTES) if text is not None else None
    except ValueError:
        return None
    return value if isinstance(value, dict) and value.get("decision") == "warn" else None
