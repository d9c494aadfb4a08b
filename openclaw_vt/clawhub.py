"""ClawHub's public read API: which archive VirusTotal was given for a published version, if the local files are that version.

ClawHub's archive cannot be rebuilt here byte for byte, so its hash is believed only after every local file matched the
SHA-256 in the version's record. All of an answer is capped and checked; at most one file name out of it is shown, escaped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from openclaw_vt.model import strict_json
from openclaw_vt.model.display import shown
from openclaw_vt.model.subject import Digest, NotChecked, Origin, Snapshot, parse_digest
from openclaw_vt.transport import Getter, Transport

MAX_RECORD_BYTES = 4 * 1024 * 1024
MAX_FILES = 20_000
META_FILE = "_meta.json"
CARD_FILE = "skill-card.md"
_META_KEYS = frozenset({"ownerId", "slug", "version", "publishedAt"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\Z")


@dataclass(frozen=True, slots=True)
class Published:
    """What ClawHub's record means for these bytes: the archive VirusTotal knows, or why there is none to ask for."""

    archive: Digest | None = None
    not_checked: tuple[NotChecked, ...] = ()


class ClawHub:
    """One registry. `url` is scheme and authority; skills that claim another registry are not asked about."""

    def __init__(self, url: str, getter: Getter) -> None:
        self._url = url.rstrip("/")
        self._getter = getter

    def published(self, origin: Origin, snapshot: Snapshot, *, deadline: float) -> Published:
        """Compare the snapshot with the record of the version it claims to be. `deadline` is monotonic seconds. Never raises."""
        if not self._is_ours(origin):
            return Published()
        try:
            record = self._record(origin, deadline)
            if record is None:
                return _gap("this version is not published there")
            card = self._card(origin, snapshot, deadline)
            return _compare(record, snapshot, card)
        except TimeoutError:
            return _gap("it did not answer in time")
        except Transport as error:
            return _gap(f"it could not be reached ({error})")
        except ValueError:
            return _gap("it gave no usable answer")

    def _is_ours(self, origin: Origin) -> bool:
        if origin.kind != "clawhub" or (origin.registry or self._url).rstrip("/") != self._url:
            return False
        words = (origin.slug, origin.version, origin.publisher or "none")
        return all(isinstance(word, str) and _WORD.match(word) for word in words)

    def _get(self, path: str, query: dict[str, str], deadline: float) -> Any:
        """Return parsed JSON, None for 404. Raises ValueError for anything else."""
        tail = f"?{urlencode(query)}" if query else ""
        answer = self._getter.get(f"{self._url}/api/v1{path}{tail}", deadline=deadline, max_bytes=MAX_RECORD_BYTES)
        if answer.status in (404, 410):
            return None
        if answer.status != 200:  # noqa: PLR2004 - HTTP's own number
            raise ValueError("not an answer to the question")
        return strict_json.loads(answer.body, max_bytes=MAX_RECORD_BYTES)

    def _record(self, origin: Origin, deadline: float) -> dict[str, Any] | None:
        path = f"/skills/{quote(origin.slug or '')}/versions/{quote(origin.version or '')}"
        body = self._get(path, _owner(origin), deadline)
        if body is None:
            return None
        version: dict[str, Any] = strict_json.take(body, {"version": dict}, where="answer")["version"]
        strict_json.take(version, {"version": str, "files": list}, where="version")
        if version["version"] != origin.version:
            raise ValueError("an answer about another version")
        return version

    def _card(self, origin: Origin, snapshot: Snapshot, deadline: float) -> str | None:
        """Return the SHA-256 of the card that ClawHub generates into downloads; asked only when there is one on disk."""
        if snapshot.find(CARD_FILE) is None:
            return None
        body = self._get(
            f"/skills/{quote(origin.slug or '')}/verify", {"version": origin.version or ""} | _owner(origin), deadline
        )
        card = body.get("card") if isinstance(body, dict) else None
        digest = card.get("sha256") if isinstance(card, dict) else None
        return digest if isinstance(digest, str) else None


def _owner(origin: Origin) -> dict[str, str]:
    return {"ownerHandle": origin.publisher} if origin.publisher else {}


def _gap(why: str) -> Published:
    return Published(not_checked=(NotChecked("ClawHub's record of this skill", why),))


def _compare(version: dict[str, Any], snapshot: Snapshot, card: str | None) -> Published:
    listed = _listed(version["files"])
    # A link has no digest and stands here as itself, so that it differs from every file and from nothing at all.
    local = {entry.path: entry.sha256 or f"a {entry.kind}" for entry in snapshot.content() if entry.kind != "directory"}
    local = {path: digest for path, digest in local.items() if not _is_registry_file(path, snapshot)}
    if card is not None and local.get(CARD_FILE) == card and CARD_FILE not in listed:
        del local[CARD_FILE]
    different = sorted(path for path in local.keys() | listed.keys() if local.get(path) != listed.get(path))
    if different:
        more = f" and {len(different) - 1} more" if len(different) > 1 else ""
        return _gap(f"the files are not what was published: {shown(different[0])}{more}")
    security = version.get("security")
    archive = security.get("sha256hash") if isinstance(security, dict) else None
    return Published(archive=parse_digest(archive) if archive is not None else None)


def _listed(files: list[Any]) -> dict[str, str]:
    if len(files) > MAX_FILES:
        raise ValueError("too many files")
    listed: dict[str, str] = {}
    for item in files:
        fields = strict_json.take(item, {"path": str, "sha256": str}, where="file")
        if fields["path"] in listed:
            raise ValueError("a path stands twice")
        listed[fields["path"]] = parse_digest(fields["sha256"])
    return {path: digest for path, digest in listed.items() if path != META_FILE}


def _is_registry_file(path: str, snapshot: Snapshot) -> bool:
    """Whether this is the registry's own `_meta.json`, and nothing but that."""
    entry = snapshot.find(path)
    if path != META_FILE or entry is None or entry.data is None or entry.executable:
        return False
    try:
        meta = strict_json.loads(entry.data, max_bytes=4096)
    except ValueError:
        return False
    return isinstance(meta, dict) and set(meta) <= _META_KEYS and all(_plain(value) for value in meta.values())


def _plain(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and bool(_WORD.match(value)))
