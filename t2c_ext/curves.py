"""Curves that several rooms ease with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def smoothstep(share: NDArray[Any] | float) -> NDArray[Any]:
    """0 up to 0, 1 from 1, and 3 s^2 - 2 s^3 between: level where it begins and where it ends.

    Args:
        share: of any shape; the result has its shape, and its type where that is one of floats.
    """
    share = np.clip(share, 0, 1)
    return np.asarray(share * share * (3 - 2 * share))
