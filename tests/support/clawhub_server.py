"""A loopback ClawHub with the behaviour of the real one: OpenClaw installs from it, our client reads it.

Its faults are states, not mocks: a record that lists other bytes than the download holds, garbage, 429, a body without
end, a body that drips.
"""

from __future__ import annotations

import threading
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self, cast
from urllib.parse import parse_qs, urlsplit

from support.clawhub_answers import TEXT, Answer, Seen, answer, endpoint_of
from support.clawhub_shelf import HubShelf

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIP_INTERVAL_S = 0.05
HUGE_CHUNK, HUGE_CHUNKS = b" " * 65536, 1024


class Fault(StrEnum):
    """How an endpoint misbehaves."""

    GARBAGE = "garbage"
    """200 with bytes that are no JSON and no ZIP."""
    WRONG_SHAPE = "wrong-shape"
    """200 with well-formed JSON of another shape."""
    RATE_LIMITED = "rate-limited"
    """429 with the headers of the real limiter."""
    SERVER_ERROR = "server-error"
    NOT_FOUND = "not-found"
    HUGE = "huge"
    """200 with a body of 64 MiB and no length."""
    DRIP = "drip"
    """200 whose body comes byte by byte and never ends."""
    HANG_UP = "hang-up"
    """The connection closes before any answer."""
    REDIRECT = "redirect"
    """302 to another host (a documentation address, never reachable)."""


class ClawHubServer:
    """The server, a context manager. `shelf` holds the skills, `faults` maps an endpoint's name to its fault."""

    def __init__(self) -> None:
        self.shelf = HubShelf()
        self.seen: list[Seen] = []
        self.faults: dict[str, Fault] = {}
        self._stop = threading.Event()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.hub = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Base URL without a slash at its end."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def asked(self, endpoint: str) -> int:
        """How many requests reached that endpoint."""
        return sum(1 for seen in self.seen if seen.endpoint == endpoint)

    def drip(self) -> Iterator[bytes]:
        """Bytes of an answer that never ends, slowly; stops with the server."""
        yield b"{"
        while not self._stop.wait(DRIP_INTERVAL_S):
            yield b" "


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    hub: ClawHubServer


def _faulty(fault: Fault) -> Answer:
    """The answer of a fault that has a body of its own."""
    match fault:
        case Fault.GARBAGE:
            return Answer(200, b"\x00\xff<html>not what you asked for" * 8)
        case Fault.WRONG_SHAPE:
            return Answer(200, b'[{"version": {"files": "none", "security": []}}]')
        case Fault.RATE_LIMITED:
            limits = (("Retry-After", "7"), ("RateLimit-Reset", "7"), ("RateLimit-Remaining", "0"))
            return Answer(429, b"Rate limit exceeded", TEXT, limits)
        case Fault.SERVER_ERROR:
            return Answer(503, b"Service unavailable", TEXT)
        case Fault.REDIRECT:
            return Answer(302, b"", headers=(("Location", "http://192.0.2.1/elsewhere"),))
        case _:
            return Answer(404, b"Not found", TEXT)


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Tests read `hub.seen`, not a log."""

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        hub = cast("_Http", self.server).hub
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        seen = Seen(self.command, url.path, query, endpoint_of(self.command, url.path)[0], body)
        hub.seen.append(seen)
        fault = hub.faults.get(seen.endpoint)
        try:
            if fault:
                self._misbehave(hub, fault)
            else:
                self._send(answer(hub, seen))
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True  # a client that gives up is the point of half of the faults

    def _misbehave(self, hub: ClawHubServer, fault: Fault) -> None:
        if fault is Fault.HANG_UP:
            self.close_connection = True
        elif fault is Fault.DRIP:
            self._stream(hub.drip())
        elif fault is Fault.HUGE:
            self._stream(HUGE_CHUNK for _ in range(HUGE_CHUNKS))
        else:
            self._send(_faulty(fault))

    def _stream(self, chunks: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(chunk)
            self.wfile.flush()

    def _send(self, reply: Answer) -> None:
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(reply.body)))
        for name, value in reply.headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body)
