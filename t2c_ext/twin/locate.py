"""The leaf modules that a twin session listens to, found by path."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.twin.families import LayerPlan
from t2c_ext.twin.layout import Block, Grid, Layout, Naming, grid_at

if TYPE_CHECKING:
    from torch import Tensor, nn


class Kind(str, Enum):
    """What a leaf module puts out."""

    BRANCH = "residual branch"
    SHORTCUT = "shortcut"
    QUERY = "self-attention query"
    KEY = "self-attention key"
    WORD_QUERY = "cross-attention query"
    WORD_KEY = "cross-attention key"
    WORD_VALUE = "cross-attention value"


_PROJECTIONS = {
    Kind.QUERY: "to_q",
    Kind.KEY: "to_k",
    Kind.WORD_QUERY: "to_q",
    Kind.WORD_KEY: "to_k",
    Kind.WORD_VALUE: "to_v",
}
_GIVES_PLACES = (Kind.QUERY, Kind.KEY, Kind.WORD_QUERY)
"""What puts out one row for each place of the grid; the others one for each token of the text."""


@dataclass(frozen=True)
class Site:
    """A leaf module.

    Attributes:
        path: of the module in this model.
        kind: what it puts out.
        level: of its block.
        attention: path of the attention that it belongs to ("" outside attention).
        heads: number of heads of that attention.
        scale: its factor before the softmax; None: one over the root of the head's width.
    """

    path: str
    kind: Kind
    level: int
    attention: str = ""
    heads: int = 1
    scale: float | None = None


def injection_sites(unet: nn.Module, layout: Layout, plan: LayerPlan) -> list[Site]:
    """The sites whose outputs the twin takes.

    Raises:
        UserError: the model lacks one of them; the message names it.
    """
    sites = []
    for name in plan.features:
        block = layout.block(name)
        sites.append(_branch(unet, layout.naming, block))
        if plan.shortcut:
            leaf = "skip_connection" if layout.naming is Naming.LDM else "conv_shortcut"
            sites.append(_site(unet, f"{block.resblock}.{leaf}", Kind.SHORTCUT, block.level))
    for name in plan.attention:
        sites.extend(_attention_sites(unet, layout.block(name), "attn1", (Kind.QUERY, Kind.KEY)))
    return sites


def capture_sites(unet: nn.Module, layout: Layout, level: int, words: bool) -> list[Site]:
    """The queries and keys of all input and output blocks of a level: self-attention and, for words, cross-attention.

    Raises:
        UserError: the model lacks one of them; the message names it.
    """
    sites = []
    for block in layout.outer_blocks(level):
        if block.depth:
            sites.extend(_attention_sites(unet, block, "attn1", (Kind.QUERY, Kind.KEY)))
            if words:
                sites.extend(_attention_sites(unet, block, "attn2", (Kind.WORD_QUERY, Kind.WORD_KEY)))
    return sites


def _branch(unet: nn.Module, naming: Naming, block: Block) -> Site:
    if naming is Naming.DIFFUSERS:
        return _site(unet, f"{block.resblock}.conv2", Kind.BRANCH, block.level)
    layers = _module(unet, f"{block.resblock}.out_layers")
    return _site(unet, f"{block.resblock}.out_layers.{len(layers) - 1}", Kind.BRANCH, block.level)


def block_sites(unet: nn.Module, block: Block, number: int) -> list[Site]:
    """Everything that one transformer block's self-attention and cross-attention are computed from.

    Raises:
        UserError: the model lacks one of them; the message names it.
    """
    own = _leaf_sites(unet, block, number, "attn1", (Kind.QUERY, Kind.KEY))
    words = _leaf_sites(unet, block, number, "attn2", (Kind.WORD_QUERY, Kind.WORD_KEY, Kind.WORD_VALUE))
    output_projection(unet, words[0])
    return own + words


def output_projection(unet: nn.Module, site: Site) -> Any:
    """The linear layer behind the heads of a site's attention.

    Raises:
        UserError: the model lacks it.
    """
    return _module(unet, f"{site.attention}.to_out.0")


def check_output(site: Site, output: object, *, rows: int, latent: Grid, seen: Collection[str]) -> Tensor:
    """What a site put out, if it is what the layer would put out for the picture as it was announced.

    Args:
        site: of the module.
        output: of the module.
        rows: of the batch, as announced.
        latent: (height, width) of the latent.
        seen: the paths of the modules that ran in this call before.

    Raises:
        UserError: something changes the layers' work; says what to turn off.
    """
    import torch

    if not isinstance(output, torch.Tensor):
        raise UserError(f"{site.path} puts out a {type(output).__name__}: turn off the extension that wraps it")
    if site.path in seen:
        raise UserError(
            f"{site.path} ran twice in one call: turn off whatever runs the UNet's layers once more (ControlNet's "
            "reference)"
        )
    height, width = grid_at(latent, site.level)
    if output.shape[0] != rows:
        raise UserError(
            f"{site.path} saw {output.shape[0]} rows and {rows} were announced: turn off whatever changes the "
            "batch inside the UNet (hypertile, perturbed-attention guidance)"
        )
    if site.kind in _GIVES_PLACES and output.shape[1] != height * width:
        raise UserError(
            f"{site.path} saw {output.shape[1]} tokens in place of {height} x {width}: turn off token merging and "
            "hypertile for this picture"
        )
    return output


def check_all_ran(expected: Sequence[str], seen: Collection[str]) -> None:
    """Raise UserError when one of the modules whose paths are expected did not run in a call."""
    missing = [path for path in expected if path not in seen]
    if missing:
        raise UserError(
            f"{len(missing)} of {len(expected)} layers of the UNet did not run as modules (the first is "
            f"{missing[0]}): turn off whatever replaces or skips layers (TensorRT, torch.compile, DeepCache)"
        )


def _attention_sites(unet: nn.Module, block: Block, leaf: str, kinds: Sequence[Kind]) -> list[Site]:
    if block.transformer is None:
        raise UserError(f"this model has no transformer in {block.name}; its layers are not those of the plan")
    return [site for number in range(block.depth) for site in _leaf_sites(unet, block, number, leaf, kinds)]


def _leaf_sites(unet: nn.Module, block: Block, number: int, leaf: str, kinds: Sequence[Kind]) -> list[Site]:
    path = f"{block.transformer}.transformer_blocks.{number}.{leaf}"
    attention = _module(unet, path)
    heads, scale = int(attention.heads), getattr(attention, "scale", None)
    sites = []
    for kind in kinds:
        projection = f"{path}.{_PROJECTIONS[kind]}"
        _module(unet, projection)
        sites.append(Site(projection, kind, block.level, path, heads, scale))
    return sites


def _site(unet: nn.Module, path: str, kind: Kind, level: int) -> Site:
    _module(unet, path)
    return Site(path, kind, level)


def _module(unet: nn.Module, path: str) -> Any:
    try:
        module = unet.get_submodule(path)
    except AttributeError:
        module = None
    if module is None:
        raise UserError(f"this model has no {path}; its layers are not those of Stable Diffusion")
    return module
