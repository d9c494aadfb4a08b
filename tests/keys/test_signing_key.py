from __future__ import annotations

import base64
import copy
import json
import os
import pickle
import stat
import threading

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support import children
from support.secret_service import secret_service

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.errors import KeyStoreError, SignatureInvalid
from openclaw_vt.store.keys import (
    SIGNING_KEY,
    Ed25519Signer,
    FileStore,
    InMemoryStore,
    NoStore,
    SecretText,
    ensure_signer,
    load_public,
    load_signer,
    rotate_signer,
)

SEED = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="  # RFC 8032, section 7.1, test 1
PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
SIGNATURE = (
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
    "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)
posix = pytest.mark.skipif(os.name != "posix", reason="owners and mode bits are POSIX; Windows relies on the profile's ACL")


@pytest.fixture
def store():
    return InMemoryStore()


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


@pytest.fixture
def enrolled(store, state):
    ensure_signer(store, state)
    return state / "signing.pub"


def body(raw: bytes) -> dict[str, str]:
    import hashlib

    return {"keyid": hashlib.sha256(raw).hexdigest(), "public": base64.b64encode(raw).decode()}


def test_signs_as_rfc_8032_does():
    signer = Ed25519Signer(SecretText(SEED))
    assert signer.public.raw.hex() == PUBLIC
    assert signer.sign(b"").hex() == SIGNATURE
    signer.public.check(signer.sign(b"x"), b"x")


def test_is_made_at_first_need_and_found_again(store, state):
    assert load_public(state) is None
    assert load_signer(store, state) is None
    made = ensure_signer(store, state)
    again = ensure_signer(store, state)
    assert made is not None
    assert again is not None
    assert made.public == again.public == load_public(state)
    envelope = dsse.sign(dsse.INTOTO_TYPE, b"{}", again)
    assert dsse.verify(envelope, made.public) == b"{}"


@posix
@pytest.mark.parametrize("umask", [0o000, 0o777])
def test_enrolled_file_is_ours_alone(store, state, umask):
    before = os.umask(umask)
    try:
        ensure_signer(store, state)
    finally:
        os.umask(before)
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in state.iterdir()} == {
        "signing.pub": 0o600,
        "signing.lock": 0o600,
    }
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


def test_signer_hides_its_key_and_stays_in_the_process():
    signer = Ed25519Signer(SecretText(SEED))
    assert SEED not in repr(signer)
    for leak in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            leak(signer)


@pytest.mark.parametrize("seed", ["x", "AAAA", SEED[:-4], SEED + "AAAA", SEED.replace("=", "!"), "ключ"])
def test_damaged_private_key_is_refused_and_not_quoted(seed):
    with pytest.raises(KeyStoreError, match="key rotate") as error:
        Ed25519Signer(SecretText(seed))
    assert seed == "x" or seed not in str(error.value)


def test_no_store_means_no_signing(state):
    assert ensure_signer(NoStore(), state) is None
    assert load_signer(NoStore(), state) is None
    assert not state.exists()
    with pytest.raises(KeyStoreError, match="no key store"):
        rotate_signer(NoStore(), state)


def test_deleted_public_half_is_enrolled_again_from_the_store(store, state, enrolled):
    key = load_public(state)
    enrolled.unlink()
    assert load_signer(store, state) is None
    signer = ensure_signer(store, state)
    assert signer is not None
    assert signer.public == key == load_public(state)


@pytest.mark.parametrize("ask", [load_signer, ensure_signer])
def test_swapped_public_key_is_noticed(store, state, enrolled, ask):
    enrolled.write_text(json.dumps(body(Ed25519Signer(SecretText(SEED)).public.raw)))
    with pytest.raises(KeyStoreError, match="does not belong") as error:
        ask(store, state)
    assert "doctor" in error.value.remedy
    assert "key rotate" in error.value.remedy


@pytest.mark.parametrize("ask", [load_signer, ensure_signer])
def test_lost_private_half_is_not_replaced_silently(store, state, enrolled, ask):
    with pytest.raises(KeyStoreError, match="not in the key store") as error:
        ask(InMemoryStore(), state)
    assert "keys.backend" in error.value.remedy


def test_rotation_ends_the_old_keys_records(store, state, enrolled):
    old = load_signer(store, state)
    assert old is not None
    envelope = dsse.sign(dsse.INTOTO_TYPE, b"{}", old)
    new = rotate_signer(store, state)
    assert new.public == load_public(state) != old.public
    with pytest.raises(SignatureInvalid):
        dsse.verify(envelope, new.public)


@pytest.mark.parametrize("damage", [b"", b"{", b"[]"])
def test_rotation_mends_halves_that_do_not_fit(state, enrolled, damage):
    enrolled.write_bytes(damage)
    store = InMemoryStore()
    new = rotate_signer(store, state)
    signer = load_signer(store, state)
    assert signer is not None
    assert signer.public == new.public


SMALL_ORDER = {
    "identity": bytes([1]) + bytes(31),
    "order-4": bytes(32),
    "order-2": bytes.fromhex("ec" + "ff" * 30 + "7f"),
    "order-8": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "identity-non-canonical": bytes.fromhex("ee" + "ff" * 30 + "7f"),
}


@pytest.mark.parametrize("raw", SMALL_ORDER.values(), ids=SMALL_ORDER)
def test_small_order_public_key_is_refused(state, enrolled, raw):
    enrolled.write_text(json.dumps(body(raw)))
    with pytest.raises(KeyStoreError, match="small-order"):
        load_public(state)


@posix
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o622, 0o666, 0o777])
def test_public_key_that_others_write_is_refused(state, enrolled, mode):
    enrolled.chmod(mode)
    with pytest.raises(KeyStoreError, match="chmod 600"):
        load_public(state)


@posix
def test_public_key_that_others_read_is_fine(state, enrolled):
    enrolled.chmod(0o644)
    assert load_public(state) is not None


@posix
def test_symlinked_public_key_is_refused(state, enrolled, tmp_path):
    enrolled.rename(tmp_path / "elsewhere")
    enrolled.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(KeyStoreError, match="link"):
        load_public(state)


@posix
def test_fifo_public_key_does_not_hang(state, enrolled):
    enrolled.unlink()
    os.mkfifo(enrolled, 0o600)
    with pytest.raises(KeyStoreError, match="not a regular file"):
        load_public(state)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
def test_public_key_of_another_user_is_refused(state, enrolled):
    os.chown(enrolled, 12345, -1)
    with pytest.raises(KeyStoreError, match="another user"):
        load_public(state)


GOOD = body(bytes.fromhex(PUBLIC))


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(GOOD | {"keyid": "0" * 64}),
        json.dumps(GOOD | {"extra": 1}),
        json.dumps({"public": GOOD["public"]}),
        json.dumps(GOOD | {"public": GOOD["public"] + "\n"}),
        json.dumps(GOOD | {"public": 7}),
        json.dumps(GOOD)[:-1] + f', "public": "{GOOD["public"]}"}}',
        json.dumps(GOOD) + " " * 1024,
        "[" * 500,
        "\ufeff" + json.dumps(GOOD),
        "",
    ],
    ids=["keyid", "extra", "missing", "newline", "type", "duplicate", "large", "deep", "bom", "empty"],
)
def test_anything_but_our_small_object_is_refused(state, enrolled, content):
    enrolled.write_text(content)
    with pytest.raises(KeyStoreError):
        load_public(state)


@given(raw=st.binary(max_size=200))
@example(raw=b"\xff")
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_random_bytes_are_an_error_of_ours(state, enrolled, raw):
    enrolled.write_bytes(raw)
    with pytest.raises(KeyStoreError):
        load_public(state)


ENSURE = """
import os, sys
from pathlib import Path
from openclaw_vt.store.keys import ensure_signer, open_store
state = Path(sys.argv[2])
store = open_store(sys.argv[1], state_dir=state, environ=os.environ)
print("ready", flush=True)
sys.stdin.readline()
print(ensure_signer(store, state).public.keyid)
"""


def race(backend, state, environ=None) -> set[str]:
    """Let four processes make the key at the same moment and return the keys they have."""
    started = [children.start(ENSURE, backend, str(state), environ=environ or {}) for _ in range(4)]
    for child in started:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    for child in started:
        assert child.stdin is not None
        child.stdin.write("\n")
        child.stdin.flush()
    ended = [(child.communicate(timeout=120), child.returncode) for child in started]
    assert [code for _, code in ended] == [0] * len(ended), ended
    return {output.strip() for (output, _), _ in ended}


def test_processes_at_once_make_one_key_in_files(state):
    keys = race("file", state)
    kept = load_signer(FileStore(state), state)
    assert kept is not None
    assert keys == {kept.public.keyid}


def test_public_key_is_whole_at_every_moment_of_a_rotation(store, state, enrolled):
    seen = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(load_public(state))
            except KeyStoreError as error:
                seen.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    made = {rotate_signer(store, state).public for _ in range(100)}
    done.set()
    reader.join()
    strangers = [key for key in seen if not isinstance(key, PublicKey)]
    assert strangers == []
    assert len(set(seen) - made) <= 1


@pytest.mark.secret_service
def test_processes_at_once_make_one_key_in_the_keyring(state):
    with secret_service() as session:
        keys = race("keyring", state, session.environ)
    enrolled = load_public(state)
    assert enrolled is not None
    assert keys == {enrolled.keyid}


def test_crash_before_the_public_half_is_written_is_mended(store, state):
    store.set(SIGNING_KEY, SecretText(SEED))
    signer = ensure_signer(store, state)
    enrolled = load_public(state)
    assert signer is not None
    assert enrolled is not None
    assert signer.public.raw.hex() == enrolled.raw.hex() == PUBLIC


def test_cache_hit_loads_the_public_key_and_nothing_heavy(state, enrolled):
    loaded = children.run(
        """
import sys
from pathlib import Path
from openclaw_vt.store.keys import load_public
print(load_public(Path(sys.argv[1])).keyid)
print(*sorted({name.partition(".")[0] for name in sys.modules}))
""",
        str(state),
    ).splitlines()
    key = load_public(state)
    assert key is not None
    assert loaded[0] == key.keyid
    assert not set(loaded[1].split()) & {"keyring", "cryptography", "filelock", "asyncio", "secretstorage", "jeepney", "logging"}
