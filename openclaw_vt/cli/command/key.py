"""`openclaw-vt key`: the VirusTotal key in the operating system's keyring, and this machine's signing key."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly

EMPTY_FILE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("key", help="store, show, delete or rotate keys")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    store = actions.add_parser("set", help="read the VirusTotal key from a hidden prompt, or from standard input")
    store.add_argument("--check", action="store_true", help="ask VirusTotal once whether it accepts the key")
    store.set_defaults(run=_set)
    status = actions.add_parser("status", help="say whether there is a key, and where")
    status.add_argument("--check", action="store_true", help="ask VirusTotal once whether it accepts the key")
    add_json(status)
    status.set_defaults(run=_status)
    delete = actions.add_parser("delete", help="forget the VirusTotal key")
    delete.set_defaults(run=_delete)
    rotate = actions.add_parser("rotate", help="make a new signing key; verified skills are judged again")
    rotate.set_defaults(run=_rotate)


def _set(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import read_secret, say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    with Assembly(load(os.environ)) as assembly:
        store = assembly.key_store()
        keys.set_virustotal_key(store, keys.SecretText(read_secret("VirusTotal API key (not shown): ")))
        say(f"The VirusTotal key is stored in: {store.backend}.")
        if os.environ.get("VT_API_KEY"):
            say("VT_API_KEY is set in this environment and is used instead of the stored key here.")
        return _checked(assembly) if args.check else 0


def _status(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    with Assembly(load(os.environ)) as assembly:
        status = keys.key_status(assembly.key_store(), state_dir=assembly.config.state_dir, environ=os.environ)
        quota = {
            "requests_per_minute": assembly.config["virustotal", "requests_per_minute"],
            "requests_per_day": assembly.config["virustotal", "requests_per_day"],
        }
        if args.json:
            emit(
                {
                    "schema": "openclaw-vt.key/1",
                    "stored": status.stored,
                    "backend": status.backend,
                    "signing_key": status.signing_keyid,
                    "quota": quota,
                }
            )
        else:
            say(f"VirusTotal key: {'stored' if status.stored else 'none'} ({status.backend})")
            say(f"Signing key:    {status.signing_keyid or 'made at the first verified skill'}")
        return _checked(assembly) if args.check else 0


def _checked(assembly: Assembly) -> int:
    """Ask VirusTotal for a file that everybody knows: the one look-up tells whether the key is accepted."""
    import time

    from openclaw_vt.cli.terminal import explain, say
    from openclaw_vt.model.subject import parse_digest
    from openclaw_vt.virustotal.interface import Unavailable

    service = assembly.virustotal()
    if service is None:
        say("There is no key to check.")
        return 3
    try:
        service.file_report(parse_digest(EMPTY_FILE), deadline=time.monotonic() + assembly.config["virustotal", "timeout_s"])
    except Unavailable as error:
        explain(error)
        return 3
    say("VirusTotal accepts the key.")
    return 0


def _delete(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    del args
    with Assembly(load(os.environ)) as assembly:
        gone = keys.delete_virustotal_key(assembly.key_store())
    say("The VirusTotal key was deleted." if gone else "There was no VirusTotal key.")
    return 0


def _rotate(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.config import load
    from openclaw_vt.rotation import rotate

    del args
    with Assembly(load(os.environ)) as assembly:
        kept = rotate(assembly)
    say(f"A new signing key was made; {kept} acceptances and revocations were signed anew. Verified skills are judged again.")
    return 0
