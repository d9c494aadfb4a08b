"""What wiring did, written down: the record and the file as it was, one pair for each configuration file."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.errors import ConfigError
from openclaw_vt.model import strict_json
from openclaw_vt.openclaw.files import MAX_CONFIG_BYTES, OnDisk, make_private_folder, read_bounded, replace
from openclaw_vt.openclaw.splice import KeyPath

SCHEMA = "openclaw-vt.wiring/1"
_RECORD, _BEFORE = "wiring.json", "openclaw.json.before"


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry: `value` at `path`, or as one more item of the list there. An `owned` key is ours whatever it holds later."""

    path: KeyPath
    value: Any
    in_list: bool = False
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Done:
    """An edit as it was made: the spelling it replaced, and how many keys of its path were there before."""

    edit: Edit
    previous: str | None
    there: int


@dataclass(frozen=True, slots=True)
class Record:
    """Whether we made the file, the SHA-256 of what we left behind, and the edits in the order they were made."""

    created: bool
    after: str
    done: tuple[Done, ...]


def write(folder: Path, before: str, record: Record) -> None:
    """Keep the file as it was, and then what is about to be done to it. Raises ConfigError."""
    done = [
        {
            "path": d.edit.path,
            "value": d.edit.value,
            "list": d.edit.in_list,
            "owned": d.edit.owned,
            "previous": d.previous,
            "there": d.there,
        }
        for d in record.done
    ]
    body = {"schema": SCHEMA, "created": record.created, "after": record.after, "done": done}
    try:
        make_private_folder(folder)
        replace(folder / _BEFORE, OnDisk(before.encode("utf-8")))
        replace(folder / _RECORD, OnDisk(json.dumps(body, indent=2).encode()))
    except OSError as error:
        raise ConfigError(
            "Nothing was changed.", why=f"The copy to undo it from could not be written: {error.strerror}."
        ) from None


def read(folder: Path) -> Record | None:
    """Return the record of an earlier wiring, None when there is none.

    Raises ConfigError for a broken one: undoing by guess could take more than what is ours.
    """
    try:
        raw = read_bounded(folder / _RECORD)
        if raw is None:
            return None
        body = strict_json.take(
            strict_json.loads(raw, max_bytes=MAX_CONFIG_BYTES),
            {"schema": str, "created": bool, "after": str, "done": list},
            where="record",
        )
        if body["schema"] != SCHEMA:
            raise ValueError("another version wrote it")
        return Record(body["created"], body["after"], tuple(map(_parse_done, body["done"])))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{folder / _RECORD} cannot be read.",
            why=str(error),
            remedy=f"Take our entry out of openclaw.json yourself and remove {folder}.",
        ) from None


def _parse_done(item: Any) -> Done:
    body = strict_json.take(item, {"path": list, "list": bool, "owned": bool, "there": int}, where="done")
    path, previous = body["path"], body.get("previous")
    if not path or not all(isinstance(key, str) for key in path) or not isinstance(previous, str | None):
        raise ValueError("a path or a previous value is not text")
    return Done(Edit(tuple(path), body.get("value"), body["list"], body["owned"]), previous, body["there"])


def original(folder: Path) -> str | None:
    """Return the file as it was, None when the copy is gone. Raises OSError, ValueError."""
    raw = read_bounded(folder / _BEFORE)
    return None if raw is None else raw.decode("utf-8")


def forget(folder: Path) -> None:
    """Remove both. Raises OSError."""
    for name in (_RECORD, _BEFORE):
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()
