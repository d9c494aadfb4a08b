"""How bytes come in from a network: one deadline, no redirects, a size cap, and one place that knows aiohttp's errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future, ThreadPoolExecutor

T = TypeVar("T")
CHUNK = 64 * 1024
CLOSE_S = 1.0
MAX_BODY_BYTES = 4 * 1024 * 1024


class TooLarge(ValueError):  # noqa: N818 - a state of the answer
    """The body went over the cap."""


class Transport(OSError):  # noqa: N818 - the layer that failed
    """The connection could not be made, broke, or spoke no HTTP. Holds no address and no key."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, whole. Header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Body(Protocol):
    """The part of a response that `drain` reads."""

    async def read(self, n: int = -1) -> bytes:
        """Return up to `n` bytes, empty at the end."""


class Lane:
    """An event loop of our own, used by one caller at a time.

    asyncio is imported on first use. Neither closing nor the end of the process waits for a name lookup that hangs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def run(self, work: Callable[[], Coroutine[Any, Any, T]], *, deadline: float) -> T:
        """Run the coroutine that `work` makes until `deadline` (monotonic seconds).

        Raises TimeoutError when the deadline passes, Transport when the network fails; other errors pass through.
        """
        import asyncio

        left = deadline - time.monotonic()
        if left <= 0 or not self._lock.acquire(timeout=left):
            raise TimeoutError
        try:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._loop.set_default_executor(_daemon_threads())
            return self._loop.run_until_complete(_guarded(work, deadline - time.monotonic()))
        finally:
            self._lock.release()

    def close(self, farewell: Callable[[], Coroutine[Any, Any, None]] | None = None) -> None:
        """Run `farewell` (a session's close) and drop the loop. Takes about a second at most, and raises nothing.

        A caller that is still inside, past every deadline, keeps its loop: it runs in a daemon thread and dies with the process.
        """
        if not self._lock.acquire(timeout=CLOSE_S):
            return
        try:
            loop, self._loop = self._loop, None
            if loop is not None:
                loop.run_until_complete(_ended(farewell))
                loop.close()
        finally:
            self._lock.release()


async def _guarded(work: Callable[[], Coroutine[Any, Any, T]], seconds: float) -> T:
    import asyncio

    import aiohttp

    try:
        async with asyncio.timeout(seconds):
            return await work()
    except TimeoutError:  # first, because aiohttp's own timeouts are both
        raise TimeoutError from None
    except (aiohttp.ClientError, OSError, EOFError) as error:
        # aiohttp puts the URL into its messages; only the kind of failure may leave this room.
        raise Transport(type(error).__name__) from None


async def _ended(farewell: Callable[[], Coroutine[Any, Any, None]] | None) -> None:
    """Say farewell within its time, then end what is left: aiohttp shields a lookup from the caller who gave up on it."""
    import asyncio

    if farewell is not None:
        with suppress(TimeoutError, Transport):
            await _guarded(farewell, CLOSE_S)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _daemon_threads() -> ThreadPoolExecutor:
    """Return an executor for name lookups. The standard one is joined when the process ends, however long a resolver hangs."""
    from concurrent.futures import Future, ThreadPoolExecutor

    class Threads(ThreadPoolExecutor):
        def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
            future: Future[T] = Future()
            threading.Thread(target=_fulfil, args=(future, fn, args, kwargs), daemon=True, name="openclaw-vt lookup").start()
            return future

    return Threads(max_workers=1)


def _fulfil(future: Future[T], fn: Callable[..., T], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(fn(*args, **kwargs))
    except Exception as error:  # noqa: BLE001 - an executor hands over whatever its work raised
        future.set_exception(error)


async def drain(body: Body, *, max_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Read a body to its end. Raises TooLarge as soon as it passes `max_bytes`, decompression included."""
    parts: list[bytes] = []
    size = 0
    while chunk := await body.read(CHUNK):
        size += len(chunk)
        if size > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes")
        parts.append(chunk)
    return b"".join(parts)


class Getter:
    """Plain GET requests without credentials, for ClawHub's public read API."""

    def __init__(self, *, agent: str) -> None:
        self._agent = agent
        self._lane = Lane()

    def get(self, url: str, *, deadline: float, max_bytes: int = MAX_BODY_BYTES) -> Answer:
        """Return the answer, redirects unfollowed. Raises TimeoutError, Transport or TooLarge."""

        async def work() -> Answer:
            import aiohttp

            async with (
                aiohttp.ClientSession(headers={"User-Agent": self._agent}, trust_env=False) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                body = await drain(response.content, max_bytes=max_bytes)
                return Answer(response.status, {k.lower(): v for k, v in response.headers.items()}, body)

        try:
            return self._lane.run(work, deadline=deadline)
        finally:
            self._lane.close()
