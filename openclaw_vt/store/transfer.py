"""Export and import: records as lines of DSSE. What comes in is verified, judged against what is known, and signed anew.

An imported record cannot take its old place in the chain, so it gets a new one and names the old envelope by its digest in
`detail.imported`. It may never bring back what was revoked or contradicted: only a record that would count today is appended,
and only when nothing newer was said under its key.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from openclaw_vt.attestation.dsse import MAX_ENVELOPE_BYTES, PublicKey
from openclaw_vt.attestation.statement import Kind
from openclaw_vt.errors import CacheError, SignatureInvalid, StatementInvalid
from openclaw_vt.store import database, record
from openclaw_vt.store.answer import CLOCK_TOLERANCE_S
from openclaw_vt.store.chain import Chain
from openclaw_vt.store.database import Key
from openclaw_vt.store.files import StrPath
from openclaw_vt.store.pruning import GRACE_S
from openclaw_vt.store.record import Stored

_SQLITE = b"SQLite format 3\0"
MAX_RECORDS = 200_000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: records appended, records of no further use, and lines that did not verify."""

    appended: int = 0
    outdated: int = 0
    unverified: int = 0


def read_source(path: StrPath, *, patience_s: float) -> Iterator[bytes]:
    """Yield the envelopes of an export, or of a database that was set aside. Raises OSError, sqlite3.Error, CacheError."""
    with open(path, "rb") as handle:
        is_database = handle.read(len(_SQLITE)) == _SQLITE
        handle.seek(0)
        if not is_database:
            yield from _lines(handle)
            return
    with closing(database.connect_recovered(path, patience_s=patience_s)) as connection:
        yield from database.salvage(connection)


def _lines(handle: BinaryIO) -> Iterator[bytes]:
    while line := handle.readline(MAX_ENVELOPE_BYTES + 1):
        if len(line) > MAX_ENVELOPE_BYTES:
            raise CacheError("A line of the file is too long to be a record.", remedy="Name a file that export wrote.")
        if line.strip():
            yield line.rstrip(b"\r\n")


class Selection:
    """Which records of a source are worth importing: of each key the newest, unless the source itself revoked it later."""

    def __init__(self, envelopes: Iterator[bytes], key: PublicKey) -> None:
        self._newest: dict[Key, tuple[int, str]] = {}
        self._key = key
        self.unverified = 0
        for raw in islice(envelopes, MAX_RECORDS):
            stored = self._verified(raw)
            if stored is None:
                self.unverified += 1
                continue
            at = database.key_of(stored)
            self._newest[at] = max(self._newest.get(at, (0, "")), (stored.sequence, stored.record))

    def _verified(self, raw: bytes) -> Stored | None:
        try:
            return record.read(raw, self._key)
        except (SignatureInvalid, StatementInvalid):
            return None

    def chosen(self, envelopes: Iterator[bytes]) -> Iterator[Stored]:
        """Yield the chosen ones out of the same envelopes, read a second time so that they need not all be in memory."""
        for raw in islice(envelopes, MAX_RECORDS):
            stored = self._verified(raw)
            if stored and self._is_newest(stored) and self._stands(stored):
                yield stored

    def _is_newest(self, stored: Stored) -> bool:
        return self._newest.get(database.key_of(stored)) == (stored.sequence, stored.record)

    def _stands(self, stored: Stored) -> bool:
        tree, kind = stored.draft.tree, stored.draft.kind
        if kind is Kind.REINSTATEMENT:
            return False  # lifting a block is for a person to say, each time
        other = Kind.REINSTATEMENT if kind is Kind.REVOCATION else Kind.REVOCATION
        return stored.sequence > self._newest.get(Key(tree, database.COLUMN[other], ""), (0, ""))[0]


def take_over(chain: Chain, stored: Stored, *, now: float) -> bool:
    """Append the record's statement with a new place, if it would count today. Returns whether it was.

    Raises sqlite3.Error, OSError, SignatureInvalid, StatementInvalid.
    """
    draft = stored.draft
    if draft.time > now + CLOCK_TOLERANCE_S or (draft.not_after is not None and draft.not_after + GRACE_S < now):
        return False
    if draft.tree in chain.head.revoked or not chain.head.stands(stored):
        return False
    revocation = Key(draft.tree, database.COLUMN[Kind.REVOCATION], "")
    if any(_is_newer(chain, key, stored) for key in (database.key_of(stored), revocation)):
        return False
    chain.append(draft._replace(detail={**draft.detail, "imported": {"sha256": stored.record}}))
    return True


def _is_newer(chain: Chain, key: Key, stored: Stored) -> bool:
    try:
        known = chain.latest(key, below=chain.head.sequence + 1)
    except (SignatureInvalid, StatementInvalid):
        return True
    # By number and by time: a cache that began again from nothing counts from 1.
    return known is not None and (known.sequence >= stored.sequence or known.draft.time >= stored.draft.time)
