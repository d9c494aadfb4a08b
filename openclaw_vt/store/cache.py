"""The signed local cache: what was verified, accepted, revoked, each as a DSSE envelope in a chain.

A look-up writes nothing and raises nothing. What it finds was signed by the enrolled key, says of itself what was asked, is
the newest of its kind as far as the signed head reaches, and was not revoked. Nobody who can only write files can make it
say more than it was told; who deletes files makes it forget permissions, not revocations.

Not covered: somebody who rolls back the database together with its head is found out by the copy in the key store, that is
at the next write, by `verify_all`, or never where there is no key store.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, Self

from openclaw_vt.attestation.dsse import PublicKey, Signer
from openclaw_vt.attestation.statement import Draft
from openclaw_vt.errors import CacheError, SignatureInvalid, StatementInvalid
from openclaw_vt.model.subject import Digest
from openclaw_vt.store import database, files, record
from openclaw_vt.store.answer import Lookup
from openclaw_vt.store.head import HeadVault
from openclaw_vt.store.place import Place
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.reader import Reader
from openclaw_vt.store.record import Row, Stored

if TYPE_CHECKING:
    from openclaw_vt.store.chain import Desk
    from openclaw_vt.store.transfer import Imported

__all__ = ["Cache", "Entry", "HeadVault", "Lookup", "Problem", "ProblemCode", "Stored"]

PATIENCE_S = 2.0
LOCK_WAIT_S = 20.0
_BATCH = 100


class Entry(NamedTuple):
    """One row for a listing: the record when it verifies, else what is wrong with it."""

    sequence: int
    stored: Stored | None = None
    problem: Problem | None = None


class Cache:
    """The cache in one state folder. Making one does no input or output; it may be used from several threads."""

    def __init__(
        self,
        directory: files.StrPath,
        *,
        public: PublicKey | None,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
        lock_wait_s: float = LOCK_WAIT_S,
    ) -> None:
        """`public` is the enrolled key, None before there is one. `clock` gives epoch seconds.

        `patience_s` is how long a look-up waits for another process before it is a miss, `lock_wait_s` how long a write waits
        for other writers before it is a CacheError.
        """
        self._place = Place.of(directory)
        self._public = public
        self._clock = clock
        self._patience_s = patience_s
        self._lock_wait_s = lock_wait_s
        self._reader = Reader(self._place, clock=clock, patience_s=patience_s)

    def close(self) -> None:
        """Give the database connection back."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def find(self, tree: Digest, policy: Digest) -> Lookup:
        """Return what is known of these bytes: the verification under this policy, a person's acceptance, a revocation.

        It writes nothing. Whatever is wrong is in the answer's `problem`; nothing is raised.
        """
        return self._reader.find(tree, policy, self._public)

    def append(self, draft: Draft, *, signer: Signer, vault: HeadVault | None) -> Stored:
        """Sign a statement and remember it, durably and in chain order. Raises CacheError.

        A cache that does not verify is set aside first (`cache.db.set-aside-N`) and a new one goes on after it. After a
        CacheError the record may still appear: it was signed, and a crash or a full disk came before the head was written.
        """
        from openclaw_vt.store import mending

        with mending.opened(self._desk(signer), vault) as chain:
            stored = chain.append(draft)
            chain.copy_to(vault)
        self._public = signer.public
        return stored

    def entries(self) -> Iterator[Entry]:
        """Yield every row in order. Raises CacheError when the database cannot be read."""
        yield from self._each(lambda connection: (row for row, _ in database.pages(connection)))

    def history(self, tree: Digest) -> tuple[Entry, ...]:
        """Return everything ever said about these bytes, under any policy, oldest first. Raises CacheError."""
        return tuple(self._each(lambda connection: database.of_tree(connection, tree)))

    def _each(self, rows: Callable[[sqlite3.Connection], Iterable[Row]]) -> Iterator[Entry]:
        from openclaw_vt.store import mending

        with mending.as_cache_errors():
            connection = self._connect()
            if connection is None or self._public is None:
                return
            with closing(connection):
                if not database.is_empty(connection):
                    for row in rows(connection):
                        yield _entry(row, self._public)

    def _connect(self) -> sqlite3.Connection | None:
        try:
            refusal = self._place.refusal()
        except FileNotFoundError:
            return None
        if refusal:
            raise refusal.error()
        if files.found(self._place.database) is None:
            return None
        return database.connect_recovered(self._place.database, patience_s=self._patience_s)

    def verify_all(self, vault: HeadVault | None = None) -> tuple[Problem, ...]:
        """Verify every record, the chain, the head, and the vault's copy of it. Returns what is wrong; raises nothing."""
        from openclaw_vt.store import checking

        return checking.verify_all(self._place, self._public, vault, now=self._clock(), patience_s=self._patience_s)

    def prune(self, now: float, *, signer: Signer, vault: HeadVault | None = None) -> int:
        """Drop what can no longer change an answer at `now` (epoch seconds); returns how many records. Raises CacheError."""
        from openclaw_vt.store import mending, pruning

        with mending.opened(self._desk(signer), vault) as chain:
            dropped = pruning.prune(chain, signer, now=now)
            chain.copy_to(vault)  # the head may have been mended just now
        return dropped

    def export(self, path: files.StrPath) -> int:
        """Write every record that verifies to a private file, one envelope a line; returns how many. Raises CacheError."""
        from openclaw_vt.store import mending

        count = 0

        def lines() -> Iterator[bytes]:
            nonlocal count
            for entry in self.entries():
                if entry.stored:
                    count += 1
                    yield entry.stored.envelope + b"\n"

        with mending.as_cache_errors():
            files.replace(path, lines())
        return count

    def import_(
        self, path: files.StrPath, *, signer: Signer, vault: HeadVault | None = None, signed_by: PublicKey | None = None
    ) -> "Imported":
        """Take over what an export, or a database that was set aside, still says. Raises CacheError.

        Every envelope must verify with `signed_by`, by default the enrolled key. What was revoked or contradicted stays so,
        and no reinstatement is taken over. Each record is signed anew and gets a new place in the chain.
        """
        from openclaw_vt.store import mending, transfer

        desk = self._desk(signer)
        if os.path.realpath(path) == os.path.realpath(self._place.database):
            raise CacheError("The cache cannot be imported into itself.")
        with mending.as_cache_errors():
            chosen = transfer.Selection(transfer.read_source(path, patience_s=self._patience_s), signed_by or desk.key)
            records = chosen.chosen(transfer.read_source(path, patience_s=self._patience_s))
            appended = outdated = 0
            # In batches, so that a gate that wants to write need not wait for all of it.
            while batch := list(islice(records, _BATCH)):
                with mending.opened(desk, vault) as chain:
                    done = sum(transfer.take_over(chain, stored, now=self._clock()) for stored in batch)
                    chain.copy_to(vault)
                appended, outdated = appended + done, outdated + len(batch) - done
        return transfer.Imported(appended, outdated, chosen.unverified)

    def rekey(self, signer: Signer, *, vault: HeadVault | None = None) -> "Imported":
        """Go over to another signing key: begin anew under it, then take over what the old key signed. Raises CacheError.

        The caller enrols the new public key afterwards. Revocations and floors go over with the head.
        """
        from openclaw_vt.store import mending
        from openclaw_vt.store.chain import Desk
        from openclaw_vt.store.transfer import Imported

        old = self._public
        if old is None or old == signer.public:
            raise CacheError("There is no older key to change from.")
        desk = Desk(self._place, signer, self._clock, self._patience_s, self._lock_wait_s)
        with mending.opened(desk, vault, old_key=old) as chain:
            chain.copy_to(vault)
        self._public = signer.public
        if chain.aside is None:
            return Imported()
        return self.import_(chain.aside, signer=signer, vault=vault, signed_by=old)

    def _desk(self, signer: Signer) -> "Desk":
        from openclaw_vt.store.chain import Desk

        if self._public not in (None, signer.public):
            raise CacheError(
                "The record would be signed by another key than the enrolled one.",
                remedy="Run `openclaw-vt doctor`.",
            )
        return Desk(self._place, signer, self._clock, self._patience_s, self._lock_wait_s)


def _entry(row: Row, key: PublicKey) -> Entry:
    try:
        return Entry(row.sequence, record.read_row(row, key))
    except (SignatureInvalid, StatementInvalid) as error:
        return Entry(row.sequence, problem=Problem(ProblemCode.FORGED, str(error), sequence=row.sequence))
