"""The twin source that samples both pictures with a model of diffusers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.keeper import Keeper
from t2c_ext.markup import joins_prompts
from t2c_ext.progress import Reporter
from t2c_ext.settings import TwinSettings
from t2c_ext.twin import miniature
from t2c_ext.twin.diffusion import latents as between
from t2c_ext.twin.diffusion.components import Components, placement_for
from t2c_ext.twin.diffusion.extras import apply_loras, embedding_files, find_by_name, load_embeddings
from t2c_ext.twin.diffusion.grounding import find_nouns
from t2c_ext.twin.diffusion.load import load_model, require_diffusers
from t2c_ext.twin.diffusion.pair import Pair, PairRequest, Sampler
from t2c_ext.twin.diffusion.prompt import LoraRequest, network_notes, take_loras
from t2c_ext.twin.negative import natural_negative
from t2c_ext.types import FloatArray, Picture, Plan, Twin
from t2c_ext.weights.places import expanded

JOINED = 2
"""How prompts joined by AND are read, in the key of such prompts alone: 1 put the last word before a weight and BREAK
together."""


@dataclass
class DiffusersTwin:
    """Samples the artistic picture and its natural-looking twin, or the twin of a painting.

    Attributes:
        settings: the stage's settings; `model` names the model.
        seed: the same seed gives the same pictures, on any device but for its rounding.
        painting: a picture in place of the artistic one; it is followed, and given back as it is.
        components: a model that is loaded already, in place of `settings.model`. LoRAs are merged into it.
        keeper: keeps the model, with its LoRAs and embeddings, for the next pictures.
    """

    settings: TwinSettings
    seed: int = 0
    painting: Picture | None = None
    components: Components | None = None
    keeper: Keeper | None = field(default=None, repr=False)
    _merged: tuple[LoraRequest, ...] | None = field(default=None, repr=False)
    _merge_notes: tuple[str, ...] = field(default=(), repr=False)

    def key(self, plan: Plan) -> tuple[object, ...]:
        """What the pictures depend on: words, settings, seed, painting, and the files of the model and its additions.

        The device, and how the model is laid out on it, change no more than the rounding.
        """
        words = (plan.art_prompt, plan.natural_prompt, plan.regions, plan.nouns, plan.styles)
        settings = replace(self.settings, device="auto", memory="auto")
        painting = None if self.painting is None else self.painting.rgb
        joined = any(map(joins_prompts, (*words[:2], self.settings.negative_prompt)))
        reading = (JOINED,) if joined else ()
        return ("diffusers", *words, settings, self.seed, self._files(plan), painting, *reading)

    def _files(self, plan: Plan) -> tuple[Path, ...]:
        """The model, and the LoRAs and textual inversions that the prompts name, as far as they lie here."""
        art, natural, loras = _prompts(plan)
        folder, prompts = self.settings.lora_folder, (art, natural, self.settings.negative_prompt)
        merged = [find_by_name(expanded(folder), row.name) for row in loras] if folder else []
        built_in = self.settings.model.strip() == miniature.NAME
        return (
            miniature.model_file() if built_in else expanded(self.settings.model),
            *(path for path in merged if path is not None),
            *embedding_files(self.settings.embeddings_folder, prompts),
        )

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """Two pictures and the artistic one's attention; progress counts calls of the UNet.

        Raises:
            UserError: the model cannot be loaded, a size is no multiple of 8, memory does not suffice …
            Cancelled: the user stopped it; the model is as before.
        """
        return self.make_many(plan, reporter, 1)[0]

    def make_many(self, plan: Plan, reporter: Reporter, count: int) -> list[Twin]:
        """Several twins of one plan in one batch, with the seeds `seed`, `seed` + 1 and so on; raises as `make`."""
        require_diffusers()
        self._check_size()
        art_prompt, natural_prompt, loras = _prompts(plan)
        reporter.check()
        components = self._model(loras)
        size = self._size(components)
        between.check_size(size)
        notes = [*network_notes(f"{plan.art_prompt}\n{plan.natural_prompt}"), *self._merge_notes]
        notes += self._notes(art_prompt, natural_prompt, size)
        prompts = (art_prompt, natural_prompt, self.settings.negative_prompt)
        notes += load_embeddings(components, self.settings.embeddings_folder, prompts)
        latent = None
        if self.painting is not None:
            latent = between.encode(components, between.resized(self.painting.rgb, size))
        seeds = [(self.seed + number) % 2**32 for number in range(count)]
        sampler = Sampler(components, self.settings, reporter, notes)
        negative = natural_negative(self.settings.negative_prompt, plan.styles)
        pairs = sampler.run(PairRequest(art_prompt, natural_prompt, plan.regions, seeds, size, latent, negative))
        pairs = [self._seen(sampler, pair, plan, seed) for pair, seed in zip(pairs, seeds, strict=True)]
        return [self._twin(pair, plan, seed, size, sampler.notes) for pair, seed in zip(pairs, seeds, strict=True)]

    def _seen(self, sampler: Sampler, pair: Pair, plan: Plan, seed: int) -> Pair:
        """The pair, with what the model says of the plan's nouns when it looks at the finished pictures once more."""
        art = pair.art if self.painting is None else self.painting.rgb
        if pair.attention is None or art is None or not plan.regions:
            return pair
        pictures = [art]
        if pair.natural is not None:
            pictures.append(between.resized(pair.natural, (art.shape[0], art.shape[1])))
        try:
            nouns = find_nouns(sampler.components, sampler.encoder, pictures, plan.regions, plan.nouns, seed)
        except RuntimeError as error:
            from t2c_ext.weights.devices import out_of_memory

            if not out_of_memory(error):
                raise
            nouns = None
            sampler.notes.append("Memory did not suffice to ask the model where the things are.")
        except UserError as error:
            nouns = None
            sampler.notes.append(f"The model was not asked where the things are: {error}.")
        if nouns is None or not nouns.things:
            return pair
        return replace(pair, attention=replace(pair.attention, nouns=nouns))

    def _check_size(self) -> None:
        """Refuse a size before a model is loaded for it."""
        given = (self.settings.height, self.settings.width)
        between.check_size((given[0] or between.SMALLEST_SIDE, given[1] or between.SMALLEST_SIDE))

    def _model(self, loras: tuple[LoraRequest, ...]) -> Components:
        """The model with these LoRAs merged; loaded anew when it holds others."""
        if self.components is None and self.keeper is not None:
            settings = self.settings
            place = (settings.device, settings.precision, settings.memory, settings.prediction)
            key = (settings.model, *place, loras, settings.lora_folder, settings.embeddings_folder)
            self.components, self._merge_notes = self.keeper.get("model", key, lambda: self._loaded(loras))
            self._merged = loras
        if self.components is None or self._merged not in (None, loras):
            self.components, self._merge_notes = self._loaded(loras)
            self._merged = loras
        if self._merged is None:
            self._merge_notes = apply_loras(self.components, loras, self.settings.lora_folder)
            self._merged = loras
        return self.components

    def _loaded(self, loras: tuple[LoraRequest, ...]) -> tuple[Components, tuple[str, ...]]:
        settings = self.settings
        placement = placement_for(settings.device, settings.precision, settings.memory)
        components = load_model(settings.model, placement, settings.prediction)
        return components, apply_loras(components, loras, settings.lora_folder)

    def _size(self, components: Components) -> between.Size:
        """The size to sample at: as set, or as the model was trained; a painting keeps its aspect."""
        side = between.native_side(components)
        height, width = self.settings.height or side, self.settings.width or side
        if self.painting is None:
            return height, width
        return between.fitted_size(self.painting.size, height * width)

    def _notes(self, art_prompt: str, natural_prompt: str, size: between.Size) -> list[str]:
        notes = [] if self.painting is None else list(self.painting.notes)
        if self.settings.model.strip() == miniature.NAME:
            notes += miniature.notes_about(art_prompt)
        if joins_prompts(art_prompt) or joins_prompts(natural_prompt):
            notes.append("AND between prompts is read as BREAK.")
        if self.painting is not None and self.painting.size != size:
            height, width = size
            notes.append(f"The twin was made at {width} x {height} and brought to the picture's size.")
        return notes

    def _twin(self, pair: Pair, plan: Plan, seed: int, size: between.Size, notes: Sequence[str]) -> Twin:
        text = _infotext(plan, self.settings, seed, size)
        natural = pair.natural
        if self.painting is None:
            return Twin(
                _picture(pair.art, text), None if natural is None else Picture(natural), pair.attention, tuple(notes)
            )
        if natural is not None:
            natural = between.resized(natural, self.painting.size)
        return Twin(self.painting, None if natural is None else Picture(natural), pair.attention, tuple(notes))


def _prompts(plan: Plan) -> tuple[str, str, tuple[LoraRequest, ...]]:
    """Both prompts without extra networks, and the LoRAs of the artistic one: they hold for the model, so for both."""
    art, loras = take_loras(plan.art_prompt)
    natural, more = take_loras(plan.natural_prompt)
    named = {request.name for request in loras}
    return art, natural, (*loras, *(request for request in more if request.name not in named))


def _picture(rgb: FloatArray | None, infotext: str) -> Picture:
    if rgb is None:
        raise UserError("no picture was sampled")
    return Picture(rgb, infotext=infotext)


def _infotext(plan: Plan, settings: TwinSettings, seed: int, size: between.Size) -> str:
    """The picture's generation parameters, as the WebUI writes them."""
    lines = [plan.art_prompt]
    if settings.negative_prompt:
        lines.append(f"Negative prompt: {settings.negative_prompt}")
    name = Path(settings.model).stem or "unknown"
    lines.append(
        f"Steps: {settings.steps}, Sampler: {settings.sampler}, CFG scale: {settings.guidance:g}, Seed: {seed}, "
        f"Size: {size[1]}x{size[0]}, Model: {name}"
    )
    return "\n".join(lines)
