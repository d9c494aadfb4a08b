"""The enrolled public key, as a cache hit reads it: the standard library, one small file, nothing else."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.errors import KeyStoreError, SignatureInvalid
from openclaw_vt.model import strict_json
from openclaw_vt.store.files import StrPath
from openclaw_vt.store.keys import private_file
from openclaw_vt.store.keys.secret import SecretText

FILE_NAME: Final = "signing.pub"
_MAX_BYTES = 1024
_REMEDY = "Run `openclaw-vt doctor`; `openclaw-vt key rotate` makes a new key, and every skill is then judged again."


def load_public(state_dir: StrPath) -> PublicKey | None:
    """Return the key that the records under `state_dir` must be signed with, or None when none is enrolled yet.

    Raises KeyStoreError for a link, a file that others can write or that another user owns, anything but our small JSON object,
    and keys under which anybody can sign.
    """
    path = os.path.join(state_dir, FILE_NAME)
    raw = private_file.read(path, max_bytes=_MAX_BYTES, loose=private_file.OTHER_WRITES)
    if raw is None:
        return None
    try:
        return _parse(raw)
    except (ValueError, SignatureInvalid) as error:
        raise KeyStoreError(
            f"{private_file.shown(path)} holds no usable public key.", why=str(error)[:200], remedy=_REMEDY
        ) from None


def _parse(raw: bytes) -> PublicKey:
    body = strict_json.loads(raw, max_bytes=_MAX_BYTES)
    fields = strict_json.take(body, {"keyid": str, "public": str}, where="the public key")
    if set(fields) != {"keyid", "public"}:
        raise ValueError("It has unknown fields.")
    try:
        key = PublicKey(base64.b64decode(fields["public"].encode("ascii"), validate=True))
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("It is not base64.") from None
    if key.keyid != fields["keyid"]:
        raise ValueError("Its keyid is not that of the key.")
    return key


def enrol(state_dir: StrPath, key: PublicKey) -> None:
    """Write the key that the records under `state_dir` will be signed with, and read it back. Raises KeyStoreError."""
    private_file.make_folder(os.path.realpath(state_dir))
    body = {"keyid": key.keyid, "public": base64.standard_b64encode(key.raw).decode()}
    path = os.path.join(state_dir, FILE_NAME)
    private_file.write(path, SecretText(strict_json.dumps(body).decode()))
    if load_public(state_dir) != key:
        raise KeyStoreError(f"{private_file.shown(path)} changed while it was written.", remedy=_REMEDY)
