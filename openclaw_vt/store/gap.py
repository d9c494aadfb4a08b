"""The signed list of sequences that are missing on purpose: pruned, or lost with a database that was set aside. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.dsse import PublicKey, Signer
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.model import strict_json

GAP_TYPE = "application/vnd.openclaw-vt.gap+json"

Ranges = tuple[tuple[int, int], ...]
"""Sequences, as inclusive pairs in ascending order that neither overlap nor touch."""


def joined(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the same sequences in normal form."""
    result: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return tuple(result)


def seal(ranges: Ranges, signer: Signer) -> bytes:
    """Return the ranges as a signed envelope."""
    return dsse.sign(GAP_TYPE, strict_json.dumps({"ranges": ranges}), signer).to_bytes()


def unseal(raw: bytes, key: PublicKey) -> Ranges:
    """Return the ranges that `key` signed. Raises SignatureInvalid or StatementInvalid."""
    payload = dsse.verify(dsse.parse(raw), key, payload_type=GAP_TYPE)
    try:
        items = strict_json.take(strict_json.loads(payload, max_bytes=dsse.MAX_ENVELOPE_BYTES), {"ranges": list}, where="gap")[
            "ranges"
        ]
        return joined(_range(item) for item in items)
    except ValueError as error:
        raise StatementInvalid("The signed bytes are no list of gaps.", why=str(error)) from None


def unseal_or_nothing(raw: bytes | None, key: PublicKey) -> Ranges:
    """Return the ranges, or none: without a list that verifies, every missing sequence is one to report."""
    try:
        return unseal(raw, key) if raw else ()
    except (SignatureInvalid, StatementInvalid):
        return ()


def _range(item: object) -> tuple[int, int]:
    if not isinstance(item, list) or [type(number) for number in item] != [int, int] or not 1 <= item[0] <= item[1]:
        raise ValueError("a range is out of bounds")
    return item[0], item[1]
