"""One pair of pictures sampled with a loaded model: which tracks there are, and in which mode memory allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from t2c_ext.errors import UserError, Way
from t2c_ext.progress import Reporter
from t2c_ext.settings import TwinSettings
from t2c_ext.twin.diffusion import ddim
from t2c_ext.twin.diffusion.components import Components
from t2c_ext.twin.diffusion.embeddings import PromptEncoder
from t2c_ext.twin.diffusion.latents import Size, decode, generators, start_noise
from t2c_ext.twin.diffusion.sampling import Denoiser, Progress, sample
from t2c_ext.twin.diffusion.schedulers import make_scheduler, set_timesteps
from t2c_ext.twin.diffusion.tracks import Member, PaintedTrack, Prompts, SampledTrack, Track
from t2c_ext.types import Attention, FloatArray

if TYPE_CHECKING:
    from torch import Tensor

    from t2c_ext.twin.inject import InjectionOptions


DISTILLED, MOST_OF_DISTILLED = 2.0, 1.5
"""A picture's guidance up to which its model is taken for a distilled one (LCM, Turbo, Lightning), which more guidance
burns; and how many times that the twin's may be."""


class Mode(Enum):
    """How the two pictures share the UNet, from the fastest to the one that needs the least memory."""

    LOCKSTEP = "lockstep"
    TWO_PASSES = "two passes"
    ROW_BY_ROW = "two passes, row by row"


@dataclass(frozen=True)
class PairRequest:
    """What to sample.

    Attributes:
        art_prompt, natural_prompt: of the two pictures, without extra networks.
        words: the words that move.
        seeds: one for each pair of pictures.
        size: (height, width) in pixels.
        painting: latents [1, 4, h, w] of a given picture in place of the artistic one, or None.
        natural_negative: the twin's negative prompt.
    """

    art_prompt: str
    natural_prompt: str
    words: Sequence[str]
    seeds: Sequence[int]
    size: Size
    painting: Tensor | None = None
    natural_negative: str = ""


@dataclass(frozen=True)
class Pair:
    """Two pictures of one scene.

    Attributes:
        art: float32 [H, W, 3], or None for a given painting.
        natural: likewise, or None where none was wanted.
        attention: of the artistic picture.
    """

    art: FloatArray | None
    natural: FloatArray | None
    attention: Attention | None


@dataclass
class Sampler:
    """Samples pairs with one model.

    Attributes:
        components: the model.
        settings: the stage's settings.
        reporter: progress and cancellation.
        notes: sentences for the user, added to as it goes.
    """

    components: Components
    settings: TwinSettings
    reporter: Reporter = field(default_factory=Reporter)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.encoder = PromptEncoder(self.components, self.settings.clip_skip)

    def run(self, request: PairRequest) -> list[Pair]:
        """The pairs, one for each seed; with less memory at a time where it does not suffice.

        Raises:
            UserError: even the most sparing mode does not fit, or the sampler does not suit the model.
            Cancelled: the user stopped it.
        """
        modes = [Mode.LOCKSTEP, Mode.TWO_PASSES, Mode.ROW_BY_ROW]
        modes = {"lockstep": modes[:1], "two": modes[1:]}.get(self.settings.passes, modes)
        for number, mode in enumerate(modes, start=1):
            try:
                return self._attempt(request, mode)
            except RuntimeError as error:
                from t2c_ext.weights.devices import out_of_memory

                if not out_of_memory(error):
                    raise
            # outside the except block the failed run's tensors are free
            from t2c_ext.weights.devices import free_memory

            free_memory()
            if number < len(modes):
                now = modes[number].value
                self.notes.append(f"Memory did not suffice for {mode.value}; the pictures were made in {now}.")
        raise UserError(
            "the memory does not suffice for this size",
            ways=[Way("make the picture smaller"), Way("keep less in the device's memory", "memory", "offload")],
        )

    def _attempt(self, request: PairRequest, mode: Mode) -> list[Pair]:
        run = _Run(self, request, mode)
        with self.components.at_work(self.components.unet):
            art, natural, attentions = run.sampled()
        arts = None
        if isinstance(art, SampledTrack) and request.painting is None:
            arts = decode(self.components, art.latents)
        naturals = None if natural is None else decode(self.components, natural.latents)
        return [
            Pair(
                None if arts is None else arts[index],
                None if naturals is None else naturals[index],
                attentions[index] if attentions else None,
            )
            for index in range(len(request.seeds))
        ]


def guidance_of_twin(guidance: float, natural: float) -> float:
    """The twin's guidance: as set, but for a distilled model, whose picture has little, at most half as much again."""
    return min(natural, MOST_OF_DISTILLED * guidance) if guidance <= DISTILLED else natural


class _Run:
    """One attempt in one mode."""

    def __init__(self, sampler: Sampler, request: PairRequest, mode: Mode) -> None:
        self.components, self.settings, self.encoder = sampler.components, sampler.settings, sampler.encoder
        self.request, self.mode = request, mode
        self.latent = (request.size[0] // self.components.scale, request.size[1] // self.components.scale)
        self.timesteps = self._scheduler().timesteps
        self.inverts = request.painting is not None and self.settings.painting == "invert"
        passes = 1 if mode is Mode.LOCKSTEP or not self.settings.twin else 2
        total = passes * len(self.timesteps) + (self.settings.inversion_steps if self.inverts else 0)
        self.progress = Progress(sampler.reporter, total)

    def sampled(self) -> tuple[Track, SampledTrack | None, list[Attention]]:
        """The artistic track, the twin's, and the artistic pictures' attention."""
        from t2c_ext.twin.capture import CaptureOptions
        from t2c_ext.twin.inject import Recording
        from t2c_ext.twin.session import TwinSession

        unet, injection = self.components.unet, self._injection()
        art = self._art()
        if not self.settings.twin or self.mode is Mode.LOCKSTEP:
            natural = self._natural(art) if self.settings.twin else None
            session = TwinSession(unet, self.latent, injection=injection, capture=CaptureOptions())
            with session:
                self._sample([art] if natural is None else [art, natural], session)
        else:
            # as they are: half precision where the UNet computes in it
            recording = Recording(dtype=None, device="cpu")
            session = TwinSession(unet, self.latent, injection=injection, capture=CaptureOptions(), record=recording)
            with session:
                self._sample([art], session)
            natural = self._natural(art)
            with TwinSession(unet, self.latent, injection=injection, replay=recording) as second:
                self._sample([natural], second)
        return art, natural, [session.attention(image) for image in range(len(self.request.seeds))]

    def _sample(self, tracks: list[Any], session: Any) -> None:
        rows = 1 if self.mode is Mode.ROW_BY_ROW else 0
        sample(tracks, self.timesteps, Denoiser(self.components, self.request.size, session, rows), self.progress)

    def _injection(self) -> InjectionOptions:
        from t2c_ext.twin.inject import InjectionOptions

        features, attention = self.settings.feature_share, self.settings.attention_share
        return InjectionOptions(
            features=None if features < 0 else features,
            attention=None if attention < 0 else attention,
            paper=self.settings.injection == "paper",
        )

    def _scheduler(self) -> Any:
        scheduler = make_scheduler(self.settings.sampler, self.components.scheduler, self.settings.steps)
        set_timesteps(scheduler, self.settings.steps, self.components.placement.device)
        return scheduler

    def _noise(self) -> tuple[Tensor, list[Any]]:
        """The start noise of each pair, and generators that go on with the sampler's noise."""
        sources = generators(list(self.request.seeds))
        return start_noise(self.components, self.request.size, sources), sources

    def _art(self) -> Any:
        count, calls = len(self.request.seeds), len(self.timesteps)
        conditional = self.encoder.schedule(self.request.art_prompt, calls)
        words = [self._words()] * count
        noise, sources = self._noise()
        painting = self.request.painting
        if painting is not None and not self.inverts:
            prompts = [Prompts(conditional)] * count
            clean = painting.expand(count, -1, -1, -1)
            return PaintedTrack(clean, noise, self._scheduler().alphas_cumprod, prompts, words)
        if painting is not None:
            start = self._inverted(painting).expand(count, -1, -1, -1)
            return SampledTrack(
                start, self._scheduler(), [Prompts(conditional)] * count, 1.0, sources, True, words=words
            )
        prompts = [Prompts(conditional, self.encoder.schedule(self.settings.negative_prompt, calls))] * count
        return SampledTrack(noise, self._scheduler(), prompts, self.settings.guidance, sources, True, words=words)

    def _words(self) -> dict[str, tuple[int, ...]]:
        return {word: self.encoder.word(word) for word in self.request.words}

    def _natural(self, art: Any) -> SampledTrack:
        """The twin: the same start, its own prompt and guidance."""
        calls, count = len(self.timesteps), len(self.request.seeds)
        noise, sources = self._noise()
        if self.inverts:
            noise = art.start
        unguided = not isinstance(art, SampledTrack) or art.guidance == 1
        prompts = [self._natural_prompts(calls)] * count
        guidance = guidance_of_twin(self.settings.guidance, self.settings.natural_guidance)
        return SampledTrack(noise, self._scheduler(), prompts, guidance, sources, False, unguided_source=unguided)

    def _natural_prompts(self, calls: int) -> Prompts:
        conditional = self.encoder.schedule(self.request.natural_prompt, calls)
        if self.settings.negative_schedule == "off":
            return Prompts(conditional, self.encoder.schedule(self.request.natural_negative, calls))
        return Prompts(
            conditional,
            self.encoder.schedule("", calls),
            self.encoder.schedule(self._led_away(), calls),
            ddim.negative_weights(self.settings.negative_schedule, self.settings.negative_alpha, calls),
        )

    def _led_away(self) -> str:
        """What a schedule leads the twin away from: the paper's is the picture's own prompt."""
        return self.request.natural_negative if self.settings.negative_prompt else self.request.art_prompt

    def _inverted(self, painting: Tensor) -> Tensor:
        """The noise from which DDIM, without guidance, comes back to the painting."""
        import torch

        scheduler = self._scheduler()
        alphas = np.asarray(scheduler.alphas_cumprod.cpu(), np.float32)
        denoiser = Denoiser(self.components, self.request.size)
        prompt = self.encoder.schedule(self.request.art_prompt, 1)[0]

        def predict(latent: Tensor, timestep: int) -> Tensor:
            member = Member(latent[0], prompt, True, 0, True)
            output = denoiser([member], torch.tensor(timestep, device=latent.device))[0][None]
            self.progress.advance()
            return ddim.as_noise(output, latent, float(alphas[timestep]), self.components.scheduler["prediction_type"])

        levels = ddim.inversion_levels(self.settings.inversion_steps, len(alphas))
        with torch.no_grad():
            *_, last = ddim.invert(painting.to(self.components.placement.device), predict, alphas, levels)
        return last
