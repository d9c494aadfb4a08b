"""VirusTotal v3 through vt-py: our deadline, no redirects, the key only to the configured host, both kinds of 429."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from openclaw_vt import __version__
from openclaw_vt.errors import GateError
from openclaw_vt.model import strict_json
from openclaw_vt.model.subject import Digest, parse_digest
from openclaw_vt.transport import Answer, Lane, TooLarge, Transport, drain
from openclaw_vt.virustotal.interface import FileReport, QuotaExceeded, TimedOut, Unauthorized, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    import vt

MAX_REPORT_BYTES = 4 * 1024 * 1024
MAX_RETRY_AFTER_S = 24 * 3600.0
_NEW_KEY = "Store a valid key with `openclaw-vt key set`."


def _client_class() -> type[vt.Client]:
    import vt

    class Client(vt.Client):  # type: ignore[misc]  # vt-py ships no types
        """vt-py's client, except that it never follows a redirect: aiohttp would carry the key to the new host."""

        async def get_async(self, path: str, *path_args: Any, params: dict[str, Any] | None = None) -> vt.ClientResponse:
            session = self._get_session()
            url = self._full_url(path, *path_args)
            return vt.ClientResponse(await session.get(url, params=params, proxy=self._proxy, allow_redirects=False))

    return Client


class VirusTotal:
    """A `ReputationService` on VirusTotal's v3 API.

    `host` is scheme and authority; `key` is a function, so that the secret stays in its store until the first request.
    """

    def __init__(self, *, host: str, key: Callable[[], str], timeout_s: float) -> None:
        self._host = host.rstrip("/")
        self._key = key
        self._timeout_s = timeout_s
        self._lane = Lane()
        self._client: vt.Client | None = None

    def file_report(self, sha256: Digest, *, deadline: float) -> FileReport | None:
        """Return the report for one file, None when VirusTotal has never seen it. Raises Unavailable and its children."""
        answer = self._get(f"/files/{parse_digest(sha256)}", deadline)
        body = _body_of(answer)
        return None if body is None else FileReport(body, Digest(hashlib.sha256(answer.body).hexdigest()))

    def _get(self, path: str, deadline: float) -> Answer:
        async def work() -> Answer:
            if self._client is None:
                # Made inside the running loop: vt-py binds its connector to the loop it finds.
                self._client = _client_class()(
                    self._fetch_key(), agent=f"openclaw-vt {__version__}", host=self._host, timeout=int(self._timeout_s) + 1
                )
            response = await self._client.get_async(path)
            try:
                body = await drain(response._aiohttp_resp.content, max_bytes=MAX_REPORT_BYTES)  # noqa: SLF001 - vt-py's own reader has no cap
                return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)
            finally:
                response.close()

        try:
            return self._lane.run(work, deadline=deadline)
        except TimeoutError:
            raise TimedOut("VirusTotal did not answer in time.") from None
        except TooLarge:
            raise Unavailable("VirusTotal's answer was too large to be a report.") from None
        except Transport as error:
            raise Unavailable("VirusTotal could not be reached.", why=f"{error}.") from None
        except ValueError:  # an answer that is no HTTP to aiohttp; its words may quote the request, so they stay here
            raise Unavailable("VirusTotal gave no usable answer.") from None

    def _fetch_key(self) -> str:
        try:
            key = self._key()
        except GateError as error:
            raise Unavailable("The VirusTotal key could not be read.", why=error.what, remedy=error.remedy) from None
        if not (key and key.isascii() and key.isprintable()) or " " in key:
            # Anything else is no header value, and aiohttp would quote it in its complaint.
            raise Unauthorized("The stored VirusTotal key is no API key.", remedy=_NEW_KEY)
        return key

    def close(self) -> None:
        """Close the connection."""
        client, self._client = self._client, None
        self._lane.close(client.close_async if client is not None else None)


def _body_of(answer: Answer) -> dict[str, Any] | None:
    """Return the report's JSON, None for "never seen", or raise what the status means."""
    if answer.status == 200:  # noqa: PLR2004 - HTTP's own numbers read best as numbers
        return _json_object(answer.body)
    code = _error_code(answer.body)
    if answer.status == 429 or code in ("QuotaExceededError", "TooManyRequestsError"):  # noqa: PLR2004
        raise QuotaExceeded("VirusTotal's quota is used up for now.", retry_after=_retry_after(answer.headers))
    if answer.status in (401, 403):
        raise Unauthorized("VirusTotal refused the API key.", remedy=_NEW_KEY)
    if answer.status == 404 and code == "NotFoundError":  # noqa: PLR2004
        return None
    raise Unavailable("VirusTotal gave no usable answer.", why=f"HTTP status {answer.status}.")


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = strict_json.loads(body, max_bytes=MAX_REPORT_BYTES)
    except ValueError as error:
        raise Unavailable("VirusTotal's answer is no JSON.", why=str(error)[:200]) from None
    if not isinstance(value, dict):
        raise Unavailable("VirusTotal's answer is no report.")
    return value


def _error_code(body: bytes) -> str | None:
    try:
        value = strict_json.loads(body, max_bytes=64 * 1024)
    except ValueError:
        return None
    error = value.get("error") if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, str) else None


def _retry_after(headers: dict[str, str]) -> float | None:
    text = headers.get("retry-after", "")
    return min(float(text), MAX_RETRY_AFTER_S) if text.isascii() and text.isdigit() else None
