"""One record of the cache: an envelope whose signature, form and place were checked. Pure."""

import hashlib
from typing import NamedTuple

from openclaw_vt.attestation import dsse, statement
from openclaw_vt.attestation.dsse import PublicKey, Signer
from openclaw_vt.attestation.statement import Draft, Statement
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.model.subject import Digest


class Row(NamedTuple):
    """What an index found: a claimed sequence and a blob, neither of them verified."""

    sequence: int
    envelope: bytes


class Stored(NamedTuple):
    """A verified record. `envelope` is the very text that is kept, `record` its SHA-256."""

    statement: Statement
    envelope: bytes
    record: Digest

    @property
    def draft(self) -> Draft:
        """What the record states."""
        return self.statement.draft

    @property
    def sequence(self) -> int:
        """Its place in the chain, from 1."""
        return self.statement.sequence


def make(place: Statement, signer: Signer, *, version: str) -> Stored:
    """Return the signed record of a statement. Raises StatementInvalid, or SignatureInvalid from a signer that is broken.

    What was made is read back at once: a record that nobody could read must not become part of the chain.
    """
    verifier = f"openclaw-vt:{signer.public.keyid}"
    try:
        payload = statement.serialise(place, verifier=verifier, version=version)
    except (TypeError, ValueError, OverflowError, OSError, RecursionError) as error:
        raise StatementInvalid("This cannot be stated in a record.", why=type(error).__name__) from None
    stored = read(dsse.sign(dsse.INTOTO_TYPE, payload, signer).to_bytes(), signer.public)
    if statement.serialise(stored.statement, verifier=verifier, version=version) != payload:
        raise StatementInvalid("The statement does not read back as it was written.")
    return stored


def read(raw: bytes, key: PublicKey) -> Stored:
    """Return the record that `key` signed. Raises SignatureInvalid or StatementInvalid.

    Only the exact text that `write` makes is accepted: another spelling of the same envelope has another SHA-256, and the
    chain would no longer hold.
    """
    envelope = dsse.parse(raw)
    if [keyid for keyid, _ in envelope.signatures] != [key.keyid] or envelope.to_bytes() != raw:
        raise SignatureInvalid("The envelope was rewritten after it was signed.")
    return Stored(statement.parse(dsse.verify(envelope, key)), raw, digest(raw))


def read_row(row: Row, key: PublicKey) -> Stored:
    """Return the record of a row that says of itself what the row says. Raises SignatureInvalid or StatementInvalid."""
    stored = read(row.envelope, key)
    if stored.sequence != row.sequence:
        raise StatementInvalid("A record stands at another place than it was signed for.")
    return stored


def digest(raw: bytes) -> Digest:
    """Return the SHA-256 by which the chain names an envelope."""
    return Digest(hashlib.sha256(raw).hexdigest())
