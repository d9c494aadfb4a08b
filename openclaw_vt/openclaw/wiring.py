"""Our entries in `openclaw.json`: made by minimal edits, written down, and taken out again without a trace.

Beside our own state lie the file as it was and a record of what was done. When nothing else changed since, undoing puts
those bytes back; otherwise only our own keys go, and what they replaced returns in its old spelling.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.errors import ConfigError
from openclaw_vt.openclaw import record as records
from openclaw_vt.openclaw import splice
from openclaw_vt.openclaw.files import MAX_CONFIG_BYTES, OnDisk, make_private_folder, read_editable, replace
from openclaw_vt.openclaw.folders import config_path, read_config
from openclaw_vt.openclaw.launcher import check_launcher, launcher_path
from openclaw_vt.openclaw.record import Done, Edit, Record
from openclaw_vt.openclaw.splice import KeyPath

INSTALL_POLICY: KeyPath = ("security", "installPolicy")
_VARIABLE = re.compile(r"\$(?=\{[A-Z_][A-Z0-9_]*\})")


@dataclass(frozen=True, slots=True)
class Change:
    """What wiring or unwiring did. `replaced` names keys whose value we replaced, `left` keys that are no longer ours."""

    config: Path
    changed: bool
    created: bool = False
    replaced: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


def install_policy_block(launcher: Path, *, pass_env: Sequence[str], timeout_ms: int = 60_000) -> dict[str, Any]:
    """Return the value of `security.installPolicy` that asks `launcher` before every install and update.

    OpenClaw starts it with no environment but `pass_env`. Without `targets` plugins are asked about too.
    """
    return {
        "enabled": True,
        "exec": {
            "source": "exec",
            # OpenClaw puts variables into every text of its configuration; a doubled dollar keeps it from that.
            "command": _VARIABLE.sub("$$", str(launcher)),
            "args": [],
            "timeoutMs": timeout_ms,
            "noOutputTimeoutMs": timeout_ms,
            "passEnv": list(pass_env),
        },
    }


def is_wired(config: Mapping[str, Any], launcher: Path) -> bool:
    """Whether OpenClaw, with this configuration (as `read_config` returns it), asks `launcher` about every skill."""
    policy = _at(config, INSTALL_POLICY)
    command = _at(policy, ("exec",))
    targets = policy.get("targets") or ["skill"]
    return policy.get("enabled") is True and command.get("command") == str(launcher) and "skill" in targets


def is_wired_now(environ: Mapping[str, str], data_dir: Path) -> bool:
    """Whether OpenClaw, as `environ` would start it, asks our launcher in `data_dir` and would accept it.

    Raises ConfigError for a configuration that cannot be read.
    """
    launcher = launcher_path(data_dir)
    home = Path(environ.get("HOME") or Path.home())
    return not check_launcher(launcher) and is_wired(read_config(config_path(environ, home), env=environ), launcher)


def _at(value: Any, path: Sequence[str]) -> Mapping[str, Any]:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def wire(config: Path, block: Mapping[str, Any], *, backup: Path, also: Sequence[Edit] = ()) -> Change:
    """Put `block` at `security.installPolicy`, and the further entries, into `openclaw.json`, which is made if need be.

    `backup` is a private folder of our own; each configuration file has a record there. Doing it twice changes nothing;
    doing it with another block replaces the first. Raises ConfigError when the file cannot be edited safely.
    """
    folder, edits = _folder(backup, config), (Edit(INSTALL_POLICY, dict(block)), *also)
    found, record = read_editable(config), records.read(folder)
    text = _text(config, found)
    with _explained(config):
        if record is not None and found is not None and all(_in_place(text, edit) for edit in edits):
            return Change(config, changed=False)
    before = _before(config, text, record, folder, edits[0])
    created = record.created if record is not None and found is not None else found is None
    with _explained(config):
        after, done = _applied(before, edits)
        digest = _sha256(after)  # a path that is no Unicode ends here, before anything is written
    change = Change(config, after != text, created, tuple(".".join(d.edit.path) for d in done if d.previous is not None))
    if record is None or change.changed:
        records.write(folder, before, Record(created, digest, done))
    if change.changed:
        _write(config, found, after)
    return change


def unwire(config: Path, *, backup: Path) -> Change:
    """Undo `wire`: the file as it was, byte for byte, or, when it changed since, without our entries.

    Raises ConfigError when the file cannot be edited safely; nothing is forgotten then. Raises OSError when a file that we
    made cannot be removed.
    """
    folder = _folder(backup, config)
    record, found = records.read(folder), read_editable(config)
    if record is None or found is None:
        records.forget(folder)
        return Change(config, changed=False)
    text = _text(config, found)
    before, left = _undone(config, text, record, folder)
    if record.created and before.strip() in {"", "{}", "{\n}"}:
        config.unlink(missing_ok=True)
    elif before != text:
        _write(config, found, before)
    records.forget(folder)
    return Change(config, before != text, left=left)


def clear(config: Path, edits: Sequence[Edit]) -> bool:
    """Take entries out whoever wrote them, and objects and lists that are empty then; for when the record of them is lost.

    Returns whether anything was there. Raises ConfigError when the file cannot be edited safely.
    """
    found = read_editable(config)
    before = text = _text(config, found)
    with _explained(config):
        for edit in edits:
            there = splice.look(text, edit.path)
            if there is None or (edit.in_list and edit.value not in there.value):
                continue
            text = splice.drop_item(text, edit.path, edit.value) if edit.in_list else splice.drop(text, edit.path)
            for length in range(len(edit.path), 0, -1):
                left = splice.look(text, edit.path[:length])
                if left is not None and left.value in ({}, []):
                    text = splice.drop(text, edit.path[:length])
    if text != before:
        _write(config, found, text)
    return text != before


def _in_place(text: str, edit: Edit) -> bool:
    found = splice.look(text, edit.path)
    return found is not None and (_is_ours(found.value, edit) if edit.in_list else found.value == edit.value)


def _before(config: Path, text: str, record: Record | None, folder: Path, first: Edit) -> str:
    """Return the text without our entries."""
    if record is not None and text:
        return _undone(config, text, record, folder)[0]
    with _explained(config):
        # A record can be lost. An entry that runs our launcher is ours all the same and must not pass for a predecessor.
        found = splice.look(text, first.path) if text else None
        return _without(text, Done(first, None, 0)) if found is not None and _is_ours(found.value, first) else text


def _applied(text: str, edits: Sequence[Edit]) -> tuple[str, tuple[Done, ...]]:
    done = []
    text = text or "{\n}\n"
    for edit in edits:
        there = next(n for n in range(len(edit.path), -1, -1) if splice.look(text, edit.path[:n]))
        found = splice.look(text, edit.path)
        if edit.in_list and found is not None and edit.value in (found.value if isinstance(found.value, list) else ()):
            continue  # somebody listed it before us, so it is not ours to remove
        text = splice.add(text, edit.path, edit.value) if edit.in_list else splice.put(text, edit.path, edit.value)
        done.append(Done(edit, found.text if found and not edit.in_list else None, there))
    return text, tuple(done)


def _undone(config: Path, text: str, record: Record, folder: Path) -> tuple[str, tuple[str, ...]]:
    """Return the text without our entries, and the keys that hold somebody else's value by now."""
    if _sha256(text) == record.after:
        original = "" if record.created else records.original(folder)
        if original is not None:
            return original, ()
    left = []
    with _explained(config):
        for done in reversed(record.done):
            found = splice.look(text, done.edit.path)
            if found is not None and _is_ours(found.value, done.edit):
                text = _without(text, done)
            elif found is not None:
                left.append(".".join(done.edit.path))
    return text, tuple(left)


def _is_ours(value: Any, edit: Edit) -> bool:
    if edit.in_list:
        return isinstance(value, list) and edit.value in value
    # A person may have switched it off or given it more time; it is ours as long as it runs our program.
    command = _at(edit.value, ("exec",)).get("command")
    return edit.owned or value == edit.value or (command is not None and _at(value, ("exec",)).get("command") == command)


def _without(text: str, done: Done) -> str:
    path = done.edit.path
    if done.edit.in_list:
        text = splice.drop_item(text, path, done.edit.value)
    elif done.previous is not None:
        return splice.put_back(text, path, done.previous)
    else:
        text = splice.drop(text, path)
    # Objects and lists that we made on the way go with it, unless somebody has moved in.
    for length in range(len(path), done.there, -1):
        found = splice.look(text, path[:length])
        if found is not None and found.value in ({}, []):
            text = splice.drop(text, path[:length])
    return text


@contextlib.contextmanager
def _explained(config: Path) -> Iterator[None]:
    """Turn the ValueError of an edit into a ConfigError that a person can act on."""
    try:
        yield
    except (ValueError, RecursionError) as error:
        raise ConfigError(
            f"{config} is left as it is.",
            why=f"It could not be edited safely: {error}.",
            remedy="Mend the file (`openclaw config validate` helps), or add the setting yourself.",
        ) from None


def _text(config: Path, found: OnDisk | None) -> str:
    with _explained(config):
        return found.data.decode("utf-8") if found else ""


def _write(config: Path, found: OnDisk | None, text: str) -> None:
    data = text.encode("utf-8")
    if len(data) > MAX_CONFIG_BYTES:
        raise ConfigError(f"{config} would become too large.", why="OpenClaw's configuration is limited to 1 MiB here.")
    if found != read_editable(config):
        raise ConfigError(f"{config} changed while it was being edited.", remedy="Try again.")
    try:
        make_private_folder(config.parent)
        replace(config, OnDisk(data, found.mode, found.group) if found else OnDisk(data))
    except OSError as error:
        raise ConfigError(f"{config} could not be written.", why=error.strerror or type(error).__name__) from None


def _folder(backup: Path, config: Path) -> Path:
    return backup / hashlib.sha256(str(config.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
