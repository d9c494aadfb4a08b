"""Where the warm gate is met: one private file in the state folder names its socket and the token both sides prove to know.

The socket itself lies where paths are short: macOS takes 104 bytes, the NUL included. A process of the same user can read the
token and pass for either side; that is outside what the gate promises, as everything is that already runs as the user.
"""

import hashlib
import os
import stat
from collections.abc import Mapping
from typing import NamedTuple

from openclaw_vt.errors import GateError
from openclaw_vt.model import strict_json
from openclaw_vt.store import files
from openclaw_vt.store.keys import private_file

NAME = "daemon.json"
LOCK = "daemon.lock"
PROTOCOL = 1
MAX_SOCKET_BYTES = 100
TOKEN_BYTES = 32
_MAX_FILE_BYTES = 4096


class Rendezvous(NamedTuple):
    """What a client needs: the socket's absolute path, the token, the daemon's process id and version."""

    socket: str
    token: bytes
    pid: int
    version: str


def write(state_folder: str, met: Rendezvous) -> None:
    """Publish a daemon that listens already. Raises OSError."""
    body = {"protocol": PROTOCOL, "socket": met.socket, "token": met.token.hex(), "pid": met.pid, "version": met.version}
    files.replace(os.path.join(state_folder, NAME), [strict_json.dumps(body)])


def read(state_folder: str) -> Rendezvous | None:
    """Return what a daemon published, or None where there is nothing. Whether it still lives, only connecting tells.

    Raises GateError for a file that others could have written or that is not ours: nothing in it is believed then.
    """
    path = os.path.join(state_folder, NAME)
    raw = private_file.read(path, max_bytes=_MAX_FILE_BYTES, loose=private_file.ANY_OTHER)
    if raw is None:
        return None
    kinds: dict[str, type | tuple[type, ...]] = {"protocol": int, "socket": str, "token": str, "pid": int, "version": str}
    try:
        body = strict_json.take(strict_json.loads(raw, max_bytes=_MAX_FILE_BYTES), kinds, where=NAME)
        token = bytes.fromhex(body["token"])
    except ValueError as error:
        raise GateError(f"{NAME} cannot be read.", why=f"{error}.", remedy="Run `openclaw-vt daemon --stop`.") from None
    if body["protocol"] != PROTOCOL or len(token) != TOKEN_BYTES or not os.path.isabs(body["socket"]):
        raise GateError(f"{NAME} is of another version.", remedy="Run `openclaw-vt daemon --stop`, then try again.")
    return Rendezvous(body["socket"], token, body["pid"], body["version"])


def withdraw(state_folder: str, pid: int) -> None:
    """Take the file away if it is still that of process `pid`. Never raises."""
    try:
        met = read(state_folder)
        if met is not None and met.pid == pid:
            os.unlink(os.path.join(state_folder, NAME))
    except (GateError, OSError):
        return


def socket_path(state_folder: str, environ: Mapping[str, str]) -> str:
    """Return a path for the socket, in a folder that is made 0700 and ours. Raises GateError where none is short or safe enough.

    `XDG_RUNTIME_DIR` is tried first, then the state folder, then a folder of our own under /tmp.
    """
    name = f"{hashlib.sha256(os.fsencode(state_folder)).hexdigest()[:16]}.sock"
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    user = private_file.us()
    places = [os.path.join(runtime, "openclaw-vt")] if os.path.isabs(runtime) and _private(runtime) else []
    for folder in (*places, os.path.join(state_folder, "run"), f"/tmp/openclaw-vt-{user}"):  # noqa: S108 - made 0700 and checked
        path = os.path.join(folder, name)
        if len(os.fsencode(path)) <= MAX_SOCKET_BYTES and _made(folder):
            return path
    raise GateError(
        "There is no place for the daemon's socket.",
        why="Every folder that could hold it is too deep, or is not private.",
        remedy="Set XDG_RUNTIME_DIR to a private folder with a short path.",
    )


def _made(folder: str) -> bool:
    try:
        files.make_folder(folder)
        return _private(folder)
    except OSError:
        return False


def _private(folder: str) -> bool:
    """Whether a folder is ours alone, and no link."""
    try:
        found = os.lstat(folder)
    except OSError:
        return False
    ours = not private_file.HAS_MODES or (found.st_uid == private_file.us() and not found.st_mode & private_file.ANY_OTHER)
    return stat.S_ISDIR(found.st_mode) and ours
