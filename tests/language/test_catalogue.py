from __future__ import annotations

import gettext
import io
import re
from itertools import product

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from support.sentences import sentences

from openclaw_vt.analysis.rules import RULES
from openclaw_vt.install_policy import Desk, answer
from openclaw_vt.install_protocol import rendered
from openclaw_vt.language import DOMAIN, LOCALES, translator
from openclaw_vt.model.decision import Decision, Outcome, Phase, Request
from openclaw_vt.model.finding import Confidence, Finding, Severity
from openclaw_vt.model.subject import Digest, NotChecked
from openclaw_vt.model.verdict import (
    Analysis,
    AnalysisVerdict,
    Coverage,
    EngineStats,
    Evidence,
    Indicator,
    Matched,
    Reputation,
    Unavailability,
    Verdict,
)
from openclaw_vt.policy import Policy, Standing, decide

JAPANESE = LOCALES / "ja" / "LC_MESSAGES"
HIRAGANA = re.compile("[\u3041-\u3096]")
COMMAND = re.compile(r"`[^`]+`")
WARNS = "This skill has not been reviewed by VirusTotal."


@pytest.fixture(scope="module")
def japanese():
    return translator("ja")


@pytest.fixture(scope="module")
def catalogue():
    with (JAPANESE / f"{DOMAIN}.po").open("rb") as stream:
        return read_po(stream, locale="ja", domain=DOMAIN)


def is_japanese(text: str) -> bool:
    # A plain sentence without a single kana is no Japanese sentence.
    return HIRAGANA.search(text) is not None


def test_every_sentence_that_the_code_says_is_in_the_catalogue(japanese):
    missing = {text: places for text, places in sentences().items() if not is_japanese(japanese(text))}
    assert not missing


def test_the_catalogue_holds_no_sentence_that_nobody_says(catalogue):
    assert {message.id for message in catalogue if message.id} == set(sentences())


def test_the_template_is_the_list_of_sentences():
    with (LOCALES / f"{DOMAIN}.pot").open("rb") as stream:
        assert {message.id for message in read_po(stream) if message.id} == set(sentences())


def test_the_compiled_catalogue_is_the_written_one(catalogue):
    assert not [message.id for message in catalogue if message.fuzzy or (message.id and not message.string)]
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    with (JAPANESE / f"{DOMAIN}.mo").open("rb") as shipped:
        assert texts(gettext.GNUTranslations(shipped)) == texts(gettext.GNUTranslations(compiled))


def texts(translations: gettext.GNUTranslations) -> dict[str, str]:
    # The empty text is the header, which names the program that compiled it.
    return {key: value for key, value in translations._catalog.items() if key}


def test_a_command_to_type_stays_as_it_is(catalogue):
    for message in catalogue:
        assert COMMAND.findall(message.id) == COMMAND.findall(message.string or "")


def test_nothing_is_ever_called_safe(catalogue):
    # 安全 is "safe": what VirusTotal did not find is no promise in any language.
    assert not [message.string for message in catalogue if "安全" in (message.string or "")]


def every_verdict():
    engines = (EngineStats(), EngineStats(undetected=64), EngineStats(1, 0, 63), EngineStats(2, 0, 62), EngineStats(0, 1, 63))
    serious = Finding("test.serious", Severity.HIGH, Confidence.LOW, WARNS)
    analyses = (
        *(Analysis(verdict) for verdict in AnalysisVerdict),
        Analysis(AnalysisVerdict.SUSPICIOUS, findings=(serious,)),
    )
    addresses = (0, 1, 9)
    whole = product(Reputation, Matched, engines, addresses)
    evidence = [
        Evidence("virustotal", verdict, matched=matched, stats=stats, indicators=(address(count),))
        for verdict, matched, stats, count in whole
    ]
    evidence += [Evidence("virustotal", Reputation.UNAVAILABLE, detail) for detail in Unavailability]
    for item, analysis, gap in product(evidence, analyses, (False, True)):
        coverage = Coverage((NotChecked("a file", "it is too large"),) if gap else ())
        yield Verdict(item, analysis, coverage)
        yield Verdict(Evidence("virustotal", Reputation.CLEAN, stats=engines[1]), analysis, coverage, (item,))


def address(malicious: int) -> Indicator:
    return Indicator("url", "https://files.example/x", Reputation.MALICIOUS, malicious)


def every_reason():
    nothing, policies = frozenset[Standing](), (Policy(), Policy(rows=()))
    for verdict in every_verdict():
        yield from decide(Policy(), verdict, nothing, Phase.SCAN).reasons
    for policy, phase, standing in product(policies, Phase, Standing):
        for standings in (nothing, frozenset({standing}), frozenset({standing, Standing.REVOKED})):
            yield from decide(policy, None, standings, phase).reasons
            yield from decide(policy, next(every_verdict()), standings, phase).reasons


def test_every_reason_that_a_decision_can_give_speaks_japanese(japanese):
    for reason in set(every_reason()):
        assert is_japanese(japanese(reason.message)), reason
        assert not reason.remediation or is_japanese(japanese(reason.remediation)), reason


def test_every_rule_speaks_japanese(japanese):
    for rule in RULES:
        assert is_japanese(japanese(rule.message)), rule.rule_id
        assert is_japanese(japanese(rule.remediation)), rule.rule_id


def test_openclaw_asks_the_install_question_in_japanese(japanese):
    verdict = Verdict(Evidence("virustotal", Reputation.UNKNOWN))
    ruling = decide(Policy(), verdict, frozenset(), Phase.PRE_INSTALL)
    decision = Decision(Request(Phase.PRE_INSTALL, "/tmp/skill"), ruling.outcome, ruling.reasons, None, verdict)
    assert ruling.outcome is Outcome.WARN
    reason = rendered(decision, japanese)["reason"]
    assert "このスキルは VirusTotal の審査を受けていません。" in reason
    assert "インストールしますか" in reason


def test_a_question_that_is_not_understood_is_refused_in_japanese(japanese):
    def never(*_):
        raise AssertionError("nothing is judged")

    desk = Desk(
        check=never,
        check_plugin=never,
        notices=None,
        policy=Digest("0" * 64),
        translate=japanese,
        agreed=never,
        asker="test",
    )
    answered = answer(b"{}", desk)
    assert answered["decision"] == "block"
    assert is_japanese(answered["reason"])


def test_english_needs_no_catalogue():
    assert translator("en")("Install it?") == "Install it?"
