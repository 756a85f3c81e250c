"""Averages of attention maps, taken as the picture is made: a few megabytes in place of the paper's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from t2c_ext.twin.layout import Grid
from t2c_ext.twin.locate import Kind, Site
from t2c_ext.twin.rows import Role, Row, Rows
from t2c_ext.types import Attention, FloatArray

CPU_CHUNK, DEVICE_CHUNK = 2**19, 2**22
"""Attention probabilities that are computed at once (2 and 16 MB): fewer fit a cache, more keep a device busy."""


@dataclass(frozen=True)
class CaptureOptions:
    """Which attention maps are averaged.

    Attributes:
        tokens: the level is the one whose number of tokens is nearest to this (1024 = 32 x 32).
        latest_timestep: maps of timesteps (of 1000) above this are left out; the last step is always taken.
        unconditional: average the unconditional rows too, with equal weight, as the paper's code does.
        per_head: also keep the mean of each head by itself, as the paper's k-means needs it (some 64 MB).
    """

    tokens: int = 1024
    latest_timestep: float = 541.0
    unconditional: bool = False
    per_head: bool = False


PAPER_CAPTURE = CaptureOptions(unconditional=True)
"""What the paper's code averages for its spectral clustering."""


def attention_maps(
    query: Tensor, key: Tensor, scale: float, elements: int | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """softmax(q k^T * scale) over the keys, in float32, some queries at a time.

    Args:
        query: [heads, n, width].
        key: [heads, m, width].
        scale: factor before the softmax.
        elements: largest number of elements of one part; None: what suits the device.

    Yields:
        The queries' slice and their probabilities [heads, len(slice), m].
    """
    heads, count, _ = query.shape
    elements = elements or (CPU_CHUNK if query.device.type == "cpu" else DEVICE_CHUNK)
    size = max(1, elements // (heads * key.shape[1]))
    with full_precision(query.device):
        keys = key.float().transpose(1, 2)
        for start in range(0, count, size):
            part = slice(start, min(start + size, count))
            yield part, torch.softmax((query[:, part].float() * scale) @ keys, dim=-1)


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """Autocast, under which some hosts call the model, would round the products to half precision."""
    try:
        return torch.autocast(device.type, enabled=False)
    except RuntimeError:  # this kind of device has no autocast
        return nullcontext()


@dataclass
class MapMean:
    """The mean of the self-attention maps that were added.

    Attributes:
        per_head: whether heads are kept apart.
        total: sum of the maps, float32 [n, n] or per head [heads, n, n]; None before the first one.
        count: number of maps (not counting heads).
    """

    per_head: bool = False
    total: Tensor | None = None
    count: int = 0

    def add(self, query: Tensor, key: Tensor, scale: float) -> None:
        """Add the maps of queries and keys [heads, n, width]."""
        heads, tokens, _ = query.shape
        if self.total is None:
            shape = (heads, tokens, tokens) if self.per_head else (tokens, tokens)
            self.total = torch.zeros(shape, dtype=torch.float32, device=query.device)
        for part, maps in attention_maps(query, key, scale):
            if self.per_head:
                self.total[:, part] += maps
            else:
                self.total[part] += maps.mean(dim=0)
        self.count += 1

    def mean(self) -> FloatArray:
        """float32 [n, n], or [heads, n, n] per head; each row sums to 1.

        Raises:
            RuntimeError: nothing was added.
        """
        if self.total is None:
            raise RuntimeError("no attention map was captured: no step was in the range, or no artistic row was named")
        return (self.total / self.count).cpu().numpy()


@dataclass
class WordMean:
    """The mean, over heads and tokens, of the cross-attention that goes to the tokens of a word."""

    total: Tensor | None = None
    count: int = 0

    def add(self, shares: Tensor) -> None:
        """Add the share of the attention, [n], that each place pays to the word."""
        self.total = shares.clone() if self.total is None else self.total.add_(shares)
        self.count += 1

    def normalised(self, size: Grid) -> FloatArray:
        """float32 [h, w], stretched to 0..1 (zeros when it is the same everywhere)."""
        if self.total is None:
            return np.zeros(size, np.float32)
        mean = (self.total / self.count).cpu().numpy().reshape(size)
        span = float(mean.max() - mean.min())
        return (mean - mean.min()) / span if span > 0 else np.zeros(size, np.float32)


@dataclass
class PictureMaps:
    """The averages of one artistic picture."""

    maps: MapMean = field(default_factory=MapMean)
    halves: dict[bool, MapMean] = field(default_factory=dict)
    words: dict[str, WordMean] = field(default_factory=dict)


class AttentionCapture:
    """Averages over heads, blocks, steps and rows of the artistic pictures.

    Args:
        options: which maps are averaged.
        size: (h, w) of the grid of the level that is listened to.
    """

    def __init__(self, options: CaptureOptions, size: Grid) -> None:
        self.options = options
        self.size = size
        self.pictures: dict[int, PictureMaps] = {}
        self._waiting: dict[tuple[str, Kind], Tensor] = {}

    @property
    def bytes(self) -> int:
        """Memory that the averages take."""
        means: list[MapMean | WordMean] = []
        for picture in self.pictures.values():
            means += [picture.maps, *picture.halves.values(), *picture.words.values()]
        return sum(mean.total.numel() * mean.total.element_size() for mean in means if mean.total is not None)

    def begin(self) -> None:
        """Forget half-seen attention of a call that ended early."""
        self._waiting.clear()

    def wants(self, timestep: float, last: bool) -> bool:
        """Whether a step is in the range."""
        return last or timestep <= self.options.latest_timestep

    def see(self, site: Site, output: Tensor, rows: Rows) -> None:
        """Take in what a site put out; once query and key of an attention are there, add their maps.

        Args:
            site: a query or key.
            output: [batch, tokens, heads * width].
            rows: who is who in the batch.
        """
        pair = {
            Kind.QUERY: Kind.KEY,
            Kind.KEY: Kind.QUERY,
            Kind.WORD_QUERY: Kind.WORD_KEY,
            Kind.WORD_KEY: Kind.WORD_QUERY,
        }
        other = self._waiting.pop((site.attention, pair[site.kind]), None)
        if other is None:
            self._waiting[site.attention, site.kind] = output
            return
        query, key = (output, other) if site.kind in (Kind.QUERY, Kind.WORD_QUERY) else (other, output)
        with torch.inference_mode():
            for place, row in enumerate(rows.rows):
                if row.role is Role.ART and (row.source.conditional or self.options.unconditional):
                    self._add(site, row, _heads(query[place], site.heads), _heads(key[place], site.heads))

    def _add(self, site: Site, row: Row, query: Tensor, key: Tensor) -> None:
        scale = query.shape[-1] ** -0.5 if site.scale is None else site.scale
        picture = self.pictures.setdefault(row.source.image, PictureMaps())
        if site.kind in (Kind.WORD_QUERY, Kind.WORD_KEY):
            if row.words:
                add_words(picture.words, row.words, query, key, scale)
            return
        picture.maps.add(query, key, scale)
        if self.options.per_head:
            picture.halves.setdefault(row.source.conditional, MapMean(per_head=True)).add(query, key, scale)

    def attention(self, image: int) -> Attention:
        """The averages of one picture.

        Raises:
            RuntimeError: nothing was captured of it.
        """
        picture = self.pictures.get(image, PictureMaps())
        words = {word: mean.normalised(self.size) for word, mean in picture.words.items()}
        return Attention(self.size, picture.maps.mean(), words)

    def per_head(self, image: int) -> FloatArray:
        """float32 [n, heads * n]: the means of each head side by side, unconditional heads first.

        Raises:
            RuntimeError: they were not kept.
        """
        halves = self.pictures.get(image, PictureMaps()).halves
        if not halves:
            raise RuntimeError("attention was not kept per head; ask for it in the capture's options")
        return side_by_side([halves[half].mean() for half in sorted(halves)])


def side_by_side(means: list[FloatArray]) -> FloatArray:
    """[heads, n, n] each -> [n, all heads * n], head-major: the rows that the paper's k-means clusters."""
    stacked = np.concatenate(means)
    return np.ascontiguousarray(stacked.transpose(1, 0, 2).reshape(stacked.shape[1], -1))


def add_words(
    words: dict[str, WordMean], positions: Mapping[str, tuple[int, ...]], query: Tensor, key: Tensor, scale: float
) -> None:
    """Add the share of the cross-attention that goes to each word.

    Args:
        words: the means, changed in place.
        positions: for each word its positions among the keys.
        query: [heads, n, width].
        key: [heads, text tokens, width].
        scale: factor before the softmax.

    Raises:
        RuntimeError: a position lies outside the text.
    """
    outside = [word for word, tokens in positions.items() if any(not 0 <= token < key.shape[1] for token in tokens)]
    if outside:
        raise RuntimeError(f"the tokens of {outside[0]!r} lie outside the text of {key.shape[1]} tokens")
    parts = [maps.mean(dim=0) for _, maps in attention_maps(query, key, scale)]
    shares = torch.cat(parts)
    for word, tokens in positions.items():
        if tokens:
            words.setdefault(word, WordMean()).add(shares[:, list(tokens)].mean(dim=1))


def _heads(rows: Tensor, heads: int) -> Tensor:
    """[tokens, heads * width] -> [heads, tokens, width]."""
    return rows.reshape(rows.shape[0], heads, -1).transpose(0, 1)
