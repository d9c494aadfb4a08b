from __future__ import annotations

import copy
import dataclasses
import logging
import pickle

import pytest

from openclaw_vt.store.keys import SecretText, VirusTotalKey

CANARY = "0123456789abcdef" * 4


@pytest.mark.parametrize("show", [str, repr, "{}".format, "{!r:>20}".format, "%s".__mod__, "%r".__mod__, lambda s: f"{s:x}"])
def test_shows_itself_as_a_placeholder(show):
    shown = show(SecretText(CANARY))
    assert CANARY not in shown
    assert "[secret]" in shown


def test_is_hidden_inside_what_holds_it(caplog):
    key = VirusTotalKey(SecretText(CANARY), "file")
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("t").warning("key %s in %r", key, {"k": key})
    assert CANARY not in caplog.text + repr(key)


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, vars, hash])
def test_cannot_be_carried_off_by_accident(leak):
    with pytest.raises(TypeError):
        leak(SecretText(CANARY))


def test_dumping_the_key_it_stands_in_is_refused():
    with pytest.raises(TypeError):
        dataclasses.asdict(VirusTotalKey(SecretText(CANARY), "file"))


def test_reveals_and_compares_by_value():
    assert SecretText(CANARY).reveal() == CANARY
    assert SecretText(CANARY) == SecretText(CANARY)
    assert SecretText(CANARY) != SecretText(CANARY[:-1])
    assert SecretText(CANARY) != CANARY
