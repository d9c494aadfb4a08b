"""A raw HTTP client for the loopback VirusTotal, a clock that stands still, and the bytes of a skill to ask about."""

from __future__ import annotations

import hashlib
import http.client
import json
import threading
from contextlib import closing, contextmanager
from datetime import UTC, datetime

from openclaw_vt.virustotal.simulator import SIMULATOR_KEY, Simulator

DATA = b"---\nname: weather\n---\nTells the weather.\n"
SHA256 = hashlib.sha256(DATA).hexdigest()
NOON = datetime(2031, 5, 30, 12, 0, 0, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Reply:
    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json()["error"]["code"]


@contextmanager
def connected(simulator: Simulator, timeout: float = 30):
    with closing(http.client.HTTPConnection(simulator.url.removeprefix("http://"), timeout=timeout)) as connection:
        yield connection


def ask(simulator: Simulator, path: str, *, method: str = "GET", key: str | None = SIMULATOR_KEY, body=None, **headers) -> Reply:
    with connected(simulator) as connection:
        if key is not None:
            headers["x-apikey"] = key
        target = path if path.startswith("/_ah") else f"/api/v3{path}"
        connection.request(method, target, body=body, headers={n.replace("_", "-"): v for n, v in headers.items()})
        with closing(connection.getresponse()) as response:
            return Reply(response)


def form(data: bytes, filename: str = "skill.zip", boundary: str = "frontier") -> dict:
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{filename}"\r\n\r\n'
    return {
        "method": "POST",
        "body": head.encode() + data + f"\r\n--{boundary}--\r\n".encode(),
        "content_type": f"multipart/form-data; boundary={boundary}",
    }


def stats_of(reply: Reply) -> dict[str, int]:
    return reply.json()["data"]["attributes"]["last_analysis_stats"]


def serving_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if "process_request_thread" in thread.name or "simulator" in thread.name]
