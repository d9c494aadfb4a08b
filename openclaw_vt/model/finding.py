"""What an analyser found: a finding with its place, its weight and a fingerprint that survives moved lines."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import IntEnum


class Severity(IntEnum):
    """How bad a finding would be if it is true."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The lower-case word of the report schema."""
        return self.name.lower()


class Confidence(IntEnum):
    """How sure the rule is that the finding is true."""

    LOW = 0
    MEDIUM = 1
    HIGH = 2

    @property
    def label(self) -> str:
        """The lower-case word of the report schema."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a skill. `file` is the entry's path, `line` counts from 1; None where a line makes no sense."""

    file: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a person should know. `evidence` is text from the skill: hostile, shown only escaped and capped."""

    rule_id: str
    severity: Severity
    confidence: Confidence
    message: str
    location: Location | None = None
    evidence: str = ""
    remediation: str = ""
    suppressed: bool = False
    source: str = "builtin"

    @property
    def fingerprint(self) -> str:
        """A stable name for this finding: rule, file and evidence, not the line, so that an edit above does not move it."""
        place = self.location.file if self.location else ""
        text = "\0".join((self.rule_id, place, " ".join(self.evidence.split())))
        return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:32]
