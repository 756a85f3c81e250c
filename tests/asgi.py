"""Requests to an ASGI application, without a server and without another package."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came back: 0 where nothing was sent, headers by their names in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes


def call(app: Any, method: str, path: str, body: Any = None, credentials: str = "") -> tuple[int, Any]:
    """(status, the answer, read as JSON where it is that); a body of bytes is sent as it is."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json", "content-length": str(len(data))}
    if credentials:
        headers["authorization"] = "Basic " + base64.b64encode(credentials.encode()).decode()
    answer = asyncio.run(request(app, method, path, headers, [data]))
    try:
        return answer.status, json.loads(answer.body)
    except ValueError:
        return answer.status, answer.body


async def request(  # noqa: PLR0917
    app: Any, method: str, target: str, headers: Mapping[str, str], parts: Iterable[bytes] = (b"",), pause: float = 0
) -> Answer:
    """Ask once; the body comes in parts, each after a pause in seconds."""
    path, _, query = target.partition("?")
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path}
    scope |= {"raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http"}
    scope |= {"headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()]}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
    sent: list[Any] = []
    waiting = list(parts)

    async def receive() -> Any:
        if not waiting:
            await asyncio.sleep(3600)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": waiting.pop(0), "more_body": bool(waiting)}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    starts = [message for message in sent if message["type"] == "http.response.start"]
    if not starts:
        return Answer(0, {}, b"")
    answered = {name.decode().lower(): value.decode() for name, value in starts[0]["headers"]}
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Answer(starts[0]["status"], answered, body)
