"""Numba's compiler, with its cache where there is a place for one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def njit(*, cache: bool = False, **options: Any) -> Callable[[F], F]:
    """`numba.njit`; where neither the package's folder nor the user's can keep what is compiled, it is compiled anew.

    Args:
        cache: keep it, if possible.
        options: as numba's.
    """

    def compiled(function: F) -> F:
        if not (cache and _has_place()):
            return numba.njit(**options)(function)  # type: ignore[no-any-return]
        try:
            return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # "cannot cache function: no locator available"
            return numba.njit(**options)(function)  # type: ignore[no-any-return]

    return compiled


def _has_place() -> bool:
    """Whether numba would look in sound places: without a home it takes "~" for a folder where the user is."""
    here = os.access(Path(__file__).parent, os.W_OK)
    return bool(here or vars(numba.config).get("CACHE_DIR") or os.path.isabs(os.path.expanduser("~")))
