"""The hot path: one look-up in the signed cache. It writes nothing and raises nothing."""

import sqlite3
from _thread import allocate_lock  # what threading.Lock is, without loading threading
from collections.abc import Callable
from typing import NamedTuple

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.model.subject import Digest
from openclaw_vt.store import database, files, record
from openclaw_vt.store import head as heads
from openclaw_vt.store.answer import Lookup, Question, judge
from openclaw_vt.store.database import Rows
from openclaw_vt.store.head import Head
from openclaw_vt.store.place import Place, unreadable
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.record import Row, Stored
from openclaw_vt.store.standing import ANEW

_REMEMBERED_BYTES = 16 * 1024 * 1024
_REMEMBERED_ANSWERS = 4096
_NOTHING = Rows()
NO_KEY = Problem(
    ProblemCode.NO_KEY,
    "The cache has records, but there is no public key to verify them with.",
    "Run `openclaw-vt setup`, or `openclaw-vt doctor`.",
)


_Stamp = tuple[int, tuple[int, int, int, int] | None]
_Answer = tuple[tuple[_Stamp, PublicKey], float, Lookup]
"""Under which stamp and key, at which moment (epoch seconds), and what."""


class _Seen(NamedTuple):
    rows: Rows = _NOTHING
    head: Head | None = None
    problem: Problem | None = None


class Reader:
    """Keeps a connection and what it verified, each only for as long as the file and the bytes stay the same."""

    def __init__(self, place: Place, *, clock: Callable[[], float], patience_s: float) -> None:
        self._place = place
        self._clock = clock
        self._patience_s = patience_s
        self._lock = allocate_lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None
        self._head: tuple[bytes, PublicKey, Head] | None = None
        self._verified: dict[int, tuple[PublicKey, Stored]] = {}
        self._verified_bytes = 0
        self._answers: dict[tuple[Digest, Digest], _Answer] = {}

    def close(self) -> None:
        """Give the connection back. The next look-up opens another."""
        with self._lock:
            self._close()

    def find(self, tree: Digest, policy: Digest, key: PublicKey | None) -> Lookup:
        """Return what is known of these bytes under this policy."""
        with self._lock:
            try:
                refusal = self._place.refusal()
                if refusal:
                    return Lookup(problem=refusal)
                now, stamp = self._clock(), self._stamp()
                known = self._answers.get((tree, policy))
                # A clock that goes on cannot make an answer bad that was good; one that went back is looked at anew.
                if known is not None and known[0] == (stamp, key) and known[1] <= now:
                    return known[2]
                seen = self._look(tree, policy, key)
            except FileNotFoundError:
                return Lookup()
            except OSError as error:
                return Lookup(problem=unreadable(error))
            if key is None:
                return Lookup(problem=seen.problem)
            question = Question(tree, policy, now, lambda row: self._record(row, key))
            answer = judge(question, seen.rows, seen.head, seen.problem)
            if stamp is not None and answer.problem is None:
                self._remember(tree, policy, ((stamp, key), now, answer))
            return answer

    def _stamp(self) -> _Stamp | None:
        """Return what changes whenever anybody commits or replaces a file; None where only a full look will do."""
        connection = self._open_quietly()
        if connection is None:
            return None
        head = files.found(self._place.head)
        try:
            version = database.data_version(connection)
        except database.FAULTS:
            return None
        return version, (head.st_ino, head.st_size, head.st_mtime_ns, head.st_ctime_ns) if head else None

    def _open_quietly(self) -> sqlite3.Connection | None:
        try:
            return self._open()
        except database.FAULTS:
            return None

    def _remember(self, tree: Digest, policy: Digest, answer: _Answer) -> None:
        # Under the stamp from before the reading: what was written meanwhile makes the next look a new one.
        if len(self._answers) >= _REMEMBERED_ANSWERS:
            self._answers.clear()
        self._answers[tree, policy] = answer

    def _look(self, tree: Digest, policy: Digest, key: PublicKey | None) -> _Seen:
        try:
            seen = self._snapshot(tree, policy, key)
            if seen.rows.newest is None and seen.head and seen.head.sequence:
                # Between our look at the folder and at the head, a first record may have been written.
                seen = self._snapshot(tree, policy, key)
        except database.FAULTS as error:
            self._close()
            if not database.is_hot(error):
                return self._without_database(error, key)
            return self._after_recovery(tree, policy, key)
        return seen

    def _after_recovery(self, tree: Digest, policy: Digest, key: PublicKey | None) -> _Seen:
        try:
            database.recover(self._place.database, patience_s=self._patience_s)
            return self._snapshot(tree, policy, key)
        except database.FAULTS as error:
            self._close()
            return self._without_database(error, key)

    def _without_database(self, error: Exception, key: PublicKey | None) -> _Seen:
        head, _ = self._read_head(key)
        return _Seen(head=head, problem=database.problem_of(error))

    def _snapshot(self, tree: Digest, policy: Digest, key: PublicKey | None) -> _Seen:
        connection = self._open()
        if connection is None:
            return _Seen(_NOTHING, *self._read_head(key))
        connection.execute("BEGIN")
        try:
            rows = _NOTHING if database.is_empty(connection) else database.lookup(connection, tree, policy)
            # Inside the read transaction: no writer can commit meanwhile, so the head is this database's or one step older.
            return _Seen(rows, *self._read_head(key))
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")

    def _open(self) -> sqlite3.Connection | None:
        found = files.found(self._place.database)
        identity = (found.st_dev, found.st_ino) if found else None
        if identity != self._opened:
            self._close()
            if identity:
                self._connection = database.connect(self._place.database, "ro", patience_s=self._patience_s)
                self._opened = identity
        return self._connection

    def _close(self) -> None:
        if self._connection:
            self._connection.close()
        self._connection = self._opened = None
        self._answers.clear()

    def _read_head(self, key: PublicKey | None) -> tuple[Head | None, Problem | None]:
        raw = files.read(self._place.head, limit=heads.MAX_HEAD_BYTES)
        if key is None:
            there = raw is not None or self._connection is not None
            return None, NO_KEY if there else None
        if raw is None:
            return None, None
        if self._head and self._head[:2] == (raw, key):
            return self._head[2], None
        try:
            self._head = (raw, key, heads.unseal(raw, key))
        except (SignatureInvalid, StatementInvalid) as error:
            return None, Problem(ProblemCode.HEAD_INVALID, f"The head of the cache does not verify: {error.what}", ANEW)
        return self._head[2], None

    def _record(self, row: Row, key: PublicKey) -> Stored:
        known = self._verified.get(row.sequence)
        if known and known[0] == key and known[1].envelope == row.envelope:
            return known[1]
        stored = record.read_row(row, key)
        self._verified_bytes += len(row.envelope)
        if self._verified_bytes > _REMEMBERED_BYTES:
            self._verified.clear()
            self._verified_bytes = len(row.envelope)
        self._verified[row.sequence] = (key, stored)
        return stored
