"""Secrets that systemd hands to a service (`LoadCredential=`, `LoadCredentialEncrypted=`). Read only.

systemd writes each one 0400 into `$CREDENTIALS_DIRECTORY`, a folder of the unit's own. For a service with `User=` the file
stays root's and an ACL entry admits that user, which `stat` shows as mode 0440: the ACL's mask stands in the group bits. Where
the file system has no ACLs, the file is given to the user instead (systemd, src/core/exec-credential.c, write_credential).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import private_file
from openclaw_vt.store.keys.interface import MAX_CHARS, PREFIX, check_name, parse_stored
from openclaw_vt.store.keys.secret import SecretText

_GROUP_READS = 0o040
_REMEDY = (
    "Make one with `systemd-creds encrypt --name=openclaw-vt.NAME - FILE` and name it in the unit: "
    "`LoadCredentialEncrypted=openclaw-vt.NAME:FILE`."
)


class CredentialStore:
    """The credentials of the systemd unit we run in, named `openclaw-vt.<name>`."""

    backend: Final = "systemd-credential"
    writable: Final = False
    max_chars: Final = MAX_CHARS

    def __init__(self, folder: Path) -> None:
        private_file.check_folder(folder, loose=private_file.OTHER_WRITES)
        self._folder = folder

    @staticmethod
    def find(environ: Mapping[str, str]) -> Path | None:
        """Return the folder of the unit's credentials if it holds one of ours, otherwise None."""
        named = environ.get("CREDENTIALS_DIRECTORY", "")
        if not private_file.HAS_MODES or not Path(named).is_absolute():
            return None
        try:
            ours = any(entry.name.startswith(f"{PREFIX}.") for entry in Path(named).iterdir())
        except OSError:
            return None
        return Path(named) if ours else None

    def get(self, name: str) -> SecretText | None:
        """Return the credential of that name, or None. One line end after it is no part of it."""
        path = self._folder / f"{PREFIX}.{check_name(name)}"
        if not os.path.lexists(path):
            return None
        loose = self._loose(path)
        secret = parse_stored(_without_line_end(private_file.read(path, max_bytes=self.max_chars, loose=loose)), self.max_chars)
        if secret is None:
            raise KeyStoreError(f"The systemd credential {path.name} is not one line of printable ASCII.", remedy=_REMEDY)
        return secret

    def _loose(self, path: Path) -> int:
        # Group-read on root's file, seen by somebody else, is the ACL mask described above; we can read it only through the ACL.
        try:
            roots = path.lstat().st_uid == 0 != private_file.us()
        except OSError:
            roots = False
        return private_file.ANY_OTHER & ~(_GROUP_READS if roots else 0)

    def set(self, name: str, secret: SecretText) -> None:
        """Raise KeyStoreError: only whoever writes the unit can set a credential."""
        del secret
        raise self._read_only(name)

    def delete(self, name: str) -> bool:
        """Raise KeyStoreError, unless there is nothing to delete."""
        if self.get(name) is None:
            return False
        raise self._read_only(name)

    @staticmethod
    def _read_only(name: str) -> KeyStoreError:
        return KeyStoreError(f"systemd credentials are read only; {name} is set in the unit.", remedy=_REMEDY)


def _without_line_end(raw: bytes | None) -> bytes:
    return (raw or b"").removesuffix(b"\n").removesuffix(b"\r")
