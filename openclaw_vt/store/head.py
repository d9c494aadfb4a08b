"""The signed head of the cache: how far the chain reaches, and what no deleted or rolled-back row may undo. Pure.

The head is a small DSSE envelope in a file of its own, with a copy in the key store. A database that does not end where the
head says is not believed. Revocations are in the head itself. So are `floors`: below its floor a record no longer counts,
because something later contradicted it. And `since`: up to there, everything was in databases that were set aside.
"""

from types import MappingProxyType
from typing import NamedTuple, Protocol

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.dsse import PublicKey, Signer
from openclaw_vt.attestation.statement import Kind, parse_time, rfc3339
from openclaw_vt.errors import StatementInvalid
from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import Digest, parse_digest
from openclaw_vt.store.record import Stored

HEAD_TYPE = "application/vnd.openclaw-vt.head+json"
_NONE: MappingProxyType[str, int] = MappingProxyType({})
MAX_HEAD_BYTES = dsse.MAX_ENVELOPE_BYTES


class HeadVault(Protocol):
    """A second place for the head that who rolls back files does not reach: an entry of the OS key store."""

    def load(self) -> bytes | None:
        """Return the head stored last, or None before the first. Raises KeyStoreError."""

    def store(self, head: bytes) -> None:
        """Keep `head` instead of the one before. Raises KeyStoreError."""


def floor_key(tree: Digest, policy: Digest | None) -> str:
    """Return the name of a floor: for one policy, or (None) for everything ever said about these bytes."""
    return f"{tree}/{policy}" if policy else tree


class Head(NamedTuple):
    """The state after record number `sequence`, whose envelope has the SHA-256 `record`. `time` is epoch seconds UTC."""

    sequence: int = 0
    record: Digest | None = None
    revoked: frozenset[Digest] = frozenset()
    floors: MappingProxyType[str, int] = _NONE
    since: int = 0
    time: int = 0

    def counts(self, stored: Stored) -> bool:
        """Return whether the record is of this database, and nothing later contradicted it."""
        return stored.sequence > self.since and self.stands(stored)

    def stands(self, stored: Stored) -> bool:
        """Return whether nothing later contradicted the record: it lies above both of its floors."""
        draft = stored.draft
        tree_floor = self.floors.get(floor_key(draft.tree, None), 0)
        return stored.sequence > tree_floor and not self.superseded(stored)

    def superseded(self, stored: Stored) -> bool:
        """Return whether a worse answer followed under the same policy, so that this record is no longer the newest."""
        draft = stored.draft
        return draft.policy is not None and stored.sequence < self.floors.get(floor_key(draft.tree, draft.policy), 0)

    def after(self, stored: Stored, *, contradicts: bool, now: int) -> "Head":
        """Return the head once `stored` is its newest record.

        `contradicts` says that a verification is worse than one before it under the same policy. A revocation ends all that
        was said before about these bytes; a reinstatement only lifts the block, so what was ended stays ended.
        """
        draft = stored.draft
        revoked = self.revoked
        raised: dict[str, int] = {}
        if draft.kind is Kind.REVOCATION:
            revoked, raised = revoked | {draft.tree}, {floor_key(draft.tree, None): stored.sequence}
        elif draft.kind is Kind.REINSTATEMENT:
            revoked = revoked - {draft.tree}
        elif contradicts:
            raised = {floor_key(draft.tree, draft.policy): stored.sequence}
        floors = MappingProxyType({**self.floors, **raised}) if raised else self.floors
        return Head(stored.sequence, stored.record, revoked, floors, self.since, now)

    def restricted_by(self, other: "Head") -> "Head":
        """Return this head with the revocations and floors of `other` added, for when it is unknown which one is newer."""
        keys = self.floors.keys() | other.floors.keys()
        floors = {key: max(self.floors.get(key, 0), other.floors.get(key, 0)) for key in keys}
        since = max(self.since, other.since)
        return self._replace(revoked=self.revoked | other.revoked, floors=MappingProxyType(floors), since=since)


def seal(head: Head, signer: Signer) -> bytes:
    """Return the head as a signed envelope. Raises SignatureInvalid from a signer that is broken, before anything is lost."""
    body = {
        "sequence": head.sequence,
        "record": head.record,
        "revoked": sorted(head.revoked),
        "floors": dict(head.floors),
        "since": head.since,
        "time": rfc3339(head.time),
    }
    raw = dsse.sign(HEAD_TYPE, strict_json.dumps(body), signer).to_bytes()
    unseal(raw, signer.public)
    return raw


def unseal(raw: bytes, key: PublicKey) -> Head:
    """Return the head that `key` signed. Raises SignatureInvalid or StatementInvalid."""
    payload = dsse.verify(dsse.parse(raw), key, payload_type=HEAD_TYPE)
    try:
        return _parse(payload)
    except (ValueError, OverflowError) as error:
        raise StatementInvalid("The signed bytes are no head of ours.", why=str(error)[:200]) from None


def _parse(payload: bytes) -> Head:
    body = strict_json.take(
        strict_json.loads(payload, max_bytes=MAX_HEAD_BYTES),
        {"sequence": int, "record": (str, type(None)), "revoked": list, "floors": dict, "since": int, "time": str},
        where="head",
    )
    sequence = body["sequence"]
    record = None if body["record"] is None else parse_digest(body["record"])
    if sequence < 0 or (record is None) != (sequence == 0) or not 0 <= body["since"] <= sequence:
        raise ValueError("a head needs the digest of its newest record, and bounds in order")
    floors = {_floor_name(key): _floor(value, sequence) for key, value in body["floors"].items()}
    revoked = frozenset(parse_digest(item) for item in body["revoked"])
    return Head(sequence, record, revoked, MappingProxyType(floors), body["since"], parse_time(body["time"]))


def _floor_name(text: str) -> str:
    for part in text.split("/", 1):
        parse_digest(part)
    return text


def _floor(value: object, highest: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= highest:
        raise ValueError("a floor is out of bounds")
    return value
