"""The families of UNets and the layers that matter in each, written in the names of the original (ldm) code.

A family is told from the structure of the model, never from its name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from t2c_ext.errors import UserError
from t2c_ext.twin.layout import Layout


class Family(str, Enum):
    """The models that have a layer plan."""

    SD1 = "Stable Diffusion 1"
    SD2 = "Stable Diffusion 2"
    SDXL = "Stable Diffusion XL"


@dataclass(frozen=True)
class LayerPlan:
    """Where the twin takes the artistic picture's features, and for how long.

    Attributes:
        features: blocks whose residual branch (the last convolution of the ResBlock, before the sum) is taken.
        shortcut: whether the ResBlock's shortcut is taken too, so that the whole sum is the artist's.
        attention: blocks whose self-attention queries and keys are taken, in every transformer block.
        feature_share, attention_share: the share of the noise's time, from its start, in which they are taken.
    """

    features: tuple[str, ...]
    attention: tuple[str, ...]
    shortcut: bool = False
    feature_share: float = 0.8
    attention_share: float = 0.5


def _outputs(*numbers: int) -> tuple[str, ...]:
    return tuple(f"output_blocks.{number}" for number in numbers)


PAPER_PLAN = LayerPlan(features=_outputs(4), attention=_outputs(*range(4, 12)))
"""Plug-and-Play (arXiv 2211.12572) as the paper uses it: 40 and 25 of 50 steps."""

CTRL_X_PLAN = LayerPlan(
    features=_outputs(0), attention=_outputs(0, 1, 2), shortcut=True, feature_share=0.6, attention_share=0.6
)
"""Ctrl-X (arXiv 2406.07540): the first up block of SDXL: the sum of its first ResBlock, and all its self-attention."""

PLANS: dict[Family, LayerPlan] = {Family.SD1: PAPER_PLAN, Family.SD2: PAPER_PLAN, Family.SDXL: CTRL_X_PLAN}


def family_of(layout: Layout) -> Family:
    """The family that a UNet of this layout belongs to.

    SD1 and SD2: four levels of two ResBlocks, one transformer block in each of the three finer levels; SD2 projects
    into its transformers with a linear layer, SD1 with a convolution. SDXL: three levels of two ResBlocks, no
    transformer in the finest.

    Raises:
        UserError: none of them.
    """
    depths = [{block.depth for block in layout.outer_blocks(level)} for level in range(layout.levels)]
    if layout.per_level == 2 and depths == [{1}, {1}, {1}, {0}]:
        return Family.SD2 if layout.linear_projection else Family.SD1
    if layout.per_level == 2 and len(depths) == 3 and depths[0] == {0} and all(min(depth) > 0 for depth in depths[1:]):
        return Family.SDXL
    found = "; ".join(f"level {level}: {sorted(depth)}" for level, depth in enumerate(depths))
    raise UserError(
        f"this model is neither Stable Diffusion 1, 2 nor XL ({layout.levels} levels of {layout.per_level} blocks, "
        f"transformer depths {found}); choose a model of one of these families"
    )
