"""The twins of one batch: sampled along with its pictures, after them, or after a painting."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from t2c_ext.errors import UserError
from t2c_ext.twin.inject import InjectionOptions, Recording
from t2c_ext.twin.rows import Role
from t2c_ext.types import Attention
from t2c_ext.webui.a1111 import to_pil
from t2c_ext.webui.batch import attributes, paired_values, replace_method
from t2c_ext.webui.calls import Cast
from t2c_ext.webui.grounding import find_nouns
from t2c_ext.webui.host import Host, by_name
from t2c_ext.webui.sampling import Painting, PairSampling
from t2c_ext.weights.devices import out_of_memory

SAMPLE = ("conditioning", "unconditional_conditioning", "seeds", "subseeds", "subseed_strength", "prompts")
"""The parameters of the host's `sample`."""

HIRES = ("samples", "decoded_samples", "seeds", "subseeds", "subseed_strength", "prompts")
"""The parameters of the host's `sample_hr_pass`."""

TWO_PASSES = "memory was short, so the twins were made after the pictures"
NO_ROOM = "there is not enough memory for a twin; the region is looked for in the picture itself"


@dataclass
class Pairs:
    """Makes a batch's twins.

    Attributes:
        host: the host.
        natural: from a picture's prompt to its twin's.
        words: from a picture's prompt to the words of what moves.
        injection: for how long the twins take features.
        tell: receives sentences for the user.
        show_twins: whether live previews show the twins too.
        sampling: the pictures' sampling, once it has begun.
        prompts: of the batch, as the text encoder is given them.
        twins: PIL pictures, in the order of the batch; empty where there are none.
        nouns: from a picture's prompt to what can be seen in it, with which the things that move compete for places.
        negative: from a picture's prompt and its negative prompt to its twin's negative prompt.
    """

    host: Host
    natural: Callable[[str], str]
    words: Callable[[str], tuple[str, ...]]
    injection: InjectionOptions
    tell: Callable[[str], None]
    show_twins: bool = False
    sampling: PairSampling | None = None
    twins: list[Image.Image] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    nouns: Callable[[str], tuple[str, ...]] = lambda prompt: ()
    negative: Callable[[str, str], str] = lambda prompt, negative: negative
    _latents: tuple[Tensor, Tensor | None] | None = None
    _late: bool = False

    def attention(self, place: int) -> Attention | None:
        """What the model looked at while it made a picture of the batch, and where it sees what moves."""
        found = None if self.sampling is None else self.sampling.attention(place)
        if found is None or self._latents is None:
            return found
        parts = [part[place : place + 1] for part in self._latents if part is not None and place < len(part)]
        return self._seen(found, parts, place)

    def _seen(self, attention: Attention, latents: Sequence[Tensor], place: int) -> Attention:
        """The attention, with what the model says of the nouns when it looks at finished pictures once more."""
        prompt = self.prompts[place]
        things = self.words(prompt)
        if not things or not latents or self.host.stopped():
            return attention
        try:
            seed = int(self.host.processing.seeds[place])
            nouns = find_nouns(self.host, latents, things, self.nouns(prompt), place, seed)
        except UserError as error:
            self.tell(f"the model was not asked where things are: {error}")
            return attention
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            self.tell("there is not enough memory to ask the model where things are")
            return attention
        return replace(attention, nouns=nouns) if nouns.things else attention

    def sample(self, original: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
        """The host's samples of the batch, as without the extension; the twins are made beside.

        Args:
            original: the host's `sample`.
            arguments, named: what it is called with (see `SAMPLE`).
        """
        given = by_name(SAMPLE, arguments, named)
        shape = tuple(self.host.processing.rng.shape)
        try:
            return self._lockstep(original, given)
        except UserError as error:
            self._refuse_late(error)
            self.tell(f"no twin was made: {error}; the region is looked for in the picture itself")
            again = self._alone
        except RuntimeError as error:
            self._refuse_late(error)
            if not out_of_memory(error):
                raise
            again = self._two_passes
        # here the failed run's tensors are no longer held by its error
        self.sampling = None
        self._start_again(shape)
        return again(original, given)

    def of_painting(self, painting: Image.Image, place: int) -> tuple[Image.Image, Attention | None]:
        """The twin of a picture that is there already; what the model looked at while it followed the picture.

        Args:
            painting: the picture.
            place: whose prompts and seed in the batch the twin has.

        Raises:
            UserError: the model or an extension does not let it be made, or memory is short.
        """
        p, host = self.host.processing, self.host
        prompt, seed, subseed = self.prompts[place], p.seeds[place], p.subseeds[place]
        size = fitting(painting.size, p.width * p.height)
        with torch.random.fork_rng():
            torch.manual_seed(seed % 2**63)
            clean = host.encode(painting.convert("RGB").resize(size, Image.Resampling.LANCZOS))
        artistic = type(p.c)((1,), p.c.batch[place : place + 1])
        naturals, natural = host.conditions([self.natural(prompt)], artistic)
        source = host.noise(clean.shape[1:], [seed, seed], [subseed, subseed])
        unconditional = p.uc and p.uc[place : place + 1]
        negatives, natural_negative = self._negatives([prompt], p.negative_prompts[place : place + 1], unconditional)
        both = [p.negative_prompts[place], *negatives]
        values = {"prompts": [prompt, *naturals], "negative_prompts": both, "rng": source}
        values |= {"seeds": [seed, seed], "subseeds": [subseed, subseed], "all_seeds": [seed, seed], "iteration": 0}
        values |= {"batch_size": 2, "mask": None, "nmask": None}
        noise = source.next()
        sampling = self._pair(artistic, natural, [prompt], painting=Painting(clean, noise[:1].clone()))
        try:
            with attributes(p, values), sampling.active():
                joined = host.joined(artistic, natural)
                latents = host.sample(noise, joined, together(unconditional, natural_negative))
            if host.stopped():
                raise UserError("the twin was stopped")
            attention = sampling.attention(0)
            if attention is not None:
                attention = self._seen(attention, [clean, latents[1:]], place)
            return host.decode(latents[1:])[0], attention
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
        raise UserError(NO_ROOM)

    def _pair(
        self, artistic: Any, natural: Any, prompts: Sequence[str], role: Role | None = None, **options: Any
    ) -> PairSampling:
        parts = [len(row) for condition in (artistic, natural) for row in condition.batch]
        words = [self.host.token_positions(prompt, self.words(prompt)) for prompt in prompts]
        cast = Cast(parts, words, role)
        return PairSampling(self.host, cast, self.injection, show_twins=self.show_twins, **options)

    def _naturals(self, artistic: Any) -> tuple[list[str], Any]:
        return self.host.conditions([self.natural(prompt) for prompt in self.prompts], artistic)

    def _negatives(
        self, prompts: Sequence[str], negatives: Sequence[str], unconditional: Sequence[Any] | None
    ) -> tuple[list[str], list[Any] | None]:
        """The twins' negative prompts and their conditions; a twin whose negative prompt is its picture's shares it."""
        texts = [self.negative(prompt, negative) for prompt, negative in zip(prompts, negatives, strict=True)]
        if unconditional is None:
            return texts, None
        same = texts == list(negatives)
        return texts, list(unconditional) if same else self.host.negatives(texts, unconditional)

    def _lockstep(self, original: Callable[..., Any], given: Mapping[str, Any]) -> Any:
        p, count = self.host.processing, len(self.prompts)
        artistic = given["conditioning"]
        naturals, natural = self._naturals(artistic)
        unconditional = given["unconditional_conditioning"]
        negatives, natural_negative = self._negatives(self.prompts, p.negative_prompts, unconditional)
        values = paired_values(p, naturals, negatives)
        values["rng"] = self.host.noise(p.rng.shape, values["seeds"], values["subseeds"])
        both = {name: values[name] for name in ("seeds", "subseeds", "prompts")} | {
            "conditioning": self.host.joined(artistic, natural),
            "unconditional_conditioning": together(unconditional, natural_negative),
        }
        self.sampling = self._pair(artistic, natural, self.prompts)
        with ExitStack() as stack:
            stack.enter_context(attributes(p, values))
            stack.enter_context(self.sampling.active())
            self._leave_before_hires(stack, count)
            samples = original(**{**given, **both})
            if self._late:
                return samples
        self._latents = samples[:count], samples[count:]
        self._keep(samples[count:])
        return samples[:count]

    def _two_passes(self, original: Callable[..., Any], given: Mapping[str, Any]) -> Any:
        p, count = self.host.processing, len(self.prompts)
        naturals, natural = self._naturals(given["conditioning"])
        unconditional = given["unconditional_conditioning"]
        negatives, natural_negative = self._negatives(self.prompts, p.negative_prompts, unconditional)
        shape, record = tuple(p.rng.shape), Recording(device="cpu")
        self.sampling = self._pair(given["conditioning"], natural, self.prompts, role=Role.ART, record=record)
        with ExitStack() as stack:
            stack.enter_context(self.sampling.active())
            self._leave_before_hires(stack, count)
            samples = original(**given)
        if self.host.stopped():
            return samples
        follow = self._pair(given["conditioning"], natural, (), role=Role.TWIN, replay=record, capture=None)
        source = self.host.noise(shape, p.seeds, p.subseeds)
        try:
            values = {"prompts": naturals, "negative_prompts": negatives, "rng": source}
            with attributes(p, values), follow.active():
                latents = self.host.sample(source.next(), natural, natural_negative)
            self._latents = samples, latents
            self._keep(latents)
            self.tell(TWO_PASSES)
        except UserError as error:
            self.tell(f"no twin was made: {error}")
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            self.tell(NO_ROOM)
        return samples

    @staticmethod
    def _alone(original: Callable[..., Any], given: Mapping[str, Any]) -> Any:
        return original(**given)

    def _leave_before_hires(self, stack: ExitStack, count: int) -> None:
        """Let hires fix go on with the pictures alone: its second sampling is the dearest, and a twin gains nothing."""
        p = self.host.processing
        if not getattr(p, "enable_hr", False):
            return

        def leaving(original: Callable[..., Any]) -> Callable[..., Any]:
            def sample_hr_pass(*arguments: Any, **named: Any) -> Any:
                given = by_name(HIRES, arguments, named)
                stack.close()
                self._late = True
                latents, decoded = given["samples"], given["decoded_samples"]
                self._latents = None if latents is None else (latents[:count], latents[count:])
                self._keep(None if latents is None else latents[count:], None if decoded is None else decoded[count:])
                parts = {name: given[name] for name in HIRES if name != "subseed_strength"}
                cut = {name: None if part is None else part[:count] for name, part in parts.items()}
                return original(**{**given, **cut})

            return sample_hr_pass

        stack.callback(replace_method(p, "sample_hr_pass", leaving))

    def _keep(self, latents: Tensor | None, decoded: Tensor | None = None) -> None:
        """Keep the twins of the batch, unless there are none or the user has stopped."""
        if self.host.stopped():
            return
        try:
            if decoded is not None and len(decoded):
                self.twins = [to_pil(twin) for twin in decoded]
            elif latents is not None and len(latents):
                self.twins = self.host.decode(latents)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            self.tell(NO_ROOM)

    def _refuse_late(self, error: Exception) -> None:
        """What fails after the pair was left is the host's own failure."""
        if self._late:
            raise error

    def _start_again(self, shape: Sequence[int]) -> None:
        p = self.host.processing
        gc.collect()
        self.host.free()
        p.rng = self.host.noise(shape, p.seeds, p.subseeds)


def together(unconditional: Sequence[Any] | None, natural: Sequence[Any] | None) -> list[Any] | None:
    """The negative conditions of pictures and then of their twins; None where pictures are made without guidance."""
    return None if unconditional is None or natural is None else [*unconditional, *natural]


def fitting(size: tuple[int, int], area: int, unit: int = 64) -> tuple[int, int]:
    """(width, height) of about that area and about the shape of `size`, in multiples of `unit`."""
    width, height = size
    scale = (area / (width * height)) ** 0.5
    return max(unit, round(width * scale / unit) * unit), max(unit, round(height * scale / unit) * unit)
