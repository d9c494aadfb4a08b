"""The ClawHub stand-in must misbehave as promised, or the tests that use it prove nothing."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import io
import json
import zipfile

import pytest
from support.clawhub_server import ClawHubServer, Fault

FILES = {"SKILL.md": b"# hi\n", "scripts/run.sh": b"echo hi\n"}


@pytest.fixture
def hub():
    with ClawHubServer() as server:
        server.shelf.publish("weather", "1.0.0", FILES)
        yield server


@pytest.fixture
def ask(hub):
    """Send one request to a path below /api/v1; a body makes it a POST."""
    with contextlib.ExitStack() as opened:

        def send(path: str, body: object = None) -> http.client.HTTPResponse:
            connection = opened.enter_context(
                contextlib.closing(http.client.HTTPConnection(hub.url[len("http://") :], timeout=30))
            )
            connection.request("POST" if body else "GET", f"/api/v1{path}", body=json.dumps(body) if body else None)
            return opened.enter_context(connection.getresponse())

        yield send


def test_a_version_lists_its_files_and_names_the_archive_that_is_served(hub, ask):
    version = json.loads(ask("/skills/weather/versions/1.0.0").read())["version"]
    archive = ask("/download?slug=weather&version=1.0.0").read()
    assert {item["path"]: item["sha256"] for item in version["files"]} == {
        k: hashlib.sha256(v).hexdigest() for k, v in FILES.items()
    }
    assert version["security"]["sha256hash"] == hashlib.sha256(archive).hexdigest()
    assert set(zipfile.ZipFile(io.BytesIO(archive)).namelist()) == {*FILES, "_meta.json"}


def test_every_endpoint_answers(hub, ask):
    for leaf in ("", "/versions", "/scan", "/verify", "/install", "/file?path=SKILL.md"):
        assert ask(f"/skills/weather{leaf}").status == 200, leaf
    verdicts = ask("/skills/-/security-verdicts", {"items": [{"slug": "weather", "version": "1.0.0"}]})
    assert json.loads(verdicts.read())["items"][0]["decision"] == "pass"
    for absent in (
        "/skills/other",
        "/skills/weather/versions/9.9.9",
        "/skills/weather?ownerHandle=mallory",
        "/skills/weather/moderation",
    ):
        assert ask(absent).status == 404


def test_the_download_and_the_record_can_be_parted(hub, ask):
    hub.shelf.swap_download("weather", "1.0.0", {"SKILL.md": b"# evil\n"})
    listed = json.loads(ask("/skills/weather/versions/1.0.0").read())["version"]["files"]
    served = zipfile.ZipFile(io.BytesIO(ask("/download?slug=weather").read())).read("SKILL.md")
    assert served == b"# evil\n"
    assert listed[0]["sha256"] == hashlib.sha256(FILES["SKILL.md"]).hexdigest()


@pytest.mark.parametrize(
    ("fault", "status"),
    [(Fault.GARBAGE, 200), (Fault.RATE_LIMITED, 429), (Fault.SERVER_ERROR, 503), (Fault.NOT_FOUND, 404), (Fault.REDIRECT, 302)],
)
def test_faults_with_an_answer(hub, ask, fault, status):
    hub.faults["version"] = fault
    assert ask("/skills/weather/versions/1.0.0").status == status
    assert ask("/skills/weather").status == 200
    assert hub.asked("version") == 1


def test_faults_without_an_end(hub, ask):
    hub.faults |= {"version": Fault.HUGE, "scan": Fault.DRIP, "verify": Fault.HANG_UP}
    assert len(ask("/skills/weather/versions/1.0.0").read(5 << 20)) == 5 << 20
    assert ask("/skills/weather/scan").read(3) == b"{  "
    with pytest.raises(http.client.RemoteDisconnected):
        ask("/skills/weather/verify")
