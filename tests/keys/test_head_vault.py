from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openclaw_vt.errors import KeyStoreError
from openclaw_vt.store.keys import CACHE_HEAD, HeadVault, InMemoryStore, NoStore, SecretText, open_head_vault

WINDOWS_CHARS = 1200


class DyingStore(InMemoryStore):
    """A store whose process is killed at the nth write: nothing is written from there on."""

    def __init__(self, *, lives: int) -> None:
        super().__init__(max_chars=WINDOWS_CHARS)
        self.lives = lives

    def set(self, name, secret):
        if self.lives == 0:
            raise KeyStoreError("killed")
        self.lives -= 1
        super().set(name, secret)


def test_empty_before_the_first(tmp_path):
    vault = HeadVault(InMemoryStore())
    assert vault.load() is None
    assert vault.delete() is False


@given(heads=st.lists(st.integers(0, 20_000).map(lambda size: b"\x07" * size) | st.binary(max_size=50), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_last_head_comes_back_whatever_the_sizes(heads):
    store = InMemoryStore(max_chars=WINDOWS_CHARS)
    vault = HeadVault(store)
    for head in heads:
        vault.store(head)
        assert HeadVault(store).load() == head
    assert vault.delete() is True
    assert vault.load() is None
    assert not store._secrets


@pytest.mark.parametrize("lives", range(1, 12))
@pytest.mark.parametrize("new", [b"n" * 100, b"n" * 9_000], ids=["small", "large"])
@pytest.mark.parametrize("old", [b"o" * 100, b"o" * 3_000], ids=["after-small", "after-large"])
def test_killed_at_any_write_leaves_the_old_head_or_the_new(lives, old, new):
    store = DyingStore(lives=1_000)
    HeadVault(store).store(old)
    store.lives = lives - 1
    try:
        HeadVault(store).store(new)
    except KeyStoreError:
        assert HeadVault(store).load() == old
    else:
        assert HeadVault(store).load() == new
    store.lives = 1_000
    HeadVault(store).store(new)
    assert HeadVault(store).load() == new


@pytest.mark.parametrize("part", ["cache-head", "cache-head.a.0", "cache-head.a.2"])
@pytest.mark.parametrize(
    "damage", ["x", "AAAA", '{"data":"","parts":1,"sha256":"","slot":"c"}', '{"data":"","parts":999,"sha256":"","slot":"a"}']
)
def test_damage_is_an_error_and_a_new_head_heals_it(part, damage):
    store = InMemoryStore(max_chars=WINDOWS_CHARS)
    HeadVault(store).store(b"h" * 3_000)
    store.set(part, SecretText(damage))
    with pytest.raises(KeyStoreError, match="damaged"):
        HeadVault(store).load()
    HeadVault(store).store(b"new")
    assert HeadVault(store).load() == b"new"


def test_missing_part_is_an_error():
    store = InMemoryStore(max_chars=WINDOWS_CHARS)
    HeadVault(store).store(b"h" * 3_000)
    store.delete("cache-head.a.1")
    with pytest.raises(KeyStoreError, match="damaged"):
        HeadVault(store).load()


@pytest.mark.parametrize(("chars", "size"), [(WINDOWS_CHARS, 200_000), (16_384, 1024 * 1024 + 1)])
def test_endless_head_is_refused_and_the_old_one_stays(chars, size):
    vault = HeadVault(InMemoryStore(max_chars=chars))
    vault.store(b"old")
    with pytest.raises(KeyStoreError, match="too large"):
        vault.store(b"h" * size)
    assert vault.load() == b"old"


def test_no_vault_where_nothing_can_be_kept():
    assert open_head_vault(NoStore()) is None
    vault = open_head_vault(InMemoryStore())
    assert vault is not None
    vault.store(b"h")
    assert vault.load() == b"h"


def test_entry_in_one_piece_is_replaced_in_one_write():
    store = DyingStore(lives=1)
    HeadVault(store).store(b"h")
    assert store.get(CACHE_HEAD) is not None
