"""`openclaw-vt setup`: keys, settings, OpenClaw's install policy, and one look at the skills that are already there."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_no_input

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.config import Config
    from openclaw_vt.onboarding import Found, Host

KEY_PAGE = "https://www.virustotal.com/gui/my-apikey"
MAX_LISTED = 50


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("setup", help="connect the gate to your OpenClaw; run it again at any time")
    add_no_input(parser)
    parser.add_argument("--openclaw-state-dir", metavar="DIR", help="OpenClaw's state folder (default: the usual one)")
    parser.add_argument("--remove", action="store_true", help="undo exactly what setup wrote into OpenClaw")
    parser.add_argument("--purge", action="store_true", help="with --remove: also delete keys, cache and settings")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Set up, or undo it."""
    from openclaw_vt import onboarding
    from openclaw_vt.config import load
    from openclaw_vt.errors import UsageError

    if args.purge and not args.remove:
        raise UsageError("--purge goes with --remove.")
    host = onboarding.locate(os.environ, args.openclaw_state_dir)
    config = load(os.environ)
    return _remove(args, config, host) if args.remove else _set_up(args, config, host)


def _set_up(args: argparse.Namespace, config: Config, host: Host) -> int:
    from openclaw_vt import onboarding
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import note, say
    from openclaw_vt.language import resolve

    extra: dict[tuple[str, str], Any] = {("ui", "language"): resolve(config["ui", "language"], os.environ)}
    extra |= _backend(config, ask=not args.no_input)
    if onboarding.write_config(config, extra):
        say(f"Settings:   written to {config.path}")
    config = onboarding.reload(config, os.environ)
    with Assembly(config) as assembly:
        _keys(assembly, ask=not args.no_input)
        change, problems = onboarding.wire_openclaw(config, host)
        for problem in problems:
            note(f"OpenClaw would not start the launcher: {problem}")
        if problems:
            return 2
        say(f"OpenClaw:   {'asks the gate from now on' if change.changed else 'asks the gate already'} ({change.config})")
        _baseline(assembly, host, ask=not args.no_input)
    say("`openclaw-vt doctor` tries every part; `openclaw-vt setup --remove` undoes this.")
    return 0


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


def _keys(assembly: Assembly, *, ask: bool) -> None:
    from openclaw_vt.cli.terminal import note, read_secret, say
    from openclaw_vt.errors import KeyStoreError
    from openclaw_vt.store import keys

    try:
        store = assembly.key_store()
        given = os.environ.get("VT_API_KEY")
        if given and store.writable:
            keys.set_virustotal_key(store, keys.SecretText(given))
        elif ask and store.writable and store.get(keys.VIRUSTOTAL_KEY) is None:
            say(f"A free VirusTotal key comes from {KEY_PAGE} (sign in, then API key).")
            typed = read_secret("VirusTotal API key (not shown; Enter goes on without): ")
            if typed.strip():
                keys.set_virustotal_key(store, keys.SecretText(typed))
        status = keys.key_status(store, state_dir=assembly.config.state_dir, environ={})
        place = f"stored ({status.backend})" if status.stored else "none: skills count as not reviewed by VirusTotal"
        say(f"VirusTotal: key {place}")
        pen = assembly.pen()
        say(f"Signatures: {'key ' + pen.signer.public.keyid[:16] if pen else 'none, verdicts are not remembered'}")
    except KeyStoreError as error:
        note(f"Keys: {error}")


def _baseline(assembly: Assembly, host: Host, *, ask: bool) -> None:
    """Look at what is there, and ask once for all of it."""
    from openclaw_vt import onboarding
    from openclaw_vt.cli.terminal import confirm, note, say
    from openclaw_vt.errors import GateError

    inventory = host.skills()
    if not inventory.complete:
        note("There are more skills than setup looks at; `openclaw-vt scan --recursive` judges the rest.")
    found = onboarding.survey(assembly, inventory)
    quiet = tuple(item for item in found if item.unsuspicious)
    own = [item for item in found if not item.bundled]
    bundled = len(found) - len(own)
    say(f"Skills:     {len(own)} installed, {bundled} bundled with OpenClaw; {len(quiet)} unsuspicious")
    _table([item for item in found if not (item.unsuspicious and item.bundled)])
    if not quiet:
        return
    if ask and not confirm(f"Keep these {len(quiet)} unsuspicious skills as they are, without asking at each use?"):
        say("Baseline:   nothing recorded; each skill asks at its first use.")
        return
    try:
        kept = onboarding.keep_baseline(assembly, quiet, by="terminal" if ask else "script")
        say(f"Baseline:   {kept} recorded, {len(quiet) - kept} there already. VirusTotal has not reviewed them yet:")
        say("            `openclaw-vt scan --recursive --wait FOLDER` asks it, within your key's quota.")
    except GateError as error:
        note(f"Baseline: nothing was recorded. {error}")


def _table(found: list[Found]) -> None:
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.model.display import shown

    for item in found[:MAX_LISTED]:
        subject, verdict = item.decision.subject, item.decision.verdict
        name = shown(subject.ref.name, limit=30) if subject else "(unreadable)"
        says = verdict.analysis.verdict.value if verdict else "unread"
        gap = "" if verdict is None or verdict.coverage.complete else ", partly checked"
        say(f"  {name:<30} {says}{gap}  {shown(item.decision.request.path)}")
    if len(found) > MAX_LISTED:
        say(f"  ... and {len(found) - MAX_LISTED} more")


def _remove(args: argparse.Namespace, config: Config, host: Host) -> int:
    from openclaw_vt import onboarding
    from openclaw_vt.cli.terminal import confirm, note, say

    if not args.no_input and not confirm("Take the gate out of OpenClaw? Skills are then installed and used unchecked."):
        say("Nothing was changed.")
        return 3
    change = onboarding.unwire_openclaw(config, host)
    say(f"OpenClaw no longer asks the gate ({change.config}{'' if change.changed else '; it did not before'}).")
    for left in change.left:
        note(f"Left alone, since somebody changed it after setup: {left}")
    if args.purge:
        _purge(config)
    else:
        say(f"Keys, cache and settings stay: {config.state_dir}, {config.path}. --purge deletes them too.")
    return 0


def _purge(config: Config) -> None:
    import shutil

    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import note, say
    from openclaw_vt.errors import KeyStoreError
    from openclaw_vt.store import keys

    try:
        with Assembly(config) as assembly:
            store = assembly.key_store()
            if store.writable:
                vault = keys.open_head_vault(store)
                if vault is not None:
                    vault.delete()
                for name in (keys.VIRUSTOTAL_KEY, keys.SIGNING_KEY):
                    store.delete(name)
    except KeyStoreError as error:
        note(f"The keys could not be deleted: {error}")
    shutil.rmtree(config.state_dir, ignore_errors=True)
    config.path.unlink(missing_ok=True)
    say("Keys, cache and settings are deleted.")
