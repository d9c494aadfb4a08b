"""Keeping secrets out of what is written down. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

REDACTED = "[redacted]"
_SHORTEST = 8
# A VirusTotal key looks exactly like a SHA-256, of which reports are full: only its name gives it away.
_NAMED = re.compile(
    r"""((?:x[-_]?)?(?:vt[-_]?|virustotal[-_]?)?api[-_ ]?key["'\\]*\s*[:=]?\s*["'\\]*)[0-9a-f]{64}(?![0-9a-f])""", re.IGNORECASE
)
_BEARER = re.compile(r"(\bbearer\s+)[\w.~+/=-]+", re.IGNORECASE)
_SECRET_NAMES = frozenset(
    {"apikey", "xapikey", "vtapikey", "virustotalapikey", "token", "accesstoken", "password", "passphrase", "secret"}
    | {"authorization", "privatekey", "signingkey"}
)


class Redactor:
    """Replaces known secrets, keys that are named as such, and the values of fields that only ever hold secrets."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """`secrets` shorter than 8 characters are left out: they would tear ordinary words apart."""
        known = sorted({secret for secret in secrets if len(secret) >= _SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known)), re.IGNORECASE) if known else None

    def text(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known:
            text = self._known.sub(REDACTED, text)
        return _BEARER.sub(rf"\1{REDACTED}", _NAMED.sub(rf"\1{REDACTED}", text))

    def value(self, value: Any) -> Any:
        """Return the JSON value without secrets, in names as well as in values."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(str(name)): self._field(str(name), item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.value(item) for item in value]
        return value

    def _field(self, name: str, value: Any) -> Any:
        plain = re.sub(r"[-_ ]", "", name).lower()
        return REDACTED if plain in _SECRET_NAMES and isinstance(value, str) and value else self.value(value)
