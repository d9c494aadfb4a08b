"""The entries that load our plugin: beside a person's own, undone byte for byte, and never more than what is ours."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from openclaw_vt.openclaw import json5, plugin_files
from openclaw_vt.openclaw.folders import read_config
from openclaw_vt.openclaw.plugin_files import MANIFEST, PLUGIN_ID, is_loaded, plugin_edits, plugin_folder, refusals
from openclaw_vt.openclaw.wiring import install_policy_block, unwire, wire

LAUNCHER = Path("/home/me/.local/share/openclaw-vt/bin/openclaw-vt-policy")
STATE = Path("/home/me/.local/state/openclaw-vt")
BLOCK = install_policy_block(LAUNCHER, pass_env=("HOME",))
ENTRY = {"enabled": True, "config": {"launcher": str(LAUNCHER), "stateDir": str(STATE)}}
PLAIN = "// mine\n{\n  gateway: { port: 18789 }, // usual\n  'agents': {defaults: {}},\n}\n"
WITH_PLUGINS = """\
{
  plugins: {
    allow: ['voice-call', "telegram"], // only these
    load: { paths: ['/srv/plugins/mine'] },
    entries: { telegram: { enabled: true, config: { token: 'x' } } },
  },
}
"""
WITH_TOGGLES = """\
{ plugins: { entries: { 'openclaw-vt': {
  config: { preExecute: 'enforce', runFrom: 'snapshot' /* slow but sure */ } } } } }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "open claw" / "openclaw.json"
    path.parent.mkdir()
    path.write_text(PLAIN, encoding="utf-8")
    return path


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return tmp_path / "ours"


def value(path: Path) -> dict:
    return json5.loads(path.read_text(encoding="utf-8"))


def put(config: Path, backup: Path, *, launcher: Path = LAUNCHER):
    also = plugin_edits(read_config(config, env={}), launcher=launcher, state_dir=STATE)
    return wire(config, BLOCK, backup=backup, also=also)


@pytest.mark.parametrize(
    "text", [PLAIN, WITH_PLUGINS, WITH_TOGGLES, "{}", "{}\n", "{ plugins: {} }", "{ plugins: { load: { paths: [] } } }"]
)
def test_it_is_loaded_and_undoing_gives_back_every_byte(config: Path, backup: Path, text: str):
    config.write_text(text, encoding="utf-8")
    before = config.read_bytes()
    assert put(config, backup).changed
    assert is_loaded(read_config(config, env={}))
    again = config.read_bytes()
    assert not put(config, backup).changed, "twice is once"
    assert config.read_bytes() == again
    assert unwire(config, backup=backup).changed
    assert config.read_bytes() == before


def test_what_is_written_is_what_openclaw_needs_and_nothing_more(config: Path, backup: Path):
    put(config, backup)
    assert value(config) == json5.loads(PLAIN) | {
        "security": {"installPolicy": BLOCK},
        "plugins": {"load": {"paths": [str(plugin_folder())]}, "entries": {PLUGIN_ID: ENTRY}},
    }


def test_a_list_of_allowed_plugins_is_joined_and_never_made(config: Path, backup: Path):
    put(config, backup)
    assert "allow" not in value(config)["plugins"], "a list that we made would shut every other plugin out"
    unwire(config, backup=backup)
    config.write_text(WITH_PLUGINS, encoding="utf-8")
    put(config, backup)
    plugins = value(config)["plugins"]
    assert plugins["allow"] == ["voice-call", "telegram", PLUGIN_ID]
    assert plugins["load"]["paths"] == ["/srv/plugins/mine", str(plugin_folder())]
    assert plugins["entries"] == {"telegram": {"enabled": True, "config": {"token": "x"}}, PLUGIN_ID: ENTRY}


def test_an_empty_list_of_allowed_plugins_is_joined_too(config: Path, backup: Path):
    config.write_text("{ plugins: { allow: [] } }", encoding="utf-8")
    assert not is_loaded(value(config))
    put(config, backup)
    assert value(config)["plugins"]["allow"] == [PLUGIN_ID]
    assert is_loaded(value(config))
    unwire(config, backup=backup)
    assert config.read_text(encoding="utf-8") == "{ plugins: { allow: [] } }"


@pytest.mark.parametrize("allow", ["'all'", "true", "{}", "null"])
def test_what_is_no_list_is_left_alone(config: Path, backup: Path, allow: str):
    config.write_text(f"{{ plugins: {{ allow: {allow} }} }}", encoding="utf-8")
    before = value(config)["plugins"]["allow"]
    put(config, backup)
    assert value(config)["plugins"]["allow"] == before


def test_a_persons_own_toggles_stay_when_we_come_and_when_we_go(config: Path, backup: Path):
    config.write_text(WITH_TOGGLES, encoding="utf-8")
    put(config, backup)
    assert (
        value(config)["plugins"]["entries"][PLUGIN_ID]["config"]
        == {"preExecute": "enforce", "runFrom": "snapshot"} | ENTRY["config"]
    )
    config.write_text(config.read_text(encoding="utf-8") + "// touched\n", encoding="utf-8")
    unwire(config, backup=backup)
    assert value(config) == json5.loads(WITH_TOGGLES)
    assert "/* slow but sure */" in config.read_text(encoding="utf-8")


def test_toggles_that_came_later_stay_too(config: Path, backup: Path):
    put(config, backup)
    changed = value(config)
    changed["plugins"]["entries"][PLUGIN_ID]["config"]["failExecute"] = "closed"
    config.write_text(json.dumps(changed), encoding="utf-8")
    assert not put(config, backup).changed
    assert value(config) == changed
    unwire(config, backup=backup)
    assert value(config)["plugins"] == {"entries": {PLUGIN_ID: {"config": {"failExecute": "closed"}}}}


def test_a_plugin_that_a_person_switched_off_is_switched_on_by_setup_and_off_again_after_it(config: Path, backup: Path):
    text = "{ plugins: { entries: { 'openclaw-vt': { enabled: false } } } }"
    config.write_text(text, encoding="utf-8")
    put(config, backup)
    assert is_loaded(value(config))
    unwire(config, backup=backup)
    assert config.read_text(encoding="utf-8") == text


def test_a_launcher_that_moved_replaces_the_old_one(config: Path, backup: Path):
    before = config.read_bytes()
    put(config, backup)
    put(config, backup, launcher=Path("/opt/vt/openclaw-vt-policy"))
    entry = value(config)["plugins"]["entries"][PLUGIN_ID]
    assert entry["config"]["launcher"] == "/opt/vt/openclaw-vt-policy"
    assert value(config)["plugins"]["load"]["paths"] == [str(plugin_folder())]
    unwire(config, backup=backup)
    assert config.read_bytes() == before


def test_after_openclaw_rewrote_the_file_only_ours_goes(config: Path, backup: Path):
    config.write_text(WITH_PLUGINS, encoding="utf-8")
    put(config, backup)
    rewritten = value(config)
    rewritten["plugins"]["allow"].append("later")
    rewritten["plugins"]["load"]["paths"].insert(0, "/srv/plugins/later")
    config.write_text(json.dumps(rewritten, indent=2), encoding="utf-8")
    unwire(config, backup=backup)
    plugins = value(config)["plugins"]
    assert plugins["allow"] == ["voice-call", "telegram", "later"]
    assert plugins["load"]["paths"] == ["/srv/plugins/later", "/srv/plugins/mine"]
    assert set(plugins["entries"]) == {"telegram"}


def test_a_path_that_looks_like_a_variable_is_none(config: Path, backup: Path):
    also = plugin_edits({}, launcher=Path("/srv/${HOME}/x"), state_dir=Path("/srv/${STATE}"))
    wire(config, BLOCK, backup=backup, also=also)
    entry = read_config(config, env={"HOME": "/elsewhere", "STATE": "/y"})["plugins"]["entries"][PLUGIN_ID]
    assert entry["config"] == {"launcher": "/srv/${HOME}/x", "stateDir": "/srv/${STATE}"}


LOADED = {"plugins": {"load": {"paths": [str(plugin_folder())]}, "entries": {PLUGIN_ID: ENTRY}}}
NOT_LOADED = {
    "nothing": {},
    "plugins-are-text": {"plugins": "all"},
    "plugins-are-off": {"plugins": LOADED["plugins"] | {"enabled": False}},
    "no-path": {"plugins": LOADED["plugins"] | {"load": {"paths": []}}},
    "paths-are-text": {"plugins": LOADED["plugins"] | {"load": {"paths": str(plugin_folder())}}},
    "another-path": {"plugins": LOADED["plugins"] | {"load": {"paths": ["/srv/openclaw-vt"]}}},
    "no-entry": {"plugins": LOADED["plugins"] | {"entries": {}}},
    "entry-is-off": {"plugins": LOADED["plugins"] | {"entries": {PLUGIN_ID: {"enabled": False}}}},
    "truthy-is-not-true": {"plugins": LOADED["plugins"] | {"entries": {PLUGIN_ID: {"enabled": "true"}}}},
    "not-allowed": {"plugins": LOADED["plugins"] | {"allow": ["telegram"]}},
}


@pytest.mark.parametrize("name", NOT_LOADED)
def test_what_openclaw_would_not_load_is_not_called_loaded(name: str):
    assert is_loaded(LOADED)
    assert not is_loaded(NOT_LOADED[name])


def test_the_plugin_lies_where_it_is_said_to_and_openclaw_would_take_it():
    folder = plugin_folder()
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert manifest["id"] == PLUGIN_ID
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    assert not package.get("dependencies")
    assert refusals() == []


def test_every_setting_that_setup_writes_is_one_the_plugin_declares():
    declared = json.loads((plugin_folder() / MANIFEST).read_text(encoding="utf-8"))["configSchema"]
    edits = plugin_edits({}, launcher=LAUNCHER, state_dir=STATE)
    written = {edit.path[4] for edit in edits if edit.path[:4] == ("plugins", "entries", PLUGIN_ID, "config")}
    assert written == {"launcher", "stateDir"}
    assert written <= set(declared["properties"])


@pytest.mark.skipif(os.name == "nt", reason="modes as POSIX has them")
def test_a_folder_that_openclaw_would_skip_silently_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "open claw"
    monkeypatch.setattr(plugin_files, "plugin_folder", lambda: folder)
    assert ["is gone" in problem for problem in refusals()] == [True]
    folder.mkdir(mode=0o755)
    assert refusals() == []
    folder.chmod(0o777)
    assert ["chmod o-w" in problem for problem in refusals()] == [True]
    if os.geteuid() == 0:
        folder.chmod(0o755)
        os.chown(folder, 12345, -1)
        assert ["another user" in problem for problem in refusals()] == [True]
