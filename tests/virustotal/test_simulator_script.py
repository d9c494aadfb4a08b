"""Scripts for the loopback VirusTotal: all they can say, and what is refused."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.simulator_client import SHA256, ask, stats_of

from openclaw_vt.errors import ConfigError
from openclaw_vt.virustotal.simulator import (
    Script,
    Simulator,
    load_script,
)
from openclaw_vt.virustotal.simulator_script import parse_script


def test_a_script_says_everything_a_simulator_does(tmp_path):
    path = tmp_path / "Szenario mit Lücken.json"
    script = {
        "key": "k" * 64,
        "default": {"undetected": 60},
        "uploaded": {"malicious": 8},
        "files": {SHA256: {"malicious": 5, "age_days": -1.5, "code_insight": [["palm", "malicious"], ["uma", None]]}},
        "fault": None,
        "faults": ["transient-503", None],
        "fault_target": "http://127.0.0.1:1/",
        "over_quota": "quota-html",
        "per_minute": 4,
        "per_day": None,
        "retry_after_s": 9,
        "polls": 0,
    }
    path.write_text(json.dumps(script), encoding="utf-8")
    loaded = load_script(path)
    assert loaded.fault_target == "http://127.0.0.1:1"
    with Simulator(script=loaded) as simulator:
        assert (simulator.key, simulator.per_minute, simulator.uploaded.malicious) == ("k" * 64, 4, 8)
        statuses = [ask(simulator, f"/files/{SHA256}", key="k" * 64).status for _ in range(2)]
        assert statuses == [503, 200]
        attributes = ask(simulator, f"/files/{SHA256}", key="k" * 64).json()["data"]["attributes"]
        assert (attributes["last_analysis_stats"]["malicious"], len(attributes["crowdsourced_ai_results"])) == (5, 2)
        assert stats_of(ask(simulator, f"/files/{'1' * 64}", key="k" * 64))["undetected"] == 60


def test_an_empty_script_is_the_plain_simulator():
    assert parse_script(b"{}") == Script()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"per_minuet": 4}', "Did you mean 'per_minute'"),
        ('{"default": {"malicous": 1}}', "Did you mean 'malicious'"),
        ('{"fault": "slowdrip"}', "Did you mean slow-drip"),
        ('{"fault": 3}', "no fault we know"),
        ('{"faults": ["hang", "hnag"]}', "entry 2 of 'faults'"),
        ('{"over_quota": "hang"}', "'over_quota'"),
        ('{"zzz": 4}', "Known keys"),
        ('{"per_minute": true}', "whole number"),
        ('{"per_minute": -1}', "whole number"),
        ('{"per_minute": 4.5}', "whole number"),
        ('{"per_minute": 1e999}', "whole number"),
        ('{"default": {"malicious": 201}}', "whole number"),
        ('{"default": {"age_days": 1e999}}', "number of days"),
        ('{"default": {"age_days": NaN}}', "not JSON"),
        ('{"default": {"code_insight": [["palm"]]}}', "pair"),
        ('{"default": {"code_insight": [["palm", 1]]}}', "pair"),
        ('{"default": []}', "JSON object"),
        ('{"files": {"weather": {}}}', "SHA-256"),
        ('{"files": []}', "JSON object"),
        ('{"faults": "hang"}', "JSON list"),
        ('{"key": "a\\r\\nb"}', "printable ASCII"),
        ('{"key": ""}', "1 to"),
        ('{"fault_target": "file:///etc"}', "http or https"),
        ('{"polls": 1, "polls": 2}', "twice"),
        ("[]", "JSON object"),
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ("9" * 5000, "not valid JSON"),
    ],
)
def test_a_script_that_is_not_understood_is_refused_and_says_where(text, message):
    with pytest.raises(ConfigError) as caught:
        parse_script(text.encode())
    assert message in str(caught.value)
    assert caught.value.diagnostics().remedy


def test_script_files_that_cannot_be_read(tmp_path):
    for path, content in ((tmp_path / "latin.json", b'{"key": "\xff"}'), (tmp_path / "large.json", b" " * 4_194_305)):
        path.write_bytes(content)
        with pytest.raises(ConfigError):
            load_script(path)
    for path in (tmp_path / "missing.json", tmp_path):
        with pytest.raises(ConfigError, match="cannot be read"):
            load_script(path)


@settings(max_examples=100, deadline=None)
@given(data=st.binary(max_size=200))
def test_no_bytes_make_the_script_reader_stumble(data):
    with suppress(ConfigError):
        assert isinstance(parse_script(data), Script)
