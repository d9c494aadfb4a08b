"""A bounded reader of marshalled code that builds no objects: it gives every value a number, equal values the same one.

`marshal.loads` must never see hostile bytes. Here references, interning and the various encodings of one string all
come down to the value; only `co_filename` is put aside, because an interpreter overwrites it when it imports the file.
Layout: Python/marshal.c of CPython 3.8 to 3.14 (format 2 to 5); the code object's own layout changed in 3.11.
"""

from __future__ import annotations

from collections.abc import Callable

MAX_DEPTH = 200
"""Nested values. A compiler stops at 100 nested blocks."""

_FLAG_REF = 0x80
_SINGLES = b"NFT."
_FIXED = {ord("i"): 4, ord("g"): 8, ord("y"): 16}
_SHORT_TEXT = b"zZ"
_ASCII_TEXT = b"aA"
_UTF8_TEXT = b"ut"

Value = int
"""A value's number, unique within one Numbers."""


class Numbers:
    """Numbers for values, shared by the readers whose results are to be compared."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], Value] = {}

    def of(self, *value: object) -> Value:
        """Return the number of a value described by its kind and its bytes or the numbers of its parts."""
        return self._known.setdefault(value, len(self._known))


class CodeReader:
    """Reads one marshalled module. `filenames` are the raw `co_filename`s met; `values` counts what was read."""

    __slots__ = ("_at", "_data", "_left", "_limit", "_numbers", "_refs", "_texts", "_version", "filenames")

    def __init__(self, data: bytes, numbers: Numbers, *, version: tuple[int, int], max_values: int) -> None:
        self._data = data
        self._numbers = numbers
        self._version = version
        self._left = self._limit = max_values
        self._at = 0
        self._refs: list[Value | None] = []
        self._texts: dict[Value, bytes] = {}
        self.filenames: set[bytes] = set()

    @property
    def values(self) -> int:
        """How many values were read."""
        return self._limit - self._left

    def module(self) -> Value:
        """Return the number of the one code object that fills the data. Raises ValueError for anything else."""
        if self._data[:1] not in (b"c", b"\xe3"):
            raise ValueError("no code object")
        value = self._value(0)
        if self._at != len(self._data):
            raise ValueError("bytes follow the code object")
        return value

    def _bytes(self, size: int) -> bytes:
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise ValueError("cut off")
        part = self._data[self._at : end]
        self._at = end
        return part

    def _long(self) -> int:
        return int.from_bytes(self._bytes(4), "little", signed=True)

    def _value(self, depth: int) -> Value:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise ValueError("too much, or too deep")
        kind = self._bytes(1)[0]
        flagged, kind = kind & _FLAG_REF, kind & ~_FLAG_REF
        if kind == ord("r"):
            return self._reference()
        place = len(self._refs)
        if flagged:  # marshal reserves the number before it reads the parts
            self._refs.append(None)
        value = self._plain(kind) if kind not in _COMPOSITE else _COMPOSITE[kind](self, depth + 1)
        if flagged:
            self._refs[place] = value
        return value

    def _reference(self) -> Value:
        index = self._long()
        value = self._refs[index] if 0 <= index < len(self._refs) else None
        if value is None:
            raise ValueError("a reference to nothing")
        return value

    def _plain(self, kind: int) -> Value:
        if kind in _SINGLES:
            return self._numbers.of(kind)
        if kind in _FIXED:
            return self._numbers.of(kind, self._bytes(_FIXED[kind]))
        if kind == ord("l"):
            return self._numbers.of(kind, self._bytes(4 + 2 * abs(int.from_bytes(self._peek(4), "little", signed=True))))
        if kind == ord("s"):
            return self._numbers.of(kind, self._bytes(self._long()))
        return self._text(kind)

    def _peek(self, size: int) -> bytes:
        return self._data[self._at : self._at + size]

    def _text(self, kind: int) -> Value:
        if kind in _SHORT_TEXT:
            raw = self._bytes(self._bytes(1)[0])
        elif kind in _ASCII_TEXT or kind in _UTF8_TEXT:
            raw = self._bytes(self._long())
        else:
            raise ValueError("a value no compiler writes")
        if kind not in _UTF8_TEXT and not raw.isascii():
            raise ValueError("text that is not what it says")
        value = self._numbers.of("text", raw)
        self._texts[value] = raw
        return value

    def _parts(self, count: int, depth: int) -> list[Value]:
        if not 0 <= count <= self._left:
            raise ValueError("too many parts")
        return [self._value(depth) for _ in range(count)]

    def _short_tuple(self, depth: int) -> Value:
        return self._numbers.of("tuple", *self._parts(self._bytes(1)[0], depth))

    def _tuple(self, depth: int) -> Value:
        return self._numbers.of("tuple", *self._parts(self._long(), depth))

    def _frozenset(self, depth: int) -> Value:
        # Hash randomisation changes the order from run to run.
        return self._numbers.of("frozenset", *sorted(self._parts(self._long(), depth)))

    def _slice(self, depth: int) -> Value:
        return self._numbers.of("slice", *self._parts(3, depth))

    def _code(self, depth: int) -> Value:
        new = self._version >= (3, 11)
        head = self._bytes(20 if new else 24)  # argument counts, stack size, flags
        before = self._parts(5 if new else 6, depth)
        name = self._texts.get(self._value(depth))
        if name is None:
            raise ValueError("a file name that is no text")
        self.filenames.add(name)
        named = self._parts(2 if new else 1, depth)
        first_line = self._bytes(4)
        tables = self._parts(2 if new else 1, depth)
        return self._numbers.of("code", head, *before, *named, first_line, *tables)


_COMPOSITE: dict[int, Callable[[CodeReader, int], Value]] = {
    ord("("): CodeReader._tuple,  # noqa: SLF001 - this table is the reader's own
    ord(")"): CodeReader._short_tuple,  # noqa: SLF001 - see above
    ord(">"): CodeReader._frozenset,  # noqa: SLF001 - see above
    ord(":"): CodeReader._slice,  # noqa: SLF001 - see above
    ord("c"): CodeReader._code,  # noqa: SLF001 - see above
}
