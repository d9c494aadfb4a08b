"""What a person says to a question: an "always" is a signed yes to exactly the bytes that were asked about, once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from support.daemon_client import Warm, occupied

from openclaw_vt.daemon.tickets import LIFE_S, MAX_OPEN, Tickets
from openclaw_vt.model.subject import Digest, SkillRef, Subject
from openclaw_vt.virustotal.simulator import FileReport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the protocol runs over stdio")
SUBJECT = Subject(SkillRef("a", "/a"), Digest("ab" * 32), Digest("cd" * 32), 1, 1)


def skill(machine: Warm, name: str) -> Path:
    return machine.skill(name, {"SKILL.md": f"---\nname: {name}\n---\nHello.\n".encode(), "run.sh": b"true\n"})


def asked(machine: Warm, folder: Path, **more) -> str:
    answer = machine.use(folder, **more)
    assert answer["answer"] == "ask"
    return answer["ticket"]


def kept(machine: Warm, ticket: object, resolution: object = "allow-always") -> bool:
    return machine.ask("answer", ticket=ticket, resolution=resolution)["kept"]


def test_always_is_a_signed_yes_to_these_bytes_alone(shared: Warm):
    folder = skill(shared, "always")
    assert kept(shared, asked(shared, folder))
    assert shared.statements(folder) == ["acceptance"]
    assert shared.use(folder)["answer"] == "pass"
    assert shared.run("verify", str(folder)).code == 0
    events = [line for line in shared.audit() if line["detail"].get("tree") == shared.subject(folder).tree]
    assert [line["event"] for line in events][-2:] == ["approval", "accepted"]
    assert events[-1]["detail"]["by"] == "openclaw-approval"
    (folder / "run.sh").write_bytes(b"evil\n")
    assert shared.use(folder)["answer"] == "ask"


@pytest.mark.parametrize("resolution", ["allow-once", "deny", "timeout", "cancelled"])
def test_any_other_answer_keeps_nothing(shared: Warm, resolution: str):
    folder = skill(shared, f"other-{resolution}")
    assert not kept(shared, asked(shared, folder), resolution)
    assert shared.statements(folder) == []
    assert shared.use(folder)["answer"] == "ask"
    assert shared.audit()[-1]["detail"]["resolution"] == resolution


@pytest.mark.parametrize("resolution", ["", "ALLOW-ALWAYS", "allow", True, None, 1, ["allow-always"], {"allow-always": 1}])
def test_an_answer_that_is_none_closes_the_question(shared: Warm, resolution: object):
    folder = skill(shared, "none")
    ticket = asked(shared, folder)
    with shared.talk() as talk:
        answer = talk.ask(id=1, op="answer", ticket=ticket, resolution=resolution)
    assert not answer.get("kept")
    assert not kept(shared, ticket)
    assert shared.statements(folder) == []


def test_a_question_is_answered_once(shared: Warm):
    folder = skill(shared, "once")
    ticket = asked(shared, folder)
    assert not kept(shared, ticket, "deny")
    assert not kept(shared, ticket)
    assert shared.statements(folder) == []


@pytest.mark.parametrize("ticket", ["", "0" * 32, None, 7, True, ["a"], {"a": 1}, "x" * 100_000])
def test_a_question_that_nobody_asked_has_no_answer(shared: Warm, ticket: object):
    assert not kept(shared, ticket)


CHANGES = {
    "byte": lambda folder: (folder / "run.sh").write_bytes(b"trui\n"),
    "added": lambda folder: (folder / "more").write_bytes(b""),
    "executable": lambda folder: (folder / "run.sh").chmod(0o644),
    "gone": lambda folder: folder.rename(folder.with_name("gone-elsewhere")),
    "link-out": lambda folder: (folder / "link").symlink_to("/etc/passwd"),
    "fifo": lambda folder: os.mkfifo(folder / "pipe"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_bytes_that_change_while_the_person_reads_are_not_accepted(shared: Warm, change: str):
    folder = skill(shared, f"meanwhile-{change}")
    ticket = asked(shared, folder)
    subject = shared.subject(folder)
    CHANGES[change](folder)
    with shared.talk() as talk:
        assert not talk.ask(id=1, op="answer", ticket=ticket, resolution="allow-always").get("kept")
    with shared.assembly() as assembly:
        assert assembly.cache().history(subject.tree) == (), "nor are those that were shown"


def test_what_no_digest_covers_is_part_of_the_yes(shared: Warm):
    folder = skill(shared, "unhashed")
    (folder / "link").symlink_to("/etc/hostname")
    assert kept(shared, asked(shared, folder))
    assert shared.use(folder)["answer"] == "pass"
    (folder / "link").unlink()
    os.mkfifo(folder / "link")
    assert shared.use(folder)["answer"] == "ask"


def test_a_block_has_no_question(shared: Warm):
    folder = skill(shared, "blocked")
    shared.know(folder, FileReport(malicious=9))
    assert "ticket" not in shared.use(folder)


def test_a_yes_to_an_unfinished_judgement_is_no_yes_to_a_block(warm: Warm):
    """The question was "not finished yet"; by the time the person says always, the bytes are known to be malicious."""
    folder = skill(warm, "unfinished")
    warm.know(folder, FileReport(malicious=9))
    with occupied(warm):
        ticket = asked(warm, folder, budget_ms=50)
    assert not kept(warm, ticket)
    assert warm.use(folder)["answer"] == "block"
    assert "acceptance" not in warm.statements(folder)


def test_a_yes_after_the_block_was_found_elsewhere_is_not_kept(shared: Warm):
    folder = skill(shared, "found-elsewhere")
    ticket = asked(shared, folder)
    shared.know(folder, FileReport(malicious=9))
    assert shared.run("scan", "--refresh", str(folder)).code == 1
    assert not kept(shared, ticket)
    assert "acceptance" not in shared.statements(folder)
    assert shared.use(folder)["answer"] == "block"


def test_a_yes_to_what_was_revoked_meanwhile_is_not_kept(shared: Warm):
    folder = skill(shared, "revoked-meanwhile")
    ticket = asked(shared, folder)
    shared.revoke(folder)
    assert not kept(shared, ticket)
    assert shared.use(folder)["answer"] == "block"


def test_a_yes_that_cannot_be_signed_is_not_kept(warm: Warm):
    folder = skill(warm, "unsigned")
    ticket = asked(warm, folder)
    (warm.state / "cache.db").unlink(missing_ok=True)
    (warm.state / "cache.db").mkdir()
    assert not kept(warm, ticket)
    assert warm.ask("status")["pid"]


# --- tickets by themselves ---


def test_a_ticket_is_good_for_a_quarter_of_an_hour_and_once():
    now = [0.0]
    tickets = Tickets(clock=lambda: now[0])
    one, other = tickets.issue("/a", SUBJECT), tickets.issue("/b", SUBJECT)
    assert one != other
    now[0] = LIFE_S
    assert tickets.redeem(one).path == "/a"
    assert tickets.redeem(one) is None
    now[0] = LIFE_S + 1
    assert tickets.redeem(other) is None


def test_the_oldest_of_too_many_questions_is_forgotten():
    tickets = Tickets(clock=lambda: 0.0)
    numbers = [tickets.issue("/a", SUBJECT) for _ in range(MAX_OPEN + 5)]
    assert len(set(numbers)) == len(numbers)
    good = [number for number in numbers if tickets.redeem(number)]
    assert good == numbers[-len(good) :]
    assert MAX_OPEN - 1 <= len(good) <= MAX_OPEN
