"""A second copy of the cache's signed head, in the key store: whoever rolls the cache's files back cannot roll this back.

A head that fits is one entry, replaced in one write. A larger one is cut into parts under the other of two slots, "a" and "b";
the entry `cache-head` then points to the slot. It is written last, so a crash leaves the old head whole.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final, Literal, Self

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.model import strict_json
from openclaw_vt.store.keys.interface import CACHE_HEAD, KeyStore
from openclaw_vt.store.keys.secret import SecretText

MAX_HEAD_BYTES: Final = 1024 * 1024
MAX_PARTS: Final = 128
"""Entries that one head may take: on Windows, with 1,200 characters each, a head of 115 kB."""

_OTHER: Final[dict[Literal["a", "b"], Literal["a", "b"]]] = {"a": "b", "b": "a"}


@dataclass(frozen=True, slots=True)
class _Index:
    """The entry `cache-head`: the head itself in `data` (base64) when `parts` is 0, else where its parts are."""

    data: str
    parts: int
    sha256: str
    slot: Literal["a", "b"]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse strictly. Raises ValueError."""
        body = strict_json.loads(text.encode(), max_bytes=2 * MAX_HEAD_BYTES)
        fields = strict_json.take(body, {"data": str, "parts": int, "sha256": str, "slot": str}, where="cache-head")
        if fields["slot"] not in _OTHER or not 0 <= fields["parts"] <= MAX_PARTS:
            raise ValueError("the entry is out of bounds")
        return cls(fields["data"], fields["parts"], fields["sha256"], fields["slot"])

    def to_secret(self) -> SecretText:
        """Return the entry as one line of JSON."""
        body = {"data": self.data, "parts": self.parts, "sha256": self.sha256, "slot": self.slot}
        return SecretText(strict_json.dumps(body).decode())

    def part_names(self) -> list[str]:
        """Return the names of the entries that hold the parts."""
        return [f"{CACHE_HEAD}.{self.slot}.{number}" for number in range(self.parts)]


class HeadVault:
    """Keeps one head in a key store. Whoever calls `store` holds the cache's write lock."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def load(self) -> bytes | None:
        """Return the head that was stored last, or None before the first. Raises KeyStoreError when it is damaged."""
        for _attempt in range(2):
            # A writer may remove the parts of the old head between our reading of the index and of them; then the index is new.
            index = self._index()
            if index is None:
                return None
            head = self._collect(index)
            if head is not None:
                return head
        raise _damaged()

    def store(self, head: bytes) -> None:
        """Keep `head` in place of the one before. Raises KeyStoreError, after which the one before is still there."""
        if len(head) > MAX_HEAD_BYTES:
            raise _too_large()
        before = self._index_or_none()
        text = base64.standard_b64encode(head).decode()
        index = _Index(text, 0, hashlib.sha256(head).hexdigest(), _OTHER[before.slot] if before else "a")
        if len(index.to_secret().reveal()) > self._store.max_chars:
            index = self._store_parts(index)
        self._store.set(CACHE_HEAD, index.to_secret())
        self._forget(before)

    def delete(self) -> bool:
        """Forget the head. Returns whether there was one."""
        before = self._index_or_none()
        existed = self._store.delete(CACHE_HEAD)
        self._forget(before)
        return existed

    def _store_parts(self, whole: _Index) -> _Index:
        size = self._store.max_chars
        parts = [whole.data[start : start + size] for start in range(0, len(whole.data), size)]
        if len(parts) > MAX_PARTS:
            raise _too_large()
        index = _Index("", len(parts), whole.sha256, whole.slot)
        for name, part in zip(index.part_names(), parts, strict=True):
            self._store.set(name, SecretText(part))
        return index

    def _forget(self, index: _Index | None) -> None:
        for name in index.part_names() if index else ():
            self._store.delete(name)

    def _index(self) -> _Index | None:
        entry = self._store.get(CACHE_HEAD)
        if entry is None:
            return None
        try:
            return _Index.parse(entry.reveal())
        except ValueError:
            raise _damaged() from None

    def _index_or_none(self) -> _Index | None:
        # A damaged entry must not stop us from writing a good one over it.
        try:
            return self._index()
        except KeyStoreError:
            return None

    def _collect(self, index: _Index) -> bytes | None:
        """Return the head an index speaks of, or None when a part is missing or the whole is not what was stored."""
        text = index.data
        for name in index.part_names():
            part = self._store.get(name)
            if part is None:
                return None
            text += part.reveal()
        try:
            head = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            return None
        return head if hashlib.sha256(head).hexdigest() == index.sha256 else None


def open_head_vault(store: KeyStore) -> HeadVault | None:
    """Return the vault on this store, or None where nothing can be kept: then only the file guards against a roll-back."""
    return HeadVault(store) if store.writable else None


def _damaged() -> KeyStoreError:
    return KeyStoreError(
        "The copy of the cache's head in the key store is damaged.",
        remedy="Run `openclaw-vt cache verify`; the cache is judged anew when it cannot be mended.",
    )


def _too_large() -> KeyStoreError:
    return KeyStoreError(
        "The cache's head is too large for the key store.",
        remedy="Run `openclaw-vt cache prune` to shorten it.",
    )
