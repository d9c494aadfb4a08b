"""The bodies of the loopback VirusTotal: file reports, analyses and errors in the shapes of API v3.

Every body is built from scratch, every digest is computed. No input or output; the time comes in as an argument.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from openclaw_vt.model.subject import Digest

JsonObject = dict[str, Any]

SIMULATOR_KEY = hashlib.sha256(b"openclaw-vt simulator").hexdigest()
"""The throw-away API key that the simulator accepts: 64 hexadecimal digits, worth nothing anywhere else."""

DAY_S = 86_400
_PERMALINK = "https://www.virustotal.com/api/v3"
_HASH = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})\Z")

# Names of real products, as identifiers only: what each one "says" here is invented.
_ENGINES = """
    ALYac APEX AVG Acronis AhnLab-V3 Alibaba Antiy-AVL Arcabit Avast Avast-Mobile Avira Baidu BitDefender
    BitDefenderFalx Bkav CAT-QuickHeal CMC CTX ClamAV CrowdStrike Cybereason Cylance Cynet DeepInstinct DrWeb
    ESET-NOD32 Elastic Emsisoft F-Secure FireEye Fortinet GData Google Gridinsoft Ikarus Jiangmin K7AntiVirus
    K7GW Kaspersky Kingsoft Lionic MAX Malwarebytes MaxSecure McAfee McAfeeD MicroWorld-eScan Microsoft
    NANO-Antivirus Paloalto Panda Rising SUPERAntiSpyware Sangfor SentinelOne Skyhigh Sophos Symantec
    SymantecMobileInsight TACHYON Tencent Trapmine TrellixENS TrendMicro TrendMicro-HouseCall Trustlook VBA32
    VIPRE Varist ViRobot VirIT Webroot Xcitium Yandex Zillya ZoneAlarm Zoner alibabacloud google_safebrowsing
    huorong tehtris
""".split()  # noqa: SIM905 - one name a line would be eighty lines


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What the simulator says about one file.

    The counts are numbers of engines in the order VirusTotal lists them; `age_days` is how long ago the analysis was
    (negative: in the future). `code_insight` holds (source, verdict) pairs; a verdict of None leaves its key out, as
    VirusTotal sometimes does. `insight_text` is the text of each of them.
    """

    malicious: int = 0
    suspicious: int = 0
    undetected: int = 64
    harmless: int = 0
    timeout: int = 0
    confirmed_timeout: int = 0
    failure: int = 0
    type_unsupported: int = 12
    age_days: float = 3
    code_insight: tuple[tuple[str, str | None], ...] = ()
    insight_text: str = "The files describe a small command line helper and do what they describe."
    type_tag: str = "zip"
    names: tuple[str, ...] = ()

    def stats(self) -> dict[str, int]:
        """Return `last_analysis_stats`: the eight keys of a file, in VirusTotal's spelling."""
        return {
            "malicious": self.malicious,
            "suspicious": self.suspicious,
            "undetected": self.undetected,
            "harmless": self.harmless,
            "timeout": self.timeout,
            "confirmed-timeout": self.confirmed_timeout,
            "failure": self.failure,
            "type-unsupported": self.type_unsupported,
        }


CLEAN = FileReport()
"""Nothing found by anybody."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """The three names of one file, and its size in bytes."""

    sha256: Digest
    sha1: str
    md5: str
    size: int

    def info(self) -> JsonObject:
        """Return the block that analyses call `file_info`."""
        return {"sha256": self.sha256, "sha1": self.sha1, "md5": self.md5, "size": self.size}


def is_file_hash(text: str) -> bool:
    """True for an MD5, SHA-1 or SHA-256 in lower-case hexadecimal; anything else is a 404 of its own kind."""
    return _HASH.match(text) is not None


def hashes_of(data: bytes) -> Hashes:
    """Return the digests of these bytes."""
    return Hashes(
        sha256=Digest(hashlib.sha256(data).hexdigest()),
        sha1=hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        size=len(data),
    )


def hashes_named(digest: str) -> Hashes:
    """Return hashes for a file of which only one hash is known; the others are made up, always the same way.

    Raises ValueError for anything but an MD5, SHA-1 or SHA-256 in hexadecimal.
    """
    name = digest.lower()
    if not is_file_hash(name):
        raise ValueError(f"not an MD5, SHA-1 or SHA-256 in hexadecimal: {digest!r}")
    invented = hashes_of(name.encode())
    return Hashes(
        sha256=Digest(name) if len(name) == 64 else invented.sha256,  # noqa: PLR2004 - hexadecimal digits of a SHA-256
        sha1=name if len(name) == 40 else invented.sha1,  # noqa: PLR2004 - hexadecimal digits of a SHA-1
        md5=name if len(name) == 32 else invented.md5,  # noqa: PLR2004 - hexadecimal digits of an MD5
        size=4096,
    )


def engine_results(report: FileReport, analysed_at: float) -> JsonObject:
    """Return `last_analysis_results`: one entry for each engine that the report counts."""
    categories = [category for category, count in report.stats().items() for _ in range(count)]
    # Added to the epoch by hand, because fromtimestamp refuses dates before 1970 on Windows.
    day = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=analysed_at)).strftime("%Y%m%d")
    results: JsonObject = {}
    for number, category in enumerate(categories):
        name = _ENGINES[number] if number < len(_ENGINES) else f"Engine{number + 1}"
        results[name] = {
            "method": "blacklist",
            "engine_name": name,
            "engine_version": f"{1 + number % 9}.{number}.0",
            "engine_update": day,
            "category": category,
            "result": f"Simulated.{category.title()}.Gen" if category in {"malicious", "suspicious"} else None,
        }
    return results


def insight_entry(sha256: str, source: str, verdict: str | None, text: str) -> JsonObject:
    """Return one entry of `crowdsourced_ai_results`; a verdict of None leaves the key out."""
    entry: JsonObject = {
        "category": "code_insight",
        "source": source,
        "analysis": text,
        "id": f"{sha256}-file-{source}",
    }
    return entry if verdict is None else {**entry, "verdict": verdict}


def file_body(hashes: Hashes, report: FileReport, *, analysed: float, names: Sequence[str] = ()) -> JsonObject:
    """Return the answer to `GET /files/{hash}`. `analysed` is in epoch seconds; `names` come before the report's own."""
    names = [*names, *report.names]
    attributes: JsonObject = {
        **hashes.info(),
        "type_tag": report.type_tag,
        "type_tags": [report.type_tag],
        "names": names,
        "first_submission_date": int(analysed) - DAY_S,
        "last_submission_date": int(analysed),
        "last_analysis_date": int(analysed),
        "last_modification_date": int(analysed) + 60,
        "times_submitted": 1,
        "unique_sources": 1,
        "reputation": 0,
        "total_votes": {"harmless": 0, "malicious": 0},
        "tags": [report.type_tag],
        "last_analysis_stats": report.stats(),
        "last_analysis_results": engine_results(report, analysed),
    }
    if names:
        attributes["meaningful_name"] = names[0]
    if report.code_insight:
        attributes["crowdsourced_ai_results"] = [
            insight_entry(hashes.sha256, source, verdict, report.insight_text) for source, verdict in report.code_insight
        ]
    links = {"self": f"{_PERMALINK}/files/{hashes.sha256}"}
    return {"data": {"id": hashes.sha256, "type": "file", "links": links, "attributes": attributes}}


def analysis_descriptor(analysis_id: str) -> JsonObject:
    """Return the answer to an upload or to `POST /files/{hash}/analyse`."""
    links = {"self": f"{_PERMALINK}/analyses/{analysis_id}"}
    return {"data": {"type": "analysis", "id": analysis_id, "links": links}}


def analysis_body(analysis_id: str, *, hashes: Hashes, status: str, date: float, report: FileReport) -> JsonObject:
    """Return the answer to `GET /analyses/{id}`; unless `status` is completed, no engine has said anything bad yet."""
    if status == "completed":
        stats, results = report.stats(), engine_results(report, date)
    else:
        # A dozen undetected and nothing malicious is what a half-finished analysis looks like, and is no verdict.
        early = 12 if status == "in-progress" else 0
        stats, results = FileReport(undetected=early, type_unsupported=0).stats(), {}
    body = analysis_descriptor(analysis_id)
    body["data"]["links"]["item"] = f"{_PERMALINK}/files/{hashes.sha256}"
    body["data"]["attributes"] = {"date": int(date), "status": status, "stats": stats, "results": results}
    return {"meta": {"file_info": hashes.info()}, **body}


def error_body(code: str, message: str) -> JsonObject:
    """Return VirusTotal's error envelope."""
    return {"error": {"code": code, "message": message}}
