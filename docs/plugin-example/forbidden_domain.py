"""A complete plugin for openclaw-vt: a finding for each host that a company does not want its agents to talk to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from openclaw_vt.analysis.facts import Fact
from openclaw_vt.model.finding import Confidence, Finding, Location, Severity
from openclaw_vt.model.permission import Endpoint
from openclaw_vt.plugin.spec import hookimpl

FORBIDDEN = frozenset({"forbidden.example", "pastebin.example"})


@hookimpl
def skill_analyze(facts: Iterable[Fact]) -> Iterator[Finding]:
    for fact in facts:
        if isinstance(fact, Endpoint) and is_forbidden(fact.value):
            yield Finding(
                rule_id="acme.forbidden-domain",
                severity=Severity.HIGH,
                confidence=Confidence.HIGH,
                message="The skill talks to a host that our company forbids.",
                location=Location(fact.file, fact.line),
                evidence=fact.value,
                remediation="Ask security@acme.example for an alternative.",
            )


def is_forbidden(url: str) -> bool:
    """Whether the host is on the list or below a host that is. Text from a skill is hostile: what cannot be parsed is no host."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    return any(host == name or host.endswith(f".{name}") for name in FORBIDDEN)
