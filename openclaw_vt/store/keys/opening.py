"""Which key store is used: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys.credential import CredentialStore
from openclaw_vt.store.keys.file import FileStore
from openclaw_vt.store.keys.interface import BackendChoice, KeyStore, NoStore
from openclaw_vt.store.keys.keyring_backend import DEFAULT_WAIT_S, open_keyring


def open_store(
    backend: BackendChoice, *, state_dir: Path, environ: Mapping[str, str], wait_s: float = DEFAULT_WAIT_S
) -> KeyStore:
    """Return the key store that the configuration names.

    "auto" takes the operating system's keyring, else systemd's credentials, else one that keeps nothing and says why; never
    files, which must be named. The others raise KeyStoreError when they are unusable here. `wait_s` bounds each call to a
    keyring, a person's answer to its prompt included.
    """
    if backend == "file":
        return FileStore(state_dir)
    if backend == "systemd-credential":
        return _named_credentials(environ)
    ring = open_keyring(state_dir=state_dir, wait_s=wait_s)
    if not isinstance(ring, tuple):
        return ring
    if backend == "keyring":
        raise KeyStoreError(
            "No keyring is usable here.",
            why=" ".join(ring),
            remedy='Start one (GNOME Keyring, KWallet), or set `keys.backend = "file"` in config.toml (weaker: unencrypted '
            "files that only you can read).",
        )
    folder = CredentialStore.find(environ)
    return NoStore(ring) if folder is None else CredentialStore(folder)


def _named_credentials(environ: Mapping[str, str]) -> KeyStore:
    folder = CredentialStore.find(environ)
    if folder is None:
        raise KeyStoreError(
            "systemd has passed no credential of ours to this process.",
            why="$CREDENTIALS_DIRECTORY is not set, or holds no file called openclaw-vt.<name>.",
            remedy="Name them in the unit: `LoadCredentialEncrypted=openclaw-vt.virustotal-api-key:FILE`.",
        )
    return CredentialStore(folder)
