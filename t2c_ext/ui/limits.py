"""How much a visitor may send at once, how slowly, and how often a password may be tried."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from t2c_ext.ui.asgi import Application, Message, Receive, Send, answer, header

PATIENCE = 20.0
"""Seconds that a request's body may take, and one more for every `SLOWEST` of its bytes."""

SLOWEST = 32_000
"""Bytes per second; a slow telephone line's."""

LINGER = 30.0
"""Seconds for which the rest of a refused body is received and thrown away, that its sender may read why. A socket
that is closed with bytes unread resets the connection, and the answer is lost with it; nginx lingers as long."""

SILENCE = 5.0
"""Seconds without a byte after which there is nothing to wait for, as nginx has it too."""

_TOO_LARGE = "this is larger than what may be sent"
_TOO_MUCH = "too much is being sent at once; try again in a moment"


class _Refused(Exception):
    """A body is not read to its end."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@dataclass
class Intake:
    """Counts the bytes of the bodies that are being received or answered.

    Attributes:
        total: bytes of all of them together.
        share: bytes of one visitor's.
    """

    total: int
    share: int
    _held: Counter[str] = field(default_factory=Counter)

    def take(self, visitor: str, amount: int) -> bool:
        """Whether there is room for some more of a visitor's bytes; they count until they are given back."""
        if self._held.total() + amount > self.total or self._held[visitor] + amount > self.share:
            return False
        self._held[visitor] += amount
        return True

    def give_back(self, visitor: str, amount: int) -> None:
        """They are no longer held."""
        self._held[visitor] -= amount
        if self._held[visitor] <= 0:
            del self._held[visitor]


@dataclass
class _Body:
    """A request's body on its way to the application."""

    receive: Receive
    most: int
    intake: Intake
    visitor: str
    started: float = field(default_factory=time.monotonic)
    arrived: int = 0
    whole: bool = False

    async def next(self) -> Message:
        """The next part of it; raises where it is too large, too slow, or too much beside others."""
        if self.whole:
            return await self.receive()
        left = PATIENCE + self.arrived / SLOWEST - (time.monotonic() - self.started)
        try:
            message = await asyncio.wait_for(self.receive(), max(0.0, left))
        except asyncio.TimeoutError:  # before Python 3.11 not the built-in of that name
            raise _Refused(408, "this came too slowly") from None
        amount = len(message.get("body", b""))
        self.whole = not message.get("more_body", False)
        if self.arrived + amount > self.most:
            raise _Refused(413, _TOO_LARGE)
        if not self.intake.take(self.visitor, amount):
            raise _Refused(503, _TOO_MUCH)
        self.arrived += amount
        return message


async def with_limited_body(  # noqa: PLR0917
    app: Application, scope: Message, receive: Receive, send: Send, most: int, intake: Intake, visitor: str
) -> None:
    """Let an application answer a request whose body is at most `most` bytes; else answer 408, 413 or 503 at once."""
    declared = header(scope, "content-length")
    if declared and not (declared.isdecimal() and int(declared) <= most):
        await answer(send, 413, _TOO_LARGE)
        return
    body = _Body(receive, most, intake, visitor)
    begun = False
    refused: list[_Refused] = []

    async def counted() -> Message:
        try:
            return await body.next()
        except _Refused as error:
            refused.append(error)
            raise

    async def watched(message: Message) -> None:
        nonlocal begun
        if not refused:  # the application's own words about a body that broke off come second
            begun = True
            await send(message)

    try:
        await app(scope, counted, watched)
    except Exception:
        if not refused:
            raise
    finally:
        intake.give_back(visitor, body.arrived)
    if refused and not begun:
        await _refuse(refused[0], body, send)


async def _refuse(refused: _Refused, body: _Body, send: Send) -> None:
    """Answer before the body is whole; the connection is closed once its sender has had time to read the answer."""
    await answer(send, refused.status, refused.text, [(b"connection", b"close")], to_be_ended=True)
    if not body.whole and refused.status != 408:  # who sent too slowly has had the time
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(_rest(body.receive), LINGER)
    await send({"type": "http.response.body", "body": b""})


async def _rest(receive: Receive) -> None:
    """Throw away what is left of a body, until its end or that of the connection."""
    more = True
    while more:
        message = await asyncio.wait_for(receive(), SILENCE)
        more = message["type"] == "http.request" and message.get("more_body", False)


@dataclass
class Throttle:
    """Counts tries.

    Attributes:
        most: tries within `seconds` from one address.
        total: the same, from all together.
        seconds: how long a try counts.
        now: the time in seconds.
    """

    most: int = 8
    total: int = 60
    seconds: float = 60.0
    now: Callable[[], float] = time.monotonic
    _tries: deque[tuple[float, str]] = field(default_factory=deque)

    def allows(self, address: str) -> bool:
        """Whether one may try again from there."""
        while self._tries and self._tries[0][0] < self.now() - self.seconds:
            self._tries.popleft()
        return len(self._tries) < self.total and sum(row[1] == address for row in self._tries) < self.most

    def count(self, address: str) -> None:
        """Count a try that failed."""
        self._tries.append((self.now(), address))
