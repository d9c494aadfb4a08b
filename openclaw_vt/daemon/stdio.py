"""The same protocol over standard input and output, for systems without Unix sockets: the plugin keeps us as its child.

There is no challenge: whoever started us holds both ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

from openclaw_vt.config import Config
from openclaw_vt.daemon.desk import Gatehouse
from openclaw_vt.daemon.wire import MAX_LINE_BYTES, WireError, parse
from openclaw_vt.model import strict_json

LAST_WAIT_S = 30.0
"""How long the last answers are waited for once the input has ended."""


def converse(settings: Callable[[], Config], environ: Mapping[str, str], heard: BinaryIO, spoken: BinaryIO) -> None:
    """Answer requests until the input ends or a `stop` comes; what was asked before the end is answered still.

    Raises GateError for settings that cannot be read.
    """
    stopped, changed = threading.Event(), threading.Condition()
    open_requests = 0

    def reply(answer: dict[str, Any]) -> None:
        nonlocal open_requests
        with changed:
            open_requests -= 1
            changed.notify_all()
            try:
                spoken.write(strict_json.dumps(answer) + b"\n")
                spoken.flush()
            except (OSError, ValueError):
                stopped.set()

    house = Gatehouse(settings, stop=stopped.set, environ=environ)
    try:
        while not stopped.is_set():
            line = heard.readline(MAX_LINE_BYTES + 1)
            if not line or len(line) > MAX_LINE_BYTES:
                break
            with changed:
                open_requests += 1
            try:
                house.serve(parse(line), reply)
            except WireError as error:
                reply({"id": 0, "ok": False, "error": str(error)})
        with changed:
            changed.wait_for(lambda: open_requests <= 0 or stopped.is_set(), timeout=LAST_WAIT_S)
    finally:
        house.close()
