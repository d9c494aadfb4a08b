"""The commands and their arguments. Building it imports the command files, which import what they need when they run."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from openclaw_vt import __version__
from openclaw_vt.model.display import shown_text

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction["Parser"]  # noqa: SLF001 - argparse has no public name for it
else:
    Subparsers = object

COMMANDS = (
    "setup",
    "scan",
    "verify",
    "install",
    "accept",
    "key",
    "cache",
    "config",
    "doctor",
    "demo",
    "audit",
    "daemon",
    "simulator",
    "install_policy",
    "completion",
)
EPILOG = "Exit codes: 0 allow, 1 block, 2 usage or configuration, 3 a person must decide, 4 internal error, 130 interrupted."
MAX_COMPLAINT = 500


class Parser(argparse.ArgumentParser):
    """argparse without abbreviations, and with complaints that are fit to be printed whatever was on the command line.

    Whoever watches for `--no-input` or `--purge` must not miss `--no-i`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"allow_abbrev": False, **kwargs})

    def error(self, message: str) -> NoReturn:
        """Leave with the usage, the complaint and exit code 2."""
        super().error(shown_text(message, MAX_COMPLAINT))


def build() -> Parser:
    """Return the whole parser."""
    parser = Parser(
        prog="openclaw-vt",
        description="The gate for OpenClaw skills: VirusTotal and local analysis, remembered and signed.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"openclaw-vt {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in COMMANDS:
        import_module(f"openclaw_vt.cli.command.{name}").configure(commands)
    for command in commands.choices.values():
        _add_debug(command)
    return parser


def _add_debug(command: argparse.ArgumentParser) -> None:
    actions = [action for action in command._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001 - argparse has no public list of subcommands
    if not actions:
        command.add_argument("--debug", action="store_true", help="print a traceback if something goes wrong inside")
    for action in actions:
        for below in action.choices.values():
            _add_debug(below)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", action="store_true", help="print JSON on stdout")


def add_no_input(parser: argparse.ArgumentParser) -> None:
    """Add --no-input, for scripts that a person starts."""
    parser.add_argument("--no-input", action="store_true", help="ask nothing (for scripts that you start yourself)")
