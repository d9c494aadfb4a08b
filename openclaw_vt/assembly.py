"""The composition root: settings, keys, services and plugins become a ready gate. The only place that knows every adapter.

Everything is made when it is first needed: a cache hit opens the database, and no keyring, no plugin manager, no network client.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Self

from openclaw_vt.config import Config
from openclaw_vt.errors import GateError, SkillUnreadable
from openclaw_vt.gate import Gate, Rooms
from openclaw_vt.ledger import Ledger, Pen
from openclaw_vt.model.decision import Decision, Reason, Request
from openclaw_vt.model.subject import Origin, Snapshot, Subject
from openclaw_vt.model.verdict import Evidence, Unavailability, Verdict, unavailable
from openclaw_vt.store import keys
from openclaw_vt.store.cache import Cache

if TYPE_CHECKING:
    from openclaw_vt.attestation.dsse import PublicKey
    from openclaw_vt.judging import Judge
    from openclaw_vt.language import Translate
    from openclaw_vt.plugin.manager import Hooks
    from openclaw_vt.store.audit import Audit
    from openclaw_vt.store.notices import Notices
    from openclaw_vt.virustotal.client import VirusTotal

SERVICE = "virustotal"


class Assembly:
    """One process's gate and what belongs to it. Use it as a context manager: leaving it closes the connections.

    `store` replaces the configured key store (the demo keeps its throw-away keys in memory); `clock` gives epoch seconds.
    """

    def __init__(
        self,
        config: Config,
        *,
        environ: Mapping[str, str] = os.environ,
        store: keys.KeyStore | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.config = config
        self.policy = config.policy()
        self.clock = clock
        self._environ = environ
        self._store = store
        self._cache: Cache | None = None
        self._cache_key: PublicKey | None = None
        self._hooks: Hooks | None = None
        self._judge: Judge | None = None
        self._virustotal: VirusTotal | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close what talks to the network and the cache. Safe to call twice."""
        if self._cache is not None:
            self._cache.close()
        service, self._virustotal = self._virustotal, None
        if service is not None:
            service.close()

    def gate(self) -> Gate:
        """Return the gate. Raises KeyStoreError if the enrolled public key is not fit to trust."""
        return Gate(
            Rooms(
                policy=self.policy,
                read=_read,
                origin=_origin,
                ledger=self.ledger(),
                judge=self.judge,
                ask=self.look_up,
                seen=lambda path: self.notices().sighting(path),
                report=self.report,
                clock=self.clock,
                objects=self.objects if self.config["plugins", "allow"] else None,
            )
        )

    def cache(self) -> Cache:
        """Return the signed cache, verified with the enrolled key."""
        if self._cache is None or self._cache_key != self.public():
            self._cache_key = self.public()
            self._cache = Cache(self.config.state_dir, public=self._cache_key, clock=self.clock)
        return self._cache

    def public(self) -> PublicKey | None:
        """Return the enrolled public key, or None before the first signature."""
        return keys.load_public(self.config.state_dir)

    def ledger(self) -> Ledger:
        """Return the ledger over this machine's cache."""
        return Ledger(self.cache, self.pen)

    def key_store(self) -> keys.KeyStore:
        """Return the configured key store, opened once. Raises KeyStoreError."""
        if self._store is None:
            self._store = keys.open_store(self.config["keys", "backend"], state_dir=self.config.state_dir, environ=self._environ)
        return self._store

    def pen(self) -> Pen | None:
        """Return what signs, making the signing key at first need; None where no key store is usable. Raises GateError."""
        store = self.key_store()
        signer = keys.ensure_signer(store, self.config.state_dir)
        return Pen(signer, keys.open_head_vault(store)) if signer is not None else None

    def audit(self) -> Audit:
        """Return the audit log."""
        from openclaw_vt.store.audit import Audit

        return Audit(self.config.state_dir, clock=self.clock)

    def notices(self) -> Notices:
        """Return where warnings are kept to be repeated."""
        from openclaw_vt.store.notices import Notices

        return Notices(self.config.state_dir, clock=self.clock)

    def hooks(self) -> Hooks:
        """Return the plugin manager with the built-ins and the allowed strangers. Raises ConfigError."""
        if self._hooks is None:
            from openclaw_vt.plugin.builtin import Builtin
            from openclaw_vt.plugin.manager import BUILTIN, Hooks

            hooks = Hooks()
            hooks.register(Builtin(self.ask, clock=self.clock), name=BUILTIN)
            hooks.load(self.config["plugins", "allow"])
            self._hooks = hooks
        return self._hooks

    def judge(self, request: Request, subject: Subject, snapshot: Snapshot) -> tuple[Subject, Verdict]:
        """Judge a snapshot, and return it under the name its manifest claims."""
        from openclaw_vt.judging import Judge, described

        if self._judge is None:
            self._judge = Judge(self.hooks(), timeout_s=self.config["virustotal", "timeout_s"])
        subject, manifest = described(subject, snapshot)
        return subject, self._judge.judge(request, subject, snapshot, manifest)

    def objects(self, request: Request, snapshot: Snapshot) -> bool:
        """Whether a plugin has something to say about this use; then the bytes are judged anew, its words included."""
        from openclaw_vt.model.finding import Finding

        said = self.hooks().collect("skill_pre_execute", Finding, request=request, snapshot=snapshot)
        return bool(said.items or said.failed)

    def look_up(self, request: Request, subject: Subject, snapshot: Snapshot) -> Evidence:
        """Ask with this configuration's own deadline."""
        deadline = time.monotonic() + self.config["virustotal", "timeout_s"]
        return self.ask(request, subject, snapshot, deadline, self.clock())

    def ask(self, request: Request, subject: Subject, snapshot: Snapshot, deadline: float, now: float) -> Evidence:
        """Ask ClawHub which archive VirusTotal knows, then VirusTotal. Never raises for a network's or a key's sake."""
        if request.offline or self.config["virustotal", "service"] == "off":
            return unavailable(SERVICE, Unavailability.OFFLINE)
        try:
            service = self.virustotal()
        except GateError:
            # A key that cannot be one is as good as refused; a key store that does not open holds none for us.
            malformed = bool(self._environ.get("VT_API_KEY"))
            return unavailable(SERVICE, Unavailability.UNAUTHORIZED if malformed else Unavailability.NO_KEY)
        if service is None:
            return unavailable(SERVICE, Unavailability.NO_KEY)
        return self._review(service, subject, snapshot, deadline, now)

    def _review(self, service: VirusTotal, subject: Subject, snapshot: Snapshot, deadline: float, now: float) -> Evidence:
        from dataclasses import replace

        from openclaw_vt.clawhub import ClawHub, Published
        from openclaw_vt.skill.bundle import bundle_digest
        from openclaw_vt.transport import Getter
        from openclaw_vt.virustotal.plan import targets
        from openclaw_vt.virustotal.review import review

        published = Published()
        if self.config["clawhub", "lookup"]:
            hub = ClawHub(self.config["clawhub", "url"], Getter(agent="openclaw-vt"))
            published = hub.published(subject.ref.origin, snapshot, deadline=deadline - (deadline - time.monotonic()) / 2)
        try:
            bundle = bundle_digest(snapshot)
        except SkillUnreadable:
            bundle = None  # a file too large to keep: there is no bundle, and the coverage names the file
        wanted = targets(snapshot, bundle=bundle, clawhub=published.archive, lookups=self.config["virustotal", "lookups"])
        evidence = review(service, wanted, deadline=deadline, now=now)
        return replace(evidence, not_checked=evidence.not_checked + published.not_checked)

    def virustotal(self) -> VirusTotal | None:
        """Return the client, None without a key. Raises KeyStoreError."""
        if self._virustotal is None:
            from openclaw_vt.virustotal.client import VirusTotal

            key = keys.virustotal_key(self.key_store_for_reading(), self._environ)
            if key is None:
                return None
            self._virustotal = VirusTotal(
                host=self.policy.host, key=key.secret.reveal, timeout_s=self.config["virustotal", "timeout_s"]
            )
        return self._virustotal

    def key_store_for_reading(self) -> keys.KeyStore:
        """Return a store to read the VirusTotal key from: an environment that carries the key needs no keyring."""
        return keys.NoStore() if self._environ.get("VT_API_KEY") else self.key_store()

    def report(self, decision: Decision) -> tuple[Reason, ...]:
        """Write the decision to the audit log and tell the observers. Returns what went wrong, for the person."""
        from openclaw_vt.reporting import report

        return report(decision, self.audit(), self.notices(), self.hooks())

    @property
    def translate(self) -> Translate:
        """The translation into the person's language."""
        from openclaw_vt.language import resolve, translator

        return translator(resolve(self.config["ui", "language"], self._environ))


def _read(path: str) -> Snapshot:
    from openclaw_vt.skill.reader import read

    return read(path)


def _origin(snapshot: Snapshot) -> Origin:
    from openclaw_vt.skill.records import origin_of

    return origin_of(snapshot)
