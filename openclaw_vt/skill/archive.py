"""Archive -> Snapshot, in memory: nothing is written to disk, and whatever two programs could read in two ways is refused."""

from __future__ import annotations

from openclaw_vt.model.subject import Snapshot
from openclaw_vt.skill.kinds import ArchiveKind
from openclaw_vt.skill.limits import Budget
from openclaw_vt.skill.members import Members


def read_archive(data: bytes, kind: ArchiveKind, budget: Budget) -> Snapshot:
    """Read an archive that is held in memory. Raises SkillUnreadable when it is refused as a whole."""
    members = Members(len(data), budget)
    if kind == "zip":
        from openclaw_vt.skill.zips import read_zip

        read_zip(data, members)
    else:
        from openclaw_vt.skill.tars import read_tar

        read_tar(data, members, gzipped=kind == "gzip")
    return members.snapshot()
