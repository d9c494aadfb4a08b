"""Settings: defaults < system < user < environment < flag. Every value knows where it came from.

There is no project-level file: a skill must not configure its own guard.
"""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from openclaw_vt import places
from openclaw_vt.errors import ConfigError
from openclaw_vt.model.display import shown
from openclaw_vt.model.outcome import Outcome
from openclaw_vt.policy.table import DEFAULT_ROWS, TOGGLES, Policy

if TYPE_CHECKING:
    from pathlib import Path

MAX_CONFIG_BYTES = 256 * 1024
MAX_DOTS = 256
SYSTEM_FILE = "/etc/openclaw-vt/config.toml"

Origin = Literal["default", "system", "user", "environment", "flag"]
_MODES = ("enforce", "observe", "off")
_OUTCOMES = tuple(outcome.label for outcome in Outcome)


class Option(NamedTuple):
    """One key: its default gives its type; `choices` limits strings, `low` and `high` limit numbers."""

    default: Any
    choices: tuple[str, ...] = ()
    low: float = 0
    high: float = 10**9
    about: str = ""


OPTIONS: dict[str, dict[str, Option]] = {
    "hooks": {
        "pre_install": Option("enforce", _MODES, about="the question before an install"),
        "pre_execute": Option("enforce", _MODES, about="the question before a use"),
        "post_update": Option("enforce", _MODES, about="the question at an update"),
        "run_from": Option("original", ("original", "snapshot"), about="use a skill where it lies, or from a verified copy"),
        "fail_install": Option("closed", ("closed", "open"), about="an install while the gate cannot answer"),
        "fail_execute": Option("ask", ("closed", "ask", "open"), about="a use while the gate cannot answer"),
    },
    "virustotal": {
        "host": Option("https://www.virustotal.com", about="scheme and authority of a VirusTotal v3 server"),
        "service": Option("auto", ("auto", "v3", "off"), about="v3 with your key, or off"),
        "lookups": Option(("bundle", "files", "indicators"), ("bundle", "files", "indicators"), about="what may be asked"),
        "upload": Option("ask", ("never", "ask", "always"), about="whether files may be uploaded"),
        "requests_per_minute": Option(4, low=1, high=100_000, about="your key's limit"),
        "requests_per_day": Option(500, low=1, high=100_000_000, about="your key's limit"),
        "timeout_s": Option(8.0, low=0.1, high=600, about="seconds one judgement may wait for VirusTotal"),
        "min_engines": Option(30, low=1, high=1000, about="completed engines below which a file is not reviewed"),
        "max_age_days": Option(30, low=1, high=3650, about="days a verification stays valid"),
    },
    "clawhub": {
        "url": Option("https://clawhub.ai", about="the registry whose records are believed"),
        "lookup": Option(True, about="ask ClawHub which archive VirusTotal knows"),
    },
    "network": {
        "proxy": Option("", about="http(s):// or socks5:// egress"),
        "require_proxy": Option(False, about="no direct connection, ever"),
        "blocklist": Option((), about="addresses that count as malicious"),
    },
    "policy": {
        "block_malicious_engines": Option(2, low=1, high=1000, about="engines that make a block"),
        "block_indicator_engines": Option(3, low=1, high=1000, about="engines that make an address a block"),
        "grace_days": Option(30, low=0, high=365, about="days an expired verification still counts while VirusTotal is away"),
        **{name: Option(DEFAULT_ROWS[row].label, _OUTCOMES, about=f"what `{row.value}` does") for name, row in TOGGLES.items()},
    },
    "daemon": {"idle_s": Option(900.0, low=1, high=10**7, about="seconds without a client after which the daemon ends")},
    "keys": {"backend": Option("auto", ("auto", "keyring", "systemd-credential", "file"), about="where keys are kept")},
    "plugins": {"allow": Option((), about="names of third-party plugins that may load")},
    "ui": {"language": Option("auto", ("auto", "en", "ja"), about="language of what people read at a prompt")},
}


_NOT_BUILT = (("network", "proxy"), ("network", "require_proxy"), ("network", "blocklist"))


class Setting(NamedTuple):
    """A value and where it came from; `place` is a file, a variable or a flag."""

    value: Any
    origin: Origin = "default"
    place: str = ""


class Config:
    """Every setting, checked. Look-ups are by table and key; `file` (the user's own) and `state_folder` are absolute paths."""

    __slots__ = ("file", "settings", "state_folder")

    def __init__(self, settings: Mapping[tuple[str, str], Setting], file: str, state_folder: str) -> None:
        self.settings = settings
        self.file = file
        self.state_folder = state_folder

    # `pathlib` is a tenth of what starting `verify` costs, so a hit works on text and never comes here.
    @property
    def path(self) -> "Path":
        """The user's configuration file, whether or not it exists."""
        return _path(self.file)

    @property
    def state_dir(self) -> "Path":
        """The folder of cache, keys' public halves and audit log."""
        return _path(self.state_folder)

    def __getitem__(self, name: tuple[str, str]) -> Any:
        return self.settings[name].value

    def policy(self) -> Policy:
        """Return the policy these settings describe."""
        outcomes = {outcome.label: outcome for outcome in Outcome}
        return Policy(
            rows=tuple((row, outcomes[self["policy", name]]) for name, row in TOGGLES.items()),
            block_malicious_engines=self["policy", "block_malicious_engines"],
            block_indicator_engines=self["policy", "block_indicator_engines"],
            min_engines=self["virustotal", "min_engines"],
            max_age_days=self["virustotal", "max_age_days"],
            grace_days=self["policy", "grace_days"],
            host=self["virustotal", "host"],
            service=self["virustotal", "service"],
            clawhub=self["clawhub", "url"],
        )


def load(environ: Mapping[str, str], *, flags: Mapping[str, Any] | None = None, use_environment: bool = True) -> Config:
    """Read every layer. `flags` maps "table.key" to values. `use_environment=False` is for programs that OpenClaw starts:

    they obey only OPENCLAW_VT_CONFIG and OPENCLAW_VT_STATE_DIR. Raises ConfigError, with a did-you-mean for unknown keys.
    """
    path = places.config_file(environ)
    settings = {(table, key): Setting(option.default) for table, keys in OPTIONS.items() for key, option in keys.items()}
    if sys.platform != "win32":
        settings |= _from_file(SYSTEM_FILE, "system")
    settings |= _from_file(path, "user")
    if use_environment:
        settings |= _from_environment(environ)
    for dotted, value in (flags or {}).items():
        table, _, key = dotted.partition(".")
        settings[table, key] = Setting(_checked(table, key, value, dotted), "flag", dotted)
    _refuse_what_is_not_built(settings)
    return Config(settings, path, places.state_folder(environ))


def _refuse_what_is_not_built(settings: Mapping[tuple[str, str], Setting]) -> None:
    """Refuse settings that promise protection this version does not give: a guard that is silently absent is worse than none."""
    for table, key in _NOT_BUILT:
        setting = settings[table, key]
        if setting.value != OPTIONS[table][key].default:
            raise ConfigError(
                f"{table}.{key} in {shown(setting.place)} asks for something this version cannot do.",
                why="It would go out directly, so nothing is done at all.",
                remedy="Take the setting out, or wait for a version that routes every request.",
            )


def config_path(environ: Mapping[str, str]) -> "Path":
    """Return the user's configuration file: OPENCLAW_VT_CONFIG, else the platform's place for it."""
    return _path(places.config_file(environ))


def state_dir(environ: Mapping[str, str]) -> "Path":
    """Return the folder of cache, keys' public halves and audit log: OPENCLAW_VT_STATE_DIR, else the platform's place."""
    return _path(places.state_folder(environ))


def data_dir(environ: Mapping[str, str]) -> "Path":
    """Return the folder of the launcher that OpenClaw starts."""
    return _path(places.data_folder(environ))


def _path(text: str) -> "Path":
    from pathlib import Path

    return Path(text)


def _from_file(path: str, origin: Origin) -> dict[tuple[str, str], Setting]:
    try:
        with open(path, "rb") as stream:
            raw = stream.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:  # ValueError: a path no system call takes
        why = getattr(error, "strerror", None) or "The path is malformed"
        raise ConfigError(f"The configuration {shown(path)} cannot be read.", why=f"{why}.") from None
    return {key: Setting(value, origin, path) for key, value in parse(raw, where=shown(path)).items()}


def parse(raw: bytes, *, where: str) -> dict[tuple[str, str], Any]:
    """Return the checked values of a TOML text. Raises ConfigError naming `where`, and nothing else."""
    if len(raw) > MAX_CONFIG_BYTES:
        raise ConfigError(f"The configuration {where} is too large.")
    if not raw.strip():
        return {}
    if any(line.count(b".") > MAX_DOTS for line in raw.split(b"\n")):
        # tomllib's memory grows with the square of the dots in a key: a few thousand lines of them end the process.
        raise ConfigError(f"A line of the configuration {where} is too long to read.", remedy="Write one value to a line.")
    import tomllib

    try:
        body = tomllib.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # TOML and UTF-8 errors are ValueErrors, and so are numbers without end
        raise ConfigError(f"The configuration {where} is not valid TOML.", why=f"{str(error)[:200]}.") from None
    values = {}
    for table, keys in body.items():
        if table not in OPTIONS:
            raise _unknown(table, tuple(OPTIONS), where)
        if not isinstance(keys, dict):
            raise ConfigError(f"{table} in {where} is a table, not a value.", remedy=f"Write [{table}] on a line of its own.")
        for key, value in keys.items():
            values[table, key] = _checked(table, key, value, where)
    return values


def _from_environment(environ: Mapping[str, str]) -> dict[tuple[str, str], Setting]:
    known = {f"{places.PREFIX}{table}_{key}".upper(): (table, key) for table, keys in OPTIONS.items() for key in keys}
    found = {}
    for name, text in environ.items():
        if not name.startswith(places.PREFIX) or name in places.OWN_VARIABLES:
            continue
        if name not in known:
            raise _unknown(name, tuple(known), "the environment")
        table, key = known[name]
        found[table, key] = Setting(_checked(table, key, _from_text(OPTIONS[table][key], text), name), "environment", name)
    hub = next((name for name in ("OPENCLAW_CLAWHUB_URL", "CLAWHUB_URL") if environ.get(name)), None)
    if hub and ("clawhub", "url") not in found:
        # OpenClaw itself would install from there; a registry it does not use is never believed.
        found["clawhub", "url"] = Setting(_checked("clawhub", "url", environ[hub], hub), "environment", hub)
    return found


def _from_text(option: Option, text: str) -> Any:
    """Turn an environment text into the option's type; what cannot be turned is left for the check to refuse."""
    if isinstance(option.default, bool):
        return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text)
    if isinstance(option.default, tuple):
        return [part.strip() for part in text.split(",") if part.strip()]
    if isinstance(option.default, int | float):
        try:
            return float(text) if "." in text or isinstance(option.default, float) else int(text)
        except ValueError:
            return text
    return text


def _checked(table: str, key: str, value: Any, where: str) -> Any:
    option = OPTIONS.get(table, {}).get(key)
    if option is None:
        everywhere = tuple(f"{t}.{k}" for t, keys in OPTIONS.items() for k in keys)
        # The right key in the wrong table is the commonest slip, and letter by letter it is far from what is meant.
        raise _unknown(f"{table}.{key}", tuple(n for n in everywhere if n.endswith(f".{key}")) or everywhere, where)
    name = f"{table}.{key}"
    if isinstance(option.default, bool):
        return _require(isinstance(value, bool), value, name, "true or false", where)
    if isinstance(option.default, tuple):
        good = isinstance(value, list | tuple) and all(
            isinstance(item, str) and (not option.choices or item in option.choices) for item in value
        )
        return tuple(_require(good, value, name, _wanted(option, "a list of words"), where))
    if isinstance(option.default, int | float):
        kinds = (int, float) if isinstance(option.default, float) else (int,)
        good = isinstance(value, kinds) and not isinstance(value, bool) and option.low <= value <= option.high
        return _require(good, value, name, f"a number from {option.low:g} to {option.high:g}", where)
    good = isinstance(value, str) and (not option.choices or value in option.choices)
    text = _require(good, value, name, _wanted(option, "a text"), where)
    return _checked_url(text, name, where) if name in ("virustotal.host", "clawhub.url") else text


def _wanted(option: Option, otherwise: str) -> str:
    return "one of " + ", ".join(option.choices) if option.choices else otherwise


def _require(good: bool, value: Any, name: str, wanted: str, where: str) -> Any:  # noqa: FBT001 - the verdict of the line above
    if not good:
        raise ConfigError(
            f"{name} in {where} has a value that does not fit.", why=f"It is {_brief(value)}.", remedy=f"Use {wanted}."
        )
    return value


def _brief(value: Any) -> str:
    """Name a refused value. Only short kinds are quoted: the repr of hostile nesting or of a giant number raises."""
    if isinstance(value, str):
        return f"{value[:60]!r}"
    if isinstance(value, bool | float) or (isinstance(value, int) and abs(value) < 10**18):
        return repr(value)
    return f"a {type(value).__name__} of another kind"


def _checked_url(text: str, name: str, where: str) -> str:
    """Allow https, and plain http only to this machine: the API key travels in a header.

    Returns scheme and authority alone. Python's URL parser drops line ends and keeps backslashes, so both are refused first.
    """
    from urllib.parse import urlsplit, urlunsplit

    plain = text.isascii() and text.isprintable() and not set(text) & set(" \\")
    try:
        parts = urlsplit(text)
        local = parts.hostname in ("127.0.0.1", "::1", "localhost")
        bare = not (parts.query or parts.fragment or parts.username or parts.password or parts.path.strip("/"))
        good = parts.scheme == "https" or (parts.scheme == "http" and local)
        good = good and plain and bool(parts.hostname) and bare and parts.port != 0
    except ValueError:
        good = False
    _require(good, text, name, "https://host, or http:// on 127.0.0.1 only", where)
    return urlunsplit((parts.scheme, parts.netloc, "", "", ""))


def _unknown(name: str, known: tuple[str, ...], where: str) -> ConfigError:
    import difflib

    near = known if len(known) == 1 else difflib.get_close_matches(name[:80], known, n=1)
    return ConfigError(
        f"{shown(name, limit=80)} in {where} is no setting of openclaw-vt.",
        remedy=f"Did you mean {near[0]}?" if near else "`openclaw-vt config show` lists every setting.",
    )
