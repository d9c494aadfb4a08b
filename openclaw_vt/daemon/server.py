"""The daemon's door: a private socket, a thread for each client, limits on all of it, and an end when nobody comes."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

from openclaw_vt import __version__
from openclaw_vt.daemon.peer import is_ours
from openclaw_vt.daemon.wire import HANDSHAKE_S, SEND_S, Lines, WireError, greet

MAX_CLIENTS = 64
BACKLOG = 64
_TICK_S = 0.5
_LOOK_S = 2.0

log = logging.getLogger(__name__)
Reply = Callable[[dict[str, Any]], None]


class Desk(Protocol):
    """What answers requests."""

    def serve(self, request: dict[str, Any], reply: Reply) -> None:
        """Answer one request, now or later, by calling `reply` once. Never raises."""

    def busy(self) -> bool:
        """Return whether work goes on that nobody waits for."""


def listen(path: str) -> socket.socket:
    """Return a listening socket at `path`, mode 0600. A stale one is replaced: the caller holds the daemon's lock.

    Raises OSError.
    """
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)
        try:
            listener.bind(path)
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.settimeout(_TICK_S)
    except BaseException:
        listener.close()
        raise
    return listener


class Server:
    """Accepts until told to stop, until `idle_s` seconds pass with no client and no work, or until nobody can reach it.

    `reachable` says whether its address still leads here: a daemon that nobody finds must not keep another from starting.
    """

    def __init__(
        self, listener: socket.socket, desk: Desk, token: bytes, *, idle_s: float, reachable: Callable[[], bool]
    ) -> None:
        self._reachable = reachable
        self._listener = listener
        self._desk = desk
        self._token = token
        self._idle_s = idle_s
        self._clients: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End `run` within a tick. Safe from any thread and from a signal handler."""
        self._stopped.set()

    def run(self) -> None:
        """Serve. Returns after `stop`, or after the idle time."""
        last = looked = time.monotonic()
        while not self._stopped.is_set():
            if time.monotonic() - looked > _LOOK_S:
                looked = time.monotonic()
                if not self._reachable():
                    log.warning("The daemon's address is gone or is another's, so it ends.")
                    break
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                if self._clients or self._desk.busy():
                    last = time.monotonic()
                if time.monotonic() - last > self._idle_s:
                    break
                continue
            except OSError as error:  # out of descriptors, for one: the clients that are there go on
                log.warning("A client could not be let in: %s", error.strerror)
                self._stopped.wait(_TICK_S)
                continue
            last = time.monotonic()
            self._admit(connection)
        self._close()

    def _admit(self, connection: socket.socket) -> None:
        with self._lock:
            full = len(self._clients) >= MAX_CLIENTS
            if not full:
                self._clients.add(connection)
        if full or not is_ours(connection):
            log.warning("A client was turned away: %s", "too many" if full else "another user")
            self._forget(connection)
            return
        threading.Thread(target=self._converse, args=(connection,), name="client", daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        lines = Lines(connection)
        try:
            connection.settimeout(HANDSHAKE_S)
            greet(lines, self._token, __version__)
            _patient_reader(connection)
            while (request := lines.object()) is not None:
                self._desk.serve(request, _reply_to(lines, connection))
        except WireError as error:
            log.warning("A client was dropped: %s", error)
        except OSError as error:
            log.debug("A client went away: %s", error)
        finally:
            self._forget(connection)

    def _forget(self, connection: socket.socket) -> None:
        with self._lock:
            self._clients.discard(connection)
        with contextlib.suppress(OSError):
            connection.close()

    def _close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.close()
        for connection in list(self._clients):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def _patient_reader(connection: socket.socket) -> None:
    """Let a client be silent as long as it likes, while one that does not read its answers is given up."""
    connection.settimeout(None)
    seconds = int(SEND_S)
    with contextlib.suppress(OSError, AttributeError):
        import struct

        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", seconds, 0))


def _reply_to(lines: Lines, connection: socket.socket) -> Reply:
    def reply(answer: dict[str, Any]) -> None:
        try:
            lines.write(answer)
        except (WireError, OSError) as error:
            log.debug("An answer was not taken: %s", error)
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # half a line may be out: nothing after it would be read right

    return reply
