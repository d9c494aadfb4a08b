"""Every record, every link of the chain: what `cache verify` and the doctor say about the cache."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.store import database, files, gap, record
from openclaw_vt.store.answer import CLOCK_BEHIND, CLOCK_TOLERANCE_S
from openclaw_vt.store.database import Key
from openclaw_vt.store.head import Head, HeadVault
from openclaw_vt.store.mending import VAULT_AHEAD, load_head, load_vault, overtaken
from openclaw_vt.store.place import Place, unreadable
from openclaw_vt.store.problem import Problem, ProblemCode
from openclaw_vt.store.reader import NO_KEY
from openclaw_vt.store.record import Row, Stored
from openclaw_vt.store.standing import ANEW, assess, cautious

_MOST = 1000
_NEXT = "The next write mends it."
_LOOK = "Run `openclaw-vt cache show`; a new judgement of the skill replaces the record."


def verify_all(
    place: Place, key: PublicKey | None, vault: HeadVault | None, *, now: float, patience_s: float
) -> tuple[Problem, ...]:
    """Return what is wrong, up to 1,000 things. It writes nothing but what rolls back a killed writer's transaction."""
    try:
        refusal = place.refusal()
        if refusal:
            return (refusal,)
        there = files.found(place.database) is not None
        if key is None:
            return (NO_KEY,) if there or files.found(place.head) else ()
        if not there:
            return tuple(_ends(load_head(place, key), load_vault(vault, key), None, key, vaulted=vault is not None))
        return tuple(islice(_database(place, key, vault, now, patience_s), _MOST))
    except FileNotFoundError:
        return ()
    except OSError as error:
        return (unreadable(error),)


def _database(place: Place, key: PublicKey, vault: HeadVault | None, now: float, patience_s: float) -> Iterator[Problem]:
    try:
        with closing(database.connect_recovered(place.database, patience_s=patience_s)) as connection:
            connection.execute("BEGIN")  # one moment: no writer gets between the database and its head
            empty = database.is_empty(connection)
            newest = None if empty else database.newest(connection)
            known = load_head(place, key)
            connection.execute("COMMIT")
            yield from _ends(known, load_vault(vault, key), newest, key, vaulted=vault is not None)
            if empty:
                return
            for text in database.damage(connection):
                yield Problem(ProblemCode.CORRUPT, f"SQLite reports: {text}.", ANEW)
            gaps = gap.unseal_or_nothing(database.read_gap(connection), key)
            yield from _links(database.pages(connection), gaps, key, now)
    except database.FAULTS as error:
        yield database.problem_of(error)


def _ends(
    known: Head | Problem | None, copy: Head | Problem | None, newest: Row | None, key: PublicKey, *, vaulted: bool
) -> Iterator[Problem]:
    """Yield what is wrong between the three ends of the chain: database, head file, vault."""
    head = known if isinstance(known, Head) else None
    if isinstance(known, Problem):
        yield known
    else:
        found = assess(head, newest, lambda row: record.read_row(row, key))
        if isinstance(found, Problem):
            yield found
        elif found and head:
            yield Problem(ProblemCode.PENDING, "A crash kept the newest record out of the head.", _NEXT, found.sequence)
            head = cautious(head, found)
    if isinstance(copy, Problem):
        yield copy
    elif overtaken(head, copy):
        yield VAULT_AHEAD
    elif vaulted and head and head.sequence > (copy.sequence if copy else 0):
        yield Problem(ProblemCode.PENDING, "The key store's copy of the head is not the newest.", _NEXT)


def _links(rows: Iterable[tuple[Row, Key]], gaps: gap.Ranges, key: PublicKey, now: float) -> Iterator[Problem]:
    expected = 1
    before: Stored | None = None
    for row, columns in rows:
        yield from _missing(expected, row.sequence, gaps)
        expected = row.sequence + 1
        try:
            stored = record.read_row(row, key)
        except (SignatureInvalid, StatementInvalid) as error:
            yield Problem(ProblemCode.FORGED, f"Record {row.sequence}: {error}", _LOOK, row.sequence)
            before = None
            continue
        yield from _place(stored, columns, before, now)
        before = stored


def _missing(first: int, following: int, gaps: gap.Ranges) -> Iterator[Problem]:
    for start, end in gaps:
        if start < following and end >= first:
            if start > first:
                yield _hole(first, start - 1)
            first = end + 1
    if first < following:
        yield _hole(first, following - 1)


def _hole(first: int, last: int) -> Problem:
    which = f"Record {first} is" if first == last else f"Records {first} to {last} are"
    return Problem(ProblemCode.GAP, f"{which} missing.", _LOOK, first)


def _place(stored: Stored, columns: Key, before: Stored | None, now: float) -> Iterator[Problem]:
    sequence = stored.sequence
    if columns != database.key_of(stored):
        yield Problem(ProblemCode.FORGED, f"Record {sequence} is filed under another skill.", _LOOK, sequence)
    if before and before.sequence == sequence - 1 and stored.statement.previous != before.record:
        yield Problem(ProblemCode.FORGED, f"Record {sequence} does not follow the one before it.", _LOOK, sequence)
    if (stored.statement.previous is None) != (sequence == 1):
        yield Problem(ProblemCode.FORGED, f"Record {sequence} does not say what it follows.", _LOOK, sequence)
    if stored.draft.time > now + CLOCK_TOLERANCE_S:
        yield Problem(ProblemCode.CLOCK, f"Record {sequence} comes from the future.", CLOCK_BEHIND.remedy, sequence)
