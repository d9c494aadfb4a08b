from __future__ import annotations

import os

import pytest

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store import keys
from openclaw_vt.store.keys import (
    VIRUSTOTAL_KEY,
    InMemoryStore,
    KeyStatus,
    NoStore,
    SecretText,
    child_environment,
    delete_virustotal_key,
    ensure_signer,
    key_status,
    set_virustotal_key,
    virustotal_key,
)

KEY = "0123456789abcdef" * 4
OTHER = "f" * 64
BAD = {
    "short": "x" * 15,
    "long": "x" * 257,
    "header injection": KEY + "\r\nX-Evil: 1",
    "inner line end": KEY[:32] + "\n" + KEY[32:],
    "space": KEY[:32] + " " + KEY[32:],
    "not ASCII": "ключ" * 16,
    "control": KEY + "\x1b[31m",
    "nul": KEY + "\0",
}


@pytest.fixture
def store():
    return InMemoryStore()


def test_environment_wins(store):
    set_virustotal_key(store, SecretText(OTHER))
    found = virustotal_key(store, {"VT_API_KEY": KEY})
    assert found is not None
    assert (found.secret.reveal(), found.backend) == (KEY, "environment")


def test_empty_variable_counts_as_unset(store):
    assert virustotal_key(store, {"VT_API_KEY": ""}) is None
    set_virustotal_key(store, SecretText(OTHER))
    found = virustotal_key(store, {"VT_API_KEY": ""})
    assert found is not None
    assert (found.secret.reveal(), found.backend) == (OTHER, "memory")


def test_no_key_anywhere():
    assert virustotal_key(NoStore(), {}) is None
    assert delete_virustotal_key(NoStore()) is False


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_cannot_be_a_key_is_refused_and_not_quoted(store, bad):
    for ask in (lambda: virustotal_key(store, {"VT_API_KEY": bad}), lambda: set_virustotal_key(store, SecretText(bad))):
        with pytest.raises(KeyStoreError) as error:
            ask()
        assert bad not in str(error.value)
        assert KEY[:32] not in str(error.value)
        assert "my-apikey" in error.value.remedy
    assert store.get(VIRUSTOTAL_KEY) is None


def test_variable_with_a_line_end_is_refused(store):
    with pytest.raises(KeyStoreError, match="VT_API_KEY"):
        virustotal_key(store, {"VT_API_KEY": KEY + "\n"})


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_line_end_of_piped_input_is_no_part_of_the_key(store, end):
    set_virustotal_key(store, SecretText(KEY + end))
    assert store.get(VIRUSTOTAL_KEY) == SecretText(KEY)


def test_stored_key_that_somebody_bent_is_refused(store):
    store.set(VIRUSTOTAL_KEY, SecretText("short"))
    with pytest.raises(KeyStoreError, match="The key store"):
        virustotal_key(store, {})


def test_status_tells_places_and_never_keys(store, tmp_path):
    assert key_status(store, state_dir=tmp_path, environ={}) == KeyStatus(False, "memory", "memory", None)
    set_virustotal_key(store, SecretText(KEY))
    signer = ensure_signer(store, tmp_path)
    assert signer is not None
    status = key_status(store, state_dir=tmp_path, environ={})
    assert status == KeyStatus(True, "memory", "memory", signer.public.keyid)
    assert KEY not in repr(status)
    in_ci = key_status(NoStore(), state_dir=tmp_path / "new", environ={"VT_API_KEY": KEY})
    assert in_ci == KeyStatus(True, "environment", "none", None)
    assert KEY not in repr(in_ci)


def test_programs_we_start_do_not_inherit_keys():
    environ = {"PATH": os.defpath, "VT_API_KEY": KEY, "vt_api_key": KEY, "VTCLI_APIKEY": KEY, "CREDENTIALS_DIRECTORY": "/run/c"}
    assert child_environment(environ) == {"PATH": os.defpath}


def test_every_public_name_is_there():
    assert all(getattr(keys, name) is not None for name in keys.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = keys.no_such_name
