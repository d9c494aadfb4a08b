"""`openclaw-vt setup`: keys, settings, OpenClaw's install policy, and one look at the skills that are already there."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_json, add_no_input

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import Config
    from openclaw_vt.onboarding import Found, Host
    from openclaw_vt.store.keys import KeyStore

SCHEMA = "openclaw-vt.setup/1"
KEY_PAGE = "https://www.virustotal.com/gui/my-apikey"
MAX_LISTED = 50
REFUSED = 2


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("setup", help="connect the gate to your OpenClaw; run it again at any time")
    add_no_input(parser)
    parser.add_argument("--openclaw-state-dir", metavar="DIR", help="OpenClaw's state folder (default: the usual one)")
    parser.add_argument("--remove", action="store_true", help="undo exactly what setup wrote into OpenClaw")
    parser.add_argument("--purge", action="store_true", help="with --remove: also delete keys, cache and settings")
    add_json(parser)
    parser.set_defaults(run=run, person=True)


@dataclass
class _Told:
    """What a run has to tell: lines as it goes along, or one JSON document at its end."""

    as_json: bool
    body: dict[str, Any] = field(default_factory=dict)

    def line(self, text: str, **facts: Any) -> None:
        """Say `text`, or keep `facts` for the document."""
        from openclaw_vt.cli.terminal import say

        self.body |= facts
        if not self.as_json:
            say(text)

    def end(self, code: int) -> int:
        """Print the document, if that is what was asked for, and return `code`."""
        from openclaw_vt.cli.terminal import emit

        if self.as_json:
            emit({"schema": SCHEMA} | self.body)
        return code


def run(args: argparse.Namespace) -> int:
    """Set up, or undo it."""
    from openclaw_vt import onboarding
    from openclaw_vt.config import load
    from openclaw_vt.errors import UsageError

    if args.purge and not args.remove:
        raise UsageError("--purge goes with --remove.")
    if args.openclaw_state_dir == "":
        raise UsageError("--openclaw-state-dir is empty.", remedy="Name OpenClaw's state folder, or leave the option out.")
    host = onboarding.locate(os.environ, args.openclaw_state_dir)
    config, told = load(os.environ), _Told(as_json=args.json)
    if args.remove and not _sure(args):
        told.line("Nothing was changed.", removed=False)
        return told.end(3)
    with onboarding.alone(config):
        return told.end(_remove(args, config, host, told) if args.remove else _set_up(args, config, host, told))


def _set_up(args: argparse.Namespace, config: Config, host: Host, told: _Told) -> int:
    from openclaw_vt import onboarding
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import note
    from openclaw_vt.language import resolve

    extra: dict[tuple[str, str], Any] = {("ui", "language"): resolve(config["ui", "language"], os.environ)}
    extra |= _backend(config, ask=not args.no_input)
    written = onboarding.write_config(config, extra)
    told.line(f"Settings:   {'written to' if written else 'are in'} {config.path}", settings=str(config.path))
    config = onboarding.reload(config, os.environ)
    with Assembly(config) as assembly:
        kept = _keys(assembly, told, ask=not args.no_input)
        change, problems = onboarding.wire_openclaw(config, host)
        for problem in problems:
            note(f"OpenClaw would not start the launcher: {problem}")
        if problems:
            return REFUSED
        words = "asks the gate from now on" if change.changed else "asks the gate already"
        wired = {"config": str(change.config), "changed": change.changed}
        told.line(f"OpenClaw:   {words} ({change.config})", openclaw=wired)
        _baseline(assembly, host, told, ask=not args.no_input, can_sign=kept)
        _own_skill(assembly, host, told, can_sign=kept)
    _end_daemon(config)
    told.line("`openclaw-vt doctor` tries every part; `openclaw-vt setup --remove` undoes this.")
    return 0 if kept else REFUSED


def _own_skill(assembly: Assembly, host: Host, told: _Told, *, can_sign: bool) -> None:
    """Put the skill that explains the gate to the agent beside the others; it only teaches commands that read."""
    from openclaw_vt.cli.terminal import explain
    from openclaw_vt.errors import GateError
    from openclaw_vt.onboarding import backup_dir, vouch
    from openclaw_vt.openclaw.own_skill import install_own_skill

    own = install_own_skill(host.state, backup_dir(assembly.config))
    words = f"not put in place: {own.why}" if own.outcome == "left" else f"in {own.folder}"
    told.line(f"Own skill:  {words}", own_skill=own.outcome)
    if can_sign and own.outcome != "left":
        try:
            vouch(assembly, own.folder)
        except GateError as error:
            explain(error)


def _end_daemon(config: Config) -> None:
    """End a daemon that runs with the settings and the program of before; OpenClaw's plugin starts it again when it is needed."""
    from openclaw_vt.cli.terminal import explain
    from openclaw_vt.daemon.starting import has_sockets, stop
    from openclaw_vt.errors import GateError

    try:
        if has_sockets():
            stop(config.state_folder)
    except GateError as error:
        explain(error)


def _backend(config: Config, *, ask: bool) -> dict[tuple[str, str], Any]:
    """Offer the weaker file store by name where no keyring works; it is never chosen for the person."""
    from openclaw_vt.cli.terminal import confirm, note
    from openclaw_vt.store import keys

    if config["keys", "backend"] != "auto":
        return {}
    store = keys.open_store("auto", state_dir=config.state_dir, environ=os.environ)
    if store.backend != "none":
        return {}
    note("No keyring is usable here, so keys cannot be kept and verdicts cannot be signed.")
    question = "Keep keys in files that only you can read? They are not encrypted."
    if ask and confirm(question):
        return {("keys", "backend"): "file"}
    note('To choose that later: set `backend = "file"` under `[keys]` in the settings and run setup again.')
    return {}


def _keys(assembly: Assembly, told: _Told, *, ask: bool) -> bool:
    """Keep the VirusTotal key and make the signing key. Returns False when a key store that is there refused."""
    from openclaw_vt.cli.terminal import explain, note
    from openclaw_vt.errors import KeyStoreError
    from openclaw_vt.store import keys

    try:
        store = assembly.key_store()
        _keep_virustotal_key(store, ask=ask)
        status = keys.key_status(store, state_dir=assembly.config.state_dir, environ={})
        place = f"stored ({status.backend})" if status.stored else "none: skills count as not reviewed by VirusTotal"
        told.line(f"VirusTotal: key {place}", key={"stored": status.stored, "backend": status.backend})
        pen = assembly.pen()
    except KeyStoreError as error:
        explain(error)
        note("Setup goes on without the keys. Run it again once that is mended.")
        return False
    keyid = pen.signer.public.keyid if pen else None
    words = f"key {keyid[:16]}" if keyid else "none, verdicts are not remembered"
    told.line(f"Signatures: {words}", signing_key=keyid)
    return True


def _keep_virustotal_key(store: KeyStore, *, ask: bool) -> None:
    from openclaw_vt.cli.terminal import note, read_secret
    from openclaw_vt.store import keys

    given = os.environ.get("VT_API_KEY")
    if given and store.writable:
        keys.set_virustotal_key(store, keys.SecretText(given))
    elif given:
        note("VT_API_KEY could not be stored, so OpenClaw's installs are judged without VirusTotal.")
    elif ask and store.writable and store.get(keys.VIRUSTOTAL_KEY) is None:
        note(f"A free VirusTotal key comes from {KEY_PAGE} (sign in, then API key).")
        typed = read_secret("VirusTotal API key (not shown; Enter goes on without): ")
        if typed:
            keys.set_virustotal_key(store, keys.SecretText(typed))


def _baseline(assembly: Assembly, host: Host, told: _Told, *, ask: bool, can_sign: bool) -> None:
    """Look at what is there, and ask once for all of it."""
    from openclaw_vt import onboarding
    from openclaw_vt.cli.terminal import confirm, note
    from openclaw_vt.openclaw.own_skill import folder_of

    inventory = host.skills()
    if not inventory.complete:
        note("There are more skills than setup looks at; `openclaw-vt scan --recursive` judges the rest.")
    found = onboarding.survey(assembly, inventory, own=folder_of(host.state))
    quiet = tuple(item for item in found if item.unsuspicious)
    bundled = sum(item.bundled for item in found)
    counts = {"installed": len(found) - bundled, "bundled": bundled, "unsuspicious": len(quiet)}
    words = f"{counts['installed']} installed, {bundled} bundled with OpenClaw; {len(quiet)} unsuspicious"
    told.line(f"Skills:     {words}", skills=counts, baseline={"recorded": 0})
    _table([item for item in found if not (item.unsuspicious and item.bundled)], told)
    if not quiet or not can_sign:
        return
    if ask and not confirm(f"Keep these {len(quiet)} unsuspicious skills as they are, without asking at each use?"):
        told.line("Baseline:   nothing recorded; each skill asks at its first use.")
        return
    _record(assembly, host, quiet, told, by="terminal" if ask else "script")
    waiting = onboarding.review_later(assembly, found)
    if waiting:
        words = f"VirusTotal is being asked about {waiting} skills in the background, within your key's quota."
        told.line(f"Review:     {words} `openclaw-vt audit` tells.", review={"started": waiting})


def _record(assembly: Assembly, host: Host, quiet: tuple[Found, ...], told: _Told, *, by: str) -> None:
    from openclaw_vt import onboarding
    from openclaw_vt.cli.terminal import explain, note
    from openclaw_vt.daemon import bundled
    from openclaw_vt.errors import GateError

    try:
        kept = onboarding.keep_baseline(assembly, quiet, by=by)
    except GateError as error:
        note("The baseline is not complete: each skill that is not in it asks at its first use.")
        explain(error)
        return
    bundled.note(assembly.config.state_folder, host.package)
    words = f"{kept} recorded, {len(quiet) - kept} there already. VirusTotal has not reviewed them yet."
    told.line(f"Baseline:   {words}", baseline={"recorded": kept})


def _table(found: list[Found], told: _Told) -> None:
    from openclaw_vt.model.display import shown

    for item in found[:MAX_LISTED]:
        subject, verdict = item.decision.subject, item.decision.verdict
        name = shown(subject.ref.name, limit=30) if subject else "(unreadable)"
        says = verdict.analysis.verdict.value if verdict else "unread"
        gap = "" if verdict is None or verdict.coverage.complete else ", partly checked"
        told.line(f"  {name:<30} {says}{gap}  {shown(item.decision.request.path)}")
    if len(found) > MAX_LISTED:
        told.line(f"  ... and {len(found) - MAX_LISTED} more")


def _sure(args: argparse.Namespace) -> bool:
    from openclaw_vt.cli.terminal import confirm

    if args.no_input:
        return True
    also = " Keys, cache and settings are deleted too." if args.purge else ""
    return confirm(f"Take the gate out of OpenClaw? Skills are then installed and used unchecked.{also}")


def _remove(args: argparse.Namespace, config: Config, host: Host, told: _Told) -> int:
    from openclaw_vt import onboarding
    from openclaw_vt.cli.terminal import note
    from openclaw_vt.onboarding import backup_dir
    from openclaw_vt.openclaw.own_skill import remove_own_skill

    change = onboarding.unwire_openclaw(config, host)
    remove_own_skill(host.state, backup_dir(config))
    _end_daemon(config)
    before = "" if change.changed else "; it did not before"
    told.line(f"OpenClaw no longer asks the gate ({change.config}{before}).", removed=True, changed=change.changed)
    for left in change.left:
        note(f"Left alone, since somebody changed it after setup: {left}")
    if args.purge:
        return _purge(config, told)
    told.line(f"Keys, cache and settings stay: {config.state_dir}, {config.path}. --purge deletes them too.")
    return 0


def _purge(config: Config, told: _Told) -> int:
    from openclaw_vt import onboarding
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import explain, note
    from openclaw_vt.errors import KeyStoreError

    try:
        with Assembly(config) as assembly:
            left = onboarding.purge(config, assembly.key_store())
    except KeyStoreError as error:
        note("The keys could not be deleted.")
        explain(error)
        return REFUSED
    told.line("Keys, cache and settings are deleted.", purged=True)
    for path in left:
        note(f"Left alone, since it is not ours or could not be deleted: {path}")
    return 0
