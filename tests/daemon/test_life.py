"""One private daemon for each state folder: how it starts, where it is met, and what it leaves behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.daemon_client import Warm, alive, eventually, mode

from openclaw_vt.daemon import rendezvous
from openclaw_vt.daemon.client import Absent
from openclaw_vt.errors import GateError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there the protocol runs over stdio")
LEAVINGS = {"daemon.json", "run"}


def foreground(machine: Warm, *, umask: int = -1, **extra: str | None) -> subprocess.Popen[bytes]:
    """Be the daemon in a process of ours, and wait until it answers."""
    child = machine.start("daemon", "--foreground", extra=extra, umask=umask, stdin=subprocess.DEVNULL)
    machine.pids.add(child.pid)
    eventually(lambda: answers(machine) or child.poll() is not None, "the daemon")
    assert child.poll() is None, child.communicate()
    return child


def answers(machine: Warm) -> bool:
    try:
        machine.ask("status")
    except GateError:
        return False
    return True


def over(child: subprocess.Popen[bytes]) -> int:
    child.communicate(timeout=60)
    return child.returncode


def test_start_status_stop(machine: Warm):
    assert (machine.run("daemon", "--status").code, machine.run("daemon", "--status", "--json").json["running"]) == (3, False)
    started = machine.run("daemon", "--json").json
    assert (started["running"], started["pid"]) == (True, machine.met["pid"])
    again = machine.run("daemon", "--json").json
    assert again["pid"] == started["pid"], "who is there is not started twice"
    assert machine.run("daemon", "--status").out.startswith("The daemon 0.1.0 runs as process")
    place = machine.met["socket"]
    assert machine.run("daemon", "--stop", "--json").json == {
        "schema": "openclaw-vt.daemon/1",
        "running": False,
        "stopped": True,
    }
    assert not os.path.lexists(place)
    assert not LEAVINGS & {path.name for path in machine.state.iterdir()}
    assert not alive(started["pid"]) or eventually(lambda: not alive(started["pid"]))
    assert machine.run("daemon", "--stop").out == "The daemon was not running.\n"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077, 0o277])
def test_everything_is_private_whatever_the_umask(machine: Warm, umask: int):
    child = foreground(machine, umask=umask)
    try:
        place = Path(machine.met["socket"])
        assert (mode(machine.state / "daemon.json"), mode(place), mode(place.parent)) == (0o600, 0o600, 0o700)
        assert (mode(machine.state / "daemon.log"), mode(machine.state), mode(machine.state / "daemon.lock")) == (
            0o600,
            0o700,
            0o600,
        )
        skill = machine.skill()
        machine.know(skill)
        answer = machine.use(skill, copy=True)
        assert answer["answer"] == "pass"
        assert mode(machine.state / "cache.db") == 0o600
        assert mode(answer["copy"]) == 0o500
        assert mode(machine.state / "copies") == 0o700
    finally:
        child.terminate()
        over(child)


def test_a_state_folder_that_is_missing_is_made_private(machine: Warm):
    deeper = machine.root / "deeper" / "still"
    done = machine.run("daemon", OPENCLAW_VT_STATE_DIR=str(deeper), umask=0)
    try:
        assert done.code == 0, done.text
        assert mode(deeper) == mode(deeper.parent) == 0o700
    finally:
        machine.run("daemon", "--stop", OPENCLAW_VT_STATE_DIR=str(deeper))


def test_without_a_runtime_folder_the_socket_lies_elsewhere_and_private(machine: Warm):
    machine.settings["XDG_RUNTIME_DIR"] = None
    machine.up()
    place = Path(machine.met["socket"])
    assert len(os.fsencode(place)) < 104, "macOS takes 104 bytes, the NUL included"
    assert (mode(place), mode(place.parent)) == (0o600, 0o700)
    assert machine.runtime not in place.parents
    assert machine.run("daemon", "--stop").code == 0
    assert not place.exists()


@pytest.mark.parametrize("runtime", ["relative", "", "/none/such", "loose", "a-file", "a-link"])
def test_a_runtime_folder_that_is_not_private_is_not_used(machine: Warm, runtime: str):
    place = machine.runtime / "x"
    if runtime == "loose":
        place.mkdir()
        place.chmod(0o755)
    elif runtime == "a-file":
        place.write_bytes(b"")
    elif runtime == "a-link":
        (machine.runtime / "real").mkdir(mode=0o700)
        place.symlink_to(machine.runtime / "real")
    named = str(place) if runtime in ("loose", "a-file", "a-link") else runtime
    found = rendezvous.socket_path(str(machine.state), {"XDG_RUNTIME_DIR": named})
    assert not Path(found).is_relative_to(machine.runtime)
    assert mode(Path(found).parent) == 0o700


def test_long_and_odd_state_folders_have_their_own_short_sockets(tmp_path: Path):
    places = set()
    for name in ("a" * 120, "é" * 60, "with space" * 12, "b" * 200):
        state = tmp_path / name
        state.mkdir(mode=0o700)
        found = rendezvous.socket_path(str(state), {})
        assert len(os.fsencode(found)) <= rendezvous.MAX_SOCKET_BYTES
        places.add(found)
    assert len(places) == 4


def test_a_daemon_with_a_long_state_folder_answers(machine: Warm):
    deep = machine.root / ("déep " * 20)
    extra = {"OPENCLAW_VT_STATE_DIR": str(deep), "XDG_RUNTIME_DIR": None}
    assert machine.run("daemon", **extra).code == 0
    assert machine.run("daemon", "--status", **extra).code == 0
    assert machine.run("daemon", "--stop", **extra).out == "The daemon has ended.\n"


def test_where_every_place_is_unsafe_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(rendezvous, "MAX_SOCKET_BYTES", 10)
    with pytest.raises(GateError, match="no place"):
        rendezvous.socket_path(str(tmp_path), {})


def test_many_starts_at_once_are_one_daemon(machine: Warm):
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: machine.run("daemon", "--json"), range(4)))
    assert {one.code for one in done} == {0}, [one.text for one in done]
    assert {one.json["pid"] for one in done} == {machine.met["pid"]}


def test_a_second_one_in_the_foreground_leaves_at_once(warm: Warm):
    pid = warm.met["pid"]
    done = warm.run("daemon", "--foreground")
    assert (done.code, "another daemon runs" in done.err) == (0, True)
    assert warm.ask("status")["pid"] == pid


def test_after_a_kill_the_next_start_takes_over_the_stale_socket(warm: Warm):
    before = warm.met
    os.kill(before["pid"], signal.SIGKILL)
    eventually(lambda: not alive(before["pid"]))
    assert os.path.lexists(before["socket"]), "a killed daemon tidies nothing"
    assert warm.run("daemon", "--status").code == 3
    with pytest.raises(Absent):
        warm.client()
    assert warm.run("daemon").code == 0
    after = warm.met
    assert after["pid"] != before["pid"]
    assert after["token"] != before["token"], "each daemon has its own token"
    assert after["socket"] == before["socket"]


@pytest.mark.parametrize("what", ["file", "link", "socket"])
def test_what_lies_in_the_sockets_place_is_replaced_and_not_followed(machine: Warm, what: str):
    place = Path(rendezvous.socket_path(str(machine.state), machine.environ()))
    precious = machine.root / "precious"
    precious.write_bytes(b"mine")
    if what == "file":
        place.write_bytes(b"old")
    elif what == "link":
        place.symlink_to(precious)
    else:
        with socket.socket(socket.AF_UNIX) as stale:
            stale.bind(str(place))
    machine.up()
    assert machine.met["socket"] == str(place)
    assert precious.read_bytes() == b"mine"


def test_a_folder_in_the_sockets_place_is_said_and_not_removed(machine: Warm):
    place = Path(rendezvous.socket_path(str(machine.state), machine.environ()))
    (place / "inside").mkdir(parents=True)
    done = machine.run("daemon", "--foreground")
    assert (done.code, "could not be opened" in done.err) == (4, True), done.text
    assert (place / "inside").is_dir()
    assert not (machine.state / "daemon.json").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_tidily(machine: Warm, number: int):
    child = foreground(machine)
    place = machine.met["socket"]
    child.send_signal(number)
    assert over(child) == 0
    assert not os.path.lexists(place)
    assert not LEAVINGS & {path.name for path in machine.state.iterdir()}
    assert "ended" in machine.log


def test_it_ends_by_itself_when_nobody_comes(machine: Warm):
    machine.configure(daemon={"idle_s": 5})
    child = foreground(machine)
    assert over(child) == 0
    assert not (machine.state / "daemon.json").exists()


def test_an_old_daemon_takes_no_younger_ones_address_away(warm: Warm):
    rendezvous.withdraw(str(warm.state), warm.met["pid"] + 1)
    assert warm.ask("status")["pid"] == warm.met["pid"]


def test_it_is_started_from_a_folder_that_is_gone(machine: Warm):
    gone = machine.root / "gone"
    gone.mkdir()
    script = "import os, sys; os.rmdir(os.getcwd()); from openclaw_vt.cli import main; main(['daemon'])"
    done = machine.run(prefix=(sys.executable, "-c", script), cwd=gone)
    assert done.code == 0, done.text
    assert machine.ask("status")["pid"]


def test_the_log_is_private_and_never_grows_without_end(machine: Warm):
    for number in ("", ".1", ".2"):
        old = machine.state / f"daemon.log{number}"
        old.write_bytes(b"x" * 600_000)
        old.chmod(0o600)
    machine.up()
    with machine.talk() as talk:
        talk.send(b"garbage\n")
        assert talk.line() is None
    logs = sorted(machine.state.glob("daemon.log*"))
    assert [path.name for path in logs] == ["daemon.log", "daemon.log.1", "daemon.log.2"]
    assert {mode(path) for path in logs} == {0o600}
    assert logs[0].stat().st_size < 100_000


def test_a_log_that_is_a_link_is_not_written_through(machine: Warm):
    precious = machine.root / "precious"
    precious.write_bytes(b"mine")
    (machine.state / "daemon.log").symlink_to(precious)
    machine.up()
    machine.run("daemon", "--stop")
    assert precious.read_bytes() == b"mine"


def test_copies_stay_after_a_stop(warm: Warm):
    skill = warm.skill()
    warm.know(skill)
    copy = Path(warm.use(skill, copy=True)["copy"])
    assert warm.run("daemon", "--stop").code == 0
    assert (copy / "SKILL.md").read_bytes() == (skill / "SKILL.md").read_bytes()


def test_the_environment_of_whoever_starts_it_decides_nothing(machine: Warm):
    extra = {"OPENCLAW_VT_HOOKS_PRE_EXECUTE": "off", "OPENCLAW_VT_POLICY_ON_UNREVIEWED": "allow", "VT_API_KEY": "0" * 64}
    assert machine.run("daemon", **extra).code == 0
    assert machine.use(machine.skill())["answer"] == "ask"
    assert {request.headers["x-apikey"] for request in machine.simulator.requests} == {machine.simulator.key}


# --- what a client does not believe ---


def loose_file(machine: Warm) -> None:
    (machine.state / "daemon.json").chmod(0o644)


def linked_file(machine: Warm) -> None:
    place = machine.state / "daemon.json"
    place.symlink_to(place.rename(machine.root / "elsewhere.json"))


def garbage_file(machine: Warm) -> None:
    (machine.state / "daemon.json").write_bytes(b"\xff{")


def foreign_protocol(machine: Warm) -> None:
    place = machine.state / "daemon.json"
    place.write_bytes(place.read_bytes().replace(b'"protocol":1', b'"protocol":2'))


def fifo_file(machine: Warm) -> None:
    (machine.state / "daemon.json").unlink()
    os.mkfifo(machine.state / "daemon.json", 0o600)


def loose_socket(machine: Warm) -> None:
    Path(machine.met["socket"]).chmod(0o666)


def loose_folder(machine: Warm) -> None:
    Path(machine.met["socket"]).parent.chmod(0o755)


def linked_socket(machine: Warm) -> None:
    place = Path(machine.met["socket"])
    place.symlink_to(place.rename(place.with_name("moved.sock")))


def linked_folder(machine: Warm) -> None:
    folder = Path(machine.met["socket"]).parent
    folder.symlink_to(folder.rename(folder.with_name("moved")))


UNSAFE = [
    loose_file,
    linked_file,
    garbage_file,
    foreign_protocol,
    fifo_file,
    loose_socket,
    loose_folder,
    linked_socket,
    linked_folder,
]


@pytest.mark.parametrize("spoil", UNSAFE, ids=lambda spoil: spoil.__name__.replace("_", "-"))
def test_a_place_that_others_could_have_made_is_not_used(warm: Warm, spoil):
    skill = warm.skill()
    warm.accept(skill)
    pid = warm.met["pid"]
    spoil(warm)
    with pytest.raises(GateError):
        warm.client()
    done = warm.run("verify", str(skill))
    assert (done.code, "A person accepted" in done.out) == (0, True), "the answer comes without the daemon"
    assert warm.run("daemon", "--status").code != 0
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not alive(pid))


@pytest.mark.parametrize("spoil", [loose_file, linked_file, garbage_file, fifo_file], ids=lambda spoil: spoil.__name__)
def test_the_next_daemon_puts_a_spoiled_address_right(warm: Warm, spoil):
    pid = warm.met["pid"]
    spoil(warm)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not alive(pid))
    done = warm.run("daemon", "--json")
    assert done.code == 0, done.text
    assert warm.met["pid"] == done.json["pid"] != pid
    assert (mode(warm.state / "daemon.json"), (warm.state / "daemon.json").is_symlink()) == (0o600, False)


def test_a_client_of_another_user_is_turned_away(warm: Warm):
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    place = warm.met["socket"]
    for folder in (Path(place), *Path(place).parents[:2]):
        folder.chmod(0o777)
    script = (
        "import os, socket, sys\n"
        "s = socket.socket(socket.AF_UNIX); os.setgroups([]); os.setgid(65534); os.setuid(65534); s.connect(sys.argv[1])\n"
        'try:\n    s.sendall(b\'{"hello":1,"nonce":"\' + b"a" * 32 + b\'"}\\n\')\n    print(s.recv(100))\n'
        "except ConnectionError: print(b'')"
    )
    done = warm.run(place, prefix=(sys.executable, "-c", script))
    assert done.out == "b''\n", done.text
    eventually(lambda: "another user" in warm.log)


def test_openclaws_launcher_starts_it_and_setup_remove_ends_it_without_a_trace(machine: Warm):
    """From `setup` to `setup --remove`: the launcher that the plugin starts serves, whatever is in the environment."""
    text = b"// mine\n{ plugins: { allow: ['mine'], load: { paths: ['/srv/mine'] } } }\n"
    machine.openclaw_json.parent.mkdir()
    machine.openclaw_json.write_bytes(text)
    assert machine.run("setup", "--no-input").code == 0
    assert machine.openclaw_json.read_bytes() != text
    assert not (machine.state / "daemon.json").exists(), "none is started before somebody needs it"
    done = subprocess.run([machine.launcher, "daemon"], env={"HOME": "/none/such"}, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    pid = machine.ask("status")["pid"]
    assert machine.ask("start", config=str(machine.openclaw_json))["places"]["stateDir"] == str(machine.state)
    assert machine.run("setup", "--remove", "--no-input").code == 0
    assert machine.openclaw_json.read_bytes() == text
    eventually(lambda: not alive(pid))
    assert not LEAVINGS & {path.name for path in machine.state.iterdir()}
