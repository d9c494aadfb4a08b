"""What is installed, and what happens to it: looked at when OpenClaw starts, when a skill changes, and when the agent writes."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping
from typing import Any

from openclaw_vt.assembly import Assembly
from openclaw_vt.config import data_dir
from openclaw_vt.daemon import bundled as bundled_skills
from openclaw_vt.daemon.concerns import Concerns
from openclaw_vt.daemon.front import Front
from openclaw_vt.daemon.host import Host, located
from openclaw_vt.daemon.own import goes_on_as_own, was_own, written_by_agent
from openclaw_vt.daemon.request import mode_of, path_of, text_of
from openclaw_vt.daemon.server import Reply
from openclaw_vt.daemon.survey import Survey
from openclaw_vt.daemon.watch import Watch
from openclaw_vt.daemon.worker import Worker
from openclaw_vt.errors import SkillUnreadable
from openclaw_vt.model.decision import Phase, Request
from openclaw_vt.openclaw.launcher import launcher_path
from openclaw_vt.store.notices import Notices

MAX_JUDGED_AT_START = 200
"""Unverified skills that one start puts in line; the rest waits for its use or for the next start."""

log = logging.getLogger(__name__)


class Keeping:
    """Answers `start`, `changed`, `wrote`, `findings` and `note`."""

    def __init__(self, front: Front, worker: Worker, concerns: Concerns, *, environ: Mapping[str, str]) -> None:
        self._front = front
        self._worker = worker
        self._concerns = concerns
        self._environ = environ
        self._watch: Watch | None = None
        self._lock = threading.Lock()

    def start(self, request: dict[str, Any], reply: Reply) -> None:
        """Say what is in force and where our files lie, and look at what is installed. Raises ValueError, GateError."""
        host = located(self._environ, text_of(request, "config") or None, text_of(request, "state") or None)
        config = self._front.config
        reply(
            {
                "modes": {
                    "preInstall": config["hooks", "pre_install"],
                    "preExecute": config["hooks", "pre_execute"],
                    "postUpdate": config["hooks", "post_update"],
                },
                "fail": {"install": config["hooks", "fail_install"], "execute": config["hooks", "fail_execute"]},
                "runFrom": config["hooks", "run_from"],
                "places": self._places(host),
            }
        )
        self._worker.submit("start", lambda assembly: self._look_around(assembly, host))
        self._watch_over(host)

    def changed(self, request: dict[str, Any], reply: Reply) -> None:
        """Queue a judgement of a skill that changed. Raises ValueError, GateError."""
        path = path_of(request)
        mode = mode_of(request, "postUpdate", self._front.config["hooks", "post_update"])
        if mode != "off":
            self._put_in_line(path)
        reply({"queued": mode != "off"})

    def look_at(self, path: str) -> None:
        """Judge what lies at `path` when there is time. Raises GateError for settings that cannot be read."""
        if self._front.config["hooks", "post_update"] != "off":
            self._put_in_line(path)

    def _put_in_line(self, path: str) -> None:
        if not os.path.isfile(os.path.join(path, "SKILL.md")):
            self._concerns.forget(path)
            return
        self._worker.submit(f"changed {path}", lambda assembly: self._judge(assembly, path))

    def wrote(self, request: dict[str, Any], reply: Reply) -> None:
        """Note that the agent wrote into a skill, and look at it. Raises ValueError."""
        path, tool = path_of(request), text_of(request, "tool")
        # At once and not in its turn: the very next use must not take these bytes for the person's own edit.
        Notices(self._front.config.state_dir).forget_sighting(path)
        reply({})
        self._worker.submit(f"wrote {path}", lambda assembly: self._note_writing(assembly, path, tool))

    def ran(self, request: dict[str, Any], reply: Reply) -> None:
        """A command of the agent had to do with a skill: bytes that changed meanwhile are the agent's. Raises ValueError."""
        path, tool = path_of(request), text_of(request, "tool")
        notices = Notices(self._front.config.state_dir)
        before = notices.sighting(path)
        try:
            changed = before is not None and self._front.identify(path).tree != before
        except SkillUnreadable:
            changed = True
        if changed:
            notices.forget_sighting(path)
            self._worker.submit(f"wrote {path}", lambda assembly: self._note_writing(assembly, path, tool))
        reply({"changed": changed})

    def note(self, request: dict[str, Any], reply: Reply) -> None:
        """Write something the plugin did on its own into the audit log. Raises ValueError."""
        line = {name: text_of(request, name) for name in ("rule", "tool", "detail")}
        event = "guard" if request.get("event") == "guard" else "plugin"
        reply({})
        self._worker.submit(f"note {event} {line}", lambda assembly: assembly.audit().append(event, line))

    def findings(self, request: dict[str, Any], reply: Reply) -> None:
        """Say what `openclaw security audit` should list."""
        del request
        reply({"findings": self._concerns.findings()})

    def close(self) -> None:
        """Stop watching."""
        with self._lock:
            if self._watch is not None:
                self._watch.close()
                self._watch = None

    def _places(self, host: Host) -> dict[str, Any]:
        config, data = self._front.config, data_dir(self._environ)
        return {
            "config": config.file,
            "stateDir": config.state_folder,
            "dataDir": str(data),
            "launcher": str(launcher_path(data)),
            "openclawConfig": [str(host.config)],
            "openclawState": str(host.state),
        }

    def _watch_over(self, host: Host) -> None:
        with self._lock:
            if self._watch is not None and self._watch.roots == host.watched():
                return
            if self._watch is not None:
                self._watch.close()
            self._watch = Watch(host.watched(), self.look_at)

    def _look_around(self, assembly: Assembly, host: Host) -> None:
        """Compare everything that is installed with what was verified, and put the rest in line for a judgement."""
        found = Survey(self._front, assembly).run(host.skills())
        log.info("%d of %d installed skills are not verified", len(found.unknown), found.looked_at)
        bundled = [path for path in found.unknown if host.brings(path)]
        # OpenClaw's own skills are sixty, and VirusTotal has seldom seen them: they cost no quota.
        for decision in bundled_skills.renew(assembly, bundled, host.package):
            self._concerns.heard(decision.request.path, decision)
        for path in [path for path in found.unknown if path not in set(bundled)][:MAX_JUDGED_AT_START]:
            self.look_at(path)
        if found.anew or bundled:
            self._worker.submit("roster", lambda assembly: Survey(self._front, assembly).write_down())

    def _judge(self, assembly: Assembly, path: str) -> None:
        """Judge a skill that is no plain yes as it lies there; what a person edits of their own costs no quota."""
        own = False
        try:
            subject, known = self._front.recognise(path)
            if known.plain_yes(subject) is not None:
                self._concerns.forget(path)
                return
            own = was_own(assembly, subject)
        except SkillUnreadable:
            pass  # the gate says why
        decision = assembly.gate().check(Request(Phase.POST_UPDATE, path, offline=own))
        if own:
            decision = goes_on_as_own(assembly, decision) or decision
        self._concerns.heard(path, decision)

    def _note_writing(self, assembly: Assembly, path: str, tool: str) -> None:
        written_by_agent(assembly, path)
        assembly.audit().append("agent-wrote", {"path": path, "tool": tool})
        # Local analysis alone: an agent that writes line by line would spend a day's quota on drafts.
        decision = assembly.gate().check(Request(Phase.POST_UPDATE, path, offline=True))
        self._concerns.heard(path, decision)
