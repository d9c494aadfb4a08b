"""What a key store is, and the two that need no machine: the one that keeps nothing, and the one in memory."""

from __future__ import annotations

import re
from typing import Final, Literal, Protocol

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys.secret import SecretText

Backend = Literal[
    "secret-service",
    "macos-keychain",
    "windows-credential",
    "kwallet",
    "systemd-credential",
    "file",
    "environment",
    "none",
    "memory",
]
"""Where a secret lies. "environment" is only ever the place of the VirusTotal key, "memory" only that of the demo."""

BackendChoice = Literal["auto", "keyring", "systemd-credential", "file"]
"""The values of `keys.backend` in the configuration."""

VIRUSTOTAL_KEY: Final = "virustotal-api-key"
SIGNING_KEY: Final = "signing-key"
CACHE_HEAD: Final = "cache-head"

PREFIX: Final = "openclaw-vt"
"""What our secrets are called in places shared with other programs: `openclaw-vt.<name>`."""

MAX_CHARS: Final = 16 * 1024
"""Characters in one secret. Keyrings hold more, but some keep values in locked memory, of which a user has little."""

_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")
_STORABLE = re.compile(r"[\x21-\x7e]+")
_MAX_NAME = 64


class KeyStore(Protocol):
    """A place for named secrets. Every method may raise KeyStoreError, whose remedy says what to do about the place."""

    @property
    def backend(self) -> Backend:
        """Which kind of place this is."""

    @property
    def writable(self) -> bool:
        """False when `set` and `delete` always raise."""

    @property
    def max_chars(self) -> int:
        """The longest secret the place takes, in characters."""

    def get(self, name: str) -> SecretText | None:
        """Return the secret of that name, or None when there is none."""

    def set(self, name: str, secret: SecretText) -> None:
        """Keep `secret` under `name` and read it back: on return it is really there."""

    def delete(self, name: str) -> bool:
        """Forget the secret and make sure that it is gone. Returns whether there was one."""


def check_name(name: str) -> str:
    """Return `name` if it may name a secret: it becomes part of a file name and of an attribute. Raises KeyStoreError."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise KeyStoreError("A secret was asked for under an impossible name.")
    return name


def check_storable(secret: SecretText, max_chars: int) -> SecretText:
    """Return `secret` if any place gives it back unchanged: printable ASCII without spaces. Raises KeyStoreError."""
    if len(secret.reveal()) > max_chars:
        raise KeyStoreError("The secret is too long for this key store.", why=f"It takes {max_chars} characters.")
    if not _STORABLE.fullmatch(secret.reveal()):
        raise KeyStoreError("The secret is empty or holds characters other than printable ASCII.")
    return secret


def parse_stored(raw: bytes | None, max_chars: int) -> SecretText | None:
    """Return the secret that `raw` spells, or None when it spells none. Does not raise, so no error's frames hold `raw`."""
    try:
        return check_storable(SecretText((raw or b"").decode("ascii")), max_chars)
    except (UnicodeDecodeError, KeyStoreError):
        return None


def check_kept(expected: SecretText, found: SecretText | None, *, place: str) -> None:
    """Compare what was read back with what was written. Raises KeyStoreError: such a place loses keys silently."""
    if found != expected:
        raise KeyStoreError(
            f"The {place} did not keep the secret.",
            why="What was read back is not what was written." if found else "Nothing was there when it was read back.",
            remedy="Repair or replace that key store, then run `openclaw-vt doctor`.",
        )


class NoStore:
    """Stands in where no place is usable: holds nothing, and says why when it is asked to keep something."""

    backend: Final = "none"
    writable: Final = False
    max_chars: Final = 0

    def __init__(self, reasons: tuple[str, ...] = ()) -> None:
        self.reasons = reasons
        """Why each place that was tried is unusable, one sentence each."""

    def get(self, name: str) -> SecretText | None:
        """Return None: nothing is kept here."""
        check_name(name)
        return None

    def set(self, name: str, secret: SecretText) -> None:
        """Raise KeyStoreError with the ways out."""
        del name, secret
        raise KeyStoreError(
            "There is no key store on this machine that a secret could be kept in.",
            why=" ".join(self.reasons),
            remedy="Start a keyring (GNOME Keyring, KWallet), pass the key as a systemd credential, or set "
            '`keys.backend = "file"` in config.toml (weaker: unencrypted files that only you can read).',
        )

    def delete(self, name: str) -> bool:
        """Return False: there was none."""
        check_name(name)
        return False


class InMemoryStore:
    """Keeps secrets until the process ends. For the demo and for tests only: nothing else may choose it."""

    backend: Final = "memory"
    writable: Final = True

    def __init__(self, *, max_chars: int = MAX_CHARS) -> None:
        self.max_chars = max_chars
        self._secrets: dict[str, SecretText] = {}

    def get(self, name: str) -> SecretText | None:
        """Return the secret of that name, or None."""
        return self._secrets.get(check_name(name))

    def set(self, name: str, secret: SecretText) -> None:
        """Keep `secret` under `name`."""
        self._secrets[check_name(name)] = check_storable(secret, self.max_chars)

    def delete(self, name: str) -> bool:
        """Forget the secret. Returns whether there was one."""
        return self._secrets.pop(check_name(name), None) is not None
