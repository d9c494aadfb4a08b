"""What the loopback VirusTotal knows: files by their three hashes, analyses on their way, upload addresses. No network."""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import Literal

from openclaw_vt.virustotal.simulator_data import CLEAN, DAY_S, FileReport, Hashes, hashes_named, hashes_of

Status = Literal["queued", "in-progress", "completed"]


@dataclass(slots=True, eq=False)
class KnownFile:
    """One file the simulator has heard of. Without a report of its own it has the default one.

    `analysed_at` (epoch seconds) replaces the report's age after a fresh analysis. `uploaded_here` marks a file that was
    new when it came in: until its analysis is complete nobody can look it up, and its look-ups stay free of charge.
    """

    hashes: Hashes
    report: FileReport | None = None
    names: list[str] = field(default_factory=list)
    analysed_at: float | None = None
    uploaded_here: bool = False


@dataclass(slots=True, eq=False)
class Analysis:
    """One analysis. `polls` counts how often somebody asked; `free` says that asking costs no quota."""

    analysis_id: str
    file: KnownFile
    date: float
    free: bool
    polls: int = 0
    done: bool = False


class World:
    """The state behind the endpoints.

    `default` is the answer for every file nobody described (None: such files are unknown). `uploaded` is what a new upload
    turns out to be. `polls` is how often an analysis must be asked for before it is complete.
    """

    def __init__(self) -> None:
        self.default: FileReport | None = None
        self.uploaded = CLEAN
        self.polls = 2
        self._files: dict[str, KnownFile] = {}
        self._analyses: dict[str, Analysis] = {}
        self._tokens: set[str] = set()

    def know(self, file: str | bytes, report: FileReport) -> None:
        """Answer `report` for this file from now on: its bytes, or one of its hashes in hexadecimal.

        Raises ValueError for a text that is no MD5, SHA-1 or SHA-256.
        """
        hashes = hashes_of(file) if isinstance(file, bytes) else hashes_named(file)
        known = self._remember(hashes, exact=isinstance(file, bytes))
        known.report, known.analysed_at, known.uploaded_here = report, None, False

    def find(self, name: str) -> KnownFile | None:
        """Return the file of this hash (lower-case), if it can be looked up or will be after its analysis."""
        known = self._files.get(name)
        if known is None and self.default is not None:
            known = KnownFile(hashes_named(name))
        return known if known is not None and (known.uploaded_here or self.report_of(known) is not None) else None

    def report_of(self, known: KnownFile) -> FileReport | None:
        """Return what this file's report is now, or None while nobody may look it up."""
        if known.report is None and not known.uploaded_here:
            return self.default
        return known.report

    def receive(self, data: bytes, filename: str, now: float) -> Analysis:
        """Take in an upload and start its analysis. The file's name joins the public ones, as VirusTotal does it."""
        hashes = hashes_of(data)
        new = self.find(hashes.sha256) is None
        known = self._remember(hashes, exact=True)
        known.uploaded_here = known.uploaded_here or new
        if filename not in known.names:
            known.names.append(filename)
        return self.analyse(known, now)

    def analyse(self, known: KnownFile, now: float) -> Analysis:
        """Start an analysis of a file."""
        known = self._remember(known.hashes, exact=False)
        date = now
        # The id is made of MD5 and second, so a frozen clock needs another second for another analysis.
        while (analysis_id := _analysis_id(known.hashes.md5, date)) in self._analyses:
            date += 1
        analysis = Analysis(analysis_id, known, date, free=known.uploaded_here)
        self._analyses[analysis_id] = analysis
        return analysis

    def analysis(self, analysis_id: str) -> Analysis | None:
        """Return the analysis of this id, or None."""
        return self._analyses.get(analysis_id)

    def pending(self, known: KnownFile) -> Analysis | None:
        """Return an analysis of this file that is not complete yet, or None."""
        return next((a for a in self._analyses.values() if a.file is known and not a.done), None)

    def advance(self, analysis: Analysis, now: float) -> Status:
        """Answer one more poll: queued, then in progress, and complete after `polls` of them."""
        seen, analysis.polls = analysis.polls, analysis.polls + 1
        if seen < self.polls and not analysis.done:
            return "in-progress" if seen else "queued"
        if not analysis.done:
            analysis.done = True
            known = analysis.file
            known.analysed_at = now
            if known.report is None and known.uploaded_here:
                known.report = self.uploaded
        return "completed"

    def analysed_at(self, known: KnownFile, report: FileReport, now: float) -> float:
        """Return the date of the file's last analysis in epoch seconds."""
        return now - report.age_days * DAY_S if known.analysed_at is None else known.analysed_at

    def new_token(self) -> str:
        """Return a fresh name for an upload address."""
        token = secrets.token_urlsafe(24)
        self._tokens.add(token)
        return token

    def use_token(self, token: str) -> bool:
        """True the first time; afterwards, and for any other name, False."""
        if token not in self._tokens:
            return False
        self._tokens.remove(token)
        return True

    def _remember(self, hashes: Hashes, *, exact: bool) -> KnownFile:
        known = self._files.get(hashes.sha256) or KnownFile(hashes)
        if exact:
            known.hashes = hashes
        for name in (known.hashes.sha256, known.hashes.sha1, known.hashes.md5):
            self._files[name] = known
        return known


def _analysis_id(md5: str, date: float) -> str:
    return base64.b64encode(f"{md5}:{int(date)}".encode()).decode()
