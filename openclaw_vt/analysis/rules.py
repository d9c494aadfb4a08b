"""A handful of judges, each of which its author could be told about with a straight face.

They describe behaviour: a download that is run unseen from a bare address, a shell handed to a remote host, a secret sent away,
code that hides what it runs, text that people cannot see. Words alone decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openclaw_vt.analysis.facts import Command, Fact, Prose
from openclaw_vt.model.display import shown_text
from openclaw_vt.model.finding import Confidence, Finding, Location, Severity
from openclaw_vt.model.verdict import AnalysisVerdict

MAX_EVIDENCE = 200

# From the last curl or wget before an address: one that looked on past the next would make hostile text cost its square.
_FETCH = r"\b(?:curl|wget)\b(?:(?!\b(?:curl|wget)\b)[^|;&\n]){0,400}?"
_SEND = r"\bcurl\b(?:(?!\bcurl\b)[^|;&\n]){0,300}?"
_SHELL = r"(?:sudo\s+)?(?:/bin/|/usr/bin/)?(?:ba|z|da|k)?sh(?![\w-])"
# This machine, its network, and the three networks that are kept for documentation (RFC 5737).
_LOCAL = r"(?:127\.|0\.0\.0\.0|10\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|169\.254\.|192\.0\.2\.|198\.51\.100\.|203\.0\.113\.)"
_BARE_ADDRESS = rf"https?://(?!{_LOCAL})(?:\d{{1,3}}\.){{3}}\d{{1,3}}(?![\d.])"
_KEY_FILE = (
    r"(?:~|\$HOME|\$\{HOME\}|/root|/home/\w+)/(?:\.ssh/id_\w++(?!\.pub)|\.aws/credentials|\.gnupg/|\.netrc|\.config/gcloud/)"
)
_TAG_ASCII = range(0xE0020, 0xE007F)


@dataclass(frozen=True, slots=True)
class Rule:
    """One behaviour. `pattern` is searched in one logical command."""

    rule_id: str
    severity: Severity
    pattern: re.Pattern[str]
    message: str
    remediation: str


RULES: tuple[Rule, ...] = (
    Rule(
        "execute.download-from-bare-address",
        Severity.CRITICAL,
        re.compile(rf"{_FETCH}{_BARE_ADDRESS}[^|\n]{{0,400}}+\|\s*+{_SHELL}"),
        "A program is downloaded from a bare IP address and run at once, unseen.",
        "Download from a named host over HTTPS, check the file, then run it.",
    ),
    Rule(
        "execute.encoded-shell",
        Severity.CRITICAL,
        re.compile(rf"\bbase64\s+(?:-d|-D|--decode)\b[^|;&\n]{{0,200}}+\|\s*+{_SHELL}"),
        "Encoded text is decoded and run by a shell, so that nobody can read what runs.",
        "Ship the command as plain text.",
    ),
    Rule(
        "execute.reverse-shell",
        Severity.CRITICAL,
        re.compile(rf"(?<![\w.-]){_SHELL}\s+-i\b[^\n]{{0,80}}/dev/(?:tcp|udp)/[\w.-]+/\d+"),
        "An interactive shell is handed to a remote host.",
        "Remove it; no skill needs a shell on somebody else's machine.",
    ),
    Rule(
        "exfiltrate.secret-file",
        Severity.CRITICAL,
        re.compile(
            rf"{_SEND}(?:@|<[ \t]{{0,8}}){_KEY_FILE}"
            rf"|\bcat\s+{_KEY_FILE}[^|;\n]{{0,80}}+\|[^;\n]{{0,120}}\b(?:curl|nc|ncat)\b"
        ),
        "A private key or credential file is sent over the network.",
        "Let the tool that owns the credential use it in place.",
    ),
)


def judge(facts: Iterable[Fact]) -> Iterator[Finding]:
    """Yield the findings of the facts. Each pattern looks a fixed number of characters ahead, so the work is linear."""
    for fact in facts:
        if isinstance(fact, Prose):
            yield from _hidden(fact)
        elif isinstance(fact, Command) and fact.context != "inline":
            # Code quoted inside a sentence is as often a warning as an order ("never run ..."), so it decides nothing here.
            yield from _command(fact)


def _command(fact: Command) -> Iterator[Finding]:
    for rule in RULES:
        match = rule.pattern.search(fact.text)
        if match is not None:
            yield _finding(rule, match.group(), fact.location)


def _finding(rule: Rule, evidence: str, place: Location) -> Finding:
    return Finding(
        rule_id=rule.rule_id,
        severity=rule.severity,
        confidence=Confidence.HIGH,
        message=rule.message,
        location=place,
        evidence=shown_text(evidence, MAX_EVIDENCE),
        remediation=rule.remediation,
    )


def _hidden(fact: Prose) -> Iterator[Finding]:
    if not fact.hidden:
        return
    spelt = "".join(chr(ord(c) - 0xE0000) if ord(c) in _TAG_ASCII else "\N{MIDDLE DOT}" for c in fact.hidden)
    yield Finding(
        rule_id="instructions.invisible-text",
        severity=Severity.HIGH,
        confidence=Confidence.HIGH,
        message="A line holds text that people cannot see and a model reads.",
        location=fact.location,
        evidence=shown_text(spelt, MAX_EVIDENCE),
        remediation="Remove the invisible characters.",
    )


def verdict_of(findings: Iterable[Finding]) -> AnalysisVerdict:
    """Return the local verdict: critical and sure is malicious, high is suspicious. Suppressed findings do not count."""
    weights = [f for f in findings if not f.suppressed]
    if any(f.severity is Severity.CRITICAL and f.confidence is Confidence.HIGH for f in weights):
        return AnalysisVerdict.MALICIOUS
    if any(f.severity >= Severity.HIGH for f in weights):
        return AnalysisVerdict.SUSPICIOUS
    return AnalysisVerdict.CLEAN
