"""Teaches cross-attention where things are: a word's attention should lie in its thing's mask (after TokenCompose)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from world import words

LATEST = 700
"""Noisier than this nothing can be seen, and nothing is taught."""

CLEAR = 0.02
"""Share of the picture from which on a mask is worth teaching."""


class AttentionMaps:
    """While it is on, keeps the cross-attention of a UNet's passes.

    Attributes:
        found: float32 [B, n, 77] for each layer that ran, the mean over its heads, of which gradients can be taken.
    """

    def __init__(self, unet: nn.Module, active: bool = True) -> None:
        """Prepare; `active=False` leaves the UNet as it is."""
        self.found: list[Tensor] = []
        self._layers = [m for name, m in unet.named_modules() if name.endswith("attn2")] if active else []
        self._before: list[Any] = []

    def __enter__(self) -> AttentionMaps:
        """Turn on."""
        self._before = [layer.processor for layer in self._layers]
        for layer in self._layers:
            layer.set_processor(self._process)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Turn off."""
        for layer, processor in zip(self._layers, self._before, strict=True):
            layer.set_processor(processor)

    def _process(self, layer: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, **_: Any) -> Tensor:
        query = layer.head_to_batch_dim(layer.to_q(hidden_states))
        key = layer.head_to_batch_dim(layer.to_k(encoder_hidden_states))
        value = layer.head_to_batch_dim(layer.to_v(encoder_hidden_states))
        shares = torch.softmax(query @ key.transpose(1, 2) * layer.scale, -1)
        self.found.append(shares.unflatten(0, (-1, layer.heads)).mean(1))
        return layer.to_out[1](layer.to_out[0](layer.batch_to_head_dim(shares @ value)))


class TaughtWords:
    """Which tokens name which things."""

    def __init__(self, tokenizer: Any) -> None:
        """Look up the last word of every name."""
        self._things: dict[int, set[str]] = {}
        for thing, names in words.NAMES.items():
            for name in names:
                ids = tokenizer(words.noun_of(name), add_special_tokens=False).input_ids
                self._things.setdefault(ids[-1], set()).add(thing)

    def masks(
        self, tokens: Tensor, things: Sequence[Sequence[str]], masks: NDArray[np.uint8], flipped: bool
    ) -> list[tuple[int, int, Tensor]]:
        """Row of the batch, place of the token, and mask float32 [32, 32], for each word that names what is seen.

        Args:
            tokens: int64 [B, 77].
            things: names of what each row shows.
            masks: uint8 [B, N, 32, 32] of these.
            flipped: whether the rows are mirrored.
        """
        found = []
        for row, (ids, names) in enumerate(zip(tokens.tolist(), things, strict=True)):
            for place, token in enumerate(ids):
                meant = self._things.get(token)
                if not meant or ids.count(token) > 1:
                    continue
                shown = [masks[row, number] for number, name in enumerate(names) if name in meant]
                if not shown:
                    continue
                mask = torch.from_numpy(np.clip(np.sum(shown, 0, dtype=np.float32) / 255, 0, 1))
                if float(mask.mean()) >= CLEAR:
                    found.append((row, place, mask.flip(1) if flipped else mask))
        return found


def attention_loss(found: Sequence[Tensor], masks: Sequence[tuple[int, int, Tensor]], times: Tensor) -> Tensor:
    """How much of the words' attention lies outside of their masks, and how unevenly it fills them.

    Args:
        found: as `AttentionMaps` has it.
        masks: as `TaughtWords` gives it.
        times: int64 [B], 0..999.
    """
    taught = [(row, place, mask) for row, place, mask in masks if times[row] <= LATEST]
    if not taught:
        return torch.zeros(())
    rows, places = torch.tensor([row for row, _, _ in taught]), torch.tensor([place for _, place, _ in taught])
    wanted = torch.stack([mask for _, _, mask in taught])[:, None]
    losses = []
    for shares in found:
        side = round(shares.shape[1] ** 0.5)
        if side < 4:
            continue
        mask = functional.adaptive_avg_pool2d(wanted, side).flatten(1)
        column = shares[rows, :, places]
        outside = 1 - (column * mask).sum(1) / column.sum(1).clamp(min=1e-8)
        even = column / column.amax(1, keepdim=True).clamp(min=1e-8)
        unlike = functional.binary_cross_entropy(even.clamp(1e-4, 1 - 1e-4), mask, reduction="none").mean(1)
        losses.append((outside + 0.5 * unlike).mean())
    return torch.stack(losses).mean()
