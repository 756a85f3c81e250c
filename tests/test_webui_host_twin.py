"""The tab's text side in a small host: a pair from the host's own sampler, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_unets import CONFIGS, LdmUNet, fill  # noqa: E402

from t2c_ext.errors import Cancelled, UserError  # noqa: E402
from t2c_ext.progress import Reporter  # noqa: E402
from t2c_ext.prompt.parse import parse  # noqa: E402
from t2c_ext.recipe import Recipe  # noqa: E402
from t2c_ext.types import Plan  # noqa: E402

VALUES = {"prompt": "a river flowing left, ink", "steps": 3, "seed": 5, "feature_share": 1.0, "attention_share": 1.0}


@pytest.fixture(autouse=True)
def host(small_host: Any) -> Any:
    """The small host with a model; its UNet."""
    torch.set_num_threads(1)
    from modules.processing import Processing

    unet = fill(LdmUNet(CONFIGS["sd1"]))
    small_host.sd_model = Processing(unet, ["a"], [0]).sd_model
    return unet


def _plan(recipe: Recipe) -> Plan:
    return parse(recipe.prompt)


def _source(**changes: object) -> Any:
    from t2c_ext.webui.host_twin import HostTwin

    return HostTwin(Recipe().with_values({**VALUES, **changes}))


def _left(unet: Any) -> tuple[int, int]:
    from modules import script_callbacks

    hooks = sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in unet.modules())
    return hooks, len(script_callbacks.denoiser_callbacks)


def test_a_pair_with_attention_and_parameters(host: Any) -> None:
    source, steps = _source(), []
    reporter = Reporter(lambda stage, done, total: steps.append((stage, done, total)))
    twin = source.make(_plan(source.recipe), reporter)
    assert twin.natural is not None and twin.natural.size == twin.art.size
    assert not np.array_equal(twin.natural.rgb, twin.art.rgb)
    assert twin.attention is not None and np.allclose(twin.attention.self_attention.sum(1), 1, atol=1e-5)
    assert "Steps: 3" in twin.art.infotext and "left" not in twin.art.infotext
    assert steps == [("twin", 0, 3), ("twin", 1, 3), ("twin", 2, 3)]
    assert _left(host) == (0, 0)


def test_the_picture_is_that_of_the_host_alone() -> None:
    both, alone = _source(), _source(twin=False)
    plan = _plan(both.recipe)
    pair, single = both.make(plan, Reporter()), alone.make(plan, Reporter())
    assert single.natural is None and np.abs(pair.art.rgb - single.art.rgb).max() <= 1.01 / 255


def test_the_key_knows_settings_prompts_and_checkpoint() -> None:
    from modules import shared

    plan = _plan(_source().recipe)
    key = _source().key(plan)
    assert key == _source().key(plan)
    assert key != _source(seed=6).key(plan) and key != _source(guidance=9.0).key(plan)
    assert key != _source().key(_plan(_source(prompt="a sea, ink").recipe))
    shared.opts.sd_model_checkpoint = "another"
    assert key != _source().key(plan)


def test_cancel_stops_the_host(host: Any) -> None:
    from modules.shared import state

    source, seen = _source(), []
    reporter = Reporter(lambda *step: seen.append(step), lambda: len(seen) >= 2)
    with pytest.raises(Cancelled):
        source.make(_plan(source.recipe), reporter)
    assert state.interrupted and _left(host) == (0, 0)


def test_the_hosts_own_interrupt_stops_it(host: Any) -> None:
    from modules.shared import state

    source = _source()

    def press(*step: Any) -> None:
        state.interrupted = True

    with pytest.raises(Cancelled):
        source.make(_plan(source.recipe), Reporter(press))
    assert _left(host) == (0, 0)


def test_a_failure_of_the_model_leaves_nothing(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    source = _source()

    def fail(*arguments: Any, **named: Any) -> Any:
        raise RuntimeError("on purpose")

    monkeypatch.setattr(type(host), "forward", fail)
    with pytest.raises(RuntimeError, match="on purpose"):
        source.make(_plan(source.recipe), Reporter())
    assert _left(host) == (0, 0)


def test_an_empty_prompt_is_refused() -> None:
    source = _source(prompt="")
    with pytest.raises(UserError, match="prompt is empty"):
        source.make(_plan(source.recipe), Reporter())


def test_the_rows_are_the_hosts() -> None:
    from t2c_ext.webui.host_twin import sampling_rows

    rows = {row.name: row for row in sampling_rows()}
    assert rows["sampler"].choices == ("Euler", "DDIM") and rows["sampler"].default == "Euler"
    assert rows["seed"].check(-1) == -1 and rows["steps"].default == 20


def test_a_seed_is_drawn_for_each_picture() -> None:
    from t2c_ext.webui.host_twin import HostTwin

    prompt = replace(_source().recipe.prompt, seed=-1)
    first, second = (HostTwin(replace(_source().recipe, prompt=prompt)) for _ in range(2))
    plan = _plan(_source().recipe)
    assert first.seed >= 0 and first.key(plan) == first.key(plan) and first.key(plan) != second.key(plan)


def test_without_a_checkpoint_the_miniature_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import sd_models

    from t2c_ext.twin import miniature
    from t2c_ext.twin.diffusion.source import DiffusersTwin
    from t2c_ext.webui.host_twin import HostTwin, picture_source

    recipe = Recipe().with_values({**VALUES, "width": 128, "twin": False})
    monkeypatch.setattr(miniature, "can_draw", lambda: True)
    assert isinstance(picture_source(recipe), HostTwin)
    monkeypatch.setattr(sd_models, "checkpoints_list", {}, raising=False)
    source = picture_source(recipe)
    assert isinstance(source, DiffusersTwin) and source.seed == 5
    assert source.settings.model == miniature.NAME and source.settings.sampler == "ddim"
    assert (source.settings.steps, source.settings.width, source.settings.twin) == (3, 128, False)
    monkeypatch.setattr(sd_models, "checkpoints_list", {"a": object()})
    assert isinstance(picture_source(recipe), HostTwin)
    monkeypatch.setattr(sd_models, "checkpoints_list", {})
    monkeypatch.setattr(miniature, "can_draw", lambda: False)
    assert isinstance(picture_source(recipe), HostTwin), "whose own error says what is missing"


@pytest.mark.parametrize("lacks", ["a checkpoint", "a model"])
def test_without_a_checkpoint_it_is_said_what_to_do(
    monkeypatch: pytest.MonkeyPatch, small_host: Any, lacks: str
) -> None:
    """The host would fail with an error of its own, or look for one that cannot be loaded."""
    from modules import sd_models

    if lacks == "a checkpoint":
        monkeypatch.setattr(sd_models, "checkpoints_list", {}, raising=False)
    else:
        small_host.sd_model = None
    with pytest.raises(UserError, match="has no checkpoint") as refused:
        _source().make(_plan(_source().recipe), Reporter())
    assert "models/Stable-diffusion" in str(refused.value) and "miniature" in str(refused.value)


@pytest.mark.parametrize(
    ("model", "side"),
    [
        ({}, 512),
        ({"image_size": 64}, 512),
        ({"image_size": 32}, 256),
        ({"image_size": 16, "model": SimpleNamespace(diffusion_model=SimpleNamespace(in_channels=8))}, 512),
        ({"image_size": 32, "model": SimpleNamespace(diffusion_model=SimpleNamespace(in_channels=4))}, 256),
        ({"is_sdxl": True, "image_size": 32}, 1024),
        ({"is_sd2": True, "parameterization": "v", "image_size": 64}, 768),
    ],
)
def test_pictures_have_the_size_of_the_checkpoint(model: dict[str, object], side: int) -> None:
    from t2c_ext.webui.host_twin import native_side

    assert native_side(SimpleNamespace(**model)) == side


def test_txt2img_gets_no_strength_of_an_img2img() -> None:
    """The host would turn its hires fix on by it; where there was a hires fix, it stays."""
    from t2c_ext.webui.host_twin import fitting_txt2img

    text = "a river\nSteps: 4, Denoising strength: 0.75, Cinemagraph enabled: True"
    assert fitting_txt2img(text) == "a river\nSteps: 4, Cinemagraph enabled: True"
    upscaled = "a river\nSteps: 4, Denoising strength: 0.5, Hires upscale: 2, Hires upscaler: Latent"
    assert fitting_txt2img(upscaled) == upscaled
