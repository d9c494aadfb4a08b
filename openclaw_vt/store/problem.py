"""Why a store gave no answer, as a typed value: a problem is shown and denies, it is never raised into a decision."""

from enum import StrEnum
from typing import NamedTuple

from openclaw_vt.errors import CacheError


class ProblemCode(StrEnum):
    """The reasons, stable words for programs."""

    BUSY = "busy"  # another process held the file for longer than we wait
    CLOCK = "clock"  # the clock is behind what was signed
    CORRUPT = "corrupt"  # SQLite or the parser cannot read it
    DATABASE_GONE = "database-gone"  # the head counts records, the database has none
    FORGED = "forged"  # a signature, or what a row says of itself, does not hold
    GAP = "gap"  # a record is missing that nobody pruned
    HEAD_BEHIND = "head-behind"  # the head was replaced by an older one
    HEAD_GONE = "head-gone"
    HEAD_INVALID = "head-invalid"
    NO_KEY = "no-key"  # there are records, and no key to verify them with
    PENDING = "pending"  # a crash between database and head; the next write mends it
    ROLLBACK = "rollback"  # the database is older than its head
    TORN = "torn"  # the audit log ends inside a line
    UNREADABLE = "unreadable"  # the operating system said no
    UNSAFE = "unsafe"  # another user could have written here
    VAULT_AHEAD = "vault-ahead"  # database and head were both rolled back
    VAULT_INVALID = "vault-invalid"
    WRITE_FAILED = "write-failed"


_MENDED_BY_USE = frozenset({ProblemCode.BUSY, ProblemCode.PENDING, ProblemCode.TORN})


# Here and in the other modules of a look-up: a NamedTuple, because Python makes one in a seventh of the time that a dataclass
# takes, and `verify` makes them anew in every process.
class Problem(NamedTuple):
    """One thing that is wrong. `sequence` names the record, where it is about one."""

    code: ProblemCode
    message: str
    remedy: str = ""
    sequence: int | None = None

    @property
    def repairable(self) -> bool:
        """True when the next write or the next try mends it without losing anything."""
        return self.code in _MENDED_BY_USE

    def error(self) -> CacheError:
        """Return the problem as an error, for the callers that were asked to write."""
        return CacheError(self.message, remedy=self.remedy)
