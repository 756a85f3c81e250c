"""Requests to an ASGI application, without a server and without another package."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any


def call(app: Any, method: str, path: str, body: Any = None, credentials: str = "") -> tuple[int, Any]:
    """(status, the answer, read as JSON where it is that); a body of bytes is sent as it is."""
    return asyncio.run(_call(app, method, path, body, credentials))


async def _call(app: Any, method: str, path: str, body: Any, credentials: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(data)).encode())]
    if credentials:
        headers.append((b"authorization", b"Basic " + base64.b64encode(credentials.encode())))
    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "headers": headers, "root_path": "", "scheme": "http"}
    scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2)}
    sent: list[Any] = []
    given = [{"type": "http.request", "body": data, "more_body": False}]

    async def receive() -> Any:
        if given:
            return given.pop()
        await asyncio.sleep(3600)

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    answer = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    try:
        return status, json.loads(answer)
    except ValueError:
        return status, answer
