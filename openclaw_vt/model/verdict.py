"""What was learnt about a subject: VirusTotal's evidence, local analysis, and what nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from openclaw_vt.model.finding import Finding
from openclaw_vt.model.permission import Endpoint, Permission
from openclaw_vt.model.subject import Digest, NotChecked


class Reputation(StrEnum):
    """VirusTotal's verdict as the contract words it."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"
    UNKNOWN = "unknown"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"


class Unavailability(StrEnum):
    """Why VirusTotal gave no answer."""

    NO_KEY = "no-key"
    OFFLINE = "offline"
    QUOTA = "quota"
    UNAUTHORIZED = "unauthorized"
    TIMEOUT = "timeout"
    ERROR = "error"


class Matched(StrEnum):
    """Which hash the answer is about."""

    BUNDLE = "bundle"
    CLAWHUB_BUNDLE = "clawhub-bundle"
    FILES = "files"
    NONE = "none"


class AnalysisVerdict(StrEnum):
    """Local analysis alone; never mixed with VirusTotal's."""

    CLEAN = "clean"
    SUSPICIOUS = "suspicious"
    MALICIOUS = "malicious"


_ORDER = (AnalysisVerdict.CLEAN, AnalysisVerdict.SUSPICIOUS, AnalysisVerdict.MALICIOUS)


def worst(*verdicts: AnalysisVerdict) -> AnalysisVerdict:
    """Join: the worst of the verdicts; clean for none."""
    return max(verdicts, key=_ORDER.index, default=AnalysisVerdict.CLEAN)


@dataclass(frozen=True, slots=True)
class EngineStats:
    """How many engines said what. Engines that cannot read the type or failed are not in any of the four."""

    malicious: int = 0
    suspicious: int = 0
    undetected: int = 0
    harmless: int = 0

    @property
    def completed(self) -> int:
        """Engines that finished with an opinion."""
        return self.malicious + self.suspicious + self.undetected + self.harmless


@dataclass(frozen=True, slots=True)
class CodeInsight:
    """One AI verdict. Its text is model output over hostile input and is not kept."""

    source: str
    verdict: str


@dataclass(frozen=True, slots=True)
class Indicator:
    """An address or file that VirusTotal was asked about; kind is url, domain, ip or file.

    `malicious` counts engines. `used` is False for an address that the skill only mentions.
    """

    kind: str
    value: str
    verdict: Reputation
    malicious: int = 0
    file: str | None = None
    line: int | None = None
    used: bool = True


@dataclass(frozen=True, slots=True)
class Response:
    """One answer that the evidence rests on: what was asked and the SHA-256 of the body received."""

    asked: Digest
    kind: str
    body: Digest
    stats: EngineStats
    analysis_date: int | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one reputation service said about a subject. `analysis_date` is in epoch seconds UTC; `lookups` counts requests."""

    service: str
    verdict: Reputation
    detail: Unavailability | None = None
    matched: Matched = Matched.NONE
    stats: EngineStats = EngineStats()
    code_insight: tuple[CodeInsight, ...] = ()
    permalink: str | None = None
    analysis_date: int | None = None
    lookups: int = 0
    indicators: tuple[Indicator, ...] = ()
    responses: tuple[Response, ...] = ()
    not_checked: tuple[NotChecked, ...] = ()


def unavailable(service: str, why: Unavailability, *, lookups: int = 0) -> Evidence:
    """Evidence that says only that there is none, and why."""
    return Evidence(service=service, verdict=Reputation.UNAVAILABLE, detail=why, lookups=lookups)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What local analysis says. `category` and `risk` follow the risk matrix of the product."""

    verdict: AnalysisVerdict = AnalysisVerdict.CLEAN
    category: str = "uncategorised"
    risk: str = "medium"
    required_checks: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    permissions: tuple[Permission, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True)
class Coverage:
    """What was not checked. Complete means: every byte was read and every analyser finished."""

    not_checked: tuple[NotChecked, ...] = ()

    @property
    def complete(self) -> bool:
        """True when nothing was left out."""
        return not self.not_checked


@dataclass(frozen=True, slots=True)
class Verdict:
    """Everything learnt about one subject; the policy turns it into a decision.

    `others` is evidence of further services (plugins): it can make a decision worse, never better.
    """

    virustotal: Evidence
    analysis: Analysis = Analysis()
    coverage: Coverage = Coverage()
    others: tuple[Evidence, ...] = ()
