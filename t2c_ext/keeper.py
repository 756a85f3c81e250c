"""What takes long to load stays for the next picture: a segmenter, a model, a network."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar, cast

T = TypeVar("T")


class Keeper:
    """One thing of each kind, by what it was made from; another one of its kind takes its place."""

    def __init__(self) -> None:
        """Nothing is kept yet."""
        self._held: dict[str, tuple[Hashable, object]] = {}

    def get(self, kind: str, key: Hashable, load: Callable[[], T]) -> T:
        """The thing of this kind that was made from just this; else the one that is loaded now, and kept.

        The last one goes before the next one is loaded, so that memory never has to hold both.

        Args:
            kind: what it is, such as "segmenter".
            key: all that it is made from.
            load: makes it; what it raises is passed on, and nothing of the kind is kept then.
        """
        held = self._held.get(kind)
        if held is not None and held[0] == key:
            return cast(T, held[1])
        self._let_go(kind)
        made = load()
        self._held[kind] = (key, made)
        return made

    def close(self) -> None:
        """Let everything go."""
        for kind in list(self._held):
            self._let_go(kind)

    def _let_go(self, kind: str) -> None:
        _, held = self._held.pop(kind, (None, None))
        close = getattr(held, "close", None)
        if callable(close):
            close()
