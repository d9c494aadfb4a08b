"""The honest answers of the ClawHub stand-in, one function per endpoint of the public read API (`/api/v1`)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote, unquote

from support.clawhub_shelf import PUBLISHED_AT, Refused

if TYPE_CHECKING:
    from support.clawhub_shelf import HubShelf, HubVersion

CONTENT_TYPES = {".md": "text/markdown", ".json": "application/json", ".py": "text/x-python", ".sh": "text/x-sh"}
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that reached the server. `endpoint` is the name that faults are set under."""

    method: str
    path: str
    query: dict[str, str]
    endpoint: str
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class Hub(Protocol):
    """What an answer needs of the server."""

    shelf: HubShelf

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""


def answer(hub: Hub, seen: Seen) -> Answer:
    """The honest answer to a request; errors are plain text as the real hub's are."""
    try:
        return _BUILDERS[seen.endpoint](hub, seen) if seen.endpoint in _BUILDERS else Answer(404, b"Not found", TEXT)
    except Refused as refused:
        return Answer(refused.status, str(refused).encode(), TEXT)


def endpoint_of(method: str, path: str) -> tuple[str, str]:
    """Return (endpoint, argument): the name faults are set under, and what follows in the path (slug, or `slug/version`)."""
    parts = [unquote(part) for part in path.removeprefix("/api/v1/").split("/") if part]
    match parts:
        case ["download"] | ["resolve"]:
            return parts[0], ""
        case ["skills", "-", "security-verdicts"] if method == "POST":
            return "security-verdicts", ""
        case ["skills", slug]:
            return "skill", slug
        case ["skills", slug, "versions", version]:
            return "version", f"{slug}/{version}"
        case ["skills", slug, leaf]:
            return leaf, slug
    return "unknown", ""


def _json(value: object, status: int = 200) -> Answer:
    return Answer(status, json.dumps(value).encode())


def _slug(seen: Seen) -> str:
    return endpoint_of(seen.method, seen.path)[1].split("/")[0]


def _skill(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    latest = skill.latest
    return _json(
        {
            "skill": {
                "slug": skill.slug,
                "displayName": skill.slug,
                "summary": "A skill.",
                "createdAt": PUBLISHED_AT,
                "updatedAt": PUBLISHED_AT,
            },
            "latestVersion": {"version": latest.version, "createdAt": latest.created_at, "changelog": ""},
            "owner": {"handle": skill.owner, "displayName": skill.owner},
            "moderation": skill.moderation,
        }
    )


def _listed_files(version: HubVersion) -> list[dict[str, Any]]:
    return [
        {
            "path": path,
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "contentType": CONTENT_TYPES.get("." + path.rpartition(".")[2], "text/plain"),
        }
        for path, data in sorted(version.listed.items())
    ]


def _version(hub: Hub, seen: Seen) -> Answer:
    slug, _, name = endpoint_of(seen.method, seen.path)[1].partition("/")
    version = hub.shelf.version(slug, name, owner=seen.query.get("ownerHandle"))
    record = {
        "version": version.version,
        "createdAt": version.created_at,
        "changelog": "",
        "changelogSource": "user",
        "license": None,
        "files": _listed_files(version),
    }
    if version.security is not None:
        record["security"] = version.security
    return _json({"skill": {"slug": slug, "displayName": slug}, "version": record})


def _versions(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    items = [
        {"version": v.version, "createdAt": v.created_at, "changelog": "", "changelogSource": "user"}
        for v in skill.versions.values()
    ]
    return _json({"items": items[::-1], "nextCursor": None})


def _scan(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    version = hub.shelf.version(skill.slug, seen.query.get("version"), owner=skill.owner)
    moderation = skill.moderation or {
        "scope": "skill",
        "sourceVersion": {"version": version.version, "createdAt": version.created_at},
        "matchesRequestedVersion": True,
        "isPendingScan": False,
        "isMalwareBlocked": False,
        "isSuspicious": False,
        "isHiddenByMod": False,
        "isRemoved": False,
    }
    return _json(
        {
            "skill": {"slug": skill.slug, "displayName": skill.slug},
            "version": {"version": version.version, "createdAt": version.created_at, "changelogSource": "user"},
            "moderation": moderation,
            "security": version.security,
        }
    )


def _moderation(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    if skill.moderation is None:
        raise Refused(404, "Moderation details are only available for flagged skills")
    return _json({"moderation": skill.moderation | {"evidence": [], "legacyReason": None}})


def _install(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    latest = skill.latest.version
    url = f"{hub.url}/api/v1/download?slug={quote(skill.slug)}&ownerHandle={quote(skill.owner)}&version={quote(latest)}"
    return _json({"ok": True, "slug": skill.slug, "installKind": "archive", "archive": {"version": latest, "downloadUrl": url}})


def _verify(hub: Hub, seen: Seen) -> Answer:
    if "version" in seen.query and "tag" in seen.query:
        raise Refused(400, "Use either version or tag, not both")
    skill = hub.shelf.skill(_slug(seen), owner=seen.query.get("ownerHandle"))
    version = hub.shelf.version(skill.slug, seen.query.get("version"), owner=skill.owner)
    passed = version.verdict == "pass"
    return _json(
        {
            "schema": "clawhub.skill.verify.v1",
            "ok": passed,
            "decision": version.verdict,
            "reasons": [] if passed else ["security.status_not_clean"],
            "slug": skill.slug,
            "displayName": skill.slug,
            "pageUrl": f"{hub.url}/{skill.owner}/{skill.slug}",
            "publisherHandle": skill.owner,
            "publisherDisplayName": skill.owner,
            "publisherProfileUrl": f"{hub.url}/{skill.owner}",
            "version": version.version,
            "resolvedFrom": "version" if "version" in seen.query else "latest",
            "tag": None,
            "createdAt": version.created_at,
            "card": version.card or {"available": False},
            "artifact": {"sourceFingerprint": "", "bundleFingerprints": [], "files": _listed_files(version)},
            "provenance": {"source": "unavailable", "reason": "not imported"},
            "security": {"status": "clean" if passed else "malicious", "passed": passed, "signals": {}},
            "signature": {"status": "unsigned"},
        }
    )


def _verdict_item(hub: Hub, item: dict[str, Any]) -> dict[str, Any]:
    version = hub.shelf.version(item["slug"], item.get("version"), owner=item.get("ownerHandle"))
    skill = hub.shelf.skill(item["slug"], owner=item.get("ownerHandle"))
    passed = version.verdict == "pass"
    status = "clean" if passed else "malicious"
    vt = {"status": status, "rawStatus": status, "verdict": "benign", "source": "code_insight", "checkedAt": PUBLISHED_AT}
    return {
        "ok": passed,
        "decision": version.verdict,
        "reasons": [] if passed else ["security.status_not_clean"],
        "requestedSlug": item["slug"],
        "requestedVersion": item.get("version"),
        "requestedOwnerHandle": item.get("ownerHandle"),
        "slug": skill.slug,
        "version": version.version,
        "publisherHandle": skill.owner,
        "createdAt": version.created_at,
        "checkedAt": PUBLISHED_AT,
        "skillUrl": f"{hub.url}/{skill.owner}/{skill.slug}",
        "overview": "A skill.",
        "securityAuditUrl": f"{hub.url}/{skill.owner}/{skill.slug}/security-audit",
        "security": {
            "status": status,
            "passed": passed,
            "signals": {"staticScan": None, "virusTotal": vt, "skillSpector": None, "dependencyRegistry": None},
        },
    }


def _security_verdicts(hub: Hub, seen: Seen) -> Answer:
    items = json.loads(seen.body or b"{}").get("items", [])
    if not 1 <= len(items) <= 100:
        raise Refused(400, "items must hold 1 to 100 entries")
    return _json({"schema": "clawhub.skill.security-verdicts.v1", "items": [_verdict_item(hub, item) for item in items]})


def _download(hub: Hub, seen: Seen) -> Answer:
    skill = hub.shelf.skill(seen.query.get("slug", ""), owner=seen.query.get("ownerHandle"))
    if skill.download_status != HTTPStatus.OK:
        raise Refused(skill.download_status, "Download is not available")
    version = hub.shelf.version(skill.slug, seen.query.get("version"), owner=skill.owner)
    body = hub.shelf.archive(skill.slug, version.version, owner=skill.owner)
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return Answer(200, body, "application/zip", (("Digest", f"sha-256={digest}"),))


def _file(hub: Hub, seen: Seen) -> Answer:
    version = hub.shelf.version(_slug(seen), seen.query.get("version"), owner=seen.query.get("ownerHandle"))
    path = seen.query.get("path", "")
    if path not in version.served:
        raise Refused(404, "File not found")
    return Answer(200, version.served[path], TEXT)


_BUILDERS = {
    "skill": _skill,
    "versions": _versions,
    "version": _version,
    "scan": _scan,
    "moderation": _moderation,
    "install": _install,
    "verify": _verify,
    "security-verdicts": _security_verdicts,
    "download": _download,
    "file": _file,
}
