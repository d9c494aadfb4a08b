"""The command line: the only place that prints, asks and exits. Kept thin, so that `verify` starts in milliseconds."""

from __future__ import annotations

import gc
import os
import sys

# What `typing` would say; loading it takes as long as the warm gate takes to answer.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

EXIT_INTERNAL = 4
EXIT_INTERRUPTED = 130


def main(argv: list[str] | None = None) -> NoReturn:
    """Run one command and leave the process with the exit code of the contract."""
    _open_streams()
    words = sys.argv[1:] if argv is None else argv
    quick = _is_quick(words)
    if quick:
        gc.disable()  # what ends so soon leaves no garbage worth the search
    try:
        code = run(words)
    except SystemExit as done:  # argparse, after a help or a complaint
        code = done.code if isinstance(done.code, int) else EXIT_INTERNAL
    _leave(code, at_once=quick)


def run(argv: list[str]) -> int:
    """Run one command and return its exit code. Never raises but for what argparse itself exits with."""
    if _is_quick(argv):
        from openclaw_vt.cli.warm import ask

        if (code := ask(argv[1:], os.environ)) is not None:
            return code
    return _run_cold(argv)


def _run_cold(argv: list[str]) -> int:
    from openclaw_vt.errors import GateError

    try:
        return _started(argv)
    except GateError as error:
        from openclaw_vt.cli.terminal import explain

        explain(error)
        return error.exit_code
    except KeyboardInterrupt:
        from openclaw_vt.cli.terminal import note

        note("openclaw-vt: interrupted. Run it again; what was finished before that stays.")
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a clear sentence instead of a traceback
        debug = "--debug" in argv
        return _refused(error) if isinstance(error, OSError) and not debug else _internal(error, debug=debug)


def _started(argv: list[str]) -> int:
    if _is_quick(argv):
        from openclaw_vt.cli.command import verify

        return verify.quick(argv[1:])
    from openclaw_vt.cli.parser import build

    args = build().parse_args(argv)
    if getattr(args, "person", False) or getattr(args, "no_input", False):
        from openclaw_vt.cli.person import require_person

        require_person(os.environ)
    code: int = args.run(args)
    return code


def _is_quick(argv: list[str]) -> bool:
    """Return whether this is the question asked before every use: it skips argparse and every other command."""
    return len(argv) > 1 and argv[0] == "verify" and not any(word.startswith("-") for word in argv[1:])


def _refused(error: OSError) -> int:
    """Say what the operating system said: a full disk or a missing folder is no fault of the program."""
    from openclaw_vt.cli.terminal import note
    from openclaw_vt.model.display import shown

    where = f" ({shown(os.fsdecode(error.filename), limit=200)})" if isinstance(error.filename, str | bytes) else ""
    note(f"openclaw-vt: the operating system refused: {error.strerror or type(error).__name__}{where}. Nothing was allowed.")
    return EXIT_INTERNAL


def _internal(error: Exception, *, debug: bool) -> int:
    from openclaw_vt.cli.terminal import note

    if debug:
        import traceback

        note(traceback.format_exc())
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{os.path.basename(place.tb_frame.f_code.co_filename)}:{place.tb_lineno}" if place else "?"  # noqa: PTH119 - no import for a name
    note(f"openclaw-vt: internal error: {type(error).__name__} at {where}. Nothing was allowed.")
    note("  Run the command again with --debug and report what it prints.")
    return EXIT_INTERNAL


def _has_threads() -> bool:
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1


def _open_streams() -> None:
    """Put the null device where a caller closed stdin, stdout or stderr: the next file opened would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115 - a descriptor, for the life of the process


def _leave(code: int, *, at_once: bool) -> NoReturn:
    try:
        sys.stdout.flush()
    except OSError as error:
        from openclaw_vt.cli.terminal import lose

        lose(sys.stdout)
        if not isinstance(error, BrokenPipeError):
            # A reader that went away wanted no more; a full disk did not get what was asked for.
            code = code or _refused(error)
    try:
        sys.stderr.flush()
    except OSError:
        from openclaw_vt.cli.terminal import lose

        lose(sys.stderr)
    if at_once or _has_threads():
        # `verify` leaves nothing to tidy, and taking the interpreter apart is a tenth of its time. A name lookup that hangs
        # sits in a resolver thread that the interpreter would wait for; the answer is out already.
        os._exit(code)
    sys.exit(code)
