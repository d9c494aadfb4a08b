"""The question and the answer: a request walks in, a decision walks out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openclaw_vt.model.outcome import Outcome, Phase
from openclaw_vt.model.permission import Profile
from openclaw_vt.model.subject import Origin, Subject
from openclaw_vt.model.verdict import Verdict


class Source(StrEnum):
    """Where the answer came from."""

    LIVE = "live"
    CACHE = "cache"
    NONE = "none"


class Badge(StrEnum):
    """The state of "VirusTotal Verified" for these very bytes."""

    VERIFIED = "verified"
    NONE = "none"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the policy that fired. `code` is stable; the texts are for people and hold no number that moves."""

    code: str
    message: str
    remediation: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A moment in a skill's life that asks for a decision. `path` is the folder or archive.

    `origin` is what the asker claims about the skill's source and replaces what the folder itself claims. `previous` is the
    version that an update would replace.
    """

    phase: Phase
    path: str
    origin: Origin | None = None
    name: str | None = None
    offline: bool = False
    refresh: bool = False
    previous: Profile | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer. `verdict` is None when nothing could be judged (unreadable path). `elapsed_ms` is wall time."""

    request: Request
    outcome: Outcome
    reasons: tuple[Reason, ...]
    subject: Subject | None
    verdict: Verdict | None
    source: Source = Source.NONE
    badge: Badge = Badge.NONE
    elapsed_ms: float = 0.0


__all__ = ["Badge", "Decision", "Outcome", "Phase", "Reason", "Request", "Source"]
