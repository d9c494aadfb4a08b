"""`openclaw-vt simulator`: VirusTotal's API on this machine, for trying things out and for tests."""

from __future__ import annotations

import argparse

from openclaw_vt.cli.parser import Subparsers


def configure(commands: Subparsers) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("simulator", help="run a VirusTotal simulator on 127.0.0.1")
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port to listen on (default: any free one)")
    parser.add_argument("--script", metavar="FILE", help="JSON file that says what it knows and how it fails")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from pathlib import Path

    from openclaw_vt.cli.terminal import note, say_now
    from openclaw_vt.virustotal.simulator import SIMULATOR_KEY, load_script, serve_forever

    script = load_script(Path(args.script)) if args.script else None

    def announce(url: str) -> None:
        say_now(url)
        key = script.key if script else SIMULATOR_KEY
        note(f"Try: OPENCLAW_VT_VIRUSTOTAL_HOST={url} VT_API_KEY={key} openclaw-vt scan PATH   (Ctrl-C ends it)")

    serve_forever(announce=announce, port=args.port, script=script)
    return 0
