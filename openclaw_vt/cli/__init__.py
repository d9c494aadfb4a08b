"""The command line: the only place that prints, asks and exits. Kept thin, so that `verify` starts in milliseconds."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> NoReturn:
    """Run one command and leave the process with the exit code of the contract."""
    code = run(sys.argv[1:] if argv is None else argv)
    _leave(code)


def run(argv: list[str]) -> int:
    """Run one command and return its exit code. Never raises but for what argparse itself exits with."""
    from openclaw_vt.errors import GateError

    try:
        if argv[:1] == ["verify"] and all(not word.startswith("-") for word in argv[1:]) and len(argv) > 1:
            # The question asked before every use: it skips argparse and every other command.
            from openclaw_vt.cli.command import verify

            return verify.quick(argv[1:])
        return _parsed(argv)
    except GateError as error:
        from openclaw_vt.cli.terminal import explain

        explain(error)
        return error.exit_code
    except KeyboardInterrupt:
        print("openclaw-vt: interrupted; nothing was left half done.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`); Python would complain once more while closing stdout.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last line of defence: a clear sentence instead of a traceback
        return _internal(error, debug="--debug" in argv)


def _parsed(argv: list[str]) -> int:
    from openclaw_vt.cli.parser import build

    args = build().parse_args(argv)
    code: int = args.run(args)
    return code


def _internal(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exc()
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"  # noqa: PTH119 - no import for a name
    print(f"openclaw-vt: internal error: {type(error).__name__} at {where}. Nothing was allowed.", file=sys.stderr)
    print("  Run the command again with --debug and report what it prints.", file=sys.stderr)
    return EXIT_INTERNAL


def _leave(code: int) -> NoReturn:
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        pass  # the reader is gone; there is nobody left to tell
    threading = sys.modules.get("threading")  # not loaded means that there are no threads
    if threading is not None and threading.active_count() > 1:
        # A name lookup that hangs sits in a resolver thread that the interpreter would wait for; the answer is out already.
        os._exit(code)
    sys.exit(code)
