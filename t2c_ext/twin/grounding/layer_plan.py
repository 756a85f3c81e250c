"""Which layers say where the nouns are, in the names of the original (ldm) code (GoCA, arXiv 2603.06178).

The cross-attention of every transformer block is read. One of them gives the reference feature, and a few
self-attentions at the finest grid refine the maps.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from t2c_ext.errors import UserError
from t2c_ext.twin.families import Family, family_of
from t2c_ext.twin.layout import Layout, middle_block
from t2c_ext.twin.locate import Kind, Site, block_sites


@dataclass(frozen=True)
class GroundingPlan:
    """The layers with a part of their own.

    Attributes:
        reference: the block whose first transformer block's cross-attention query is the reference feature.
        refinement: blocks whose self-attention refines, and how many of their transformer blocks, from the first one.
    """

    reference: str
    refinement: tuple[tuple[str, int], ...]


_SD1 = GroundingPlan("output_blocks.7", (("output_blocks.9", 1), ("output_blocks.10", 1), ("input_blocks.2", 1)))
_SDXL = GroundingPlan(
    "output_blocks.3",
    (("output_blocks.3", 2), ("output_blocks.4", 2), ("output_blocks.5", 1), ("input_blocks.4", 2)),
)
PLANS: dict[Family, GroundingPlan] = {Family.SD1: _SD1, Family.SD2: _SD1, Family.SDXL: _SDXL}
"""As published for SD1.5 and SDXL; SD2 has the blocks of SD1."""


@dataclass(frozen=True)
class Layer:
    """The attention of one transformer block.

    Attributes:
        name: path of the transformer block in this model.
        level: of its grid.
        sites: what its self-attention and cross-attention are computed from.
        refines: whether its self-attention refines the maps.
        is_reference: whether its cross-attention query is the reference feature.
    """

    name: str
    level: int
    sites: tuple[Site, ...]
    refines: bool
    is_reference: bool

    def site(self, kind: Kind) -> Site:
        """Its site of a kind."""
        return next(site for site in self.sites if site.kind is kind)


def attention_layers(unet: nn.Module, layout: Layout, plan: GroundingPlan | None = None) -> list[Layer]:
    """Every transformer block of a UNet, in the order in which they run.

    Args:
        unet: of Stable Diffusion 1, 2 or XL, named as in ldm or diffusers.
        layout: its layout.
        plan: which layers have a part of their own; None: those of the model's family.

    Raises:
        UserError: the model is of another architecture, or lacks a layer of the plan.
    """
    plan = plan or PLANS[family_of(layout)]
    for name in (plan.reference, *(name for name, _ in plan.refinement)):
        if not layout.block(name).depth:
            raise UserError(f"this model has no transformer in {name}; its layers are not those of the plan")
    refinement = dict(plan.refinement)
    down = [block for name, block in layout.blocks.items() if name.startswith("input_blocks")]
    up = [block for name, block in layout.blocks.items() if name.startswith("output_blocks")]
    middle = middle_block(unet, layout)
    return [
        Layer(
            f"{block.transformer}.transformer_blocks.{number}",
            block.level,
            tuple(block_sites(unet, block, number)),
            refines=number < refinement.get(block.name, 0),
            is_reference=block.name == plan.reference and number == 0,
        )
        for block in (*down, *([] if middle is None else [middle]), *up)
        for number in range(block.depth)
    ]
