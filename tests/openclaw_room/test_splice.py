from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_vt.openclaw.json5 import loads
from openclaw_vt.openclaw.splice import add, drop, drop_item, look, put, put_back

PATH = ("security", "installPolicy")
BLOCK = {"enabled": True, "exec": {"command": "/x", "args": []}}

COMMENTED = """\
// a comment at the top
{
    /* my settings */
    security: {
        // the gate
        audit: true // keep me here
    },
    plugins: { load: { paths: ['/a'] }, entries: {} }, // trailing
}
"""


def test_a_commented_file_gains_the_key_and_nothing_else_moves():
    after = put(COMMENTED, PATH, BLOCK)
    assert after == COMMENTED.replace(
        "audit: true // keep me here\n",
        "audit: true, // keep me here\n"
        '        "installPolicy": {\n'
        '            "enabled": true,\n'
        '            "exec": {\n'
        '                "command": "/x",\n'
        '                "args": []\n'
        "            }\n"
        "        }\n",
    )
    assert drop(after, PATH) == COMMENTED


LAYOUTS = {
    "empty": "{}",
    "empty-lines": "{\n}\n",
    "comment-only": "{ // nothing yet\n}\n",
    "block-comment-only": "{ /* nothing yet */ }",
    "one-line": '{"a": 1}\n',
    "one-line-trailing-comma": "{a: 1, }",
    "trailing-comma": "{\n  a: 1,\n}\n",
    "comment-after-comma": "{\n  a: 1, // why\n}\n",
    "comment-before-comma": "{\n  a: 1 // why\n  ,\n}\n",
    "comment-at-the-end": "{\n  a: 1\n  // the end\n}\n",
    "tabs": '{\n\t"a": 1\n}\n',
    "windows": '{\r\n    "a": {\r\n        "b": []\r\n    }\r\n}\r\n',
    "closing-bracket-on-the-last-line": "{\n  a: 1 }",
    "byte-order-mark": "\ufeff{\n  a: 1\n}\n",
    "comment-before": "// {\n{ a: 1 }",
    "security-is-there": "{ security: { audit: { deep: true } } }",
    "policy-is-there": "{ security: { installPolicy: { enabled: false, /* off */ }, x: 1 } }",
    "unicode": '{\n  "名前": "値", // 註\n}\n',
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout(layout):
    before = LAYOUTS[layout]
    after = put(before, PATH, BLOCK)
    expected = loads(before)
    expected.setdefault("security", {})["installPolicy"] = BLOCK
    assert loads(after) == expected
    assert put(after, PATH, BLOCK) == put(put(after, PATH, {}), PATH, BLOCK)
    found = look(before, PATH)
    if found:
        assert put_back(after, PATH, found.text) == before
    assert ("\r\n" in after) == ("\r\n" in before)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if not name.startswith(("empty", "block", "policy", "security"))])
def test_what_was_inserted_can_be_cut_out_to_the_byte(layout):
    before = LAYOUTS[layout]
    assert drop(put(before, PATH, BLOCK), ("security",)) == before


def test_lists_gain_and_lose_one_item():
    after = add(COMMENTED, ("plugins", "load", "paths"), "/b c")
    assert after == COMMENTED.replace("['/a']", "['/a', \"/b c\"]")
    assert drop_item(after, ("plugins", "load", "paths"), "/b c") == COMMENTED
    assert loads(add("{}", ("plugins", "load", "paths"), "/b")) == {"plugins": {"load": {"paths": ["/b"]}}}
    many = "{ paths: [\n  '/a', // first\n  '/b'\n] }"
    assert drop_item(add(many, ("paths",), "/c"), ("paths",), "/c") == many
    assert drop_item(many, ("paths",), "/a") == "{ paths: [\n  // first\n  '/b'\n] }"


TRAPS = {
    "same-key-twice": "{ security: {}, security: { installPolicy: {} } }",
    "same-key-in-two-spellings": "{ security: {}, 'secur\\u0069ty': {} }",
    "not-an-object": "{ security: 'on' }",
    "list-for-an-object": "{ security: [] }",
    "null-for-an-object": "{ security: null }",
    "whole-file-is-a-list": "[]",
    "content-from-another-file": "{ security: { $include: './security.json5' } }",
    "broken": "{ security: ",
}


@pytest.mark.parametrize("trap", TRAPS)
def test_a_file_that_is_no_plain_ground_is_left_alone(trap):
    with pytest.raises(ValueError, match=r"."):
        put(TRAPS[trap], PATH, BLOCK)


def test_what_is_not_there_cannot_be_taken_out():
    for absent in (("security", "installPolicy"), ("a",)):
        with pytest.raises(ValueError, match="not there"):
            drop("{ security: {} }", absent)
    for text in ("{}", "{ paths: 'x' }", "{ paths: ['y'] }"):
        with pytest.raises(ValueError, match="not in"):
            drop_item(text, ("paths",), "x")
    with pytest.raises(ValueError, match="no list"):
        add("{ paths: 'x' }", ("paths",), "y")


NAMES = st.sampled_from(["a", "b", "security", "key with blank", "ü"])
VALUES = st.recursive(
    st.integers(0, 9) | st.booleans() | st.text("ab'\"\\ /*{}", max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BLANKS = st.sampled_from(["", " ", "\n", "\n  ", " // note, {x}\n", "/* [a, */", "\t", "\r\n"])


@st.composite
def written(draw, tree):
    """The tree as somebody might type it: blanks and comments anywhere, trailing commas, either quote."""
    gap = draw(BLANKS)
    if isinstance(tree, dict):
        parts = [f"{draw(BLANKS)}{json.dumps(key)}{draw(BLANKS)}:{draw(written(value))}" for key, value in tree.items()]
    elif isinstance(tree, list):
        parts = [draw(written(value)) for value in tree]
    else:
        return gap + json.dumps(tree, ensure_ascii=False) + draw(BLANKS)
    brackets = "{}" if isinstance(tree, dict) else "[]"
    trailing = "," if parts and draw(st.booleans()) else ""
    return gap + brackets[0] + ",".join(parts) + trailing + draw(BLANKS) + brackets[1] + draw(BLANKS)


def survives(part: str, whole: str) -> bool:
    """Whether every character of `part` is in `whole`, in order: nothing was lost."""
    rest = iter(whole)
    return all(char in rest for char in part)


@given(data=st.data(), tree=st.dictionaries(NAMES, VALUES, max_size=3), path=st.lists(NAMES, min_size=1, max_size=3).map(tuple))
def test_however_it_is_written_an_edit_changes_one_value(data, tree, path):
    text = data.draw(written(tree))
    try:
        found = look(text, path)
        after = put(text, path, BLOCK)
    except ValueError:
        assert any(not isinstance(at(tree, path[:n]), dict) for n in range(len(path)))
        return
    assert at(loads(after), path) == BLOCK
    if found is not None:
        assert put_back(after, path, found.text) == text
    else:
        assert survives(text, after)
        there = next(n for n in range(len(path), -1, -1) if at(tree, path[:n]) is not None)
        assert loads(drop(after, path[: there + 1])) == tree


def at(tree: object, path: tuple[str, ...]) -> object:
    for key in path:
        tree = tree.get(key) if isinstance(tree, dict) else None
    return tree
