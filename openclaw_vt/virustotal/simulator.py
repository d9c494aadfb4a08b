"""A loopback VirusTotal API v3, with the faults of the real one: the demo and the tests run against it.

It listens on 127.0.0.1 alone, needs the standard library alone, and answers from what it was told (`know`, `default`).
Authorisation is checked first, then a fault may strike, then the quota, then the endpoint answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from openclaw_vt.errors import UsageError
from openclaw_vt.virustotal.simulator_data import SIMULATOR_KEY, FileReport
from openclaw_vt.virustotal.simulator_faults import (
    Answer,
    Fault,
    distort_answer,
    error_answer,
    instead,
    quota_answer,
)
from openclaw_vt.virustotal.simulator_quota import Meter
from openclaw_vt.virustotal.simulator_routes import NOT_FOUND, Call, match
from openclaw_vt.virustotal.simulator_script import Script, load_script
from openclaw_vt.virustotal.simulator_world import World

if TYPE_CHECKING:
    from openclaw_vt.virustotal.simulator_http import RawRequest, SimulatorServer

__all__ = [
    "SIMULATOR_KEY",
    "Fault",
    "FileReport",
    "RecordedRequest",
    "Script",
    "Simulator",
    "load_script",
    "serve_forever",
]

_RECORDED_BODY = 1024 * 1024
_RECORDED_REQUESTS = 10_000
_RETRY_AFTER_S = 60
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """One request as it came in, authorised or not.

    `path` is the raw request target with its query. Header names are in lower case. `body` holds the first MiB of `size`
    bytes. `filename` is what a form called its file, exactly as sent. `time` is in epoch seconds of the simulator's clock.
    """

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    size: int
    filename: str | None
    time: float


class Simulator(World):
    """A running VirusTotal of one's own; a context manager that serves from a daemon thread.

    Attributes to set at any time: `default`, `uploaded`, `polls` (see `World`), `fault` (holds until changed), `faults`
    (one for each authorised request, then `fault`), `fault_target` (where redirects and foreign upload addresses point),
    `per_minute`, `per_day`, `per_month` (None: unlimited), `over_quota` (which of the 429s), `retry_after_s` (None: the true
    wait). To read: `url`, `key`, `requests`.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        key: str = SIMULATOR_KEY,
        script: Script | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; nothing listens before `start`. Port 0 is any free one; `clock` gives epoch seconds."""
        super().__init__()
        script = script or Script()
        self.key = script.key or key
        self.url = ""
        self.requests: list[RecordedRequest] = []
        self.default, self.uploaded, self.polls = script.default, script.uploaded, script.polls
        self.fault, self.faults, self.fault_target = script.fault, list(script.faults), script.fault_target
        self.per_minute, self.per_day, self.per_month = script.per_minute, script.per_day, script.per_month
        self.over_quota, self.retry_after_s = script.over_quota, script.retry_after_s
        for digest, report in script.files:
            self.know(digest, report)
        self._port = port
        self._clock = clock
        self._meter = Meter()
        self._lock = threading.Lock()
        self._server: SimulatorServer | None = None

    @property
    def fault(self) -> Fault | None:
        """The fault in force, or None. Setting a word that is no fault raises ValueError."""
        return self._fault

    @fault.setter
    def fault(self, value: Fault | str | None) -> None:
        self._fault = None if value is None else Fault(value)

    def start(self) -> None:
        """Listen. Raises UsageError when the port cannot be had."""
        from openclaw_vt.virustotal.simulator_http import SimulatorServer

        if not 0 <= self._port <= _MAX_PORT:
            raise UsageError(f"There is no port {self._port}.", remedy=f"Use 0 to {_MAX_PORT}; 0 is any free one.")
        try:
            self._server = SimulatorServer(self._port, self._answer)
        except OSError as error:
            what = f"The simulator cannot listen on 127.0.0.1:{self._port}."
            raise UsageError(what, why=f"{error.strerror or error}.", remedy="Choose another port, or none.") from error
        self.url = f"http://127.0.0.1:{self._server.port}"
        self._server.start()

    def close(self) -> None:
        """Stop and drop every connection, within about a second even if one hangs on purpose. May be called twice."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def reset(self) -> None:
        """Forget the recorded requests and what they cost; keep files, analyses and faults."""
        with self._lock:
            self.requests.clear()
            self._meter = Meter()

    def _answer(self, raw: RawRequest) -> Answer:
        now = self._clock()
        with self._lock:
            upload = self._record(raw, now)
            refusal = self._refuse(raw.headers.get("x-apikey", ""))
            if refusal is not None:
                return refusal
            call = Call(now=now, origin=self.url, target=self.fault_target, fault=self._next_fault(), upload=upload)
            return self._serve(raw, call)

    def _record(self, raw: RawRequest, now: float) -> tuple[str, bytes] | None:
        from openclaw_vt.virustotal.simulator_http import parse_multipart

        parts = parse_multipart(raw.headers.get("content-type", ""), raw.body)
        file = next((part for part in parts if part.name == "file"), None)
        filename = next((part.filename for part in parts if part.filename is not None), None)
        head = raw.body[:_RECORDED_BODY]
        recorded = RecordedRequest(raw.method, raw.target, raw.headers, head, len(raw.body), filename, now)
        self.requests.append(recorded)
        # A simulator left running for days must not grow for ever.
        del self.requests[:-_RECORDED_REQUESTS]
        return None if file is None else (file.filename or "unknown", file.data)

    def _refuse(self, key: str) -> Answer | None:
        if not key:
            return error_answer(401, "AuthenticationRequiredError", "X-Apikey header is missing")
        if key != self.key:
            return error_answer(401, "WrongCredentialsError", "Wrong API key")
        return None

    def _next_fault(self) -> Fault | None:
        if not self.faults:
            return self.fault
        first = self.faults.pop(0)
        return None if first is None else Fault(first)

    def _serve(self, raw: RawRequest, call: Call) -> Answer:
        if call.fault is not None:
            wait = _RETRY_AFTER_S if self.retry_after_s is None else self.retry_after_s
            answer = instead(call.fault, path=raw.target, target=call.target, retry_after_s=wait)
            if answer is not None:
                return answer
        found = match(raw.method, raw.target)
        if found is None:
            answer = NOT_FOUND
        else:
            route, item = found
            call = replace(call, item=item)
            answer = (self._charge(call.now) if route.charged(self, call) else None) or route.answer(self, call)
        return answer if call.fault is None else distort_answer(call.fault, answer)

    def _charge(self, now: float) -> Answer | None:
        wait = self._meter.wait_s(now, per_minute=self.per_minute, per_day=self.per_day, per_month=self.per_month)
        if wait is not None:
            return quota_answer(self.over_quota, wait if self.retry_after_s is None else self.retry_after_s)
        self._meter.count(now)
        return None


def serve_forever(*, announce: Callable[[str], object], port: int = 0, script: Script | None = None) -> None:
    """Run a simulator until Ctrl-C, which is the ordinary way to end it. `announce` is given its address once it listens.

    Raises UsageError when the port cannot be had.
    """
    with Simulator(port=port, script=script) as simulator:
        try:
            announce(simulator.url)
            # Waited for in turns, because an unlimited wait cannot be interrupted on Windows.
            while True:
                time.sleep(1)
        except KeyboardInterrupt:
            return
