"""Every installed skill compared with what was verified, as fast as its bytes can be hashed; and the result written down."""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from openclaw_vt.assembly import Assembly
from openclaw_vt.daemon import roster
from openclaw_vt.daemon.front import Front
from openclaw_vt.errors import GateError
from openclaw_vt.recognition import Recognised, recognise
from openclaw_vt.skill.recheck import unchanged

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Found:
    """How many skills were looked at, which are no plain yes, and whether the roster did not know all the others."""

    looked_at: int
    unknown: tuple[str, ...]
    anew: bool


class Survey:
    """One look at everything, with the keys of one assembly."""

    def __init__(self, front: Front, assembly: Assembly) -> None:
        self._front = front
        self._assembly = assembly

    def run(self, paths: Iterable[str]) -> Found:
        """Hash every skill. Raises GateError for settings that cannot be read."""
        with _no_collector():
            known = self._roster()
        looked_at, anew, unknown = 0, False, []
        for path in paths:
            looked_at += 1
            entry = known.get(path)
            if entry is not None and unchanged(path, entry.shape):
                self._front.adopt(path, entry.shape, entry.subject)
            elif self._is_verified(path):
                anew = True
            else:
                unknown.append(path)
        return Found(looked_at, tuple(unknown), anew)

    def write_down(self) -> None:
        """Sign the roster of what is remembered and verified. Where nothing can be signed there is none."""
        room, assembly = self._front.room(), self._assembly
        if room.asked:
            return  # third-party plugins have a say at every use, and a roster cannot speak for them
        now = assembly.clock()
        try:
            # The head first: what is recorded meanwhile makes the roster one of a moment that has passed.
            ground = roster.Ground(roster.head_digest(room.config.state_folder), room.digest, int(now))
            entries = []
            for shape, subject in self._front.remembered():
                found = recognise(room.cache, subject, room.policy, now=now)
                if found.plain_yes(subject) is not None:
                    entries.append(roster.Entry(subject, shape, _until(found)))
            pen = assembly.pen()
            if pen is not None:
                roster.save(room.config.state_folder, ground, entries, pen.signer)
        except (GateError, OSError) as error:
            log.warning("The roster was not written: %s", error)

    def _roster(self) -> dict[str, roster.Entry]:
        room = self._front.room()
        if room.asked:
            return {}
        try:
            head = roster.head_digest(room.config.state_folder)
        except OSError:
            return {}
        ground = roster.Ground(head, room.digest, int(self._assembly.clock()))
        return roster.load(room.config.state_folder, self._assembly.public(), ground)

    def _is_verified(self, path: str) -> bool:
        try:
            subject, known = self._front.recognise(path)
        except GateError:
            return False
        return known.plain_yes(subject) is not None


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Keep the garbage collector from walking through ten thousands of new tuples again and again, none of them garbage."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _until(found: Recognised) -> int | None:
    """Return when a verification expires (epoch seconds). A person's yes has no end."""
    return found.verification.draft.not_after if found.verification is not None and found.settled else None
