"""The fast half of a use: are these the bytes that were verified? Warm settings, a warm cache, and the shape each skill had.

Nothing here is believed from memory alone: every use reads and hashes every byte, and asks the cache whether anything was
written since. What is kept is the work of building and verifying, never the answer's ground.
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import SYSTEM_FILE, Config
from openclaw_vt.model.subject import Digest, SkillRef, Snapshot, Subject, identify
from openclaw_vt.policy.table import Policy
from openclaw_vt.recognition import Recognised, recognise
from openclaw_vt.skill.reader import read
from openclaw_vt.skill.recheck import Shape, shape_of, unchanged
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.keys.public import FILE_NAME

MAX_REMEMBERED = 5_000
_Mark = tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Room:
    """What belongs to one state of the settings and of the enrolled key. `asked` says that third-party plugins have a say."""

    marks: tuple[_Mark, ...]
    config: Config
    policy: Policy
    digest: Digest
    cache: Cache
    asked: bool


class Front:
    """Answers from warm memory, for many threads. `settings` reads the configuration; a changed file counts at the next use."""

    def __init__(self, settings: Callable[[], Config], *, clock: Callable[[], float] = time.time) -> None:
        """`clock` gives epoch seconds. Raises GateError for settings that cannot be read."""
        self._settings = settings
        self._clock = clock
        self._lock = threading.Lock()
        self._shapes: OrderedDict[str, tuple[Shape, Subject]] = OrderedDict()
        self._room = self._furnish()

    @property
    def config(self) -> Config:
        """The settings in force now. Raises GateError."""
        return self.room().config

    @property
    def policy(self) -> Policy:
        """The policy in force now. Raises GateError."""
        return self.room().policy

    def recognise(self, path: str) -> tuple[Subject, Recognised]:
        """Return what lies at `path` now and what the cache says of it. Raises SkillUnreadable, GateError."""
        return self.recognise_in(self.room(), path)

    def recognise_in(self, room: Room, path: str) -> tuple[Subject, Recognised]:
        """Return the same, under settings that were just looked at. Raises SkillUnreadable."""
        subject = self.identify(path)
        return subject, recognise(room.cache, subject, room.policy, now=self._clock())

    def identify(self, path: str) -> Subject:
        """Return the digests of the bytes at `path`, all of them read now. Raises SkillUnreadable."""
        known = self._shapes.get(path)
        if known is not None and unchanged(path, known[0]):
            return known[1]
        return self.learn(path, read(path))

    def learn(self, path: str, snapshot: Snapshot) -> Subject:
        """Remember what a reading found, so that the next one only compares."""
        subject = identify(snapshot, SkillRef(name=os.path.basename(path) or path, path=path))
        shape = shape_of(snapshot)
        with self._lock:
            self._shapes.pop(path, None)
            if shape is not None:
                self._shapes[path] = (shape, subject)
            while len(self._shapes) > MAX_REMEMBERED:
                self._shapes.popitem(last=False)
        return subject

    def adopt(self, path: str, shape: Shape, subject: Subject) -> None:
        """Remember the shape of a folder that was just compared with it, byte by byte."""
        with self._lock:
            self._shapes[path] = (shape, subject)

    def remembered(self) -> list[tuple[Shape, Subject]]:
        """Return what is remembered: shapes as they were read last, with their digests."""
        with self._lock:
            return list(self._shapes.values())

    def close(self) -> None:
        """Close the cache."""
        self._room.cache.close()

    def room(self) -> Room:
        """Return the settings and the cache in force now. Raises GateError."""
        room = self._room
        if _marks(room.config) == room.marks:
            return room
        with self._lock:
            if _marks(self._room.config) != self._room.marks:
                before, self._room = self._room, self._furnish()
                before.cache.close()  # a thread that still asks it opens it once more
            return self._room

    def _furnish(self) -> Room:
        # Marks first: what changes while the rest is read is noticed at the next use.
        config = self._settings()
        marks = _marks(config)
        config = self._settings()
        assembly = Assembly(config, clock=self._clock)
        policy, asked = assembly.policy, bool(config["plugins", "allow"])
        return Room(marks, config, policy, policy.digest, assembly.cache(), asked)


def _marks(config: Config) -> tuple[_Mark, ...]:
    files = (SYSTEM_FILE, config.file, os.path.join(config.state_folder, FILE_NAME))
    return tuple(_mark(file) for file in files)


def _mark(file: str) -> _Mark:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
