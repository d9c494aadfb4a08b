from __future__ import annotations

import json
from itertools import pairwise
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import MAIL, NOW, OURS, POLICY, SAYS, STRICTER, THEIRS, WEATHER, digest

from openclaw_vt.attestation import dsse
from openclaw_vt.attestation.statement import Statement
from openclaw_vt.errors import SignatureInvalid, StatementInvalid
from openclaw_vt.store import gap, record
from openclaw_vt.store.head import HEAD_TYPE, Head, floor_key, seal, unseal

FULL = Head(7, digest("newest"), frozenset({WEATHER, MAIL}), MappingProxyType({WEATHER: 7, f"{MAIL}/{POLICY}": 3}), 2, NOW)


def stored(draft, sequence):
    return record.make(Statement(draft, sequence, digest("before") if sequence > 1 else None), OURS, version="1")


def body(**changes):
    fields = json.loads(dsse.parse(seal(FULL, OURS)).payload)
    for name, value in changes.items():
        if value is ...:
            del fields[name]
        else:
            fields[name] = value
    return dsse.sign(HEAD_TYPE, json.dumps(fields).encode(), OURS).to_bytes()


@pytest.mark.parametrize("head", [Head(), FULL])
def test_a_head_reads_back(head):
    assert unseal(seal(head, OURS), OURS.public) == head


def test_a_head_of_another_key_or_another_type_is_refused():
    with pytest.raises(SignatureInvalid):
        unseal(seal(FULL, THEIRS), OURS.public)
    payload = dsse.parse(seal(FULL, OURS)).payload
    with pytest.raises(SignatureInvalid, match="another type"):
        unseal(dsse.sign(dsse.INTOTO_TYPE, payload, OURS).to_bytes(), OURS.public)


def test_a_record_is_no_head():
    with pytest.raises(SignatureInvalid, match="another type"):
        unseal(stored(SAYS.passed(), 1).envelope, OURS.public)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequence": -1},
        {"sequence": 0},
        {"sequence": True},
        {"sequence": 10**30},
        {"record": None},
        {"record": "x"},
        {"revoked": ["x"]},
        {"revoked": {}},
        {"revoked": ...},
        {"floors": {"x": 1}},
        {"floors": {f"{WEATHER}/": 1}},
        {"floors": {f"{WEATHER}/{POLICY}/{POLICY}": 1}},
        {"floors": {WEATHER: 0}},
        {"floors": {WEATHER: 8}},
        {"floors": {WEATHER: True}},
        {"floors": {WEATHER: "1"}},
        {"since": -1},
        {"since": 8},
        {"since": ...},
        {"time": 7},
        {"time": "2027-13-01T00:00:00Z"},
    ],
    ids=str,
)
def test_a_signed_head_that_makes_no_sense_is_refused(changes):
    with pytest.raises(StatementInvalid):
        unseal(body(**changes), OURS.public)


@given(st.binary(max_size=200))
def test_no_bytes_make_the_parser_raise_anything_else(raw):
    with pytest.raises(SignatureInvalid):
        unseal(raw, OURS.public)


def test_a_revocation_raises_the_floor_under_everything_and_a_reinstatement_leaves_it():
    head = Head().after(stored(SAYS.revoked(), 5), contradicts=False, now=NOW)
    assert (head.revoked, dict(head.floors)) == ({WEATHER}, {WEATHER: 5})
    head = head.after(stored(SAYS.reinstated(), 6), contradicts=False, now=NOW)
    assert (head.revoked, dict(head.floors)) == (frozenset(), {WEATHER: 5})
    assert not head.counts(stored(SAYS.passed(), 4))
    assert head.counts(stored(SAYS.passed(), 7))
    assert head.counts(stored(SAYS.passed(MAIL), 4))


def test_a_contradiction_raises_the_floor_under_one_policy_only():
    head = Head().after(stored(SAYS.failed(), 5), contradicts=True, now=NOW)
    assert dict(head.floors) == {floor_key(WEATHER, POLICY): 5}
    assert head.superseded(stored(SAYS.passed(), 4))
    assert not head.superseded(stored(SAYS.failed(), 5))
    assert head.counts(stored(SAYS.passed(policy=STRICTER), 4))
    assert head.counts(stored(SAYS.accepted(), 4))


def test_nothing_counts_that_was_set_aside():
    head = Head(9, digest("x"), since=5)
    assert not head.counts(stored(SAYS.passed(), 5))
    assert head.counts(stored(SAYS.passed(), 6))


def test_of_two_heads_the_restrictions_add_up():
    both = Head(3, digest("x"), frozenset({MAIL}), MappingProxyType({WEATHER: 2}), 1, NOW).restricted_by(FULL)
    assert (both.sequence, both.revoked, both.since) == (3, {WEATHER, MAIL}, 2)
    assert dict(both.floors) == {WEATHER: 7, f"{MAIL}/{POLICY}": 3}


# The list of gaps.


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 5)), max_size=20))
def test_ranges_in_normal_form_hold_the_same_numbers(pairs):
    ranges = [(first, first + more) for first, more in pairs]
    expected = {number for first, last in ranges for number in range(first, last + 1)}
    normal = gap.joined(ranges)
    assert {number for first, last in normal for number in range(first, last + 1)} == expected
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(normal))
    assert gap.unseal(gap.seal(normal, OURS), OURS.public) == normal


@pytest.mark.parametrize("ranges", [[[0, 1]], [[2, 1]], [[1]], [1], [["1", "2"]], [[True, 2]], {}], ids=str)
def test_ranges_that_make_no_sense_are_refused(ranges):
    raw = dsse.sign(gap.GAP_TYPE, json.dumps({"ranges": ranges}).encode(), OURS).to_bytes()
    with pytest.raises(StatementInvalid):
        gap.unseal(raw, OURS.public)
    assert gap.unseal_or_nothing(raw, OURS.public) == ()
