"""Unsigned hints: warnings to be repeated byte for byte, and which bytes were last seen at a path.

Nothing in here is by itself a reason to allow. Whoever forges a notice makes a warning say something else for a quarter of an
hour, or a first question look asked, which is what starting the policy program twice does too (docs/adr/0006-a-persons-yes.md);
whoever forges a sighting makes an update be compared with the wrong version. A damaged file is thrown away.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from openclaw_vt.model.subject import Digest, parse_digest
from openclaw_vt.store import files

_log = logging.getLogger(__name__)
LIFE_S = 15 * 60
MAX_TEXT_BYTES = 64 * 1024
MAX_NOTICES = 500
MAX_SIGHTINGS = 20_000
_PATIENCE_S = 1.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS notice (tree TEXT, policy TEXT, key TEXT, text BLOB, time INTEGER, PRIMARY KEY (tree, policy, key));
CREATE TABLE IF NOT EXISTS sighting (path BLOB PRIMARY KEY, tree TEXT, time INTEGER);
"""
_KEEP = """
INSERT INTO notice VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET text = ?4, time = ?5 WHERE time NOT BETWEEN ?6 AND ?5
"""
_TRIM_NOTICES = "DELETE FROM notice WHERE rowid NOT IN (SELECT rowid FROM notice ORDER BY time DESC, rowid DESC LIMIT ?)"
_TRIM_SIGHTINGS = "DELETE FROM sighting WHERE rowid NOT IN (SELECT rowid FROM sighting ORDER BY time DESC, rowid DESC LIMIT ?)"
_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


class Notices:
    """Hints in one state folder. Nothing here raises: a hint that is lost costs a second question, no safety."""

    def __init__(self, directory: Path, *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives epoch seconds."""
        self._path = directory / "hints.db"
        self._clock = clock

    def recall(self, tree: Digest, policy: Digest, *, key: str = "") -> bytes | None:
        """Return the warning kept for these bytes, while it is younger than 15 minutes. `key` tells several apart."""
        now = int(self._clock())
        row = self._ask(
            "SELECT text FROM notice WHERE tree = ? AND policy = ? AND key = ? AND time BETWEEN ? AND ?",
            (tree, policy, key, now - LIFE_S, now),
        )
        return row[0] if row and isinstance(row[0], bytes) and len(row[0]) <= MAX_TEXT_BYTES else None

    def keep(self, tree: Digest, policy: Digest, text: bytes, *, key: str = "") -> None:
        """Keep a warning, unless one that is still alive is there already: then that one goes on being repeated."""
        now = int(self._clock())
        if len(text) <= MAX_TEXT_BYTES:
            self._write(_KEEP, (tree, policy, key, text, now, now - LIFE_S), _TRIM_NOTICES, MAX_NOTICES)

    def sighting(self, path: str) -> Digest | None:
        """Return the tree digest that was last verified at `path`, or None."""
        row = self._ask("SELECT tree FROM sighting WHERE path = ?", (os.fsencode(path),))
        try:
            return parse_digest(row[0]) if row else None
        except ValueError:
            return None

    def note_sighting(self, path: str, tree: Digest) -> None:
        """Remember that these bytes were verified at `path`."""
        values = (os.fsencode(path), tree, int(self._clock()))
        self._write("INSERT OR REPLACE INTO sighting VALUES (?, ?, ?)", values, _TRIM_SIGHTINGS, MAX_SIGHTINGS)

    def forget_sighting(self, path: str) -> None:
        """Forget what was verified at `path`."""
        self._write("DELETE FROM sighting WHERE path = ?", (os.fsencode(path),), _TRIM_SIGHTINGS, MAX_SIGHTINGS)

    def _ask(self, query: str, values: tuple[object, ...]) -> tuple[object, ...] | None:
        try:
            if files.found(self._path) is None:
                return None
            with _connected(self._path) as connection:
                found: tuple[object, ...] | None = connection.execute(query, values).fetchone()
                return found
        except (sqlite3.Error, UnicodeDecodeError, OSError) as error:
            _log.debug("A hint could not be read: %s", error)
            return None

    def _write(self, query: str, values: tuple[object, ...], trim: str, most: int) -> None:
        try:
            self._write_once(query, values, trim, most)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF in _CORRUPT:
                self._begin_anew()
            _log.debug("A hint was not kept: %s", error)
        except OSError as error:
            _log.debug("A hint was not kept: %s", error)

    def _write_once(self, query: str, values: tuple[object, ...], trim: str, most: int) -> None:
        files.make_folder(self._path.parent)
        if files.unsafe_reason(self._path.parent):
            return
        files.found(self._path)
        files.create(self._path)
        with _connected(self._path) as connection:
            connection.executescript(_SCHEMA)
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(query, values)
                connection.execute(trim, (most,))

    def _begin_anew(self) -> None:
        try:
            self._path.unlink()
        except OSError as error:
            _log.debug("The damaged hints could not be removed: %s", error)


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, isolation_level=None)
    try:
        connection.execute("PRAGMA trusted_schema=OFF")
        connection.execute("PRAGMA synchronous=NORMAL")
        yield connection
    finally:
        connection.close()
