"""A watch on the skill folders: a skill whose files change is looked at before anybody uses it."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)
DEBOUNCE_MS = 1_600
MANIFEST = "SKILL.md"
MAX_STEPS = 8


class Watch:
    """Watches folders in a thread of its own until it is closed. `changed` hears the skill's folder, not the file.

    What is missed costs no safety: every use compares the bytes anyway.
    """

    def __init__(self, roots: tuple[str, ...], changed: Callable[[str], None]) -> None:
        self.roots = roots
        self._changed = changed
        self._stop = threading.Event()
        if roots:
            threading.Thread(target=self._run, name="watch", daemon=True).start()

    def close(self) -> None:
        """Stop. Returns at once; the thread ends a moment later."""
        self._stop.set()

    def _run(self) -> None:
        from watchfiles import watch

        try:
            for changes in watch(
                *self.roots, stop_event=self._stop, debounce=DEBOUNCE_MS, ignore_permission_denied=True, raise_interrupt=False
            ):
                for path in {skill for _, name in changes if (skill := self._skill_of(name)) is not None}:
                    self._changed(path)
        except Exception as error:  # noqa: BLE001 - a system without enough watches must not end the daemon; uses are checked anyway
            log.warning("Skill folders are not watched any more: %s", error)

    def _skill_of(self, path: str) -> str | None:
        """Return the outermost folder with a manifest on the way from a root to `path`, or the folder that lost it."""
        root = next((root for root in self.roots if path.startswith(root + os.sep)), None)
        if root is None:
            return None
        steps = path[len(root) + 1 :].split(os.sep)[:MAX_STEPS]
        folder = root
        for step in steps:
            folder = os.path.join(folder, step)
            if os.path.isfile(os.path.join(folder, MANIFEST)):
                return os.path.realpath(folder)
        return os.path.dirname(path) if os.path.basename(path) == MANIFEST else None
