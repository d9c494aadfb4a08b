"""The protocol's lines: one JSON object each, bounded in size, and the challenge that both sides answer before anything else."""

from __future__ import annotations

import hmac
import json
import secrets
import socket
import threading
from typing import Any

from openclaw_vt.model import strict_json

MAX_LINE_BYTES = 8 * 1024 * 1024
"""The longest line that is read: a proposed skill travels whole."""
MAX_ANSWER_BYTES = 1024 * 1024
HANDSHAKE_S = 5.0
SEND_S = 10.0
_CHUNK = 64 * 1024
_NONCE_BYTES = 16


# An encoder made once: making one takes longer than most answers.
_ENCODE = json.JSONEncoder(ensure_ascii=True, allow_nan=False, sort_keys=True, separators=(",", ":")).encode


class WireError(Exception):
    """The other side does not speak the protocol, or does not know the token. The connection is of no use any more."""


class Lines:
    """A connected socket, read and written by lines. Writing is safe from several threads; reading is one thread's."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._kept = bytearray()
        self._writing = threading.Lock()

    def read(self) -> bytes | None:
        """Return the next line without its end, or None at the end of the stream. Raises WireError, OSError."""
        searched = 0
        while (end := self._kept.find(b"\n", searched)) < 0:
            if len(self._kept) > MAX_LINE_BYTES:
                raise WireError("a line is too long")
            searched = len(self._kept)
            chunk = self._socket.recv(_CHUNK)
            if not chunk:
                return None
            self._kept += chunk
        if end > MAX_LINE_BYTES:
            raise WireError("a line is too long")
        line = bytes(self._kept[:end])
        del self._kept[: end + 1]
        return line

    def write(self, value: dict[str, Any]) -> None:
        """Send one object. Raises WireError for one that is too long, OSError when the other side is gone or does not read."""
        line = _ENCODE(value).encode() + b"\n"
        if len(line) > MAX_ANSWER_BYTES:
            raise WireError("an answer is too long")
        with self._writing:
            self._socket.sendall(line)

    def object(self) -> dict[str, Any] | None:
        """Return the next line as an object, or None at the end of the stream. Raises WireError, OSError."""
        line = self.read()
        return None if line is None else parse(line)


def parse(line: bytes) -> dict[str, Any]:
    """Return a line as an object. Raises WireError for anything that is no plain JSON object."""
    try:
        value = strict_json.loads(line, max_bytes=MAX_LINE_BYTES)
    except ValueError as error:
        raise WireError(str(error)) from None
    if not isinstance(value, dict):
        raise WireError("a line holds no object")
    return value


def proof(token: bytes, side: str, nonce: str) -> str:
    """Return what `side` ("client" or "server") shows for the other side's nonce."""
    return hmac.new(token, f"{side} {nonce}".encode(), "sha256").hexdigest()


def greet(lines: Lines, token: bytes, version: str) -> None:
    """The daemon's half of the challenge. Raises WireError, OSError."""
    hello = lines.object()
    nonce = None if hello is None else hello.get("nonce")
    if not isinstance(nonce, str) or len(nonce) != 2 * _NONCE_BYTES:
        raise WireError("no greeting")
    ours = secrets.token_hex(_NONCE_BYTES)
    lines.write({"hello": 1, "version": version, "proof": proof(token, "server", nonce), "nonce": ours})
    _check(lines.object(), proof(token, "client", ours))


def knock(lines: Lines, token: bytes, client: str) -> str:
    """The client's half: returns the daemon's version once it has shown that it knows the token. Raises WireError, OSError."""
    nonce = secrets.token_hex(_NONCE_BYTES)
    lines.write({"hello": 1, "nonce": nonce, "client": client})
    answer = lines.object()
    _check(answer, proof(token, "server", nonce))
    theirs, version = (answer or {}).get("nonce"), (answer or {}).get("version")
    if not isinstance(theirs, str) or not isinstance(version, str):
        raise WireError("no greeting")
    lines.write({"proof": proof(token, "client", theirs)})
    return version


def _check(said: dict[str, Any] | None, expected: str) -> None:
    shown = None if said is None else said.get("proof")
    if not isinstance(shown, str) or not hmac.compare_digest(shown.encode("utf-8", "replace"), expected.encode()):
        raise WireError("the other side does not know the token")
