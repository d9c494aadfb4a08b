"""What an update would replace: found among the installed skills, read, and compared with what OpenClaw is about to put there.

Nothing in here decides. Where the installed version cannot be found or read, that is said, and the judgement stays as it is.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from openclaw_vt.analysis.changes import compare, profile
from openclaw_vt.analysis.read import read_facts
from openclaw_vt.analysis.rules import judge
from openclaw_vt.answers import recorded
from openclaw_vt.attestation.statement import Draft, Kind
from openclaw_vt.errors import GateError, SkillUnreadable
from openclaw_vt.language import Translate
from openclaw_vt.ledger import Ledger, resource_uri
from openclaw_vt.model.decision import Decision
from openclaw_vt.model.permission import Profile
from openclaw_vt.model.subject import Digest, Origin, Snapshot, Subject, identify, tree_digest
from openclaw_vt.openclaw.installed import InstalledSkill
from openclaw_vt.policy import Policy, Standing
from openclaw_vt.recognition import Recognised
from openclaw_vt.skill.reader import read
from openclaw_vt.skill.records import CLAWHUB_ORIGIN, LEGACY_CLAWHUB_ORIGIN, SOURCE_ORIGIN
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.notices import Notices

# Whoever installs a skill writes these beside it, in layouts of many versions: that a download lacks them is no change.
_RECORDS = frozenset({CLAWHUB_ORIGIN, LEGACY_CLAWHUB_ORIGIN, SOURCE_ORIGIN})
# OpenClaw updates none of these in place: they come with its package, with a plugin, or from the workshop.
_NEVER_REPLACED = frozenset({"bundled", "plugin", "workshop"})

log = logging.getLogger(__name__)


class Was(Enum):
    """What is known of the installed bytes; the value is how a person is told."""

    VERIFIED = "Compared with the installed version, which was verified."
    ACCEPTED = "Compared with the installed version, which a person accepted."
    REVOKED = "Compared with the installed version, whose verification was revoked."
    CHANGED = "Compared with the installed version, which was changed after it was verified."
    UNVERIFIED = "Compared with the installed version, which is not verified."
    MISSING = "The installed version was not found, so nothing was compared."
    UNREADABLE = "The installed version could not be read, so nothing was compared."


_SEVERAL = "Several installed skills fit; the first one that OpenClaw would load was taken."
_UNSTEADY = "What the update changes could not be told."


@dataclass(frozen=True, slots=True)
class Before:
    """The version that an update replaces; `snapshot` and `profile` are None where there is nothing to compare with.

    `recorded` says that its findings come from a signed record, those of plugins included; else built-in rules read it just now.
    """

    was: Was
    snapshot: Snapshot | None = None
    profile: Profile | None = None
    recorded: bool = False
    several: bool = False


@dataclass(frozen=True, slots=True)
class Updates:
    """What comparing takes. `installed` lists the skills that OpenClaw would load, the ones that win over others first.

    `seen` names the bytes that last passed at a path, `passed` whether a version of that resource URI ever passed or was
    accepted: both only choose words.
    """

    installed: Callable[[], Iterable[InstalledSkill]]
    read: Callable[[str], Snapshot]
    recognise: Callable[[Subject], Recognised]
    seen: Callable[[str], Digest | None]
    passed: Callable[[str], bool]

    def before(self, *, name: str, origin: Origin | None, path: str) -> Before:
        """Return the version that an update of `name` from `origin`, lying at `path`, replaces. Raises nothing."""
        try:
            fitting = find(self.installed(), name=name, origin=origin, path=path)
            return self._known(fitting[0], several=len(fitting) > 1) if fitting else Before(Was.MISSING)
        except (GateError, OSError, ValueError) as error:
            log.debug("the installed version could not be compared: %s", error)
            return Before(Was.UNREADABLE)

    def words(self, before: Before, decision: Decision, translate: Translate) -> str:
        """Return for a person what the judged update changes. The same bytes give the same words."""
        if before.snapshot is None or before.profile is None:
            return translate(before.was.value)
        sentences = [translate(before.was.value)]
        if before.several:
            sentences.append(translate(_SEVERAL))
        new = self._judged(decision)
        if new is None or decision.verdict is None:
            return " ".join((*sentences, translate(_UNSTEADY)))
        from openclaw_vt.plugin.manager import BUILTIN

        # Where nobody asked the plugins about the old version, what they say of the new one need not be new.
        found = [item for item in decision.verdict.analysis.findings if before.recorded or item.source == BUILTIN]
        changes = compare(before.snapshot, new, known=before.profile.findings, findings=found)
        return " ".join((*sentences, changes.words(translate)))

    def _known(self, skill: InstalledSkill, *, several: bool) -> Before:
        snapshot = self.read(skill.ref.path)
        subject = identify(snapshot, skill.ref)
        known = self.recognise(subject)
        verdict = recorded(known, subject)
        facts = tuple(read_facts(snapshot))
        compared = snapshot._replace(entries=tuple(entry for entry in snapshot.entries if entry.path not in _RECORDS))
        findings = verdict.analysis.findings if verdict else tuple(judge(facts))
        was = self._was(subject, known)
        return Before(was, compared, profile(compared, facts, findings), recorded=verdict is not None, several=several)

    def _was(self, subject: Subject, known: Recognised) -> Was:
        if Standing.REVOKED in known.standings:
            return Was.REVOKED
        if known.verified or known.acceptance is not None:
            return Was.VERIFIED if known.verified else Was.ACCEPTED
        other_bytes_passed = self.seen(subject.ref.path) not in (None, subject.tree)
        origin = subject.ref.origin
        released = origin.kind == "clawhub" and origin.version is not None
        changed = other_bytes_passed or (released and self.passed(resource_uri(subject)))
        return Was.CHANGED if changed else Was.UNVERIFIED

    def _judged(self, decision: Decision) -> Snapshot | None:
        """Return the bytes that were judged, None when others lie there by now."""
        if decision.subject is None:
            return None
        try:
            snapshot = self.read(decision.request.path)
        except SkillUnreadable:
            return None
        return snapshot if tree_digest(snapshot.entries) == decision.subject.tree else None


class Rooms(Protocol):
    """The part of `Assembly` that comparing takes."""

    @property
    def policy(self) -> Policy:
        """What the operator wants."""

    @property
    def clock(self) -> Callable[[], float]:
        """Epoch seconds."""

    def ledger(self) -> Ledger:
        """Return what is known of bytes."""

    def cache(self) -> Cache:
        """Return every record."""

    def notices(self) -> Notices:
        """Return which bytes were seen where."""


def comparing(rooms: Rooms, installed: Callable[[], Iterable[InstalledSkill]]) -> Updates:
    """Return what compares, over this machine's records. Nothing is looked at before it is needed."""

    def passed(resource: str) -> bool:
        return ever_passed((entry.stored.draft for entry in rooms.cache().entries() if entry.stored), resource)

    return Updates(
        installed=installed,
        read=read,
        recognise=lambda subject: rooms.ledger().recognise(subject, rooms.policy, now=rooms.clock()),
        seen=lambda path: rooms.notices().sighting(path),
        passed=passed,
    )


def find(skills: Iterable[InstalledSkill], *, name: str, origin: Origin | None, path: str) -> tuple[InstalledSkill, ...]:
    """Return the installed skills that an update can be about, in the given order.

    Origins are what the skills themselves claim, so a folder of the right name that claims the right origin comes before one
    that only claims it; OpenClaw installs a skill under its name. What lies at `path` itself replaces nothing.
    """
    here = os.path.realpath(path)
    others = [skill for skill in skills if skill.root.kind not in _NEVER_REPLACED and skill.ref.path != here]
    named = [skill for skill in others if skill.ref.name == name]
    claimed = [skill for skill in others if _same_source(skill.ref.origin, origin)]
    both = [skill for skill in named if skill in claimed]
    return tuple(both or named or claimed)


def ever_passed(drafts: Iterable[Draft], resource: str) -> bool:
    """Whether a version under this resource URI was ever verified, or accepted by a person."""
    return any(draft.resource == resource and (draft.result == "PASSED" or draft.kind is Kind.ACCEPTANCE) for draft in drafts)


def _same_source(installed: Origin, update: Origin | None) -> bool:
    if update is None or update.kind != "clawhub" or installed.kind != "clawhub" or update.slug is None:
        return False
    pairs = ((installed.publisher, update.publisher), (installed.registry, update.registry))
    return installed.slug == update.slug and all(a == b for a, b in pairs if a is not None and b is not None)
