"""Who is there: each browser by its cookie, with what it has put in; what is whose, and who has left."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LEFT_AFTER = 30 * 60.0
"""Seconds without a sign of life; an open page gives one each minute, a sleeping computer none."""

MOST_VISITORS = 10_000
"""Those who have put in nothing are forgotten first."""

MOST_WORKSPACES = 24
"""Of one visitor; the oldest makes room."""

MOST_CHANNELS = 256
"""Of Gradio's sessions, one for each load of the page, by one visitor."""

SHARE_OF_UPLOADS = 256_000_000
"""Bytes of one visitor's uploads; the oldest make room."""


@dataclass
class Visitor:
    """A browser.

    Attributes:
        cookie: what it is known by.
        seen: when it last gave a sign of life.
        connections: how many of its requests are being answered.
        admitted: it has given a password.
        uploads: its files, with their sizes in bytes, the oldest first.
        workspaces: its cinemagraphs, the oldest first.
        channels: Gradio's names of its pages.
    """

    cookie: str
    seen: float
    connections: int = 0
    admitted: bool = False
    uploads: dict[Path, int] = field(default_factory=dict)
    workspaces: dict[str, None] = field(default_factory=dict)
    channels: dict[str, None] = field(default_factory=dict)


@dataclass
class Visitors:
    """All of them.

    Attributes:
        free: lets go of a workspace of a visitor who has left.
        now: the time in seconds.
    """

    free: Callable[[str], None] = lambda id: None
    now: Callable[[], float] = time.monotonic
    _all: dict[str, Visitor] = field(default_factory=dict)
    _owner: dict[str, str] = field(default_factory=dict)
    _reader: dict[str, str] = field(default_factory=dict)
    _unclaimed: dict[str, float] = field(default_factory=dict)

    def enter(self, admitted: bool = False) -> Visitor:
        """A browser that was not known."""
        if len(self._all) >= MOST_VISITORS:
            idle = [row for row in self._all.values() if not row.connections]
            for row in sorted(idle, key=lambda row: (row.admitted or bool(row.workspaces), row.seen))[:100]:
                self._forget(row)
        visitor = Visitor(secrets.token_hex(16), self.now(), admitted=admitted)
        self._all[visitor.cookie] = visitor
        return visitor

    def find(self, cookie: str) -> Visitor | None:
        """The one with that cookie, who has given a sign of life just now."""
        visitor = self._all.get(cookie)
        if visitor is not None:
            visitor.seen = self.now()
        return visitor

    # ---- what is whose -----------------------------------------------------------------------------------------------

    def claim_workspace(self, visitor: Visitor, id: str) -> bool:
        """Whether a workspace is the visitor's: of nobody else yet, or theirs already."""
        if self._owner.setdefault(id, visitor.cookie) != visitor.cookie:
            return False
        visitor.workspaces.setdefault(id)
        while len(visitor.workspaces) > MOST_WORKSPACES:
            self._release(visitor, next(iter(visitor.workspaces)))
        return True

    def claim_channel(self, visitor: Visitor, name: str) -> bool:
        """The same for what Gradio tells one of its pages."""
        if self._reader.setdefault(name, visitor.cookie) != visitor.cookie:
            return False
        visitor.channels.setdefault(name)
        while len(visitor.channels) > MOST_CHANNELS:
            oldest = next(iter(visitor.channels))
            del visitor.channels[oldest], self._reader[oldest]
        return True

    def owns_upload(self, visitor: Visitor, path: Path) -> bool:
        """Whether a file is the visitor's, or nobody's, as the example."""
        return path in visitor.uploads or not any(path in row.uploads for row in self._all.values())

    # ---- uploads -----------------------------------------------------------------------------------------------------

    def uploaded(self, visitor: Visitor, path: Path, size: int) -> None:
        """A visitor has put in a file; their oldest ones go where they have too many."""
        visitor.uploads.pop(path, None)
        visitor.uploads[path] = size
        while sum(visitor.uploads.values()) > SHARE_OF_UPLOADS and len(visitor.uploads) > 1:
            self._drop(visitor, next(iter(visitor.uploads)))

    # ---- those who have left -----------------------------------------------------------------------------------------

    def sweep(self, workspaces: list[str]) -> None:
        """Free what belongs to those who have left.

        Args:
            workspaces: all that there are; one that nobody has looked at belongs to nobody.
        """
        before = self.now() - LEFT_AFTER
        for visitor in list(self._all.values()):
            if not visitor.connections and visitor.seen < before:
                self._empty(visitor)
        unclaimed = {id: self._unclaimed.get(id, self.now()) for id in workspaces if id not in self._owner}
        for id, since in unclaimed.items():
            if since < before:
                self.free(id)
        self._unclaimed = unclaimed

    def _forget(self, visitor: Visitor) -> None:
        self._empty(visitor)
        del self._all[visitor.cookie]

    def _empty(self, visitor: Visitor) -> None:
        for path in list(visitor.uploads):
            self._drop(visitor, path)
        for id in list(visitor.workspaces):
            self._release(visitor, id)
        for name in visitor.channels:
            self._reader.pop(name, None)
        visitor.channels.clear()

    def _release(self, visitor: Visitor, id: str) -> None:
        del visitor.workspaces[id], self._owner[id]
        self.free(id)

    def _drop(self, visitor: Visitor, path: Path) -> None:
        del visitor.uploads[path]
        if any(path in row.uploads for row in self._all.values()):
            return  # Gradio names files by their content, so another may have put in the same
        path.unlink(missing_ok=True)
