from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import (
    SIGNING_KEY,
    VIRUSTOTAL_KEY,
    SecretText,
    ensure_signer,
    load_public,
    load_signer,
    open_head_vault,
    open_store,
    rotate_signer,
    set_virustotal_key,
    virustotal_key,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd runs on Linux")
KEY = "0123456789abcdef" * 4
SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="  # RFC 8032, section 7.1, test 1
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


@pytest.fixture(autouse=True)
def no_keyring(monkeypatch, tmp_path):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path}/no-bus-here")


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "credentials" / "openclaw-vt.service"
    folder.mkdir(parents=True, mode=0o700)
    put(folder, VIRUSTOTAL_KEY, KEY + "\n")
    put(folder, SIGNING_KEY, SEED + "\n")
    return folder


def put(folder: Path, name: str, text: str, *, mode: int = 0o400) -> Path:
    path = folder / f"openclaw-vt.{name}"
    path.write_text(text)
    path.chmod(mode)
    return path


def opened(folder: Path, tmp_path: Path, backend: str = "systemd-credential"):
    return open_store(backend, state_dir=tmp_path / "state", environ={"CREDENTIALS_DIRECTORY": str(folder)})


@pytest.mark.parametrize("backend", ["auto", "systemd-credential"])
def test_keys_come_from_the_unit(folder, tmp_path, backend):
    store = opened(folder, tmp_path, backend)
    assert store.backend == "systemd-credential"
    assert not store.writable
    found = virustotal_key(store, {})
    assert found is not None
    assert (found.secret, found.backend) == (SecretText(KEY), "systemd-credential")
    assert store.get("cache-head") is None


def test_signing_key_of_the_unit_is_enrolled(folder, tmp_path):
    store = opened(folder, tmp_path)
    signer = ensure_signer(store, tmp_path / "state")
    assert signer is not None
    assert signer.public.raw.hex() == PUBLIC
    assert load_public(tmp_path / "state") == signer.public


def test_unit_without_a_signing_key_signs_nothing(folder, tmp_path):
    (folder / "openclaw-vt.signing-key").unlink()
    store = opened(folder, tmp_path)
    assert ensure_signer(store, tmp_path / "state") is None
    assert load_signer(store, tmp_path / "state") is None
    assert open_head_vault(store) is None
    assert not (tmp_path / "state").exists()


def test_nothing_can_be_written(folder, tmp_path):
    store = opened(folder, tmp_path)
    for write in (
        lambda: set_virustotal_key(store, SecretText(KEY)),
        lambda: store.delete(VIRUSTOTAL_KEY),
        lambda: rotate_signer(store, tmp_path / "state"),
    ):
        with pytest.raises(KeyStoreError, match="LoadCredentialEncrypted") as error:
            write()
        assert KEY not in str(error.value)
    assert store.delete("cache-head") is False
    assert load_public(tmp_path / "state") is None


@pytest.mark.parametrize("mode", [0o404, 0o444, 0o420, 0o402, 0o666])
def test_loose_credential_is_refused(folder, tmp_path, mode):
    (folder / "openclaw-vt.signing-key").chmod(mode)
    with pytest.raises(KeyStoreError, match="Other users have access"):
        opened(folder, tmp_path).get(SIGNING_KEY)


def test_group_readable_credential_of_our_own_is_refused(folder, tmp_path):
    (folder / "openclaw-vt.signing-key").chmod(0o440)
    with pytest.raises(KeyStoreError, match="Other users have access"):
        opened(folder, tmp_path).get(SIGNING_KEY)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can play systemd and then the service's user")
def test_roots_credential_with_an_acl_mask_is_read_by_the_services_user(tmp_path):
    name = tempfile.mkdtemp(prefix="ocvt-")
    try:
        folder = Path(name)
        folder.chmod(0o755)
        os.chown(put(folder, VIRUSTOTAL_KEY, KEY, mode=0o440), 0, 65534)
        store = opened(folder, tmp_path)
        os.setegid(65534)
        os.seteuid(65534)
        assert store.get(VIRUSTOTAL_KEY) == SecretText(KEY)
    finally:
        os.seteuid(0)
        os.setegid(0)
        shutil.rmtree(name)


def test_symlinked_credential_is_refused(folder, tmp_path):
    path = folder / "openclaw-vt.signing-key"
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyStoreError, match="link"):
        opened(folder, tmp_path).get(SIGNING_KEY)


def test_folder_that_others_write_is_refused(folder, tmp_path):
    folder.chmod(0o777)
    with pytest.raises(KeyStoreError, match="chmod 700"):
        opened(folder, tmp_path)


@pytest.mark.parametrize("text", ["", "two words", "two\nlines\n", "\n"])
def test_credential_that_is_not_one_word_is_refused(folder, tmp_path, text):
    (folder / "openclaw-vt.signing-key").chmod(0o600)
    put(folder, SIGNING_KEY, text)
    with pytest.raises(KeyStoreError, match="not one line"):
        opened(folder, tmp_path).get(SIGNING_KEY)


@pytest.mark.parametrize("named", [None, "", "relative/path", "/nonexistent", "/proc/self/mem"])
def test_no_credentials_means_none_or_a_named_error(tmp_path, named):
    environ = {} if named is None else {"CREDENTIALS_DIRECTORY": named}
    assert open_store("auto", state_dir=tmp_path, environ=environ).backend == "none"
    with pytest.raises(KeyStoreError, match="LoadCredentialEncrypted"):
        open_store("systemd-credential", state_dir=tmp_path, environ=environ)


def test_somebody_elses_credentials_are_not_ours(tmp_path):
    (tmp_path / "creds").mkdir()
    (tmp_path / "creds" / "database-password").write_text("x")
    assert opened(tmp_path / "creds", tmp_path, "auto").backend == "none"
