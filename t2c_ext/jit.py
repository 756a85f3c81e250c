"""Numba's compiler, loaded when the first function is called, with its cache where there is a place for one."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])


def njit(*, cache: bool = False, **options: Any) -> Callable[[F], F]:
    """`numba.njit`, but numba is loaded, and a function compiled, only when it is called.

    Where neither the package's folder nor the user's can keep what is compiled, it is compiled anew.

    Args:
        cache: keep it, if possible.
        options: as numba's.
    """

    def late(function: F) -> F:
        return cast("F", _Late(function, cache, options))

    return late


class _Late:
    """A function that is compiled at its first call, with those that it calls."""

    def __init__(self, function: Callable[..., Any], cache: bool, options: dict[str, Any]) -> None:
        update_wrapper(self, function)
        self._function, self._cache, self._options = function, cache, options
        self._made: Any = None
        self._lock = threading.RLock()

    def __call__(self, *arguments: Any) -> Any:
        return self.compiled()(*arguments)

    def compiled(self) -> Any:
        """Numba's own object."""
        with self._lock:
            if self._made is None:
                names, here = self._function.__code__.co_names, self._function.__globals__
                for name in names:  # numba knows its own objects only
                    if isinstance(here.get(name), _Late):
                        here[name] = here[name].compiled()
                self._made = _compiled(self._function, self._cache, self._options)
            return self._made


def _compiled(function: Callable[..., Any], cache: bool, options: dict[str, Any]) -> Any:
    import numba

    if not (cache and _has_place(numba)):
        return numba.njit(**options)(function)
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(**options)(function)


def _has_place(numba: Any) -> bool:
    """Whether numba would look in sound places: without a home it takes "~" for a folder where the user is."""
    here = os.access(Path(__file__).parent, os.W_OK)
    return bool(here or vars(numba.config).get("CACHE_DIR") or os.path.isabs(os.path.expanduser("~")))
