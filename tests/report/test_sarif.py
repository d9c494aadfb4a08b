"""SARIF for code scanning. `sarif-2.1.0-schema.json` is the schema of OASIS (2.1.0-rtm.5, descriptions removed), taken from the

npm package @microsoft/jest-sarif 1.0.0-beta.0 (MIT), so that validating needs no network.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.decisions import HOSTILE, decision

from openclaw_vt.model.decision import Decision, Outcome, Phase, Reason, Request
from openclaw_vt.model.display import hides
from openclaw_vt.model.finding import Confidence, Finding, Location, Severity
from openclaw_vt.report.sarif import document

VALIDATOR = jsonschema.Draft4Validator(
    json.loads((Path(__file__).parent / "sarif-2.1.0-schema.json").read_text(encoding="utf-8"))
)


def log(*decisions: Decision) -> dict:
    """A log that was checked against the schema after a round trip through text."""
    made = json.loads(json.dumps(document(decisions)))
    VALIDATOR.validate(made)
    return made


def results(*decisions: Decision) -> list[dict]:
    return log(*decisions)["runs"][0]["results"]


def with_findings(*findings: Finding, path: str = "skills/weather", outcome: Outcome = Outcome.ALLOW) -> Decision:
    made = decision(path=path, outcome=outcome)
    return replace(made, verdict=replace(made.verdict, analysis=replace(made.verdict.analysis, findings=findings)))


def place(result: dict) -> tuple[str, dict | None]:
    (location,) = result["locations"]
    physical = location["physicalLocation"]
    return physical["artifactLocation"]["uri"], physical.get("region")


def test_the_schema_is_no_rubber_stamp():
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({"version": "2.1.0", "runs": [{"tool": {}}]})
    broken = document((decision(),))
    broken["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(broken)


def test_one_run_for_all_skills_with_every_rule_named_once():
    made = log(decision("a"), decision("b"), decision("a"))
    (run,) = made["runs"]
    assert made["version"] == "2.1.0"
    assert run["tool"]["driver"]["name"] == "openclaw-vt"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["a", "b", "virustotal.suspicious"]
    assert log()["runs"][0]["results"] == []


def test_a_decision_that_does_not_allow_is_a_result_of_its_own_weight():
    for outcome, level in ((Outcome.WARN, "warning"), (Outcome.BLOCK, "error")):
        first = results(with_findings(outcome=outcome))[0]
        assert (first["ruleId"], first["level"], first["message"]) == ("virustotal.suspicious", level, {"text": "word word"})
        assert place(first) == ("skills/weather/SKILL.md", None)
    assert results(with_findings(outcome=Outcome.ALLOW)) == []


def test_findings_stand_at_their_place_with_their_weight_and_fingerprint():
    weights = [
        (Severity.INFO, "note"),
        (Severity.LOW, "note"),
        (Severity.MEDIUM, "warning"),
        (Severity.HIGH, "error"),
        (Severity.CRITICAL, "error"),
    ]
    for severity, level in weights:
        finding = Finding("rule", severity, Confidence.HIGH, "What.", Location("scripts/a b.sh", 4), "evidence", "Do this.")
        (result,) = results(with_findings(finding))
        assert (result["ruleId"], result["level"], result["message"]) == ("rule", level, {"text": "What. Do this."})
        assert place(result) == ("skills/weather/scripts/a%20b.sh", {"startLine": 4})
        assert result["partialFingerprints"] == {"openclawVt/v1": finding.fingerprint}


def test_a_finding_without_a_place_stands_at_skill_md():
    assert place(results(with_findings(Finding("r", Severity.LOW, Confidence.LOW, "m")))[0]) == ("skills/weather/SKILL.md", None)


@pytest.mark.parametrize("line", [0, -1, None])
def test_a_line_that_cannot_be_is_left_out(line):
    finding = Finding("r", Severity.LOW, Confidence.LOW, "m", Location("a", line))
    assert place(results(with_findings(finding))[0]) == ("skills/weather/a", None)


def test_a_suppressed_finding_is_there_and_marked():
    (result,) = results(with_findings(Finding("r", Severity.LOW, Confidence.LOW, "m", suppressed=True)))
    assert result["suppressions"] == [{"kind": "external"}]


def test_a_skill_that_was_not_judged_is_a_result():
    made = Decision(Request(Phase.SCAN, "x"), Outcome.WARN, (Reason("skill.unreadable", "There is nothing."),), None, None)
    assert [result["ruleId"] for result in results(made)] == ["skill.unreadable"]


@pytest.mark.parametrize(
    ("root", "uri"),
    [
        ("skills/weather", "skills/weather/a.sh"),
        ("skills/weather/", "skills/weather/a.sh"),
        ("a b/ü", "a%20b/%C3%BC/a.sh"),
        ("odd:name", "odd%3Aname/a.sh"),
        ("100%", "100%25/a.sh"),
        ("what?#", "what%3F%23/a.sh"),
    ],
)
def test_a_relative_path_stays_relative_and_is_a_uri(root, uri):
    finding = Finding("r", Severity.LOW, Confidence.LOW, "m", Location("a.sh", 1))
    assert place(results(with_findings(finding, path=root))[0])[0] == uri


def test_an_absolute_path_is_a_file_uri(tmp_path):
    finding = Finding("r", Severity.LOW, Confidence.LOW, "m", Location("a.sh", 1))
    uri = place(results(with_findings(finding, path=str(tmp_path)))[0])[0]
    assert uri.startswith("file:///")
    assert unquote(urlsplit(uri).path).endswith(f"{tmp_path.as_posix()}/a.sh")


@pytest.mark.parametrize("file", ["/etc/passwd", "//evil.example/x", "https://evil.example/x", "C:/x"])
def test_a_file_that_calls_itself_absolute_stays_inside_the_skill(file):
    uri = place(results(with_findings(Finding("r", Severity.LOW, Confidence.LOW, "m", Location(file, 1))))[0])[0]
    assert uri.startswith("skills/weather/")
    assert not urlsplit(uri).netloc


@pytest.mark.parametrize("word", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_come_out_harmless_in_every_field(word):
    for result in results(decision(word)):
        assert not hides(result["message"]["text"] + result["ruleId"])
        assert place(result)[0].isascii()
    assert json.dumps(log(decision(word))).isascii()


@given(st.text(max_size=40))
@settings(max_examples=50)
def test_any_word_in_any_field_is_valid_sarif(word):
    for result in results(decision(word)):
        assert not hides(result["message"]["text"] + result["ruleId"])
        assert set(place(result)[0]) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%/:")
