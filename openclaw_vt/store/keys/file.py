"""Secrets in files that only we can read. Unencrypted, therefore used only when the configuration names it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import private_file
from openclaw_vt.store.keys.interface import MAX_CHARS, check_kept, check_name, check_storable, parse_stored
from openclaw_vt.store.keys.secret import SecretText

FOLDER: Final = "keys"


class FileStore:
    """One 0600 file for each secret in `<state>/keys` (0700)."""

    backend: Final = "file"
    writable: Final = True
    max_chars: Final = MAX_CHARS

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / FOLDER

    def get(self, name: str) -> SecretText | None:
        """Return the secret of that name, or None. Refuses files and folders that others could read or swap."""
        path = self._path(name)
        if not self._exists() or not os.path.lexists(path):
            return None
        secret = parse_stored(private_file.read(path, max_bytes=self.max_chars, loose=private_file.ANY_OTHER), self.max_chars)
        if secret is None:
            raise KeyStoreError(f"{private_file.shown(path)} is damaged.", remedy="Remove it and set the key again.")
        return secret

    def set(self, name: str, secret: SecretText) -> None:
        """Write the secret, whole or not at all, and read it back."""
        path = self._path(name)
        check_storable(secret, self.max_chars)
        private_file.make_folder(self._folder)
        private_file.check_folder(self._folder, loose=private_file.ANY_OTHER)
        private_file.write(path, secret)
        check_kept(secret, self.get(name), place="key folder")

    def delete(self, name: str) -> bool:
        """Remove the file. Returns whether there was one. The disk may keep its blocks: replace a key that leaked."""
        path = self._path(name)
        return self._exists() and private_file.remove(path)

    def _path(self, name: str) -> Path:
        return self._folder / check_name(name)

    def _exists(self) -> bool:
        if not os.path.lexists(self._folder):
            return False
        private_file.check_folder(self._folder, loose=private_file.ANY_OTHER)
        return True
