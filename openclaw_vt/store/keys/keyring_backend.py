"""The operating system's own keyring, through the `keyring` package's backends but never through its choice of them.

`keyring.get_keyring()` obeys `PYTHON_KEYRING_BACKEND` and a `keyringrc.cfg` that can load any module: either can lose a secret
silently or answer with one of an attacker's choice. So the class is named here and made directly, without the
`KEYRING_PROPERTY_*` variables that would redirect even that one.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys.deadline import Caller, Failed, Returned
from openclaw_vt.store.keys.interface import (
    MAX_CHARS,
    PREFIX,
    VIRUSTOTAL_KEY,
    Backend,
    check_kept,
    check_name,
    check_storable,
)
from openclaw_vt.store.keys.secret import SecretText

T = TypeVar("T")
_logger = logging.getLogger(__name__)

DEFAULT_WAIT_S: Final = 20.0
"""Seconds for one call, a person's answer to an unlock prompt included."""

_ACCOUNT = "openclaw-vt"
_MAX_DUPLICATES = 8
_SILENT = "TimeoutError"
_GONE = {"SecretServiceNotAvailableException", "ConnectionError", "DBusException"}
# The prompt is also dismissed when there is no default collection yet and nobody answers the question for its password.
_LOCKED = {"KeyringLocked", "LockedException", "PromptDismissedException"}
_FILE_INSTEAD = (
    'On a machine where nobody can unlock it, set `keys.backend = "file"` in config.toml '
    "(weaker: unencrypted files that only you can read)."
)
# CRED_PERSIST_LOCAL_MACHINE. The default, ENTERPRISE, roams: a signing key and a cache head belong to one machine's cache.
_THIS_MACHINE = 2


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One class that may hold our secrets.

    `max_chars` is what fits into one entry; `pinned` are attributes that its own code would take from the environment, or
    that have to differ for us.
    """

    backend: Backend
    module: str
    name: str
    title: str
    unlock: str
    max_chars: int = MAX_CHARS
    pinned: tuple[tuple[str, Any], ...] = ()


def _default_collection(_self: object) -> Any:
    """Return the default collection, unlocked. keyring's own version leaves its connection open when that fails."""
    import secretstorage
    from keyring.errors import KeyringLocked

    connection = secretstorage.dbus_init()
    try:
        collection = secretstorage.get_default_collection(connection)
        if collection.is_locked():
            collection.unlock()
        if collection.is_locked():
            raise KeyringLocked("The question for its password was dismissed.")
    except BaseException:
        connection.close()
        raise
    return collection


_SECRET_SERVICE = _Allowed(
    "secret-service",
    "keyring.backends.SecretService",
    "Keyring",
    "Secret Service keyring",
    "Unlock it: log in to the desktop, or open Passwords and Keys or KeePassXC.",
    pinned=(("get_preferred_collection", _default_collection),),
)
# The name is otherwise sys.argv[0], and KWallet asks the person anew for each name.
_KWALLET = _Allowed(
    "kwallet",
    "keyring.backends.kwallet",
    "DBusKeyring",
    "KWallet",
    "Unlock it: open KWalletManager and open the wallet.",
    pinned=(("appid", PREFIX),),
)
_MACOS = _Allowed(
    "macos-keychain",
    "keyring.backends.macOS",
    "Keyring",
    "macOS Keychain",
    "Unlock it: run `security unlock-keychain`, or allow Python in the window that macOS shows.",
    pinned=(("keychain", None),),
)
# A credential's blob is at most 5 * 512 bytes of UTF-16 (CRED_MAX_CREDENTIAL_BLOB_SIZE in wincred.h).
_WINDOWS = _Allowed(
    "windows-credential",
    "keyring.backends.Windows",
    "WinVaultKeyring",
    "Windows Credential Manager",
    "Sign in to Windows as the user who set the key.",
    max_chars=1200,
    pinned=(("persist", _THIS_MACHINE),),
)


def allowed(platform: str) -> tuple[_Allowed, ...]:
    """Return the keyrings for a `sys.platform`, in the order in which they are tried.

    The order does not follow the desktop's name, as `keyring` does: a variable must not decide where the keys are looked for.
    """
    if platform == "darwin":
        return (_MACOS,)
    if platform == "win32":
        return (_WINDOWS,)
    return (_SECRET_SERVICE, _KWALLET)


def open_keyring(*, state_dir: Path, wait_s: float) -> KeyringStore | tuple[str, ...]:
    """Return the first usable keyring of this platform, or one sentence for each that is not, saying why. Never raises.

    The D-Bus address comes from the process's environment, as `keyring` reads it there.
    """
    reasons = []
    for choice in allowed(sys.platform):
        caller = Caller(wait_s)
        outcome = caller.call(functools.partial(_make, choice))
        if isinstance(outcome, Returned) and not isinstance(outcome.value, str):
            return KeyringStore(choice, outcome.value, caller, state_dir=state_dir)
        reasons.append(f"{choice.title}: {_why(outcome)}")
        _logger.debug("keyring unusable: %s", reasons[-1])
    return tuple(reasons)


def _make(choice: _Allowed) -> Any:
    """Return a backend made by class, or the reason why it is unusable here."""
    kind = getattr(importlib.import_module(choice.module), choice.name)
    try:
        kind.priority  # noqa: B018 - reading it is how keyring's backends say whether they work here
    except RuntimeError as error:
        # No secret has been near this error, so its text may be shown.
        return "".join(char for char in str(error) if char.isprintable())[:200] or "unusable"
    own = {"set_properties_from_env": lambda _self: None, **dict(choice.pinned)}
    return type(kind.__name__, (kind,), own)()


def _why(outcome: Returned[Any] | Failed) -> str:
    if isinstance(outcome, Returned):
        return f"{outcome.value}."
    if _SILENT in outcome.kinds:
        return "it did not answer."
    return f"it failed with {outcome.kinds[0]}."


class KeyringStore:
    """Secrets in one keyring, each in an entry of its own.

    Entries are called `openclaw-vt.<name>.<scope>`: what belongs to a state folder (signing key, cache head) carries the hash of
    that folder's path, so that two caches of one user do not overwrite each other. The VirusTotal key is the user's.
    """

    writable: Final = True

    def __init__(self, choice: _Allowed, ring: Any, caller: Caller, *, state_dir: Path) -> None:
        self._choice = choice
        self._ring = ring
        self._caller = caller
        self._scope = hashlib.sha256(os.fsencode(os.path.realpath(state_dir))).hexdigest()[:16]

    @property
    def backend(self) -> Backend:
        """Which keyring this is."""
        return self._choice.backend

    @property
    def max_chars(self) -> int:
        """The longest secret that fits into one entry, in characters."""
        return self._choice.max_chars

    def get(self, name: str) -> SecretText | None:
        """Return the secret of that name, or None. Raises KeyStoreError when the keyring is locked, gone or silent."""
        entry = self._entry(name)
        return self._ask("read", lambda: _wrapped(self._ring.get_password(entry, _ACCOUNT)))

    def set(self, name: str, secret: SecretText) -> None:
        """Keep the secret and read it back."""
        check_storable(secret, self.max_chars)
        entry = self._entry(name)
        self._ask("write", lambda: self._ring.set_password(entry, _ACCOUNT, secret.reveal()))
        check_kept(secret, self.get(name), place=self._choice.title)

    def delete(self, name: str) -> bool:
        """Remove the entry and its duplicates. Returns whether there was one."""
        entry = self._entry(name)
        for count in range(_MAX_DUPLICATES):
            if self.get(name) is None:
                return count > 0
            self._ask("delete", lambda: self._ring.delete_password(entry, _ACCOUNT))
        raise KeyStoreError(
            f"The {self._choice.title} still holds {name}.",
            remedy=f"Remove the entries called {entry} in the keyring's own program.",
        )

    def _entry(self, name: str) -> str:
        check_name(name)
        return f"{PREFIX}.{name}" if name == VIRUSTOTAL_KEY else f"{PREFIX}.{name}.{self._scope}"

    def _ask(self, doing: str, work: Callable[[], T]) -> T:
        outcome = self._caller.call(work)
        if isinstance(outcome, Returned):
            return outcome.value
        what, why = _explain(outcome, doing)
        remedy = f"{self._choice.unlock} Then run `openclaw-vt doctor`. {_FILE_INSTEAD}"
        raise KeyStoreError(f"The {self._choice.title} {what}.", why=why, remedy=remedy)


def _explain(outcome: Failed, doing: str) -> tuple[str, str]:
    if _SILENT in outcome.kinds:
        return "does not answer", "It may be waiting for you to unlock it."
    if _GONE.intersection(outcome.kinds):
        return f"went away before it could {doing} a secret", "Its service is not running."
    if _LOCKED.intersection(outcome.kinds):
        return "is locked, or was never set up", "It was not unlocked when it asked for its password."
    return f"could not {doing} a secret", f"It failed with {outcome.kinds[0]}."


def _wrapped(text: str | None) -> SecretText | None:
    return None if text is None else SecretText(text)
