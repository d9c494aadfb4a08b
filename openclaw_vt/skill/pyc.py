"""Compiled Python that an interpreter wrote while the skill ran: proven to be nothing but its source, or left as content.

Proof: the source next to it is compiled again by the same interpreter, and both code objects come down to the same form.
What the proof leaves open can carry nothing: the header's time stamp or source hash (the code is right whatever they say)
and `co_filename` (an interpreter that imports the file overwrites it; it must still end in the source's name). Bytes
after the code are not accepted. Layout of the file: PEP 552.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from openclaw_vt.model.display import hides
from openclaw_vt.model.subject import Digest, Entry
from openclaw_vt.skill.limits import KIB, MIB
from openclaw_vt.skill.marshal_form import CodeReader, Numbers

MAX_PYC = MIB
MAX_SOURCE = 512 * KIB
MAX_SOURCES = 4 * MIB
"""Bytes of source that are compiled for one snapshot; what is over stays content."""
_MAX_FILENAME = 4 * KIB
_MAX_PROOFS = 4_096
_HEADER = 16
_NAME = re.compile(
    r"(?P<folder>(?:.*/)?)__pycache__/(?P<name>[^/]+)\.cpython-3(?P<minor>[0-9]{1,2})(?:\.opt-(?P<opt>[12]))?\.pyc"
)
_BY_TIME, _BY_HASH = (0,), (1, 3)

_Proof = tuple[Digest | None, Digest | None, str]
_proofs: dict[_Proof, bool] = {}
"""What was found out, by the bytes of both files and the name: a warm process compiles nothing twice."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One compiled file that may be a by-product: `body` is its marshalled code, `optimize` the level in its name."""

    path: str
    source: bytes
    source_name: bytes
    body: bytes
    magic: bytes
    version: tuple[int, int]
    optimize: int
    proof: _Proof


def proven(entries: Sequence[Entry], *, root: str | None) -> list[str]:
    """Return the paths of compiled files that are what their interpreter makes of their source.

    Interpreters of other versions are run on the sources when the system has them; never one from below `root`.
    """
    found: list[str] = []
    open_ones: dict[tuple[tuple[int, int], bytes], list[Candidate]] = defaultdict(list)
    for candidate in _candidates(entries):
        known = _proofs.get(candidate.proof)
        if known is None:
            open_ones[candidate.version, candidate.magic].append(candidate)
        elif known:
            found.append(candidate.path)
    for (version, magic), group in open_ones.items():
        from openclaw_vt.skill.interpreters import compiled

        references = compiled([(one.source, one.optimize) for one in group], version=version, magic=magic, root=root)
        for candidate, reference in zip(group, references, strict=True):
            if reference is not None and _remember(candidate.proof, holds=is_compiled_from(candidate, reference)):
                found.append(candidate.path)
    return found


def _remember(proof: _Proof, *, holds: bool) -> bool:
    if len(_proofs) >= _MAX_PROOFS:
        _proofs.clear()
    _proofs[proof] = holds
    return holds


def _candidates(entries: Sequence[Entry]) -> Iterator[Candidate]:
    files = {entry.path: entry for entry in entries if entry.kind == "file"}
    left = MAX_SOURCES
    for path, entry in files.items():
        match = _NAME.fullmatch(path)
        source = files.get(f"{match['folder']}{match['name']}.py") if match else None
        if match is None or source is None or entry.executable:
            continue
        candidate = _candidate(entry, source, match)
        if candidate is not None and len(candidate.source) <= left:
            left -= len(candidate.source)
            yield candidate


def _candidate(entry: Entry, source: Entry, match: re.Match[str]) -> Candidate | None:
    data, text = entry.data, source.data
    if data is None or text is None or len(data) > MAX_PYC or len(text) > MAX_SOURCE or not _sound_header(data, text):
        return None
    return Candidate(
        path=entry.path,
        source=text,
        source_name=f"{match['name']}.py".encode("utf-8", "surrogateescape"),
        body=data[_HEADER:],
        magic=data[:4],
        version=(3, int(match["minor"])),
        optimize=int(match["opt"] or 0),
        proof=(entry.sha256, source.sha256, entry.path.rpartition("/")[2]),
    )


def _sound_header(data: bytes, source: bytes) -> bool:
    flags = int.from_bytes(data[4:8], "little")
    if len(data) <= _HEADER or data[2:4] != b"\r\n":
        return False
    if flags in _BY_TIME:
        return int.from_bytes(data[12:16], "little") == len(source) & 0xFFFFFFFF
    return flags in _BY_HASH


def is_compiled_from(candidate: Candidate, reference: bytes) -> bool:
    """Whether the candidate's code has the form of `reference`, the marshalled code an interpreter made of the source."""
    numbers = Numbers()
    try:
        wanted = CodeReader(reference, numbers, version=candidate.version, max_values=len(reference))
        form = wanted.module()
        # Two writers may share equal values differently, so the counts differ a little; a bomb differs a lot.
        given = CodeReader(candidate.body, numbers, version=candidate.version, max_values=2 * wanted.values + 64)
        return given.module() == form and _plausible(given.filenames, candidate.source_name)
    except ValueError:
        return False


def _plausible(filenames: set[bytes], source_name: bytes) -> bool:
    """Whether one file name stands in all code objects, as compilers write it, and it is a path of the source."""
    if len(filenames) != 1:
        return False
    (name,) = filenames
    ends_right = re.split(rb"[/\\]", name)[-1] == source_name
    return ends_right and len(name) <= _MAX_FILENAME and not hides(name.decode("utf-8", "replace"))
