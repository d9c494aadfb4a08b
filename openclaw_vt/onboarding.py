"""Day one: settings written down, keys made, OpenClaw wired, and the skills that are already there looked at once.

What is in force at setup goes into the configuration file, because OpenClaw starts its policy with an empty environment.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import Config, data_dir, load, parse
from openclaw_vt.errors import ConfigError, GateError, KeyStoreError
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Badge, Decision, Phase, Request
from openclaw_vt.model.verdict import AnalysisVerdict
from openclaw_vt.openclaw import folders
from openclaw_vt.openclaw.command import find_openclaw
from openclaw_vt.openclaw.files import PRIVATE_FOLDER, OnDisk, make_private_folder, replace
from openclaw_vt.openclaw.installed import Inventory, find_package, installed_skills
from openclaw_vt.openclaw.launcher import check_launcher, launcher_path, ourselves, write_launcher
from openclaw_vt.openclaw.plugin_files import plugin_edits, plugin_traces, refusals
from openclaw_vt.openclaw.wiring import Change, clear, install_policy_block, is_wired, unwire, wire
from openclaw_vt.store import keys
from openclaw_vt.store.keys.interface import KeyStore

LOCK = "setup.lock"
COPIES = "copies"
PATIENCE_S = 30.0
# What OpenClaw hands to the launcher: enough to reach the keyring and our own files, and no secret.
PASS_ENV = (
    "HOME",
    "PATH",
    "LANG",
    "LC_ALL",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "CREDENTIALS_DIRECTORY",
    "OPENCLAW_STATE_DIR",
    "OPENCLAW_CONFIG_PATH",
    "OPENCLAW_HOME",
    "OPENCLAW_WORKSPACE_DIR",
    "OPENCLAW_PROFILE",
    "OPENCLAW_SHELL",
    "USERPROFILE",
    "LOCALAPPDATA",
    "SystemRoot",
)


@dataclass(frozen=True, slots=True)
class Host:
    """The OpenClaw that is set up: its state folder, its configuration file, and its npm package where that was found."""

    state: Path
    config: Path
    package: Path | None
    environ: Mapping[str, str]

    def skills(self) -> Inventory:
        """Return the skills this OpenClaw would load. Raises ConfigError for an unreadable configuration."""
        home = _home(self.environ)
        config = folders.read_config(self.config, env=self.environ)
        roots = folders.skill_roots(self.state, config, home=home, env=self.environ, package=self.package)
        return installed_skills(roots)


@dataclass(frozen=True, slots=True)
class Found:
    """A skill that was there before the gate. `bundled` ones are part of OpenClaw's own package."""

    decision: Decision
    bundled: bool

    @property
    def unsuspicious(self) -> bool:
        """Whether it may join the baseline without a person looking: read as a whole, and nothing found."""
        verdict = self.decision.verdict
        return verdict is not None and verdict.coverage.complete and verdict.analysis.verdict is AnalysisVerdict.CLEAN


def locate(environ: Mapping[str, str], state_dir: str | None) -> Host:
    """Return the OpenClaw to set up: the one that `environ` describes, or the one whose state lies in `state_dir`.

    Raises ConfigError where there is no home to look in.
    """
    seen = dict(environ)
    if state_dir is not None:
        seen["OPENCLAW_STATE_DIR"] = str(Path(state_dir).absolute())
        seen.pop("OPENCLAW_CONFIG_PATH", None)
    home = _home(seen)
    program = find_openclaw(seen)
    package = find_package(Path(program)) if program else None
    return Host(folders.state_dir(seen, home), folders.config_path(seen, home), package, seen)


def _home(environ: Mapping[str, str]) -> Path:
    try:
        return Path(environ.get("HOME") or Path.home())
    except RuntimeError:  # a user id without an entry in the user database, as in some containers
        raise ConfigError("There is no home folder, so OpenClaw cannot be found.", remedy="Set HOME.") from None


@contextlib.contextmanager
def alone(config: Config) -> Iterator[None]:
    """Let no other setup of the same state folder run at the same time. Raises ConfigError when it cannot be had."""
    from openclaw_vt.errors import CacheError
    from openclaw_vt.store import files

    try:
        files.make_folder(config.state_dir)
    except OSError as error:
        raise ConfigError(f"{config.state_dir} could not be made.", why=error.strerror or type(error).__name__) from None
    with contextlib.ExitStack() as held:
        try:
            held.enter_context(files.locked(config.state_dir / LOCK, wait_s=PATIENCE_S))
        except CacheError as error:
            raise ConfigError("Another setup is running.", why=f"{error.what} {error.why}", remedy=error.remedy) from None
        yield


def write_config(config: Config, extra: Mapping[tuple[str, str], Any]) -> bool:
    """Write what the environment and `extra` set into the user's file, comments kept. Returns whether it changed.

    A link is followed, as people keep their settings elsewhere. Raises ConfigError when the file cannot be written.
    """
    wanted = {name: setting.value for name, setting in config.settings.items() if setting.origin == "environment"} | dict(extra)
    path = Path(os.path.realpath(config.path))
    try:
        before = path.read_bytes() if path.exists() else None
        after = _edited(before or b"", wanted, config.path)
        if after == before:
            return False
        make_private_folder(path.parent)
        replace(path, OnDisk(after))
    except OSError as error:
        raise ConfigError(f"{config.path} could not be written.", why=error.strerror or type(error).__name__) from None
    return True


def _edited(before: bytes, wanted: Mapping[tuple[str, str], Any], path: Path) -> bytes:
    """Return the settings with the wanted values. Raises ConfigError if that would change or lose any other."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(before.decode("utf-8-sig"))
        for (table, key), value in wanted.items():
            if table not in document:
                document[table] = tomlkit.table()
            plain = list(value) if isinstance(value, tuple) else value
            if document[table].get(key) != plain:
                document[table][key] = plain
        after = tomlkit.dumps(document).encode()
        # A file can be spelled in ways that an editor of TOML gets wrong; what comes out is read again before it counts.
        good = parse(after, where=str(path)) == parse(before, where=str(path)) | dict(wanted)
    except (TOMLKitError, UnicodeError, TypeError, ConfigError):
        good = False
    if not good:
        names = ", ".join(f"{table}.{key}" for table, key in wanted)
        raise ConfigError(
            f"{path} is left as it is.", why="It could not be edited safely.", remedy=f"Set there yourself: {names}."
        )
    return after


def reload(config: Config, environ: Mapping[str, str]) -> Config:
    """Return the settings as OpenClaw's policy process will see them: from files alone."""
    return load(
        {**environ, "OPENCLAW_VT_CONFIG": str(config.path), "OPENCLAW_VT_STATE_DIR": str(config.state_dir)}, use_environment=False
    )


def wire_openclaw(config: Config, host: Host) -> tuple[Change, list[str]]:
    """Write the launcher, the install policy and the plugin's entries.

    Returns the change, and what OpenClaw would refuse the launcher or the plugin for.
    """
    launcher = write_launcher(
        data_dir(host.environ), python=Path(sys.executable), config_path=config.path, state_dir=config.state_dir
    )
    problems = [*check_launcher(launcher), *refusals()]
    if problems:
        return Change(host.config, changed=False), problems
    return _wire(config, host, launcher), []


def _wire(config: Config, host: Host, launcher: Path) -> Change:
    known = folders.read_config(host.config, env=host.environ)
    also = plugin_edits(known, launcher=launcher, state_dir=config.state_dir)
    return wire(host.config, install_policy_block(launcher, pass_env=PASS_ENV), backup=backup_dir(config), also=also)


def unwire_openclaw(config: Config, host: Host) -> Change:
    """Take our entries out of OpenClaw's configuration again, and remove the launcher.

    The launcher stays while OpenClaw still asks it: without it every install would fail. Raises ConfigError then.
    """
    launcher = launcher_path(data_dir(host.environ))
    change = unwire(host.config, backup=backup_dir(config))
    if _still_asks(host, launcher):
        # The record of what setup wrote is lost. Writing it anew finds our entry, and then it can be undone.
        clear(host.config, plugin_traces())
        wire(host.config, install_policy_block(launcher, pass_env=PASS_ENV), backup=backup_dir(config))
        change = unwire(host.config, backup=backup_dir(config))
    if _still_asks(host, launcher):
        raise ConfigError(
            f"{host.config} still asks the gate.",
            why="The entry is not one that can be taken out safely.",
            remedy="Take `security.installPolicy` out of it, and run this again.",
        )
    launcher.unlink(missing_ok=True)
    for folder in (launcher.parent, launcher.parent.parent):
        _remove_if_empty(folder)
    return change


def _still_asks(host: Host, launcher: Path) -> bool:
    return is_wired(folders.read_config(host.config, env=host.environ), launcher)


def backup_dir(config: Config) -> Path:
    """Where the configuration of OpenClaw is kept as it was."""
    return config.state_dir / "openclaw"


def purge(config: Config, store: KeyStore) -> list[Path]:
    """Delete our keys, cache, log and settings, and nothing else that lies beside them. Returns what could not be deleted.

    The state folder may be anybody's choice, so it is not removed as a whole: only names that we give go. Raises KeyStoreError
    when the key store does not let go of the keys; the files are gone then all the same.
    """
    refused: KeyStoreError | None = None
    try:
        _forget_keys(store)
    except KeyStoreError as error:
        refused = error
    state = config.state_dir
    for folder, names in ((state / "keys", _OUR_KEYS), (state, _OUR_FILES)):
        _unlink_named(folder, names)
    for folder in _matching(backup_dir(config), _BACKUP):
        _unlink_named(folder, _OUR_BACKUPS)
        _remove_if_empty(folder)
    for name in (COPIES, "run"):
        _remove_tree(state / name)
    for folder in (state / "keys", backup_dir(config), state):
        _remove_if_empty(folder)
    with contextlib.suppress(OSError):
        config.path.unlink(missing_ok=True)
    _remove_if_empty(config.path.parent)
    if refused is not None:
        raise refused
    return [path for path in (state, config.path) if os.path.lexists(path)]


# The names that the key stores, the cache, the audit log and the wiring give to their files, whole or interrupted.
_OUR_KEYS = re.compile(r"(virustotal-api-key|signing-key|cache-head(\.[a-z0-9-]+)*)(\.[0-9]+-[0-9a-f]{8}\.new)?")
_OUR_FILES = re.compile(
    r"cache\.(db|lock)([-.].*)?|head\.json(\..*)?|signing\.(pub|lock)(\..*)?|hints\.db(-.*)?|setup\.lock"
    r"|daemon\.(json|lock|log)([-.].*)?|roster(\..*)?|bundled\.json(\..*)?"
    r"|audit(-[0-9]{12}(-[0-9]+)?)?\.(jsonl|lock)(\.torn-[0-9]+)?(\..*)?"
)
_BACKUP = re.compile(r"[0-9a-f]{16}")
_OUR_BACKUPS = re.compile(r"\.?(wiring\.json|own-skill\.json|openclaw\.json\.before)(\..*\.new)?")


def _forget_keys(store: KeyStore) -> None:
    from openclaw_vt.store import keys

    if not store.writable:
        return
    vault = keys.open_head_vault(store)
    if vault is not None:
        vault.delete()
    for name in (keys.VIRUSTOTAL_KEY, keys.SIGNING_KEY):
        store.delete(name)


def _matching(folder: Path, names: re.Pattern[str]) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if names.fullmatch(path.name)]
    except OSError:
        return []


def _unlink_named(folder: Path, names: re.Pattern[str]) -> None:
    for path in _matching(folder, names):
        with contextlib.suppress(OSError):
            path.unlink()


def _remove_tree(folder: Path) -> None:
    """Remove a folder that only we write to, read-only copies included."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for place, _, _ in os.walk(folder):
        with contextlib.suppress(OSError):
            Path(place).chmod(PRIVATE_FOLDER)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_if_empty(folder: Path) -> None:
    with contextlib.suppress(OSError):
        folder.rmdir()


def survey(assembly: Assembly, inventory: Inventory, *, own: Path) -> tuple[Found, ...]:
    """Judge every skill that is there by local analysis alone: at once, and without spending anybody's quota.

    `own` is where ours lies: it is part of what setup installs, and nobody is asked about it.
    """
    gate, ours = assembly.gate(), os.path.realpath(own)
    return tuple(
        Found(gate.check(Request(Phase.SCAN, item.ref.path, origin=item.ref.origin, offline=True)), item.root.kind == "bundled")
        for item in inventory.skills
        if item.ref.path != ours
    )


def vouch(assembly: Assembly, own: Path) -> None:
    """Sign our own skill as part of the baseline, as far as local analysis agrees. Raises GateError where nothing is signed."""
    found = Found(assembly.gate().check(Request(Phase.SCAN, os.path.realpath(own), offline=True)), bundled=False)
    if found.unsuspicious:
        keep_baseline(assembly, (found,), by="setup")


def keep_baseline(assembly: Assembly, found: tuple[Found, ...], *, by: str) -> int:
    """Sign the given skills as the baseline; returns how many were new. Raises GateError where nothing can be signed."""
    ledger, kept = assembly.ledger(), 0
    for item in found:
        subject = item.decision.subject
        if subject is None:
            raise GateError("A skill that could not be read cannot join the baseline.")
        if ledger.recognise(subject, assembly.policy, now=assembly.clock()).acceptance is None:
            ledger.state(acceptance(subject, basis="bundled" if item.bundled else "baseline", by=by, now=assembly.clock()))
            assembly.audit().append("baseline", {"skill": subject.ref.name, "tree": subject.tree, "by": by})
            kept += 1
    return kept


# Not waited for, on purpose: forty skills at four requests a minute take long. Python wants to hear that they are known.
_STARTED: list[subprocess.Popen[bytes]] = []


def review_later(assembly: Assembly, found: tuple[Found, ...]) -> int:
    """Have VirusTotal asked about the person's own skills, in a process of its own that waits for the quota.

    Returns how many skills that are; 0 says that nothing was started. Skills that came with OpenClaw are not asked about:
    VirusTotal has seldom seen them, and they would cost a free key most of an hour. What turns out bad is revoked as in any
    scan, and the audit log tells. Raises KeyStoreError when the key store does not answer.
    """
    paths = [item.decision.request.path for item in found if not item.bundled and item.decision.badge is not Badge.VERIFIED]
    stored = keys.virustotal_key(assembly.key_store(), {})
    if not paths or stored is None or assembly.config["virustotal", "service"] == "off":
        return 0
    config = assembly.config
    environ = keys.child_environment(os.environ) | {
        "OPENCLAW_VT_CONFIG": str(config.path),
        "OPENCLAW_VT_STATE_DIR": str(config.state_dir),
    }
    program = ourselves("scan", "--wait", "--json", *paths)
    nowhere = subprocess.DEVNULL
    try:
        _STARTED.append(
            subprocess.Popen(  # noqa: S603 - ourselves
                program, stdin=nowhere, stdout=nowhere, stderr=nowhere, env=environ, cwd=config.state_dir, start_new_session=True
            )
        )
    except OSError:  # thousands of long paths are more than some systems hand to a program
        return 0
    return len(paths)
