"""SKILL.md's frontmatter: read as text, refused where two readers would see two things, never a crash, never slow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.snapshots import entry, skill

from openclaw_vt.analysis.manifest import (
    MAX_DESCRIPTION,
    MAX_FRONTMATTER_BYTES,
    MAX_NAME,
    Manifest,
    read_manifest,
    split_frontmatter,
    unified,
)
from openclaw_vt.model.display import hides
from openclaw_vt.model.subject import Entry, Snapshot


def manifest(front: str | bytes, body: str = "Text.\n") -> Manifest:
    raw = front if isinstance(front, bytes) else front.encode("utf-8", "surrogatepass")
    return read_manifest(skill(b"---\n" + raw + b"\n---\n" + body.encode()))


def problem(front: str | bytes) -> str:
    found = manifest(front)
    assert found == Manifest(problems=found.problems)  # a refused manifest says nothing at all
    (only,) = found.problems
    assert only.what == "the frontmatter of SKILL.md"
    return only.why


# --- honest ones ---


def test_what_skills_say_about_themselves():
    found = manifest(
        "name: weather\ndescription: Tells the weather.\nversion: 1.10\n"
        "metadata:\n  openclaw:\n    requires:\n      bins: [curl, jq]\n      anyBins: [rg]\n      env: [API_KEY]\n"
    )
    assert found == Manifest("weather", "Tells the weather.", "1.10", ("curl", "jq", "rg"), ("API_KEY",))


def test_metadata_as_json_in_a_text():
    found = manifest("""name: x\nmetadata: '{"openclaw": {"requires": {"bins": ["curl"]}}}'""")
    assert found.bins == ("curl",)
    flow = manifest("""name: x\nmetadata: {"openclaw": {"requires": {"bins": ["curl"]}}}""")
    assert flow.bins == ("curl",)


@pytest.mark.parametrize("version", ["1.10", "1.0", "010", "2024-01-02", "1e3", "0x10", "12:30:45", "1_000", "on", "9" * 40])
def test_a_version_is_the_text_that_was_written(version):
    assert manifest(f"version: {version}").version == version


@pytest.mark.parametrize("nothing", ["", "~", "null", '""', '"  "', '"\\u200b"', "[a]", "{a: b}"])
def test_saying_nothing_is_no_name(nothing):
    found = manifest(f"name: {nothing}\nversion: {nothing}\ndescription: {nothing}")
    assert found == Manifest()


@pytest.mark.parametrize(
    ("start", "end"),
    [("---\n", "---\n"), ("---\r\n", "---\r\n"), ("---\r", "---\r"), ("\ufeff---\n", "---\n"), ("--- \n", "---\t\n")],
)
def test_line_ends_and_marks_of_every_system(start, end):
    newline = start[-2:] if start.endswith("\r\n") else start[-1]
    found = read_manifest(skill(f"{start}name: x{newline}{end}Text."))
    assert (found.name, found.problems) == ("x", ())


def test_a_skill_without_frontmatter_has_no_problem_and_no_name():
    for text in (
        "",
        "Just text.\n",
        "---\n---\nText.\n",
        "---\n\n# only a comment\n---\n",
        "----\nname: x\n----\n",
        "---\nname: x\n",
    ):
        assert read_manifest(skill(text)) == Manifest()


# --- nothing to read ---


def test_a_folder_without_skill_md_or_with_one_that_cannot_be_read():
    for snapshot in (
        Snapshot(()),
        Snapshot((entry("skill.md", "x"),)),
        Snapshot((entry("sub/SKILL.md", "x"),)),
        Snapshot((Entry("SKILL.md", kind="link", target="x"),)),
        Snapshot((Entry("SKILL.md", kind="directory"),)),
        Snapshot((Entry("SKILL.md", size=10**9, sha256=entry("a", "b").sha256),)),
    ):
        (only,) = read_manifest(snapshot).problems
        assert only.what == "SKILL.md"


# --- two readers, two things ---


@pytest.mark.parametrize(
    ("front", "why"),
    [
        ("name: good\nname: evil", "a key stands twice"),
        ('name: good\n"name": evil', "a key stands twice"),
        ("a: {b: 1, b: 2}", "a key stands twice"),
        ("a: [{b: 1, b: 2}]", "a key stands twice"),
        ("a: &x 1\nb: *x", "anchors"),
        ("a: &x 1", "anchors"),
        ("a: *x", "anchors"),
        ("<<: {name: evil}\nname: good", "merge keys"),
        ("name: !!python/object/apply:os.system [id]", "tags"),
        ("name: !!str x", "tags"),
        ("name: !evil x", "tags"),
        ("!!map {name: x}", "tags"),
        ("- a\n- b", "no list of keys and values"),
        ("just words", "no list of keys and values"),
        ("name: [", "not valid YAML"),
        ("name: 'x", "not valid YAML"),
        ("\tname: x", "not valid YAML"),
        ("name: x\n...\nname: y", "not valid YAML"),
        ("%TAG ! tag:evil,2000:\nname: x", "not valid YAML"),
        ("name: \x1b[2J", "not valid YAML: special characters are not allowed"),
        ("? {a: b}\n: c", "not valid YAML"),
        (b"name: caf\xe9", "not UTF-8"),
        ("name: \ud800", "not UTF-8"),
        (b"n\0a\0m\0e\0", "not valid YAML"),
    ],
)
def test_ambiguous_or_broken_frontmatter_is_refused_as_a_whole(front, why):
    assert why in problem(front)


def test_a_billion_laughs_die_at_the_first():
    laughs = "a: &a [x, x]\n" + "".join(f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20))
    assert "anchors" in problem(laughs)


@pytest.mark.parametrize(
    "front",
    ["a: " + "[" * 30_000, "a: " + "{" * 30_000, "- " * 30_000, "? " * 30_000, "a: " + "[" * 400 + "]" * 400],
    ids=range(5),
)
def test_deep_nesting_is_a_problem_and_no_crash(front):
    assert problem(front)


def test_more_than_the_limit_is_not_parsed_at_all():
    assert "larger than" in problem("#" * (MAX_FRONTMATTER_BYTES + 1))
    assert manifest("# " + "x" * (MAX_FRONTMATTER_BYTES - 20) + "\nname: x").name == "x"


def test_ten_thousand_keys_are_each_looked_at_once(monkeypatch):
    # The comparison of keys is counted, not timed: a quadratic search for duplicates would compare each with all.
    compared = []

    class Key(str):
        __slots__ = ()

        def __eq__(self, other):
            compared.append(1)
            return str.__eq__(self, other)

        __hash__ = str.__hash__

    import yaml

    construct = yaml.BaseLoader.construct_scalar
    monkeypatch.setattr(yaml.BaseLoader, "construct_scalar", lambda self, node: Key(construct(self, node)))
    manifest("a: {" + ",".join(f"{n:x}" for n in range(10_000)) + "}")
    assert len(compared) < 10_000


# --- hostile words ---


def test_what_is_kept_can_be_shown():
    found = manifest(
        'name: "\\u001b[2Jx\\u202e"\ndescription: "a\\nb\\u200b"\nversion: "\\ud800 1"\n'
        'metadata: {openclaw: {requires: {bins: ["\\u001b]0;x\\u0007curl"]}}}'
    )
    assert (found.name, found.description, found.bins) == ("x", "a b", ("curl",))
    assert not hides(repr(found))


def test_long_words_are_cut():
    found = manifest(f"name: {'n' * 5000}\ndescription: {'d' * 5000}\nversion: {'v' * 5000}")
    assert (len(found.name), len(found.description), len(found.version)) == (MAX_NAME, MAX_DESCRIPTION, MAX_NAME)


@pytest.mark.parametrize(
    "metadata",
    [
        "3",
        "[a]",
        "text",
        "'{'",
        '\'{"a": 1, "a": 2}\'',
        "{openclaw: 3}",
        "{openclaw: {requires: [x]}}",
        "{openclaw: {requires: {bins: curl}}}",
        "{openclaw: {requires: {bins: [{a: b}]}}}",
        "'" + '{"a":' * 3000 + "'",
    ],
)
def test_metadata_of_another_shape_names_no_programs(metadata):
    found = manifest(f"name: x\nmetadata: {metadata}")
    assert (found.name, found.bins, found.problems) == ("x", (), ())


# --- and for every text ---

near_yaml = st.text(st.sampled_from("ab:-[]{}&*!|>'\"%@`#?,~<= \n\t\\x\x1b\u202e0"), max_size=120)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_a_manifest(raw):
    found = read_manifest(skill(raw))
    assert isinstance(found, Manifest)


@given(near_yaml)
def test_any_near_yaml_is_a_manifest_fit_to_be_shown(text):
    found = manifest(text)
    shown = [found.name or "", found.description, found.version or "", *(f"{p.what}{p.why}" for p in found.problems)]
    assert not any(hides(word) for word in shown)


@given(st.text(st.sampled_from("-ab \r\n\ufeff"), max_size=60))
def test_splitting_loses_no_line(text):
    text = unified(text)
    front, body, first = split_frontmatter(text)
    lines = text.split("\n")
    if first == 1:
        assert (front, body) == ("", text)
    else:
        assert "\n".join(lines[first - 1 :]) == body
        assert "\n".join(lines[1 : first - 2]) == front


def test_a_description_with_a_colon_is_read_as_openclaw_reads_it():
    front = b'---\nname: notes\ndescription: Keep notes: short ones, "quoted" ones\nmetadata: {"a": 1}\nversion: 1.0\n---\nbody\n'
    manifest = read_manifest(skill(front))
    assert manifest.problems == ()
    assert (manifest.name, manifest.version) == ("notes", "1.0")
    assert manifest.description == 'Keep notes: short ones, "quoted" ones'


@pytest.mark.parametrize("front", [b"a: b: c\na: d: e", b"a: b: c\nd: &x e", b"a: b: c\n  d: e", b"a: b: c\nd: \x1b[2J"])
def test_lines_that_two_readers_could_read_in_two_ways_are_refused(front):
    assert read_manifest(skill(b"---\n" + front + b"\n---\n")).problems
