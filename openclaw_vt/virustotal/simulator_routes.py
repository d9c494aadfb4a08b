"""The endpoints of the loopback VirusTotal: a table of paths, what a call of each costs, and the function that answers.

Relationships, comments, votes, domains, IP addresses, URLs, quotas, private scanning and search have no row yet: they are
answered with the same 404 as any other unknown path. A further endpoint is one function and one row.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from openclaw_vt.virustotal.simulator_data import analysis_body, analysis_descriptor, file_body, hashes_of, is_file_hash
from openclaw_vt.virustotal.simulator_faults import (
    Answer,
    Fault,
    distort_report,
    error_answer,
    html_answer,
    json_answer,
)
from openclaw_vt.virustotal.simulator_world import World

DIRECT_LIMIT = 32 * 1024 * 1024
"""Largest file in bytes that `POST /files` takes; larger ones go through an upload address."""

NOT_FOUND = error_answer(404, "NotFoundError", "Resource not found.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One authorised request, as an endpoint sees it.

    `item` is the variable part of the path. `upload` is the form's file with its name, `origin` the simulator's own
    address, `target` a foreign one for faults that need it, `now` the time in epoch seconds.
    """

    now: float
    origin: str
    target: str
    item: str = ""
    fault: Fault | None = None
    upload: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `charged` says whether the call costs quota, before anything is changed."""

    method: str
    pattern: re.Pattern[str]
    answer: Callable[[World, Call], Answer]
    charged: Callable[[World, Call], bool]


def match(method: str, target: str) -> tuple[Route, str] | None:
    """Return the row for this request and the variable part of its path, or None."""
    path = unquote(target.partition("?")[0])
    for route in _ROUTES:
        found = route.pattern.fullmatch(path) if route.method == method else None
        if found is not None:
            return route, found.groupdict().get("item") or ""
    return None


def _always(_world: World, _call: Call) -> bool:
    return True


def _unless_new(world: World, call: Call) -> bool:
    # A file that VirusTotal has never seen is a gift, and gifts are free; so is a call that is refused anyway.
    return call.upload is not None and world.find(hashes_of(call.upload[1]).sha256) is not None


def _unless_own(world: World, call: Call) -> bool:
    name = call.item.lower()
    known = world.find(name) if is_file_hash(name) else None
    return known is None or not known.uploaded_here


def _unless_own_analysis(world: World, call: Call) -> bool:
    analysis = world.analysis(call.item)
    return analysis is not None and not analysis.free


def _get_file(world: World, call: Call) -> Answer:
    name = call.item.lower()
    if not is_file_hash(name):
        return NOT_FOUND
    known = world.find(name)
    if known is not None and (pending := world.pending(known)) is not None:
        # Some clients never ask for the analysis and only look the file up again, so that counts as asking.
        world.advance(pending, call.now)
    report = world.report_of(known) if known is not None else None
    if known is None or report is None:
        return error_answer(404, "NotFoundError", f'File "{call.item}" not found')
    analysed = world.analysed_at(known, report, call.now)
    body = file_body(known.hashes, report, analysed=analysed, names=known.names)
    distort_report(call.fault, body, call.now)
    return json_answer(body)


def _post_file(world: World, call: Call) -> Answer:
    if call.upload is not None and len(call.upload[1]) > DIRECT_LIMIT:
        # The real answer is not documented; a page from the edge is the one that needs the most robust client.
        return html_answer(413, "413 Request Entity Too Large")
    return _take_upload(world, call)


def _take_upload(world: World, call: Call) -> Answer:
    if call.upload is None:
        return error_answer(400, "BadRequestError", "The form has no field named file")
    filename, data = call.upload
    return json_answer(analysis_descriptor(world.receive(data, filename, call.now).analysis_id))


def _get_upload_url(world: World, call: Call) -> Answer:
    origin = call.target if call.fault is Fault.FOREIGN_UPLOAD_URL else call.origin
    return json_answer({"data": f"{origin}/_ah/upload/{world.new_token()}"})


def _post_upload(world: World, call: Call) -> Answer:
    return _take_upload(world, call) if world.use_token(call.item) else NOT_FOUND


def _get_analysis(world: World, call: Call) -> Answer:
    analysis = world.analysis(call.item)
    if analysis is None:
        return error_answer(404, "NotFoundError", f'Analysis "{call.item}" not found')
    status = world.advance(analysis, call.now)
    report = world.report_of(analysis.file) or world.uploaded
    body = analysis_body(analysis.analysis_id, hashes=analysis.file.hashes, status=status, date=analysis.date, report=report)
    return json_answer(body)


def _analyse_file(world: World, call: Call) -> Answer:
    name = call.item.lower()
    if not is_file_hash(name):
        return NOT_FOUND
    known = world.find(name)
    if known is None:
        return error_answer(404, "NotFoundError", f'File "{call.item}" not found')
    return json_answer(analysis_descriptor(world.analyse(known, call.now).analysis_id))


_V3 = "/api/v3"
_ROUTES = tuple(
    Route(method, re.compile(pattern), answer, charged)
    for method, pattern, answer, charged in (
        ("GET", rf"{_V3}/files/upload_url", _get_upload_url, _always),
        ("POST", r"/_ah/upload/(?P<item>[^/]+)/?", _post_upload, _unless_new),
        ("POST", rf"{_V3}/files", _post_file, _unless_new),
        ("GET", rf"{_V3}/files/(?P<item>[^/]+)", _get_file, _unless_own),
        ("POST", rf"{_V3}/files/(?P<item>[^/]+)/analyse", _analyse_file, _always),
        ("GET", rf"{_V3}/analyses/(?P<item>.+)", _get_analysis, _unless_own_analysis),
    )
)
