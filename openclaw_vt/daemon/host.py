"""The OpenClaw that a client belongs to: its configuration, its skills, and which folders are worth watching."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import folders
from openclaw_vt.openclaw.command import find_openclaw
from openclaw_vt.openclaw.installed import find_package, installed_paths


@dataclass(frozen=True, slots=True)
class Host:
    """One OpenClaw. `roots` are the places it loads skills from; `package` is its npm package, where that was found."""

    state: Path
    config: Path
    roots: tuple[folders.SkillRoot, ...]
    package: Path | None = None

    def skills(self) -> tuple[str, ...]:
        """Return the real path of every installed skill, the ones that win over others first."""
        return installed_paths(self.roots)

    def brings(self, path: str) -> bool:
        """Whether a skill's real path lies in what OpenClaw itself brings along."""
        own = (os.path.realpath(root.path) for root in self.roots if root.kind == "bundled")
        return any(path.startswith(folder + os.sep) for folder in own)

    def watched(self) -> tuple[str, ...]:
        """Return the folders to watch: those that exist, without OpenClaw's own package, which changes only with OpenClaw."""
        return tuple(str(root.path) for root in self.roots if root.kind not in ("bundled", "plugin") and root.path.is_dir())


def located(environ: Mapping[str, str], config: str | None, state: str | None) -> Host:
    """Return the OpenClaw that `environ` describes, or the one whose configuration or state folder a client names.

    Raises ConfigError for a configuration that cannot be read, ValueError for a name that is no absolute path.
    """
    seen = dict(environ)
    for variable, named in (("OPENCLAW_CONFIG_PATH", config), ("OPENCLAW_STATE_DIR", state)):
        if named is not None:
            if not os.path.isabs(named) or "\0" in named:
                raise ValueError("the configuration is named by an absolute path")
            seen[variable] = named
    try:
        home = Path(seen.get("HOME") or Path.home())
    except RuntimeError:
        raise ConfigError("There is no home folder, so OpenClaw cannot be found.", remedy="Set HOME.") from None
    place, file = folders.state_dir(seen, home), folders.config_path(seen, home)
    program = find_openclaw(seen)
    package = find_package(Path(program)) if program else None
    roots = folders.skill_roots(place, folders.read_config(file, env=seen), home=home, env=seen, package=package)
    return Host(place, file, roots, package)
