"""A loopback model with the interface that OpenClaw calls `openai-completions`: it does what a line of the user's message says.

`@@TOOL <name> <json>` becomes a tool call, several lines become several calls, one after the other. When each has its result
the model says what it saw. Every request is kept byte for byte, so a test can look at exactly what a model was shown.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast

ORDER = "@@TOOL "
SAW = "The tools answered: "
_SESSION = re.compile(rb" session=(agent:[^ |]+) ")
_LINE = re.compile(r"^(?:\[[^]]*\] )?" + ORDER + r"(\S+) ?(.*)$", re.MULTILINE)
"""OpenClaw puts the time before a message; orders that it quotes elsewhere in a line are no orders."""


@dataclass(frozen=True, slots=True)
class Request:
    """One question to the model. `raw` is its whole body."""

    raw: bytes
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation, oldest first."""
        return self.body.get("messages", [])

    @property
    def session(self) -> str:
        """The session key that OpenClaw writes into the conversation, or "" (its own helper turns have none)."""
        found = _SESSION.search(self.raw)
        return found[1].decode() if found else ""

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """The tools that the model may call: name to parameter schema."""
        return {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in self.body.get("tools", [])}

    @property
    def tool_results(self) -> list[str]:
        """What the model was told by its tools since its last order, in the order of its calls."""
        return [text_of(message) for message in self.messages[last_order(self.messages) + 1 :] if message.get("role") == "tool"]


class ModelServer:
    """The server, a context manager. `requests` holds what it was asked.

    `before_reply` is called with each request before its answer goes out: the place to break something in the middle of a run.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.before_reply: Callable[[Request], None] | None = None
        self._news = threading.Condition()
        self._http = _Http(("127.0.0.1", 0), _Handler)
        self._http.model = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        """Base URL for `models.providers.<id>.baseUrl`."""
        return f"http://127.0.0.1:{self._http.server_port}/v1"

    def of(self, session: str) -> list[Request]:
        """What that session asked so far."""
        return [request for request in self.requests if request.session == session]

    def take(self, request: Request) -> None:
        """Keep a question; called by the server."""
        if self.before_reply is not None:
            self.before_reply(request)
        with self._news:
            self.requests.append(request)
            self._news.notify_all()

    def wait_for(self, wanted: Callable[[Request], object], *, limit_s: float = 120) -> Request:
        """Return the first question that is wanted, as soon as it is there. Raises AssertionError after `limit_s`."""
        with self._news:
            found = self._news.wait_for(lambda: next(filter(wanted, self.requests), None), timeout=limit_s)
        assert found is not None, "the model was never asked that"
        return found

    def saw(self, needle: str | bytes) -> bool:
        """Whether these characters reached the model in any question, plain or with JSON's escapes."""
        raw = needle.encode() if isinstance(needle, str) else needle
        escaped = json.dumps(raw.decode(errors="replace"))[1:-1].encode()
        return any(raw in request.raw or escaped in request.raw for request in self.requests)

    def forget(self) -> None:
        """Drop the kept questions."""
        self.requests.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


def order(tool: str, **params: Any) -> str:
    """The line that makes the model call `tool`."""
    return f"{ORDER}{tool} {json.dumps(params)}"


def text_of(message: dict[str, Any]) -> str:
    """A message's text, whichever of its two forms it has."""
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def last_order(messages: list[dict[str, Any]]) -> int:
    """The index of the newest user message with an order, or -1. OpenClaw adds messages of its own after the user's."""
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].get("role") == "user" and _LINE.search(text_of(messages[index])):
            return index
    return -1


def _orders(text: str) -> list[tuple[str, str]]:
    """(tool, JSON of its parameters) for each order in the text."""
    return [(name, rest or "{}") for name, rest in _LINE.findall(text)]


def _reply(messages: list[dict[str, Any]]) -> dict[str, Any]:
    """The assistant's next message: the next tool call, or what it saw."""
    start = last_order(messages)
    if start < 0:
        return {"role": "assistant", "content": "Nothing was ordered."}
    orders = _orders(text_of(messages[start]))
    done = [message for message in messages[start + 1 :] if message.get("role") == "tool"]
    if len(done) >= len(orders):
        return {"role": "assistant", "content": SAW + json.dumps([text_of(message) for message in done])}
    name, arguments = orders[len(done)]
    call = {"index": 0, "id": f"call_{len(messages)}", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    model: ModelServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        """Tests read `model.requests`, not a log."""

    def do_GET(self) -> None:
        self._send("application/json", [b'{"object": "list", "data": [{"id": "fake", "object": "model"}]}'])

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = json.loads(raw)
        cast("_Http", self.server).model.take(Request(raw, body))
        message = _reply(body.get("messages", []))
        if body.get("stream"):
            self._send("text/event-stream", _events(message))
        else:
            choice = {"index": 0, "message": message, "finish_reason": _reason(message)}
            self._send("application/json", [json.dumps(_envelope("chat.completion", choice)).encode()])

    def _send(self, kind: str, parts: Iterator[bytes] | list[bytes]) -> None:
        body = b"".join(parts)
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _reason(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def _envelope(kind: str, choice: dict[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": 10, "completion_tokens": 10, "total_tokens": 20}
    return {"id": "chat-1", "object": kind, "created": 1, "model": "fake", "choices": [choice], "usage": usage}


def _events(message: dict[str, Any]) -> Iterator[bytes]:
    """The message as server-sent events: one with everything, one with the reason, the end."""
    for delta, reason in ((message, None), ({}, _reason(message))):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        yield b"data: " + json.dumps(_envelope("chat.completion.chunk", choice)).encode() + b"\n\n"
    yield b"data: [DONE]\n\n"
