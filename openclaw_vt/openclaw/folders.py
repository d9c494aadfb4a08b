"""Where OpenClaw keeps its things: state folder, configuration, and every place that it loads skills from.

The rules are those of OpenClaw 2026.9.6. Only files are read; OpenClaw itself is never started.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import json5
from openclaw_vt.openclaw.files import read_bounded

CONFIG_NAME = "openclaw.json"
DEFAULT_AGENT = "main"
MAX_INCLUDE_DEPTH = 10
MAX_ROOTS = 256
RootKind = Literal["workspace", "project", "personal", "managed", "workshop", "extra", "plugin", "bundled"]

_VARIABLE = re.compile(r"\$(\$?)\{([A-Z_][A-Z0-9_]*)\}")
_AGENT_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class SkillRoot:
    """A folder that OpenClaw looks for skills in. It need not exist."""

    kind: RootKind
    path: Path


def home_dir(env: Mapping[str, str], home: Path) -> Path:
    """Return the home that OpenClaw uses: `OPENCLAW_HOME`, else `home`."""
    named = env.get("OPENCLAW_HOME", "").strip()
    return _user_path(named, home) if named not in {"", "undefined", "null"} else home


def state_dir(env: Mapping[str, str], home: Path) -> Path:
    """Return OpenClaw's state folder: `OPENCLAW_STATE_DIR`, else `.openclaw` at home (or `.clawdbot`, where only that exists)."""
    home = home_dir(env, home)
    named = env.get("OPENCLAW_STATE_DIR", "").strip()
    if named:
        return _user_path(named, home)
    current, legacy = home / ".openclaw", home / ".clawdbot"
    return legacy if legacy.exists() and not current.exists() else current


def config_path(env: Mapping[str, str], home: Path, *, state: Path | None = None) -> Path:
    """Return the configuration file: `OPENCLAW_CONFIG_PATH`, else `openclaw.json` in the state folder.

    A `clawdbot.json` from before the renaming counts where there is no other.
    """
    named = env.get("OPENCLAW_CONFIG_PATH", "").strip()
    if named:
        return _user_path(named, home_dir(env, home))
    state = state or state_dir(env, home)
    current, legacy = state / CONFIG_NAME, state / "clawdbot.json"
    return legacy if legacy.exists() and not current.exists() else current


def read_config(path: Path, *, env: Mapping[str, str]) -> dict[str, Any]:
    """Return the configuration with its `$include` files merged and its `${VARIABLES}` put in; empty when there is none.

    Includes stay inside the configuration's folder, as OpenClaw wants it by default. Raises ConfigError.
    """
    try:
        value = _load(path, path.parent.resolve(), (path,))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} cannot be read.",
            why=str(getattr(error, "strerror", None) or error),
            remedy="`openclaw config validate` says what is wrong with it.",
        ) from None
    if not isinstance(value, dict):
        raise ConfigError(f"{path} is no OpenClaw configuration.", why="It holds no object.")
    filled: dict[str, Any] = _filled(value, env)
    return filled


def _load(path: Path, folder: Path, chain: tuple[Path, ...]) -> Any:
    raw = read_bounded(path)
    if raw is None:
        if len(chain) > 1:
            raise ValueError(f"{path.name} is included and missing")
        return {}
    return _included(json5.loads(raw.decode("utf-8")), path, folder, chain)


def _included(value: Any, path: Path, folder: Path, chain: tuple[Path, ...]) -> Any:
    if isinstance(value, list):
        return [_included(item, path, folder, chain) for item in value]
    if not isinstance(value, dict):
        return value
    own = {key: _included(item, path, folder, chain) for key, item in value.items() if key != "$include"}
    named = value.get("$include", [])
    merged: Any = {}
    for name in named if isinstance(named, list) else [named]:
        merged = _merged(merged, _follow(name, path, folder, chain))
    return _merged(merged, own)


def _follow(name: Any, path: Path, folder: Path, chain: tuple[Path, ...]) -> Any:
    if not isinstance(name, str) or "\0" in name:
        raise ValueError("$include names no file")
    target = (path.parent / name).resolve()
    if not target.is_relative_to(folder):
        raise ValueError(f"$include leaves the configuration's folder: {name}")
    if target in chain or len(chain) > MAX_INCLUDE_DEPTH:
        raise ValueError(f"$include goes round in circles or too deep: {name}")
    return _load(target, folder, (*chain, target))


def _merged(below: Any, above: Any) -> Any:
    """OpenClaw's merge: objects key by key, lists end to end, else the later value."""
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {key: _merged(below[key], item) if key in below else item for key, item in above.items()}
    if isinstance(below, list) and isinstance(above, list):
        return below + above
    return above


def _filled(value: Any, env: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, env) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, env) for item in value]
    if isinstance(value, str) and "$" in value:
        # A doubled dollar is an escape; a variable that is not set stays as it is written.
        return _VARIABLE.sub(lambda m: m.group()[1:] if m.group(1) else env.get(m.group(2)) or m.group(), value)
    return value


def skill_roots(
    state: Path,
    config: Mapping[str, Any],
    *,
    home: Path,
    env: Mapping[str, str] | None = None,
    package: Path | None = None,
) -> tuple[SkillRoot, ...]:
    """Return every folder that skills are loaded from, the ones that win over others first, none twice.

    Where OpenClaw's choice of a workspace hangs on how it was started, each folder that it could choose is named. `package`
    is the OpenClaw npm package (`find_package`), whose own skills come last. At most 256 roots are returned.
    """
    env = env or {}
    home = home_dir(env, home)
    found: dict[Path, SkillRoot] = {}
    for root in _roots(state, config, home, env, package):
        path = Path(os.path.normpath(root.path))
        if len(found) < MAX_ROOTS:
            found.setdefault(path, SkillRoot(root.kind, path))
    return tuple(found.values())


def _roots(
    state: Path, config: Mapping[str, Any], home: Path, env: Mapping[str, str], package: Path | None
) -> Iterator[SkillRoot]:
    agents = _agents(config)
    for workspace in _workspaces(state, config, agents, home, env):
        yield SkillRoot("workspace", workspace / "skills")
        yield SkillRoot("project", workspace / ".agents" / "skills")
    yield SkillRoot("personal", home / ".agents" / "skills")
    yield SkillRoot("managed", state / "skills")
    for name, agent in agents.items():
        folder = _text(agent.get("agentDir"))
        base = _user_path(folder, home) if folder else state / "agents" / name / "agent"
        yield SkillRoot("workshop", base / "workshop-skills")
    for extra in _texts(config, "skills", "load", "extraDirs"):
        yield SkillRoot("extra", _user_path(extra, home))
    yield SkillRoot("plugin", state / "extensions")
    yield SkillRoot("plugin", state / "plugin-skills")
    for plugin in _texts(config, "plugins", "load", "paths"):
        yield SkillRoot("plugin", _user_path(plugin, home))
    if package is not None:
        yield SkillRoot("bundled", package / "skills")
        yield SkillRoot("bundled", package / "custodian-skills")
        yield SkillRoot("bundled", package / "dist" / "extensions")


def _workspaces(
    state: Path, config: Mapping[str, Any], agents: Mapping[str, Mapping[str, Any]], home: Path, env: Mapping[str, str]
) -> Iterator[Path]:
    defaults = _object(_object(config.get("agents")).get("defaults"))
    shared = _text(defaults.get("workspace"))
    named = env.get("OPENCLAW_WORKSPACE_DIR", "").strip()
    for name, agent in agents.items():
        own = _text(agent.get("workspace"))
        if own:
            yield _user_path(own, home)
        elif shared:
            yield _user_path(shared, home)
            yield _user_path(shared, home) / name
        else:
            yield Path(named) if named else state / "workspace"
            yield state / f"workspace-{name}"
        # An agent may work in a folder of its own, whose skills count for that session.
        working = _text(agent.get("cwd")) or _text(defaults.get("cwd"))
        if working:
            yield _user_path(working, home)
    profile = env.get("OPENCLAW_PROFILE", "").strip()
    if profile and profile.lower() != "default":
        yield home / f".openclaw-{profile}" / "workspace"


def _agents(config: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Agents by id, from either layout; `main` alone when none are named."""
    agents = _object(config.get("agents"))
    entries = agents.get("entries")
    if isinstance(entries, dict):
        return {_agent_id(name): _object(agent) for name, agent in entries.items()}
    listed = agents.get("list")
    named = [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []
    return {_agent_id(item.get("id")): item for item in named} or {DEFAULT_AGENT: {}}


def _agent_id(name: Any) -> str:
    """OpenClaw's own normal form, which is also what makes an id fit to be a folder's name."""
    plain = name.strip().lower() if isinstance(name, str) else ""
    if _AGENT_ID.fullmatch(plain):
        return plain
    return re.sub(r"[^a-z0-9_-]+", "-", plain).strip("-")[:64] or DEFAULT_AGENT


def _user_path(text: str, home: Path) -> Path:
    """An absolute path: `~` is home; a relative one depends on where OpenClaw was started and is taken from home too."""
    text = text.strip().replace("\0", "")
    if text == "~" or text.startswith(("~/", "~\\")):
        return Path(os.path.normpath(home / text[2:]))
    return Path(os.path.normpath(home / text))


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _texts(config: Mapping[str, Any], *path: str) -> list[str]:
    value: Any = config
    for key in path:
        value = _object(value).get(key)
    return [text for item in value if (text := _text(item))] if isinstance(value, list) else []
