"""Two pictures side by side: each as if sampled alone, the twin with the other's features, the model left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_pipelines import FAMILIES, SCHEDULE, pipeline_of, tiny_components  # noqa: E402

from t2c_ext.errors import Cancelled, UserError  # noqa: E402
from t2c_ext.progress import Reporter  # noqa: E402
from t2c_ext.settings import SAMPLERS, TwinSettings  # noqa: E402
from t2c_ext.twin.diffusion import ddim, latents, pair, schedulers  # noqa: E402
from t2c_ext.twin.diffusion.components import Components  # noqa: E402
from t2c_ext.twin.diffusion.embeddings import PromptEncoder  # noqa: E402
from t2c_ext.twin.diffusion.pair import guidance_of_twin  # noqa: E402
from t2c_ext.twin.diffusion.sampling import Denoiser, sample  # noqa: E402
from t2c_ext.twin.diffusion.schedulers import make_scheduler, third_order_sde_is_known  # noqa: E402
from t2c_ext.twin.diffusion.source import DiffusersTwin  # noqa: E402
from t2c_ext.twin.diffusion.tracks import PaintedTrack, Prompts, SampledTrack, noised  # noqa: E402
from t2c_ext.twin.families import PLANS  # noqa: E402
from t2c_ext.twin.inject import NO_INJECTION, InjectionOptions, Recording  # noqa: E402
from t2c_ext.twin.session import TwinSession  # noqa: E402
from t2c_ext.types import Picture, Plan  # noqa: E402
from t2c_ext.weights.devices import out_of_memory  # noqa: E402

ART, NATURAL, NEGATIVE = "a river in the night, painting", "(water:1.3), " + "mountain " * 40, "sky"
PLAN = Plan("a (river:1.2) under the mountain, night", "river, mountain, nature", ("river",))
SIZE = (64, 72)
STEPS = 3
torch.set_num_threads(1)
ALIKE, SAME_WAY = 1e-5, 1e-4


def has(sampler: str) -> bool:
    """Whether the installed diffusers has what the sampler needs."""
    return not sampler.startswith("dpm++ 3m") or third_order_sde_is_known()


THERE_ARE = [
    pytest.param(sampler, marks=pytest.mark.skipif(not has(sampler), reason="diffusers is older than 0.32"))
    for sampler in SAMPLERS
]


@pytest.fixture(scope="module", params=FAMILIES)
def model(request: pytest.FixtureRequest) -> Components:
    return tiny_components(request.param)


@pytest.fixture(scope="module")
def sd1() -> Components:
    return tiny_components("SD1")


def track(
    components: Components,
    artistic: bool,
    sampler: str = "ddim",
    *,
    seeds: Sequence[int] = (3,),
    size: tuple[int, int] = SIZE,
    steps: int = STEPS,
) -> SampledTrack:
    """The artistic picture (guidance 5) or its twin (7.5, a prompt of two chunks)."""
    scheduler = make_scheduler(sampler, components.scheduler)
    scheduler.set_timesteps(steps)
    encoder, calls = PromptEncoder(components), len(scheduler.timesteps)
    prompt = encoder.schedule(ART if artistic else NATURAL, calls)
    prompts = [Prompts(prompt, encoder.schedule(NEGATIVE, calls))] * len(seeds)
    noise = latents.generators(list(seeds))
    start = latents.start_noise(components, size, noise)
    return SampledTrack(start, scheduler, prompts, 5.0 if artistic else 7.5, noise, artistic)


def session_for(components: Components, size: tuple[int, int] = SIZE, **options: Any) -> TwinSession:
    return TwinSession(components.unet, (size[0] // 8, size[1] // 8), **options)


def lockstep(
    components: Components,
    sampler: str = "ddim",
    *,
    rows: int = 0,
    reverse: bool = False,
    seeds: Sequence[int] = (3,),
    size: tuple[int, int] = SIZE,
    **options: Any,
) -> tuple[Any, Any]:
    """Latents of both pictures."""
    art, natural = (track(components, artistic, sampler, seeds=seeds, size=size) for artistic in (True, False))
    with session_for(components, size, **options) as session:
        sample([art, natural], art.scheduler.timesteps, Denoiser(components, size, session, rows, reverse))
    return art.latents, natural.latents


def alone(components: Components, artistic: bool, sampler: str = "ddim") -> Any:
    only = track(components, artistic, sampler)
    sample([only], only.scheduler.timesteps, Denoiser(components, SIZE))
    return only.latents


def apart(found: Any, wanted: Any) -> float:
    """Largest difference over the largest value."""
    return float((found - wanted).abs().max() / wanted.abs().max())


def check_alone_and_with_injection(components: Components, sampler: str) -> None:
    art, natural = lockstep(components, sampler, injection=NO_INJECTION)
    assert apart(art, alone(components, True, sampler)) <= ALIKE
    assert apart(natural, alone(components, False, sampler)) <= ALIKE
    again, injected = lockstep(components, sampler)
    assert torch.equal(again, art)
    assert apart(injected, natural) > 0.01


@pytest.mark.parametrize("sampler", THERE_ARE)
def test_each_row_is_as_sampled_alone_and_injection_changes_the_twin_only(sd1: Components, sampler: str) -> None:
    check_alone_and_with_injection(sd1, sampler)


@pytest.mark.parametrize("sampler", ["ddim", "euler a"])
def test_the_same_for_every_family(model: Components, sampler: str) -> None:
    check_alone_and_with_injection(model, sampler)


@pytest.mark.parametrize("sampler", ["ddim", "euler a", "heun"])
def test_alone_is_what_the_pipeline_of_diffusers_samples(model: Components, sampler: str) -> None:
    pipeline = pipeline_of(model)
    pipeline.scheduler = make_scheduler(sampler, model.scheduler)
    pipeline.set_progress_bar_config(disable=True)
    noise = latents.generators([3])
    start = latents.start_noise(model, SIZE, noise)
    wanted = pipeline(
        ART,
        negative_prompt=NEGATIVE,
        height=SIZE[0],
        width=SIZE[1],
        num_inference_steps=STEPS,
        guidance_scale=5.0,
        latents=start,
        generator=noise[0],
        output_type="latent",
    ).images
    assert apart(alone(model, True, sampler), wanted) <= ALIKE


@pytest.mark.parametrize("sampler", ["heun", "dpm++ 2m sde karras"])
def test_two_passes_are_the_same_as_lockstep(model: Components, sampler: str) -> None:
    both = lockstep(model, sampler)
    art, natural = track(model, True, sampler), track(model, False, sampler)
    recording = Recording(dtype=None)
    for tracks, options in (([art], {"record": recording}), ([natural], {"replay": recording})):
        with session_for(model, **options) as session:
            sample(tracks, art.scheduler.timesteps, Denoiser(model, SIZE, session))
    assert recording.bytes > 0
    assert apart(art.latents, both[0]) <= SAME_WAY
    assert apart(natural.latents, both[1]) <= SAME_WAY


@pytest.mark.parametrize(("rows", "reverse"), [(0, True), (1, False), (3, True)])
def test_order_and_split_of_the_batch_do_not_matter(model: Components, rows: int, reverse: bool) -> None:
    both = lockstep(model)
    art, natural = lockstep(model, rows=rows, reverse=reverse)
    assert apart(art, both[0]) <= SAME_WAY
    assert apart(natural, both[1]) <= SAME_WAY


def test_sliced_attention_is_the_same(model: Components) -> None:
    both = lockstep(model)
    model.unet.set_attention_slice("auto")
    try:
        sliced = lockstep(model)
    finally:
        model.unet.set_default_attn_processor()
    assert apart(sliced[0], both[0]) <= SAME_WAY
    assert apart(sliced[1], both[1]) <= SAME_WAY


def test_several_pictures_of_one_batch_are_those_of_single_runs(model: Components) -> None:
    size = (72, 120)
    art, natural = lockstep(model, "euler a", seeds=(3, 9), size=size)
    for place, seed in enumerate((3, 9)):
        one_art, one_natural = lockstep(model, "euler a", seeds=(seed,), size=size)
        assert apart(art[place : place + 1], one_art) <= ALIKE
        assert apart(natural[place : place + 1], one_natural) <= SAME_WAY
    assert apart(art[:1], art[1:]) > 0.1


def test_the_thresholds_are_shares_of_the_steps(sd1: Components) -> None:
    full = lockstep(sd1, injection=InjectionOptions(features=1.0, attention=1.0))
    two_of_three = lockstep(sd1, injection=InjectionOptions(features=0.67, attention=0.67))
    one_more = lockstep(sd1, injection=InjectionOptions(features=0.34, attention=0.34, paper=True))
    assert apart(two_of_three[1], full[1]) > 1e-4
    assert torch.equal(two_of_three[1], one_more[1])


class Fault(Exception):
    """Raised in the middle of a sampling."""


def weights(components: Components) -> list[Any]:
    modules = [components.unet, components.vae, *(encoder.model for encoder in components.encoders)]
    return [value.clone() for module in modules for value in module.state_dict().values()]


def hooks(components: Components) -> int:
    modules = list(components.unet.modules())
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)


@pytest.mark.parametrize("ending", ["success", "exception", "cancel"])
@pytest.mark.parametrize("passes", ["lockstep", "two"])
def test_the_model_is_left_as_it_was(model: Components, ending: str, passes: str) -> None:
    before, attributes = weights(model), {name: set(vars(m)) for name, m in model.unet.named_modules()}
    told: list[int] = []

    def progress(stage: str, done: int, total: int) -> None:
        told.append(done)
        if ending == "exception" and done == STEPS:
            raise Fault

    reporter = Reporter(progress, lambda: ending == "cancel" and len(told) >= STEPS - 1)
    source = DiffusersTwin(settings(passes=passes), 3, components=model)
    if ending == "success":
        source.make(PLAN, reporter)
    else:
        with pytest.raises(Fault if ending == "exception" else Cancelled):
            source.make(PLAN, reporter)
    assert told
    assert all(torch.equal(one, other) for one, other in zip(before, weights(model), strict=True))
    assert hooks(model) == 0
    assert {name: set(vars(m)) for name, m in model.unet.named_modules()} == attributes


def settings(**changes: Any) -> TwinSettings:
    return replace(TwinSettings(steps=STEPS, height=SIZE[0], width=SIZE[1]), **changes)


def test_a_twin_from_words(model: Components) -> None:
    told: list[tuple[int, int]] = []
    source = DiffusersTwin(settings(), 3, components=model)
    made = source.make(PLAN, Reporter(lambda stage, done, total: told.append((done, total))))
    assert made.art.size == SIZE
    assert made.natural is not None and made.natural.size == SIZE
    assert np.abs(made.art.rgb - made.natural.rgb).mean() > 0.01
    assert made.attention is not None
    assert np.allclose(made.attention.self_attention.sum(axis=1), 1, atol=1e-5)
    assert set(made.attention.words) == {"river"}
    assert told == [(done + 1, STEPS) for done in range(STEPS)]
    assert "Seed: 3" in made.art.infotext and made.art.infotext.startswith(PLAN.art_prompt)
    again = DiffusersTwin(settings(), 3, components=model).make(PLAN, Reporter())
    assert np.array_equal(again.art.rgb, made.art.rgb)
    other = DiffusersTwin(settings(), 4, components=model).make(PLAN, Reporter())
    assert not np.allclose(other.art.rgb, made.art.rgb, atol=1e-3)


def test_pictures_of_one_batch_have_seeds_that_count_on(sd1: Components) -> None:
    several = DiffusersTwin(settings(), 3, components=sd1).make_many(PLAN, Reporter(), 2)
    second = DiffusersTwin(settings(), 4, components=sd1).make(PLAN, Reporter())
    assert np.abs(several[1].art.rgb - second.art.rgb).max() <= SAME_WAY
    assert several[1].attention is not None and second.attention is not None
    assert np.abs(several[1].attention.self_attention - second.attention.self_attention).max() <= SAME_WAY
    assert "Seed: 4" in several[1].art.infotext


def test_two_passes_make_the_same_pictures(model: Components) -> None:
    one = DiffusersTwin(settings(), 3, components=model).make(PLAN, Reporter())
    two = DiffusersTwin(settings(passes="two"), 3, components=model).make(PLAN, Reporter())
    assert one.natural is not None and two.natural is not None
    assert np.abs(one.art.rgb - two.art.rgb).max() <= SAME_WAY
    assert np.abs(one.natural.rgb - two.natural.rgb).max() <= SAME_WAY


@pytest.mark.parametrize("passes", ["lockstep", "two"])
def test_both_pictures_have_the_same_start_and_the_same_noise_at_each_step(sd1: Components, passes: str) -> None:
    """With one prompt, one guidance and nothing injected the twin is the artistic picture itself."""
    chosen = settings(sampler="euler a", natural_guidance=5.0, feature_share=0.0, attention_share=0.0, passes=passes)
    plan = replace(PLAN, natural_prompt=PLAN.art_prompt)
    made = DiffusersTwin(chosen, 3, components=sd1).make(plan, Reporter())
    assert made.natural is not None
    assert np.abs(made.art.rgb - made.natural.rgb).max() <= ALIKE


@pytest.mark.parametrize("way", ["noise", "invert"])
def test_a_painting_and_its_twin_have_the_same_noise(sd1: Components, way: str) -> None:
    latent = latents.encode(sd1, painted(*SIZE).rgb)
    request = pair.PairRequest(PLAN.art_prompt, PLAN.natural_prompt, (), [3, 4], SIZE, latent)
    run = pair._Run(pair.Sampler(sd1, settings(painting=way, inversion_steps=4)), request, pair.Mode.LOCKSTEP)
    art = run._art()
    noise = art.noise if isinstance(art, PaintedTrack) else art.start
    assert torch.equal(run._natural(art).start, noise)


def test_without_twin(sd1: Components) -> None:
    both = DiffusersTwin(settings(), 3, components=sd1).make(PLAN, Reporter())
    only = DiffusersTwin(settings(twin=False), 3, components=sd1).make(PLAN, Reporter())
    assert only.natural is None and only.attention is not None
    assert np.abs(both.art.rgb - only.art.rgb).max() <= ALIKE


@pytest.mark.parametrize("schedule", ddim.NEGATIVE_SCHEDULES)
def test_the_negative_schedule_changes_the_twin_alone(sd1: Components, schedule: str) -> None:
    plain = DiffusersTwin(settings(), 3, components=sd1).make(PLAN, Reporter())
    led = DiffusersTwin(settings(negative_schedule=schedule), 3, components=sd1).make(PLAN, Reporter())
    assert plain.natural is not None and led.natural is not None
    assert np.abs(plain.art.rgb - led.art.rgb).max() <= ALIKE
    assert np.abs(plain.natural.rgb - led.natural.rgb).max() > 1e-3


def test_a_constant_schedule_at_one_is_plain_guidance(sd1: Components) -> None:
    plain = DiffusersTwin(settings(), 3, components=sd1).make(PLAN, Reporter())
    changes = {"negative_schedule": "constant", "negative_alpha": 1.0}
    same = DiffusersTwin(settings(**changes), 3, components=sd1).make(PLAN, Reporter())
    assert plain.natural is not None and same.natural is not None
    assert np.array_equal(plain.natural.rgb, same.natural.rgb)


def painted(height: int = 77, width: int = 131) -> Picture:
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return Picture(np.stack([x / width, y / height, (np.sin(x / 9) + 1) / 2], axis=-1).astype(np.float32))


@pytest.mark.parametrize(("way", "sampler"), [("noise", "ddim"), ("noise", "heun"), ("invert", "euler")])
def test_a_painting_stays_what_it_is_and_gets_a_twin(model: Components, way: str, sampler: str) -> None:
    painting = painted()
    told: list[tuple[int, int]] = []
    chosen = settings(painting=way, inversion_steps=6, sampler=sampler)
    source = DiffusersTwin(chosen, 3, painting, model)
    made = source.make(PLAN, Reporter(lambda stage, done, total: told.append((done, total))))
    assert made.art is painting
    assert made.natural is not None and made.natural.size == painting.size
    assert made.attention is not None and set(made.attention.words) == {"river"}
    assert told[-1][0] == told[-1][1] >= STEPS + (6 if way == "invert" else 0)
    assert any("brought to the picture's size" in note for note in made.notes)
    two = DiffusersTwin(replace(chosen, passes="two"), 3, painting, model).make(PLAN, Reporter())
    assert two.natural is not None
    assert np.abs(two.natural.rgb - made.natural.rgb).max() <= SAME_WAY


def test_another_painting_makes_another_twin(sd1: Components) -> None:
    first = DiffusersTwin(settings(), 3, painted(), sd1).make(PLAN, Reporter())
    other = Picture(np.ascontiguousarray(painted().rgb[::-1]))
    second = DiffusersTwin(settings(), 3, other, sd1).make(PLAN, Reporter())
    assert first.natural is not None and second.natural is not None
    assert np.abs(first.natural.rgb - second.natural.rgb).max() > 1e-3


@pytest.mark.thorough
@pytest.mark.parametrize("family", ["SD1", "SD2"])
def test_inversion_comes_back_to_the_painting_the_closer_the_more_steps(family: str) -> None:
    components = tiny_components(family)
    # a wild random model has steep fields; a calm one is as smooth as a trained one
    with torch.no_grad():
        components.unet.conv_out.weight.mul_(0.05)
    alphas = make_scheduler("ddim", components.scheduler).alphas_cumprod.numpy()
    clean = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    context = PromptEncoder(components).schedule("", 1)[0].context[None]
    prediction = components.scheduler["prediction_type"]

    def predict(latent: Any, timestep: int) -> Any:
        output = components.unet(latent, timestep, context).sample
        return ddim.as_noise(output, latent, float(alphas[timestep]), prediction)

    def error(steps: int) -> float:
        levels = ddim.inversion_levels(steps)
        *_, back = ddim.invert(clean, predict, alphas, levels)
        for low, high in reversed(levels):
            back = ddim.move(back, predict(back, high), float(alphas[high]), float(alphas[low]))
        return apart(back, clean)

    with torch.no_grad():
        coarse, fine = error(10), error(40)
    assert fine < 0.4 * coarse
    assert fine < 0.1


def test_noise_levels_between_timesteps() -> None:
    alphas = torch.tensor([0.9, 0.5, 0.1])
    clean, noise = torch.ones(1, 4, 1, 1), torch.zeros(1, 4, 1, 1)
    assert float(noised(clean, noise, alphas, 1.0)[0, 0]) == pytest.approx(0.5**0.5)
    assert float(noised(clean, noise, alphas, 0.5)[0, 0]) == pytest.approx(0.7**0.5)
    assert float(noised(clean, noise, alphas, 2.0)[0, 0]) == pytest.approx(0.1**0.5)


@pytest.mark.parametrize("sampler", ["ddim", "euler", "dpm++ 2m karras", "unipc"])
def test_a_painting_is_noised_as_the_sampler_would(sd1: Components, sampler: str) -> None:
    scheduler = make_scheduler(sampler, sd1.scheduler)
    scheduler.set_timesteps(10)
    clean = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(0))
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    prompt = PromptEncoder(sd1).schedule("", 10)
    given = PaintedTrack(clean, noise, scheduler.alphas_cumprod, [Prompts(prompt)])
    for index, timestep in enumerate(scheduler.timesteps):
        if hasattr(scheduler, "_init_step_index"):
            scheduler._step_index = index
        found = given.members(index, timestep)[0].latent
        wanted = scheduler.scale_model_input(scheduler.add_noise(clean, noise, timestep[None]), timestep)
        if sampler in ("dpm++ 2m karras", "unipc"):
            assert apart(found, wanted[0]) < 0.02  # its timesteps are rounded
        else:
            assert apart(found, wanted[0]) < 2e-3


@pytest.mark.parametrize("family", FAMILIES)
def test_a_zero_terminal_signal_is_kept(family: str) -> None:
    config = {**SCHEDULE, "prediction_type": "v_prediction", "rescale_betas_zero_snr": True}
    for sampler in ("ddim", "euler", "euler a", "dpm++ 2m", "unipc"):
        scheduler = make_scheduler(sampler, config)
        scheduler.set_timesteps(STEPS)
        assert scheduler.config.prediction_type == "v_prediction"
        assert float(scheduler.timesteps[0]) == 999
        assert float(scheduler.alphas_cumprod[-1]) < 1e-6
    with pytest.raises(UserError, match="heun"):
        make_scheduler("heun", config)
    components = tiny_components(family)
    components.scheduler = config
    made = DiffusersTwin(settings(), 3, components=components).make(PLAN, Reporter())
    assert np.isfinite(made.art.rgb).all()


@pytest.mark.parametrize("fits", [2, 1, 0])
def test_out_of_memory_falls_back_with_a_sentence(monkeypatch: pytest.MonkeyPatch, fits: int) -> None:
    components = tiny_components("SD1")
    forward = components.unet.forward

    def full(latents: Any, *arguments: Any, **options: Any) -> Any:
        if latents.shape[0] > fits:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        return forward(latents, *arguments, **options)

    expected = DiffusersTwin(settings(), 3, components=components).make(PLAN, Reporter())
    monkeypatch.setattr(components.unet, "forward", full)
    source = DiffusersTwin(settings(), 3, components=components)
    if not fits:
        with pytest.raises(UserError, match="memory does not suffice"):
            source.make(PLAN, Reporter())
        return
    made = source.make(PLAN, Reporter())
    assert made.natural is not None and expected.natural is not None
    assert np.abs(made.natural.rgb - expected.natural.rgb).max() <= SAME_WAY
    assert sum("Memory did not suffice" in note for note in made.notes) == 3 - fits
    assert hooks(components) == 0
    with pytest.raises(UserError, match="memory does not suffice"):
        DiffusersTwin(settings(passes="lockstep"), 3, components=components).make(PLAN, Reporter())


def test_the_vae_goes_tile_by_tile_when_memory_is_short(sd1: Components, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = type(sd1.vae).decode
    tiles: list[bool] = []

    def full(vae: Any, *arguments: Any, **options: Any) -> Any:
        tiles.append(vae.use_tiling)
        if not vae.use_tiling:
            raise RuntimeError("MPS backend out of memory (allocated 1 GB)")
        return decode(vae, *arguments, **options)

    monkeypatch.setattr(type(sd1.vae), "decode", full)
    found = latents.decode(sd1, torch.zeros(1, 4, 8, 12))
    assert tiles == [False, True] and found[0].shape == (64, 96, 3)
    assert not sd1.vae.use_tiling


def test_pictures_that_are_no_numbers_are_an_error(sd1: Components) -> None:
    with pytest.raises(UserError, match="precision"):
        latents.decode(sd1, torch.full((1, 4, 8, 8), float("nan")))


def test_encoding_is_the_mean_and_repeats(sd1: Components) -> None:
    picture = painted(64, 96).rgb
    first, second = latents.encode(sd1, picture), latents.encode(sd1, picture)
    assert torch.equal(first, second)
    pixels = torch.from_numpy(picture).permute(2, 0, 1)[None] * 2 - 1
    mean = sd1.vae.encode(pixels).latent_dist.mean
    assert torch.equal(first, mean * sd1.vae.config.scaling_factor)


@pytest.mark.parametrize(("height", "width", "word"), [(60, 64, "height"), (64, 100, "width"), (32, 64, "height")])
def test_sizes_that_do_not_fit_are_refused_before_loading(height: int, width: int, word: str) -> None:
    with pytest.raises(UserError, match=f"the {word} is .* multiple of 8"):
        DiffusersTwin(TwinSettings(model="nowhere", height=height, width=width)).make(PLAN, Reporter())


@pytest.mark.parametrize("size", [(77, 131), (1000, 40), (512, 512), (3000, 2000)])
def test_fitted_sizes(size: tuple[int, int]) -> None:
    height, width = latents.fitted_size(size, 512 * 512)
    latents.check_size((height, width))
    assert 0.9 < height * width / 512**2 < 1.5
    if min(height, width) > 64:
        assert (height / width) / (size[0] / size[1]) == pytest.approx(1, rel=0.03)


def test_the_key_follows_what_matters(sd1: Components) -> None:
    base = DiffusersTwin(settings(model="owner/name"), 3).key(PLAN)
    assert base == DiffusersTwin(settings(model="owner/name"), 3).key(PLAN)
    for other in (
        DiffusersTwin(settings(model="owner/other"), 3).key(PLAN),
        DiffusersTwin(settings(model="owner/name"), 4).key(PLAN),
        DiffusersTwin(settings(model="owner/name", steps=9), 3).key(PLAN),
        DiffusersTwin(settings(model="owner/name"), 3).key(replace(PLAN, natural_prompt="sea")),
    ):
        assert other != base


def test_samplers_of_the_settings_are_those_that_there_are() -> None:
    for sampler in filter(has, SAMPLERS):
        assert make_scheduler(sampler, {**SCHEDULE, "prediction_type": "epsilon"}).config.steps_offset == 1


def test_a_sampler_that_diffusers_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedulers, "third_order_sde_is_known", lambda: False)
    with pytest.raises(UserError, match=r"needs diffusers 0\.32"):
        make_scheduler("dpm++ 3m sde", {**SCHEDULE, "prediction_type": "epsilon"})


@pytest.mark.parametrize("zero", [False, True], ids=["usual", "from pure noise"])
@pytest.mark.parametrize("sampler", THERE_ARE)
def test_who_knows_the_picture_ends_at_it(sampler: str, zero: bool) -> None:
    kind = "v_prediction" if zero else "epsilon"
    config = {**SCHEDULE, "prediction_type": kind, "rescale_betas_zero_snr": zero or None}
    if zero and sampler in ("heun", "dpm2", "dpm2 a", "lms"):
        with pytest.raises(UserError, match="zero terminal SNR"):
            make_scheduler(sampler, config)
        return
    picture = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8).expand(1, 4, 8, 8)
    for steps in (1, 4, 7, 20, 60):
        scheduler = make_scheduler(sampler, config, steps)
        schedulers.set_timesteps(scheduler, steps)
        generator = torch.Generator().manual_seed(steps)
        noise = torch.randn(picture.shape, generator=generator)
        track = SampledTrack(noise, scheduler, [Prompts([None] * 200)], 1.0, [generator], True)
        for index, timestep in enumerate(scheduler.timesteps):
            latent = track.members(index, timestep)[0].latent
            level = np.interp(float(timestep), np.arange(1000), scheduler.alphas_cumprod.numpy())
            noise_in_it = (latent - level**0.5 * picture[0]) / max(1 - level, 1e-9) ** 0.5
            velocity = level**0.5 * noise_in_it - (1 - level) ** 0.5 * picture[0]
            track.take(index, timestep, [velocity if zero else noise_in_it])
        left = 0.04 if sampler in ("ddim", "deis", "tcd") else 1e-3  # these end at the model's last noise level
        assert float((track.latents - picture).std()) < left, steps


def test_plans_of_the_families_are_the_defaults(model: Components) -> None:
    plan = PLANS[model.family]
    given = InjectionOptions(features=plan.feature_share, attention=plan.attention_share)
    assert torch.equal(lockstep(model)[1], lockstep(model, injection=given)[1])


@pytest.mark.parametrize(
    ("guidance", "natural", "wanted"),
    [(5.0, 7.5, 7.5), (1.0, 7.5, 1.5), (2.0, 7.5, 3.0), (2.5, 7.5, 7.5), (1.5, 1.0, 1.0)],
)
def test_a_distilled_model_is_not_driven(guidance: float, natural: float, wanted: float) -> None:
    assert guidance_of_twin(guidance, natural) == wanted


def test_few_steps_begin_at_the_noisiest_time() -> None:
    config = {**SCHEDULE, "prediction_type": "epsilon"}
    for sampler in filter(has, SAMPLERS):
        few, many = make_scheduler(sampler, config, 4), make_scheduler(sampler, config, 20)
        few.set_timesteps(4)
        assert float(few.timesteps[0]) == 999, sampler
        assert many.config.timestep_spacing == make_scheduler(sampler, config).config.timestep_spacing
    few = make_scheduler("ddim", config, 4)
    few.set_timesteps(4)
    assert few.timesteps.tolist() == [999, 749, 499, 249]


@pytest.mark.parametrize(
    ("error", "is_full"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9.0 GB)"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("Could not allocate tensor with 4 bytes. There is not enough memory"), True),
        (RuntimeError("shapes do not match"), False),
        (ValueError("out of memory"), False),
    ],
)
def test_what_says_that_the_memory_is_full(error: Exception, is_full: bool) -> None:
    assert out_of_memory(error) == is_full
