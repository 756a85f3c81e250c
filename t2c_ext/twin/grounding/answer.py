"""What passes over a picture say of its nouns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from t2c_ext.twin.grounding.competition import all_content, competing, noun_maps, rescaled
from t2c_ext.twin.grounding.propagation import POWER, refined
from t2c_ext.twin.layout import Grid
from t2c_ext.types import NounMaps


@dataclass(frozen=True)
class TokenMaps:
    """What one pass says.

    Attributes:
        size: (h, w) of the grid.
        tokens: float32 [tokens, h, w]: how much each place attends to each token of the text; sums to 1 at each place.
        self_attention: float32 [h * w, h * w], query by key, the mean of the layers that refine.
        layers: for each transformer block, by its path, its share in `tokens`.
    """

    size: Grid
    tokens: Tensor
    self_attention: Tensor
    layers: dict[str, float]


def averaged(passes: Sequence[TokenMaps]) -> TokenMaps:
    """The mean of passes with one prompt over pictures whose pixels belong together, such as a painting and its twin.

    Maps of tokens and self-attention are averaged, before nouns compete: averages of refined maps would be those of
    their rounding wherever the self-attention says little.

    Raises:
        ValueError: there is none, or they are not of one grid and one text.
    """
    if len({(one.size, tuple(one.tokens.shape)) for one in passes}) != 1:
        raise ValueError("passes of one grid and one text are needed")
    layers = {name: sum(one.layers[name] for one in passes) / len(passes) for name in passes[0].layers}
    tokens = torch.stack([one.tokens for one in passes]).mean(dim=0)
    total = passes[0].self_attention
    for one in passes[1:]:
        total = total + one.self_attention
    return TokenMaps(passes[0].size, tokens, total / len(passes), layers)


def answer(
    found: TokenMaps, positions: Mapping[str, Sequence[int]], things: Sequence[str], power: int = POWER
) -> NounMaps:
    """Where each thing is, against the other nouns.

    Args:
        found: of a pass whose prompt was a list of nouns.
        positions: for each noun of the list its places among the tokens.
        things: which of them are looked for; those without a token are left out. The others are background.
        power: how often the self-attention is applied.
    """
    known = {noun: places for noun, places in positions.items() if places}
    wanted = [thing for thing in dict.fromkeys(things) if thing in known]
    if not wanted:
        return NounMaps(found.size, {}, np.zeros(found.size, np.float32), {})
    rest = [places for noun, places in known.items() if noun not in wanted]
    tokens = found.tokens.float().cpu().numpy()
    own = [known[thing] for thing in wanted]
    shares = rescaled(noun_maps(tokens, own), all_content(tokens, [*own, *rest])).max(axis=(1, 2))
    maps = refined(competing(tokens, own, rest), found.self_attention.float().cpu().numpy(), power)
    return NounMaps(
        found.size,
        dict(zip(wanted, maps, strict=False)),
        maps[-1],
        dict(zip(wanted, (float(share) for share in shares), strict=True)),
    )
