"""A daemon's life: one for each state folder, started by whoever needs it, ended by a signal, a request or a long silence."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from logging.handlers import RotatingFileHandler

from openclaw_vt import __version__
from openclaw_vt.config import Config
from openclaw_vt.daemon import rendezvous
from openclaw_vt.daemon.client import Absent, Client, wait_for
from openclaw_vt.daemon.desk import Gatehouse
from openclaw_vt.daemon.rendezvous import Rendezvous
from openclaw_vt.daemon.server import Server, listen
from openclaw_vt.errors import CacheError, GateError
from openclaw_vt.openclaw.launcher import ourselves
from openclaw_vt.store import files, keys

LOG = "daemon.log"
MAX_LOG_BYTES = 512 * 1024
OLD_LOGS = 2
START_S = 15.0
STOP_S = 10.0

log = logging.getLogger(__name__)
Settings = Callable[[], Config]
# Not waited for, on purpose: it outlives us. Python wants to hear that it is known.
_STARTED: list[subprocess.Popen[bytes]] = []


def has_sockets() -> bool:
    """Whether this system has Unix sockets that Python can use; elsewhere the protocol runs over stdio."""
    import socket

    return hasattr(socket, "AF_UNIX")


def ensure(config: Config, environ: Mapping[str, str]) -> Client:
    """Return a connection to the daemon, starting one where none answers. Raises Absent, GateError."""
    # Whatever is wrong with the address (nobody there, spoiled, forged), a daemon that starts writes it anew.
    with contextlib.suppress(GateError):
        return Client(config.state_folder)
    env = keys.child_environment(environ) | {
        "OPENCLAW_VT_CONFIG": config.file,
        "OPENCLAW_VT_STATE_DIR": config.state_folder,
    }
    nowhere = subprocess.DEVNULL
    try:
        files.make_folder(config.state_folder)
        _STARTED.append(
            subprocess.Popen(  # noqa: S603 - ourselves
                ourselves("daemon", "--foreground"),
                stdin=nowhere,
                stdout=nowhere,
                stderr=nowhere,
                env=env,
                cwd=config.state_folder,
                start_new_session=True,
            )
        )
    except OSError as error:
        raise GateError("The daemon could not be started.", why=error.strerror or type(error).__name__) from None
    return wait_for(config.state_folder, patience_s=START_S)


def stop(state_folder: str) -> bool:
    """Ask the daemon to end, and wait until it has. Returns False where none was running. Raises GateError."""
    try:
        with Client(state_folder) as client:
            client.ask("stop")
    except Absent:
        return False
    except GateError:
        if _discard(state_folder):
            return False
        raise
    deadline = time.monotonic() + STOP_S
    while time.monotonic() < deadline:
        try:
            with files.locked(os.path.join(state_folder, rendezvous.LOCK), wait_s=0.1):
                return True
        except CacheError:
            continue
    raise GateError(
        "The daemon did not end.", why=f"It is still there after {STOP_S:g} seconds.", remedy="Run `openclaw-vt daemon --status`."
    )


def _discard(state_folder: str) -> bool:
    """Remove an address that cannot be used, if no daemon runs. What it says is not believed, so no process is ended by it."""
    try:
        with files.locked(os.path.join(state_folder, rendezvous.LOCK), wait_s=0):
            os.unlink(os.path.join(state_folder, rendezvous.NAME))
    except (CacheError, OSError):
        return False
    return True


def run(settings: Settings, environ: Mapping[str, str]) -> bool:
    """Be the daemon until something ends it. Returns False at once where another one is. Raises GateError."""
    config = settings()
    with contextlib.ExitStack() as held:
        try:
            files.make_folder(config.state_folder)
            held.enter_context(files.locked(os.path.join(config.state_folder, rendezvous.LOCK), wait_s=0))
        except CacheError:
            return False
        except OSError as error:
            raise GateError("The state folder could not be made.", why=error.strerror or type(error).__name__) from None
        held.enter_context(_logging(config.state_folder))
        _serve(settings, config, environ)
    return True


def _serve(settings: Settings, config: Config, environ: Mapping[str, str]) -> None:
    path = rendezvous.socket_path(config.state_folder, environ)
    token = secrets.token_bytes(rendezvous.TOKEN_BYTES)
    ending: list[Server] = []

    def end(*_: object) -> None:
        for server in ending:
            server.stop()

    house = Gatehouse(settings, stop=end, environ=environ)
    try:
        try:
            listener = listen(path)
            server = Server(listener, house, token, idle_s=config["daemon", "idle_s"], reachable=_leads_here(config, path, token))
        except OSError as error:
            raise GateError(f"{path} could not be opened.", why=error.strerror or type(error).__name__) from None
        ending.append(server)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        rendezvous.write(config.state_folder, Rendezvous(path, token, os.getpid(), __version__))
        log.info("openclaw-vt %s listens as process %d", __version__, os.getpid())
        server.run()
    finally:
        rendezvous.withdraw(config.state_folder, os.getpid())
        with contextlib.suppress(OSError):
            os.unlink(path)
        house.close()
        log.info("ended")


def _leads_here(config: Config, path: str, token: bytes) -> Callable[[], bool]:
    """Return what tells whether the published address is still ours, and the socket the one that was opened."""
    opened = os.lstat(path)

    def reachable() -> bool:
        try:
            met, found = rendezvous.read(config.state_folder), os.lstat(path)
        except (GateError, OSError):
            return False
        return met is not None and met.token == token and (found.st_dev, found.st_ino) == (opened.st_dev, opened.st_ino)

    return reachable


@contextlib.contextmanager
def _logging(state_folder: str) -> Iterator[None]:
    """Write the daemon's own log beside the cache: private, and never more than three files of half a megabyte."""
    path = os.path.join(state_folder, LOG)
    with contextlib.suppress(OSError):
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            os.unlink(path)  # a link would lead our lines elsewhere, and a pipe would let us wait for ever
        files.create(path)
    root, before = logging.getLogger("openclaw_vt"), os.umask(0o077)
    try:
        handler = RotatingFileHandler(path, maxBytes=MAX_LOG_BYTES, backupCount=OLD_LOGS, encoding="utf-8", delay=True)
    finally:
        os.umask(before)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    root.addHandler(handler)
    level, root.propagate = root.level, False
    root.setLevel(logging.INFO)
    os.umask(0o077)  # a rotated log is a new file
    try:
        yield
    finally:
        root.removeHandler(handler)
        handler.close()
        root.setLevel(level)
        root.propagate = True
        os.umask(before)
