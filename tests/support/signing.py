"""Signing keys from a fixed seed, a vault in memory, and drafts of statements."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.attestation.statement import Draft, Kind
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.model.subject import Digest

NOW = 1_800_000_000
DAY = 24 * 3600


class Key:
    """An Ed25519 key that is the same in every process."""

    def __init__(self, seed: str) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(seed.encode()).digest())
        self.public = PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)


OURS = Key("ours")
THEIRS = Key("theirs")


@dataclass
class MemoryVault:
    """A key store's entry that nobody rolls back. `broken` makes it refuse like a locked keyring."""

    head: bytes | None = None
    broken: bool = False

    def load(self) -> bytes | None:
        if self.broken:
            raise KeyStoreError("The keyring is locked.")
        return self.head

    def store(self, head: bytes) -> None:
        if self.broken:
            raise KeyStoreError("The keyring is locked.")
        self.head = head


@dataclass
class Clock:
    """Epoch seconds, moved by hand."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


def digest(text: str) -> Digest:
    """Return a digest that stands for something called `text`."""
    return Digest(hashlib.sha256(text.encode()).hexdigest())


WEATHER = digest("weather")
MAIL = digest("mail")
POLICY = digest("policy")
STRICTER = digest("stricter policy")


@dataclass
class Says:
    """Makes drafts at a moment."""

    time: int = NOW
    detail: dict[str, Any] = field(default_factory=dict)

    def passed(self, tree: Digest = WEATHER, policy: Digest = POLICY, **detail: Any) -> Draft:
        return self._verified(tree, policy, "PASSED", detail)

    def failed(self, tree: Digest = WEATHER, policy: Digest = POLICY, **detail: Any) -> Draft:
        return self._verified(tree, policy, "FAILED", detail)

    def _verified(self, tree: Digest, policy: Digest, result: Any, detail: dict[str, Any]) -> Draft:
        return Draft(
            Kind.VERIFICATION,
            tree,
            "skill:weather",
            self.time,
            policy=policy,
            result=result,
            not_after=self.time + 30 * DAY,
            detail=detail,
        )

    def accepted(self, tree: Digest = WEATHER, basis: str = "accepted") -> Draft:
        return Draft(Kind.ACCEPTANCE, tree, "skill:weather", self.time, detail={"basis": basis})

    def revoked(self, tree: Digest = WEATHER) -> Draft:
        return Draft(Kind.REVOCATION, tree, "skill:weather", self.time, detail={"why": "a test"})

    def reinstated(self, tree: Digest = WEATHER) -> Draft:
        return Draft(Kind.REINSTATEMENT, tree, "skill:weather", self.time)


SAYS = Says()
