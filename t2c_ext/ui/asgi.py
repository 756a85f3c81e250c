"""The words of ASGI, the interface between a Python web server and an application, and short answers in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

NO_SNIFFING: Header = (b"x-content-type-options", b"nosniff")
"""A browser takes the answer for what it is said to be, whatever its bytes look like."""


def header(scope: Message, name: str) -> str:
    """The value of a request's header, "" where it has none."""
    wanted = name.encode()
    return next((value.decode("latin-1") for key, value in scope["headers"] if key.lower() == wanted), "")


def client(scope: Message) -> str:
    """The address that a request comes from."""
    return scope["client"][0] if scope.get("client") else ""


async def answer(
    send: Send, status: int, text: str = "", headers: Iterable[Header] = (), to_be_ended: bool = False
) -> None:
    """Send a short text; a type among the headers takes the place of plain text's.

    Args:
        send: the server's.
        status: of HTTP.
        text: the body.
        headers: in addition to the body's length and type.
        to_be_ended: the text is sent at once, and the answer ends with an empty part that the caller sends.
    """
    body = text.encode()
    given = list(headers)
    if all(name != b"content-type" for name, _ in given):
        given.append((b"content-type", b"text/plain; charset=utf-8"))
    if status != 204:
        given.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*given, NO_SNIFFING]})
    await send({"type": "http.response.body", "body": body, "more_body": to_be_ended})
