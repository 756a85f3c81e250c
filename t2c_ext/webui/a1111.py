"""AUTOMATIC1111's WebUI (1.10) as the extension's host, and what its forks have kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from t2c_ext.errors import UserError
from t2c_ext.motion.text_context import WIDTH, ClipTextEncoder, TextEncoder
from t2c_ext.twin.rows import Row
from t2c_ext.webui.batch import attributes
from t2c_ext.webui.calls import Calls, CallsInOrder, Cast, layout

LARGEST_CUT = 60
"""How many words may be taken off a twin's prompt to make it as short as its picture's."""


class Automatic1111:
    """AUTOMATIC1111's WebUI; see `webui.host.Host`."""

    def __init__(self, processing: Any) -> None:
        self.processing = processing

    def unet(self) -> nn.Module:
        """See `Host`."""
        unet = getattr(getattr(self.processing.sd_model, "model", None), "diffusion_model", None)
        if not isinstance(unet, nn.Module):
            raise UserError(f"a {type(self.processing.sd_model).__name__} has no UNet; choose a Stable Diffusion model")
        return unet

    @contextmanager
    def listen(self, receive: Callable[[Any], None]) -> Iterator[None]:
        """See `Host`."""
        from modules import script_callbacks

        script_callbacks.on_cfg_denoiser(receive, name="cinemagraph")
        try:
            yield
        finally:
            script_callbacks.remove_callbacks_for_function(receive)

    @contextmanager
    def hide_twins(self, count: int) -> Iterator[None]:
        """See `Host`."""
        from modules import sd_samplers_common

        store = sd_samplers_common.store_latent

        def store_pictures(decoded: Any) -> None:
            if count:
                store(decoded[:count])

        sd_samplers_common.store_latent = store_pictures
        try:
            yield
        finally:
            sd_samplers_common.store_latent = store

    def shown(self, cast: Cast) -> tuple[Row, ...]:
        """Every row of the step, unconditional ones included."""
        return tuple(row for row in layout(cast.parts, cast.words) if cast.plays(row))

    def calls(self, cast: Cast, params: Any) -> Calls:
        """By their order, which is that of `params.x`."""
        return CallsInOrder(self.shown(cast), params.x)

    def noised(self, clean: Tensor, noise: Tensor, params: Any) -> Tensor:
        """See `Host`."""
        level = float(params.sigma[0])
        alphas = getattr(params.denoiser, "alphas", None)
        if alphas is None:  # k-diffusion's samplers count in sigmas, the others in timesteps
            return clean + level * noise
        alpha = float(alphas[int(level)])
        found: Tensor = alpha**0.5 * clean + (1 - alpha) ** 0.5 * noise
        return found

    def noise(self, shape: Sequence[int], seeds: Sequence[int], subseeds: Sequence[int]) -> Any:
        """See `Host`."""
        from modules import rng

        p = self.processing
        return rng.ImageRNG(
            tuple(shape),
            list(seeds),
            subseeds=list(subseeds),
            subseed_strength=p.subseed_strength,
            seed_resize_from_h=p.seed_resize_from_h,
            seed_resize_from_w=p.seed_resize_from_w,
        )

    def conditions(self, naturals: Sequence[str], artistic: Any) -> tuple[list[str], Any]:
        """See `Host`: none is longer than the longest of the pictures'; the host brings all rows to one length."""
        room = max(min(length(entry.cond) for entry in part.schedules) for row in artistic.batch for part in row)
        prompts = list(naturals)
        for _ in range(LARGEST_CUT):
            found = self._encode(prompts)
            long = [
                place
                for place, row in enumerate(found.batch)
                if any(length(entry.cond) > room for part in row for entry in part.schedules)
            ]
            if not long:
                return prompts, found
            for place in long:
                prompts[place] = shorter(prompts[place])
        return self.conditions([""] * len(prompts), artistic)

    def negatives(self, naturals: Sequence[str], unconditional: Sequence[Any]) -> list[Any]:
        """See `Host`."""
        return [self._negative(text, row) for text, row in zip(naturals, unconditional, strict=True)]

    def _negative(self, text: str, row: Any) -> Any:
        """A negative prompt's condition, as long as `row`: the host puts all of a batch into one tensor."""
        room = length(row[0].cond)
        for _ in range(LARGEST_CUT):
            found = self._encode_negative(text)
            sizes = {length(entry.cond) for entry in found}
            if sizes == {room}:
                return found
            text = shorter(text) if max(sizes) > room else f"{text} BREAK ,"  # a chunk of its own for the comma
        return row

    def _encode_negative(self, text: str) -> Any:
        from modules import devices, prompt_parser, shared

        p = self.processing
        texts = prompt_parser.SdConditioning([text], width=p.width, height=p.height, is_negative_prompt=True)
        with devices.autocast(), self._unnoticed():
            (found,) = prompt_parser.get_learned_conditioning(
                p.sd_model, texts, p.firstpass_steps, None, shared.opts.use_old_scheduling
            )
        return found

    def encoded(self, prompts: Sequence[str]) -> Any:
        """See `Host`."""
        return self._encode(prompts)

    def _encode(self, prompts: Sequence[str]) -> Any:
        from modules import devices, prompt_parser, shared

        p = self.processing
        texts = prompt_parser.SdConditioning(list(prompts), width=p.width, height=p.height)
        with devices.autocast(), self._unnoticed():
            return prompt_parser.get_multicond_learned_conditioning(
                p.sd_model, texts, p.firstpass_steps, None, shared.opts.use_old_scheduling
            )

    @contextmanager
    def _unnoticed(self) -> Iterator[None]:
        """The twins' prompts leave nothing in the generation parameters of the pictures that follow."""
        from modules import sd_hijack

        with attributes(sd_hijack.model_hijack, {"extra_generation_params": {}, "comments": []}):
            yield

    def joined(self, *conditions: Any) -> Any:
        """See `Host`."""
        from modules import prompt_parser

        batch = [row for condition in conditions for row in condition.batch]
        return prompt_parser.MulticondLearnedConditioning((len(batch),), batch)

    def token_positions(self, prompt: str, words: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """See `Host`."""
        from modules import prompt_parser

        engine = self._text_engine()
        if not hasattr(engine, "tokenize_line"):
            return {}
        ((first, *_),), parts, _ = prompt_parser.get_multicond_prompt_list([prompt])
        schedules = prompt_parser.get_learned_conditioning_prompt_schedules([parts[first[0]]], self.processing.steps)
        ((*_, (_, text)),) = schedules
        chunks, _ = engine.tokenize_line(text)
        tokens = [token for chunk in chunks for token in chunk.tokens]
        found: dict[str, tuple[int, ...]] = {}
        for word in words:
            wanted = list(engine.tokenize([word])[0])
            places = [place for place in range(len(tokens)) if tokens[place : place + len(wanted)] == wanted]
            if wanted and places:
                found[word] = tuple(place + offset for place in places for offset in range(len(wanted)))
        return found

    def text_encoder(self) -> TextEncoder | None:
        """See `Host`: that of Stable Diffusion 1."""
        engine = getattr(getattr(self.processing, "sd_model", None), "cond_stage_model", None)
        wrapped = getattr(engine, "wrapped", None)
        return clip_encoder(getattr(wrapped, "tokenizer", None), getattr(wrapped, "transformer", None))

    def _text_engine(self) -> Any:
        """What makes tokens of a prompt; SDXL has two of them, which see the same tokens."""
        engine = self.processing.sd_model.cond_stage_model
        return getattr(engine, "embedders", [engine])[0]

    def sample(self, noise: Tensor, conditional: Any, unconditional: Any) -> Tensor:
        """See `Host`."""
        from modules import devices, sd_samplers

        p = self.processing
        sampler = sd_samplers.create_sampler(p.sampler_name, p.sd_model)
        height, width = 8 * noise.shape[-2], 8 * noise.shape[-1]
        with torch.no_grad(), devices.without_autocast() if devices.unet_needs_upcast else devices.autocast():
            image = p.txt2img_image_conditioning(noise, width, height)
            latents: Tensor = sampler.sample(p, noise, conditional, unconditional, image_conditioning=image)
        return latents

    def encode(self, picture: Image.Image) -> Tensor:
        """See `Host`."""
        from modules import devices, sd_samplers_common, shared

        values = np.asarray(picture.convert("RGB"), np.float32).transpose(2, 0, 1)[None] / 255
        with torch.no_grad(), devices.autocast():
            latent: Tensor = sd_samplers_common.images_tensor_to_samples(
                torch.from_numpy(values).to(shared.device), model=self.processing.sd_model
            )
        return latent

    def decode(self, latents: Tensor) -> list[Image.Image]:
        """See `Host`."""
        from modules import devices, sd_samplers_common

        with torch.no_grad(), devices.autocast():
            return [
                to_pil(sd_samplers_common.decode_first_stage(self.processing.sd_model, latent[None])[0])
                for latent in latents
            ]

    def free(self) -> None:
        """See `Host`."""
        from modules import devices

        devices.torch_gc()

    def stopped(self) -> bool:
        """See `Host`."""
        from modules.shared import state

        return bool(state.interrupted or state.skipped)


def to_pil(decoded: Tensor) -> Image.Image:
    """A picture of the VAE, [3, H, W] in -1..1, as a PIL picture."""
    levels = (127.5 * (decoded.float().clamp(-1, 1) + 1)).round().byte()
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def length(condition: Any) -> int:
    """Tokens of a condition; SDXL's is a dict."""
    tokens = condition["crossattn"] if isinstance(condition, dict) else condition
    return int(tokens.shape[0])


def shorter(prompt: str) -> str:
    """A prompt without its last term, or without its last word where it is a single term."""
    for separator in (",", " "):
        head = prompt.rstrip(", ").rpartition(separator)[0].strip()
        if head:
            return head
    return ""


def clip_encoder(tokenizer: Any, model: Any) -> TextEncoder | None:
    """A CLIP text model of transformers of the width that the paper's network reads; None for any other."""
    width = getattr(getattr(model, "config", None), "hidden_size", 0)
    if tokenizer is None or width != WIDTH:
        return None
    return ClipTextEncoder(tokenizer, model)
