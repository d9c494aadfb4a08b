"""The VirusTotal key: where it comes from, what it may look like, and keeping it out of sight."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys.interface import VIRUSTOTAL_KEY, Backend, KeyStore
from openclaw_vt.store.keys.public import load_public
from openclaw_vt.store.keys.secret import SecretText

VARIABLE: Final = "VT_API_KEY"

# Today's keys are 64 hexadecimal digits. Their form is not documented, so only what would break an HTTP header is refused.
_KEY = re.compile(r"[\x21-\x7e]{16,256}")
_SECRET_VARIABLES = (VARIABLE, "VTCLI_APIKEY", "CREDENTIALS_DIRECTORY")


@dataclass(frozen=True, slots=True)
class VirusTotalKey:
    """The key and the place it was found in."""

    secret: SecretText
    backend: Backend


@dataclass(frozen=True, slots=True)
class KeyStatus:
    """What `key status` tells. `backend` is where the VirusTotal key lies, or would be put if it were set now."""

    stored: bool
    backend: Backend
    store: Backend
    signing_keyid: str | None


def check_virustotal_key(key: SecretText, *, source: str) -> SecretText:
    """Return the key if it can be one: 16 to 256 printable ASCII characters without spaces. Raises KeyStoreError.

    The message names `source`, never the key.
    """
    if not _KEY.fullmatch(key.reveal()):
        raise KeyStoreError(
            f"{source} does not hold a VirusTotal key.",
            why="A key is one word of 16 to 256 printable ASCII characters; today's are 64 hexadecimal digits.",
            remedy="Copy it from https://www.virustotal.com/gui/my-apikey.",
        )
    return key


def virustotal_key(store: KeyStore, environ: Mapping[str, str]) -> VirusTotalKey | None:
    """Return the key to ask VirusTotal with, or None. `VT_API_KEY` wins over the store, unless it is empty.

    Raises KeyStoreError for a malformed key and for a store that does not answer.
    """
    if environ.get(VARIABLE):
        return VirusTotalKey(check_virustotal_key(SecretText(environ[VARIABLE]), source=VARIABLE), "environment")
    stored = store.get(VIRUSTOTAL_KEY)
    if stored is None:
        return None
    return VirusTotalKey(check_virustotal_key(stored, source="The key store"), store.backend)


def set_virustotal_key(store: KeyStore, key: SecretText) -> None:
    """Keep the key that a person typed or piped in; one line end after it is no part of it. Raises KeyStoreError."""
    key = SecretText(key.reveal().removesuffix("\n").removesuffix("\r"))
    store.set(VIRUSTOTAL_KEY, check_virustotal_key(key, source="The input"))


def delete_virustotal_key(store: KeyStore) -> bool:
    """Forget the key. Returns whether there was one. A `VT_API_KEY` in the environment is not ours to remove."""
    return store.delete(VIRUSTOTAL_KEY)


def key_status(store: KeyStore, *, state_dir: Path, environ: Mapping[str, str]) -> KeyStatus:
    """Return where the keys are, without touching the network. Raises KeyStoreError when the store does not answer."""
    found = virustotal_key(store, environ)
    enrolled = load_public(state_dir)
    return KeyStatus(
        stored=found is not None,
        backend=store.backend if found is None else found.backend,
        store=store.backend,
        signing_keyid=None if enrolled is None else enrolled.keyid,
    )


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return a copy of the environment for a program we start, without the variables that hold or lead to our keys."""
    return {name: value for name, value in environ.items() if name.upper() not in _SECRET_VARIABLES}
