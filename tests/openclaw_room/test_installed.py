from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from openclaw_vt.openclaw import installed
from openclaw_vt.openclaw.command import find_openclaw
from openclaw_vt.openclaw.folders import SkillRoot, skill_roots
from openclaw_vt.openclaw.installed import find_package, installed_skills

POSIX = pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")


def skill(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: x\ndescription: y\n---\n")
    return folder


def names(*roots: SkillRoot) -> list[str]:
    return [found.ref.name for found in installed_skills(roots).skills]


def test_skills_of_every_place_with_what_they_say_about_themselves(tmp_path):
    state = tmp_path / "state"
    skill(state / "workspace/skills/mine")
    hub = skill(state / "skills/from-hub")
    (hub / ".clawhub").mkdir()
    record = {
        "version": 1,
        "registry": "https://clawhub.ai",
        "slug": "weather",
        "ownerHandle": "acme",
        "installedVersion": "1.2.0",
    }
    (hub / ".clawhub/origin.json").write_text(json.dumps(record))
    skill(state / "agents/main/agent/workshop-skills/made")
    skill(state / "extensions/plug/skills/helper")
    package = tmp_path / "openclaw"
    skill(package / "skills/shipped")
    skill(package / "dist/extensions/browser/skills/browsing")
    roots = skill_roots(state, {}, home=tmp_path, package=package)
    inventory = installed_skills(roots)
    assert inventory.complete
    found = {item.ref.name: item for item in inventory.skills}
    kinds = {name: (item.root.kind, item.ref.origin.kind) for name, item in found.items()}
    assert kinds == {
        "mine": ("workspace", "unknown"),
        "from-hub": ("managed", "clawhub"),
        "made": ("workshop", "workshop"),
        "helper": ("plugin", "unknown"),
        "shipped": ("bundled", "bundled"),
        "browsing": ("bundled", "bundled"),
    }
    ref = found["from-hub"].ref
    assert (ref.version, ref.origin.slug, ref.origin.publisher) == ("1.2.0", "weather", "acme")
    assert Path(ref.path) == hub.resolve()


def test_six_levels_and_no_hidden_folders(tmp_path):
    root = SkillRoot("managed", tmp_path)
    skill(tmp_path / "a/b/c/d/e/six")
    skill(tmp_path / "a/b/c/d/e/f/seven")
    skill(tmp_path / "skills/b/c/d/e/f/below-skills")
    skill(tmp_path / ".git/hidden")
    skill(tmp_path / "node_modules/dependency")
    skill(skill(tmp_path / "outer") / "inner")
    assert names(root) == ["six", "outer", "below-skills"]


def test_a_root_that_is_a_skill_itself(tmp_path):
    skill(tmp_path / "one")
    skill(tmp_path / "one/skills/two")
    skill(tmp_path / "one/examples/three")
    assert names(SkillRoot("extra", tmp_path / "one")) == ["one", "two"]


def test_the_same_skill_in_two_places_is_one(tmp_path):
    skill(tmp_path / "a/x")
    assert names(SkillRoot("extra", tmp_path), SkillRoot("managed", tmp_path / "a")) == ["x"]


@POSIX
def test_a_link_is_never_walked_into_but_a_skill_it_leads_to_is_named(tmp_path):
    elsewhere = skill(tmp_path / "elsewhere/linked-skill")
    skill(tmp_path / "elsewhere/more/deep")
    root = tmp_path / "skills"
    root.mkdir()
    (root / "direct").symlink_to(elsewhere)
    (root / "outside").symlink_to(tmp_path / "elsewhere")
    (root / "loop").symlink_to(root)
    (root / "dangling").symlink_to(tmp_path / "nowhere")
    skills = installed_skills([SkillRoot("managed", root)]).skills
    assert [(item.ref.name, item.linked) for item in skills] == [("direct", True)]
    assert Path(skills[0].ref.path) == elsewhere.resolve()


def test_a_search_that_was_cut_short_says_so(tmp_path, monkeypatch):
    for n in range(6):
        skill(tmp_path / f"s{n}")
        (tmp_path / f"folder{n}").mkdir()
    root = SkillRoot("managed", tmp_path)
    monkeypatch.setattr(installed, "MAX_SKILLS", 5)
    assert (len(installed_skills([root]).skills), installed_skills([root]).complete) == (5, False)
    monkeypatch.setattr(installed, "MAX_SKILLS", 50)
    monkeypatch.setattr(installed, "MAX_FOLDERS", 3)
    assert not installed_skills([root]).complete
    monkeypatch.setattr(installed, "MAX_FOLDERS", 7)
    assert installed_skills([root]).complete


def test_places_that_are_not_there_or_are_files(tmp_path):
    (tmp_path / "file").write_text("")
    inventory = installed_skills([SkillRoot("managed", tmp_path / name) for name in ("file", "missing")])
    assert (inventory.skills, inventory.complete) == ((), True)


def package(folder: Path, name: object = "openclaw") -> Path:
    folder.mkdir(parents=True)
    (folder / "package.json").write_text(json.dumps({"name": name}))
    (folder / "openclaw.mjs").write_text("")
    return folder


@POSIX
def test_the_package_behind_the_program_on_the_path(tmp_path):
    home = package(tmp_path / "node_modules/openclaw")
    (tmp_path / "node_modules/.bin").mkdir()
    shim = tmp_path / "node_modules/.bin/openclaw"
    shim.symlink_to("../openclaw/openclaw.mjs")
    assert find_package(shim) == home


def test_the_package_beside_a_windows_shim(tmp_path):
    local = package(tmp_path / "a/node_modules/openclaw")
    (tmp_path / "a/node_modules/.bin").mkdir()
    glob = package(tmp_path / "npm/node_modules/openclaw")
    assert find_package(tmp_path / "a/node_modules/.bin/openclaw.cmd") == local
    assert find_package(tmp_path / "npm/openclaw.cmd") == glob


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"name": ["openclaw"]}', b'{"name": "x"}', b"\xff", b'{"name": "x", "name": "openclaw"}']
)
def test_what_is_no_openclaw_package_is_none(tmp_path, content):
    (tmp_path / "node_modules/openclaw").mkdir(parents=True)
    (tmp_path / "node_modules/openclaw/package.json").write_bytes(content)
    assert find_package(tmp_path / "node_modules/openclaw/openclaw.mjs") is None
    assert find_package(None) is None


@POSIX
def test_the_program_is_never_taken_from_the_current_folder(tmp_path, monkeypatch):
    program = tmp_path / "openclaw"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert find_openclaw({"PATH": f".:{os.pathsep}:"}) is None
    assert find_openclaw({}) is None
    assert find_openclaw({"PATH": f".:{tmp_path}"}) == str(program)
