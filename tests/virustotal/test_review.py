"""Several answers, one piece of evidence: the walk over the planned hashes, and where it stops."""

from __future__ import annotations

import time

import pytest
from support.simulator_client import DATA, SHA256
from support.vt_reports import NOW, Answers, digest_of

from openclaw_vt.model.decision import Outcome, Phase
from openclaw_vt.model.subject import Digest
from openclaw_vt.model.verdict import EngineStats, Matched, Reputation, Unavailability, Verdict
from openclaw_vt.policy import Policy, decide
from openclaw_vt.virustotal.client import VirusTotal
from openclaw_vt.virustotal.interface import QuotaExceeded, TimedOut, Unauthorized, Unavailable
from openclaw_vt.virustotal.plan import MAX_LOOKUPS, Target
from openclaw_vt.virustotal.review import review
from openclaw_vt.virustotal.simulator import Fault, FileReport, Simulator

HUB, BUNDLE = Target(digest_of("hub"), Matched.CLAWHUB_BUNDLE), Target(digest_of("bundle"), Matched.BUNDLE)
FILES = tuple(Target(digest_of(name), Matched.FILES, name) for name in ("a.sh", "b.sh", "c.sh", "d.sh"))
CLEAN, BAD = FileReport(), FileReport(malicious=5)


def walk(table, *wanted: Target):
    service = Answers({target.sha256: answer for target, answer in table.items()})
    return review(service, wanted, deadline=0, now=NOW), service.asked


def outcome(evidence, policy: Policy | None = None) -> Outcome:
    return decide(policy or Policy(), Verdict(evidence), frozenset(), Phase.PRE_INSTALL).outcome


def test_the_first_known_bundle_ends_the_walk_with_one_request():
    evidence, asked = walk({HUB: CLEAN, BUNDLE: BAD, FILES[0]: BAD}, HUB, BUNDLE, FILES[0])
    assert (evidence.verdict, evidence.matched, evidence.lookups) == (Reputation.CLEAN, Matched.CLAWHUB_BUNDLE, 1)
    assert asked == [HUB.sha256]
    assert evidence.permalink == f"https://www.virustotal.com/gui/file/{HUB.sha256}"
    assert [response.asked for response in evidence.responses] == [HUB.sha256]


def test_an_unknown_bundle_leads_on_to_the_next():
    evidence, asked = walk({HUB: None, BUNDLE: CLEAN}, HUB, BUNDLE, FILES[0])
    assert (evidence.verdict, evidence.matched, evidence.lookups) == (Reputation.CLEAN, Matched.BUNDLE, 2)
    assert asked == [HUB.sha256, BUNDLE.sha256]


def test_no_more_requests_than_the_limit_whatever_is_wanted():
    _, asked = walk({}, HUB, BUNDLE, *FILES)
    assert len(asked) == MAX_LOOKUPS


def test_nothing_known_is_unknown():
    evidence, _ = walk({}, HUB, BUNDLE, FILES[0])
    assert (evidence.verdict, evidence.matched, evidence.lookups) == (Reputation.UNKNOWN, Matched.NONE, 3)


def test_nothing_to_ask_is_not_asked_and_never_unknown():
    evidence, _ = walk({})
    assert (evidence.verdict, evidence.detail, evidence.lookups) == (Reputation.UNAVAILABLE, Unavailability.OFFLINE, 0)


def test_clean_files_never_make_a_skill_clean():
    evidence, _ = walk(dict.fromkeys(FILES, CLEAN), *FILES)
    assert (evidence.verdict, evidence.matched, evidence.stats) == (Reputation.UNKNOWN, Matched.FILES, EngineStats())
    assert evidence.permalink is None
    assert outcome(evidence) is Outcome.WARN


def test_a_detected_file_counts_and_the_worst_one_speaks():
    table = {FILES[0]: CLEAN, FILES[1]: BAD, FILES[2]: FileReport(suspicious=3)}
    evidence, _ = walk(table, *FILES[:3])
    assert (evidence.verdict, evidence.matched, evidence.stats.malicious) == (Reputation.MALICIOUS, Matched.FILES, 5)
    assert outcome(evidence) is Outcome.BLOCK
    assert [(i.kind, i.file, i.verdict) for i in evidence.indicators] == [
        ("file", "a.sh", Reputation.CLEAN),
        ("file", "b.sh", Reputation.MALICIOUS),
        ("file", "c.sh", Reputation.SUSPICIOUS),
    ]
    assert evidence.permalink.endswith(FILES[1].sha256)


def test_a_file_that_only_code_insight_doubts_still_counts():
    evidence, _ = walk({FILES[0]: CLEAN, FILES[1]: FileReport(code_insight=(("palm", "malicious"),))}, *FILES[:2])
    assert evidence.verdict is Reputation.SUSPICIOUS
    assert outcome(evidence) is Outcome.WARN


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (QuotaExceeded("quota"), Unavailability.QUOTA),
        (Unauthorized("key"), Unavailability.UNAUTHORIZED),
        (TimedOut("late"), Unavailability.TIMEOUT),
        (Unavailable("broken"), Unavailability.ERROR),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_half_a_look_is_no_look(error, cause, place):
    wanted = (HUB, BUNDLE, FILES[0])
    evidence, asked = walk({wanted[place]: error}, *wanted)
    assert (evidence.verdict, evidence.detail, evidence.lookups) == (Reputation.UNAVAILABLE, cause, place + 1)
    assert len(asked) == place + 1
    assert outcome(evidence) is Outcome.WARN


def test_what_was_detected_before_the_failure_stays_detected():
    evidence, _ = walk({FILES[0]: BAD, FILES[1]: QuotaExceeded("quota")}, *FILES[:2])
    assert evidence.verdict is Reputation.MALICIOUS
    clean_first, _ = walk({FILES[0]: CLEAN, FILES[1]: QuotaExceeded("quota")}, *FILES[:2])
    assert (clean_first.verdict, clean_first.detail) == (Reputation.UNAVAILABLE, Unavailability.QUOTA)


def test_a_pending_bundle_is_pending_and_not_worth_further_requests():
    evidence, asked = walk({BUNDLE: FileReport(undetected=0, type_unsupported=0)}, BUNDLE, FILES[0])
    assert evidence.verdict is Reputation.PENDING
    assert len(asked) == 1


# --- the whole way: simulator, vt-py, client, review ---

EXPECTED: dict[Fault, tuple[Reputation, Unavailability | None]] = {
    Fault.UNAUTHORIZED: (Reputation.UNAVAILABLE, Unavailability.UNAUTHORIZED),
    Fault.QUOTA_HTML: (Reputation.UNAVAILABLE, Unavailability.QUOTA),
    Fault.HTML_200: (Reputation.UNAVAILABLE, Unavailability.ERROR),
    Fault.NO_DATA: (Reputation.UNAVAILABLE, Unavailability.ERROR),
    Fault.WRONG_ID: (Reputation.UNAVAILABLE, Unavailability.ERROR),
    Fault.TRUNCATED_JSON: (Reputation.UNAVAILABLE, Unavailability.ERROR),
    Fault.HANG: (Reputation.UNAVAILABLE, Unavailability.TIMEOUT),
    Fault.MISSING_STATS: (Reputation.PENDING, None),
    Fault.ZERO_STATS: (Reputation.PENDING, None),
    Fault.AI_TWO_SOURCES: (Reputation.SUSPICIOUS, None),
    Fault.AI_HUGE: (Reputation.CLEAN, None),
    Fault.GZIP: (Reputation.CLEAN, None),
}


@pytest.mark.parametrize("fault", EXPECTED)
def test_a_fault_on_the_wire_is_the_right_evidence(fault):
    verdict, detail = EXPECTED[fault]
    within = 0.5 if detail is Unavailability.TIMEOUT else 30.0
    with Simulator() as simulator:
        simulator.know(DATA, FileReport())
        simulator.fault = fault
        client = VirusTotal(host=simulator.url, key=lambda: simulator.key, timeout_s=8)
        wanted = (Target(Digest(SHA256), Matched.BUNDLE),)
        evidence = review(client, wanted, deadline=time.monotonic() + within, now=time.time())
        client.close()
    assert (evidence.verdict, evidence.detail) == (verdict, detail)
    assert (outcome(evidence) is Outcome.ALLOW) == (verdict is Reputation.CLEAN)
    assert "IGNORE" not in repr(evidence)


def test_a_verdict_that_turns_bad_and_back_is_told_each_time():
    with Simulator() as simulator:
        client = VirusTotal(host=simulator.url, key=lambda: simulator.key, timeout_s=8)
        seen = []
        for report in (FileReport(), FileReport(malicious=7), FileReport()):
            simulator.know(DATA, report)
            wanted = (Target(Digest(SHA256), Matched.BUNDLE),)
            seen.append(review(client, wanted, deadline=time.monotonic() + 30, now=time.time()).verdict)
        client.close()
    assert seen == [Reputation.CLEAN, Reputation.MALICIOUS, Reputation.CLEAN]


def test_an_analysis_that_never_ends_never_becomes_clean():
    with Simulator() as simulator:
        simulator.know(DATA, FileReport(undetected=0, type_unsupported=0))
        client = VirusTotal(host=simulator.url, key=lambda: simulator.key, timeout_s=8)
        wanted = (Target(Digest(SHA256), Matched.BUNDLE),)
        for _ in range(4):
            evidence = review(client, wanted, deadline=time.monotonic() + 30, now=time.time())
            assert evidence.verdict is Reputation.PENDING
        client.close()
