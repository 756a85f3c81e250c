"""Where nouns are in a transformer whose text and image attend to each other in one softmax (FLUX).

Two readings. GoCA (arXiv 2603.06178) takes the part of the joint attention from image to text for cross-attention, and
that from image to image for self-attention. ConceptAttention (arXiv 2502.04320) lets words of its own attend to the
image through the text's weights, beside the prompt and without an effect on it, and compares what both put out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from t2c_ext.twin.capture import attention_maps
from t2c_ext.twin.layout import Grid


@dataclass(frozen=True)
class Stream:
    """One kind of token in an attention: [heads, n, width] each, queries and keys normalised and rotated."""

    query: Tensor
    key: Tensor
    value: Tensor


def rotated(values: Tensor, positions: Tensor, axes: Sequence[int], theta: float) -> Tensor:
    """Queries or keys turned by their places (rotary embedding): channels 2j and 2j + 1 are a pair.

    Args:
        values: [heads, n, width].
        positions: [n, axes], the place on each axis; tokens at zero stay as they are.
        axes: how many channels belong to each axis; their sum is the width.
        theta: base of the frequencies: the pair j of an axis of d channels turns by theta**(-2 j / d) for each place.
    """
    angles = torch.cat(
        [
            positions[:, number, None].double()
            * theta ** -(torch.arange(0, channels, 2, dtype=torch.float64, device=values.device) / channels)
            for number, channels in enumerate(axes)
        ],
        dim=1,
    )
    cosine, sine = angles.cos().to(values.dtype), angles.sin().to(values.dtype)
    even, odd = values[..., 0::2], values[..., 1::2]
    turned = torch.stack([even * cosine - odd * sine, even * sine + odd * cosine], dim=-1)
    return turned.reshape(values.shape)


def attended(query: Tensor, streams: Sequence[Stream]) -> Tensor:
    """What queries [heads, n, width] take from the streams together: float32 [n, heads * width], heads side by side."""
    key = torch.cat([stream.key for stream in streams], dim=1)
    value = torch.cat([stream.value for stream in streams], dim=1).float()
    parts = [part @ value for _, part in attention_maps(query, key, query.shape[-1] ** -0.5)]
    return torch.cat(parts, dim=1).transpose(0, 1).flatten(1)


def image_attention(text: Stream, image: Stream) -> tuple[Tensor, Tensor]:
    """How the image attends in the joint softmax; the rows of each part sum to less than 1.

    Returns:
        To the text, by head, float32 [heads, n, tokens], and to the image, the mean over heads, float32 [n, n].
    """
    tokens = text.key.shape[1]
    key = torch.cat([text.key, image.key], dim=1)
    to_text, to_image = [], []
    for _, part in attention_maps(image.query, key, image.query.shape[-1] ** -0.5):
        to_text.append(part[..., :tokens])
        to_image.append(part[..., tokens:].mean(dim=0))
    return torch.cat(to_text, dim=1), torch.cat(to_image)


def concept_outputs(concepts: Stream, image: Stream) -> Tensor:
    """What words beside the prompt take from each other and the image: float32 [words, heads * width]."""
    return attended(concepts.query, [concepts, image])


def concept_scores(concepts: Tensor, image: Tensor) -> Tensor:
    """How alike outputs before the projection are: [..., words, c] and [..., n, c] -> [..., words, n], unscaled."""
    return concepts @ image.mT


def concept_heat(scores: Tensor, size: Grid, *, shares_first: bool = True) -> Tensor:
    """The words' shares at each place, averaged over whatever was listened to.

    Args:
        scores: [..., words, h * w], such as by timestep and layer.
        size: (h, w).
        shares_first: words compete in each layer and step, then their shares are averaged; else scores are averaged
            first.

    Returns:
        [words, h, w]; sums to 1 at each place.
    """
    many = scores.reshape(-1, *scores.shape[-2:])
    found = many.softmax(dim=1).mean(dim=0) if shares_first else many.mean(dim=0).softmax(dim=0)
    return found.reshape(-1, *size)
