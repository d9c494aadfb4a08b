"""Install → verdict → signed cache → decision, through the public gate."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from support.bench import CLEAN, WEATHER, Bench, make_skill

from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Badge, Outcome, Phase, Source
from openclaw_vt.model.subject import SkillRef, identify
from openclaw_vt.model.verdict import Matched, Reputation, Unavailability
from openclaw_vt.seal import plain_yes
from openclaw_vt.skill.reader import read
from openclaw_vt.virustotal.simulator import FileReport

DAY = 86_400
NINE = FileReport(malicious=9, undetected=55)


def codes(decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_a_clean_skill_is_verified_and_then_recognised_without_a_request(bench: Bench, weather: Path):
    bench.know(weather)
    first = bench.check(weather, Phase.PRE_INSTALL)
    assert (first.outcome, first.source, first.badge) == (Outcome.ALLOW, Source.LIVE, Badge.VERIFIED)
    assert first.verdict.virustotal.matched is Matched.BUNDLE
    bench.simulator.reset()
    for phase in (Phase.SCAN, Phase.PRE_EXECUTE, Phase.PRE_INSTALL):
        again = bench.check(weather, phase)
        assert (again.outcome, again.source, again.badge) == (Outcome.ALLOW, Source.CACHE, Badge.VERIFIED)
        assert again.verdict.virustotal.stats == first.verdict.virustotal.stats
        assert again.subject.ref.name == "weather"
        assert again.subject.ref.version == "1.2.0"
    assert bench.simulator.requests == []


def test_a_skill_nobody_saw_asks_the_question(bench: Bench, weather: Path):
    decision = bench.check(weather, Phase.PRE_INSTALL)
    assert decision.outcome is Outcome.WARN
    assert decision.verdict.virustotal.verdict is Reputation.UNKNOWN
    assert codes(decision) == ["virustotal.not-reviewed"]
    assert decision.reasons[0].message == "This skill has not been reviewed by VirusTotal."
    assert len(bench.simulator.requests) <= 3
    assert bench.verify(weather).outcome is Outcome.WARN


def test_nine_engines_block_and_the_block_is_remembered(bench: Bench, weather: Path):
    bench.know(weather, NINE)
    assert bench.check(weather, Phase.PRE_INSTALL).outcome is Outcome.BLOCK
    bench.simulator.reset()
    assert bench.check(weather).source is Source.CACHE
    assert bench.verify(weather).outcome is Outcome.BLOCK
    assert bench.simulator.requests == []


def test_known_files_never_make_a_skill_reviewed(bench: Bench, weather: Path):
    bench.simulator.know(WEATHER["scripts/forecast.sh"], CLEAN)
    decision = bench.check(weather)
    assert (decision.outcome, decision.verdict.virustotal.matched) == (Outcome.WARN, Matched.FILES)
    assert decision.verdict.virustotal.verdict is Reputation.UNKNOWN
    assert decision.badge is Badge.NONE


def test_one_malicious_file_counts(bench: Bench, weather: Path):
    bench.simulator.know(WEATHER["scripts/forecast.sh"], NINE)
    assert bench.check(weather).outcome is Outcome.BLOCK


@pytest.mark.parametrize(
    "change",
    ["one-byte", "added", "made-executable", "removed", "renamed", "escaping-link"],
)
def test_changed_bytes_are_not_recognised(bench: Bench, weather: Path, change: str):
    bench.know(weather)
    bench.check(weather)
    assert bench.verify(weather).outcome is Outcome.ALLOW
    script, manifest = weather / "scripts/forecast.sh", weather / "SKILL.md"
    if change == "one-byte":
        script.write_bytes(script.read_bytes()[:-1] + b" ")
    elif change == "added":
        (weather / "notes.txt").write_bytes(b"")
    elif change == "made-executable":
        manifest.chmod(0o755)
    elif change == "removed":
        script.unlink()
    elif change == "renamed":
        script.rename(script.with_name("forecast2.sh"))
    else:
        (weather / "link").symlink_to("/etc/passwd")
    assert bench.verify(weather).outcome is Outcome.WARN
    bench.simulator.reset()
    decision = bench.check(weather, Phase.PRE_EXECUTE)
    assert decision.outcome is not Outcome.ALLOW
    assert decision.badge is not Badge.VERIFIED


def test_an_empty_folder_breaks_the_seal_and_is_judged_again(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    (weather / "empty").mkdir()
    assert bench.verify(weather).outcome is Outcome.WARN
    again = bench.check(weather, Phase.PRE_EXECUTE)
    assert (again.source, again.outcome) == (Source.LIVE, Outcome.ALLOW), "the bundle VirusTotal knows holds the same files"


def test_an_identical_copy_elsewhere_is_recognised(bench: Bench, weather: Path, tmp_path: Path):
    bench.know(weather)
    bench.check(weather)
    copy = tmp_path / "elsewhere with spaces é" / "w"
    shutil.copytree(weather, copy)
    assert bench.verify(copy).outcome is Outcome.ALLOW


def test_a_skill_without_skill_md_is_named_in_the_coverage(bench: Bench, tmp_path: Path):
    folder = make_skill(tmp_path / "x", {"a.txt": b"hello"})
    bench.know(folder)
    decision = bench.check(folder)
    assert decision.outcome is Outcome.WARN
    assert decision.verdict.coverage.not_checked[0].what == "SKILL.md"


def test_a_path_with_nothing_warns_and_is_never_allowed(bench: Bench, tmp_path: Path):
    decision = bench.check(tmp_path / "nothing")
    assert (decision.outcome, decision.verdict) == (Outcome.WARN, None)


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("unauthorized", Unavailability.UNAUTHORIZED),
        ("inactive", Unavailability.UNAUTHORIZED),
        ("quota-json", Unavailability.QUOTA),
        ("quota-html", Unavailability.QUOTA),
        ("too-many-requests", Unavailability.QUOTA),
        ("transient-503", Unavailability.ERROR),
        ("cut", Unavailability.ERROR),
        ("html-200", Unavailability.ERROR),
        ("redirect", Unavailability.ERROR),
        ("wrong-id", Unavailability.ERROR),
        ("hang", Unavailability.TIMEOUT),
        ("slow-drip", Unavailability.TIMEOUT),
    ],
)
def test_virustotal_away_is_a_warning_that_says_why(bench: Bench, weather: Path, fault: str, detail: Unavailability):
    bench.know(weather)
    bench.simulator.fault = fault
    bench.settings["OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S"] = "0.7" if detail is Unavailability.TIMEOUT else "8"
    decision = bench.check(weather, Phase.PRE_INSTALL)
    assert decision.outcome is Outcome.WARN
    assert (decision.verdict.virustotal.verdict, decision.verdict.virustotal.detail) == (Reputation.UNAVAILABLE, detail)
    assert decision.verdict.coverage.complete
    assert bench.verify(weather).outcome is Outcome.WARN


def test_offline_asks_nobody(bench: Bench, weather: Path):
    decision = bench.check(weather, offline=True)
    assert decision.verdict.virustotal.detail is Unavailability.OFFLINE
    assert decision.source is Source.NONE
    assert bench.simulator.requests == []


def test_without_a_key_nobody_is_asked_and_the_remedy_is_named(bench: Bench, weather: Path):
    bench.store.delete("virustotal-api-key")
    decision = bench.check(weather)
    assert decision.verdict.virustotal.detail is Unavailability.NO_KEY
    assert "key set" in decision.reasons[0].remediation


def test_a_verdict_that_turned_bad_revokes_and_stays_revoked(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    bench.know(weather, NINE)
    assert bench.check(weather).outcome is Outcome.ALLOW, "a hit does not ask"
    worse = bench.check(weather, refresh=True)
    assert (worse.outcome, worse.badge) == (Outcome.BLOCK, Badge.REVOKED)
    bench.know(weather)
    assert bench.check(weather, refresh=True).outcome is Outcome.BLOCK
    assert bench.verify(weather).outcome is Outcome.BLOCK
    assert bench.verify(weather).badge is Badge.REVOKED


def test_one_engine_after_a_clean_verdict_takes_the_badge_and_asks(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    bench.know(weather, FileReport(malicious=1, undetected=63))
    worse = bench.check(weather, refresh=True)
    assert (worse.outcome, worse.badge) == (Outcome.WARN, Badge.REVOKED)
    assert bench.verify(weather).outcome is Outcome.WARN


def test_an_unreachable_virustotal_is_no_worse_answer(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    bench.simulator.fault = "transient-503"
    assert bench.check(weather, refresh=True).outcome is Outcome.WARN
    assert bench.verify(weather).outcome is Outcome.ALLOW


def test_a_record_made_with_a_friendlier_server_counts_for_nothing(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    bench.settings["OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES"] = "40"
    assert bench.verify(weather).outcome is Outcome.WARN


def test_past_its_date_it_holds_for_the_days_of_grace_and_then_no_longer(bench: Bench, weather: Path):
    bench.now = 1_800_000_000.0
    bench.simulator.default = None
    bench.know(weather)
    bench.check(weather)
    bench.simulator.fault = "transient-503"
    bench.now += 31 * DAY
    stale = bench.check(weather, Phase.PRE_EXECUTE)
    assert (stale.outcome, codes(stale)) == (Outcome.ALLOW, ["record.stale"])
    assert bench.verify(weather).outcome is Outcome.ALLOW
    bench.now += 31 * DAY
    assert bench.check(weather, Phase.PRE_EXECUTE).outcome is Outcome.WARN
    assert bench.verify(weather).outcome is Outcome.WARN


@pytest.mark.parametrize("shift", [-365 * DAY, 365 * DAY])
def test_a_clock_a_year_off_allows_nothing(bench: Bench, weather: Path, shift: int):
    bench.now = 1_800_000_000.0
    bench.know(weather)
    bench.check(weather)
    bench.simulator.fault = "transient-503"
    bench.now += shift
    assert bench.verify(weather).outcome is Outcome.WARN
    assert bench.check(weather, Phase.PRE_EXECUTE).outcome is Outcome.WARN
    bench.now -= shift
    assert bench.verify(weather).outcome is Outcome.ALLOW, "nothing was lost"


def test_a_hit_writes_nothing(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    before = {path: path.stat().st_mtime_ns for path in bench.state.rglob("*")} | {bench.state: bench.state.stat().st_mtime_ns}
    bench.check(weather, Phase.PRE_EXECUTE)
    bench.verify(weather)
    after = {path: path.stat().st_mtime_ns for path in bench.state.rglob("*")} | {bench.state: bench.state.stat().st_mtime_ns}
    assert after == before


def test_yesterdays_database_put_back_allows_nothing(bench: Bench, weather: Path, tmp_path: Path):
    other = make_skill(tmp_path / "other", {"SKILL.md": b"---\nname: other\n---\nHello.\n"})
    bench.know(weather)
    bench.know(other)
    bench.check(weather)
    yesterday = (bench.state / "cache.db").read_bytes()
    bench.check(other)
    (bench.state / "cache.db").write_bytes(yesterday)
    decision = bench.verify(weather)
    assert decision.outcome is Outcome.WARN
    assert "cache.untrusted" in codes(decision)


def test_an_archive_is_looked_up_by_its_own_hash_first(bench: Bench, weather: Path, tmp_path: Path):
    archive = Path(shutil.make_archive(os.fspath(tmp_path / "weather"), "zip", weather))
    bench.simulator.know(archive.read_bytes(), CLEAN)
    decision = bench.check(archive)
    assert (decision.outcome, decision.verdict.virustotal.lookups) == (Outcome.ALLOW, 1)
    (request,) = bench.simulator.requests
    assert hashlib.sha256(archive.read_bytes()).hexdigest() in request.path


def test_a_changed_skill_says_that_it_changed_unless_it_passes_again(bench: Bench, weather: Path):
    bench.know(weather)
    bench.check(weather)
    (weather / "SKILL.md").write_bytes(WEATHER["SKILL.md"] + b"one line more\n")
    asked = bench.check(weather, Phase.PRE_EXECUTE)
    assert codes(asked) == ["bytes.changed", "virustotal.not-reviewed"]
    bench.know(weather)
    assert codes(bench.check(weather, Phase.PRE_EXECUTE)) == ["verified"]


@pytest.mark.parametrize(
    "state", ["verified", "accepted", "unknown", "blocked", "revoked", "rolled-back", "stale", "escaping-link"]
)
def test_the_short_way_of_verify_says_what_the_gate_says(bench: Bench, weather: Path, state: str):
    bench.now = 1_800_000_000.0
    if state != "unknown":
        bench.know(weather, NINE if state == "blocked" else CLEAN)
    if state == "accepted":
        accept(bench, weather)
    else:
        bench.check(weather)
    if state == "revoked":
        bench.know(weather, NINE)
        bench.check(weather, refresh=True)
    elif state == "rolled-back":
        (bench.state / "cache.db").unlink()
    elif state == "stale":
        bench.now += 31 * DAY
    elif state == "escaping-link":
        (weather / "link").symlink_to("/etc/passwd")
    full = bench.verify(weather)
    with bench.assembly() as assembly:
        short = plain_yes([os.fspath(weather)], assembly.config, clock=assembly.clock)
    if short is not None:
        assert (full.outcome, [full.reasons[0].message]) == (Outcome.ALLOW, short)
    assert (short is not None) == (state in ("verified", "accepted"))


def accept(bench: Bench, path: Path) -> None:
    with bench.assembly() as assembly:
        subject = identify(read(os.fspath(path)), SkillRef("weather", os.fspath(path)))
        assembly.ledger().state(acceptance(subject, basis="accepted", by="terminal", now=assembly.clock()))


def test_a_key_that_cannot_be_one_is_as_good_as_refused(bench: Bench, weather: Path):
    bench.settings["VT_API_KEY"] = "two words"
    assert bench.check(weather).verdict.virustotal.detail is Unavailability.UNAUTHORIZED
    assert bench.simulator.requests == []
