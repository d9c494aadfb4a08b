from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.signing import NOW, POLICY, SAYS, WEATHER, digest

from openclaw_vt.attestation import statement
from openclaw_vt.attestation.statement import Draft, Kind, Statement
from openclaw_vt.errors import StatementInvalid
from openclaw_vt.model.subject import Entry

BEFORE = digest("the record before")


def written(draft: Draft, sequence: int = 2, previous: str | None = BEFORE) -> bytes:
    return statement.serialise(Statement(draft, sequence, previous), verifier="openclaw-vt:k", version="1")


def changed(**changes: object) -> bytes:
    """A passed verification with some fields of its JSON replaced; a dotted name reaches inside, None takes it out."""
    body = json.loads(written(SAYS.passed()))
    for name, value in changes.items():
        *path, last = name.split("__")
        target = body
        for part in path:
            target = target[int(part) if part.isdigit() else part]
        if value is ...:
            del target[last]
        else:
            target[last] = value
    return json.dumps(body).encode()


@pytest.mark.parametrize("make", [SAYS.passed, SAYS.failed, SAYS.accepted, SAYS.revoked, SAYS.reinstated])
def test_each_kind_reads_back_as_it_was_written(make):
    assert statement.parse(written(make())) == Statement(make(), 2, BEFORE)


def test_it_is_an_in_toto_statement_with_the_fields_of_a_verification_summary():
    body = json.loads(written(SAYS.passed(verdict="clean")))
    assert body["_type"] == "https://in-toto.io/Statement/v1"
    assert body["subject"] == [{"name": "skill:weather", "digest": {"sha256": WEATHER}}]
    predicate = body["predicate"]
    assert predicate["verificationResult"] == "PASSED"
    assert predicate["policy"]["digest"] == {"sha256": POLICY}
    assert predicate["timeVerified"] == "2027-01-15T08:00:00Z"
    assert predicate["previous"] == {"sha256": BEFORE}


def test_unknown_fields_of_the_predicate_are_ignored_as_summaries_demand():
    assert statement.parse(changed(predicate__verifiedLevels=["X"])).draft == SAYS.passed()


@pytest.mark.parametrize(
    "raw",
    [
        changed(_type="https://in-toto.io/Statement/v0.1"),
        changed(predicateType="https://slsa.dev/verification_summary/v1"),
        changed(predicateType=["x"]),
        changed(subject=[]),
        changed(subject=[{"name": "a", "digest": {"sha256": WEATHER}}] * 2),
        changed(subject__0__digest={"sha256": WEATHER.upper()}),
        changed(subject__0__digest={"sha256": WEATHER, "md5": "x"}),
        changed(subject__0__digest={"sha256": WEATHER[:-1]}),
        changed(subject__0__digest=[]),
        changed(predicate__sequence=0),
        changed(predicate__sequence=-1),
        changed(predicate__sequence=True),
        changed(predicate__sequence="7"),
        changed(predicate__sequence=7.0),
        changed(predicate__sequence=10**30),
        changed(predicate__verificationResult="passed"),
        changed(predicate__verificationResult=["PASSED"]),
        changed(predicate__verificationResult=...),
        changed(predicate__policy=...),
        changed(predicate__policy__digest={"sha256": 1}),
        changed(predicate__policy=[]),
        changed(predicate__notAfter=...),
        changed(predicate__notAfter=1),
        changed(predicate__notAfter="2027-02-30T00:00:00Z"),
        changed(predicate__timeVerified="2027-01-15T08:00:00+00:00"),
        changed(predicate__timeVerified="2027-01-15 08:00:00Z"),
        changed(predicate__timeVerified="\uff12\uff10\uff12\uff17-01-15T08:00:00Z"),
        changed(predicate__previous={"sha256": "x"}),
        changed(predicate__previous=[]),
        changed(predicate__detail=[]),
        changed(predicate=[]),
        written(SAYS.passed())[:-1],
        written(SAYS.passed())[:-1] + b',"predicate":{}}',
        b"{}",
        b"null",
        b"\xff",
        b'{"_type":1e999}',
    ],
)
def test_what_is_no_statement_of_ours_is_refused_in_one_way(raw):
    with pytest.raises(StatementInvalid):
        statement.parse(raw)


def test_a_person_s_word_needs_no_policy_and_no_end():
    draft = statement.parse(written(SAYS.accepted())).draft
    assert (draft.policy, draft.result, draft.not_after) == (None, None, None)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode()))
def test_no_bytes_make_the_parser_raise_anything_else(raw):
    with pytest.raises(StatementInvalid):
        statement.parse(raw)


@given(
    st.builds(
        Draft,
        kind=st.sampled_from([Kind.ACCEPTANCE, Kind.REVOCATION, Kind.REINSTATEMENT]),
        tree=st.text().map(digest),
        name=st.text(),
        time=st.integers(0, 4_000_000_000),
        policy=st.none(),
        result=st.none(),
        not_after=st.none(),
        resource=st.text(),
        detail=st.dictionaries(st.text(), st.text() | st.booleans() | st.none() | st.lists(st.text())),
    ),
    st.integers(1, 10**17),
)
def test_every_statement_that_can_be_made_can_be_read(draft, sequence):
    assert statement.parse(written(draft, sequence)) == Statement(draft, sequence, BEFORE)


@given(st.integers(0, 250_000_000_000))
def test_times_read_back(seconds):
    assert statement.parse_time(statement.rfc3339(seconds)) == seconds


def test_evidence_full_of_brackets_can_be_stored():
    draft = SAYS.passed(evidence=["if [[ -n $x"] * 200)
    assert statement.parse(written(draft)).draft == draft


def test_the_listing_has_what_the_digest_covers_and_only_that():
    entries = (
        Entry("SKILL.md", size=3, sha256=WEATHER, data=b"abc"),
        Entry("empty", kind="directory"),
        Entry("link", kind="link", target="SKILL.md"),
        Entry("x.pyc", size=1, sha256=WEATHER, role="byproduct"),
    )
    listing = statement.tree_listing(entries)
    assert listing["files"] == [{"path": "SKILL.md", "size": 3, "exec": False, "sha256": WEATHER}]
    assert [item["path"] for item in listing["others"]] == ["empty", "link"]


def test_a_name_that_is_no_utf8_survives():
    name = b"caf\xe9.md".decode("utf-8", "surrogateescape")
    draft = SAYS.passed(**statement.tree_listing((Entry(name, sha256=WEATHER),)))
    assert statement.parse(written(draft)).draft.detail["files"][0]["path"] == name


def test_now_is_the_time_the_tests_think_it_is():
    assert statement.rfc3339(NOW) == "2027-01-15T08:00:00Z"
