"""Day one: settings written down, keys made, OpenClaw wired, and the skills that are already there looked at once.

What is in force at setup goes into the configuration file, because OpenClaw starts its policy with an empty environment.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import Config, data_dir, load
from openclaw_vt.errors import ConfigError, GateError
from openclaw_vt.ledger import acceptance
from openclaw_vt.model.decision import Decision, Phase, Request
from openclaw_vt.model.verdict import AnalysisVerdict
from openclaw_vt.openclaw import folders
from openclaw_vt.openclaw.command import find_openclaw
from openclaw_vt.openclaw.files import OnDisk, make_private_folder, replace
from openclaw_vt.openclaw.installed import Inventory, find_package, installed_skills
from openclaw_vt.openclaw.launcher import check_launcher, write_launcher
from openclaw_vt.openclaw.wiring import Change, install_policy_block, unwire, wire

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
        home = Path(self.environ.get("HOME") or Path.home())
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
    """Return the OpenClaw to set up: the one that `environ` describes, or the one whose state lies in `state_dir`."""
    seen = dict(environ)
    if state_dir is not None:
        seen["OPENCLAW_STATE_DIR"] = str(Path(state_dir).absolute())
        seen.pop("OPENCLAW_CONFIG_PATH", None)
    home = Path(seen.get("HOME") or Path.home())
    program = find_openclaw(seen)
    package = find_package(Path(program)) if program else None
    return Host(folders.state_dir(seen, home), folders.config_path(seen, home), package, seen)


def write_config(config: Config, extra: Mapping[tuple[str, str], Any]) -> bool:
    """Write what the environment and `extra` set into the user's file, comments kept. Returns whether it changed.

    Raises ConfigError when the file cannot be written.
    """
    import tomlkit

    wanted = {name: setting.value for name, setting in config.settings.items() if setting.origin == "environment"} | dict(extra)
    before = config.path.read_text(encoding="utf-8") if config.path.exists() else ""
    document = tomlkit.parse(before)
    for (table, key), value in wanted.items():
        if table not in document:
            document[table] = tomlkit.table()
        plain = list(value) if isinstance(value, tuple) else value
        if document[table].get(key) != plain:
            document[table][key] = plain
    after = tomlkit.dumps(document)
    if after == before and config.path.exists():
        return False
    try:
        make_private_folder(config.path.parent)
        replace(config.path, OnDisk(after.encode()))
    except OSError as error:
        raise ConfigError(f"{config.path} could not be written.", why=error.strerror or type(error).__name__) from None
    return True


def reload(config: Config, environ: Mapping[str, str]) -> Config:
    """Return the settings as OpenClaw's policy process will see them: from files alone."""
    return load(
        {**environ, "OPENCLAW_VT_CONFIG": str(config.path), "OPENCLAW_VT_STATE_DIR": str(config.state_dir)}, use_environment=False
    )


def wire_openclaw(config: Config, host: Host) -> tuple[Change, list[str]]:
    """Write the launcher and the install policy. Returns the change, and what OpenClaw would refuse the launcher for."""
    launcher = write_launcher(
        data_dir(host.environ), python=Path(sys.executable), config_path=config.path, state_dir=config.state_dir
    )
    problems = check_launcher(launcher)
    if problems:
        return Change(host.config, changed=False), problems
    block = install_policy_block(launcher, pass_env=PASS_ENV)
    return wire(host.config, block, backup=backup_dir(config)), []


def unwire_openclaw(config: Config, host: Host) -> Change:
    """Take our entries out of OpenClaw's configuration again, and remove the launcher."""
    from openclaw_vt.openclaw.launcher import launcher_path

    change = unwire(host.config, backup=backup_dir(config))
    launcher_path(data_dir(host.environ)).unlink(missing_ok=True)
    return change


def backup_dir(config: Config) -> Path:
    """Where the configuration of OpenClaw is kept as it was."""
    return config.state_dir / "openclaw"


def survey(assembly: Assembly, inventory: Inventory) -> tuple[Found, ...]:
    """Judge every skill that is there by local analysis alone: at once, and without spending anybody's quota."""
    gate = assembly.gate()
    return tuple(
        Found(gate.check(Request(Phase.SCAN, item.ref.path, origin=item.ref.origin, offline=True)), item.root.kind == "bundled")
        for item in inventory.skills
    )


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
