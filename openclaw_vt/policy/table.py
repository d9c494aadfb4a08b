"""The default table, its toggles, and the frozen policy that they make."""

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from openclaw_vt.model import strict_json
from openclaw_vt.model.outcome import Outcome
from openclaw_vt.model.subject import Digest


class Row(StrEnum):
    """One row of the table; the value is the stable reason code, and `on_…` of it the toggle in `[policy]`."""

    REVOKED = "revoked"
    ENGINES = "virustotal.malicious"
    ANALYSIS_MALICIOUS = "analysis.malicious"
    INDICATOR_MALICIOUS = "indicator.malicious"
    DETECTION = "virustotal.suspicious"
    INDICATOR_SUSPICIOUS = "indicator.suspicious"
    ANALYSIS_SUSPICIOUS = "analysis.suspicious"
    UNREVIEWED = "virustotal.not-reviewed"
    PENDING = "virustotal.pending"
    UNAVAILABLE = "virustotal.unavailable"
    INCOMPLETE = "coverage.incomplete"
    CHANGED = "bytes.changed"
    STALE = "record.stale"
    UNREADABLE = "skill.unreadable"


class Standing(StrEnum):
    """What is known of these very bytes besides their verdict. Only those in `LIFTS` ever lift a warning."""

    REVOKED = "revoked"
    ACCEPTED = "accepted"
    BASELINE = "baseline"
    OWN = "own"
    BUNDLED = "bundled"
    STALE = "stale"
    EXPIRED = "expired"
    CHANGED = "changed"


LIFTS = (Standing.ACCEPTED, Standing.BASELINE, Standing.OWN, Standing.BUNDLED)

DEFAULT_ROWS: dict[Row, Outcome] = {
    Row.REVOKED: Outcome.BLOCK,
    Row.ENGINES: Outcome.BLOCK,
    Row.ANALYSIS_MALICIOUS: Outcome.BLOCK,
    Row.INDICATOR_MALICIOUS: Outcome.BLOCK,
    Row.DETECTION: Outcome.WARN,
    Row.INDICATOR_SUSPICIOUS: Outcome.WARN,
    Row.ANALYSIS_SUSPICIOUS: Outcome.WARN,
    Row.UNREVIEWED: Outcome.WARN,
    Row.PENDING: Outcome.WARN,
    Row.UNAVAILABLE: Outcome.WARN,
    Row.INCOMPLETE: Outcome.WARN,
    Row.CHANGED: Outcome.WARN,
    Row.STALE: Outcome.ALLOW,
    Row.UNREADABLE: Outcome.WARN,
}

TOGGLES: dict[str, Row] = {
    "on_revoked": Row.REVOKED,
    "on_malicious": Row.ENGINES,
    "on_analysis_malicious": Row.ANALYSIS_MALICIOUS,
    "on_indicator_malicious": Row.INDICATOR_MALICIOUS,
    "on_detection": Row.DETECTION,
    "on_indicator_suspicious": Row.INDICATOR_SUSPICIOUS,
    "on_analysis_suspicious": Row.ANALYSIS_SUSPICIOUS,
    "on_unreviewed": Row.UNREVIEWED,
    "on_pending": Row.PENDING,
    "on_unavailable": Row.UNAVAILABLE,
    "on_incomplete": Row.INCOMPLETE,
    "on_changed": Row.CHANGED,
    "on_stale": Row.STALE,
    "on_unreadable": Row.UNREADABLE,
}


class Policy(NamedTuple):
    """What the operator wants. `rows` maps each row to its outcome; a row that is missing blocks when it fires.

    `host` and `service` name who is trusted to give verdicts: they are part of the policy's digest, so that a record made
    with a friendlier server counts for nothing here. Ages are in days.
    """

    rows: tuple[tuple[Row, Outcome], ...] = tuple(DEFAULT_ROWS.items())
    block_malicious_engines: int = 2
    block_indicator_engines: int = 3
    min_engines: int = 30
    max_age_days: int = 30
    grace_days: int = 30
    host: str = "https://www.virustotal.com"
    service: str = "auto"
    clawhub: str = "https://clawhub.ai"

    @property
    def digest(self) -> Digest:
        """SHA-256 over everything in this policy; a record counts only under the same digest."""
        return _digest(self)

    def outcome(self, row: Row) -> Outcome:
        """Return what `row` does when it fires; a row the policy does not name blocks."""
        return dict(self.rows).get(row, Outcome.BLOCK)


@lru_cache(maxsize=8)
def _digest(policy: Policy) -> Digest:
    # Kept: a warm process asks for it at every use of every skill.
    body = {
        "rows": {row.value: outcome.label for row, outcome in policy.rows},
        "block_malicious_engines": policy.block_malicious_engines,
        "block_indicator_engines": policy.block_indicator_engines,
        "min_engines": policy.min_engines,
        "max_age_days": policy.max_age_days,
        "grace_days": policy.grace_days,
        "host": policy.host,
        "service": policy.service,
        "clawhub": policy.clawhub,
    }
    return Digest(hashlib.sha256(b"openclaw-vt-policy-v1\0" + strict_json.dumps(body)).hexdigest())


PASSED_WORDS = "VirusTotal reviewed these bytes without a detection, and local analysis found nothing bad."
LIFT_WORDS: dict[Standing, str] = {
    Standing.ACCEPTED: "A person accepted these very bytes.",
    Standing.BASELINE: "This skill was here, unsuspicious, when the gate was set up, and has not changed since.",
    Standing.OWN: "A person declared this skill to be their own.",
    Standing.BUNDLED: "This skill is part of the installed OpenClaw package, unchanged.",
}
