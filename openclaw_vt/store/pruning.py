"""Dropping what can no longer change an answer."""

from __future__ import annotations

from openclaw_vt.attestation.dsse import Signer
from openclaw_vt.attestation.statement import Kind
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.store import database, gap, record
from openclaw_vt.store.chain import Chain
from openclaw_vt.store.database import Key
from openclaw_vt.store.head import Head
from openclaw_vt.store.record import Stored

GRACE_S = 60 * 24 * 3600
"""How long past its notAfter a verification is kept: a stale one still counts for 30 days while VirusTotal is out of reach."""


def prune(chain: Chain, signer: Signer, *, now: float) -> int:
    """Drop records with a newer one of the same key, long expired verifications, and what a revocation ended.

    Returns how many. The newest record stays whatever it is: the head names it. What does not verify stays to be looked at.
    Raises sqlite3.Error.
    """
    if database.is_empty(chain.connection):
        return 0
    newest: dict[Key, int] = {}
    dropped = set()
    spent = set()
    for row, _ in database.pages(chain.connection):
        try:
            stored = record.read_row(row, signer.public)
        except (SignatureInvalid, StatementInvalid):
            continue
        key = database.key_of(stored)
        if key in newest:
            dropped.add(newest[key])
        newest[key] = stored.sequence
        if _spent(stored, chain.head, now):
            spent.add(stored.sequence)
    # Only whole keys go by age: were the newest dropped alone, an older record would speak in its place.
    dropped = (dropped | (spent & set(newest.values()))) - {chain.head.sequence}
    if dropped:
        known = gap.unseal_or_nothing(database.read_gap(chain.connection), signer.public)
        ranges = gap.joined([*known, *((sequence, sequence) for sequence in dropped)])
        database.delete(chain.connection, sorted(dropped), gap=gap.seal(ranges, signer))
    return len(dropped)


def _spent(stored: Stored, head: Head, now: float) -> bool:
    draft = stored.draft
    if draft.kind not in (Kind.VERIFICATION, Kind.ACCEPTANCE):
        return False
    expired = draft.not_after is not None and draft.not_after + GRACE_S < now
    return expired or not head.counts(stored)
