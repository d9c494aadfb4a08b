"""DSSE envelopes with Ed25519. Verification raises or returns the verified bytes; it never returns a boolean.

Follows the DSSE v1 protocol (PAE over payload type and bytes). Parse only the bytes that `verify` returned.
"""

import base64
import binascii
import hashlib
from typing import NamedTuple, Protocol, Self

from openclaw_vt.errors import SignatureInvalid
from openclaw_vt.model import strict_json

INTOTO_TYPE = "application/vnd.in-toto+json"
MAX_ENVELOPE_BYTES = 8 * 1024 * 1024
MAX_SIGNATURES = 8
PUBLIC_KEY_BYTES = 32
SIGNATURE_BYTES = 64

# Encodings of the points of order 1, 2, 4 and 8, and their non-canonical twins. With such a key a signature that anybody can
# write verifies over any message (RFC 8032 section 8.7 leaves the check to the caller; `cryptography` accepts them).
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000080",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
)


class Signer(Protocol):
    """Something that holds a private key."""

    @property
    def public(self) -> "PublicKey":
        """The key that verifies what `sign` makes."""

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over `message`."""


class _Raw(NamedTuple):
    raw: bytes


class PublicKey(_Raw):
    """A verifying key, checked on creation. Raises SignatureInvalid for wrong length or small order."""

    __slots__ = ()

    def __new__(cls, raw: bytes) -> Self:
        """Check and keep the 32 bytes of the key."""
        if len(raw) != PUBLIC_KEY_BYTES:
            raise SignatureInvalid("The public key is not 32 bytes long.")
        if raw in _SMALL_ORDER:
            raise SignatureInvalid("The public key is a small-order point, under which anybody can sign.")
        return super().__new__(cls, raw)

    @property
    def keyid(self) -> str:
        """SHA-256 of the raw key, in hexadecimal."""
        return hashlib.sha256(self.raw).hexdigest()

    def check(self, signature: bytes, message: bytes) -> None:
        """Raise SignatureInvalid unless `signature` is this key's signature over `message`."""
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            raise SignatureInvalid("The signature does not match.") from None
        except ValueError:
            raise SignatureInvalid("The public key is no point on the curve.") from None


class Envelope(NamedTuple):
    """A payload and its signatures, as (keyid, signature) pairs. The payload is kept as the bytes that were signed."""

    payload_type: str
    payload: bytes
    signatures: tuple[tuple[str, bytes], ...]

    def to_bytes(self) -> bytes:
        """Return the envelope as one line of JSON."""
        return strict_json.dumps(
            {
                "payloadType": self.payload_type,
                "payload": base64.standard_b64encode(self.payload).decode(),
                "signatures": [
                    {"keyid": keyid, "sig": base64.standard_b64encode(sig).decode()} for keyid, sig in self.signatures
                ],
            }
        )


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return DSSE's pre-authentication encoding: what is really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def sign(payload_type: str, payload: bytes, signer: Signer) -> Envelope:
    """Return an envelope over `payload` with one signature."""
    return Envelope(payload_type, payload, ((signer.public.keyid, signer.sign(pae(payload_type, payload))),))


def parse(raw: bytes) -> Envelope:
    """Parse an envelope strictly. Nothing in it is trusted yet. Raises SignatureInvalid."""
    try:
        body = strict_json.loads(raw, max_bytes=MAX_ENVELOPE_BYTES)
        fields = strict_json.take(body, {"payloadType": str, "payload": str, "signatures": list}, where="envelope")
        if set(fields) != {"payloadType", "payload", "signatures"}:
            raise ValueError("the envelope has unknown fields")
        if not fields["payloadType"]:
            raise ValueError("the payload type is empty")
        return Envelope(fields["payloadType"], _base64(fields["payload"]), _signatures(fields["signatures"]))
    except (ValueError, RecursionError) as error:
        raise SignatureInvalid("This is no DSSE envelope.", why=str(error)[:200]) from None


def _signatures(items: list[object]) -> tuple[tuple[str, bytes], ...]:
    if not 1 <= len(items) <= MAX_SIGNATURES:
        raise ValueError("the number of signatures is out of bounds")
    pairs = []
    for item in items:
        fields = strict_json.take(item, {"sig": str}, where="signature")
        keyid = fields.get("keyid", "")
        if not isinstance(keyid, str):
            raise ValueError("keyid is not a string")
        pairs.append((keyid, _base64(fields["sig"])))
    return tuple(pairs)


def _base64(text: str) -> bytes:
    # DSSE: signers may use either alphabet, verifiers must accept both. One of them, and only its canonical form.
    try:
        standard = text if "-" not in text and "_" not in text else _from_url_alphabet(text)
        data = base64.b64decode(standard.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64") from None
    if base64.standard_b64encode(data).decode() != standard:
        raise ValueError("not canonical base64")
    return data


def _from_url_alphabet(text: str) -> str:
    if "+" in text or "/" in text:
        raise ValueError("two alphabets in one base64 text")
    return text.replace("-", "+").replace("_", "/")


def verify(envelope: Envelope, key: PublicKey, *, payload_type: str = INTOTO_TYPE) -> bytes:
    """Return the payload if `key` signed it as `payload_type`. Raises SignatureInvalid otherwise.

    A keyid is only a hint (DSSE): it selects which signature to try, the key decides.
    """
    if envelope.payload_type != payload_type:
        raise SignatureInvalid("The envelope carries another type of payload than expected.")
    ours = [sig for keyid, sig in envelope.signatures if keyid in ("", key.keyid)]
    if not ours:
        raise SignatureInvalid("The envelope is not signed by this key.")
    message = pae(envelope.payload_type, envelope.payload)
    for signature in ours:
        if len(signature) != SIGNATURE_BYTES:
            raise SignatureInvalid("A signature has the wrong length.")
        key.check(signature, message)
    return envelope.payload
