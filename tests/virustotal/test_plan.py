"""Which hashes are worth a free key's few requests, and in which order."""

from __future__ import annotations

from support.vt_reports import digest_of

from openclaw_vt.model.subject import Entry, Snapshot
from openclaw_vt.model.verdict import Matched
from openclaw_vt.virustotal.plan import MAX_LOOKUPS, targets

ALL = ("bundle", "files", "indicators")
BUNDLE, HUB = digest_of("bundle"), digest_of("hub")


def file(path: str, data: bytes | None = b"text", **more) -> Entry:
    size = len(data) if data is not None else 10**9
    return Entry(path, size=size, sha256=digest_of(path), data=data, **more)


def plan(*entries: Entry, bundle=BUNDLE, clawhub=None, lookups=ALL):
    return [
        (target.matched, target.file or target.sha256)
        for target in targets(Snapshot(entries), bundle=bundle, clawhub=clawhub, lookups=lookups)
    ]


def test_clawhubs_archive_comes_first_then_our_bundle_then_what_can_run():
    assert plan(file("SKILL.md"), file("run.sh"), clawhub=HUB) == [
        (Matched.CLAWHUB_BUNDLE, HUB),
        (Matched.BUNDLE, BUNDLE),
        (Matched.FILES, "run.sh"),
    ]


def test_the_whole_skill_fits_into_the_limit_before_any_file():
    assert MAX_LOOKUPS >= 2


def test_text_is_never_asked_for_since_engines_do_not_read_it():
    assert plan(file("SKILL.md"), file("docs/guide.md"), file("data.json"), file("LICENSE")) == [(Matched.BUNDLE, BUNDLE)]


def test_files_that_can_run_are_known_by_name_by_mode_or_by_their_first_bytes():
    runs = [
        file("a.SH"),
        file("b.py"),
        file("c.exe"),
        file("tool", executable=True),
        file("disguised.txt", b"\x7fELF..."),
        file("pic.png", b"#!/bin/sh\n"),
        file("word.docx", b"PK\x03\x04..."),
        file("huge.dll", None),
    ]
    assert {name for matched, name in plan(*runs) if matched is Matched.FILES} == {entry.path for entry in runs}


def test_compiled_files_come_before_scripts():
    ordered = plan(file("a.py"), file("z.bin", b"MZ..."), file("b.sh"), bundle=None)
    assert [name for _, name in ordered] == ["z.bin", "a.py", "b.sh"]


def test_what_is_empty_or_no_content_or_no_file_is_not_asked_for():
    entries = (
        file("empty.sh", b""),
        file("__pycache__/a.cpython-311.pyc", role="byproduct"),
        Entry("link.sh", kind="link", target="a.sh"),
        Entry("folder.sh", kind="directory"),
        Entry("unhashed.sh", size=4, data=b"text"),
    )
    assert plan(*entries) == [(Matched.BUNDLE, BUNDLE)]


def test_no_hash_is_asked_for_twice():
    same = digest_of("same")
    entries = tuple(Entry(f"{name}.sh", size=1, sha256=same, data=b"x") for name in "abc")
    assert plan(*entries, bundle=same, clawhub=same) == [(Matched.CLAWHUB_BUNDLE, same)]


def test_lookups_can_be_switched_off():
    entries = (file("run.sh"),)
    assert plan(*entries, clawhub=HUB, lookups=("files",)) == [(Matched.FILES, "run.sh")]
    assert plan(*entries, clawhub=HUB, lookups=("bundle",)) == [(Matched.CLAWHUB_BUNDLE, HUB), (Matched.BUNDLE, BUNDLE)]
    assert plan(*entries, clawhub=HUB, lookups=("indicators",)) == []
    assert plan(*entries, clawhub=HUB, lookups=()) == []
