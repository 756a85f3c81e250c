"""The twin source of the Cinemagraph tab: the WebUI's own sampler, with the checkpoint, VAE and LoRAs in use."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from t2c_ext.errors import Cancelled, UserError, Way
from t2c_ext.media.pictures import to_picture
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.settings import Setting, TwinSettings, Value, table
from t2c_ext.twin import miniature
from t2c_ext.twin.diffusion.source import DiffusersTwin
from t2c_ext.twin.source import TwinSource
from t2c_ext.types import Plan, Stage, Twin
from t2c_ext.webui.host import chosen_model
from t2c_ext.webui.loops import expect_jobs
from t2c_ext.webui.options import Options, PanelSettings
from t2c_ext.webui.run import Run

RANDOM = -1
"""The seed that stands for one drawn anew."""

OF_THE_SAMPLING = (
    "negative_prompt",
    "sampler",
    "steps",
    "guidance",
    "width",
    "height",
    "seed",
    "twin",
    "natural_prompt",
    "natural_terms",
    "feature_share",
    "attention_share",
    "injection",
    "clip_skip",
)
"""The settings of the table that hold for the WebUI's sampler."""

DEFAULTS: dict[str, Value] = {"steps": 20, "guidance": 7.0, "seed": RANDOM}
"""What the WebUI's users are used to, where it differs from the table's defaults."""

WIDE, MIDDLE, SMALL = 1024, 768, 512
"""The side of a picture that SDXL, SD2 with v-prediction, and the other models were trained at."""

LATENTS = 4
"""Channels that the UNet takes of a model that makes pictures from text alone."""


def sampling_rows() -> tuple[Setting, ...]:
    """The rows that the tab's text side shows: the table's, with the samplers and the seed as the WebUI has them."""
    from modules import sd_samplers

    names = tuple(sampler.name for sampler in sd_samplers.visible_samplers())
    rows = {row.name: row for row in table()}
    rows["sampler"] = replace(
        rows["sampler"], choices=names, default=names[0], help="One of the WebUI's, with its own schedule."
    )
    rows["seed"] = replace(rows["seed"], minimum=RANDOM, help=f"{RANDOM}: another one for each picture.")
    return tuple(replace(rows[name], default=DEFAULTS.get(name, rows[name].default)) for name in OF_THE_SAMPLING)


IN_PARAMETERS = {
    "prompt": "Prompt",
    "negative_prompt": "Negative prompt",
    "sampler": "Sampler",
    "steps": "Steps",
    "guidance": "CFG scale",
    "width": "Size-1",
    "height": "Size-2",
    "seed": "Seed",
    "clip_skip": "Clip skip",
}
"""What the WebUI calls settings of ours in its generation parameters."""


def sampled_values(infotext: str) -> dict[str, object]:
    """The values of the WebUI's own settings in a picture's generation parameters, by our names."""
    from modules.infotext_utils import parse_generation_parameters

    found = parse_generation_parameters(infotext)
    return {name: found[key] for name, key in IN_PARAMETERS.items() if key in found and name != "prompt"}


def parameters_of(recipe: Recipe, infotext: str, size: tuple[int, int]) -> str:
    """Generation parameters that bring the tab's prompt and settings back, in the form that the WebUI reads.

    Args:
        recipe: the tab's settings.
        infotext: of the picture; "" for one that was put in without any.
        size: (height, width) of the picture.
    """
    from t2c_ext.webui.loops import without_ours

    prompt = recipe.prompt.prompt
    head, last = parted(without_ours(infotext))
    negative = head.partition("Negative prompt: ")[2] or recipe.twin.negative_prompt
    options = Options(PanelSettings(enabled=True), replace(recipe, prompt=replace(recipe.prompt, seed=0)))
    ours = ", ".join(f"{key}: {quoted(value)}" for key, value in options.infotext().items())
    known = last or f"Size: {size[1]}x{size[0]}"
    texts = [prompt or head.partition("\nNegative prompt: ")[0], f"Negative prompt: {negative}" if negative else ""]
    return "\n".join([*filter(None, texts), ", ".join(filter(None, [known, ours]))])


_STRENGTH = re.compile(r", Denoising strength: [^,\n]*")


def fitting_txt2img(parameters: str) -> str:
    """Parameters without an img2img's strength, at which the WebUI's txt2img would turn its hires fix on."""
    return parameters if "Hires " in parameters else _STRENGTH.sub("", parameters)


def parted(infotext: str) -> tuple[str, str]:
    """The prompts of generation parameters, and the line with their values; "" where there are none."""
    head, _, last = infotext.rpartition("\n")
    return (head, last) if ": " in last and "," in last else (infotext, "")


def quoted(value: str) -> str:
    """A value that the WebUI's parser reads back."""
    from modules.infotext_utils import quote

    return str(quote(value))


@dataclass(frozen=True)
class HostTwin:
    """Samples a pair as the txt2img panel does.

    Attributes:
        recipe: the settings; `sampler` is one of the WebUI's, and a negative `seed` stands for the one in `drawn`.
        drawn: a seed.
    """

    recipe: Recipe
    drawn: int = field(default_factory=lambda: secrets.randbelow(2**32))

    @property
    def seed(self) -> int:
        """Of the pictures."""
        given = self.recipe.prompt.seed
        return self.drawn if given < 0 else given

    def key(self, plan: Plan) -> tuple[object, ...]:
        """The settings of the sampling, and the checkpoint, VAE and prompts."""
        from modules import sd_vae, shared

        model = getattr(shared.opts, "sd_model_checkpoint", ""), sd_vae.get_loaded_vae_name()
        values = {**self.recipe.values(), "seed": self.seed}
        settings = tuple((name, values[name]) for name in OF_THE_SAMPLING)
        return ("webui", *model, settings, plan.art_prompt, plan.natural_prompt, plan.regions)

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """Sample; raises UserError without a prompt or a model, Cancelled when the user stops it here or in the WebUI.

        The pictures are kept in the workspace, not among those of txt2img.
        """
        from modules import processing
        from modules.shared import state

        refuse_without_checkpoint()
        if not plan.art_prompt.strip():
            raise UserError("the prompt is empty; say what the picture shows")
        settings = replace(self.recipe.prompt, natural_prompt=plan.natural_prompt, seed=self.seed)
        recipe = replace(self.recipe, prompt=settings)
        run = Run(Options(PanelSettings(enabled=True), recipe))
        p = _processing(plan.art_prompt, recipe)
        with closing(p):
            with ExitStack() as stack:
                stack.enter_context(_progress(p, reporter))
                stack.callback(run.release)
                run.follow(p)
                expect_jobs(1)  # beside that of the loop
                processed = processing.process_images(p)
            reporter.check()
            if state.interrupted or state.skipped or not processed.images:
                raise Cancelled("stopped by the user")
            return _pair(run, processed)  # asks the model once more, with what the host forgets when it is closed


def _pair(run: Run, processed: Any) -> Twin:
    """What has been sampled, and what the model looked at."""
    infotext = processed.infotexts[0] if processed.infotexts else ""
    art = replace(to_picture(processed.images[0]), infotext=infotext)
    pairs = run.pairs
    natural = to_picture(pairs.twins[0]) if pairs is not None and pairs.twins else None
    attention = None if pairs is None else pairs.attention(0)
    return Twin(art, natural, attention, tuple(run.notes))


def picture_source(recipe: Recipe) -> TwinSource:
    """What makes the tab's pictures: the WebUI's checkpoint, or the built-in miniature model where there is none."""
    from modules import sd_models

    if getattr(sd_models, "checkpoints_list", True) or not miniature.can_draw():
        return HostTwin(recipe)
    twin = recipe.twin
    values = {name: getattr(twin, name) for name in ("steps", "negative_prompt", "width", "height", "twin")}
    settings = Recipe().with_values({**miniature.SETTINGS, **values, "model": miniature.NAME}).twin
    return DiffusersTwin(settings, max(0, recipe.prompt.seed))


def refuse_without_checkpoint() -> None:
    """UserError where the WebUI has no checkpoint to make pictures with."""
    from modules import sd_models

    if not getattr(sd_models, "checkpoints_list", True) or chosen_model() is None:
        raise UserError(
            "the WebUI has no checkpoint to make a picture with",
            ways=[
                Way("put one into its models/Stable-diffusion"),
                Way('have the built-in miniature be one (README, "Without a checkpoint")'),
                Way("put in a picture of your own"),
            ],
        )


def _processing(prompt: str, recipe: Recipe) -> Any:
    from modules import processing, shared

    twin = recipe.twin
    side = native_side(chosen_model())
    p = processing.StableDiffusionProcessingTxt2Img(
        outpath_samples=shared.opts.outdir_samples or shared.opts.outdir_txt2img_samples,
        outpath_grids=shared.opts.outdir_grids or shared.opts.outdir_txt2img_grids,
        prompt=prompt,
        negative_prompt=twin.negative_prompt,
        sampler_name=twin.sampler,
        scheduler="Automatic",
        seed=recipe.prompt.seed,
        steps=twin.steps,
        cfg_scale=twin.guidance,
        width=twin.width or side,
        height=twin.height or side,
        do_not_save_samples=True,
        do_not_save_grid=True,
        override_settings=_overrides(twin),
    )
    p.user = None
    return p


def _overrides(twin: TwinSettings) -> dict[str, object]:
    """The WebUI's settings for these pictures alone; a clip skip of 1 leaves the WebUI's own."""
    return {} if twin.clip_skip == 1 else {"CLIP_stop_at_last_layers": twin.clip_skip}


def native_side(model: Any) -> int:
    """The side of the pictures that a checkpoint was trained at."""
    if getattr(model, "is_sdxl", False):
        return WIDE
    if getattr(model, "is_sd2", False) and getattr(model, "parameterization", "eps") == "v":
        return MIDDLE
    unet = getattr(getattr(model, "model", None), "diffusion_model", None)
    if getattr(unet, "in_channels", LATENTS) != LATENTS:
        return SMALL  # what changes or fills in pictures; the size in its configuration is another matter
    latents = getattr(model, "image_size", None)  # as a configuration beside the checkpoint says, in AUTOMATIC1111's
    return 8 * latents if isinstance(latents, int) and 8 * latents < SMALL else SMALL


def glimpse() -> Any:
    """The host's preview of the picture in the making, a PIL picture; None where there is none or it is turned off."""
    from modules import shared

    if not shared.opts.live_previews_enable:
        return None
    shared.state.set_current_image()
    return shared.state.current_image


@contextmanager
def _progress(processing: Any, reporter: Reporter) -> Iterator[None]:
    """Tell the sampling steps; when the user stops it on the page, the host's sampler stops."""
    from modules import script_callbacks
    from modules.shared import state

    def follow(params: Any) -> None:
        denoiser = params.denoiser
        if denoiser.p is not processing:
            return
        try:
            reporter.step(Stage.TWIN.value, int(denoiser.step), max(1, int(denoiser.total_steps)))
        except Cancelled:
            state.interrupt()

    script_callbacks.on_cfg_denoiser(follow, name="cinemagraph-progress")
    try:
        yield
    finally:
        script_callbacks.remove_callbacks_for_function(follow)
