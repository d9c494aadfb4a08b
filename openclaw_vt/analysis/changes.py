"""What an update changes: the version that is installed beside the one that would replace it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from openclaw_vt.analysis.facts import Fact
from openclaw_vt.model.display import shown
from openclaw_vt.model.finding import Finding
from openclaw_vt.model.permission import Endpoint, Profile
from openclaw_vt.model.subject import Entry, Snapshot

MAX_NAMES = 3
MAX_NAME = 40
"""Names of one kind that are told, and characters of each: a person reads this in a question that OpenClaw caps."""


@dataclass(frozen=True, slots=True)
class Changes:
    """Paths, sorted. `executable` is what can be run now and could not before, new or not; `findings` are rule ids.

    `complete` is False where a part of either version could not be read.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    executable: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    complete: bool = True

    def words(self, translate: Callable[[str], str]) -> str:
        """Return the changes in a few short sentences, the weighty ones first; paths are escaped, capped and counted."""
        told = (
            (self.executable, translate("Newly executable: {names}.")),
            (self.findings, translate("New findings: {names}.")),
            (self.added, translate("Added: {names}.")),
            (self.changed, translate("Changed: {names}.")),
            (self.removed, translate("Removed: {names}.")),
        )
        sentences = [text.replace("{names}", _listed(names)) for names, text in told if names]
        if not sentences:
            sentences = [translate("No file differs.")]
        if not self.complete:
            sentences.append(translate("Not everything could be compared."))
        return " ".join(sentences)


def compare(old: Snapshot, new: Snapshot, *, known: Collection[str] = (), findings: Iterable[Finding] = ()) -> Changes:
    """Return what `new` changes. `known` are fingerprints of what was found in `old`, `findings` what was found in `new`."""
    before, after = _listing(old), _listing(new)
    return Changes(
        added=tuple(sorted(after.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - after.keys())),
        changed=tuple(sorted(path for path in before.keys() & after.keys() if _bytes(before[path]) != _bytes(after[path]))),
        executable=tuple(sorted(p for p, e in after.items() if e.executable and not (p in before and before[p].executable))),
        findings=tuple(sorted({f.rule_id for f in findings if not f.suppressed and f.fingerprint not in known})),
        complete=not (old.gaps or new.gaps),
    )


def profile(snapshot: Snapshot, facts: Iterable[Fact], findings: Iterable[Finding]) -> Profile:
    """Return what is kept of a version so that the next one can be compared with it."""
    return Profile(
        files=tuple((entry.path, entry.sha256 or "") for entry in snapshot.files()),
        endpoints=tuple(dict.fromkeys(fact for fact in facts if isinstance(fact, Endpoint))),
        findings=tuple(dict.fromkeys(finding.fingerprint for finding in findings)),
    )


def _listing(snapshot: Snapshot) -> dict[str, Entry]:
    """An empty folder is told with a stroke at its end, so that nobody takes it for a file."""
    return {f"{entry.path}/" if entry.kind == "directory" else entry.path: entry for entry in snapshot.content()}


def _bytes(entry: Entry) -> tuple[str, str | None]:
    return entry.kind, entry.target if entry.kind == "link" else entry.sha256


def _listed(names: tuple[str, ...]) -> str:
    more = ", …" if len(names) > MAX_NAMES else ""
    return f"{len(names)} ({', '.join(map(_name, names[:MAX_NAMES]))}{more})"


def _name(path: str) -> str:
    """A name that could be read as our own words stands in quotation marks, and holds none itself."""
    text = shown(path, limit=MAX_NAME)
    return text if re.fullmatch(r"[\w./@+-]+", text) else '"' + text.replace('"', "'") + '"'
