"""The wire of the loopback VirusTotal: a threading HTTP/1.1 server on 127.0.0.1 that can also misbehave on purpose.

It knows nothing of VirusTotal: it reads requests, asks a callback for the `Answer` and sends that. One write for each
response and TCP_NODELAY, because two small writes on a kept-alive connection wait 40 ms for each other.
"""

from __future__ import annotations

import logging
import os
import re
import socket
import socketserver
import struct
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

from openclaw_vt.virustotal.simulator_faults import Answer

logger = logging.getLogger(__name__)

BODY_LIMIT = 650 * 1024 * 1024 + 64 * 1024
"""Largest request body in bytes: VirusTotal's upload limit and room for the multipart envelope."""

_CHUNK = 64 * 1024
_DRIP_S = 0.1
_CLOSE_S = 0.8
_BOUNDARY = re.compile(r'multipart/form-data\s*;.*?boundary="?([^";]{1,200})"?', re.IGNORECASE)
# Greedy, because some clients put a raw name between the quotes and the name may hold quotes itself.
_FILENAME = re.compile(r'filename="(.*)"', re.IGNORECASE)
_FIELD = re.compile(r'\bname="([^"]*)"', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class RawRequest:
    """One request as it came in. `target` is the raw request target; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a multipart form. `filename` is exactly what the client sent, or None for a plain field."""

    name: str
    filename: str | None
    data: bytes


def parse_multipart(content_type: str, body: bytes) -> tuple[Part, ...]:
    """Return the fields of a `multipart/form-data` body; empty when it is none or is damaged."""
    found = _BOUNDARY.match(content_type)
    if found is None:
        return ()
    delimiter = b"\r\n--" + found.group(1).strip().encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(delimiter)
    # The preamble goes; without the closing delimiter ("--") the last part may be only half there.
    if not pieces[-1].startswith(b"--"):
        return ()
    return tuple(part for piece in pieces[1:-1] if (part := _parse_part(piece)) is not None)


def _parse_part(piece: bytes) -> Part | None:
    head, separator, data = piece.partition(b"\r\n\r\n")
    if not separator:
        return None
    for line in head.decode("utf-8", "replace").split("\r\n"):
        if line.lower().startswith("content-disposition:"):
            filename = _FILENAME.search(line)
            # Searched without the file name, or `filename="x"` itself would pass for `name="x"`.
            field = _FIELD.search(_FILENAME.sub("", line))
            return Part(field.group(1) if field else "", filename.group(1) if filename else None, data)
    return None


class SimulatorServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Accepts on 127.0.0.1 until `stop()`; every connection has a daemon thread, and `stop()` ends them all."""

    # On Windows this option would let a second process take over a port that is in use.
    allow_reuse_address = os.name == "posix"
    request_queue_size = 128

    def __init__(self, port: int, answer: Callable[[RawRequest], Answer]) -> None:
        """Bind; port 0 asks the system for a free one. Raises OSError when the port is taken."""
        self.answer = answer
        self.closing = threading.Event()
        self._open: dict[socket.socket, threading.Thread] = {}
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)
        self._thread = threading.Thread(target=self._accept, name="virustotal-simulator", daemon=True)

    @property
    def port(self) -> int:
        """The port bound to."""
        return int(self.socket.getsockname()[1])

    def start(self) -> None:
        """Accept connections in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Stop accepting, drop every connection and wait for the threads, at most about a second."""
        deadline = time.monotonic() + _CLOSE_S
        self.closing.set()
        # Waking the accepting thread by a connection needs no polling interval, so stopping takes no time either.
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=_CLOSE_S / 4).close()
        self._thread.join(max(0.0, deadline - time.monotonic()))
        self.server_close()
        with self._lock:
            connections = dict(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in connections.values():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept(self) -> None:
        while not self.closing.is_set():
            self.handle_request()

    def verify_request(self, request: Any, client_address: Any) -> bool:  # noqa: ARG002 - signature of socketserver
        """Refuse what comes in once the server is closing."""
        return not self.closing.is_set()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve one connection in a thread that `stop()` knows of from the start, so that it can end them all."""
        thread = threading.Thread(target=self.process_request_thread, args=(request, client_address), daemon=True)
        with self._lock:
            self._open[request] = thread
        try:
            thread.start()
        except RuntimeError:
            self._forget(request)
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve one connection to its end."""
        super().process_request_thread(request, client_address)
        self._forget(request)

    def _forget(self, request: socket.socket) -> None:
        with self._lock:
            self._open.pop(request, None)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - signature of socketserver
        """Log instead of printing: a client that hangs up is everyday life, anything else is a fault of ours."""
        error = sys.exception()
        if isinstance(error, OSError):
            logger.debug("the client hung up: %r", error)
        else:
            logger.error("the simulator failed", exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    """One connection: reads requests and sends answers until either side has had enough."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: SimulatorServer

    def log_message(self, *_args: Any) -> None:
        """Stay silent: the recorded requests are the log, and a request line may hold a key."""

    def _serve(self) -> None:
        body = self._read_body()
        if body is None:
            return
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        answer = self.server.answer(RawRequest(self.command, self.path, headers, body))
        _SENDERS[answer.wire](self, answer)

    # http.server finds its methods by these names.
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - named by http.server

    def _read_body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return self._read_chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or len(length) > 12 or int(length) > BODY_LIMIT:  # noqa: PLR2004 - digits that no sane length needs
            self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return None
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return None
        return body

    def _read_chunks(self) -> bytes | None:
        body = bytearray()
        while True:
            size_text = self.rfile.readline(_CHUNK).split(b";")[0].strip()
            try:
                size = int(size_text, 16)
            except ValueError:
                size = -1
            if size < 0 or len(body) + size > BODY_LIMIT:
                self.send_error(HTTPStatus.BAD_REQUEST)
                return None
            if size == 0:
                break
            body += self.rfile.read(size)
            self.rfile.readline(_CHUNK)
        while self.rfile.readline(_CHUNK).strip():
            pass
        return bytes(body)

    def head(self, answer: Answer, *, length: int | None) -> bytes:
        """Return status line and headers; without a length the body ends when the connection does."""
        lines = [f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}", f"Content-Type: {answer.content_type}"]
        lines += [f"{name}: {value}" for name, value in answer.headers]
        if length is None:
            self.close_connection = True
        else:
            lines.append(f"Content-Length: {length}")
        if self.close_connection:
            lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def _send_plain(handler: _Handler, answer: Answer) -> None:
    head = handler.head(answer, length=answer.padding + len(answer.body))
    if not answer.padding:
        handler.connection.sendall(head + answer.body)
        return
    handler.connection.sendall(head)
    spaces, rest = divmod(answer.padding, _CHUNK)
    for _ in range(spaces):
        handler.connection.sendall(b" " * _CHUNK)
    handler.connection.sendall(b" " * rest + answer.body)


def _send_nothing(handler: _Handler, _answer: Answer) -> None:
    # Reading is the wait: it ends when the client gives up and when the server closes the connection.
    while handler.connection.recv(_CHUNK):
        pass
    handler.close_connection = True


def _send_drip(handler: _Handler, answer: Answer) -> None:
    # Every byte comes soon enough for a time limit on each read; only a limit on the whole answer helps.
    handler.connection.sendall(handler.head(answer, length=None))
    while not handler.server.closing.wait(_DRIP_S):
        handler.connection.sendall(b" ")


def _send_half(handler: _Handler, answer: Answer) -> None:
    head = handler.head(answer, length=len(answer.body))
    handler.connection.sendall(head + answer.body[: len(answer.body) // 2])
    handler.close_connection = True


def _send_reset(handler: _Handler, answer: Answer) -> None:
    _send_half(handler, answer)
    # A linger time of zero turns closing into a reset; Windows packs the two numbers as shorts.
    linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    socket.close(handler.connection.detach())


_SENDERS: dict[str, Callable[[_Handler, Answer], None]] = {
    "plain": _send_plain,
    "hang": _send_nothing,
    "drip": _send_drip,
    "cut": _send_half,
    "reset": _send_reset,
}
