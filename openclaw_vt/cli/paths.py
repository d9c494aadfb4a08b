"""Paths as people name them."""

from __future__ import annotations

import os


def absolute(given: str) -> str:
    """Return `given` as an absolute path; links stay, and so do undecodable bytes. Raises UsageError for an empty one.

    An empty path is a script's unset variable: it must not come to mean the folder the script stands in.
    """
    if not given:
        from openclaw_vt.errors import UsageError

        raise UsageError("A path is empty.", remedy="Name the skill's folder; `.` is the one you are in.")
    try:
        return os.path.abspath(given)  # noqa: PTH100 - resolve() would follow links
    except OSError as error:
        from openclaw_vt.errors import UsageError

        raise UsageError("The current folder is gone, so a relative path names nothing.", why=error.strerror or "") from None
