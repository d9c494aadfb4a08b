"""The hooks, typed. A plugin can make a verdict worse, never better, and its failure is named in the coverage.

Register a module or object under the entry-point group `openclaw_vt`, decorate its functions with `hookimpl`, and name the
entry point in `[plugins] allow`. `docs/hooks.md` is the guide to this file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pluggy

from openclaw_vt.analysis.facts import Fact
from openclaw_vt.analysis.manifest import Manifest
from openclaw_vt.model.decision import Decision, Request
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.permission import Profile
from openclaw_vt.model.subject import Snapshot, Subject
from openclaw_vt.model.verdict import Evidence, Indicator

PROJECT = "openclaw_vt"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@dataclass(frozen=True, slots=True)
class QuarantineRecord:
    """A skill that was moved aside: where it was, where it is, why and when (epoch seconds UTC)."""

    subject: Subject
    moved_to: str
    reason: str
    time: int


@hookspec
def skill_pre_install(request: Request, snapshot: Snapshot) -> Iterable[Finding]:  # type: ignore[empty-body]
    """Look at a skill that is about to be installed. Called on a judgement in phase `pre-install`."""


@hookspec
def skill_pre_execute(request: Request, snapshot: Snapshot) -> Iterable[Finding]:  # type: ignore[empty-body]
    """Look at a skill that is about to be used. Called in phase `pre-execute`, on a cache hit too: be quick."""


@hookspec
def skill_post_update(  # type: ignore[empty-body]
    request: Request, snapshot: Snapshot, previous: Profile | None
) -> Iterable[Finding]:
    """Compare an updated skill with the profile of the version that is installed now; None where none was found."""


@hookspec
def skill_extract(snapshot: Snapshot, manifest: Manifest) -> Iterable[Fact]:  # type: ignore[empty-body]
    """Read the snapshot's bytes and produce facts: commands, prose, endpoints, and what could not be read."""


@hookspec
def skill_analyze(  # type: ignore[empty-body]
    facts: tuple[Fact, ...], manifest: Manifest, previous: Profile | None
) -> Iterable[Finding]:
    """Judge the facts of all readers together. `previous` is the installed version at an update, else None."""


@hookspec
def skill_reputation(
    request: Request, subject: Subject, snapshot: Snapshot, indicators: tuple[Indicator, ...], deadline: float
) -> Evidence | None:
    """Ask a reputation service. `deadline` is monotonic seconds; an answer that comes later is not waited for."""


@hookspec
def skill_decided(decision: Decision) -> None:
    """Observe a decision: notifications, a SIEM. Nothing it does changes the decision."""


@hookspec
def skill_quarantined(record: QuarantineRecord) -> None:
    """Observe a quarantine."""
