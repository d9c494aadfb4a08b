from __future__ import annotations

import json
import math

import json5 as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw_vt.openclaw.json5 import MAX_DEPTH, loads, parse

AUTHORED = """\
\ufeff// a person wrote this
{
  /* several
     lines */
  plain: 'single "quoted"', "double": "it's",
  $id_1: +0x1F, \\u0061bc: -.5e1, ключ: Infinity,
  'line \\
continued': "\\x41\\u0042\\v\\0\\'",
  list: [1, 2., .5, null, true, false,],
}
// the end
"""


def test_what_people_write():
    assert loads(AUTHORED) == {
        "plain": 'single "quoted"',
        "double": "it's",
        "$id_1": 31,
        "abc": -5.0,
        "ключ": math.inf,
        "line continued": "AB\v\0'",
        "list": [1, 2.0, 0.5, None, True, False],
    }


def test_the_last_of_two_equal_keys_wins_when_reading_and_is_refused_when_looking():
    node = parse("{a: 1, 'a': 2}")
    assert node.value == {"a": 2}
    with pytest.raises(ValueError, match="stands twice"):
        node.child("a")


def test_spans_are_exact():
    text = "{ // c\n a /* x */ : [ 1 , 'b' ] ,}"
    child = parse(text).child("a")
    assert child is not None
    assert text[child.start] == "a"
    assert text[child.node.start : child.node.end] == "[ 1 , 'b' ]"
    assert child.comma == text.rindex(",")
    assert [text[item.node.start : item.node.end] for item in child.node.children or ()] == ["1", "'b'"]


BROKEN = {
    "empty": "",
    "only-a-comment": "// nothing",
    "comment-without-end": "{} /* ",
    "two-values": "{} {}",
    "no-comma": "{a: 1 b: 2}",
    "two-commas": "[1,,2]",
    "leading-comma": "[,1]",
    "no-colon": "{a 1}",
    "no-value": "{a: }",
    "open-object": "{a: 1",
    "open-list": "[1, ",
    "wrong-bracket": "[1}",
    "open-text": "'abc",
    "text-over-lines": "'a\nb'",
    "octal": "012",
    "number-with-a-tail": "[1a]",
    "lone-sign": "[+]",
    "lone-dot": "[.]",
    "half-hex": "'\\x4'",
    "hex-that-is-none": "'\\u00_1'",
    "octal-escape": "'\\1'",
    "zero-before-digit": "'\\01'",
    "word": "{a: yes}",
    "bad-key": "{1a: 1}",
    "escaped-key-that-is-none": "{\\u0020a: 1}",
    "function": "{a: f()}",
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_json5_is_refused(name):
    with pytest.raises(ValueError, match="line 1"):
        parse(BROKEN[name])


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2)])
def test_depth_is_bounded(text):
    with pytest.raises(ValueError, match=r"too deeply|missing"):
        parse(text)


def test_depth_that_python_itself_refuses_is_a_value_error():
    with pytest.raises(ValueError, match="too deeply"):
        loads("[" * 100_000 + "]" * 100_000)


@given(st.text(max_size=80))
def test_arbitrary_text_raises_nothing_but_value_error(text):
    try:
        loads(text)
    except ValueError:
        return


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(TREES)
def test_json_is_read_as_json(tree):
    for text in (json.dumps(tree), json.dumps(tree, indent=2, ensure_ascii=False)):
        assert parse(text).value == json.loads(text)


TOKENS = ("{", "}", "[", "]", ",", ":", "a", "'b'", '"c"', "1", "-.5", "0x1f", "null", " ", "\n", "// x\n", "/* y */", "\\")


@settings(max_examples=300)
@given(st.lists(st.sampled_from(TOKENS), max_size=12).map("".join))
def test_another_reader_agrees(text):
    try:
        expected = oracle.loads(text)
    except Exception:  # noqa: BLE001 - the other reader has errors of several kinds, and all of them mean "no"
        with pytest.raises(ValueError, match="line"):
            parse(text)
        return
    assert parse(text).value == expected
