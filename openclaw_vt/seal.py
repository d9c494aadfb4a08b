"""The shortest way to a yes: the first half of the walk, for `verify` without a daemon.

It reads, names and recognises with the same functions as the gate, and answers only where nothing is left to decide; every
other case is None, and the gate answers. What it leaves out is loading the vocabulary of verdicts.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from openclaw_vt.config import Config
from openclaw_vt.errors import GateError
from openclaw_vt.model.subject import SkillRef, identify
from openclaw_vt.recognition import recognise
from openclaw_vt.skill.reader import read
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.keys.public import load_public


def plain_yes(paths: list[str], config: Config, *, clock: Callable[[], float] = time.time) -> list[str] | None:
    """Return the words for each path if every answer is a plain yes, else None. Writes nothing, never raises.

    `clock` gives epoch seconds.
    """
    words = []
    try:
        policy = config.policy()
        with Cache(config.state_folder, public=load_public(config.state_folder), clock=clock) as cache:
            for path in paths:
                subject = identify(read(path), SkillRef(name=path, path=path))
                said = recognise(cache, subject, policy, now=clock()).plain_yes(subject)
                if said is None:
                    return None
                words.append(said)
    except GateError:
        return None  # the gate will say what is wrong, in full
    return words
