"""A script for the loopback VirusTotal: a JSON file that says what it answers, read strictly.

Every key is optional. A key we do not know, a value of the wrong kind or a number outside its range is a ConfigError that
names the place, because a scenario that silently does something else is worse than none.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from openclaw_vt.errors import ConfigError
from openclaw_vt.model.subject import Digest, parse_digest
from openclaw_vt.virustotal.simulator_data import CLEAN, FileReport
from openclaw_vt.virustotal.simulator_faults import NOWHERE, QUOTA_FAULTS, Fault

_SIZE_LIMIT = 4 * 1024 * 1024
_MAX_ENGINES = 200
_MAX_AGE_DAYS = 36_500
_MAX_TEXT = 1024 * 1024
_MAX_COUNT = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A scenario. The fields mean what the attributes of `Simulator` of the same name mean.

    `faults` is used up one entry for each authorised request (None: an honest answer); then `fault` holds.
    """

    key: str | None = None
    default: FileReport | None = None
    uploaded: FileReport = CLEAN
    files: tuple[tuple[Digest, FileReport], ...] = ()
    fault: Fault | None = None
    faults: tuple[Fault | None, ...] = ()
    fault_target: str = NOWHERE
    over_quota: Fault = Fault.QUOTA_JSON
    per_minute: int | None = None
    per_day: int | None = None
    per_month: int | None = None
    retry_after_s: int | None = None
    polls: int = 2


def load_script(path: str | Path) -> Script:
    """Read a script file. Raises ConfigError when it cannot be read or says something we do not understand."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        what = f"The script {str(path)!r} cannot be read."
        raise ConfigError(what, why=f"{error.strerror or error}.", remedy="Name a readable JSON file.") from error
    if len(data) > _SIZE_LIMIT:
        raise ConfigError(f"The script {str(path)!r} is larger than {_SIZE_LIMIT} bytes.", remedy="Use a shorter one.")
    return parse_script(data)


def parse_script(data: bytes) -> Script:
    """Read a script from JSON text. Raises ConfigError for anything but a well-formed scenario."""
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ConfigError("The script is not valid JSON.", why=f"{error}.", remedy="Mend the file.") from error
    return Script(**_fields(value, "the script", _SCRIPT_FIELDS))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return result


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


_Reader = Callable[[Any, str], Any]


def _bad(place: str, expected: str) -> ConfigError:
    return ConfigError(f"The value of {place} is not understood.", why=f"It must be {expected}.", remedy="Mend the file.")


def _fields(value: Any, place: str, readers: Mapping[str, _Reader]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _bad(place, "a JSON object")
    result = {}
    for key, item in value.items():
        if key not in readers:
            near = difflib.get_close_matches(key, readers, n=1)
            remedy = f"Did you mean {near[0]!r}?" if near else f"Known keys: {', '.join(sorted(readers))}."
            raise ConfigError(f"{place[:1].upper()}{place[1:]} has an unknown key {key[:80]!r}.", remedy=remedy)
        result[key] = readers[key](item, f"{key!r} in {place}")
    return result


def _integer(low: int, high: int) -> _Reader:
    def read(value: Any, place: str) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise _bad(place, f"a whole number from {low} to {high}")
        return value

    return read


def _age(value: Any, place: str) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) <= _MAX_AGE_DAYS:
        raise _bad(place, f"a number of days up to {_MAX_AGE_DAYS}")
    return float(value)


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str) or not value or len(value) > _MAX_TEXT:
        raise _bad(place, f"a text of 1 to {_MAX_TEXT} characters")
    return value


def _word(value: Any, place: str) -> str:
    text = _text(value, place)
    # These end up in or beside HTTP headers, where a line break would be a second header.
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _bad(place, "printable ASCII without spaces")
    return text


def _origin(value: Any, place: str) -> str:
    text = _word(value, place)
    if not text.startswith(("http://", "https://")):
        raise _bad(place, "an http or https address")
    return text.rstrip("/")


def _list(reader: _Reader) -> _Reader:
    def read(value: Any, place: str) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _bad(place, "a JSON list")
        return tuple(reader(item, f"entry {number} of {place}") for number, item in enumerate(value, 1))

    return read


def _or_null(reader: _Reader) -> _Reader:
    return lambda value, place: None if value is None else reader(value, place)


def _fault(value: Any, place: str) -> Fault:
    if isinstance(value, str) and value in set(Fault):
        return Fault(value)
    near = difflib.get_close_matches(value, list(Fault), n=1) if isinstance(value, str) else []
    hint = f" Did you mean {near[0]!s}?" if near else ""
    raise ConfigError(
        f"The value of {place} is no fault we know.{hint}", why=f"The faults are {', '.join(Fault)}.", remedy="Mend the file."
    )


def _quota_fault(value: Any, place: str) -> Fault:
    fault = _fault(value, place)
    if fault not in QUOTA_FAULTS:
        raise _bad(place, f"one of {', '.join(QUOTA_FAULTS)}")
    return fault


def _opinion(value: Any, place: str) -> tuple[str, str | None]:
    match value:
        case [str(source), str() | None as verdict] if source:
            return source, verdict
    raise _bad(place, 'a pair of a source and a verdict, like ["palm", "benign"]')


_ENGINES = _integer(0, _MAX_ENGINES)
_REPORT_FIELDS: dict[str, _Reader] = {
    "malicious": _ENGINES,
    "suspicious": _ENGINES,
    "undetected": _ENGINES,
    "harmless": _ENGINES,
    "timeout": _ENGINES,
    "confirmed_timeout": _ENGINES,
    "failure": _ENGINES,
    "type_unsupported": _ENGINES,
    "age_days": _age,
    "code_insight": _list(_opinion),
    "insight_text": _text,
    "type_tag": _text,
    "names": _list(_text),
}


def _report(value: Any, place: str) -> FileReport:
    return FileReport(**_fields(value, place, _REPORT_FIELDS))


def _files(value: Any, place: str) -> tuple[tuple[Digest, FileReport], ...]:
    if not isinstance(value, dict):
        raise _bad(place, "a JSON object")
    result = []
    for name, report in value.items():
        try:
            digest = parse_digest(name)
        except ValueError as error:
            raise _bad(f"the key {name[:80]!r} of {place}", "a SHA-256 in lower-case hexadecimal") from error
        result.append((digest, _report(report, f"{name[:12]!r} of {place}")))
    return tuple(result)


_LIMIT = _or_null(_integer(0, _MAX_COUNT))
_SCRIPT_FIELDS: dict[str, _Reader] = {
    "key": _or_null(_word),
    "default": _or_null(_report),
    "uploaded": _report,
    "files": _files,
    "fault": _or_null(_fault),
    "faults": _list(_or_null(_fault)),
    "fault_target": _origin,
    "over_quota": _quota_fault,
    "per_minute": _LIMIT,
    "per_day": _LIMIT,
    "per_month": _LIMIT,
    "retry_after_s": _LIMIT,
    "polls": _integer(0, 1000),
}
