from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest
from support.faults import Child, harmed, points
from support.signing import NOW, Clock

from openclaw_vt.store import audit, files
from openclaw_vt.store.audit import Audit
from openclaw_vt.store.problem import ProblemCode
from openclaw_vt.store.redaction import REDACTED, Redactor


@pytest.fixture
def log(tmp_path):
    return Audit(tmp_path / "state", clock=Clock())


def write(log, *events):
    for event in events:
        assert log.append(event, {"tree": "a" * 64}) is None


def events(log):
    return [entry["event"] for entry in log.tail(1000)]


def codes(log):
    return [problem.code for problem in log.verify()]


def lines(log):
    return log.path.read_bytes().splitlines(keepends=True)


def test_a_log_that_was_never_written_is_fine(log):
    assert log.tail(5) == ()
    assert log.verify() == ()


def test_entries_read_back_in_order_and_the_chain_holds(log):
    write(log, "judged", "blocked")
    first, second = log.tail(9)
    assert (first["sequence"], first["previous"], first["event"]) == (1, None, "judged")
    assert (second["sequence"], second["time"], second["detail"]) == (2, "2027-01-15T08:00:00Z", {"tree": "a" * 64})
    assert log.verify() == ()


@pytest.mark.parametrize(("count", "expected"), [(0, []), (1, ["c"]), (2, ["b", "c"]), (9, ["a", "b", "c"])])
def test_the_tail_is_the_newest(log, count, expected):
    write(log, "a", "b", "c")
    assert [entry["event"] for entry in log.tail(count)] == expected


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
@pytest.mark.parametrize("umask", [0, 0o002, 0o277])
def test_files_are_private_whatever_the_umask(log, umask):
    before = os.umask(umask)
    try:
        write(log, "a")
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in log.path.parent.iterdir()} == {0o600}


# Tampering.


def test_a_changed_line_is_named(log):
    write(log, "a", "blocked", "c")
    log.path.write_bytes(log.path.read_bytes().replace(b"blocked", b"allowed"))
    (problem,) = log.verify()
    assert (problem.code, problem.sequence) == (ProblemCode.FORGED, 3)


def test_a_removed_line_is_named(log):
    write(log, "a", "b", "c")
    kept = lines(log)
    log.path.write_bytes(kept[0] + kept[2])
    assert [(problem.code, problem.sequence) for problem in log.verify()] == [(ProblemCode.GAP, 2)]


def test_a_missing_beginning_is_named(log):
    write(log, "a", "b")
    log.path.write_bytes(lines(log)[1])
    assert codes(log) == [ProblemCode.GAP]


def test_swapped_lines_are_named(log):
    write(log, "a", "b", "c")
    first, second, third = lines(log)
    log.path.write_bytes(second + first + third)
    assert codes(log)


@pytest.mark.parametrize(
    "junk", [b"junk\n", b"{}\n", b'{"sequence":true}\n', b"[" * 100 + b"\n", b"\xff\n", b"x" * 200_000 + b"\n"]
)
def test_junk_in_the_middle_is_named_and_writing_goes_on(log, junk):
    write(log, "a", "b")
    first, second = lines(log)
    log.path.write_bytes(first + junk + second)
    assert ProblemCode.CORRUPT in codes(log)
    write(log, "c")
    assert events(log) == ["a", "b", "c"]


def test_junk_at_the_end_is_named_and_the_chain_goes_on_from_it(log):
    write(log, "a")
    with log.path.open("ab") as handle:
        handle.write(b"junk\n")
    write(log, "b")
    (problem,) = log.verify()
    assert (problem.code, problem.sequence) == (ProblemCode.CORRUPT, 2)
    assert log.tail(1)[0]["sequence"] == 3


# Crashes.


@pytest.mark.parametrize("kept", [1, 50, -1])
def test_a_line_torn_by_a_crash_is_put_aside_and_noted(log, kept):
    write(log, "a", "b", "c")
    first, second, third = lines(log)
    torn = third[:kept]
    log.path.write_bytes(first + second + torn)
    assert codes(log) == [ProblemCode.TORN]
    assert log.verify()[0].repairable
    write(log, "d")
    assert events(log) == ["a", "b", "audit.torn", "d"]
    assert log.verify() == ()
    assert log.path.with_name("audit.jsonl.torn-1").read_bytes() == torn


APPENDING = """
import os, sys
from pathlib import Path
from support.signing import Clock
from openclaw_vt.store.audit import Audit
log = Audit(Path(sys.argv[1]), clock=Clock(), max_bytes=int(sys.argv[2]))
for number in range(4):
    problem = log.append(f"event {number}", {"n": number})
    os.writev(1, [b"%s %d\\n" % (b"refused" if problem else b"written", number)])
"""


@pytest.mark.parametrize("fault", ["kill", "EIO", "ENOSPC"])
@pytest.mark.parametrize("size", [1_000_000, 300])
def test_a_fault_at_any_write_loses_no_line_that_was_acknowledged(tmp_path, fault, size):
    child = Child(APPENDING, (str(tmp_path / "state"), str(size)))
    for point in list(points(child, tmp_path / "trace", fault)):
        for path in (tmp_path / "state").iterdir():
            path.unlink()
        done = harmed(child, point)
        assert done.returncode == 0 or fault == "kill", done.stderr
        written = [f"event {line.split()[1]}" for line in done.stdout.splitlines() if line.startswith("written")]
        log = Audit(tmp_path / "state", clock=Clock(), max_bytes=size)
        write(log, "after")
        found = [event for event in events(log) if event != "audit.torn"]
        assert found[-1] == "after", point
        assert [event for event in found if event in written] == written, point
        assert log.verify() == (), point


def test_a_full_disk_is_a_problem_to_show_and_not_an_exception(tmp_path):
    script = """
import resource, sys
from pathlib import Path
from support.signing import Clock
from openclaw_vt.store.audit import Audit
log = Audit(Path(sys.argv[1]), clock=Clock())
assert log.append("a", {}) is None
resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 40, resource.RLIM_INFINITY))
problem = log.append("b", {})
print(problem.code, problem.message)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
assert log.append("c", {}) is None
print([entry["event"] for entry in log.tail(9)], log.verify())
"""
    if os.name == "nt":
        pytest.skip("Windows has no limit on a file's size")
    done = Child(script, (str(tmp_path / "state"),)).run()
    first, second = done.stdout.splitlines()
    assert first.startswith("write-failed The audit log was not written")
    assert second == "['a', 'c'] ()"


# What stands in the way.


@pytest.mark.skipif(os.name == "nt", reason="Windows has access lists instead of modes")
def test_a_folder_that_others_may_write_to_is_refused(log):
    write(log, "a")
    log.path.parent.chmod(0o777)
    assert log.append("b", {}).code is ProblemCode.UNSAFE


@pytest.mark.parametrize("kind", ["directory", "symlink", "fifo"])
def test_what_is_no_plain_file_is_refused(log, tmp_path, kind):
    write(log, "a")
    log.path.unlink()
    if kind == "directory":
        log.path.mkdir()
    elif os.name == "nt":
        pytest.skip("needs a privilege on Windows")
    elif kind == "fifo":
        os.mkfifo(log.path)
    else:
        log.path.symlink_to(tmp_path / "elsewhere")
    assert log.append("b", {}).code is ProblemCode.WRITE_FAILED
    assert not (tmp_path / "elsewhere").exists()
    assert codes(log) == [ProblemCode.UNREADABLE]
    assert log.tail(3) == ()


def test_a_lock_that_is_never_released_is_a_problem_to_show(log, monkeypatch):
    write(log, "a")
    monkeypatch.setattr(audit, "LOCK_WAIT_S", 0.05)
    with files.locked(log.path.with_name("audit.lock"), wait_s=1):
        assert log.append("b", {}).code is ProblemCode.BUSY


@pytest.mark.parametrize("detail", [{"set": {1}}, {"nan": float("nan")}, {"bytes": b"x"}], ids=str)
def test_what_is_no_json_is_a_problem_to_show(log, detail):
    assert log.append("a", detail).code is ProblemCode.WRITE_FAILED
    assert log.verify() == ()


def test_a_line_that_is_too_long_is_cut_and_says_so(log):
    write(log, "a")
    assert log.append("b", {"text": "x" * 1_000_000}) is None
    assert log.tail(1)[0]["detail"]["cut"] is True
    assert log.verify() == ()


def test_a_hostile_name_stays_on_its_line(log):
    assert log.append("a", {"name": 'x\n{"sequence":2}\r\x1b[2J\u2028'}) is None
    assert len(lines(log)) == 1
    assert b"\x1b" not in log.path.read_bytes()


# Rotation.


def test_a_full_file_is_moved_and_the_chain_goes_on(tmp_path):
    log = Audit(tmp_path / "state", clock=Clock(), max_bytes=1000)
    write(log, *(f"event {number}" for number in range(20)))
    assert len(audit.rotated(tmp_path / "state")) >= 3
    assert events(log) == [f"event {number}" for number in range(20)]
    assert log.verify() == ()
    assert [entry["sequence"] for entry in log.tail(1000)] == list(range(1, 21))


def test_a_rotated_file_that_is_gone_is_named(tmp_path):
    log = Audit(tmp_path / "state", clock=Clock(), max_bytes=1000)
    write(log, *(f"event {number}" for number in range(20)))
    audit.rotated(tmp_path / "state")[1].unlink()
    assert codes(log) == [ProblemCode.GAP]


def test_a_crash_between_rotation_and_the_next_line_keeps_the_chain(tmp_path):
    log = Audit(tmp_path / "state", clock=Clock())
    write(log, "a", "b")
    log.path.rename(log.path.with_name("audit-000000000001.jsonl"))
    write(log, "c")
    assert log.verify() == ()
    assert log.tail(1)[0]["sequence"] == 3


def test_several_processes_write_one_chain(tmp_path):
    search = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-c", APPENDING, str(tmp_path / "state"), "900"]
    children = [subprocess.Popen(command, env={**os.environ, "PYTHONPATH": search}, stdout=subprocess.PIPE) for _ in range(6)]
    output = b"".join(child.communicate(timeout=60)[0] for child in children)
    log = Audit(tmp_path / "state", clock=Clock(), max_bytes=900)
    assert log.verify() == ()
    assert len(log.tail(1000)) == output.count(b"written") == 24


# Redaction.

KEY = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "text",
    [
        f"x-apikey: {KEY}",
        f"X-ApiKey:{KEY}",
        f"VT_API_KEY={KEY}",
        f'"apikey": "{KEY}"',
        f"api_key = '{KEY.upper()}'",
        f"https://www.virustotal.com/vtapi/v2/file/report?apikey={KEY}&resource=x",
        f"{{'x-apikey': '{KEY}'}}",
        f"virustotal-api-key {KEY}",
    ],
)
def test_a_key_that_is_named_as_one_is_redacted(text):
    assert KEY not in Redactor().text(text).lower()
    assert REDACTED in Redactor().text(text)


def test_a_digest_is_no_key():
    assert Redactor().value({"tree": KEY, "sha256": f"sha256={KEY}"}) == {"tree": KEY, "sha256": f"sha256={KEY}"}


def test_known_secrets_go_wherever_they_are(tmp_path):
    log = Audit(tmp_path / "state", clock=Clock(), redactor=Redactor([KEY, "hunter2hunter2", "", "short"]))
    detail = {"tree": "b" * 64, "why": f"error {KEY.upper()}", "list": [{"deep": "hunter2hunter2"}], f"name {KEY}": "short"}
    assert log.append("a", detail) is None
    raw = log.path.read_text().lower()
    assert KEY not in raw
    assert "hunter2" not in raw
    assert "short" in raw
    assert json.loads(raw)["detail"]["tree"] == "b" * 64


@pytest.mark.parametrize("name", ["x-apikey", "VT_API_KEY", "password", "Authorization", "access_token"])
def test_fields_that_only_ever_hold_secrets_are_redacted(name):
    assert Redactor().value({name: "whatever"}) == {name: REDACTED}


def test_a_bearer_token_is_redacted():
    assert Redactor().text("Authorization: Bearer abc.def-ghi") == f"Authorization: Bearer {REDACTED}"


def test_the_clock_of_the_tests_is_the_log_s(log):
    write(log, "a")
    assert log.tail(1)[0]["time"] == "2027-01-15T08:00:00Z"
    assert NOW == 1_800_000_000
