"""The two files that OpenClaw writes into a skill after an install: where it came from. Both are claims, never proofs.

They appear after the question was asked, so the digest may leave them out, and only then if nothing can hide there: the
parsers take exactly what OpenClaw 2026.9.6 writes (`JSON.stringify(value, null, 2)` and a line end, fixed keys in a fixed
order), and no value is freer than its meaning needs. The freest is the path in a source record; `_is_path` bounds it. A publisher
can ship either file inside an archive, and OpenClaw replaces only the one that it is about to write itself.

For display and look-ups (`origin_of`, `read_origin`) other layouts are understood too, such as those of the `clawhub` program.
"""

from __future__ import annotations

import base64
import json
import os
import re
import stat
import unicodedata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import Digest, Origin, Snapshot

CLAWHUB_ORIGIN = ".clawhub/origin.json"
LEGACY_CLAWHUB_ORIGIN = ".clawdhub/origin.json"
SOURCE_ORIGIN = ".openclaw/source-origin.json"
MAX_RECORD_BYTES = 4096
MAX_PATH_CHARS = 240
MAX_PATH_BLANKS = 6
TRUST_STATE = "not-scanned-by-clawhub"

_EARLIEST_MS, _LATEST_MS = 1_577_836_800_000, 4_102_444_800_000
"""2020 and 2100, in milliseconds: OpenClaw writes `Date.now()`."""

_HEX64 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TREE = re.compile(r"sha256:[0-9a-f]{64}")
_SLUG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,98}[A-Za-z0-9])?")
_OWNER = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
_VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}\.[0-9]{1,9}(?:-[0-9A-Za-z.-]{1,32})?(?:\+[0-9A-Za-z.-]{1,32})?|[0-9a-f]{40}")
_REGISTRY = re.compile(r"https?://(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-f:]{2,39}\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9-]{1,24}){0,2}")
_REFERENCE = re.compile(r"skills-sh:[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}/([A-Za-z0-9-]{1,100})")
_GITHUB_TREE = re.compile(
    r"https://github\.com/[A-Za-z0-9-]{1,39}/[A-Za-z0-9._-]{1,100}/tree/[0-9a-f]{40}(?:/[A-Za-z0-9._~%-]{1,64}){0,6}"
)
_GIT_URL = re.compile(r"(?:(?:https?|ssh|git)://|file:///|[A-Za-z0-9._-]{1,32}@)[A-Za-z0-9._~:/@+-]{1,200}")
_GIT_REF = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,99}")
_ISO = re.compile(r"20[2-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]\.[0-9]{3}Z")
_PATH_START = re.compile(r"\.{0,2}/|~/|[A-Za-z]:[\\/]")
_PATH_MARKS = frozenset(" ._-+@=,~/()")

Check = Callable[[Any], bool]


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _one_of(*values: str) -> Check:
    return lambda value: isinstance(value, str) and value in values


def _is_version_1(value: Any) -> bool:
    return type(value) is int and value == 1


def _is_time(value: Any) -> bool:
    return type(value) is int and _EARLIEST_MS <= value <= _LATEST_MS


def _is_path(value: Any) -> bool:
    """Whether this is a local path as people name folders: letters and digits of any script, few blanks, no shell syntax.

    Quotes, `$`, backquotes and the like would make the record a program for whoever feeds it to a shell.
    """
    if not isinstance(value, str) or len(value) > MAX_PATH_CHARS or value.count(" ") > MAX_PATH_BLANKS:
        return False
    start = _PATH_START.match(value)
    if start is None:
        return False
    marks = _PATH_MARKS | {"\\"} if ":" in start.group() else _PATH_MARKS
    return all(char in marks or unicodedata.category(char)[0] in "LMN" for char in value[start.end() :])


def _is_git_url(value: Any) -> bool:
    return _matches(_GIT_URL)(value) or _is_path(value)


def _is_artifact(value: Any) -> bool:
    if not _has(value, _ARTIFACT):
        return False
    expected = base64.b64encode(bytes.fromhex(value["sha256"])).decode()
    return bool(value["integrity"] == f"sha256-{expected}")


_Fields = Mapping[str, Check]
"""Keys in the order they are written; a name that ends with `?` may be missing."""

_ARTIFACT: _Fields = {
    "kind": _one_of("archive", "clawpack"),
    "sha256": _matches(_HEX64),
    "integrity": lambda value: isinstance(value, str),  # compared with the digest, see _is_artifact
}
_SKILL_FILE: _Fields = {
    "path": _one_of("SKILL.md", "skill.md", "skills.md", "SKILL.MD"),
    "sha256": _matches(_HEX64),
}
_CLAWHUB: _Fields = {
    "version": _is_version_1,
    "registry": _matches(_REGISTRY),
    "slug": _matches(_SLUG),
    "ownerHandle?": _matches(_OWNER),
    "requestedReference?": _matches(_REFERENCE),
    "trustState?": _one_of(TRUST_STATE),
    "installedAt": _is_time,
    "sourceUrl?": _matches(_GITHUB_TREE),
    "artifact": _is_artifact,
    "skillFile?": lambda value: _has(value, _SKILL_FILE),
    "fileTreeSha256": _matches(_TREE),
    "installedVersion": _matches(_VERSION),
}
_GIT: _Fields = {
    "url": _is_git_url,
    "ref?": _matches(_GIT_REF),
    "commit": _matches(_COMMIT),
    "resolvedAt": _matches(_ISO),
}
_SOURCE: _Fields = {
    "version": _is_version_1,
    "source": _one_of("path", "git"),
    "spec": lambda value: isinstance(value, str),  # a path, or made of `git`'s own values: see parse_source_origin
    "slug": _matches(_SLUG),
    "installedAt": _is_time,
    "git?": lambda value: _has(value, _GIT),
}


def _has(value: Any, fields: _Fields) -> bool:
    """Whether `value` is an object of exactly these keys, in their order, each as its check wants it."""
    if not isinstance(value, dict):
        return False
    checks = {name.removesuffix("?"): check for name, check in fields.items()}
    return (
        list(value) == [name for name in checks if name in value]
        and all(name in value for name in fields if not name.endswith("?"))
        and all(checks[name](item) for name, item in value.items())
    )


def _exactly(raw: bytes, fields: _Fields) -> dict[str, Any]:
    body = strict_json.loads(raw, max_bytes=MAX_RECORD_BYTES)
    if not _has(body, fields):
        raise ValueError("not the keys and values that OpenClaw writes")
    # The bytes themselves must be OpenClaw's: no comment, no spare blank, no other spelling of the same value.
    if (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode() != raw:
        raise ValueError("not the bytes that OpenClaw writes")
    return dict(body)


def parse_clawhub_origin(raw: bytes) -> Origin:
    """Parse `.clawhub/origin.json`. Raises ValueError for anything but the bytes that OpenClaw 2026.9.6 writes."""
    body = _exactly(raw, _CLAWHUB)
    reference = body.get("requestedReference")
    if (reference is None) is not ("trustState" not in body):
        raise ValueError("a reference and its trust state come together or not at all")
    if reference is not None and not reference.endswith(f"/{body['slug']}"):
        raise ValueError("the reference names another skill")
    return _clawhub(body)


def parse_source_origin(raw: bytes) -> Origin:
    """Parse `.openclaw/source-origin.json`. Raises ValueError for anything but the bytes that OpenClaw 2026.9.6 writes."""
    body = _exactly(raw, _SOURCE)
    git = body.get("git")
    if (git is None) is not (body["source"] == "path"):
        raise ValueError("a git source, and only that, has a git record")
    if git is None:
        if not _is_path(body["spec"]):
            raise ValueError("the source is no plain path")
    elif body["spec"] != f"git:{git['url']}" + (f"@{git['ref']}" if "ref" in git else ""):
        raise ValueError("the specifier is not made of the git record's own values")
    return _source(body)


def _clawhub(body: Mapping[str, Any]) -> Origin:
    artifact = body.get("artifact")
    archive = None
    if isinstance(artifact, dict) and _is_artifact(artifact) and artifact["kind"] == "archive":
        archive = Digest(artifact["sha256"])
    return Origin("clawhub", body["slug"], body.get("ownerHandle"), body["installedVersion"], body["registry"], archive)


def _source(body: Mapping[str, Any]) -> Origin:
    git = body.get("git")
    if git is None:
        return Origin("local", body["slug"])
    return Origin("git", body["slug"], version=git["commit"], registry=git["url"])


def _claimed_clawhub(raw: bytes) -> Origin:
    """Any layout of a ClawHub record, older ones and the `clawhub` program's included; the values taken must still fit."""
    body = strict_json.loads(raw, max_bytes=MAX_RECORD_BYTES)
    wanted: _Fields = {name: _CLAWHUB[name] for name in ("version", "registry", "slug", "installedVersion")}
    if not isinstance(body, dict) or not all(check(body.get(name)) for name, check in wanted.items()):
        raise ValueError("not a ClawHub record")
    owner = body.get("ownerHandle")
    if owner is not None and not _matches(_OWNER)(owner):
        raise ValueError("the publisher's name is not one")
    return _clawhub(body)


_CLAIMS: tuple[tuple[str, Callable[[bytes], Origin]], ...] = (
    (CLAWHUB_ORIGIN, _claimed_clawhub),
    (LEGACY_CLAWHUB_ORIGIN, _claimed_clawhub),
    (SOURCE_ORIGIN, parse_source_origin),
)
"""In OpenClaw's order: an install from a path or git removes both ClawHub folders, so a ClawHub record is the younger one."""


def _origin(read: Callable[[str], bytes | None]) -> Origin:
    """The first record that is there decides, also when it is broken: another would only be an older claim."""
    for path, parse in _CLAIMS:
        raw = read(path)
        if raw is not None:
            try:
                return parse(raw)
            except ValueError:
                return Origin()
    return Origin()


def origin_of(snapshot: Snapshot) -> Origin:
    """Return where a snapshot's own records say it came from; unknown when they are missing or odd."""
    files = {entry.path: entry.data or b"" for entry in snapshot.entries if entry.kind == "file" and entry.path.startswith(".")}
    return _origin(files.get)


def read_origin(folder: Path) -> Origin:
    """Return where the records in a skill's folder say it came from; unknown when they are missing, odd, large or links."""
    return _origin(lambda path: _read_small(folder, path))


def _read_small(folder: Path, path: str) -> bytes | None:
    """The file's bytes, None when there is none; what is no small regular file reads as no record at all."""
    name = folder.joinpath(*path.split("/"))
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        if name.parent.is_symlink():
            return b""
        fd = os.open(name, flags)
        try:
            # One read is enough: a regular file gives all it has, and a record that gives less is none.
            return os.read(fd, MAX_RECORD_BYTES + 1) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
        finally:
            os.close(fd)
    except FileNotFoundError:
        return None
    except OSError:
        return b""
