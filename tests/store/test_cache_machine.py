"""Random histories of honest writes, crashes and tampering, against a model of what may be allowed.

The invariant: what permits is a record that we signed, about these very bytes under this policy, not revoked since and not
contradicted since. Everything else may be forgotten at any time; that costs a new judgement and no safety.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from support.signing import DAY, MAIL, OURS, POLICY, STRICTER, WEATHER, Clock, MemoryVault, Says

from openclaw_vt.attestation.statement import Kind
from openclaw_vt.store.cache import Cache, Stored

TREES = st.sampled_from([WEATHER, MAIL])
POLICIES = st.sampled_from([POLICY, STRICTER])
KINDS = st.sampled_from(["passed", "passed", "failed", "accepted", "revoked", "reinstated"])
WHICH = st.integers(0, 9)


@dataclass
class Copy:
    database: bytes | None
    head: bytes | None


class Machine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp()) / "state"
        self.clock = Clock()
        self.vault = MemoryVault()
        self.cache = Cache(self.folder, public=OURS.public, clock=self.clock)
        self.signed: list[Stored] = []
        self.copies: list[Copy] = []
        self.intact = True  # nobody interfered, and the clock never went back: nothing may be missing either
        self.stale: set[str] = set()
        self.pending = False

    def teardown(self) -> None:
        self.cache.close()
        shutil.rmtree(self.folder.parent)

    # Honest use.

    def write(self, kind, tree, policy) -> Stored:
        says = Says(int(self.clock.now))
        draft = getattr(says, kind)(tree, policy) if kind in {"passed", "failed"} else getattr(says, kind)(tree)
        stored = self.cache.append(draft, signer=OURS, vault=self.vault)
        self.signed.append(stored)
        self.stale = set()
        self.pending = False
        return stored

    @rule(kind=KINDS, tree=TREES, policy=POLICIES)
    def append(self, kind, tree, policy):
        stored = self.write(kind, tree, policy)
        found = self.cache.find(tree, policy)
        assert found.problem is None or not self.intact
        if kind in {"passed", "failed"}:
            assert found.verification == stored
        if kind == "accepted":
            assert found.acceptance == stored
        assert found.revoked == self.is_revoked(tree)

    @rule(kind=KINDS, tree=TREES, policy=POLICIES)
    def append_and_crash_before_the_head(self, kind, tree, policy):
        self.write("passed", tree, policy)
        head, vault = self.file("head.json"), self.vault.head
        self.write(kind, tree, policy)
        self.put("head.json", head)
        self.vault.head = vault
        self.pending = True

    @rule()
    def prune(self):
        self.cache.prune(self.clock.now, signer=OURS, vault=self.vault)
        self.stale = set()
        self.pending = False

    @rule(days=st.integers(0, 40))
    def time_passes(self, days):
        self.clock.now += days * DAY

    @rule(days=st.sampled_from([1, 365]))
    def the_clock_is_set_back(self, days):
        self.clock.now -= days * DAY
        self.intact = False

    @rule()
    def another_process_opens_it(self):
        self.cache.close()
        self.cache = Cache(self.folder, public=OURS.public, clock=self.clock)

    # Tampering.

    def file(self, name) -> bytes | None:
        path = self.folder / name
        return path.read_bytes() if path.exists() else None

    def put(self, name, content) -> None:
        if content is None:
            (self.folder / name).unlink(missing_ok=True)
        else:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            (self.folder / name).write_bytes(content)

    def sql(self, statement, *values) -> None:
        self.intact = False
        with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(self.folder / "cache.db")) as database:
            database.executescript("") if not statement else database.execute(statement, values)
            database.commit()

    def sequence(self, which) -> int:
        return self.signed[which % len(self.signed)].sequence

    @rule()
    def copy(self):
        self.copies.append(Copy(self.file("cache.db"), self.file("head.json")))

    @precondition(lambda self: self.copies and not self.pending)
    @rule(which=WHICH, part=st.sampled_from(["database", "head", "both"]))
    def roll_back(self, which, part):
        self.intact = False
        copy = self.copies[which % len(self.copies)]
        if part != "head":
            self.put("cache.db", copy.database)
            self.stale.add("cache.db")
        if part != "database":
            self.put("head.json", copy.head)
            self.stale.add("head.json")

    @precondition(lambda self: self.signed and not self.pending)
    @rule(which=WHICH)
    def delete_a_row(self, which):
        self.sql("DELETE FROM record WHERE sequence = ?", self.sequence(which))

    @precondition(lambda self: self.signed and not self.pending)
    @rule(one=WHICH, other=WHICH)
    def swap_two_envelopes(self, one, other):
        first, second = self.signed[one % len(self.signed)], self.signed[other % len(self.signed)]
        self.sql("UPDATE record SET envelope = ? WHERE sequence = ?", first.envelope, second.sequence)
        self.sql("UPDATE record SET envelope = ? WHERE sequence = ?", second.envelope, first.sequence)

    @precondition(lambda self: self.signed and not self.pending)
    @rule(which=WHICH, at=st.integers(0, 10_000), bit=st.integers(0, 7))
    def flip_a_bit(self, which, at, bit):
        stored = self.signed[which % len(self.signed)]
        forged = bytearray(stored.envelope)
        forged[at % len(forged)] ^= 1 << bit
        self.sql("UPDATE record SET envelope = ? WHERE sequence = ?", bytes(forged), stored.sequence)

    @precondition(lambda self: self.signed and not self.pending)
    @rule(which=WHICH, tree=TREES, policy=POLICIES, kind=st.sampled_from(["verification", "acceptance"]))
    def file_a_row_under_another_key(self, which, tree, policy, kind):
        policy = policy if kind == "verification" else ""
        self.sql("UPDATE record SET tree = ?, policy = ?, kind = ? WHERE sequence = ?", tree, policy, kind, self.sequence(which))

    @precondition(lambda self: self.signed and not self.pending)
    @rule(which=WHICH)
    def plant_a_row_that_was_signed_once(self, which):
        stored = self.signed[which % len(self.signed)]
        draft = stored.draft
        policy = draft.policy if draft.kind is Kind.VERIFICATION else ""
        values = (stored.sequence, draft.kind.name.lower(), draft.tree, policy, stored.envelope)
        self.sql("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?, ?)", *values)

    @precondition(lambda self: not self.pending)
    @rule(name=st.sampled_from(["cache.db", "head.json"]), kept=st.sampled_from([None, 0, 700, 5000]))
    def cut_a_file_short(self, name, kept):
        self.intact = False
        content = self.file(name)
        self.put(name, None if kept is None or content is None else content[:kept])
        self.stale.add(name)

    # What must hold.

    def is_revoked(self, tree) -> bool:
        kinds = [stored.draft.kind for stored in self.signed if stored.draft.tree == tree]
        return max((at for at, kind in enumerate(kinds) if kind is Kind.REVOCATION), default=-1) > max(
            (at for at, kind in enumerate(kinds) if kind is Kind.REINSTATEMENT), default=-1
        )

    def standing(self, tree) -> list[Stored]:
        """What was said about these bytes since they were last revoked, oldest first."""
        said = [stored for stored in self.signed if stored.draft.tree == tree]
        last = max((at for at, stored in enumerate(said) if stored.draft.kind is Kind.REVOCATION), default=-1)
        return said[last + 1 :]

    @invariant()
    def nothing_is_allowed_that_was_not_said(self):
        for tree in (WEATHER, MAIL):
            for policy in (POLICY, STRICTER):
                self.check(tree, policy)

    def check(self, tree, policy):
        found = self.cache.find(tree, policy)
        for stored in (found.verification, found.acceptance):
            assert stored is None or stored in self.signed
            assert stored is None or stored.draft.tree == tree
            assert stored is None or stored.draft.time <= self.clock.now + 300
        if len(self.stale) > 1:
            return  # database and head were both replaced: before the next write nobody can know
        standing = self.standing(tree)
        verifications = [stored for stored in standing if stored.draft.policy == policy]
        if found.verification:
            assert found.verification in verifications
            if found.verification.draft.result == "PASSED":
                assert verifications[-1].draft.result == "PASSED"
        if found.acceptance:
            assert found.acceptance in standing
        if self.is_revoked(tree):
            assert found.revoked or (found.verification, found.acceptance) == (None, None)
        if self.intact and not self.pending:
            assert found.problem is None
            assert found.revoked == self.is_revoked(tree)
            fresh = [item for item in verifications if item.draft.not_after > self.clock.now]
            assert found.verification == (verifications[-1] if fresh else found.verification)

    @invariant()
    def checking_everything_raises_nothing(self):
        problems = self.cache.verify_all(self.vault)
        if self.intact:
            assert all(problem.repairable for problem in problems)


Machine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
TestCache = Machine.TestCase
