"""Features of artistic rows put in the place of the twins': within a batch, between calls, or between two passes."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from t2c_ext.twin.families import LayerPlan
from t2c_ext.twin.locate import Kind, Site
from t2c_ext.twin.rows import Rows, Source

_LEVELS = 32767


@dataclass(frozen=True)
class Moment:
    """A step of the sampling.

    Attributes:
        index: number of the step, from 0.
        total: number of steps.
        timestep: the model's timestep (0 to 999, may be fractional); a sampler may see several in one step.
    """

    index: int
    total: int
    timestep: float


@dataclass(frozen=True)
class InjectionOptions:
    """For how long the twin takes the artist's features.

    Attributes:
        features: share of the noise's time for the residual features; None: the plan's.
        attention: likewise for self-attention queries and keys; None: the plan's.
        paper: shares of the steps, and one step longer each, as the paper's code runs (unless the share is 0).
    """

    features: float | None = None
    attention: float | None = None
    paper: bool = False


NO_INJECTION = InjectionOptions(features=0.0, attention=0.0)
"""The twin goes its own way."""


TIMES = 1000
"""Of the noise's schedule."""


def is_taken(share: float, moment: Moment, paper: bool) -> bool:
    """Whether features are taken in a step.

    A share is one of the noise's time: 0.8 means while the timestep is above 200. So the paper's 40 of 50 DDIM steps
    mean the same under every sampler and schedule; Karras' spends half of its steps below t = 200, where features
    would keep the twin painted. The first step always counts: models of few steps settle the layout in it.
    """
    if share <= 0:
        return False
    if paper:
        return moment.index < min(moment.total, max(1, int(share * moment.total + 1e-6)) + 1)
    return moment.index == 0 or share >= 1 or moment.timestep > (1 - share) * TIMES + 1e-6


@dataclass(frozen=True)
class FixedPoint:
    """Single-precision numbers in 16 bits: a tenth of half precision's error, as no bits go to exponents.

    Attributes:
        levels: int16, -32767 to 32767.
        largest: the magnitude of level 32767, for each token or channel.
    """

    levels: Tensor
    largest: Tensor

    @classmethod
    def of(cls, value: Tensor) -> FixedPoint:
        """[tokens, width] with a scale for each token, or [channels, h, w] with one for each channel."""
        largest = value.abs().amax(dim=tuple(range(1, value.ndim)), keepdim=True)
        levels = value / largest.clamp(min=torch.finfo(value.dtype).tiny) * _LEVELS
        return cls(levels.round().to(torch.int16), largest)

    def to(self, device: torch.device | str | None) -> FixedPoint:
        """The same on another device."""
        return FixedPoint(self.levels.to(device), self.largest.to(device))

    def tensor(self) -> Tensor:
        """The numbers again, float32."""
        return self.levels.float() * (self.largest / _LEVELS)


@dataclass
class Recording:
    """What a first pass keeps for a second one, in memory.

    Half-precision numbers stay as they are.

    Attributes:
        dtype: what single-precision numbers are kept as: int16 (fixed point), or None for as they are, in twice the
            memory.
        device: where they are kept; None: where they are made.
    """

    dtype: torch.dtype | None = torch.int16
    device: torch.device | str | None = None
    kept: dict[tuple[Moment, Source, str], Tensor | FixedPoint] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.dtype not in (None, torch.int16):
            raise ValueError(f"features are kept as they are or as int16, not as {self.dtype}")

    @property
    def bytes(self) -> int:
        """Size in memory."""
        parts = ((kept,) if isinstance(kept, Tensor) else (kept.levels, kept.largest) for kept in self.kept.values())
        return sum(part.numel() * part.element_size() for row in parts for part in row)

    def put(self, moment: Moment, source: Source, path: str, value: Tensor) -> None:
        """Keep a copy of what `path` put out for an artistic row: [tokens, width] or [channels, h, w]."""
        whole = self.dtype is None or value.dtype != torch.float32 or not value.isfinite().all()
        self.kept[moment, source, path] = (
            value.detach().to(self.device, copy=True) if whole else FixedPoint.of(value.detach()).to(self.device)
        )

    def get(self, moment: Moment, source: Source, path: str, device: torch.device | None = None) -> Tensor:
        """What was kept, on a device.

        Raises:
            RuntimeError: nothing was: the passes differ in their steps or rows.
        """
        key = (moment, source, path)
        if key not in self.kept:
            raise RuntimeError(
                f"the first pass kept no {path} of the {source} in step {moment.index} (timestep {moment.timestep:g}); "
                "both passes need the same steps"
            )
        kept = self.kept[key].to(device or self.device)
        return kept if isinstance(kept, Tensor) else kept.tensor()


class Injector:
    """Carries features from artistic rows to twins' rows.

    Args:
        plan: the layers and their default shares.
        options: for how long.
        record: where to keep the artistic rows' features for a second pass, or None.
        replay: the first pass's features, for twins whose artistic row is not sampled now, or None.
    """

    def __init__(
        self,
        plan: LayerPlan,
        options: InjectionOptions,
        record: Recording | None = None,
        replay: Recording | None = None,
    ) -> None:
        self.feature_share = plan.feature_share if options.features is None else options.features
        self.attention_share = plan.attention_share if options.attention is None else options.attention
        self.paper = options.paper
        self.record = record
        self.replay = replay
        self._kept: dict[tuple[Source, str], Tensor] = {}

    def begin_step(self) -> None:
        """Free what is left of the step before."""
        self._kept.clear()

    def active(self, site: Site, moment: Moment) -> bool:
        """Whether the twin takes this site's output in this step."""
        share = self.feature_share if site.kind in (Kind.BRANCH, Kind.SHORTCUT) else self.attention_share
        return is_taken(share, moment, self.paper)

    @torch.no_grad()
    def carry(self, site: Site, output: Tensor, rows: Rows, moment: Moment) -> Tensor:
        """The output with the twins' rows replaced; written in place, the artistic rows stay as they are.

        Args:
            site: where it comes from.
            output: [batch, ...].
            rows: who is who in the batch.
            moment: the step.

        Raises:
            RuntimeError: a twin's artistic row is neither in the batch nor was it in an earlier call of the step.
        """
        artists = rows.artists
        needed = {row.source for _, row in rows.twins if row.keep}
        served = {row.source for _, row in rows.twins}
        if any(output.stride(axis) == 0 and size > 1 for axis, size in enumerate(output.shape)):
            output = output.clone()
        for place, row in rows.twins:
            if row.source in artists:
                output[place].copy_(output[artists[row.source]])
            else:
                output[place].copy_(self._fetch(site, row.source, moment, output[place]))
        for source in served - needed:
            self._kept.pop((source, site.path), None)
        for source, place in artists.items():
            if self.record is not None:
                self.record.put(moment, source, site.path, output[place])
            elif source in needed or source not in served:
                self._kept[source, site.path] = output[place].clone()
        return output

    def _fetch(self, site: Site, source: Source, moment: Moment, like: Tensor) -> Tensor:
        if self.replay is not None:
            value = self.replay.get(moment, source, site.path, like.device)
        elif (source, site.path) in self._kept:
            value = self._kept[source, site.path]
        else:
            raise RuntimeError(
                f"a twin's row came before its artist: nothing of the {source} was seen in step {moment.index}; call "
                "the artistic row first, or in the same batch"
            )
        if value.shape != like.shape:
            raise RuntimeError(f"the twin and its artist differ in size at {site.path}: {like.shape}, {value.shape}")
        return value
