"""The report schema, field by field, and that no field carries anything that a terminal, an editor or a model obeys."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.decisions import DIR, HOSTILE, TREE, decision

from openclaw_vt.model.decision import Badge, Decision, Outcome, Phase, Reason, Request, Source
from openclaw_vt.model.display import hides
from openclaw_vt.model.verdict import Evidence, Reputation, Unavailability
from openclaw_vt.report.json import SCHEMA, document, iso_time, report

REPORT = {
    "skill": {
        "name": "word",
        "version": "word",
        "path": "word",
        "origin": {"kind": "clawhub", "slug": "word", "publisher": "word"},
    },
    "digest": {"tree": TREE, "dirHash1": DIR, "files": 7, "bytes": 30211},
    "phase": "scan",
    "decision": "warn",
    "reasons": [{"code": "virustotal.suspicious", "message": "word", "remediation": "word"}],
    "virustotal": {
        "verdict": "suspicious",
        "detail": None,
        "matched": "bundle",
        "source": "live",
        "stats": {"malicious": 0, "suspicious": 1, "undetected": 60, "harmless": 2},
        "engines": 63,
        "code_insight": [{"source": "word", "verdict": "word"}],
        "permalink": f"https://www.virustotal.com/gui/file/{TREE}",
        "analysis_date": "2030-03-17T17:46:40Z",
        "lookups": 1,
        "indicators": [{"kind": "word", "value": "word", "verdict": "malicious", "malicious": 3, "file": "word", "line": 12}],
    },
    "analysis": {
        "verdict": "suspicious",
        "category": "weather-news",
        "risk": "low",
        "required_checks": ["badge"],
        "findings": [
            {
                "rule_id": "word",
                "severity": "high",
                "confidence": "medium",
                "message": "word",
                "file": "word",
                "line": 4,
                "evidence": "word",
                "remediation": "word",
                "fingerprint": "c78b6e1b2bc8dcbf3ef63b9e95b3ba44",
                "suppressed": False,
                "source": "word",
            },
            {
                "rule_id": "word",
                "severity": "info",
                "confidence": "low",
                "message": "word",
                "file": None,
                "line": None,
                "evidence": "",
                "remediation": "",
                "fingerprint": "",
                "suppressed": False,
                "source": "builtin",
            },
        ],
        "permissions": [{"resource": "word", "access": "word", "target": "word", "declared": False, "file": "word", "line": 1}],
        "endpoints": [{"kind": "word", "value": "word", "file": "word", "line": 1}],
    },
    "coverage": {"complete": False, "not_checked": [{"what": "word", "why": "word"}]},
    "badge": "none",
    "timing_ms": {"total": 12.3},
}


def texts(value, where: str = ""):
    """Yield every text in a document with its place."""
    if isinstance(value, str):
        yield where, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, f"{where}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from texts(item, where)


def test_one_document_holds_all_reports():
    made = document((decision(), decision()))
    assert made["schema"] == SCHEMA == "openclaw-vt.report/1"
    assert len(made["reports"]) == 2
    assert set(made) == {"schema", "reports"}
    assert document(()) == {"schema": SCHEMA, "reports": []}


def test_a_report_has_the_fields_of_the_schema_and_their_values():
    made = report(decision())
    others = made.pop("others")
    for finding, expected in zip(made["analysis"]["findings"], REPORT["analysis"]["findings"], strict=True):
        assert len(finding["fingerprint"]) == 32
        expected["fingerprint"] = finding["fingerprint"]
    assert made == REPORT
    assert [(other["service"], other["detail"]) for other in others] == [("word", "timeout")]


def test_a_fingerprint_stays_when_lines_move_and_changes_with_what_was_found():
    def fingerprint(**change) -> str:
        return replace(decision().verdict.analysis.findings[0], **change).fingerprint

    same = fingerprint()
    assert fingerprint(location=replace(decision().verdict.analysis.findings[0].location, line=99), message="other") == same
    assert fingerprint(evidence=" word ") == same
    assert len({same, fingerprint(rule_id="r"), fingerprint(evidence="e"), fingerprint(location=None)}) == 4


@pytest.mark.parametrize("why", Unavailability)
def test_no_answer_says_which_of_the_six(why):
    made = report(decision(virustotal=Evidence("virustotal", Reputation.UNAVAILABLE, why)))["virustotal"]
    assert (made["verdict"], made["detail"], made["matched"], made["engines"]) == ("unavailable", why.value, "none", 0)
    assert made["analysis_date"] is made["permalink"] is None


@pytest.mark.parametrize(("outcome", "word"), [(Outcome.ALLOW, "allow"), (Outcome.WARN, "warn"), (Outcome.BLOCK, "block")])
def test_decisions_are_openclaws_words(outcome, word):
    assert report(decision(outcome=outcome))["decision"] == word


def test_phases_sources_and_badges_are_the_schemas_words():
    for phase in Phase:
        made = report(decision(request=Request(phase, "p")))
        assert made["phase"] in {"pre-install", "pre-execute", "post-update", "scan", "rescan"}
    assert [report(decision(source=source))["virustotal"]["source"] for source in Source] == ["live", "cache", "none"]
    assert [report(decision(badge=badge))["badge"] for badge in Badge] == ["verified", "none", "revoked"]


def test_what_was_not_judged_is_null_and_never_invented():
    reason = Reason("skill.unreadable", "There is nothing.")
    made = report(Decision(Request(Phase.SCAN, "/x"), Outcome.WARN, (reason,), None, None))
    assert made["digest"] is made["virustotal"] is made["analysis"] is None
    assert made["skill"] == {
        "name": None,
        "version": None,
        "path": "/x",
        "origin": {"kind": "unknown", "slug": None, "publisher": None},
    }
    assert made["coverage"] == {"complete": False, "not_checked": [{"what": "the skill", "why": "it was not judged"}]}
    assert set(made) == set(report(decision()))


@pytest.mark.parametrize("seconds", [10**18, -(10**18), 10**12])
def test_a_date_that_cannot_be_is_null(seconds):
    assert iso_time(seconds) is None
    assert iso_time(None) is None
    assert iso_time(0) == "1970-01-01T00:00:00Z"


# --- hostile words ---


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_come_out_harmless_in_every_field(word):
    for where, text in texts(report(decision(word))):
        if where != ".skill.path":
            assert not hides(text), where
        text.encode("utf-8")


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_the_printed_document_is_ascii_and_reads_back(word):
    printed = json.dumps(document((decision(word),)))
    assert printed.isascii()
    assert printed.isprintable()
    assert json.loads(printed) == document((decision(word),))


def test_the_path_is_exact_for_whoever_compares_it():
    for path in ("/a b/ü/日本", "C:\\skills\\x", "/odd\nname", "x" * 3000):
        assert report(decision(path=path))["skill"]["path"] == path
    assert report(decision(path="/caf\udce9"))["skill"]["path"] == "/caf\\xe9"
    assert report(decision(path="/\ud800"))["skill"]["path"] == "/\\ud800"


def test_a_long_file_name_is_not_cut_and_a_long_text_is():
    made = report(decision("deep/" * 100 + "a.sh"))["analysis"]["findings"][0]
    assert made["file"] == "deep/" * 100 + "a.sh"
    assert len(report(decision("x" * 50_000))["analysis"]["findings"][0]["evidence"]) <= 1000


@given(st.text(max_size=60))
def test_any_word_in_any_field_makes_a_printable_report(word):
    printed = json.dumps(report(decision(word)))
    assert printed.isascii()
    for where, text in texts(report(decision(word))):
        assert where == ".skill.path" or not hides(text)
