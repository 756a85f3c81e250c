"""Does to the host what ControlNet and ADetailer do, in the same places; written for tests, off until it is asked for.

ControlNet wraps `p.sample` and sets a `forward` of its own on the UNet, which adds to what a layer gives; its
"reference" runs the UNet once more in each step. ADetailer makes another picture with img2img out of each finished one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from modules import processing, scripts


class ControlStandIn(scripts.Script):
    def title(self) -> str:
        return "Control stand-in"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio as gr

        return [
            gr.Checkbox(False, label="Control", visible=False),
            gr.Checkbox(False, label="Reference", visible=False),
        ]

    def before_process_batch(self, p: Any, enabled: bool, reference: bool, **named: Any) -> None:
        if not enabled:
            return
        unet, sample = p.sd_model.model.diffusion_model, p.sample
        original = unet.forward

        def forward(x: torch.Tensor, *others: Any, **more: Any) -> torch.Tensor:
            if reference:
                original(0.5 * x, *others, **more)
            return original(x, *others, **more) + 0.05 * x

        def followed(*arguments: Any, **more: Any) -> Any:
            return sample(*arguments, **more)

        unet.forward, p.sample = forward, followed
        p.undo_control = lambda: vars(unet).pop("forward", None)

    def postprocess_batch(self, p: Any, *arguments: Any, **named: Any) -> None:
        undo: Callable[[], Any] | None = getattr(p, "undo_control", None)
        if undo is not None:
            undo()


class DetailStandIn(scripts.Script):
    def title(self) -> str:
        return "Detail stand-in"

    def show(self, is_img2img: bool) -> Any:
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        import gradio as gr

        return [gr.Checkbox(False, label="Detail", visible=False)]

    def postprocess_image(self, p: Any, pp: Any, enabled: bool) -> None:
        if not enabled:
            return
        inner = processing.StableDiffusionProcessingImg2Img(
            sd_model=p.sd_model,
            init_images=[pp.image],
            prompt=p.prompt,
            seed=p.all_seeds[p.batch_index],
            steps=p.steps,
            sampler_name=p.sampler_name,
            width=p.width,
            height=p.height,
            denoising_strength=0.4,
            do_not_save_samples=True,
            do_not_save_grid=True,
            outpath_samples=p.outpath_samples,
        )
        with torch.random.fork_rng():
            torch.manual_seed(1)
            pp.image = processing.process_images(inner).images[0]
        inner.close()
