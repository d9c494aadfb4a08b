"""The `openclaw` program: where it is, for the commands that hand over to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path


def find_openclaw(environ: Mapping[str, str]) -> str | None:
    """Return the absolute path of the `openclaw` program in PATH, or None.

    Entries of PATH that depend on the current folder are left out: a skill's folder must not supply the program.
    """
    folders = [folder for folder in environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()]
    return shutil.which("openclaw", path=os.pathsep.join(folders)) if folders else None
