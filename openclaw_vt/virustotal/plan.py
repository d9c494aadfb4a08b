"""Which hashes VirusTotal is asked for, in which order. Pure. A free key has 4 requests a minute: three is the limit here."""

from __future__ import annotations

from dataclasses import dataclass

from openclaw_vt.model.subject import Digest, Entry, Snapshot
from openclaw_vt.model.verdict import Matched

MAX_LOOKUPS = 3
_SUFFIXES = (
    *(".sh", ".bash", ".zsh", ".py", ".pyc", ".js", ".mjs", ".cjs", ".ts", ".rb", ".pl", ".php", ".lua", ".applescript"),
    *(".ps1", ".bat", ".cmd", ".vbs", ".exe", ".dll", ".scr", ".jar", ".wasm", ".so", ".dylib", ".node"),
)
_MAGICS = (b"#!", b"\x7fELF", b"MZ", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"PK\x03\x04", b"\x00asm")


@dataclass(frozen=True, slots=True)
class Target:
    """One hash to ask for, and what it stands for. `file` is set for single files."""

    sha256: Digest
    matched: Matched
    file: str | None = None


def targets(snapshot: Snapshot, *, bundle: Digest | None, clawhub: Digest | None, lookups: tuple[str, ...]) -> tuple[Target, ...]:
    """Return what to ask for, the most telling first: ClawHub's archive, the archive read, our bundle, files that can execute."""
    wanted: list[Target] = []
    if "bundle" in lookups:
        if clawhub is not None:
            wanted.append(Target(clawhub, Matched.CLAWHUB_BUNDLE))
        if snapshot.archive is not None:
            wanted.append(Target(snapshot.archive, Matched.BUNDLE))
        if bundle is not None:
            wanted.append(Target(bundle, Matched.BUNDLE))
    if "files" in lookups:
        wanted.extend(
            Target(entry.sha256, Matched.FILES, entry.path) for entry in _executables(snapshot) if entry.sha256 is not None
        )
    seen: dict[Digest, Target] = {}
    for target in wanted:
        seen.setdefault(target.sha256, target)
    return tuple(seen.values())


def _executables(snapshot: Snapshot) -> list[Entry]:
    """Return the files that can run, compiled ones first: engines know those best."""
    found = [entry for entry in snapshot.files() if entry.size and _can_execute(entry)]
    return sorted(found, key=lambda entry: (not _is_binary(entry), entry.raw_path))


def _can_execute(entry: Entry) -> bool:
    name = entry.path.lower()
    return entry.executable or name.endswith(_SUFFIXES) or (entry.data or b"").startswith(_MAGICS)


def _is_binary(entry: Entry) -> bool:
    return (entry.data or b"").startswith(_MAGICS[1:])
