"""The SQLite file: opening it without trusting it, one query, and SQLite's errors as problems.

The columns are an index. Whatever comes out of here is bytes, to be verified by whoever asked.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from openclaw_vt.attestation.dsse import MAX_ENVELOPE_BYTES
from openclaw_vt.attestation.statement import Kind
from openclaw_vt.model.subject import Digest
from openclaw_vt.store.files import StrPath
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.record import Row, Stored

FAULTS = (sqlite3.Error, UnicodeDecodeError)
"""What a damaged database raises. The module decodes SQLite's own messages, and those quote the damage."""

COMPANIONS = ("-journal", "-wal", "-shm")
"""Suffixes of the files that SQLite keeps beside a database."""

COLUMN: dict[Kind, str] = {kind: kind.name.lower() for kind in Kind}

# STRICT came with SQLite 3.37; before it, nothing checks the columns' types, which nobody trusts anyway.
_STRICT = " STRICT" if sqlite3.sqlite_version_info >= (3, 37) else ""
_SCHEMA = (
    f"CREATE TABLE gap (id INTEGER PRIMARY KEY CHECK (id = 1), envelope BLOB NOT NULL){_STRICT}",
    (
        "CREATE TABLE record (sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, tree TEXT NOT NULL,"
        f" policy TEXT NOT NULL, envelope BLOB NOT NULL){_STRICT}"
    ),
    "CREATE INDEX record_by_key ON record (tree, kind, policy)",
)
_NEWEST = "SELECT sequence, envelope FROM record ORDER BY sequence DESC LIMIT 1"
# One statement, so that all of it comes from one moment of the database.
_LOOKUP = """
SELECT 0, * FROM (SELECT sequence, envelope FROM record ORDER BY sequence DESC LIMIT 1)
UNION ALL SELECT 1, * FROM (
  SELECT sequence, envelope FROM record WHERE tree = ?1 AND kind = 'verification' AND policy = ?2 ORDER BY sequence DESC LIMIT 1)
UNION ALL SELECT 2, * FROM (
  SELECT sequence, envelope FROM record WHERE tree = ?1 AND kind = 'acceptance' AND policy = '' ORDER BY sequence DESC LIMIT 1)
UNION ALL SELECT 3, * FROM (
  SELECT sequence, envelope FROM record WHERE tree = ?1 AND kind = 'revocation' AND policy = '' ORDER BY sequence DESC LIMIT 1)
UNION ALL SELECT 4, * FROM (
  SELECT sequence, envelope FROM record WHERE tree = ?1 AND kind = 'reinstatement' AND policy = '' ORDER BY sequence DESC LIMIT 1)
"""
# As blobs, because a damaged text column would raise while it is decoded, and take the rows around it along.
_PAGE = """
SELECT sequence, envelope, CAST(tree AS BLOB), CAST(kind AS BLOB), CAST(policy AS BLOB) FROM record
WHERE sequence > ?1 ORDER BY sequence LIMIT ?2
"""
_OF_TREE = "SELECT sequence, envelope FROM record WHERE tree = ? ORDER BY sequence"
_BELOW = """
SELECT sequence, envelope FROM record WHERE tree = ? AND kind = ? AND policy = ? AND sequence < ?
ORDER BY sequence DESC LIMIT 1
"""
_BOTH_WAYS = (
    "SELECT sequence, envelope FROM record ORDER BY sequence ASC",
    "SELECT sequence, envelope FROM record ORDER BY sequence DESC",
)
_REVOCATIONS = "SELECT sequence, envelope FROM record WHERE sequence > ? AND kind = 'revocation' ORDER BY sequence"
_URI_SAFE = frozenset(b"/-_.~:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# What a read-only connection says when a killed writer left a journal that has to be rolled back first.
_HOT_JOURNAL = frozenset({sqlite3.SQLITE_READONLY_ROLLBACK, sqlite3.SQLITE_CANTOPEN})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_REFUSED = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)


class Key(NamedTuple):
    """What records are found by. `policy` is empty for a person's word, which is about bytes alone."""

    tree: str
    kind: str
    policy: str


class Rows(NamedTuple):
    """The newest row of all, and the newest of each kind for what was asked."""

    newest: Row | None = None
    verification: Row | None = None
    acceptance: Row | None = None
    revocation: Row | None = None
    reinstatement: Row | None = None


class ForeignSchema(sqlite3.DatabaseError):
    """The file is a database, but not one that we made: it may have views or triggers."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def connect(path: StrPath, mode: Literal["ro", "rw"], *, patience_s: float) -> sqlite3.Connection:
    """Open an existing database. A lock is waited for at most `patience_s`. Raises sqlite3.Error."""
    connection = sqlite3.connect(
        f"{_uri(path)}?mode={mode}", uri=True, timeout=patience_s, isolation_level=None, check_same_thread=False
    )
    try:
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ENVELOPE_BYTES + 64 * 1024)
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA cell_size_check=ON")
        if mode == "rw":
            # EXTRA also syncs the folder after a commit: the head is written next and must never be the only survivor.
            for pragma in ("synchronous=EXTRA", "fullfsync=ON", "temp_store=MEMORY", "secure_delete=OFF"):
                connection.execute(f"PRAGMA {pragma}")
        if connection.execute("PRAGMA journal_mode").fetchone() != ("delete",):
            # A header changed to write-ahead logging would make every reader write.
            raise ForeignSchema("the journal mode was changed")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_recovered(path: StrPath, *, patience_s: float) -> sqlite3.Connection:
    """Open for reading, after rolling a killed writer's transaction back if there is one. Raises sqlite3.Error."""
    try:
        return _connect_readable(path, patience_s)
    except FAULTS as error:
        if not is_hot(error):
            raise
    recover(path, patience_s=patience_s)
    return _connect_readable(path, patience_s)


def _connect_readable(path: StrPath, patience_s: float) -> sqlite3.Connection:
    connection = connect(path, "ro", patience_s=patience_s)
    try:
        is_empty(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def is_hot(error: Exception) -> bool:
    """Return whether a read-only connection met a journal that has to be rolled back first."""
    return getattr(error, "sqlite_errorcode", None) in _HOT_JOURNAL


def recover(path: StrPath, *, patience_s: float) -> None:
    """Roll a killed writer's transaction back. Raises sqlite3.Error, for example on a read-only disk."""
    # Opening for writing is all it takes: SQLite plays the journal back before the first read.
    connect(path, "rw", patience_s=patience_s).close()


def _uri(path: StrPath) -> str:
    raw = os.fsencode(os.path.join(os.getcwd(), path).replace(os.sep, "/"))
    quoted = "".join(chr(byte) if byte in _URI_SAFE else f"%{byte:02x}" for byte in raw)
    return f"file://{'' if quoted.startswith('/') else '/'}{quoted}"


def create(connection: sqlite3.Connection, *, gap: bytes | None) -> None:
    """Lay out the tables, inside a transaction, with the signed list of what it begins without. Raises sqlite3.Error."""
    for statement in _SCHEMA:
        connection.execute(statement)
    if gap is not None:
        connection.execute("INSERT INTO gap VALUES (1, ?)", (gap,))


def is_empty(connection: sqlite3.Connection) -> bool:
    """Return True for a file without tables, False for one of ours. Raises ForeignSchema, or another sqlite3.Error."""
    found = {row[0] for row in connection.execute("SELECT sql FROM sqlite_master LIMIT 16")}
    if found and found != set(_SCHEMA):
        raise ForeignSchema("the tables are not ours")
    return not found


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what happens inside, or nothing of it. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def data_version(connection: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has committed something. Raises sqlite3.Error."""
    version: int = connection.execute("PRAGMA data_version").fetchone()[0]
    return version


def lookup(connection: sqlite3.Connection, tree: Digest, policy: Digest) -> Rows:
    """Return the rows that an answer needs. Raises sqlite3.Error."""
    found: list[Row | None] = [None] * 5
    for number, sequence, envelope in connection.execute(_LOOKUP, (tree, policy)).fetchall():
        found[number] = _row(sequence, envelope)
    return Rows(*found)


def newest(connection: sqlite3.Connection) -> Row | None:
    """Return the row with the highest sequence. Raises sqlite3.Error."""
    return next((_row(*found) for found in connection.execute(_NEWEST).fetchall()), None)


def latest(connection: sqlite3.Connection, key: Key, *, below: int) -> Row | None:
    """Return the newest row of a key under a sequence. Raises sqlite3.Error."""
    return next((_row(*row) for row in connection.execute(_BELOW, (*key, below)).fetchall()), None)


def revocations(connection: sqlite3.Connection, *, above: int) -> list[Row]:
    """Return what claims to be a revocation with a sequence over `above`, in order. Raises sqlite3.Error."""
    return [_row(*row) for row in connection.execute(_REVOCATIONS, (above,)).fetchall()]


def of_tree(connection: sqlite3.Connection, tree: Digest) -> list[Row]:
    """Return all rows indexed under these bytes, in order. Raises sqlite3.Error."""
    return [_row(*row) for row in connection.execute(_OF_TREE, (tree,)).fetchall()]


def pages(connection: sqlite3.Connection, *, size: int = 500) -> Iterator[tuple[Row, Key]]:
    """Yield every row with its key columns, in order. No lock is held between two pages. Raises sqlite3.Error."""
    above = -1
    while found := connection.execute(_PAGE, (above, size)).fetchall():
        for sequence, envelope, *columns in found:
            yield _row(sequence, envelope), Key(*(bytes(column).decode("ascii", "replace") for column in columns))
        above = found[-1][0]


def salvage(connection: sqlite3.Connection) -> Iterator[bytes]:
    """Yield the envelopes that can be read, from both ends up to the damage, each once. Raises nothing."""
    seen: set[int] = set()
    for query in _BOTH_WAYS:
        with contextlib.suppress(*FAULTS):
            for sequence, envelope in connection.execute(query):
                if isinstance(envelope, bytes) and sequence not in seen:
                    seen.add(sequence)
                    yield envelope


def key_of(stored: Stored) -> Key:
    """Return the key that a record belongs under."""
    draft = stored.draft
    # A person's word is about bytes, whatever the policy was when it was given.
    policy = draft.policy if draft.kind is Kind.VERIFICATION and draft.policy else ""
    return Key(draft.tree, COLUMN[draft.kind], policy)


def insert(connection: sqlite3.Connection, stored: Stored) -> None:
    """Add a record, inside a transaction. Raises sqlite3.Error."""
    key = key_of(stored)
    values = (stored.sequence, key.kind, key.tree, key.policy, stored.envelope)
    connection.execute("INSERT INTO record VALUES (?, ?, ?, ?, ?)", values)


def delete(connection: sqlite3.Connection, sequences: list[int], *, gap: bytes) -> None:
    """Remove rows and say so in the signed list of gaps, at once. Raises sqlite3.Error."""
    with transaction(connection):
        connection.executemany("DELETE FROM record WHERE sequence = ?", [(sequence,) for sequence in sequences])
        connection.execute("INSERT OR REPLACE INTO gap VALUES (1, ?)", (gap,))
    connection.execute("VACUUM")


def read_gap(connection: sqlite3.Connection) -> bytes | None:
    """Return the signed list of gaps. Raises sqlite3.Error."""
    found = connection.execute("SELECT envelope FROM gap").fetchone()
    return found[0] if found and isinstance(found[0], bytes) else None


def damage(connection: sqlite3.Connection) -> list[str]:
    """Return what SQLite itself finds wrong with the file: broken pages, rows without their index entry. Raises sqlite3.Error."""
    found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(10)").fetchall()]
    return [] if found == ["ok"] else found


def _row(sequence: object, envelope: object) -> Row:
    if not isinstance(sequence, int) or not isinstance(envelope, bytes):
        raise ForeignSchema("a column holds another type")
    return Row(sequence, envelope)


def problem_of(error: Exception) -> Problem:
    """Return one of FAULTS as a problem."""
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    if primary in _BUSY:
        return Problem(ProblemCode.BUSY, "The cache is held by another process.", "Try again.")
    if primary in _REFUSED:
        return Problem(
            ProblemCode.UNREADABLE,
            f"The cache cannot be used where it lies: {_plain(error)}.",
            "Make its folder writable, or free space on the disk.",
        )
    return Problem(
        ProblemCode.CORRUPT,
        f"The cache is damaged: {_plain(error)}.",
        "The next judgement sets it aside and begins a new one; `openclaw-vt cache import` takes over what still verifies.",
    )


def _plain(error: Exception) -> str:
    text = str(error) if isinstance(error, sqlite3.Error) else type(error).__name__
    return "".join(char if char.isprintable() else "?" for char in text)[:200]
