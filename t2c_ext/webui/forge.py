"""Forge and reForge as the extension's hosts: what they do in another way than AUTOMATIC1111's WebUI, which they fork.

Their denoiser gives the UNet the whole batch for each part of the prompts and for the negative prompts, and marks the
calls (see `webui.calls`). The UNet is a module of the model's patcher in `forge_objects`; patchers are cloned for each
picture, the module stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from torch import Tensor, nn

from t2c_ext.errors import UserError
from t2c_ext.motion.text_context import TextEncoder
from t2c_ext.twin.rows import Row
from t2c_ext.webui.a1111 import Automatic1111, clip_encoder
from t2c_ext.webui.batch import attributes
from t2c_ext.webui.calls import Calls, Cast, MarkedCalls, chunk


class ForgeFamily(Automatic1111):
    """What Forge and reForge have in common; see `webui.host.Host`."""

    def unet(self) -> nn.Module:
        """See `Host`."""
        unet = getattr(self._model(), "diffusion_model", None)
        if not isinstance(unet, nn.Module):
            raise UserError(f"a {type(self._model()).__name__} has no UNet; choose a Stable Diffusion model")
        return unet

    def _model(self) -> Any:
        return self.processing.sd_model.forge_objects.unet.model

    def shown(self, cast: Cast) -> tuple[Row, ...]:
        """The pictures, then their twins, once."""
        return chunk(cast, conditional=True)

    def calls(self, cast: Cast, params: Any) -> Calls:
        """By their marks."""
        conditions = params.text_cond
        tokens = conditions["crossattn"] if isinstance(conditions, dict) else conditions
        return MarkedCalls(cast, params.x, texts(tokens, cast.sampled))

    def conditions(self, naturals: Sequence[str], artistic: Any) -> tuple[list[str], Any]:
        """See `Host`: each twin has as many parts as its picture, of the same weights.

        A batch has only as many parts as all of its rows have, and the weights of its last row.
        """
        prompts, found = super().conditions(naturals, artistic)
        for place, (row, picture) in enumerate(zip(found.batch, artistic.batch, strict=True)):
            last = len(row) - 1
            found.batch[place] = [
                type(part)(row[min(number, last)].schedules, part.weight) for number, part in enumerate(picture)
            ]
        return prompts, found


class Forge(ForgeFamily):
    """Forge; see `webui.host.Host`."""

    def noised(self, clean: Tensor, noise: Tensor, params: Any) -> Tensor:
        """See `Host`: `params.sigma` is a sigma under every sampler, and the model's schedule knows its meaning."""
        level = params.sigma[:1].view(1, 1, 1, 1).to(clean)
        found: Tensor = self._model().predictor.noise_scaling(level, noise.to(clean), clean, max_denoise=False)
        return found

    def text_encoder(self) -> TextEncoder | None:
        """See `Host`: that of Stable Diffusion 1."""
        engine = getattr(getattr(self.processing, "sd_model", None), "text_processing_engine", None)
        model = getattr(getattr(engine, "text_encoder", None), "transformer", None)
        return clip_encoder(getattr(engine, "tokenizer", None), model)

    def _text_engine(self) -> Any:
        model = self.processing.sd_model
        return getattr(model, "text_processing_engine_l", None) or getattr(model, "text_processing_engine", None)

    @contextmanager
    def _unnoticed(self) -> Iterator[None]:
        from backend.text_processing import classic_engine  # type: ignore[import-not-found]

        with attributes(classic_engine, {"last_extra_generation_params": {}}):
            yield

    def free(self) -> None:
        """See `Host`."""
        from backend.sampling.sampling_function import sampling_cleanup  # type: ignore[import-not-found]

        sampling_cleanup(self.processing.sd_model.forge_objects.unet)
        super().free()


class ReForge(ForgeFamily):
    """reForge; see `webui.host.Host`."""

    def noised(self, clean: Tensor, noise: Tensor, params: Any) -> Tensor:
        """See `Host`: as in Forge."""
        level = params.sigma[:1].to(clean)
        found: Tensor = self._model().model_sampling.noise_scaling(level, noise.to(clean), clean)
        return found

    def free(self) -> None:
        """See `Host`."""
        from modules_forge.forge_sampler import sampling_cleanup  # type: ignore[import-not-found]

        sampling_cleanup(self.processing.sd_model.forge_objects.unet)
        super().free()


def texts(tokens: Tensor, parts: Sequence[int]) -> list[Tensor]:
    """For each part of the prompts the conditions of the batch.

    Args:
        tokens: [all parts of all rows, tokens, width], row by row.
        parts: for each row how many there are.
    """
    starts = [0, *accumulate(parts)][:-1]
    return [tokens[[start + part for start in starts]] for part in range(min(parts))]
