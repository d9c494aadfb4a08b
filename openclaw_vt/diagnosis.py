"""Every part tried for real, each failure with its mend: what `openclaw-vt doctor` runs."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from openclaw_vt import __version__
from openclaw_vt.assembly import Assembly
from openclaw_vt.config import data_dir
from openclaw_vt.daemon.client import Absent, Client
from openclaw_vt.daemon.starting import ensure, has_sockets, stop
from openclaw_vt.errors import GateError
from openclaw_vt.install_protocol import PROBE
from openclaw_vt.model.display import shown, shown_text
from openclaw_vt.model.subject import Digest
from openclaw_vt.onboarding import PASS_ENV, Host, wire_openclaw
from openclaw_vt.openclaw.command import find_openclaw
from openclaw_vt.openclaw.folders import read_config
from openclaw_vt.openclaw.launcher import check_launcher, launcher_path
from openclaw_vt.openclaw.plugin_files import is_loaded, plugin_folder, refusals
from openclaw_vt.openclaw.wiring import is_wired_now
from openclaw_vt.store import keys
from openclaw_vt.virustotal.interface import Unavailable

TESTED_OPENCLAW = "2026.9.6"
KNOWN_FILE = Digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
"""The empty file: VirusTotal has known it since its first day."""
PATIENCE_S = 60
MAX_VERSION = 80
_NOT_BEFORE = 1_767_225_600  # 2026-01-01: an earlier clock is a dead battery


class Health(StrEnum):
    """How one part is."""

    GOOD = "good"
    WEAK = "weak"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One part that was tried. `remedy` is empty when it is good."""

    name: str
    health: Health
    detail: str
    remedy: str = ""


Part = Callable[[Assembly, Host], Check]


def examine(assembly: Assembly, host: Host, *, offline: bool) -> Iterator[Check]:
    """Try every part, one after another. An error in one part becomes that part's answer."""
    parts: list[tuple[str, Part]] = [
        ("state folder", _state),
        ("clock", _clock),
        ("OpenClaw", _openclaw),
        ("install policy", _wiring),
        ("policy program", _policy),
        ("plugin", _plugin),
        ("daemon", _daemon),
        ("key store", _key_store),
        ("signed cache", _cache),
        ("audit log", _audit),
        ("VirusTotal", _offline if offline else _virustotal),
    ]
    for name, part in parts:
        try:
            yield part(assembly, host)
        except GateError as error:
            yield Check(name, Health.BROKEN, f"{error.what} {error.why}".strip(), error.remedy)
        except OSError as error:
            why = f"the operating system refused it: {error.strerror or type(error).__name__}"
            yield Check(name, Health.BROKEN, why, "Look at the disk, and at the owner and mode of the folders named above.")


def mend(assembly: Assembly, host: Host) -> list[str]:
    """Mend what can be mended without a decision: modes of our folders, the launcher, the install policy. Says what was done."""
    done = []
    folder = assembly.config.state_dir
    if folder.is_dir() and folder.stat().st_mode & 0o077:
        folder.chmod(0o700)
        done.append(f"{folder} is private again.")
    change, problems = wire_openclaw(assembly.config, host)
    asks = " and OpenClaw asks it from now on" if change.changed else ""
    return [*done, f"The launcher was written again{asks}.", *problems]


def _state(assembly: Assembly, host: Host) -> Check:
    del host
    folder = assembly.config.state_dir
    if not folder.is_dir() and os.path.lexists(folder):
        return Check("state folder", Health.BROKEN, f"{folder} is no folder", "Remove it, or name another folder.")
    if not folder.exists():
        return Check("state folder", Health.GOOD, f"{folder} is made when it is first needed")
    if folder.stat().st_mode & 0o022:
        return Check("state folder", Health.BROKEN, f"others may write to {folder}", f"chmod 700 '{folder}'")
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        why = f"nothing can be written to {folder} ({error.strerror})"
        return Check(
            "state folder", Health.BROKEN, why, "Free space, or make the folder writable: verdicts are not remembered now."
        )
    return Check("state folder", Health.GOOD, str(folder))


def _clock(assembly: Assembly, host: Host) -> Check:
    del host
    if assembly.clock() < _NOT_BEFORE:
        return Check("clock", Health.BROKEN, "the clock is years behind", "Set the date: records from the future do not count.")
    return Check("clock", Health.GOOD, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(assembly.clock())))


def _openclaw(assembly: Assembly, host: Host) -> Check:
    del assembly
    program = find_openclaw(host.environ)
    if program is None:
        return Check("OpenClaw", Health.WEAK, "the `openclaw` command is not in PATH", "Install OpenClaw, or add it to PATH.")
    try:
        done = subprocess.run(  # noqa: S603 - the absolute path of the person's own OpenClaw
            [program, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PATIENCE_S,
            check=False,
            env=keys.child_environment(host.environ),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("OpenClaw", Health.BROKEN, f"it does not start ({type(error).__name__})", "Repair the installation.")
    version = shown_text(done.stdout.decode("utf-8", "replace"), MAX_VERSION)
    if done.returncode != 0 or not version:
        return Check(
            "OpenClaw", Health.BROKEN, "it does not tell its version", "Run `openclaw --version` and repair what it says."
        )
    return Check("OpenClaw", Health.GOOD, f"{version} (proven with {TESTED_OPENCLAW})")


def _wiring(assembly: Assembly, host: Host) -> Check:
    del assembly
    if is_wired_now(host.environ, data_dir(host.environ)):
        return Check("install policy", Health.GOOD, f"OpenClaw asks the gate ({host.config})")
    problems = check_launcher(launcher_path(data_dir(host.environ)))
    if problems:
        return Check("install policy", Health.BROKEN, problems[0], "Run `openclaw-vt setup`, or `doctor --fix`.")
    return Check("install policy", Health.BROKEN, "OpenClaw does not ask the gate", "Run `openclaw-vt setup`, or `doctor --fix`.")


def _plugin(assembly: Assembly, host: Host) -> Check:
    """Look at the plugin's folder with OpenClaw's eyes, and at the entries that load it."""
    del assembly
    for problem in refusals():
        return Check("plugin", Health.BROKEN, problem, "OpenClaw skips it without a word until that is mended.")
    if not is_loaded(read_config(host.config, env=host.environ)):
        return Check("plugin", Health.BROKEN, "OpenClaw does not load it", "Run `openclaw-vt setup`, or `doctor --fix`.")
    return Check("plugin", Health.GOOD, f"OpenClaw loads {plugin_folder()}")


def _daemon(assembly: Assembly, host: Host) -> Check:
    """Ask a daemon, and start one for that where none runs; what was started here ends here."""
    if not has_sockets():
        return Check("daemon", Health.GOOD, "this system has no Unix sockets; the plugin talks over pipes")
    try:
        with Client(assembly.config.state_folder) as client:
            status, started = client.ask("status"), False
    except Absent:
        with ensure(assembly.config, host.environ) as client:
            status, started = client.ask("status"), True
    if started:
        stop(assembly.config.state_folder)
    if status["version"] != __version__:
        why = f"version {shown(str(status['version']))} runs, and {__version__} is installed"
        return Check("daemon", Health.WEAK, why, "Run `openclaw-vt daemon --stop`; it starts again when it is needed.")
    words = "it starts and answers" if started else f"it runs as process {status['pid']}"
    return Check("daemon", Health.GOOD, words)


def _policy(assembly: Assembly, host: Host) -> Check:
    """Start the launcher as OpenClaw does, with its nearly empty environment, and ask OpenClaw's own probe."""
    del assembly
    launcher = launcher_path(data_dir(host.environ))
    environ = {name: host.environ[name] for name in PASS_ENV if name in host.environ}
    with tempfile.TemporaryDirectory(prefix="openclaw-vt-probe-") as folder:
        question = {
            "protocolVersion": 1,
            "openclawVersion": TESTED_OPENCLAW,
            "targetType": "skill",
            "targetName": "doctor-install-policy-probe",
            "sourcePath": folder,
            "sourcePathKind": "directory",
            "origin": {"type": "doctor"},
            "request": {"kind": "skill-install", "mode": "install", "requestedSpecifier": PROBE},
        }
        try:
            done = subprocess.run(  # noqa: S603 - our own launcher
                [str(launcher)],
                input=json.dumps(question).encode(),
                capture_output=True,
                timeout=PATIENCE_S,
                check=False,
                env=environ,
            )
            answered = json.loads(done.stdout)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            why = f"it gives no answer ({type(error).__name__})"
            return Check("policy program", Health.BROKEN, why, "Run `openclaw-vt setup` again.")
    if not isinstance(answered, dict) or answered.get("decision") != "allow":
        return Check("policy program", Health.BROKEN, "it does not pass OpenClaw's own probe", "Run `openclaw-vt setup` again.")
    return Check("policy program", Health.GOOD, f"answers as OpenClaw starts it ({launcher})")


def _key_store(assembly: Assembly, host: Host) -> Check:
    del host
    store = assembly.key_store()
    pen = assembly.pen()
    if pen is None:
        why = "no key store is usable, so verdicts are neither signed nor remembered"
        remedy = 'Start a keyring, pass systemd credentials, or choose the weaker `keys.backend = "file"`.'
        return Check("key store", Health.BROKEN, why, remedy)
    pen.signer.public.check(pen.signer.sign(b"openclaw-vt doctor"), b"openclaw-vt doctor")
    if pen.vault is not None:
        pen.vault.load()
    if store.backend == "file":
        why = "keys lie in files that only you can read, unencrypted: any program that runs as you can take them"
        return Check("key store", Health.WEAK, why, "Use a keyring where there is one.")
    return Check("key store", Health.GOOD, f"{store.backend}; signing key {pen.signer.public.keyid[:16]} signs and verifies")


def _cache(assembly: Assembly, host: Host) -> Check:
    del host
    problems = assembly.cache().verify_all(keys.open_head_vault(assembly.key_store()))
    if not problems:
        return Check("signed cache", Health.GOOD, "every signature, the chain and the head verify")
    health = Health.WEAK if all(problem.repairable for problem in problems) else Health.BROKEN
    first = problems[0]
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Check("signed cache", health, f"{first.message}{more}", first.remedy or "Run `openclaw-vt cache verify`.")


def _audit(assembly: Assembly, host: Host) -> Check:
    del host
    problems = assembly.audit().verify()
    if problems:
        return Check("audit log", Health.WEAK, problems[0].message, problems[0].remedy or "Run `openclaw-vt audit --verify`.")
    return Check("audit log", Health.GOOD, "whole")


def _offline(assembly: Assembly, host: Host) -> Check:
    del assembly, host
    return Check("VirusTotal", Health.WEAK, "not asked (--offline)", "Run `openclaw-vt doctor` with a network.")


def _virustotal(assembly: Assembly, host: Host) -> Check:
    """Ask once for a file that everybody knows: tells network, TLS, key and quota in one look-up."""
    del host
    service = assembly.virustotal()
    if service is None:
        why = "there is no API key, so skills count as not reviewed"
        return Check("VirusTotal", Health.WEAK, why, "Get a free key and store it with `openclaw-vt key set`.")
    try:
        service.file_report(KNOWN_FILE, deadline=time.monotonic() + assembly.config["virustotal", "timeout_s"])
    except Unavailable as error:
        return Check("VirusTotal", Health.BROKEN, f"{error.what} {error.why}".strip(), error.remedy or "Check the network.")
    limit = assembly.config["virustotal", "requests_per_minute"]
    return Check("VirusTotal", Health.GOOD, f"{assembly.policy.host} accepts the key; {limit} requests a minute are assumed")
