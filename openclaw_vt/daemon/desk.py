"""Every request the daemon answers, and the one way in: anything odd is an answer with `ok: false`, never the end of it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Mapping
from typing import Any

from openclaw_vt import __version__
from openclaw_vt.config import Config
from openclaw_vt.daemon.concerns import Concerns
from openclaw_vt.daemon.copies import Copies
from openclaw_vt.daemon.front import Front
from openclaw_vt.daemon.installing import Installing
from openclaw_vt.daemon.keeping import Keeping
from openclaw_vt.daemon.server import Reply
from openclaw_vt.daemon.using import Using
from openclaw_vt.daemon.worker import Worker
from openclaw_vt.errors import GateError
from openclaw_vt.model.display import shown

log = logging.getLogger(__name__)
Operation = Callable[[dict[str, Any], Reply], None]


class Gatehouse:
    """The daemon's rooms put together. `settings` reads the configuration; `stop` ends the process."""

    def __init__(
        self, settings: Callable[[], Config], *, stop: Callable[[], None], environ: Mapping[str, str] = os.environ
    ) -> None:
        """Raises GateError for settings that cannot be read."""
        self._began = time.monotonic()
        self._stop = stop
        self.front = front = Front(settings)
        self._asked = Worker("asked", lambda: front.config, environ=environ)
        self._unasked = Worker("unasked", lambda: front.config, environ=environ)
        self._copies = Copies(front.config.state_folder, front)
        concerns = Concerns()
        self._using = using = Using(front, self._asked, self._copies, judged=concerns.heard)
        self._keeping = keeping = Keeping(front, self._unasked, concerns, environ=environ)
        installing = Installing(front, self._asked, environ=environ)
        self._served = 0
        self._operations: dict[str, Operation] = {
            "use": using.use,
            "verify": using.verify,
            "writing": using.writing,
            "answer": using.answer,
            "wrote": keeping.wrote,
            "ran": keeping.ran,
            "changed": keeping.changed,
            "start": keeping.start,
            "findings": keeping.findings,
            "note": keeping.note,
            "install": installing.install,
            "proposal": installing.proposal,
            "status": self._status,
            "stop": self._end,
        }
        self._unasked.submit("sweep", lambda _: self._copies.sweep())

    def serve(self, request: dict[str, Any], reply: Reply) -> None:
        """Answer one request, now or later. Never raises."""
        number, name = request.get("id"), request.get("op")

        def answered(body: dict[str, Any]) -> None:
            reply({"id": number, "ok": True, **body})

        operation = self._operations.get(name) if isinstance(name, str) else None
        if operation is None or isinstance(number, bool) or not isinstance(number, int):
            reply({"id": number if isinstance(number, int) else 0, "ok": False, "error": "no such request"})
            return
        self._served += 1
        try:
            operation(request, answered)
        except ValueError as error:
            reply({"id": number, "ok": False, "error": shown(str(error), limit=300)})
        except GateError as error:
            reply({"id": number, "ok": False, "error": shown(str(error), limit=300)})
        except Exception as error:  # one request that breaks something must not take the gate away from all others
            log.exception("A request failed: %s", name)
            reply({"id": number, "ok": False, "error": f"internal error: {type(error).__name__}"})

    def busy(self) -> bool:
        """Return whether work goes on that nobody waits for."""
        return self._asked.busy() or self._unasked.busy()

    def close(self) -> None:
        """Let go of everything."""
        self._keeping.close()
        self._using.close()
        for worker in (self._asked, self._unasked):
            worker.close()
        self.front.close()

    def _status(self, request: dict[str, Any], reply: Reply) -> None:
        del request
        up = int(time.monotonic() - self._began)
        reply({"version": __version__, "pid": os.getpid(), "uptime_s": up, "served": self._served, "busy": self.busy()})

    def _end(self, request: dict[str, Any], reply: Reply) -> None:
        del request
        reply({})
        self._stop()
