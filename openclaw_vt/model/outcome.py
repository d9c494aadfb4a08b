"""The moments that ask and the three answers; apart from the rest of the vocabulary, because a cache hit needs no more."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Phase(StrEnum):
    """The moment that asks."""

    PRE_INSTALL = "pre-install"
    PRE_EXECUTE = "pre-execute"
    POST_UPDATE = "post-update"
    SCAN = "scan"
    RESCAN = "rescan"


class Outcome(IntEnum):
    """OpenClaw's own three, ordered: the worst wins. `warn` means that a person must confirm."""

    ALLOW = 0
    WARN = 1
    BLOCK = 2

    @property
    def label(self) -> str:
        """The lower-case word of the report schema and of OpenClaw's protocol."""
        return self.name.lower()
