from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw.folders import config_path, home_dir, read_config, skill_roots, state_dir

HOME = Path("/home/me") if os.name == "posix" else Path("C:/Users/me")


def paths(config: dict, kind: str, **rest: object) -> list[str]:
    roots = skill_roots(HOME / ".openclaw", config, home=HOME, **rest)
    return [root.path.relative_to(HOME).as_posix() for root in roots if root.kind == kind]


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, ".openclaw"),
        ({"OPENCLAW_STATE_DIR": "  "}, ".openclaw"),
        ({"OPENCLAW_STATE_DIR": "~/state dir"}, "state dir"),
        ({"OPENCLAW_STATE_DIR": str(HOME / "a" / ".." / "b")}, "b"),
        ({"OPENCLAW_HOME": "~/other"}, "other/.openclaw"),
        ({"OPENCLAW_HOME": "undefined"}, ".openclaw"),
        ({"OPENCLAW_HOME": "~/other", "OPENCLAW_STATE_DIR": "~/s"}, "other/s"),
    ],
)
def test_the_state_folder(env, expected):
    assert state_dir(env, HOME) == HOME / expected
    assert config_path(env, HOME) == HOME / expected / "openclaw.json"


def test_a_named_configuration_wins():
    env = {"OPENCLAW_CONFIG_PATH": "~/c.json5", "OPENCLAW_STATE_DIR": "/s"}
    assert config_path(env, HOME) == HOME / "c.json5"
    assert home_dir({"OPENCLAW_HOME": "~"}, HOME) == HOME


def test_the_names_from_before_count_only_where_nothing_else_is(tmp_path):
    old = tmp_path / ".clawdbot"
    old.mkdir()
    assert state_dir({}, tmp_path) == old
    (old / "clawdbot.json").write_text("{}")
    assert config_path({}, tmp_path) == old / "clawdbot.json"
    (old / "openclaw.json").write_text("{}")
    assert config_path({}, tmp_path) == old / "openclaw.json"
    (tmp_path / ".openclaw").mkdir()
    assert state_dir({}, tmp_path) == tmp_path / ".openclaw"


def test_every_place_of_a_plain_installation():
    roots = skill_roots(HOME / ".openclaw", {}, home=HOME, package=HOME / "npm" / "openclaw")
    assert [(root.kind, root.path.relative_to(HOME).as_posix()) for root in roots] == [
        ("workspace", ".openclaw/workspace/skills"),
        ("project", ".openclaw/workspace/.agents/skills"),
        ("workspace", ".openclaw/workspace-main/skills"),
        ("project", ".openclaw/workspace-main/.agents/skills"),
        ("personal", ".agents/skills"),
        ("managed", ".openclaw/skills"),
        ("workshop", ".openclaw/agents/main/agent/workshop-skills"),
        ("plugin", ".openclaw/extensions"),
        ("plugin", ".openclaw/plugin-skills"),
        ("bundled", "npm/openclaw/skills"),
        ("bundled", "npm/openclaw/custodian-skills"),
        ("bundled", "npm/openclaw/dist/extensions"),
    ]


def test_agents_bring_their_workspaces_and_workshops():
    agents = {
        "defaults": {"workspace": "~/shared", "cwd": "~/project"},
        "entries": {"Work": {"workspace": "~/work"}, "my agent!": {"agentDir": "~/dir"}},
    }
    config = {"agents": agents}
    assert paths(config, "workspace") == ["work/skills", "project/skills", "shared/skills", "shared/my-agent/skills"]
    assert paths(config, "workshop") == [".openclaw/agents/work/agent/workshop-skills", "dir/workshop-skills"]
    listed = {"agents": {"list": [{"id": "a", "workspace": "~/a"}, "junk", {"workspace": 7}]}}
    assert paths(listed, "workspace") == ["a/skills", ".openclaw/workspace/skills", ".openclaw/workspace-main/skills"]


def test_further_places_that_the_configuration_names():
    config = {"skills": {"load": {"extraDirs": ["~/extra", " ", 5, "~/extra/"]}}, "plugins": {"load": {"paths": ["~/plug"]}}}
    assert paths(config, "extra") == ["extra"]
    assert paths(config, "plugin")[-1] == "plug"


def test_the_environment_can_move_the_workspace():
    env = {"OPENCLAW_WORKSPACE_DIR": str(HOME / "ws"), "OPENCLAW_PROFILE": "dev"}
    assert paths({}, "workspace", env=env) == ["ws/skills", ".openclaw/workspace-main/skills", ".openclaw-dev/workspace/skills"]


@pytest.mark.parametrize("value", [None, 7, "x", [], {"agents": 7}, {"agents": {"entries": []}}, {"skills": {"load": []}}])
def test_an_odd_configuration_names_the_usual_places(value):
    config = value if isinstance(value, dict) else {"agents": value, "skills": value, "plugins": value}
    assert ".openclaw/workspace/skills" in paths(config, "workspace")


def test_an_agents_name_cannot_leave_the_state_folder():
    config = {"agents": {"entries": {"../../etc": {}, "..": {}, "a/b": {}}}}
    for root in skill_roots(HOME / ".openclaw", config, home=HOME):
        assert ".." not in root.path.parts
        assert root.path.is_relative_to(HOME)


def test_a_million_places_are_not_walked():
    config = {"skills": {"load": {"extraDirs": [f"/x{n}" for n in range(100_000)]}}}
    assert len(skill_roots(HOME, config, home=HOME)) == 256


def test_the_configuration_is_read_as_openclaw_reads_it(tmp_path):
    (tmp_path / "openclaw.json").write_text(
        "{ $include: ['./a.json5', 'sub/b.json'], agents: { defaults: { workspace: '${HOME}/w$${HOME}${UNSET_X}' } }, list: [3] }"
    )
    (tmp_path / "a.json5").write_text("{ list: [1], deep: { a: 1, b: 1 }, // note\n }")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.json").write_text('{"list": [2], "deep": {"b": 2, "more": {"$include": "../a.json5"}}}')
    assert read_config(tmp_path / "openclaw.json", env={"HOME": "/h"}) == {
        "list": [1, 2, 3],
        "deep": {"a": 1, "b": 2, "more": {"list": [1], "deep": {"a": 1, "b": 1}}},
        "agents": {"defaults": {"workspace": "/h/w${HOME}${UNSET_X}"}},
    }


def test_no_configuration_is_an_empty_one(tmp_path):
    assert read_config(tmp_path / "openclaw.json", env={}) == {}


BAD = {
    "broken": "{ a: ",
    "list": "[]",
    "include-missing": "{ $include: './gone.json' }",
    "include-outside": "{ $include: '../outside.json' }",
    "include-absolute": "{ $include: '/etc/passwd' }",
    "include-itself": "{ $include: './openclaw.json' }",
    "include-no-name": "{ $include: 7 }",
    "include-odd-list": "{ $include: [{}] }",
    "include-nul": "{ $include: 'a\\0b' }",
    "deep": "[" * 10_000,
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_read_is_an_error_for_people(tmp_path, name):
    folder = tmp_path / "state"
    folder.mkdir()
    (tmp_path / "outside.json").write_text("{}")
    (folder / "openclaw.json").write_text(BAD[name])
    with pytest.raises(ConfigError) as caught:
        read_config(folder / "openclaw.json", env={})
    assert caught.value.why


@pytest.mark.skipif(os.name == "nt", reason="links as POSIX has them")
def test_a_link_does_not_let_an_include_out(tmp_path):
    folder = tmp_path / "state"
    folder.mkdir()
    (tmp_path / "secret.json").write_text('{"a": 1}')
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    (folder / "openclaw.json").write_text(json.dumps({"$include": "./link.json"}))
    with pytest.raises(ConfigError, match="leaves"):
        read_config(folder / "openclaw.json", env={})
