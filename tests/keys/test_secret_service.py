"""A real gnome-keyring: what a desktop does, and what goes wrong with it."""

from __future__ import annotations

import contextlib
import socket
import sys
import tempfile
import traceback

import pytest
from support.secret_service import secret_service

from openclaw_vt.attestation import dsse
from openclaw_vt.errors import KeyStoreError, SignatureInvalid
from openclaw_vt.store.keys import (
    SIGNING_KEY,
    VIRUSTOTAL_KEY,
    HeadVault,
    SecretText,
    delete_virustotal_key,
    ensure_signer,
    load_public,
    load_signer,
    open_store,
    rotate_signer,
    set_virustotal_key,
    virustotal_key,
)

pytestmark = pytest.mark.secret_service
KEY = "0123456789abcdef" * 4


@pytest.fixture
def session(monkeypatch):
    with secret_service() as session:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", session.address)
        yield session


@pytest.fixture
def store(session, tmp_path):
    return open_store("auto", state_dir=tmp_path, environ={}, wait_s=30)


def told(error: pytest.ExceptionInfo[KeyStoreError]) -> str:
    lines = traceback.TracebackException.from_exception(error.value, capture_locals=True).format()
    assert KEY not in "".join(lines), "a secret stands in the traceback"
    assert error.value.exit_code == 2
    return str(error.value)


def test_auto_takes_the_keyring_and_the_key_goes_through_its_life(store):
    assert store.backend == "secret-service"
    set_virustotal_key(store, SecretText(KEY + "\n"))
    found = virustotal_key(store, {})
    assert found is not None
    assert (found.secret, found.backend) == (SecretText(KEY), "secret-service")
    assert delete_virustotal_key(store) is True
    assert virustotal_key(store, {}) is None


def test_signing_key_is_made_found_again_and_rotated(store, tmp_path):
    first = ensure_signer(store, tmp_path)
    assert first is not None
    again = load_signer(open_store("keyring", state_dir=tmp_path, environ={}), tmp_path)
    assert again is not None
    assert again.public == first.public == load_public(tmp_path)
    envelope = dsse.sign(dsse.INTOTO_TYPE, b"{}", first)
    rotated = rotate_signer(store, tmp_path)
    assert rotated.public == load_public(tmp_path) != first.public
    with pytest.raises(SignatureInvalid):
        dsse.verify(envelope, rotated.public)


@pytest.mark.parametrize("size", [0, 1, 8_000, 100_000])
def test_heads_of_every_size_come_back(store, size):
    vault = HeadVault(store)
    vault.store(b"x" * 50_000)
    vault.store(b"h" * size)
    assert vault.load() == b"h" * size


def test_entries_say_whose_they_are_and_nothing_else(store, session):
    import secretstorage

    store.set(SIGNING_KEY, SecretText(KEY))
    with contextlib.closing(secretstorage.dbus_init()) as connection:
        items = list(secretstorage.get_default_collection(connection).get_all_items())
        shown = [(item.get_label(), item.get_attributes()) for item in items]
    assert len(shown) == 1
    assert KEY not in repr(shown)
    assert shown[0][1]["service"].startswith("openclaw-vt.signing-key.")


def test_locked_collection_is_named_with_both_ways_out(store, session):
    set_virustotal_key(store, SecretText(KEY))
    session.lock()
    for ask in (
        lambda: store.get(VIRUSTOTAL_KEY),
        lambda: store.set(VIRUSTOTAL_KEY, SecretText(KEY)),
        lambda: store.delete(VIRUSTOTAL_KEY),
    ):
        with pytest.raises(KeyStoreError) as error:
            ask()
        text = told(error)
        assert "locked" in text
        assert "Unlock" in text
        assert 'keys.backend = "file"' in text
        assert "weaker" in text


def test_keyring_that_was_never_set_up(monkeypatch, tmp_path):
    with secret_service(unlocked=False) as session:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", session.address)
        store = open_store("auto", state_dir=tmp_path, environ={})
        with pytest.raises(KeyStoreError, match="never set up") as error:
            set_virustotal_key(store, SecretText(KEY))
        assert 'keys.backend = "file"' in told(error)


def test_prompt_that_nobody_answers_does_not_hang(session, tmp_path):
    store = open_store("keyring", state_dir=tmp_path, environ={}, wait_s=2)
    set_virustotal_key(store, SecretText(KEY))
    session.lock()
    with session.prompter_that_never_answers():
        for _again in range(2):
            with pytest.raises(KeyStoreError, match="does not answer") as error:
                store.get(VIRUSTOTAL_KEY)
            assert 'keys.backend = "file"' in told(error)


def test_service_killed_in_the_middle(store, session):
    set_virustotal_key(store, SecretText(KEY))
    session.kill_service()
    with pytest.raises(KeyStoreError) as error:
        set_virustotal_key(store, SecretText(KEY))
    assert "not running" in told(error)


def test_signing_key_made_while_the_service_dies_is_not_enrolled(store, session, tmp_path):
    session.kill_service()
    with pytest.raises(KeyStoreError):
        ensure_signer(store, tmp_path)
    assert load_public(tmp_path) is None


def test_keyring_that_comes_back_without_the_key_is_noticed(store, session, tmp_path):
    ensure_signer(store, tmp_path)
    store.delete(SIGNING_KEY)
    with pytest.raises(KeyStoreError, match="key rotate"):
        ensure_signer(store, tmp_path)


def test_bus_without_a_secret_service(monkeypatch, tmp_path):
    with secret_service(keyring=False) as session:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", session.address)
        with pytest.raises(KeyStoreError, match="neither running nor activatable") as error:
            open_store("keyring", state_dir=tmp_path, environ={})
        assert 'keys.backend = "file"' in told(error)
        none = open_store("auto", state_dir=tmp_path, environ={})
        assert (none.backend, none.get(SIGNING_KEY), ensure_signer(none, tmp_path)) == ("none", None, None)
        with pytest.raises(KeyStoreError) as error:
            set_virustotal_key(none, SecretText(KEY))
        assert 'keys.backend = "file"' in told(error)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the keyring is not reached over D-Bus")
def test_bus_that_accepts_and_never_speaks(monkeypatch, tmp_path):
    with tempfile.TemporaryDirectory(prefix="ocvt-") as short, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(f"{short}/bus")
        silent.listen()
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={short}/bus")
        with pytest.raises(KeyStoreError, match="did not answer"):
            open_store("keyring", state_dir=tmp_path, environ={}, wait_s=30)
