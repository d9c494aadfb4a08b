"""The writing side of the cache: appending to a chain that is in order. Everything here runs while the lock file is held.

Order of one append: database, then head file, then vault. Each earlier step alone is a state that the next writer mends, and a
reader that comes in between is told nothing untrue.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from openclaw_vt import __version__
from openclaw_vt.attestation.dsse import PublicKey, Signer
from openclaw_vt.attestation.statement import Draft, Kind, Statement
from openclaw_vt.errors import KeyStoreError, SignatureInvalid, StatementInvalid
from openclaw_vt.store import database, files, gap, record
from openclaw_vt.store import head as heads
from openclaw_vt.store.database import Key
from openclaw_vt.store.head import Head, HeadVault
from openclaw_vt.store.place import Place
from openclaw_vt.store.record import Stored

_log = logging.getLogger(__name__)


class Desk(NamedTuple):
    """What every write needs. `clock` gives epoch seconds.

    `patience_s` is how long readers that hold the database are waited for, `lock_wait_s` how long other writers are.
    """

    place: Place
    signer: Signer
    clock: Callable[[], float]
    patience_s: float
    lock_wait_s: float

    @property
    def key(self) -> PublicKey:
        """The key that verifies what is written."""
        return self.signer.public

    def now(self) -> int:
        """Return the time in whole seconds."""
        return int(self.clock())


class Chain:
    """A database and its head that belong together. Methods raise sqlite3.Error and OSError.

    `aside` is the database that this one begins after, if that was set aside just now.
    """

    def __init__(self, desk: Desk, connection: sqlite3.Connection, head: Head, *, aside: str | None = None) -> None:
        self.connection = connection
        self.head = head
        self.aside = aside
        self._desk = desk

    def append(self, draft: Draft) -> Stored:
        """Sign a statement and make it the newest record. Raises also SignatureInvalid and StatementInvalid."""
        place = Statement(draft, self.head.sequence + 1, self.head.record)
        stored = record.make(place, self._desk.signer, version=__version__)
        with database.transaction(self.connection):
            if database.is_empty(self.connection):
                # The tables come with the first record: a database never stands there with tables and without a newest row.
                before = self.head.sequence
                database.create(self.connection, gap=gap.seal(((1, before),), self._desk.signer) if before else None)
            database.insert(self.connection, stored)
        self.follow(stored)
        return stored

    def follow(self, stored: Stored) -> None:
        """Let the head follow a record that the database has."""
        contradicts = self._contradicts(stored)
        self.write_head(self.head.after(stored, contradicts=contradicts, now=self._desk.now()))

    def write_head(self, head: Head) -> None:
        """Replace the head file."""
        files.replace(self._desk.place.head, [heads.seal(head, self._desk.signer)])
        self.head = head

    def copy_to(self, vault: HeadVault | None) -> None:
        """Give the head to the vault. What was written counts without it, so a key store that refuses is only logged."""
        try:
            if vault:
                vault.store(heads.seal(self.head, self._desk.signer))
        except KeyStoreError as error:
            _log.warning("The head of the cache was not copied into the key store: %s", error)

    def latest(self, key: Key, *, below: int) -> Stored | None:
        """Return the newest record of a key under a sequence, or None. Raises also SignatureInvalid and StatementInvalid."""
        if database.is_empty(self.connection):
            return None
        row = database.latest(self.connection, key, below=below)
        return record.read_row(row, self._desk.key) if row else None

    def _contradicts(self, stored: Stored) -> bool:
        """Return whether a failed verification may follow one that passed: before it, or in a database that was set aside."""
        if stored.draft.kind is not Kind.VERIFICATION or stored.draft.result != "FAILED":
            return False
        try:
            before = self.latest(database.key_of(stored), below=stored.sequence)
        except (SignatureInvalid, StatementInvalid):
            return True
        return before.draft.result != "FAILED" if before else self.head.since > 0
