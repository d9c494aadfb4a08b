"""A text that must not be seen by accident: it prints as "[secret]" everywhere and is read only by asking for it."""

from __future__ import annotations

from typing import NoReturn, SupportsIndex


class SecretText:
    """Holds one secret. `str`, `repr` and `format` hide it, pickling and copying are refused; `reveal()` returns it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the secret itself. Use the result at once; never bind it to a name that lives on."""
        return self._value

    def __repr__(self) -> str:
        return "[secret]"

    def __str__(self) -> str:
        return "[secret]"

    def __format__(self, _spec: str) -> str:
        return "[secret]"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SecretText):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    # A hash would let a secret be used as a dictionary key, and from there land in a dump of that dictionary.
    __hash__ = None  # type: ignore[assignment]  # typeshed has no way to say "unhashable"

    def __reduce_ex__(self, _protocol: SupportsIndex) -> NoReturn:
        raise TypeError("A secret is not pickled or copied.")
