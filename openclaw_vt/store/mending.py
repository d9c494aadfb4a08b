"""Before a write: do database, head and vault agree? If a crash parted them, mend; if anything else did, begin a new database.

A database is never deleted, only set aside. A new one goes on counting after the highest sequence that is known, and keeps every
revocation and floor of the newest head that verifies. What is lost is what only permits: verifications are judged anew and
acceptances asked for again, unless `cache import` takes them over from the file that was set aside.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.attestation.statement import Kind
from openclaw_vt.errors import CacheError, KeyStoreError, SignatureInvalid, StatementInvalid
from openclaw_vt.store import database, files, record
from openclaw_vt.store import head as heads
from openclaw_vt.store.chain import Chain, Desk
from openclaw_vt.store.head import Head, HeadVault
from openclaw_vt.store.place import Place, unreadable
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.record import Stored
from openclaw_vt.store.standing import ANEW, assess

_log = logging.getLogger(__name__)
VAULT_AHEAD = Problem(
    ProblemCode.VAULT_AHEAD,
    "The cache and its head are older than the copy of the head in the key store: both were rolled back.",
    ANEW,
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What a writer finds. `connection` is None without a readable database; `pending` is the one record past the head."""

    head: Head | None
    trouble: Problem | None = None
    connection: sqlite3.Connection | None = None
    pending: Stored | None = None


@contextmanager
def opened(desk: Desk, vault: HeadVault | None, *, old_key: PublicKey | None = None) -> Iterator[Chain]:
    """Hold the cache for writing, in order. Raises CacheError.

    With `old_key` everything there is was signed by that key: it is set aside, and only the restrictions go over.
    """
    place = desk.place
    key = old_key or desk.key
    with as_cache_errors():
        files.make_folder(place.folder)
        refusal = place.refusal()
        if refusal:
            raise refusal.error()
        with files.locked(place.lock, wait_s=desk.lock_wait_s):
            files.sweep(place.head)
            seen = survey(place, key, patience_s=desk.patience_s)
            copy = load_vault(vault, key)
            chain = begin(desk, seen, copy, key) if old_key else settle(desk, seen, copy)
            try:
                yield chain
            finally:
                chain.connection.close()


@contextmanager
def as_cache_errors() -> Iterator[None]:
    """Turn what SQLite, the operating system and signatures raise inside into CacheError."""
    try:
        yield
    except database.FAULTS as error:
        raise database.problem_of(error).error() from error
    except OSError as error:
        raise unreadable(error).error() from error
    except (SignatureInvalid, StatementInvalid) as error:
        raise CacheError("The record was not written.", why=f"{error.what} {error.why}".strip()) from error


def load_head(place: Place, key: PublicKey) -> Head | Problem | None:
    """Return the head in its file, None when there is none, or what is wrong with it. Raises OSError."""
    raw = files.read(place.head, limit=heads.MAX_HEAD_BYTES)
    try:
        return heads.unseal(raw, key) if raw is not None else None
    except (SignatureInvalid, StatementInvalid) as error:
        return Problem(ProblemCode.HEAD_INVALID, f"The head of the cache does not verify: {error.what}", ANEW)


def load_vault(vault: HeadVault | None, key: PublicKey) -> Head | Problem | None:
    """Return the vault's copy of the head, None when there is none, or what is wrong with it."""
    try:
        raw = vault.load() if vault else None
        return heads.unseal(raw, key) if raw is not None else None
    except (KeyStoreError, SignatureInvalid, StatementInvalid) as error:
        return Problem(ProblemCode.VAULT_INVALID, f"The key store's copy of the head is of no use: {error.what}")


def overtaken(known: Head | None, copy: Head | Problem | None) -> bool:
    """Return whether the vault knows of records that the head file does not, or of another newest one."""
    if not isinstance(copy, Head) or copy.sequence == 0:
        return False
    if known is None or copy.sequence > known.sequence:
        return True
    return copy.sequence == known.sequence and copy.record != known.record


def survey(place: Place, key: PublicKey, *, patience_s: float) -> Survey:
    """Look at head and database. Raises OSError, and sqlite3.Error when the disk or another process is in the way."""
    known = load_head(place, key)
    head = known if isinstance(known, Head) else None
    trouble = known if isinstance(known, Problem) else None
    connection = None
    try:
        if files.found(place.database):
            connection = database.connect(place.database, "rw", patience_s=patience_s)
        newest = database.newest(connection) if connection and not database.is_empty(connection) else None
        found = assess(head, newest, lambda row: record.read_row(row, key))
    except database.FAULTS as error:
        found = database.problem_of(error)
        if connection:
            connection.close()
        if found.code is not ProblemCode.CORRUPT:
            raise
        connection = None
    if isinstance(found, Problem):
        return Survey(head, trouble or found, connection)
    return Survey(head, trouble, connection, found)


def settle(desk: Desk, seen: Survey, copy: Head | Problem | None) -> Chain:
    """Return a chain whose database, head and vault agree. Raises OSError and sqlite3.Error."""
    if isinstance(copy, Problem):
        _log.warning("%s", copy.message)
    if seen.connection and seen.head and not seen.trouble:
        chain = Chain(desk, seen.connection, seen.head)
        if seen.pending:
            chain.follow(seen.pending)
        if not overtaken(chain.head, copy):
            return chain
        seen = replace(seen, head=chain.head, trouble=VAULT_AHEAD)
    return begin(desk, seen, copy, desk.key)


def begin(desk: Desk, seen: Survey, copy: Head | Problem | None, key: PublicKey) -> Chain:
    """Begin a database, the very first or a new one that takes over the restrictions. Raises OSError and sqlite3.Error."""
    place = desk.place
    base = _base(seen, copy if isinstance(copy, Head) else None)
    if seen.connection:
        base = _restricted(base, seen.connection, key)
        seen.connection.close()
    first = base.sequence == 0 and not _worth_keeping(place)
    if seen.trouble and seen.trouble.code is ProblemCode.HEAD_INVALID:
        files.set_aside(place.head)
    # The head goes first: killed here, the old database no longer fits it and its revocations are in it. And were there no head
    # before the first record, a reader could not tell a crash from a deleted head.
    head = (base if first else _beyond(base))._replace(time=desk.now())
    files.replace(place.head, [heads.seal(head, desk.signer)])
    aside = None
    if not first:
        aside = files.set_aside(place.database, *database.COMPANIONS)
        why = seen.trouble.message if seen.trouble else "The signing key was replaced."
        _log.warning("The cache begins anew, the old one is %s. %s", aside or "gone", why)
    files.create(place.database)
    return Chain(desk, database.connect(place.database, "rw", patience_s=desk.patience_s), head, aside=aside)


def _beyond(base: Head) -> Head:
    """Return a head one step further, whose newest record is none that exists: no old database can pass for the new one.

    No record up to there counts any more, so that rows carried over from the old database say nothing.
    """
    beyond = base.sequence + 1
    return base._replace(sequence=beyond, record=record.digest(os.urandom(32)), since=beyond)


def _worth_keeping(place: Place) -> bool:
    found = files.found(place.database)
    left = any(os.path.lexists(place.database + suffix) for suffix in database.COMPANIONS)
    # An empty file is what a writer leaves that was killed before its first record.
    return left or (found is not None and found.st_size > 0)


def _base(seen: Survey, copy: Head | None) -> Head:
    if copy is None or seen.head is None:
        return copy or seen.head or Head()
    if copy.sequence == seen.head.sequence and copy.record != seen.head.record:
        # Two chains of the same length: somebody rolled both back and went on writing. Each may know a revocation.
        return copy.restricted_by(seen.head)
    return max(copy, seen.head, key=lambda head: head.sequence)


def _restricted(base: Head, connection: sqlite3.Connection, key: PublicKey) -> Head:
    """Return `base` with the revocations that only the database knows, and counting on from its newest record."""
    try:
        newest = database.newest(connection)
        rows = [*database.revocations(connection, above=base.sequence), *([newest] if newest else [])]
    except database.FAULTS:
        return base  # a database that cannot be read restricts nothing; the head's own restrictions stay
    for row in rows:
        try:
            stored = record.read_row(row, key)
        except (SignatureInvalid, StatementInvalid):
            continue
        if stored.sequence > base.sequence:
            base = _extended(base, stored)
    return base


def _extended(base: Head, stored: Stored) -> Head:
    if stored.draft.kind is Kind.REVOCATION:
        return base.after(stored, contradicts=False, now=base.time)
    return base._replace(sequence=stored.sequence, record=stored.record)
