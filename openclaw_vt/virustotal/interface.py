"""The port to a reputation service: what it is asked, what it may answer, how it may fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from openclaw_vt.errors import GateError
from openclaw_vt.model.subject import Digest
from openclaw_vt.model.verdict import Unavailability


class Unavailable(GateError):  # noqa: N818 - it names a state, the third beside clean and malicious
    """The service gave no usable answer. `why` of the contract's six details is in `cause`."""

    cause = Unavailability.ERROR


class QuotaExceeded(Unavailable):
    """HTTP 429 of either kind. `retry_after` is in seconds, None when the service did not say."""

    cause = Unavailability.QUOTA

    def __init__(self, what: str, *, retry_after: float | None = None) -> None:
        super().__init__(what, remedy="Wait a minute and ask again; a free key has 4 requests a minute and 500 a day.")
        self.retry_after = retry_after


class Unauthorized(Unavailable):
    """The service refused the API key."""

    cause = Unavailability.UNAUTHORIZED


class TimedOut(Unavailable):
    """The deadline passed before an answer came."""

    cause = Unavailability.TIMEOUT


@dataclass(frozen=True, slots=True)
class FileReport:
    """A report as received: the parsed body, and the SHA-256 of its bytes."""

    body: dict[str, Any]
    digest: Digest


class ReputationService(Protocol):
    """Something that knows files by their SHA-256."""

    def file_report(self, sha256: Digest, *, deadline: float) -> FileReport | None:
        """Return the report, or None if the service never saw the file. `deadline` is on the monotonic clock, in seconds.

        Raises Unavailable or one of its children; nothing else.
        """

    def close(self) -> None:
        """Let go of connections. Safe to call twice."""
