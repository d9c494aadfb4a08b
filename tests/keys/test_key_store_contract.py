"""What every key store promises, asked of each that runs here."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.secret_service import secret_service

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import SIGNING_KEY, VIRUSTOTAL_KEY, InMemoryStore, SecretText, open_store

KEY = "0123456789abcdef" * 4
OTHER = "f" * 64


@pytest.fixture(scope="module")
def session():
    with secret_service() as session:
        yield session


@pytest.fixture(
    params=["memory", "file", pytest.param("secret-service", marks=pytest.mark.secret_service)],
)
def store(request, tmp_path, monkeypatch):
    if request.param == "memory":
        return InMemoryStore()
    if request.param == "file":
        return open_store("file", state_dir=tmp_path / "a state 状態", environ={})
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", request.getfixturevalue("session").address)
    store = open_store("keyring", state_dir=tmp_path / "a state 状態", environ={})
    store.delete(VIRUSTOTAL_KEY)
    return store


def test_says_what_it_is(store, request):
    assert store.backend == request.node.callspec.params["store"]
    assert store.writable


def test_keeps_replaces_and_forgets(store):
    assert store.get(VIRUSTOTAL_KEY) is None
    assert store.delete(VIRUSTOTAL_KEY) is False
    store.set(VIRUSTOTAL_KEY, SecretText(KEY))
    assert store.get(VIRUSTOTAL_KEY) == SecretText(KEY)
    store.set(VIRUSTOTAL_KEY, SecretText(OTHER))
    assert store.get(VIRUSTOTAL_KEY) == SecretText(OTHER)
    assert store.delete(VIRUSTOTAL_KEY) is True
    assert store.get(VIRUSTOTAL_KEY) is None


def test_names_do_not_touch_each_other(store):
    for number, name in enumerate((VIRUSTOTAL_KEY, SIGNING_KEY, "cache-head", "cache-head.a.0", "cache-head.a.1")):
        store.set(name, SecretText(str(number)))
    store.delete(SIGNING_KEY)
    kept = [store.get(name) for name in (VIRUSTOTAL_KEY, "cache-head", "cache-head.a.0", "cache-head.a.1")]
    assert kept == [SecretText("0"), SecretText("2"), SecretText("3"), SecretText("4")]


def test_takes_exactly_what_it_says_it_takes(store):
    store.set("cache-head", SecretText("x" * store.max_chars))
    assert store.get("cache-head") == SecretText("x" * store.max_chars)
    with pytest.raises(KeyStoreError, match="too long"):
        store.set("cache-head", SecretText("x" * (store.max_chars + 1)))


@pytest.mark.parametrize("value", ["", "a b", "a\r\nX-Evil: 1", "a\n", "a\0", "ключ", "\x7f"])
def test_refuses_what_it_might_not_give_back_unchanged(store, value):
    with pytest.raises(KeyStoreError):
        store.set(SIGNING_KEY, SecretText(value))
    assert store.get(SIGNING_KEY) is None


@pytest.mark.parametrize("name", ["", "../x", "/etc/passwd", "a/b", "A", "a..b", ".a", "a.", "a\0", "a" * 65, "ключ"])
def test_refuses_impossible_names(store, name):
    for ask in (store.get, store.delete, lambda name: store.set(name, SecretText("x"))):
        with pytest.raises(KeyStoreError, match="impossible name"):
            ask(name)


@given(text=st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=300))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_gives_back_every_printable_text_unchanged(store, text):
    store.set(SIGNING_KEY, SecretText(text))
    found = store.get(SIGNING_KEY)
    assert found is not None
    assert found.reveal() == text


@pytest.mark.parametrize("kind", ["file", pytest.param("keyring", marks=pytest.mark.secret_service)])
def test_two_state_folders_share_the_virustotal_key_at_most(kind, request, tmp_path, monkeypatch):
    if kind == "keyring":
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", request.getfixturevalue("session").address)
    one, two = (open_store(kind, state_dir=tmp_path / name, environ={}) for name in "ab")
    one.set(SIGNING_KEY, SecretText(KEY))
    one.set(VIRUSTOTAL_KEY, SecretText(KEY))
    assert two.get(SIGNING_KEY) is None
    assert two.get(VIRUSTOTAL_KEY) == (SecretText(KEY) if kind == "keyring" else None)
