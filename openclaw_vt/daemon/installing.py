"""The second net under an install that the Gateway runs, and skills that the agent writes itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import data_dir
from openclaw_vt.daemon.front import Front
from openclaw_vt.daemon.request import mode_of, path_of, text_of
from openclaw_vt.daemon.server import Reply
from openclaw_vt.daemon.worker import Worker
from openclaw_vt.errors import GateError
from openclaw_vt.language import resolve, translator
from openclaw_vt.model.decision import Decision, Outcome, Phase, Request
from openclaw_vt.openclaw.wiring import is_wired_now

MAX_REASON = 500


class Installing:
    """Answers `install` and `proposal`."""

    def __init__(self, front: Front, worker: Worker, *, environ: Mapping[str, str]) -> None:
        self._front = front
        self._worker = worker
        self._environ = environ

    def install(self, request: dict[str, Any], reply: Reply) -> None:
        """Answer `before_install`. Raises ValueError, GateError.

        The install policy has asked the person already. Where somebody took that out of OpenClaw's configuration nobody was
        asked, and nobody can be from here: then what needs a person is refused too.
        """
        path, name = path_of(request), text_of(request, "name") or None
        config, update = self._front.config, request.get("update") is True
        moment = ("postUpdate", "post_update") if update else ("preInstall", "pre_install")
        mode = mode_of(request, moment[0], config["hooks", moment[1]])
        if mode == "off":
            reply({"answer": "allow"})
            return
        plugin = request.get("kind") == "plugin"

        def judged(assembly: Assembly) -> Decision:
            gate = assembly.gate()
            asked = Request(Phase.POST_UPDATE if update else Phase.PRE_INSTALL, path, name=name)
            return gate.look_up(asked) if plugin else gate.check(asked)

        work = self._worker.submit(f"install {path}", judged)
        if work is None:
            raise GateError("There is too much to do.")

        def finished(done: Any) -> None:
            if done.cancelled() or done.exception() is not None:
                closed = mode == "enforce" and self._front.config["hooks", "fail_install"] == "closed"
                words = self._words("openclaw-vt could not judge this install:")
                reply({"answer": "block", "reason": words} if closed else {"answer": "allow"})
                return
            reply(self._answer(done.result(), enforce=mode == "enforce", plugin=plugin))

        work.add_done_callback(finished)

    def proposal(self, request: dict[str, Any], reply: Reply) -> None:
        """Judge a skill that the agent wrote. Raises ValueError, GateError."""
        from openclaw_vt.proposals import judge_proposal

        work = self._worker.submit(f"proposal {id(request)}", lambda assembly: judge_proposal(request, assembly))
        if work is None:
            raise GateError("There is too much to do.")

        def finished(done: Any) -> None:
            if done.cancelled() or done.exception() is not None:
                decision = "block" if self._front.config["hooks", "fail_install"] == "closed" else "pass"
                words = "openclaw-vt failed while judging this proposal."
                reply({"decision": decision, "summary": words, "metrics": {}, "findings": []})
                return
            reply(done.result())

        work.add_done_callback(finished)

    def _answer(self, decision: Decision, *, enforce: bool, plugin: bool) -> dict[str, Any]:
        refused = decision.outcome is Outcome.BLOCK
        if decision.outcome is Outcome.WARN and not plugin:
            refused = not is_wired_now(self._environ, data_dir(self._environ))
        if not (refused and enforce):
            return {"answer": "allow"}
        words = " ".join(self._words(reason.message) for reason in decision.reasons[:3])
        return {"answer": "block", "reason": words[:MAX_REASON]}

    def _words(self, sentence: str) -> str:
        translate: Callable[[str], str] = translator(resolve(self._front.config["ui", "language"], os.environ))
        return translate(sentence)
