"""How the loopback VirusTotal counts requests: a sliding minute, the UTC day and the UTC month. Pure; time is an argument."""

from __future__ import annotations

import math
from collections import deque
from datetime import UTC, datetime, timedelta

_MINUTE_S = 60.0


class Meter:
    """Counts the requests of one key against its limits. Refused requests are not counted."""

    def __init__(self) -> None:
        self._recent: deque[float] = deque()
        self._day = self._month = ""
        self._in_day = self._in_month = 0

    def wait_s(self, now: float, *, per_minute: int | None, per_day: int | None, per_month: int | None) -> int | None:
        """Return None when a further request is allowed at `now`, else after how many seconds it will be.

        `now` is in epoch seconds; a limit of None means unlimited. Day and month start at 00:00 UTC.
        """
        self._roll(now)
        today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        waits: list[float] = []
        if per_minute is not None and len(self._recent) >= per_minute:
            waits.append(self._recent[-per_minute] + _MINUTE_S - now if per_minute else _MINUTE_S)
        if per_day is not None and self._in_day >= per_day:
            waits.append((today + timedelta(days=1)).timestamp() - now)
        if per_month is not None and self._in_month >= per_month:
            # Day 1 plus 32 days always lies in the next month.
            waits.append((today.replace(day=1) + timedelta(days=32)).replace(day=1).timestamp() - now)
        return max(1, math.ceil(max(waits))) if waits else None

    def count(self, now: float) -> None:
        """Count one request at `now` (epoch seconds)."""
        self._roll(now)
        self._recent.append(now)
        self._in_day += 1
        self._in_month += 1

    def _roll(self, now: float) -> None:
        while self._recent and self._recent[0] <= now - _MINUTE_S:
            self._recent.popleft()
        moment = datetime.fromtimestamp(now, UTC)
        day, month = f"{moment:%Y-%m-%d}", f"{moment:%Y-%m}"
        if day != self._day:
            self._day, self._in_day = day, 0
        if month != self._month:
            self._month, self._in_month = month, 0
