"""Where the parts of the cache lie, and whether that place can be trusted at all."""

import os
from typing import NamedTuple, Self

from openclaw_vt.store import files
from openclaw_vt.store.problem import Problem, ProblemCode


class Place(NamedTuple):
    """Paths as text, made once: a warm look-up takes less time than joining them does.

    `lock` is held around every write to the other two and to the vault.
    """

    folder: str
    database: str
    head: str
    lock: str

    @classmethod
    def of(cls, folder: files.StrPath) -> Self:
        """Return the place in a state folder."""
        text = os.fspath(folder)
        return cls(text, *(os.path.join(text, name) for name in ("cache.db", "head.json", "cache.lock")))

    def refusal(self) -> Problem | None:
        """Return why nothing in this folder may be read or written. Raises OSError when that cannot be found out."""
        why = files.unsafe_reason(self.folder)
        if why is None:
            return None
        remedy = f"Run `chmod 700 '{self.folder}'`, or name another folder in OPENCLAW_VT_STATE_DIR."
        return Problem(ProblemCode.UNSAFE, f"The state folder {self.folder} is not private: {why}.", remedy)


def unreadable(error: OSError) -> Problem:
    """Return the operating system's refusal, or ours to use what is no plain file, as a problem."""
    if isinstance(error, files.NotPlain):
        path = error.filename
        return Problem(ProblemCode.UNSAFE, f"{path} is not used. {error.strerror}", f"Remove {path}.")
    why = error.strerror or type(error).__name__
    return Problem(ProblemCode.UNREADABLE, f"The operating system refused access to the cache: {why}.")
