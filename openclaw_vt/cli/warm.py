"""`verify` through the warm gate: asked in two lines, without loading anything that takes longer than the answer.

What is loaded here is the interpreter's own core and `hmac`. Anything unexpected is None, and the whole walk answers.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import _socket
    from collections.abc import Mapping

PATIENCE_S = 3.0
_MAX_FILE = 4096
_REGISTRY = ("OPENCLAW_CLAWHUB_URL", "CLAWHUB_URL")
"""OpenClaw's own variables that name a setting of ours (`config.py`)."""
_MAX_ANSWER = 1024 * 1024


def ask(paths: list[str], environ: Mapping[str, str]) -> int | None:
    """Print the answer and return its exit code, where a daemon runs and every path is a plain yes; else None. Never raises."""
    from openclaw_vt import places

    ours = (name for name in environ if name.startswith(places.PREFIX) and name not in places.OWN_VARIABLES)
    if any(ours) or any(environ.get(name) for name in _REGISTRY):
        return None  # settings that the daemon does not have would make another policy
    try:
        met = _rendezvous(places.state_folder(environ))
        text = _answer(met, _request(paths, places.config_file(environ))) if met is not None else None
    except Exception:  # noqa: BLE001 - the whole walk says what is wrong, in full; this is only its shortcut
        return None
    if text is None:
        return None
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    except OSError:
        return None
    return 0


def _rendezvous(state_folder: str) -> tuple[str, bytes] | None:
    """Return the socket and the token that a daemon published, if the file is ours alone."""
    fd = os.open(os.path.join(state_folder, "daemon.json"), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_mode & 0o077 or found.st_uid not in (0, os.geteuid()):
            return None
        raw = os.read(fd, _MAX_FILE).decode("ascii")
    finally:
        os.close(fd)
    if "\\" in raw or '"protocol":1,' not in raw:
        return None
    socket, token = (_member(raw, name) for name in ("socket", "token"))
    place = os.lstat(socket), os.lstat(os.path.dirname(socket))
    private = all(item.st_uid in (0, os.geteuid()) and not item.st_mode & 0o077 for item in place)
    if not private or not stat.S_ISSOCK(place[0].st_mode) or not stat.S_ISDIR(place[1].st_mode):
        return None
    return socket, bytes.fromhex(token)


def _member(text: str, name: str) -> str:
    # Our own writer sorts the members and leaves no blanks; texts with escapes were refused before.
    return text.split(f'"{name}":"', 1)[1].split('"', 1)[0]


def _request(paths: list[str], config: str) -> bytes:
    from openclaw_vt.cli.paths import absolute

    listed = ",".join(f'"{os.fsencode(absolute(path)).hex()}"' for path in paths)
    return f'{{"config":"{os.fsencode(config).hex()}","id":1,"op":"verify","paths":[{listed}]}}\n'.encode()


def _answer(met: tuple[str, bytes], request: bytes) -> str | None:
    # `socket` and `json` load enums and regular expressions first; their cores do not.
    from _socket import AF_UNIX, SOCK_STREAM
    from _socket import socket as Socket  # noqa: N812 - a class, whatever its module calls it

    connection = Socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.settimeout(PATIENCE_S)
        connection.connect(met[0])
        _shake_hands(connection, met[1])
        connection.sendall(request)
        line = _line(connection)
    finally:
        connection.close()
    start, end = '{"code":0,"id":1,"ok":true,"text":"', '"}'
    if not (line.startswith(start) and line.endswith(end)):
        return None
    return bytes.fromhex(line[len(start) : -len(end)]).decode("utf-8", "replace")


def _shake_hands(connection: _socket.socket, token: bytes) -> None:
    import hmac

    def proof(side: str, nonce: str) -> str:
        return hmac.digest(token, f"{side} {nonce}".encode(), "sha256").hex()

    nonce = os.urandom(16).hex()
    connection.sendall(f'{{"client":"openclaw-vt","hello":1,"nonce":"{nonce}"}}\n'.encode())
    hello = _line(connection)
    if not hmac.compare_digest(_member(hello, "proof"), proof("server", nonce)):
        raise ValueError("the other side does not know the token")
    connection.sendall(f'{{"proof":"{proof("client", _member(hello, "nonce"))}"}}\n'.encode())


def _line(connection: _socket.socket) -> str:
    kept = b""
    while not kept.endswith(b"\n"):
        chunk = connection.recv(65536)
        if not chunk or len(kept) > _MAX_ANSWER:
            raise ValueError("no whole line")
        kept += chunk
    return kept[:-1].decode("ascii")
