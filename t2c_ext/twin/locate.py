"""The leaf modules that a twin session listens to, found by path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.twin.families import LayerPlan
from t2c_ext.twin.layout import Block, Layout, Naming

if TYPE_CHECKING:
    from torch import nn


class Kind(str, Enum):
    """What a leaf module puts out."""

    BRANCH = "residual branch"
    SHORTCUT = "shortcut"
    QUERY = "self-attention query"
    KEY = "self-attention key"
    WORD_QUERY = "cross-attention query"
    WORD_KEY = "cross-attention key"


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


def _attention_sites(unet: nn.Module, block: Block, leaf: str, kinds: tuple[Kind, Kind]) -> list[Site]:
    if block.transformer is None:
        raise UserError(f"this model has no transformer in {block.name}; its layers are not those of the plan")
    sites = []
    for number in range(block.depth):
        path = f"{block.transformer}.transformer_blocks.{number}.{leaf}"
        attention = _module(unet, path)
        heads, scale = int(attention.heads), getattr(attention, "scale", None)
        for kind, projection in zip(kinds, ("to_q", "to_k"), strict=True):
            _module(unet, f"{path}.{projection}")
            sites.append(Site(f"{path}.{projection}", kind, block.level, path, heads, scale))
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
