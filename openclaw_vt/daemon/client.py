"""The command line's side of the socket."""

from __future__ import annotations

import os
import socket
import stat
import time
from types import TracebackType
from typing import Any, Self

from openclaw_vt import __version__
from openclaw_vt.daemon.peer import is_ours
from openclaw_vt.daemon.rendezvous import read
from openclaw_vt.daemon.wire import Lines, WireError, knock
from openclaw_vt.errors import GateError
from openclaw_vt.store.keys import private_file

CONNECT_S = 2.0


class Absent(GateError):  # noqa: N818 - the state of the daemon, not a fault
    """No daemon answers for this state folder."""

    exit_code = 3


class Client:
    """One connection to the daemon of a state folder. A context manager; requests are answered one after the other."""

    def __init__(self, state_folder: str, *, timeout_s: float = 10.0) -> None:
        """Connect and prove the token both ways. Raises Absent where nobody answers, GateError for a place that is not safe."""
        met = read(state_folder)
        if met is None:
            raise Absent("The daemon is not running.", remedy="Start it with `openclaw-vt daemon`.")
        self.pid = met.pid
        _check_socket(met.socket)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._number = 0
        try:
            self._socket.settimeout(CONNECT_S)
            self._socket.connect(met.socket)
            if not is_ours(self._socket):
                raise GateError("Another user answers at the daemon's socket.", remedy="Run `openclaw-vt doctor`.")
            self._lines = Lines(self._socket)
            self.version = knock(self._lines, met.token, f"openclaw-vt/{__version__}")
            self._socket.settimeout(timeout_s)
        except (OSError, WireError) as error:
            self._socket.close()
            why = (error.strerror if isinstance(error, OSError) else str(error)) or "It does not answer"
            raise Absent("The daemon does not answer.", why=f"{why}.", remedy="Start it with `openclaw-vt daemon`.") from None
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._socket.close()

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        """Return the answer to one request. Raises GateError where it is refused, Absent where none comes."""
        self._number += 1
        try:
            self._lines.write({"id": self._number, "op": operation, **members})
            answer = self._lines.object()
        except (OSError, WireError) as error:
            raise Absent("The daemon stopped answering.", why=f"{error}.") from None
        if answer is None or answer.get("id") != self._number:
            raise Absent("The daemon stopped answering.")
        if answer.get("ok") is not True:
            raise GateError("The daemon refused.", why=str(answer.get("error", ""))[:300])
        return answer


def wait_for(state_folder: str, *, patience_s: float) -> Client:
    """Return a connection as soon as a daemon answers. Raises Absent or GateError after `patience_s`."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return Client(state_folder)
        except GateError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _check_socket(path: str) -> None:
    try:
        found, folder = os.lstat(path), os.lstat(os.path.dirname(path))
    except OSError:
        raise Absent(
            "The daemon is not running.", why="Its socket is gone.", remedy="Start it with `openclaw-vt daemon`."
        ) from None
    ours = {0, private_file.us()}
    loose = (found.st_mode | folder.st_mode) & private_file.ANY_OTHER if private_file.HAS_MODES else 0
    if not stat.S_ISSOCK(found.st_mode) or not stat.S_ISDIR(folder.st_mode) or not {found.st_uid, folder.st_uid} <= ours or loose:
        raise GateError(
            "The daemon's socket is not private, so it is not used.",
            why=f"{path} or its folder is open to other users, or is something else.",
            remedy="Run `openclaw-vt daemon --stop`, then try again.",
        )
