"""How much of a skill is read: all limits in one place, with their units."""

from typing import NamedTuple

from openclaw_vt.errors import SkillUnreadable

KIB = 1 << 10
MIB = 1 << 20
GIB = 1 << 30


class Limits(NamedTuple):
    """Limits of one reading. What is over one of them is a gap, or the skill is refused as a whole; never silence.

    Names are counted in `max_entries` (files, folders, links and everything else). Sizes are in bytes. A file larger than
    `max_kept_file_bytes`, or one that no longer fits into `max_kept_bytes`, is hashed in full but not kept.
    `max_ratio` is unpacked : packed bytes of an archive and counts only above 16 MiB unpacked.
    """

    max_entries: int = 20_000
    max_depth: int = 64
    max_path_bytes: int = 1_024
    max_kept_file_bytes: int = 8 * MIB
    max_kept_bytes: int = 256 * MIB
    max_hashed_bytes: int = 4 * GIB
    max_archive_bytes: int = 128 * MIB
    max_unpacked_bytes: int = 512 * MIB
    max_ratio: int = 200
    max_gaps: int = 64


DEFAULT_LIMITS = Limits()


class Budget:
    """What one reading has used up so far. It outlives a walk that starts again, so a busy writer cannot renew it."""

    __slots__ = ("_hashable", "_keepable", "_keepable_file", "limits", "room")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._hashable = limits.max_hashed_bytes
        self._keepable_file = limits.max_kept_file_bytes
        self.restart()

    def restart(self) -> None:
        """Forget names and kept bytes, as their walk is thrown away. The work of hashing stays counted."""
        self.room = self.limits.max_entries
        self._keepable = self.limits.max_kept_bytes

    def count(self, names: int) -> None:
        """Count names; `room` is how many more may come. Raises SkillUnreadable when they are too many."""
        self.room -= names
        if self.room < 0:
            raise SkillUnreadable(
                "This skill has too many files.",
                why=f"Files, folders and links together are more than {self.limits.max_entries:,}.",
                remedy="Remove what does not belong to the skill, or check its parts one by one.",
            )

    def admit(self, size: int) -> bool | None:
        """Take `size` bytes: True to hash and keep them, False to hash them only, None when even that is too much."""
        if size > self._hashable:
            return None
        self._hashable -= size
        if size > self._keepable_file or size > self._keepable:
            return False
        self._keepable -= size
        return True
