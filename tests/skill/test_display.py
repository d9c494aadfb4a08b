from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw_vt.model.display import hides, shown, shown_text

HOSTILE = st.text(st.characters(codec=None) | st.sampled_from("\x1b\x9b\r\n\u202e\u200b\U000e0041\udc80\\[]31m"), max_size=300)


@given(HOSTILE, st.integers(min_value=20, max_value=200))
@settings(deadline=None)
def test_a_shown_name_is_printable_short_and_encodable(name: str, limit: int) -> None:
    text = shown(name, limit)
    assert len(text) <= limit
    assert not hides(text)
    assert "\n" not in text
    assert "\x1b" not in text
    text.encode("utf-8")


@given(HOSTILE, st.integers(min_value=1, max_value=200))
@settings(deadline=None)
def test_a_shown_text_is_one_short_line(text: str, limit: int) -> None:
    line = shown_text(text, limit)
    assert len(line) <= limit
    assert not hides(line)
    assert line == " ".join(line.split())
    line.encode("utf-8")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scripts/run.py", "scripts/run.py"),
        ("資料/猫 é.md", "資料/猫 é.md"),
        ("a\x1b[31mb", r"a\x1b[31mb"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("caf\udce9", r"caf\xe9"),
        ("back\\slash", r"back\\slash"),
        ("\U000e0041", r"\U000e0041"),
        ("no\u00a0break", r"no\u00a0break"),
    ],
)
def test_names_are_escaped_not_changed(name: str, expected: str) -> None:
    assert shown(name) == expected


@given(HOSTILE, HOSTILE)
@settings(deadline=None)
def test_two_short_names_never_look_the_same(one: str, other: str) -> None:
    assert (shown(one[:20], 1_000) == shown(other[:20], 1_000)) == (one[:20] == other[:20])


def test_a_long_name_keeps_its_file_type() -> None:
    text = shown("invoice" * 100 + ".pdf.exe")
    assert len(text) == 120
    assert text.endswith(".pdf.exe")
    assert "…" in text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Trojan.Generic", "Trojan.Generic"),
        ("red \x1b[31;1mtext\x1b[0m", "red text"),
        ("title\x1b]0;owned\x07 gone", "title gone"),
        ("link \x1b]8;;http://x\x1b\\here", "link here"),
        ("8-bit \x9b31mcolour", "8-bit colour"),
        ("two\r\nlines\u2028three", "two lines three"),
        ("zero\u200bwidth\u202e bidi \U000e0049\U000e004f", "zerowidth bidi"),
        ("日本語 و العربية", "日本語 و العربية"),
    ],
)
def test_texts_lose_what_cannot_be_seen(text: str, expected: str) -> None:
    assert shown_text(text, 100) == expected


def test_a_text_that_was_cut_says_so() -> None:
    assert shown_text("word " * 100, 12) == "word word w…"
    assert shown_text("\u200b" * 10_000 + "hidden", 10) == "…"
