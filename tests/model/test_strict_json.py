from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_vt.model import strict_json

LIMIT = 1_000_000
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_what_is_written_reads_back(value):
    assert strict_json.loads(strict_json.dumps(value), max_bytes=LIMIT) == value


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":{"b":1,"\\u0062":2}}',
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"1" * 30,
        b"-" + b"1" * 30,
        b"\xff",
        b"\xef\xbb\xbf1",
        b"'a'",
        b"[1,]",
        b"{}{}",
        b"",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(raw):
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the JSON library's
        strict_json.loads(raw, max_bytes=LIMIT)


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_depth_is_bounded(opening):
    with pytest.raises(ValueError, match="deeply"):
        strict_json.loads(opening * 60_000, max_bytes=LIMIT)


@pytest.mark.parametrize("depth", [64, 65])
def test_the_bound_is_sixty_four(depth):
    raw = b"[" * depth + b"]" * depth
    if depth > strict_json.MAX_DEPTH:
        with pytest.raises(ValueError, match="deeply"):
            strict_json.loads(raw, max_bytes=LIMIT)
    else:
        strict_json.loads(raw, max_bytes=LIMIT)


@given(st.lists(st.text(alphabet='[]{}"\\x', max_size=40), max_size=30))
def test_brackets_inside_strings_are_no_depth(texts):
    assert strict_json.loads(json.dumps(texts).encode(), max_bytes=LIMIT) == texts


@pytest.mark.parametrize("raw", [b'"' + b'\\"' * 200_000 + b"[" * 99, b"[" * 99 + b'"\\', b'"\\' * 100_000 + b"[" * 99])
def test_unterminated_strings_are_refused_without_long_thought(raw):
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the JSON library's
        strict_json.loads(raw, max_bytes=LIMIT)


def test_size_is_bounded_before_anything_is_parsed():
    with pytest.raises(ValueError, match="larger than 10"):
        strict_json.loads(b'"aaaaaaaaaaa"', max_bytes=10)


def test_a_boolean_is_no_number():
    with pytest.raises(ValueError, match=r"thing\.n"):
        strict_json.take({"n": True}, {"n": int}, where="thing")
