from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest

from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import json5
from openclaw_vt.openclaw.files import MAX_CONFIG_BYTES
from openclaw_vt.openclaw.folders import read_config
from openclaw_vt.openclaw.launcher import write_launcher
from openclaw_vt.openclaw.record import Edit
from openclaw_vt.openclaw.wiring import install_policy_block, is_wired, is_wired_now, unwire, wire

POSIX = pytest.mark.skipif(os.name == "nt", reason="modes, owners and links as POSIX has them")
LAUNCHER = Path("/home/me/.local/share/openclaw-vt/bin/openclaw-vt-policy")
BLOCK = install_policy_block(LAUNCHER, pass_env=("HOME", "LANG"))
PLUGIN = (
    Edit(("plugins", "load", "paths"), "/site-packages/openclaw_vt/hooks", in_list=True),
    Edit(("plugins", "entries", "openclaw-vt"), {"enabled": True}, owned=True),
)
AUTHORED = """\
// my assistant
{
    gateway: { port: 18789 }, // the usual one
    agents: {
        defaults: { workspace: '~/work space', },
    },
}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "state" / "openclaw.json"
    path.parent.mkdir()
    path.write_text(AUTHORED, encoding="utf-8")
    return path


@pytest.fixture
def backup(tmp_path):
    return tmp_path / "ours"


def value(path: Path) -> dict:
    return json5.loads(path.read_text(encoding="utf-8"))


def test_wiring_adds_only_our_key_and_undoing_gives_back_every_byte(config, backup):
    before = config.read_bytes()
    change = wire(config, BLOCK, backup=backup)
    assert (change.changed, change.created, change.replaced) == (True, False, ())
    assert value(config) == json5.loads(AUTHORED) | {"security": {"installPolicy": BLOCK}}
    assert "// my assistant" in config.read_text(encoding="utf-8")
    assert is_wired(read_config(config, env={}), LAUNCHER)
    assert unwire(config, backup=backup).changed
    assert config.read_bytes() == before
    assert not list(backup.glob("*"))


def test_twice_is_once(config, backup):
    before = config.read_bytes()
    wire(config, BLOCK, backup=backup, also=PLUGIN)
    after = config.read_bytes()
    assert not wire(config, BLOCK, backup=backup, also=PLUGIN).changed
    assert config.read_bytes() == after
    unwire(config, backup=backup)
    assert config.read_bytes() == before
    assert not unwire(config, backup=backup).changed


def test_a_launcher_that_moved_replaces_the_old_one_and_undoing_still_gives_back_every_byte(config, backup):
    before = config.read_bytes()
    moved = install_policy_block(Path("/opt/vt/openclaw-vt-policy"), pass_env=())
    wire(config, BLOCK, backup=backup)
    assert wire(config, moved, backup=backup, also=PLUGIN).replaced == ()
    assert value(config)["security"]["installPolicy"] == moved
    unwire(config, backup=backup)
    assert config.read_bytes() == before


def test_a_missing_file_is_made_private_and_removed_again(tmp_path, backup):
    path = tmp_path / "fresh" / "openclaw.json"
    old = os.umask(0)
    try:
        assert wire(path, BLOCK, backup=backup).created
    finally:
        os.umask(old)
    assert value(path) == {"security": {"installPolicy": BLOCK}}
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    unwire(path, backup=backup)
    assert not path.exists()


def test_a_file_we_made_stays_when_somebody_else_wrote_into_it(tmp_path, backup):
    path = tmp_path / "openclaw.json"
    wire(path, BLOCK, backup=backup)
    path.write_text(json.dumps(value(path) | {"gateway": {"port": 1}}), encoding="utf-8")
    unwire(path, backup=backup)
    assert value(path) == {"gateway": {"port": 1}}


def test_after_openclaw_rewrote_the_file_only_our_keys_go(config, backup):
    wire(config, BLOCK, backup=backup, also=PLUGIN)
    rewritten = value(config) | {"meta": {"lastTouchedVersion": "2026.9.6"}}
    rewritten["plugins"]["load"]["paths"].append("/theirs")
    config.write_text(json.dumps(rewritten, indent=2) + "\n", encoding="utf-8")
    assert not wire(config, BLOCK, backup=backup, also=PLUGIN).changed
    unwire(config, backup=backup)
    expected = json5.loads(AUTHORED) | {"plugins": {"load": {"paths": ["/theirs"]}}, "meta": {"lastTouchedVersion": "2026.9.6"}}
    assert value(config) == expected


def test_a_policy_that_was_there_before_comes_back_in_its_own_spelling(config, backup):
    theirs = "{ enabled: true, /* mine */ exec: { source: 'exec', command: '/usr/bin/scanner', }, }"
    config.write_text(f"{{ security: {{ installPolicy: {theirs}, audit: {{}} }} }}\n", encoding="utf-8")
    before = config.read_bytes()
    assert wire(config, BLOCK, backup=backup).replaced == ("security.installPolicy",)
    config.write_text("// touched\n" + config.read_text(encoding="utf-8"), encoding="utf-8")
    unwire(config, backup=backup)
    assert config.read_bytes() == b"// touched\n" + before


def test_a_policy_that_somebody_put_in_our_place_stays(config, backup):
    wire(config, BLOCK, backup=backup)
    theirs = value(config)
    theirs["security"]["installPolicy"]["exec"]["command"] = "/usr/bin/scanner"
    config.write_text(json.dumps(theirs), encoding="utf-8")
    assert unwire(config, backup=backup).left == ("security.installPolicy",)
    assert value(config) == theirs


@pytest.mark.parametrize("change", [{"enabled": False}, {"targets": ["skill"]}])
def test_our_own_entry_goes_also_when_a_person_adjusted_it(config, backup, change):
    wire(config, BLOCK, backup=backup)
    adjusted = value(config)
    adjusted["security"]["installPolicy"] |= change
    config.write_text(json.dumps(adjusted), encoding="utf-8")
    assert unwire(config, backup=backup).left == ()
    assert "security" not in value(config)


def test_a_lost_record_does_not_make_our_own_entry_somebody_elses(config, backup, tmp_path):
    wire(config, BLOCK, backup=backup)
    other = tmp_path / "other"
    assert wire(config, BLOCK, backup=other).replaced == ()
    unwire(config, backup=other)
    assert value(config) == json5.loads(AUTHORED)


def test_a_path_listed_before_us_is_not_ours_to_remove(config, backup):
    config.write_text("{ plugins: { load: { paths: ['/site-packages/openclaw_vt/hooks'] } } }", encoding="utf-8")
    before = value(config)
    wire(config, BLOCK, backup=backup, also=PLUGIN)
    config.write_text(config.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    unwire(config, backup=backup)
    assert value(config) == before


def test_two_configurations_have_two_records(config, backup, tmp_path):
    second = tmp_path / "second.json"
    second.write_text("{ a: 1 }", encoding="utf-8")
    for path in (config, second):
        wire(path, BLOCK, backup=backup)
    unwire(config, backup=backup)
    assert value(second)["security"]["installPolicy"] == BLOCK
    unwire(second, backup=backup)
    assert second.read_text(encoding="utf-8") == "{ a: 1 }"


def test_a_dollar_in_the_launchers_path_is_no_variable(config, backup):
    launcher = Path("/srv/${HOME}/x/openclaw-vt-policy")
    wire(config, install_policy_block(launcher, pass_env=()), backup=backup)
    assert is_wired(read_config(config, env={"HOME": "/elsewhere"}), launcher)


def test_a_path_that_json_cannot_say_changes_nothing(config, backup):
    with pytest.raises(ConfigError, match="left as it is"):
        wire(config, install_policy_block(Path("/srv/\udc80/policy"), pass_env=()), backup=backup)
    assert config.read_text(encoding="utf-8") == AUTHORED
    assert not list(backup.glob("*"))


UNWIRED = {
    "nothing": {},
    "switched-off": {"enabled": False},
    "truthy-is-not-true": {"enabled": "true"},
    "plugins-only": {"targets": ["plugin"]},
    "another-program": {"exec": {"command": "/usr/bin/true"}},
    "no-program": {"exec": None},
}


@pytest.mark.parametrize("name", UNWIRED)
def test_what_asks_somebody_else_or_nobody_is_not_wired(name):
    assert is_wired({"security": {"installPolicy": BLOCK}}, LAUNCHER)
    policy = BLOCK | UNWIRED[name] if UNWIRED[name] else {}
    assert not is_wired({"security": {"installPolicy": policy}}, LAUNCHER)
    assert not is_wired({"security": ["installPolicy"]}, LAUNCHER)


REFUSED = {
    "broken": b"{ gateway: ",
    "not-an-object": b"[]\n",
    "not-utf-8": b"{ a: '\xff' }",
    "too-large": b"{}" + b" " * MAX_CONFIG_BYTES,
    "security-in-another-file": b"{ security: { $include: './security.json5' } }",
    "security-is-text": b"{ security: 'high' }",
    "same-key-twice": b"{ security: {}, security: {} }",
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_edited_safely_stays_as_it_is(config, backup, name):
    config.write_bytes(REFUSED[name])
    with pytest.raises(ConfigError) as caught:
        wire(config, BLOCK, backup=backup)
    assert caught.value.why
    assert caught.value.remedy
    assert config.read_bytes() == REFUSED[name]
    assert not list(backup.glob("*"))


@POSIX
def test_links_and_other_kinds_of_file_are_left_alone(config, backup, tmp_path):
    dotfiles = tmp_path / "dotfiles.json"
    config.rename(dotfiles)
    for make in (
        lambda: config.symlink_to(dotfiles),
        lambda: config.symlink_to(tmp_path / "nowhere"),
        lambda: config.hardlink_to(dotfiles),
        lambda: os.mkfifo(config),
        config.mkdir,
    ):
        make()
        with pytest.raises(ConfigError, match="left alone"):
            wire(config, BLOCK, backup=backup)
        config.rmdir() if config.is_dir() else config.unlink()
    assert dotfiles.read_text(encoding="utf-8") == AUTHORED


@POSIX
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_another_users_file_is_left_alone(config, backup):
    os.chown(config, 12345, -1)
    with pytest.raises(ConfigError, match="another user"):
        wire(config, BLOCK, backup=backup)


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_stays_whatever_the_umask(config, backup, mode):
    config.chmod(mode)
    old = os.umask(0o077)
    try:
        wire(config, BLOCK, backup=backup)
        assert stat.S_IMODE(config.stat().st_mode) == mode
        unwire(config, backup=backup)
    finally:
        os.umask(old)
    assert stat.S_IMODE(config.stat().st_mode) == mode


@POSIX
def test_the_copy_is_private(config, backup):
    old = os.umask(0)
    try:
        wire(config, BLOCK, backup=backup)
    finally:
        os.umask(old)
    for path in [backup, *backup.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_nothing_is_left_beside_the_file(config, backup):
    wire(config, BLOCK, backup=backup)
    assert [path.name for path in config.parent.iterdir()] == ["openclaw.json"]


@pytest.mark.parametrize("record", [b"", b"{}", b'{"schema": "x/9", "created": true, "after": "", "done": []}', b"\xff"])
def test_a_broken_record_stops_undoing_instead_of_guessing(config, backup, record):
    wire(config, BLOCK, backup=backup)
    after = config.read_bytes()
    next(backup.rglob("wiring.json")).write_bytes(record)
    with pytest.raises(ConfigError, match="cannot be read"):
        unwire(config, backup=backup)
    assert config.read_bytes() == after


def test_a_lost_copy_still_lets_our_keys_be_taken_out(config, backup):
    wire(config, BLOCK, backup=backup, also=PLUGIN)
    next(backup.rglob("openclaw.json.before")).unlink()
    unwire(config, backup=backup)
    assert config.read_text(encoding="utf-8") == AUTHORED


def test_a_configuration_that_is_gone_is_not_made_again_by_undoing(config, backup):
    wire(config, BLOCK, backup=backup)
    config.unlink()
    assert not unwire(config, backup=backup).changed
    assert not config.exists()
    assert not list(backup.glob("*"))


@POSIX
def test_wired_now_means_that_openclaw_would_really_start_us(tmp_path, backup):
    environ = {"HOME": str(tmp_path / "home"), "OPENCLAW_STATE_DIR": str(tmp_path / "state")}
    assert not is_wired_now(environ, tmp_path / "data")
    launcher = write_launcher(
        tmp_path / "data", python=Path(sys.executable), config_path=tmp_path / "c", state_dir=tmp_path / "s"
    )
    assert not is_wired_now(environ, tmp_path / "data")
    wire(tmp_path / "state" / "openclaw.json", install_policy_block(launcher, pass_env=()), backup=backup)
    assert is_wired_now(environ, tmp_path / "data")
    launcher.chmod(0o777)
    assert not is_wired_now(environ, tmp_path / "data")
