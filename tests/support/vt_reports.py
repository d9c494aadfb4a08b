"""File reports in VirusTotal's shape, made by the simulator's own builders, for tests that need no server."""

from __future__ import annotations

import hashlib
import json

from openclaw_vt.model.subject import Digest
from openclaw_vt.virustotal.interface import FileReport as Received
from openclaw_vt.virustotal.interface import Unavailable
from openclaw_vt.virustotal.simulator_data import FileReport, file_body, hashes_named

NOW = 1_938_000_000.0


def digest_of(text: str) -> Digest:
    return Digest(hashlib.sha256(text.encode()).hexdigest())


def received(asked: Digest, report: FileReport | None = None, *, now: float = NOW) -> Received:
    """What the client hands over for this report."""
    report = report or FileReport()
    body = file_body(hashes_named(asked), report, analysed=now - report.age_days * 86_400)
    return Received(body, Digest(hashlib.sha256(json.dumps(body).encode()).hexdigest()))


class Answers:
    """A `ReputationService` that answers from a table: a report, None for "never seen", or an `Unavailable` to raise."""

    def __init__(self, table: dict[Digest, FileReport | Unavailable | None]) -> None:
        self.table = table
        self.asked: list[Digest] = []

    def file_report(self, sha256: Digest, *, deadline: float) -> Received | None:
        self.asked.append(sha256)
        answer = self.table.get(sha256)
        if isinstance(answer, Unavailable):
            raise answer
        return None if answer is None else received(sha256, answer)

    def close(self) -> None:
        """Nothing to let go of."""
