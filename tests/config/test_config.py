"""Settings: who wins, where each came from, and that neither a slip nor an attack is taken for a setting."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openclaw_vt import config
from openclaw_vt.config import MAX_CONFIG_BYTES, OPTIONS, config_path, data_dir, load, parse, state_dir
from openclaw_vt.errors import ConfigError
from openclaw_vt.model.decision import Outcome
from openclaw_vt.policy import DEFAULT_ROWS, TOGGLES, Policy


@pytest.fixture
def system(tmp_path, monkeypatch):
    """The system's file, at a place that a test may write."""
    file = tmp_path / "etc" / "config.toml"
    file.parent.mkdir()
    monkeypatch.setattr(config, "SYSTEM_FILE", str(file))
    return file


@pytest.fixture
def user(tmp_path):
    return tmp_path / "a home with spaces, é" / "config.toml"


@pytest.fixture
def environ(system, user, tmp_path):
    user.parent.mkdir()
    return {"OPENCLAW_VT_CONFIG": str(user), "OPENCLAW_VT_STATE_DIR": str(tmp_path / "state"), "HOME": str(tmp_path)}


def refused(toml: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        parse(toml.encode("utf-8", "surrogatepass"), where="here")
    return caught.value


# --- who wins, and where it came from ---


def test_without_any_file_every_setting_is_a_default(environ):
    loaded = load(environ)
    assert {setting.origin for setting in loaded.settings.values()} == {"default"}
    assert loaded.policy() == Policy()
    assert loaded["hooks", "pre_install"] == "enforce"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no system file")
def test_flag_beats_environment_beats_user_beats_system_beats_default(environ, system, user):
    def now(**flags):
        setting = load(environ, flags=flags and {"virustotal.min_engines": flags["engines"]}).settings[
            "virustotal", "min_engines"
        ]
        return setting.value, setting.origin, setting.place

    assert now() == (30, "default", "")
    system.write_text("[virustotal]\nmin_engines = 31\n")
    assert now() == (31, "system", str(system))
    user.write_text("[virustotal]\nmin_engines = 32\n")
    assert now() == (32, "user", str(user))
    environ["OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES"] = "33"
    assert now() == (33, "environment", "OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES")
    assert now(engines=34) == (34, "flag", "virustotal.min_engines")


def test_layers_join_key_by_key(environ, system, user):
    system.write_text('[policy]\non_unreviewed = "block"\n[virustotal]\nmin_engines = 40\n')
    user.write_text("[virustotal]\nmax_age_days = 7\n")
    loaded = load(environ)
    assert (loaded["virustotal", "min_engines"], loaded["virustotal", "max_age_days"]) == (40, 7)
    assert dict(loaded.policy().rows)[TOGGLES["on_unreviewed"]] is Outcome.BLOCK


def test_programs_that_openclaw_starts_obey_two_variables_and_no_more(environ, user):
    user.write_text('[virustotal]\nhost = "https://vt.example"\n')
    friendly = environ | {
        "OPENCLAW_VT_VIRUSTOTAL_HOST": "http://127.0.0.1:8080",
        "OPENCLAW_VT_POLICY_ON_MALICIOUS": "allow",
        "OPENCLAW_VT_NO_SUCH_THING": "1",
        "OPENCLAW_CLAWHUB_URL": "https://evil.example",
        "CLAWHUB_URL": "https://evil.example",
    }
    loaded = load(friendly, use_environment=False)
    assert loaded.policy() == load(environ).policy()
    assert loaded.policy().host == "https://vt.example"
    assert (loaded.path, loaded.state_dir) == (user, Path(environ["OPENCLAW_VT_STATE_DIR"]))


# --- the environment ---


def variable_of(table: str, key: str) -> str:
    return f"OPENCLAW_VT_{table}_{key}".upper()


@pytest.mark.parametrize(("table", "key"), [(table, key) for table, keys in OPTIONS.items() for key in keys])
def test_every_option_has_a_variable(environ, table, key):
    option = OPTIONS[table][key]
    value, text = {
        bool: (not option.default, str(not option.default)),
        int: (int(option.low) + 1, str(int(option.low) + 1)),
        float: (1.5, "1.5"),
        tuple: (option.choices[:1] or ("a", "b"), ",".join(option.choices[:1] or ("a", " b "))),
        str: (option.choices[-1] if option.choices else "https://x.example",) * 2,
    }[type(option.default)]
    if table == "network":  # known, and refused as long as nothing stands behind it
        with pytest.raises(ConfigError, match="cannot do"):
            load(environ | {variable_of(table, key): text})
        return
    setting = load(environ | {variable_of(table, key): text}).settings[table, key]
    assert (setting.value, setting.origin, setting.place) == (value, "environment", variable_of(table, key))


def test_the_variables_of_two_options_never_coincide():
    names = [variable_of(table, key) for table, keys in OPTIONS.items() for key in keys]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES", "many"),
        ("OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES", "9" * 5000),
        ("OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES", "3.5"),
        ("OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S", "nan"),
        ("OPENCLAW_VT_VIRUSTOTAL_TIMEOUT_S", "inf"),
        ("OPENCLAW_VT_CLAWHUB_LOOKUP", "perhaps"),
        ("OPENCLAW_VT_HOOKS_PRE_INSTALL", ""),
        ("OPENCLAW_VT_VIRUSTOTAL_LOOKUPS", "bundle,everything"),
        ("OPENCLAW_VT_VIRUSTOTAL_HOST", "http://vt.example"),
    ],
)
def test_a_variable_that_does_not_fit_is_an_error_that_names_it(environ, name, text):
    with pytest.raises(ConfigError, match=name):
        load(environ | {name: text})


def test_a_misspelt_variable_is_an_error_with_a_suggestion(environ):
    with pytest.raises(ConfigError, match=r"Did you mean OPENCLAW_VT_VIRUSTOTAL_MIN_ENGINES\?"):
        load(environ | {"OPENCLAW_VT_VIRUSTOTAL_MINENGINES": "5"})


@pytest.mark.parametrize("name", ["OPENCLAW_CLAWHUB_URL", "CLAWHUB_URL"])
def test_openclaws_own_variable_names_the_registry_and_is_named_as_its_origin(environ, name):
    setting = load(environ | {name: "https://hub.example/"}).settings["clawhub", "url"]
    assert (setting.value, setting.origin, setting.place) == ("https://hub.example", "environment", name)


def test_our_variable_beats_openclaws_for_the_registry(environ):
    loaded = load(environ | {"OPENCLAW_CLAWHUB_URL": "https://a.example", "OPENCLAW_VT_CLAWHUB_URL": "https://b.example"})
    assert loaded["clawhub", "url"] == "https://b.example"


# --- places ---


def test_places_follow_the_xdg_specification_and_ignore_relative_values(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    home = {"HOME": str(tmp_path)}
    assert config_path(home) == tmp_path / ".config/openclaw-vt/config.toml"
    assert state_dir(home) == tmp_path / ".local/state/openclaw-vt"
    assert data_dir(home) == tmp_path / ".local/share/openclaw-vt"
    assert config_path(home | {"XDG_CONFIG_HOME": "not/absolute"}) == config_path(home)
    elsewhere = tmp_path / "with a space"
    assert state_dir(home | {"XDG_STATE_HOME": str(elsewhere)}) == elsewhere / "openclaw-vt"


def test_on_windows_everything_lies_below_localappdata(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    assert state_dir({"LOCALAPPDATA": str(tmp_path)}) == tmp_path / "openclaw-vt"


def test_a_user_without_a_home_is_told_which_variable_helps(monkeypatch):
    # What the real one does for a user id without an entry in the user database.
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    monkeypatch.setattr(sys, "platform", "linux")
    with pytest.raises(ConfigError, match="XDG_STATE_HOME"):
        state_dir({})


def test_a_file_that_cannot_be_read_is_an_error_and_never_an_empty_file(environ, user):
    user.mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(environ | {"OPENCLAW_VT_CONFIG": str(user.parent / "nul\0byte")})


def test_a_skills_folder_is_no_place_for_settings(environ, tmp_path, monkeypatch):
    (tmp_path / "config.toml").write_text('[policy]\non_malicious = "allow"\n')
    (tmp_path / "openclaw-vt.toml").write_text('[policy]\non_malicious = "allow"\n')
    monkeypatch.chdir(tmp_path)
    assert load(environ).policy() == Policy()


# --- what a file may say ---


def test_every_default_written_down_is_the_default():
    def toml(value):
        if isinstance(value, tuple):
            return f"[{', '.join(toml(item) for item in value)}]"
        return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)

    lines = [
        line
        for table, keys in OPTIONS.items()
        for line in (f"[{table}]", *(f"{key} = {toml(option.default)}" for key, option in keys.items() if option.default != ""))
    ]
    written = parse("\n".join(lines).encode(), where="here")
    assert written == {key: OPTIONS[key[0]][key[1]].default for key in written}
    assert len(written) > 30


def test_the_policy_has_a_toggle_for_every_row_with_the_tables_default():
    for name, row in TOGGLES.items():
        assert OPTIONS["policy"][name].default == DEFAULT_ROWS[row].label


@pytest.mark.parametrize(
    ("toml", "suggestion"),
    [
        ("[virustotal]\nmin_engine = 3", "virustotal.min_engines"),
        ('[policy]\non_unrevewed = "warn"', "policy.on_unreviewed"),
        ("[virus_total]\nmin_engines = 3", "virustotal"),
        ('[virustotal]\non_malicious = "warn"', "policy.on_malicious"),
    ],
)
def test_an_unknown_key_is_an_error_with_a_suggestion(toml, suggestion):
    error = refused(toml)
    assert error.remedy == f"Did you mean {suggestion}?"
    assert error.exit_code == 2
    assert "here" in error.what


def test_a_key_like_no_other_points_to_the_list():
    assert "config show" in refused("[qqqqqq]\nzzzz = 1").remedy


def test_a_value_where_a_table_belongs_is_explained():
    assert "[policy]" in refused("policy = 3").remedy


@pytest.mark.parametrize(
    "toml",
    [
        "[virustotal]\nmin_engines = 0",
        "[virustotal]\nmin_engines = true",
        "[virustotal]\nmin_engines = 30.0",
        '[virustotal]\nmin_engines = "30"',
        "[virustotal]\ntimeout_s = nan",
        "[virustotal]\ntimeout_s = inf",
        "[virustotal]\ntimeout_s = 0",
        "[virustotal]\ntimeout_s = 1979-05-27",
        "[virustotal]\nmin_engines = 0x" + "f" * 10_000,
        "[virustotal]\nmin_engines = " + "9" * 5_000,
        '[virustotal]\nlookups = "bundle"',
        '[virustotal]\nlookups = ["bundle", 3]',
        '[policy]\non_malicious = "ALLOW"',
        "[policy]\non_malicious = " + "[" * 300 + "]" * 300,
        "[policy]\non_malicious = {a = {b = 1}}",
        "[clawhub]\nlookup = 1",
    ],
)
def test_a_value_of_another_kind_or_size_is_refused_and_briefly_named(toml):
    error = refused(toml)
    assert len(str(error)) < 400


@pytest.mark.parametrize(
    "toml",
    [
        "policy.a = " + "[" * 5_000,
        "policy = " + "{a=" * 5_000,
        "a" + ".a" * 100_000 + " = 1",
        "[policy" + ".a" * 100_000 + "]",
        't = [ """\nx""", {' + "a" + ".a" * 100_000 + " = 1}]",
        "[policy]\n" * 2,
        "x" * (MAX_CONFIG_BYTES + 1),
        "[policy]\n\ud800 = 1",
        "[policy]\non_malicious = 'block'\non_malicious = 'allow'",
        "\0",
    ],
    ids=["arrays", "tables", "dotted", "dotted-table", "dotted-inline", "twice", "huge", "no-utf8", "duplicate", "nul"],
)
def test_hostile_toml_is_one_short_error(toml):
    assert len(str(refused(toml))) < 400


def test_the_mark_that_windows_editors_put_first_is_no_key():
    assert parse("\ufeff[virustotal]\r\nmin_engines = 31\r\n".encode(), where="here") == {("virustotal", "min_engines"): 31}


def test_a_hostile_key_cannot_write_to_the_terminal():
    assert "\x1b" not in str(refused('"\\u001b[2J\\u202e" = 1'))
    assert "\x1b" not in str(refused('[policy]\n"\\u001b]0;x\\u0007" = 1'))
    assert "\x1b" not in str(refused('[policy]\non_malicious = "\\u001b[2J"'))


# --- who is asked ---


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://www.virustotal.com", "https://www.virustotal.com"),
        ("https://www.virustotal.com/", "https://www.virustotal.com"),
        ("https://www.virustotal.com?", "https://www.virustotal.com"),
        ("HTTPS://vt.example:8443", "https://vt.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:1", "http://localhost:1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ],
)
def test_https_anywhere_and_plain_http_to_this_machine(given, kept):
    for key in ("virustotal.host", "clawhub.url"):
        table, name = key.split(".")
        assert parse(f'[{table}]\n{name} = "{given}"'.encode(), where="here")[table, name] == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://www.virustotal.com",
        "http://127.0.0.1.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example#127.0.0.1",
        "http://127.1:80",
        "http://192.168.1.1",
        "https://user:password@vt.example",
        "https://vt.example/path",
        "https://vt.example?x=1",
        "https://vt.example#x",
        "https://vt.example\\\\@evil.example",
        "https://vt.example\\n",
        "https://vt.exa\\tmple",
        "https://vt.example\\r\\nX-Evil: 1",
        "https:// vt.example",
        "https://vt.example:99999",
        "https://vt.example:0",
        "https://vt.example:port",
        "https://[::1",
        "https://virustot\u0430l.com",
        "https://",
        "ftp://vt.example",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "vt.example",
        "//vt.example",
        "",
    ],
)
def test_no_other_address_is_a_host(url):
    for table, name in (("virustotal", "host"), ("clawhub", "url")):
        assert "127.0.0.1" in refused(f'[{table}]\n{name} = "{url}"').remedy


# --- and for every text ---


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_settings_or_a_config_error(raw):
    try:
        values = parse(raw, where="here")
    except ConfigError:
        return
    assert all(key in OPTIONS[table] for table, key in values)


scalars = st.booleans() | st.integers() | st.floats() | st.text(max_size=20).map(lambda text: f'"{text}"')
known = st.sampled_from([(table, key) for table, keys in OPTIONS.items() for key in keys])


@given(known, scalars | st.lists(scalars, max_size=3))
def test_what_is_taken_is_of_the_options_own_type(name, value):
    table, key = name
    try:
        values = parse(f"[{table}]\n{key} = {str(value).replace(chr(39), '').lower()}\n".encode(), where="here")
    except ConfigError:
        return
    option = OPTIONS[table][key]
    taken = values[table, key]
    assert isinstance(taken, (int, float) if isinstance(option.default, float) else type(option.default))
    assert isinstance(taken, bool) == isinstance(option.default, bool)


@pytest.mark.parametrize("setting", ['proxy = "http://127.0.0.1:3128"', "require_proxy = true", 'blocklist = ["bad.example"]'])
def test_a_protection_that_is_not_built_is_refused_and_not_ignored(tmp_path, setting):
    path = tmp_path / "config.toml"
    path.write_text(f"[network]\n{setting}\n")
    with pytest.raises(ConfigError, match="cannot do"):
        load({"HOME": str(tmp_path), "OPENCLAW_VT_CONFIG": str(path)})
