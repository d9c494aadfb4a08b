"""What a person reads: numbers instead of "safe", what was not checked, and no line that a skill could have written itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.decisions import HOSTILE, TREE, decision

from openclaw_vt.model.decision import Badge, Decision, Outcome, Phase, Reason, Request, Source
from openclaw_vt.model.display import hides
from openclaw_vt.model.finding import Confidence, Finding, Severity
from openclaw_vt.model.subject import NotChecked
from openclaw_vt.model.verdict import CodeInsight, Coverage, EngineStats, Evidence, Matched, Reputation, Unavailability
from openclaw_vt.report.text import MAX_FINDINGS, MAX_GAPS, lines, virustotal_words


def told(made: Decision, **how) -> list[str]:
    return list(lines(made, **how))


def vt(verdict=Reputation.CLEAN, *stats: int, matched=Matched.BUNDLE, **more) -> Evidence:
    return Evidence("virustotal", verdict, matched=matched, stats=EngineStats(*stats), **more)


def test_a_report_names_the_decision_the_reasons_and_what_to_do():
    text = told(decision("word", path="/skills/word"))
    assert text[0] == "warn   word (/skills/word)"
    assert text[1:3] == ["    word", "      -> word"]
    assert "    VirusTotal: 1 of 63 engines detect the whole skill, analysed 2030-03-17, Code Insight (word): word" in text
    assert "    [high] word (word) word:4" in text
    assert "    not checked: word: word" in text


@pytest.mark.parametrize(
    ("outcome", "word", "code"), [(Outcome.ALLOW, "allow", "32"), (Outcome.WARN, "warn ", "33"), (Outcome.BLOCK, "block", "31")]
)
def test_colour_is_on_the_decision_alone_and_only_when_wanted(outcome, word, code):
    made = decision(outcome=outcome)
    assert told(made)[0].startswith(f"{word}  word")
    coloured = told(made, colour=True)
    assert coloured[0].startswith(f"\x1b[{code};1m{word}\x1b[0m  word")
    assert coloured[0].count("\x1b") == 2
    assert coloured[1:] == told(made)[1:]


def test_badges_stand_in_the_headline():
    assert told(decision(badge=Badge.VERIFIED))[0].endswith("  [VirusTotal Verified]")
    assert told(decision(badge=Badge.REVOKED))[0].endswith("  [revoked]")


def test_an_allow_gives_no_advice():
    assert not any("->" in line for line in told(decision(outcome=Outcome.ALLOW)))


def test_an_unreadable_skill_has_a_headline_and_a_reason():
    made = Decision(Request(Phase.SCAN, "/x"), Outcome.WARN, (Reason("skill.unreadable", "There is nothing."),), None, None)
    assert told(made, explain=True) == ["warn   (/x)", "    There is nothing."]


@pytest.mark.parametrize(
    ("evidence", "source", "words"),
    [
        (vt(Reputation.CLEAN, 0, 0, 60), Source.LIVE, "0 of 60 engines detect the whole skill"),
        (vt(Reputation.CLEAN, 0, 0, 60), Source.CACHE, "0 of 60 engines detect the whole skill, from the signed cache"),
        (vt(Reputation.MALICIOUS, 3, 1, 60), Source.LIVE, "4 of 64 engines detect the whole skill"),
        (vt(Reputation.MALICIOUS, 3, 0, 60, matched=Matched.FILES), Source.LIVE, "3 of 63 engines detect some files"),
        (vt(Reputation.UNKNOWN, matched=Matched.FILES), Source.LIVE, "knows some files, not the skill as a whole"),
        (
            vt(Reputation.SUSPICIOUS, 0, 0, 60, matched=Matched.FILES, code_insight=(CodeInsight("palm", "malicious"),)),
            Source.LIVE,
            "0 of 60 engines detect some files, Code Insight (palm): malicious",
        ),
        (vt(Reputation.UNKNOWN, matched=Matched.NONE), Source.LIVE, "never seen"),
        (vt(Reputation.PENDING), Source.LIVE, "known, not analysed yet"),
        *(
            (Evidence("virustotal", Reputation.UNAVAILABLE, why), Source.NONE, f"not asked or no answer ({why.value})")
            for why in Unavailability
        ),
        (Evidence("virustotal", Reputation.UNAVAILABLE), Source.NONE, "not asked or no answer (error)"),
    ],
)
def test_what_virustotal_said_in_words(evidence, source, words):
    assert virustotal_words(evidence, source) == words
    assert "safe" not in words


def test_long_lists_are_cut_and_say_so():
    made = decision()
    findings = tuple(Finding(f"r{n}", Severity.LOW, Confidence.LOW, "m") for n in range(MAX_FINDINGS + 5))
    gaps = tuple(NotChecked(f"f{n}", "w") for n in range(MAX_GAPS + 3))
    verdict = replace(made.verdict, analysis=replace(made.verdict.analysis, findings=findings), coverage=Coverage(gaps))
    made = replace(made, verdict=verdict)
    text = told(made)
    assert "    ... and 5 further findings (--explain shows all)" in text
    assert "    ... and 3 more that were not checked (--json lists all)" in text
    assert len([line for line in told(made, explain=True) if line.startswith("    [low]")]) == MAX_FINDINGS + 5


def test_explain_adds_digest_category_and_requests():
    text = "\n".join(told(decision(), explain=True))
    assert f"tree digest {TREE} (7 files, 30211 bytes)" in text
    assert "category weather-news, risk low; careful people check: badge" in text
    assert "1 requests to VirusTotal; https://www.virustotal.com/gui/file/" in text


def test_sentences_are_translated_and_a_skills_words_are_not():
    reason = Reason("code", "A sentence.", "A remedy.")
    text = told(decision("word", reasons=(reason,)), translate=lambda sentence: f"«{sentence}»")
    assert text[1:3] == ["    «A sentence.»", "      -> «A remedy.»"]
    assert "«word»" not in "\n".join(text)


# --- hostile words ---


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_no_word_of_a_skill_moves_the_cursor_turns_the_text_or_starts_a_line(word):
    text = told(decision(word), explain=True)
    assert len(text) == len(told(decision(), explain=True))
    for line in text:
        assert not hides(line)
        line.encode("utf-8")
    assert not any(line.startswith("allow") for line in text)


@given(st.text(max_size=60))
def test_any_word_in_any_field_is_one_printable_line_each(word):
    for line in told(decision(word), explain=True):
        assert "\n" not in line
        assert not hides(line)
        line.encode("utf-8")
