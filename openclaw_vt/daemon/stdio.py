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


def converse(settings: Callable[[], Config], environ: Mapping[str, str], heard: BinaryIO, spoken: BinaryIO) -> None:
    """Answer requests until the input ends or a `stop` comes. Raises GateError for settings that cannot be read."""
    stopped, writing = threading.Event(), threading.Lock()

    def reply(answer: dict[str, Any]) -> None:
        with writing:
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
            try:
                house.serve(parse(line), reply)
            except WireError as error:
                reply({"id": 0, "ok": False, "error": str(error)})
    finally:
        house.close()
