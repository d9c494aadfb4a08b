"""A real Secret Service (gnome-keyring) on a D-Bus session of its own, in a throw-away home.

The bus knows no service files, so nothing is started behind a test's back: what was stopped stays stopped. Everything ends when
the test's end of a pipe closes, even when the test process is killed.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.requirements import require

SECRETS = "org.freedesktop.secrets"
PROMPTER = "org.gnome.keyring.SystemPrompter"
READY_WITHIN_S = 60

_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <keep_umask/>
  <listen>unix:tmpdir={sockets}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
_GUARD = """
if [ -n "$1" ]; then
  gnome-keyring-daemon $3 --foreground --components=secrets <"$1" >"$2" 2>&1 &
fi
echo "$DBUS_SESSION_BUS_ADDRESS $!"
read -r _
if [ -n "$!" ]; then kill "$!" 2>/dev/null; fi
wait
"""


@dataclass(frozen=True)
class Session:
    """A running bus. `environ` is what a child process needs to find it; `daemon` is the keyring's process id."""

    environ: dict[str, str]
    daemon: int | None

    @property
    def address(self) -> str:
        return self.environ["DBUS_SESSION_BUS_ADDRESS"]

    def lock(self) -> None:
        """Lock the default collection, as a screen lock or a log-out does."""
        import secretstorage

        with self._connection() as connection:
            secretstorage.get_default_collection(connection).lock()

    def kill_service(self) -> None:
        """End the keyring as a crash would, and return once the bus has noticed."""
        assert self.daemon is not None
        with self._connection() as connection, _owner_changes(connection, SECRETS) as wait_until:
            os.kill(self.daemon, signal.SIGKILL)
            wait_until(present=False)

    @contextlib.contextmanager
    def prompter_that_never_answers(self) -> Iterator[None]:
        """Be the program that shows the keyring's questions, and show none."""
        from jeepney.bus_messages import message_bus

        with self._connection() as connection:
            connection.send_and_get_reply(message_bus.RequestName(PROMPTER))
            yield

    @contextlib.contextmanager
    def _connection(self) -> Iterator:
        from jeepney.io.blocking import open_dbus_connection

        with contextlib.closing(open_dbus_connection(bus=self.address)) as connection:
            yield connection


@contextlib.contextmanager
def secret_service(*, keyring: bool = True, unlocked: bool = True) -> Iterator[Session]:
    """Run a bus, and on it a keyring unless `keyring` is False. Skips without the programs, fails in CI.

    Without `unlocked` nobody has ever logged in: there is no collection yet.
    """
    if sys.platform != "linux":
        pytest.skip("the Secret Service is Linux's; other systems have keyrings of their own")
    require("dbus-run-session", "starts a D-Bus session (Debian: dbus-daemon)")
    if keyring:
        require("gnome-keyring-daemon", "a real Secret Service (Debian: gnome-keyring)")
    # A short path: the keyring's control socket lies below it, and a socket's path has 108 bytes.
    with tempfile.TemporaryDirectory(prefix="ocvt-") as name:
        yield from _run(Path(name), keyring=keyring, unlocked=unlocked)


def _run(home: Path, *, keyring: bool, unlocked: bool) -> Iterator[Session]:
    (home / "bus.conf").write_text(_BUS.format(sockets=tempfile.gettempdir()))
    (home / "password").write_text("throw-away")
    (home / "run").mkdir(mode=0o700)
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "XDG_RUNTIME_DIR": str(home / "run"), "LC_ALL": "C.UTF-8"}
    environ |= {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "CACHE", "STATE")}
    log = home / "keyring.log"
    command = ["dbus-run-session", f"--config-file={home / 'bus.conf'}", "--", "sh", "-c", _GUARD, "guard"]
    arguments = [str(home / "password") if keyring else "", str(log), "--unlock" if unlocked else ""]
    pipe = subprocess.PIPE
    with (
        (home / "bus.log").open("wb") as errors,
        subprocess.Popen([*command, *arguments], env=environ, stdin=pipe, stdout=pipe, stderr=errors, text=True) as guard,
    ):
        assert guard.stdin is not None
        assert guard.stdout is not None
        try:
            address, _, pid = guard.stdout.readline().strip().partition(" ")
            assert address, (home / "bus.log").read_text()
            session = Session(environ | {"DBUS_SESSION_BUS_ADDRESS": address}, int(pid) if pid else None)
            if keyring:
                _wait_for_keyring(session, log)
            yield session
        finally:
            guard.stdin.close()
            guard.wait(timeout=READY_WITHIN_S)


def _wait_for_keyring(session: Session, log: Path) -> None:
    with session._connection() as connection, _owner_changes(connection, SECRETS) as wait_until:
        try:
            wait_until(present=True)
        except TimeoutError:
            raise AssertionError(f"gnome-keyring did not come up: {log.read_text()}") from None


@contextlib.contextmanager
def _owner_changes(connection, name: str) -> Iterator:
    """Yield a function that waits until `name` has an owner on the bus, or has none."""
    from jeepney import MatchRule
    from jeepney.bus_messages import message_bus

    rule = MatchRule(type="signal", interface="org.freedesktop.DBus", member="NameOwnerChanged")
    rule.add_arg_condition(0, name)
    connection.send_and_get_reply(message_bus.AddMatch(rule))
    with connection.filter(rule) as changes:

        def wait_until(*, present: bool) -> None:
            # Subscribed first, asked afterwards: no change can fall between the two.
            owned = bool(connection.send_and_get_reply(message_bus.NameHasOwner(name)).body[0])
            while owned is not present:
                owned = bool(connection.recv_until_filtered(changes, timeout=READY_WITHIN_S).body[2])

        yield wait_until
