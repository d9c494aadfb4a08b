"""The signing key: made once, kept in the key store, its public half enrolled beside the cache."""

from __future__ import annotations

import base64
import binascii
import contextlib
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn, SupportsIndex

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import private_file
from openclaw_vt.store.keys.interface import SIGNING_KEY, KeyStore
from openclaw_vt.store.keys.public import enrol, load_public
from openclaw_vt.store.keys.secret import SecretText

LOCK_NAME: Final = "signing.lock"
LOCK_WAIT_S: Final = 60.0
"""Seconds to wait for another process that is making the key: longer than it may wait for an unlock prompt, twice."""

_SEED_BYTES = 32
_ROTATE = "`openclaw-vt key rotate` makes a new key; records signed by the old one no longer count and are judged again."
_logger = logging.getLogger(__name__)


class Ed25519Signer:
    """A private key in memory (attestation.dsse.Signer). Is neither shown nor pickled."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: SecretText) -> None:
        """Take the base64 of a 32-byte seed (RFC 8032). Raises KeyStoreError when it is none."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        if not _is_seed(seed):
            raise KeyStoreError("The signing key in the key store is damaged.", remedy=_ROTATE)
        self._private: Final = Ed25519PrivateKey.from_private_bytes(base64.b64decode(seed.reveal()))
        self.public: Final = PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the 64 bytes of an Ed25519 signature over `message`."""
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"Ed25519Signer(keyid={self.public.keyid[:16]})"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A signing key is not pickled or copied.")


def _is_seed(text: SecretText) -> bool:
    try:
        return len(base64.b64decode(text.reveal().encode("ascii"), validate=True)) == _SEED_BYTES
    except (binascii.Error, UnicodeEncodeError):
        return False


def load_signer(store: KeyStore, state_dir: Path) -> Ed25519Signer | None:
    """Return the key to sign records under `state_dir` with, or None while there is none (see `ensure_signer`).

    Raises KeyStoreError when the private key and the enrolled public key do not belong together.
    """
    enrolled = load_public(state_dir)
    seed = store.get(SIGNING_KEY)
    if seed is None:
        if enrolled is not None and store.writable:
            raise _mismatch(f"{state_dir / 'signing.pub'} is enrolled, but its private half is not in the key store.")
        return None
    signer = Ed25519Signer(seed)
    if enrolled is None:
        return None
    if enrolled != signer.public:
        raise _mismatch("The private key in the key store does not belong to the enrolled public key.")
    return signer


def _mismatch(why: str) -> KeyStoreError:
    return KeyStoreError(
        "The signing key does not fit this cache.",
        why=why,
        remedy=f"Run `openclaw-vt doctor`. If `keys.backend` was changed, change it back; otherwise {_ROTATE}",
    )


def ensure_signer(store: KeyStore, state_dir: Path) -> Ed25519Signer | None:
    """Return the signing key, making and enrolling it when there is none yet. Processes that do so at once get the same key.

    Returns None where the store cannot keep one: then records are not signed, and whoever judges has to say so.
    """
    signer = load_signer(store, state_dir)
    if signer is not None or (not store.writable and store.get(SIGNING_KEY) is None):
        return signer
    with _alone(state_dir):
        return load_signer(store, state_dir) or _complete(store, state_dir)


def _complete(store: KeyStore, state_dir: Path) -> Ed25519Signer:
    # A key without its public half is what a crash between the two writes leaves, or somebody who deleted signing.pub: the
    # store's key is the one we trust, so it is enrolled again.
    seed = store.get(SIGNING_KEY)
    signer = _make(store) if seed is None else Ed25519Signer(seed)
    enrol(state_dir, signer.public)
    return signer


def _make(store: KeyStore) -> Ed25519Signer:
    seed = SecretText(base64.standard_b64encode(secrets.token_bytes(_SEED_BYTES)).decode())
    store.set(SIGNING_KEY, seed)
    return Ed25519Signer(seed)


def rotate_signer(store: KeyStore, state_dir: Path) -> Ed25519Signer:
    """Replace the signing key, or make the first one.

    Records signed by the old key no longer verify: each skill is judged again when it is next asked about. The cache's head has
    to be signed anew by the caller, or revocations and acceptances are lost with the key. A crash between the two writes leaves
    halves that do not fit, which `load_signer` refuses and another rotation mends. Raises KeyStoreError.
    """
    with _alone(state_dir):
        signer = _make(store)
        enrol(state_dir, signer.public)
    _logger.info("new signing key %s; records signed by an earlier one are judged again", signer.public.keyid[:16])
    return signer


@contextlib.contextmanager
def _alone(state_dir: Path) -> Iterator[None]:
    from filelock import FileLock, Timeout

    private_file.make_folder(state_dir.resolve())
    path = state_dir / LOCK_NAME
    lock = FileLock(path, timeout=LOCK_WAIT_S, mode=0o600)
    try:
        lock.acquire()
    except Timeout:
        raise KeyStoreError(
            "Another process has been making the signing key for a minute.",
            remedy="It may be waiting for you to unlock the keyring. Unlock it, or end that process, and try again.",
        ) from None
    except OSError as error:
        raise KeyStoreError(f"Could not lock {private_file.shown(path)}.", why=f"{error.strerror}.") from None
    try:
        yield
    finally:
        lock.release()
