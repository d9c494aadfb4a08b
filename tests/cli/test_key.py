"""`key`: what goes in, what comes out, and what never does."""

from __future__ import annotations

import json

import pytest
from support.command_line import Machine, finish
from support.secret_service import secret_service

from openclaw_vt.virustotal.simulator import FileReport, Simulator

KEY = "fedcba98" * 8


@pytest.fixture
def machine(machine: Machine) -> Machine:
    machine.settings["VT_API_KEY"] = None
    return machine


@pytest.mark.parametrize("given", [f"{KEY}", f"{KEY}\n", f"{KEY}\r\n", f"  {KEY}\t\n", f"{KEY}\nmore\n"])
def test_set_reads_one_line_from_a_pipe(machine: Machine, given: str):
    done = machine.run("key", "set", stdin=given.encode())
    assert (done.code, done.out, done.err) == (0, "The VirusTotal key is stored in: file.\n", "")
    assert (machine.state / "keys" / "virustotal-api-key").read_text() == KEY
    assert machine.run("key", "status", "--json").json["stored"] is True


@pytest.mark.parametrize("given", [b"", b"\n", b"short", b"two words of key material", b"\xff\xfe" * 20, b"x" * 5000, b"\0" * 64])
def test_set_refuses_what_is_no_key_without_repeating_it(machine: Machine, given: bytes):
    for locale in ("C.UTF-8", "C", "en_US.UTF-8"):
        done = machine.run("key", "set", stdin=given, LANG=locale, PYTHONIOENCODING="utf-8:strict")
        assert done.code == 2
        assert "does not hold a VirusTotal key" in done.err
        assert len(given.strip()) < 4 or given[:12].decode("latin-1") not in done.text
    assert not (machine.state / "keys").exists()


@pytest.mark.skipif("sys.platform == 'win32'", reason="terminals here are POSIX ones")
def test_set_hides_what_is_typed(machine: Machine):
    child = machine.terminal("key", "set")
    child.expect_exact("VirusTotal API key (not shown): ")
    child.sendline(KEY)
    code, said = finish(child)
    assert (code, "is stored in: file" in said, KEY in said) == (0, True, False)


@pytest.mark.skipif("sys.platform == 'win32'", reason="terminals here are POSIX ones")
@pytest.mark.parametrize(("key", "expected"), [("\x04", 2), ("\x03", 130)])
def test_leaving_the_prompt_changes_nothing(machine: Machine, key: str, expected: int):
    child = machine.terminal("key", "set")
    child.expect_exact("not shown")
    child.send(key)
    code, said = finish(child)
    assert (code, "Traceback" in said) == (expected, False)
    assert not (machine.state / "keys").exists()


def test_status_of_nothing_and_of_an_environment(machine: Machine, simulator: Simulator):
    nothing = machine.run("key", "status", "--json")
    assert (nothing.code, nothing.json["stored"], nothing.json["backend"]) == (0, False, "file")
    assert machine.run("key", "status", "--json", VT_API_KEY=KEY).json["backend"] == "environment"
    no_keyring = {"OPENCLAW_VT_KEYS_BACKEND": None}
    assert machine.run("key", "status", "--json", **no_keyring).json["backend"] == "none"
    assert set(nothing.json) >= {"stored", "backend", "quota"}
    assert simulator.requests == [], "status asks nobody"


def test_without_a_key_store_set_names_the_ways_out(machine: Machine):
    done = machine.run("key", "set", stdin=KEY.encode(), OPENCLAW_VT_KEYS_BACKEND=None)
    assert done.code == 2
    assert 'keys.backend = "file"' in done.err
    assert KEY not in done.text


def test_check_asks_once_and_prints_one_document(machine: Machine, simulator: Simulator):
    good = machine.run("key", "status", "--check", "--json", VT_API_KEY=simulator.key)
    assert (good.code, good.json["accepted"]) == (0, True)
    assert len(simulator.requests) == 1
    wrong = machine.run("key", "status", "--check", "--json", VT_API_KEY=KEY)
    assert (wrong.code, wrong.json["accepted"]) == (3, False)
    assert "refused the API key" in wrong.err
    none = machine.run("key", "status", "--check", "--json")
    assert (none.code, none.json["accepted"], none.json["stored"]) == (3, False, False)
    stored = machine.run("key", "set", "--check", stdin=simulator.key.encode())
    assert (stored.code, "VirusTotal accepts the key." in stored.out) == (0, True)


def test_delete_forgets(machine: Machine):
    machine.run("key", "set", stdin=KEY.encode())
    assert machine.run("key", "delete").out == "The VirusTotal key was deleted.\n"
    assert machine.run("key", "delete", "--json").json["deleted"] is False
    assert KEY.encode() not in b"".join(machine.state_files().values())


def test_rotate_makes_a_new_key_and_keeps_what_people_said(machine: Machine, simulator: Simulator):
    machine.settings["VT_API_KEY"] = simulator.key
    accepted, revoked = machine.skill("mine"), machine.verified()
    machine.know(revoked, FileReport(malicious=9))
    assert machine.run("scan", "--refresh", str(revoked)).code == 1
    assert machine.run("accept", "--no-input", str(accepted)).code == 0
    before = machine.run("key", "status", "--json").json["signing_key"]
    after = machine.run("key", "rotate", "--json").json
    assert after["signing_key"] != before
    assert machine.run("verify", str(accepted)).code == 0
    assert machine.run("verify", str(revoked)).code == 1, "a revocation outlives the key"
    assert machine.run("cache", "verify").code == 0


@pytest.mark.secret_service
class TestKeyring:
    """A real GNOME Keyring on a D-Bus session of its own."""

    @pytest.fixture
    def session(self, machine: Machine):
        with secret_service() as session:
            machine.settings |= {
                "DBUS_SESSION_BUS_ADDRESS": session.address,
                "XDG_RUNTIME_DIR": session.environ["XDG_RUNTIME_DIR"],
                "OPENCLAW_VT_KEYS_BACKEND": None,
            }
            yield session

    def test_a_life_of_a_key(self, machine: Machine, simulator: Simulator, session):
        done = machine.run("key", "set", stdin=simulator.key.encode())
        assert (done.code, done.out) == (0, "The VirusTotal key is stored in: secret-service.\n")
        skill = machine.verified()
        status = machine.run("key", "status", "--json").json
        assert (status["stored"], status["backend"]) == (True, "secret-service")
        assert status["signing_key"]
        assert machine.run("verify", str(skill)).code == 0
        assert machine.run("key", "rotate").code == 0
        assert machine.run("cache", "verify").code == 0
        assert machine.run("key", "delete").code == 0
        assert machine.run("key", "status", "--json").json["stored"] is False
        files = b"".join(machine.state_files().values())
        assert simulator.key.encode() not in files

    def test_setup_takes_the_key_from_the_environment(self, machine: Machine, simulator: Simulator, session):
        done = machine.run("setup", "--no-input", "--json", VT_API_KEY=simulator.key)
        assert done.code == 0, done.err
        assert done.json["key"] == {"stored": True, "backend": "secret-service"}
        assert machine.run("key", "status", "--json").json["stored"] is True
        policy = json.loads(machine.openclaw_json.read_text())["security"]["installPolicy"]["exec"]
        assert "DBUS_SESSION_BUS_ADDRESS" in policy["passEnv"]
        assert simulator.key not in machine.openclaw_json.read_text() + machine.config.read_text() + machine.launcher.read_text()

    def test_a_locked_keyring_is_named_with_its_mend(self, machine: Machine, simulator: Simulator, session):
        machine.run("key", "set", stdin=simulator.key.encode())
        skill = machine.skill()
        machine.know(skill)
        session.lock()
        for words in (["key", "status"], ["key", "delete"], ["key", "rotate"], ["accept", "--no-input", str(skill)]):
            done = machine.run(*words)
            assert done.code == 2, (words, done.text)
            assert "Unlock it" in done.err, words
        assert machine.run("key", "set", stdin=simulator.key.encode()).code == 2
        setup = machine.run("setup", "--no-input", VT_API_KEY=simulator.key)
        assert (setup.code, "Unlock it" in setup.err) == (2, True)
        assert machine.openclaw_json.exists(), "OpenClaw asks the gate all the same"
        judged = machine.run("scan", "--json", str(skill), VT_API_KEY=simulator.key)
        assert judged.code == 0
        assert any(reason["code"] == "cache.not-written" for reason in judged.report["reasons"])
        broken = {check["name"]: check for check in machine.run("doctor", "--offline", "--json").json["checks"]}
        assert broken["key store"]["health"] == "broken"
        assert "Unlock it" in broken["key store"]["remedy"]
