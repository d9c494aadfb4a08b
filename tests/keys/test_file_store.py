from __future__ import annotations

import os
import stat
import traceback
from pathlib import Path

import pytest
from support import children

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import SIGNING_KEY, FileStore, InMemoryStore, SecretText

CANARY = "0123456789abcdef" * 4
posix = pytest.mark.skipif(os.name != "posix", reason="owners and mode bits are POSIX; Windows relies on the profile's ACL")


@pytest.fixture
def store(tmp_path):
    store = FileStore(tmp_path / "state")
    store.set(SIGNING_KEY, SecretText(CANARY))
    return store


@pytest.fixture
def folder(store, tmp_path) -> Path:
    return tmp_path / "state" / "keys"


@pytest.fixture
def file(folder) -> Path:
    return folder / SIGNING_KEY


def refused(store: FileStore) -> str:
    with pytest.raises(KeyStoreError) as error:
        store.get(SIGNING_KEY)
    shown = traceback.TracebackException.from_exception(error.value, capture_locals=True).format()
    assert CANARY not in "".join(shown)
    assert error.value.__context__ is None or error.value.__suppress_context__
    return str(error.value)


@posix
@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077, 0o777])
def test_files_are_ours_alone_under_every_umask(tmp_path, umask):
    store = FileStore(tmp_path / "new" / "state")
    before = os.umask(umask)
    try:
        store.set(SIGNING_KEY, SecretText(CANARY))
    finally:
        os.umask(before)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "new").rglob("*")}
    assert modes == {"state": 0o700, "keys": 0o700, SIGNING_KEY: 0o600}
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o666, 0o601])
def test_loose_file_is_refused_with_the_command_to_run(store, file, mode):
    file.chmod(mode)
    assert f"chmod 600 '{file}'" in refused(store)


@posix
@pytest.mark.parametrize("mode", [0o750, 0o705, 0o777, 0o711])
def test_loose_folder_is_refused_with_the_command_to_run(store, folder, mode):
    folder.chmod(mode)
    assert f"chmod 700 '{folder}'" in refused(store)
    with pytest.raises(KeyStoreError, match="chmod 700"):
        store.set(SIGNING_KEY, SecretText(CANARY))
    with pytest.raises(KeyStoreError, match="chmod 700"):
        store.delete(SIGNING_KEY)


@posix
def test_symlinked_key_file_is_not_followed(store, file, tmp_path):
    elsewhere = tmp_path / "attacker"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert "link" in refused(store)


@posix
def test_dangling_symlink_is_refused_and_replaced_not_written_through(store, file, tmp_path):
    file.unlink()
    file.symlink_to(tmp_path / "victim")
    assert "link" in refused(store)
    store.set(SIGNING_KEY, SecretText(CANARY))
    assert not (tmp_path / "victim").exists()
    assert not file.is_symlink()


@posix
def test_symlinked_folder_is_refused(store, folder, tmp_path):
    folder.rename(tmp_path / "attacker")
    folder.symlink_to(tmp_path / "attacker")
    assert "not a folder" in refused(store)


@posix
def test_hard_linked_key_file_is_refused(store, file, tmp_path):
    os.link(file, tmp_path / "second-name")
    assert "second name" in refused(store)


@posix
def test_fifo_is_refused_without_waiting_for_a_writer(store, file):
    file.unlink()
    os.mkfifo(file, 0o600)
    assert "not a regular file" in refused(store)


@posix
def test_folder_in_the_place_of_a_key_is_refused(store, file):
    file.unlink()
    file.mkdir(mode=0o700)
    assert "not a regular file" in refused(store)
    with pytest.raises(KeyStoreError, match="Could not write"):
        store.set(SIGNING_KEY, SecretText(CANARY))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("which", ["folder", "file"])
def test_other_owner_is_refused(store, which, request):
    os.chown(request.getfixturevalue(which), 12345, -1)
    assert "belongs to another user" in refused(store)


@pytest.mark.parametrize("content", [b"", b"a b", b"a\nb", b"\xff\xfe", b"a\0", "ключ".encode()])
def test_damaged_file_is_an_error_not_a_secret(store, file, content):
    file.write_bytes(content)
    assert "damaged" in refused(store)


def test_endless_file_is_not_read_to_its_end(store, file):
    with file.open("r+b") as sparse:
        sparse.truncate(1 << 40)
    assert "too large" in refused(store)


def test_message_escapes_a_hostile_path(tmp_path):
    store = FileStore(tmp_path / "\x1b[31mred\nline")
    store.set(SIGNING_KEY, SecretText(CANARY))
    (tmp_path / "\x1b[31mred\nline" / "keys" / SIGNING_KEY).write_bytes(b"")
    text = refused(store)
    assert "\x1b" not in text
    assert "\n" not in text


@posix
def test_disk_full_leaves_the_old_key_and_no_leftovers(store, folder, tmp_path):
    output = children.run(
        """
import resource, sys
from pathlib import Path
from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import FileStore, SecretText
resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))
try:
    FileStore(Path(sys.argv[1])).set("signing-key", SecretText("n" * 64))
except KeyStoreError as error:
    assert error.__context__ is None
    print(error)
""",
        str(tmp_path / "state"),
    )
    assert "Could not write" in output
    assert [path.name for path in folder.iterdir()] == [SIGNING_KEY]
    assert store.get(SIGNING_KEY) == SecretText(CANARY)


def test_delete_takes_what_a_crash_left_along(store, folder):
    (folder / f"{SIGNING_KEY}.4711-00112233.new").write_text(CANARY)
    (folder / "cache-head.4711-00112233.new").write_text("another's")
    assert store.delete(SIGNING_KEY) is True
    assert [path.name for path in folder.iterdir()] == ["cache-head.4711-00112233.new"]


def test_place_that_loses_what_it_is_given_is_noticed():
    from openclaw_vt.store.keys.interface import check_kept

    for found in (None, SecretText("attacker's")):
        with pytest.raises(KeyStoreError, match="did not keep"):
            check_kept(SecretText(CANARY), found, place="keyring")
    assert InMemoryStore().get(SIGNING_KEY) is None
