"""`openclaw-vt key`: the VirusTotal key in the operating system's keyring, and this machine's signing key."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING, Any

from openclaw_vt.cli.parser import Subparsers, add_json

if TYPE_CHECKING:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.virustotal.interface import Unavailable

SCHEMA = "openclaw-vt.key/1"
EMPTY_FILE = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("key", help="store, show, delete or rotate keys")
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    for name, help_text, action in (
        ("set", "read the VirusTotal key from a hidden prompt, or from standard input", _set),
        ("status", "say whether there is a key, and where", _status),
        ("delete", "forget the VirusTotal key", _delete),
        ("rotate", "make a new signing key and sign the records anew", _rotate),
    ):
        sub = actions.add_parser(name, help=help_text)
        if name in ("set", "status"):
            sub.add_argument("--check", action="store_true", help="ask VirusTotal once whether it accepts the key")
        add_json(sub)
        sub.set_defaults(run=action, person=name != "status")


def _set(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import note, read_secret, say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    with Assembly(load(os.environ)) as assembly:
        store = assembly.key_store()
        keys.set_virustotal_key(store, keys.SecretText(read_secret("VirusTotal API key (not shown): ")))
        if not args.json:
            say(f"The VirusTotal key is stored in: {store.backend}.")
        if os.environ.get("VT_API_KEY"):
            note("VT_API_KEY is set in this environment and is used instead of the stored key here.")
        return _told(args, assembly, {"stored": True, "backend": store.backend})


def _status(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    with Assembly(load(os.environ)) as assembly:
        status = keys.key_status(assembly.key_store(), state_dir=assembly.config.state_dir, environ=os.environ)
        if not args.json:
            say(f"VirusTotal key: {'stored' if status.stored else 'none'} ({status.backend})")
            say(f"Signing key:    {status.signing_keyid or 'made at the first verified skill'}")
        quota = {name: assembly.config["virustotal", name] for name in ("requests_per_minute", "requests_per_day")}
        body: dict[str, Any] = {"stored": status.stored, "backend": status.backend, "quota": quota}
        return _told(args, assembly, body | {"signing_key": status.signing_keyid})


def _told(args: argparse.Namespace, assembly: Assembly, body: dict[str, Any]) -> int:
    """Ask VirusTotal if that was wanted, and print one JSON document or the answer in words."""
    from openclaw_vt.cli.terminal import emit, explain, say

    problem = _refusal(assembly) if args.check else None
    if args.json:
        emit({"schema": SCHEMA} | body | ({"accepted": problem is None} if args.check else {}))
    elif args.check and problem is None:
        say("VirusTotal accepts the key.")
    if problem is not None:
        explain(problem)
    return 0 if problem is None else 3


def _refusal(assembly: Assembly) -> Unavailable | None:
    """Ask VirusTotal for a file that everybody knows: the one look-up tells whether the key is accepted."""
    import time

    from openclaw_vt.model.subject import parse_digest
    from openclaw_vt.virustotal.interface import Unavailable

    service = assembly.virustotal()
    if service is None:
        return Unavailable("There is no key to check.", remedy="Store one with `openclaw-vt key set`.")
    try:
        service.file_report(parse_digest(EMPTY_FILE), deadline=time.monotonic() + assembly.config["virustotal", "timeout_s"])
    except Unavailable as error:
        return error
    return None


def _delete(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load
    from openclaw_vt.store import keys

    with Assembly(load(os.environ)) as assembly:
        gone = keys.delete_virustotal_key(assembly.key_store())
    if args.json:
        emit({"schema": SCHEMA, "deleted": gone})
    else:
        say("The VirusTotal key was deleted." if gone else "There was no VirusTotal key.")
    return 0


def _rotate(args: argparse.Namespace) -> int:
    from openclaw_vt.assembly import Assembly
    from openclaw_vt.cli.terminal import emit, say
    from openclaw_vt.config import load
    from openclaw_vt.rotation import rotate

    with Assembly(load(os.environ)) as assembly:
        kept = rotate(assembly)
        public = assembly.public()
    if args.json:
        emit({"schema": SCHEMA, "signing_key": public.keyid if public else None, "kept": kept})
    else:
        say(f"A new signing key was made; {kept} records were signed anew.")
    return 0
