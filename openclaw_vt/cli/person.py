"""What a person says yes to: these very bytes, and no others."""

from __future__ import annotations

from openclaw_vt.errors import UsageError
from openclaw_vt.model.subject import Subject, tree_digest


def require_unchanged(subject: Subject) -> None:
    """Read the skill once more: a person takes seconds to answer. Raises UsageError if it is not what they were shown.

    Raises SkillUnreadable when it is gone.
    """
    from openclaw_vt.skill.reader import read

    now = read(subject.ref.path)
    if tree_digest(now.entries) != subject.tree or now.gaps != subject.unhashed:
        raise UsageError("The skill changed while you were asked, so your answer does not count.", remedy="Look at it again.")
