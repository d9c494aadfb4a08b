"""`verify` through the daemon: the same words and exit code as without it, and never a worse answer than without it."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

import pytest
from support.children import ROOT
from support.command_line import Done
from support.daemon_client import Warm

from openclaw_vt.virustotal.simulator import FileReport

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the protocol runs over stdio")
COLD = {"OPENCLAW_VT_UI_LANGUAGE": "en"}
"""Any setting in the environment: the daemon has it not, so it is not asked."""


@pytest.fixture(scope="module")
def skills(shared: Warm) -> dict[str, str]:
    """One skill for each kind of answer, by name."""
    made: dict[str, Path] = {}
    for name in ("passed", "accepted", "own", "unknown", "blocked", "changed", "revoked", "unhashed", "odd \x1b[2J é"):
        made[name] = shared.skill(name, {"SKILL.md": f"---\nname: x\ndescription: d\n---\n{name!r}\n".encode()})
    for name in ("passed", "changed", "revoked", "odd \x1b[2J é"):
        shared.know(made[name])
        assert shared.use(made[name])["answer"] == "pass"
    shared.know(made["blocked"], FileReport(malicious=9))
    assert shared.use(made["blocked"])["answer"] == "block"
    shared.accept(made["accepted"])
    shared.accept(made["own"], "own")
    (made["unhashed"] / "link").symlink_to("/etc/hostname")
    shared.accept(made["unhashed"])
    shared.revoke(made["revoked"])
    (made["changed"] / "SKILL.md").write_bytes(b"changed")
    return {name: str(path) for name, path in made.items()} | {"missing": str(shared.root / "none"), "a file": str(shared.config)}


def served(machine: Warm) -> int:
    return machine.ask("status")["served"]


def both(machine: Warm, *paths: str | bytes, **options) -> tuple[Done, Done]:
    return machine.run("verify", *paths, **options), machine.run("verify", *paths, **options, **COLD)


NAMES = [
    "passed",
    "accepted",
    "own",
    "unknown",
    "blocked",
    "changed",
    "revoked",
    "unhashed",
    "odd \x1b[2J é",
    "missing",
    "a file",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_words_and_code_as_without_a_daemon(shared: Warm, skills: dict[str, str], name: str):
    before = served(shared)
    warm, cold = both(shared, skills[name])
    assert (warm.code, warm.raw_out, warm.raw_err) == (cold.code, cold.raw_out, cold.raw_err)
    assert served(shared) == before + 2, "it was asked once, by the first of the two"


def test_several_paths_are_one_answer(shared: Warm, skills: dict[str, str]):
    good = [skills[name] for name in ("passed", "accepted", "own")]
    warm, cold = both(shared, *good)
    assert (warm.code, warm.raw_out) == (cold.code, cold.raw_out) == (0, warm.raw_out)
    assert warm.out.count("\n") == 3
    for bad in ("unknown", "blocked", "missing"):
        warm, cold = both(shared, *good, skills[bad])
        assert (warm.code, warm.raw_out) == (cold.code, cold.raw_out)
        assert warm.code != 0


def test_paths_are_those_of_the_asker(shared: Warm, skills: dict[str, str]):
    folder = Path(skills["passed"])
    for path in (".", "../passed", "./", b"../passed/."):
        warm, cold = both(shared, path, cwd=folder)
        assert (warm.code, warm.raw_out) == (cold.code, cold.raw_out) == (0, warm.raw_out)
    link = shared.root / "link"
    link.symlink_to(folder)
    warm, cold = both(shared, str(link))
    assert (
        (warm.code, warm.raw_out)
        == (cold.code, cold.raw_out)
        == (0, f"unchanged: {link}: ".encode() + warm.raw_out.split(b": ", 2)[2])
    )


@pytest.mark.skipif(sys.platform != "linux", reason="names that are no text need a file system that takes them")
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_names_that_are_no_text_and_terminals_that_show_little(shared: Warm, encoding: str):
    folder = os.fsencode(shared.root / "skills") + b"/n\xe9 \xe7\x8c\xab"
    skill = Path(os.fsdecode(folder))
    skill.mkdir(parents=True, exist_ok=True)
    (skill / "SKILL.md").write_bytes(b"---\nname: x\n---\nodd\n")
    shared.accept(skill)
    warm, cold = both(shared, folder, PYTHONIOENCODING=encoding)
    assert (warm.code, warm.raw_out, warm.raw_err) == (cold.code, cold.raw_out, cold.raw_err)
    assert warm.code == 0


def test_json_and_quiet_are_as_ever(shared: Warm, skills: dict[str, str]):
    assert shared.run("verify", "--json", skills["passed"]).report["decision"] == "allow"
    assert shared.run("verify", "-q", skills["passed"]).text == ""


@pytest.mark.parametrize(
    "extra",
    [
        {"OPENCLAW_VT_POLICY_GRACE_DAYS": "3"},
        {"OPENCLAW_VT_HOOKS_PRE_EXECUTE": "off"},
        {"OPENCLAW_VT_NO_SUCH": "x"},
        {"CLAWHUB_URL": "https://other.example"},
        {"OPENCLAW_CLAWHUB_URL": "https://other.example"},
    ],
    ids=lambda extra: next(iter(extra)),
)
def test_settings_in_the_environment_go_round_the_daemon(shared: Warm, skills: dict[str, str], extra: dict[str, str]):
    before = served(shared)
    done = shared.run("verify", skills["passed"], **extra)
    assert served(shared) == before + 1, "nobody asked it"
    assert (done.code == 0) is ("OPENCLAW_VT_HOOKS_PRE_EXECUTE" in extra), done.text


def test_another_configuration_file_goes_round_the_daemon(shared: Warm, skills: dict[str, str]):
    other = shared.root / "other.toml"
    other.write_bytes(shared.config.read_bytes() + b"\n[policy]\ngrace_days = 3\n")
    done = shared.run("verify", skills["passed"], OPENCLAW_VT_CONFIG=str(other))
    assert done.code == 3, "another policy"
    same = shared.run("verify", skills["passed"], OPENCLAW_VT_CONFIG=str(shared.config))
    assert same.code == 0


def test_changed_settings_count_at_once(warm: Warm):
    folder = warm.skill("any")
    warm.know(folder)
    assert warm.use(folder)["answer"] == "pass"
    warm.configure(policy={"grace_days": 3})
    done, cold = both(warm, str(folder))
    assert (done.code, done.raw_out) == (cold.code, cold.raw_out)
    assert done.code == 3


def test_a_wedged_daemon_only_delays_the_answer(warm: Warm):
    folder = warm.skill("any")
    warm.accept(folder)
    pid = warm.met["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        done = warm.run("verify", str(folder))
    finally:
        os.kill(pid, signal.SIGCONT)
    assert (done.code, "A person accepted" in done.out) == (0, True)


def test_it_waits_for_a_dead_one_not_at_all(machine: Warm):
    folder = machine.skill("any")
    machine.accept(folder)
    address = machine.state / "daemon.json"
    body = {
        "pid": os.getpid(),
        "protocol": 1,
        "socket": str(machine.runtime / "none.sock"),
        "token": "ab" * 32,
        "version": "0.1.0",
    }
    address.write_text(json.dumps(body, sort_keys=True, separators=(",", ":")))
    address.chmod(0o600)
    assert machine.run("verify", str(folder)).code == 0


LIES = {
    "no-proof": lambda nonce: b'{"hello":1,"nonce":"' + b"0" * 32 + b'","version":"0.1.0"}\n',
    "wrong-proof": lambda nonce: b'{"hello":1,"nonce":"' + b"0" * 32 + b'","proof":"' + b"0" * 64 + b'","version":"0.1.0"}\n',
    "garbage": lambda nonce: b"\xff\xfe\n",
    "end": lambda nonce: b"",
    "much": lambda nonce: b"x" * 2_000_000 + b"\n",
}


@pytest.mark.parametrize("name", LIES)
def test_an_impostor_without_the_token_is_not_believed(machine: Warm, name: str):
    """It would say yes to anything; what it says is never shown."""
    folder = machine.skill("any")
    place = machine.runtime / "impostor.sock"
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(place))
        place.chmod(0o600)
        listener.listen()

        def lie() -> None:
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(4096))
                try:
                    connection.sendall(LIES[name](heard[0]) + b'{"code":0,"id":1,"ok":true,"text":"66616b65"}\n')
                    heard.append(connection.recv(4096))
                except OSError:
                    heard.append(b"")

        thread = threading.Thread(target=lie)
        thread.start()
        body = {"pid": os.getpid(), "protocol": 1, "socket": str(place), "token": "ab" * 32, "version": "0.1.0"}
        address = machine.state / "daemon.json"
        address.write_text(json.dumps(body, sort_keys=True, separators=(",", ":")))
        address.chmod(0o600)
        done = machine.run("verify", str(folder))
        thread.join(60)
    assert (done.code, "fake" in done.text) == (3, False)
    assert heard[1] == b"", "it hears no proof and no path"
    assert os.fsencode(str(folder)).hex().encode() not in heard[0]


def loose(address: Path) -> None:
    address.chmod(0o640)


def link(address: Path) -> None:
    address.symlink_to(address.rename(address.with_name("moved.json")))


def fifo(address: Path) -> None:
    address.unlink()
    os.mkfifo(address, 0o600)


def folder(address: Path) -> None:
    address.unlink()
    address.mkdir()


CONTENT = {
    "empty": b"",
    "no-json": b"\xff",
    "another-protocol": b'{"protocol":2,"socket":"/x","token":""}',
    "escapes": b'{"protocol":1,"socket":"/x\\u002f","token":"ab"}',
    "no-token": b'{"protocol":1,"socket":"/x"}',
    "relative": b'{"pid":1,"protocol":1,"socket":"x.sock","token":"ab","version":"0"}',
    "long": b'{"pid":1,"protocol":1,"socket":"' + b"/x" * 4000,
}


@pytest.mark.parametrize(
    "spoil", [loose, link, fifo, folder, *CONTENT], ids=lambda spoil: spoil if isinstance(spoil, str) else spoil.__name__
)
def test_a_hostile_address_is_not_used_and_the_answer_comes(shared: Warm, skills: dict[str, str], spoil):
    before = served(shared)
    address = shared.state / "daemon.json"
    good = address.read_bytes()
    try:
        if isinstance(spoil, str):
            address.write_bytes(CONTENT[spoil])
        else:
            spoil(address)
        done = shared.run("verify", skills["passed"])
        assert (done.code, done.err) == (0, "")
    finally:
        address.rmdir() if address.is_dir() and not address.is_symlink() else address.unlink()
        address.touch(mode=0o600)
        address.write_bytes(good)
    assert served(shared) == before + 1, "nobody asked it"


def test_nothing_heavy_is_loaded_to_ask(shared: Warm, skills: dict[str, str]):
    script = f"""
import sys
sys.path.append({str(ROOT)!r})
from openclaw_vt.cli import run
print(run(["verify", sys.argv[1]]), *sorted(sys.modules), file=sys.stderr)
"""
    done = shared.run(skills["passed"], prefix=(sys.executable, "-I", "-S", "-c", script))
    code, *modules = done.err.split()
    assert code == "0", done.text
    heavy = {"json", "socket", "sqlite3", "logging", "pathlib", "typing", "openclaw_vt.gate", "openclaw_vt.config"}
    assert not heavy & set(modules)


def test_a_closed_output_is_no_yes_that_nobody_saw(shared: Warm, skills: dict[str, str]):
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("this system has no full device")
    with device.open("wb") as full:
        child = shared.start("verify", skills["passed"], stdout=full)
        _, err = child.communicate(timeout=60)
    assert child.returncode != 0
    assert b"Traceback" not in err
