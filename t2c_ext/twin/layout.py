"""The blocks of a Stable Diffusion UNet, found by module path, in the names of both codes.

The original code (ldm; A1111, Forge) counts blocks through all levels: `input_blocks.N`, `middle_block`,
`output_blocks.N`. diffusers counts by level: `down_blocks.i.resnets.j`, `mid_block`, `up_blocks.i.resnets.j`. With L
ResBlocks per level on the way down there are L + 1 on the way up, and input block 0 is the first convolution:

    down_blocks.i.resnets.j      = input_blocks.(1 + i (L + 1) + j)
    down_blocks.i.downsamplers.0 = input_blocks.((i + 1) (L + 1))
    up_blocks.i.resnets.j        = output_blocks.(i (L + 1) + j)

Level 0 is the finest; level l has 1 / 2**l of the latent's height and width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from t2c_ext.errors import UserError

if TYPE_CHECKING:
    from torch import nn

Grid = tuple[int, int]


class Naming(str, Enum):
    """Whose module names a UNet has."""

    LDM = "ldm"
    DIFFUSERS = "diffusers"


@dataclass(frozen=True)
class Block:
    """A ResBlock with the transformer that follows it.

    Attributes:
        name: in the original code's names, such as "output_blocks.4".
        level: 0 is the finest.
        resblock: path of the ResBlock in this model.
        transformer: path of its transformer in this model, or None.
        depth: number of transformer blocks (0 without a transformer).
    """

    name: str
    level: int
    resblock: str
    transformer: str | None
    depth: int


@dataclass(frozen=True)
class Layout:
    """The blocks of a UNet.

    Attributes:
        naming: whose names its modules have.
        levels: number of resolutions.
        per_level: number of ResBlocks per level on the way down (one more on the way up).
        blocks: input and output blocks by name, in the order in which they run.
        linear_projection: whether its transformers project with a linear layer (SD2, SDXL).
    """

    naming: Naming
    levels: int
    per_level: int
    blocks: dict[str, Block]
    linear_projection: bool

    def outer_blocks(self, level: int) -> list[Block]:
        """The input and output blocks of a level."""
        return [block for block in self.blocks.values() if block.level == level]

    def block(self, name: str) -> Block:
        """The block of that name.

        Raises:
            UserError: there is none.
        """
        if name not in self.blocks:
            raise UserError(f"this model has no {name}; its layers are not those of the plan")
        return self.blocks[name]

    def nearest_level(self, latent: Grid, tokens: int) -> int:
        """The level with self-attention whose number of tokens is nearest (as a ratio) to `tokens`; the finer of two.

        Raises:
            UserError: the model has no level with self-attention.
        """
        levels = [level for level in range(self.levels) if any(block.depth for block in self.outer_blocks(level))]
        if not levels:
            raise UserError(
                "this model has no self-attention outside its middle block; choose a Stable Diffusion model"
            )
        return min(levels, key=lambda level: abs(math.log2(math.prod(grid_at(latent, level)) / tokens)))


def grid_at(latent: Grid, level: int) -> Grid:
    """(height, width) of a level for a latent of that (height, width); odd sizes are rounded up."""
    step: int = 2**level
    return -(-latent[0] // step), -(-latent[1] // step)


def diffusers_name(name: str, per_level: int = 2) -> str:
    """The diffusers path of an ldm block such as "output_blocks.4" (-> "up_blocks.1.resnets.1")."""
    if name.startswith("middle_block."):
        return {"0": "mid_block.resnets.0", "1": "mid_block.attentions.0", "2": "mid_block.resnets.1"}[
            name.split(".")[1]
        ]
    side, number = name.split(".")
    if side == "output_blocks":
        level, place = divmod(int(number), per_level + 1)
        return f"up_blocks.{level}.resnets.{place}"
    if number == "0":
        return "conv_in"
    level, place = divmod(int(number) - 1, per_level + 1)
    return f"down_blocks.{level}." + (f"resnets.{place}" if place < per_level else "downsamplers.0")


def ldm_name(name: str, per_level: int = 2) -> str:
    """The ldm block of a diffusers path such as "up_blocks.1.resnets.1" or "up_blocks.1.attentions.1"."""
    if name == "conv_in":
        return "input_blocks.0"
    parts = name.split(".")
    if parts[0] == "mid_block":
        return f"middle_block.{1 if parts[1] == 'attentions' else 2 * int(parts[2])}"
    level, place = int(parts[1]), int(parts[3])
    if parts[0] == "up_blocks":
        return f"output_blocks.{level * (per_level + 1) + place}"
    if parts[2] == "downsamplers":
        return f"input_blocks.{(level + 1) * (per_level + 1)}"
    return f"input_blocks.{1 + level * (per_level + 1) + place}"


def layout_of(unet: nn.Module) -> Layout:
    """The layout of a UNet of either naming.

    Raises:
        UserError: it is not a UNet of Stable Diffusion.
    """
    if hasattr(unet, "input_blocks") and hasattr(unet, "output_blocks"):
        naming, read = Naming.LDM, _ldm_blocks
    elif hasattr(unet, "down_blocks") and hasattr(unet, "up_blocks"):
        naming, read = Naming.DIFFUSERS, _diffusers_blocks
    else:
        raise UserError(f"{type(unet).__name__} is not a Stable Diffusion UNet; choose a Stable Diffusion model")
    levels, per_level, found = read(unet)
    blocks = {block.name: block for block in found}
    if len(blocks) != levels * (2 * per_level + 1):
        raise UserError(
            f"this UNet has {len(blocks)} ResBlocks in {levels} levels, which is not the layout of Stable Diffusion"
        )
    transformers = [block.transformer for block in blocks.values() if block.transformer]
    projections = {type(unet.get_submodule(path).proj_in).__name__.lower() for path in transformers}
    return Layout(naming, levels, per_level, blocks, any("linear" in name for name in projections))


def middle_block(unet: nn.Module, layout: Layout) -> Block | None:
    """The middle block's transformer, at the coarsest level, or None where it has none."""
    ldm = layout.naming is Naming.LDM
    resblock, transformer = (
        ("middle_block.0", "middle_block.1") if ldm else ("mid_block.resnets.0", "mid_block.attentions.0")
    )
    if not any(path == f"{transformer}.transformer_blocks" for path, _ in unet.named_modules()):
        return None
    return _block(unet, "middle_block", layout.levels - 1, resblock, transformer)


def _block(unet: nn.Module, name: str, level: int, resblock: str, transformer: str | None) -> Block:
    depth = len(unet.get_submodule(transformer).transformer_blocks) if transformer else 0  # type: ignore[arg-type]
    return Block(name, level, resblock, transformer, depth)


def _ldm_blocks(unet: nn.Module) -> tuple[int, int, list[Block]]:
    found, level, counts = [], 0, [0]
    for number, children in unet.input_blocks.named_children():  # type: ignore[operator, union-attr]
        name = f"input_blocks.{number}"
        parts = _ldm_parts(name, children)
        if parts:
            found.append(_block(unet, name, level, *parts))
            counts[-1] += 1
        elif any(hasattr(child, "op") for child in children.children()):
            level += 1
            counts.append(0)
    levels, per_level = len(counts), counts[0]
    for number, children in unet.output_blocks.named_children():  # type: ignore[operator, union-attr]
        name = f"output_blocks.{number}"
        parts = _ldm_parts(name, children)
        if parts:
            found.append(_block(unet, name, levels - 1 - int(number) // (per_level + 1), *parts))
    return levels, per_level, found


def _ldm_parts(name: str, children: nn.Module) -> tuple[str, str | None] | None:
    """Paths of the ResBlock and the transformer in one of ldm's sequential blocks, or None without a ResBlock."""
    paths = {key: f"{name}.{key}" for key, _ in children.named_children()}
    resblock = [paths[key] for key, child in children.named_children() if hasattr(child, "out_layers")]
    transformer = [paths[key] for key, child in children.named_children() if hasattr(child, "transformer_blocks")]
    return (resblock[0], transformer[0] if transformer else None) if resblock else None


def _diffusers_blocks(unet: nn.Module) -> tuple[int, int, list[Block]]:
    levels = len(unet.down_blocks)  # type: ignore[arg-type]
    per_level = len(getattr(unet.down_blocks[0], "resnets", ()))  # type: ignore[index]
    found = []
    for side, stack in (("down_blocks", unet.down_blocks), ("up_blocks", unet.up_blocks)):
        for number, module in enumerate(stack):  # type: ignore[arg-type]
            level = number if side == "down_blocks" else levels - 1 - number
            for path, transformer in _diffusers_parts(f"{side}.{number}", module):
                found.append(_block(unet, ldm_name(path, per_level), level, path, transformer))
    return levels, per_level, found


def _diffusers_parts(path: str, module: nn.Module) -> Iterator[tuple[str, str | None]]:
    attentions = list(getattr(module, "attentions", None) or ())
    for place, _ in enumerate(getattr(module, "resnets", ())):
        has_transformer = place < len(attentions) and hasattr(attentions[place], "transformer_blocks")
        yield f"{path}.resnets.{place}", f"{path}.attentions.{place}" if has_transformer else None
