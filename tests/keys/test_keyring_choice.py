"""Whatever the environment says, only the keyrings named in the code are used."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from support import children
from support.secret_service import secret_service

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import VIRUSTOTAL_KEY, SecretText, ensure_signer, load_public
from openclaw_vt.store.keys.deadline import Caller
from openclaw_vt.store.keys.keyring_backend import KeyringStore, allowed

HOSTILE = """
import pathlib, keyring.backend
pathlib.Path(__file__).with_name("IMPORTED").touch()
class Keyring(keyring.backend.KeyringBackend):
    priority = 99
    def get_password(self, service, username): return "attacker"
    def set_password(self, service, username, password): pass
    def delete_password(self, service, username): pass
"""
USE = """
import json, os, sys
from pathlib import Path
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import SecretText, open_store
store = open_store("auto", state_dir=Path(sys.argv[1]), environ=os.environ)
try:
    store.set("virustotal-api-key", SecretText("f" * 64))
except KeyStoreError:
    pass
found = store.get("virustotal-api-key")
print(store.backend, found and found.reveal(), "hostile" in sys.modules, "keyring.backends.null" in sys.modules)
"""
STEERING = {
    "null": {"PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"},
    "fail": {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"},
    "chainer": {"PYTHON_KEYRING_BACKEND": "keyring.backends.chainer.ChainerBackend"},
    "plaintext": {"PYTHON_KEYRING_BACKEND": "keyrings.alt.file.PlaintextKeyring"},
    "stranger": {"PYTHON_KEYRING_BACKEND": "hostile.Keyring"},
    "properties": {
        "KEYRING_PROPERTY_PREFERRED_COLLECTION": "/org/freedesktop/secrets/collection/session",
        "KEYRING_PROPERTY_GET_PASSWORD": "attacker",
        "KEYRING_PROPERTY_SCHEME": "KeePassXC",
        "KEYRING_PROPERTY_APPID": "attacker",
    },
}


@pytest.fixture
def trap(tmp_path) -> Path:
    """A folder with a hostile backend, a plaintext `keyrings.alt`, and a keyringrc.cfg that points to them."""
    trap = tmp_path / "trap"
    alt = trap / "keyrings" / "alt"
    alt.mkdir(parents=True)
    (trap / "hostile.py").write_text(HOSTILE)
    (alt / "file.py").write_text(HOSTILE.replace("class Keyring", "class PlaintextKeyring"))
    config = tmp_path / "config" / "python_keyring"
    config.mkdir(parents=True)
    (config / "keyringrc.cfg").write_text(f"[backend]\ndefault-keyring=hostile.Keyring\nkeyring-path={trap}\n")
    return trap


def surroundings(trap: Path, steering: dict[str, str]) -> dict[str, str]:
    base = {
        "HOME": str(trap.parent),
        "XDG_CONFIG_HOME": str(trap.parent / "config"),
        "XDG_DATA_HOME": str(trap.parent / "config"),
        "PYTHONPATH": os.pathsep.join([str(children.ROOT), str(trap)]),
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={trap}/no-bus-here",
    }
    return base | steering


def sprung(trap: Path) -> list[Path]:
    return list(trap.rglob("IMPORTED"))


def test_trap_would_work_on_keyrings_own_choice(trap):
    output = children.run("import keyring; print(keyring.get_password('a', 'b'))", environ=surroundings(trap, {}))
    assert output == "attacker\n"
    assert sprung(trap)


@pytest.mark.skipif(sys.platform != "linux", reason="macOS and Windows have a keyring of their own, which a test must not touch")
@pytest.mark.parametrize("steering", STEERING.values(), ids=STEERING)
def test_without_a_keyring_nothing_steps_in(trap, tmp_path, steering):
    output = children.run(USE, str(tmp_path / "state"), environ=surroundings(trap, steering))
    assert output == "none None False False\n"
    assert not sprung(trap)


@pytest.mark.secret_service
def test_with_a_keyring_nothing_steps_in_its_way(trap, tmp_path):
    with secret_service() as session:
        for steering in STEERING.values():
            environ = surroundings(trap, steering) | {"DBUS_SESSION_BUS_ADDRESS": session.address}
            output = children.run(USE, str(tmp_path / "state"), environ=environ)
            assert output == f"secret-service {'f' * 64} False False\n"
            assert not sprung(trap)


@pytest.mark.parametrize(
    ("platform", "backends"),
    [
        ("linux", ["secret-service", "kwallet"]),
        ("freebsd14", ["secret-service", "kwallet"]),
        ("darwin", ["macos-keychain"]),
        ("win32", ["windows-credential"]),
    ],
)
def test_each_platform_has_its_own_keyrings(platform, backends):
    choices = allowed(platform)
    assert [choice.backend for choice in choices] == backends
    assert all(choice.module.startswith("keyring.backends.") for choice in choices)
    assert all(4 * choice.max_chars <= 5_120 for choice in choices if platform == "win32")


def test_backend_that_loses_what_it_is_given_is_noticed(tmp_path):
    from keyring.backends import null

    store = KeyringStore(allowed("linux")[0], null.Keyring(), Caller(30), state_dir=tmp_path)
    with pytest.raises(KeyStoreError, match="did not keep the secret") as error:
        store.set(VIRUSTOTAL_KEY, SecretText("f" * 64))
    assert "f" * 64 not in str(error.value)
    with pytest.raises(KeyStoreError, match="did not keep the secret"):
        ensure_signer(store, tmp_path)
    assert load_public(tmp_path) is None


def test_backend_that_answers_with_an_attackers_choice_is_noticed(tmp_path):
    class Impostor(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            return "attacker"

        def set_password(self, service, username, password):
            pass

    store = KeyringStore(allowed("linux")[0], Impostor(), Caller(30), state_dir=tmp_path)
    with pytest.raises(KeyStoreError, match="not what was written"):
        store.set(VIRUSTOTAL_KEY, SecretText("f" * 64))


def test_backend_whose_error_quotes_the_secret_is_not_quoted(tmp_path):
    class Talker(KeyringBackend):
        priority = 1

        def get_password(self, service, username):
            raise UnicodeDecodeError("utf-16", b"f" * 64, 0, 1, "f" * 64)

        def set_password(self, service, username, password):
            raise ValueError(password)

    store = KeyringStore(allowed("win32")[0], Talker(), Caller(30), state_dir=tmp_path)
    for ask in (lambda: store.set(VIRUSTOTAL_KEY, SecretText("f" * 64)), lambda: store.get(VIRUSTOTAL_KEY)):
        with pytest.raises(KeyStoreError, match="Error") as error:
            ask()
        assert error.value.__context__ is None
        shown = traceback.TracebackException.from_exception(error.value, capture_locals=True).format()
        assert "f" * 64 not in "".join(shown)
