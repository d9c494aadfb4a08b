from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import OURS, THEIRS

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.dsse import INTOTO_TYPE, Envelope, PublicKey
from openclaw_vt.errors import SignatureInvalid

HELLO = "http://example.com/HelloWorld"
SMALL_ORDER = sorted(dsse._SMALL_ORDER)


def signed(payload: bytes = b"{}", payload_type: str = INTOTO_TYPE) -> Envelope:
    return dsse.sign(payload_type, payload, OURS)


def as_json(envelope: Envelope) -> dict:
    return json.loads(envelope.to_bytes())


def test_the_specification_s_own_vector_for_what_is_signed():
    assert dsse.pae(HELLO, b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_count_bytes_not_characters():
    assert dsse.pae("é", "ü".encode()) == "DSSEv1 2 é 2 ü".encode()


def test_nothing_can_be_moved_between_type_and_payload():
    assert dsse.pae("a", b"b 1 c") != dsse.pae("a 5 b", b"c")


@given(st.binary(max_size=200), st.text(min_size=1, max_size=30, alphabet=st.characters(exclude_categories=["Cs"])))
def test_what_was_signed_verifies_after_the_way_through_json(payload, payload_type):
    envelope = dsse.parse(dsse.sign(payload_type, payload, OURS).to_bytes())
    assert dsse.verify(envelope, OURS.public, payload_type=payload_type) == payload


def test_another_type_of_payload_is_refused_although_the_signature_holds():
    with pytest.raises(SignatureInvalid, match="another type"):
        dsse.verify(signed(payload_type="application/vnd.other+json"), OURS.public)


def test_a_type_changed_after_signing_is_refused():
    envelope = signed(payload_type="application/vnd.other+json")
    with pytest.raises(SignatureInvalid):
        dsse.verify(Envelope(INTOTO_TYPE, envelope.payload, envelope.signatures), OURS.public)


def test_another_key_is_refused():
    with pytest.raises(SignatureInvalid, match="not signed by this key"):
        dsse.verify(signed(), THEIRS.public)


@pytest.mark.parametrize("keyid", ["", OURS.public.keyid])
def test_a_keyid_that_lies_convinces_nobody(keyid):
    theirs = dsse.sign(INTOTO_TYPE, b"{}", THEIRS).signatures[0][1]
    with pytest.raises(SignatureInvalid, match="does not match"):
        dsse.verify(Envelope(INTOTO_TYPE, b"{}", ((keyid, theirs),)), OURS.public)


def test_stripping_our_signature_leaves_nothing_to_trust():
    theirs = dsse.sign(INTOTO_TYPE, b"{}", THEIRS).signatures
    with pytest.raises(SignatureInvalid, match="not signed by this key"):
        dsse.verify(Envelope(INTOTO_TYPE, b"{}", theirs), OURS.public)
    with pytest.raises(SignatureInvalid, match="no DSSE envelope"):
        dsse.parse(json.dumps({**as_json(signed()), "signatures": []}).encode())


def test_a_second_signature_by_somebody_else_is_not_in_the_way():
    ours, theirs = signed(), dsse.sign(INTOTO_TYPE, b"{}", THEIRS)
    both = Envelope(INTOTO_TYPE, b"{}", theirs.signatures + ours.signatures)
    assert dsse.verify(dsse.parse(both.to_bytes()), OURS.public) == b"{}"


@pytest.mark.parametrize("length", [0, 63, 65])
def test_a_signature_of_another_length_is_refused(length):
    sig = signed().signatures[0][1]
    resized = (sig * 2)[:length]
    with pytest.raises(SignatureInvalid, match="wrong length"):
        dsse.verify(Envelope(INTOTO_TYPE, b"{}", ((OURS.public.keyid, resized),)), OURS.public)


def test_a_malleated_signature_is_refused():
    order = 2**252 + 27742317777372353535851937790883648493
    keyid, sig = signed().signatures[0]
    scalar = int.from_bytes(sig[32:], "little") + order
    with pytest.raises(SignatureInvalid):
        dsse.verify(Envelope(INTOTO_TYPE, b"{}", ((keyid, sig[:32] + scalar.to_bytes(32, "little")),)), OURS.public)


def test_every_flipped_bit_of_the_signature_is_noticed():
    keyid, sig = signed().signatures[0]
    for bit in range(512):
        flipped = (int.from_bytes(sig, "big") ^ (1 << bit)).to_bytes(64, "big")
        with pytest.raises(SignatureInvalid):
            dsse.verify(Envelope(INTOTO_TYPE, b"{}", ((keyid, flipped),)), OURS.public)


def test_every_flipped_byte_of_the_text_is_refused_or_changes_nothing_that_was_signed():
    envelope = signed(b'{"sequence":7}')
    raw = envelope.to_bytes()
    for position in range(len(raw)):
        forged = raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :]
        try:
            payload = dsse.verify(dsse.parse(forged), OURS.public)
        except SignatureInvalid:
            continue
        # Only the name of the keyid field may go: it is a hint, which an envelope need not have.
        assert payload == b'{"sequence":7}'
        assert b"keyid" not in forged


# Small-order points: under such a key the identity point and a zero scalar are a signature over any message.


@pytest.mark.parametrize("raw", SMALL_ORDER, ids=[raw.hex()[:8] + raw.hex()[-2:] for raw in SMALL_ORDER])
def test_a_small_order_public_key_is_refused(raw):
    with pytest.raises(SignatureInvalid, match="small-order"):
        PublicKey(raw)


def test_the_library_below_us_would_accept_the_identity_point():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    identity = (1).to_bytes(32, "little")
    Ed25519PublicKey.from_public_bytes(identity).verify(identity + bytes(32), b"anything at all")


def test_the_list_of_small_order_points_is_complete():
    prime, d = 2**255 - 19, -121665 * pow(121666, -1, 2**255 - 19)

    def double(y: int) -> int | None:
        """The y of twice a point of the curve -x²+y²=1+dx²y², from its y alone; None when y is no point's."""
        x_squared = (y * y - 1) * pow(d * y * y + 1, -1, prime) % prime
        if x_squared and pow(x_squared, (prime - 1) // 2, prime) != 1:
            return None
        return (y * y + x_squared) * pow(1 - d * x_squared * y * y, -1, prime) % prime

    found = set()
    for encoded in {int.from_bytes(raw, "little") % 2**255 for raw in SMALL_ORDER} | set(range(prime, 2**255)):
        y = encoded % prime
        for _doubling in range(3):
            y = double(y) if y is not None else None
        if y == 1:
            found |= {encoded.to_bytes(32, "little"), (encoded + 2**255).to_bytes(32, "little")}
    assert found == set(SMALL_ORDER)


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33)])
def test_a_key_of_another_length_is_refused(raw):
    with pytest.raises(SignatureInvalid, match="32 bytes"):
        PublicKey(raw)


def test_a_key_that_is_no_point_is_refused_when_it_is_used():
    for guess in range(2, 40):
        key = PublicKey(guess.to_bytes(32, "little"))
        with pytest.raises(SignatureInvalid):
            key.check(bytes(64), b"")


# The JSON form.


def test_duplicate_keys_are_refused_because_two_readers_would_see_two_payloads():
    raw = signed().to_bytes()
    twice = raw[:-1] + b',"payload":"e30="}'
    with pytest.raises(SignatureInvalid, match="no DSSE envelope"):
        dsse.parse(twice)


@pytest.mark.parametrize(
    "change",
    [
        {"payload": "e30"},
        {"payload": "e30=\n"},
        {"payload": "e31="},
        {"payload": "-+"},
        {"payload": "é"},
        {"payload": None},
        {"payloadType": ""},
        {"payloadType": 1},
        {"signatures": {}},
        {"signatures": ["x"]},
        {"signatures": [{"sig": 1}]},
        {"signatures": [{"sig": "AA==", "keyid": 1}]},
        {"signatures": [{"sig": "AA=="}] * 9},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_no_envelope_is_refused(change):
    with pytest.raises(SignatureInvalid, match="no DSSE envelope"):
        dsse.parse(json.dumps({**as_json(signed()), **change}).encode())


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"null", b"[]", b"\xff", b"[" * 100_000, b'{"payload":NaN}', b'"' + b"x" * dsse.MAX_ENVELOPE_BYTES],
    ids=["empty", "object", "null", "list", "not-utf8", "deep", "nan", "huge"],
)
def test_junk_is_refused_in_one_way(raw):
    with pytest.raises(SignatureInvalid):
        dsse.parse(raw)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parser_raise_anything_else(raw):
    with pytest.raises(SignatureInvalid):
        dsse.parse(raw)


def test_the_url_alphabet_is_understood_as_the_specification_demands():
    body = as_json(signed(b"\xff\xfe\xfd>>>???"))
    body["payload"] = base64.urlsafe_b64encode(b"\xff\xfe\xfd>>>???").decode()
    assert "_" in body["payload"] or "-" in body["payload"]
    assert dsse.verify(dsse.parse(json.dumps(body).encode()), OURS.public) == b"\xff\xfe\xfd>>>???"


# The same envelopes in another implementation.


def _their_signer():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from securesystemslib.signer import CryptoSigner, SSlibKey

    private = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    raw = private.public_key().public_bytes_raw()
    public = PublicKey(raw)
    key = SSlibKey(public.keyid, "ed25519", "ed25519", {"public": raw.hex()})
    return CryptoSigner(private, key), key, public


def test_securesystemslib_verifies_what_we_signed():
    from securesystemslib.dsse import Envelope as TheirEnvelope
    from securesystemslib.signer import SSlibKey

    theirs = TheirEnvelope.from_dict(as_json(signed(b'{"a":1}')))
    key = SSlibKey(OURS.public.keyid, "ed25519", "ed25519", {"public": OURS.public.raw.hex()})
    assert list(theirs.verify([key], 1)) == [OURS.public.keyid]
    assert theirs.pae() == dsse.pae(INTOTO_TYPE, b'{"a":1}')


def test_we_verify_what_securesystemslib_signed():
    from securesystemslib.dsse import Envelope as TheirEnvelope

    signer, _, public = _their_signer()
    theirs = TheirEnvelope(b'{"a":1}', INTOTO_TYPE, {})
    theirs.sign(signer)
    ours = dsse.parse(json.dumps(theirs.to_dict()).encode())
    assert dsse.verify(ours, public) == b'{"a":1}'
    with pytest.raises(SignatureInvalid):
        dsse.verify(ours, OURS.public)
