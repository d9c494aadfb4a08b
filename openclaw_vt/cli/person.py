"""A person says yes, and to these very bytes: not the agent, and not to others."""

from __future__ import annotations

from collections.abc import Mapping

from openclaw_vt.errors import Refused, UsageError
from openclaw_vt.model.subject import Subject, tree_digest


def by_agent(environ: Mapping[str, str]) -> bool:
    """Whether a tool of OpenClaw's agent started us: OpenClaw 2026.9.6 says so to everything its exec tool runs.

    An agent that takes the variable away is stopped before, by the plugin; this is the second net.
    """
    return environ.get("OPENCLAW_SHELL") == "exec"


def require_person(environ: Mapping[str, str]) -> None:
    """Raise Refused where the agent asks for what only a person may do."""
    if by_agent(environ):
        raise Refused("The agent may not do this for you.", remedy="Run it yourself, in your own terminal.")


def require_unchanged(subject: Subject) -> None:
    """Read the skill once more: a person takes seconds to answer. Raises UsageError if it is not what they were shown.

    Raises SkillUnreadable when it is gone.
    """
    from openclaw_vt.skill.reader import read

    now = read(subject.ref.path)
    if tree_digest(now.entries) != subject.tree or now.gaps != subject.unhashed:
        raise UsageError("The skill changed while you were asked, so your answer does not count.", remedy="Look at it again.")
