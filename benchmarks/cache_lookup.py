"""Does a look-up in the signed cache stay as fast when the cache grows? The goal: 100,000 entries cost at most 1.5 times 100.

Both caches are asked in turn, in one run, and the ratio of the medians is printed; absolute times of a shared machine say little.
"cold" opens the cache for each look-up, as a command does; "warm" keeps it open and asks for records it has seen, as the daemon
does; "fresh" keeps it open and asks for records it has not seen, so that each signature is verified.

    python benchmarks/cache_lookup.py [--entries 100000] [--rounds 400]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from openclaw_vt.attestation import dsse, statement
from openclaw_vt.attestation.dsse import PublicKey
from openclaw_vt.attestation.statement import Draft, Kind, Statement
from openclaw_vt.model.subject import Digest
from openclaw_vt.store import database, files, record
from openclaw_vt.store import head as heads
from openclaw_vt.store.cache import Cache
from openclaw_vt.store.head import Head
from openclaw_vt.store.place import Place
from openclaw_vt.store.record import Stored

NOW = 1_800_000_000
SMALL = 100
GOAL = 1.5
POLICY = Digest(hashlib.sha256(b"policy").hexdigest())


class Signer:
    """A throw-away key."""

    def __init__(self) -> None:
        self._private = Ed25519PrivateKey.generate()
        self.public = PublicKey(self._private.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""
        return self._private.sign(message)


def tree(number: int) -> Digest:
    """Return the digest of skill number so-and-so."""
    return Digest(hashlib.sha256(b"skill %d" % number).hexdigest())


def detail() -> dict[str, object]:
    """Return what a record of a skill with twenty files holds, roughly."""
    listed = [{"path": f"scripts/file{n}.py", "size": n, "exec": False, "sha256": "0" * 64} for n in range(20)]
    return {"verdict": {"others": [], "coverage": []}, "tree": {"format": "ocvt-tree-v1", "files": listed, "others": []}}


def chain(count: int, signer: Signer) -> Iterator[Stored]:
    """Yield `count` signed records, each following the one before."""
    extra = detail()
    previous = None
    for number in range(count):
        draft = Draft(
            Kind.VERIFICATION,
            tree(number),
            f"skill:{number}",
            NOW,
            policy=POLICY,
            result="PASSED",
            not_after=NOW + 86_400,
            detail=extra,
        )
        place = Statement(draft, number + 1, previous)
        payload = statement.serialise(place, verifier=f"openclaw-vt:{signer.public.keyid}", version="0")
        envelope = dsse.sign(dsse.INTOTO_TYPE, payload, signer).to_bytes()
        previous = record.digest(envelope)
        yield Stored(place, envelope, previous)


def build(folder: Path, count: int, signer: Signer) -> None:
    """Write a cache as `append` would have, in one transaction instead of `count`."""
    place = Place.of(folder)
    files.make_folder(folder)
    files.create(place.database)
    stored = None
    with closing(database.connect(place.database, "rw", patience_s=1)) as connection, database.transaction(connection):
        database.create(connection, gap=None)
        for stored in chain(count, signer):
            database.insert(connection, stored)
    assert stored is not None
    head = Head(sequence=stored.sequence, record=stored.record, time=NOW)
    files.replace(place.head, [heads.seal(head, signer)])


def timed(action: Callable[[], object]) -> float:
    """Return how long an action takes, in seconds."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def compare(small: Callable[[int], object], large: Callable[[int], object], rounds: int) -> tuple[float, float]:
    """Return the median times of both, asked in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds):
        for side, action in zip(times, (small, large), strict=True):
            side.append(timed(lambda act=action, n=number: act(n)))
    return statistics.median(times[0]), statistics.median(times[1])


def main() -> None:
    """Build both caches, measure, print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=400)
    options = parser.parse_args()
    signer = Signer()
    with tempfile.TemporaryDirectory() as name:
        folders = {count: Path(name) / str(count) for count in (SMALL, options.entries)}
        for count, folder in folders.items():
            build(folder, count, signer)
        print(json.dumps(measure(folders, signer, options.rounds), indent=1))


def measure(folders: dict[int, Path], signer: Signer, rounds: int) -> dict[str, object]:
    """Return the ratios, and each time in units of one signature check."""
    chance = random.Random(1)

    def opened(folder: Path) -> Cache:
        return Cache(folder, public=signer.public, clock=lambda: NOW)

    def found(cache: Cache, number: int) -> None:
        assert cache.find(tree(number), POLICY).verification is not None

    def cold(count: int) -> Callable[[int], None]:
        def ask(_: int) -> None:
            with opened(folders[count]) as cache:
                found(cache, chance.randrange(count))

        return ask

    def kept(count: int, pick: Callable[[int], int]) -> Callable[[int], None]:
        cache = opened(folders[count])
        for number in range(50):
            found(cache, number)
        return lambda number: found(cache, pick(number))

    small, large = folders
    message = b"x" * 5000
    signature = signer.sign(message)
    check = statistics.median(timed(lambda: signer.public.check(signature, message)) for _ in range(rounds))
    runs = {
        "cold": compare(cold(small), cold(large), rounds),
        "warm": compare(kept(small, lambda n: n % 50), kept(large, lambda n: n % 50), rounds),
        "fresh": compare(kept(small, lambda n: 50 + n), kept(large, lambda n: large - 1 - n * 17), SMALL - 50),
    }
    return {
        "goal": GOAL,
        "ratio": {name: round(after / before, 2) for name, (before, after) in runs.items()},
        "signature checks": {name: [round(side / check, 2) for side in sides] for name, sides in runs.items()},
    }


if __name__ == "__main__":
    main()
