"""The pictures of a sampling, each with its own rows of the batch: the artistic one, the twin, and a given painting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from t2c_ext.twin.diffusion.ddim import guided, mixed
from t2c_ext.twin.diffusion.embeddings import Conditioning
from t2c_ext.twin.rows import Row, art, twin

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Words = Mapping[str, Sequence[int]]
"""The tokens of each word that moves."""


@dataclass(frozen=True)
class Member:
    """One row of a call of the UNet.

    Attributes:
        latent: float32 [4, h, w], scaled as the UNet expects it.
        prompt: its prompt.
        artistic: whether it is a row of the artistic picture.
        image: number of the picture pair.
        conditional: whose features it gives or takes: those of the row with the prompt, or of the one without.
        words: of an artistic row with the prompt: the tokens of the words that move.
    """

    latent: Tensor
    prompt: Conditioning
    artistic: bool
    image: int
    conditional: bool
    words: Words = field(default_factory=dict)

    def row(self, tokens: int, keep: bool = False) -> Row:
        """Who it is, in a batch whose contexts are `tokens` long."""
        if not self.artistic:
            return twin(self.image, self.conditional, keep=keep)
        places = {word: self.prompt.places(ids, tokens) for word, ids in self.words.items()}
        return art(self.image, self.conditional, words={word: found for word, found in places.items() if found})


class Track(Protocol):
    """One picture (or one of each pair) on its way through the sampling."""

    def members(self, index: int, timestep: Tensor) -> list[Member]:
        """The rows that it needs computed at a step."""

    def take(self, index: int, timestep: Tensor, outputs: list[Tensor]) -> None:
        """Receive the UNet's outputs for these rows, each [4, h, w], and move on."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of one track, at each step.

    Attributes:
        conditional: the prompt.
        unconditional: the negative or empty prompt; None: no guidance.
        negative: a prompt that is faded in where `share` is below 1, or None.
        share: [steps] the weight of `unconditional` against `negative`.
    """

    conditional: Sequence[Conditioning]
    unconditional: Sequence[Conditioning] | None = None
    negative: Sequence[Conditioning] | None = None
    share: NDArray[np.float64] | None = None

    def away(self, index: int) -> list[tuple[float, Conditioning]]:
        """What guidance moves away from at a step, with weights; what weighs nothing is left out."""
        if self.unconditional is None:
            return []
        if self.negative is None or self.share is None:
            return [(1.0, self.unconditional[index])]
        share = float(self.share[index])
        pair = [(share, self.unconditional[index]), (1 - share, self.negative[index])]
        return [(weight, prompt) for weight, prompt in pair if weight != 0]


@dataclass
class SampledTrack:
    """A picture that is sampled.

    Attributes:
        latents: float32 [images, 4, h, w], unit noise at the start, the picture at the end.
        scheduler: diffusers' scheduler with its timesteps set; this track's own.
        prompts: for each image its prompts.
        guidance: scale of classifier-free guidance; 1: none.
        noise: for each image the generator of the sampler's own noise.
        artistic: whether it gives features, else it takes them.
        unguided_source: of a twin: the artistic picture has no row without the prompt, so all rows take the other one.
        words: for each image the tokens of the words that move.
        start: the unit noise that it started from.
    """

    latents: Tensor
    scheduler: Any
    prompts: Sequence[Prompts]
    guidance: float
    noise: list[torch.Generator]
    artistic: bool
    unguided_source: bool = False
    words: Sequence[Words] = ()

    def __post_init__(self) -> None:
        self.start = self.latents
        self.latents = self.latents * self.scheduler.init_noise_sigma

    def members(self, index: int, timestep: Tensor) -> list[Member]:
        """Unconditional rows first, in the order in which `take` reads them."""
        scaled = self.scheduler.scale_model_input(self.latents, timestep)
        found = []
        for image, prompts in enumerate(self.prompts):
            for _, prompt in self._away(prompts, index):
                found.append(self._member(scaled[image], prompt, image, self.unguided_source))
            found.append(self._member(scaled[image], prompts.conditional[index], image, True))
        return found

    def _away(self, prompts: Prompts, index: int) -> list[tuple[float, Conditioning]]:
        return [] if self.guidance == 1 else prompts.away(index)

    def _member(self, latent: Tensor, prompt: Conditioning, image: int, conditional: bool) -> Member:
        words = self.words[image] if self.words and conditional else {}
        return Member(latent, prompt, self.artistic, image, conditional, words)

    def take(self, index: int, timestep: Tensor, outputs: list[Tensor]) -> None:
        """Guide, and let the scheduler make its step for all images at once."""
        rest = iter(outputs)
        found = []
        for prompts in self.prompts:
            away = [(weight, next(rest)) for weight, _ in self._away(prompts, index)]
            found.append(_guided(next(rest), away, self.guidance))
        self.latents = _advance(self.scheduler, _stack(found), timestep, self.latents, self.noise)


def _stack(rows: list[Tensor]) -> Tensor:
    import torch

    return torch.stack(rows)


def _guided(conditional: Tensor, away: list[tuple[float, Tensor]], scale: float) -> Tensor:
    if not away:
        return conditional
    if len(away) == 1:
        return guided(conditional, away[0][0] * away[0][1], scale)
    (share, unconditional), (_, negative) = away
    return guided(conditional, mixed(unconditional, negative, share), scale)


def _advance(scheduler: Any, output: Tensor, timestep: Tensor, latents: Tensor, noise: list[torch.Generator]) -> Tensor:
    """One step of any of diffusers' schedulers; those that draw noise draw it row by row."""
    import inspect

    takes_noise = "generator" in inspect.signature(scheduler.step).parameters
    options = {"generator": noise} if takes_noise else {}
    moved: Tensor = scheduler.step(output, timestep, latents, **options, return_dict=True).prev_sample
    return moved.float()


@dataclass
class PaintedTrack:
    """A painting that is given: at each step it is noised anew to that step's level, always with the same noise.

    Attributes:
        clean: float32 [images, 4, h, w], latents of the paintings.
        noise: likewise, standard normal.
        alphas: float32 [1000], cumulative products of the model's schedule.
        prompts, words: as in a sampled track; there is no guidance.
    """

    clean: Tensor
    noise: Tensor
    alphas: Tensor
    prompts: Sequence[Prompts]
    words: Sequence[Words] = ()

    def members(self, index: int, timestep: Tensor) -> list[Member]:
        """One row for each painting."""
        latents = noised(self.clean, self.noise, self.alphas, float(timestep))
        words = self.words or [{}] * len(self.prompts)
        return [
            Member(latents[image], prompts.conditional[index], True, image, True, words[image])
            for image, prompts in enumerate(self.prompts)
        ]

    def take(self, index: int, timestep: Tensor, outputs: list[Tensor]) -> None:
        """The painting stays what it is."""


def noised(clean: Tensor, noise: Tensor, alphas: Tensor, timestep: float) -> Tensor:
    """sqrt(a) x0 + sqrt(1 - a) n at a timestep, which lies between two of the schedule's where it is fractional.

    Whatever the sampler, the UNet sees its latents at this scale.
    """
    low = min(max(int(timestep), 0), len(alphas) - 1)
    high = min(low + 1, len(alphas) - 1)
    between = timestep - low
    alpha = float(alphas[low]) * (1 - between) + float(alphas[high]) * between
    found: Tensor = alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise
    return found
