"""Maps spread over what belongs together: the self-attention applied to them, twice (GoCA, arXiv 2603.06178)."""

from __future__ import annotations

from t2c_ext.twin.grounding.competition import stretched
from t2c_ext.types import FloatArray

POWER = 2
"""How often the self-attention is applied; more loses small things."""


def refined(maps: FloatArray, self_attention: FloatArray, power: int = POWER) -> FloatArray:
    """Each place takes the mean of the places that it attends to.

    Args:
        maps: float32 [maps, h, w].
        self_attention: float32 [h * w, h * w], query by key, on the maps' grid.
        power: how often.

    Returns:
        float32 [maps, h, w], each stretched to 0..1; a map that is zero everywhere stays so.
    """
    columns = maps.reshape(len(maps), -1).T
    for _ in range(power):
        columns = self_attention @ columns
    spread: FloatArray = columns.T.reshape(maps.shape)
    return stretched(spread)
