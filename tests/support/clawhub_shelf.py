"""What a ClawHub stand-in holds: skills, their versions, and what tampering does to them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
PUBLISHED_AT = 1_788_000_000_000


class Refused(Exception):  # noqa: N818 - an answer, not a fault
    """An error answer: HTTP status and the plain text that the real hub words its errors in."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(slots=True)
class HubVersion:
    """One published version: `listed` is what the record claims, `served` what the download holds. Only tampering parts them."""

    version: str
    served: dict[str, bytes]
    listed: dict[str, bytes]
    sha256hash: str | None = None
    security: dict[str, Any] | None = None
    verdict: str = "pass"
    created_at: int = PUBLISHED_AT
    card: dict[str, Any] | None = None


@dataclass(slots=True)
class HubSkill:
    """A slug of one publisher, its versions in order of publication, the last one being `latest`."""

    slug: str
    owner: str
    versions: dict[str, HubVersion] = field(default_factory=dict)
    moderation: dict[str, Any] | None = None
    download_status: int = 200

    @property
    def latest(self) -> HubVersion:
        return list(self.versions.values())[-1]


def pack(files: Mapping[str, bytes], *, meta: Mapping[str, Any] | None = None) -> bytes:
    """Return a real ZIP of `files` with fixed dates, SKILL.md at its root, and `_meta.json` when `meta` is given."""
    named = dict(files)
    if meta is not None:
        named["_meta.json"] = json.dumps(meta, indent=2).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(named):
            archive.writestr(zipfile.ZipInfo(name, ZIP_DATE), named[name], zipfile.ZIP_DEFLATED)
    return out.getvalue()


def security_record(*, status: str = "clean", sha256hash: str | None = None) -> dict[str, Any]:
    """The `security` object of a version; `sha256hash` names the ZIP that was sent to VirusTotal."""
    permalink = f"https://www.virustotal.com/gui/file/{sha256hash}" if sha256hash else None
    vt = {"status": status, "verdict": "benign" if status == "clean" else status, "normalizedStatus": status}
    return {
        "status": status,
        "hasWarnings": False,
        "checkedAt": PUBLISHED_AT,
        "model": "test-model",
        "hasScanResult": True,
        "sha256hash": sha256hash,
        "virustotalUrl": permalink,
        "scanners": {
            "vt": vt | {"analysis": "", "source": "code_insight", "checkedAt": PUBLISHED_AT},
            "skillspector": None,
            "llm": None,
        },
    }


class HubShelf:
    """Everything published, by publisher and slug."""

    def __init__(self) -> None:
        self._skills: dict[tuple[str, str], HubSkill] = {}

    def publish(
        self,
        slug: str,
        version: str,
        files: Mapping[str, bytes],
        *,
        owner: str = "acme",
        status: str = "clean",
        sha256hash: str | None = "archive",
        verdict: str = "pass",
    ) -> HubVersion:
        """Publish a version. `sha256hash="archive"` records the hash of the ZIP that is served, None leaves it out."""
        skill = self._skills.setdefault((owner, slug), HubSkill(slug, owner))
        new = HubVersion(version, dict(files), dict(files), verdict=verdict)
        skill.versions[version] = new
        if sha256hash == "archive":
            sha256hash = hashlib.sha256(self.archive(slug, version, owner=owner)).hexdigest()
        new.sha256hash = sha256hash
        new.security = security_record(status=status, sha256hash=sha256hash)
        return new

    def skill(self, slug: str, *, owner: str | None = None) -> HubSkill:
        """The skill with that slug; the first publisher's when `owner` is left out. Raises Refused (404)."""
        found = [skill for (name, known), skill in self._skills.items() if known == slug and owner in {None, name}]
        if not found:
            raise Refused(404, "Skill not found")
        return found[0]

    def version(self, slug: str, version: str | None = None, *, owner: str | None = None) -> HubVersion:
        """That version, or the latest. Raises Refused (404)."""
        skill = self.skill(slug, owner=owner)
        if version is None:
            return skill.latest
        if version not in skill.versions:
            raise Refused(404, "Version not found")
        return skill.versions[version]

    def archive(self, slug: str, version: str, *, owner: str | None = None) -> bytes:
        """The ZIP that a download of this version holds."""
        owner = self.skill(slug, owner=owner).owner
        meta = {"ownerId": f"user-{owner}", "slug": slug, "version": version, "publishedAt": PUBLISHED_AT}
        return pack(self.version(slug, version, owner=owner).served, meta=meta)

    def swap_download(self, slug: str, version: str, files: Mapping[str, bytes]) -> None:
        """Attack: the download holds other bytes than the record lists."""
        self.version(slug, version).served = dict(files)

    def swap_record(self, slug: str, version: str, files: Mapping[str, bytes]) -> None:
        """Attack: the record lists other bytes than the download holds."""
        self.version(slug, version).listed = dict(files)
