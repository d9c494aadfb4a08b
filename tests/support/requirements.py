"""Programs a test needs: absent on a contributor's machine it is skipped, absent in CI it fails, so no promise goes untested."""

from __future__ import annotations

import os
import shutil

import pytest


def require(tool: str, reason: str) -> str:
    """Return the path of `tool`. Without it, skip the test with the reason, or fail when CI=true."""
    found = shutil.which(tool)
    if found is None:
        missing(f"{tool} is not installed: {reason}")
    return str(found)


def missing(what: str) -> None:
    """Skip for want of `what`, or fail when CI=true."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"{what} (a skip anywhere else, a failure in CI)")
    pytest.skip(what)
