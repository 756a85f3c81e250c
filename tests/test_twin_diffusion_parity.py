"""The paper's DDIM: schedules, sampling, injection with the negative prompt's schedule, and inversion."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_pipelines import SCHEDULE  # noqa: E402

from t2c_ext.twin.diffusion import ddim  # noqa: E402
from t2c_ext.twin.diffusion.components import Components, Placement  # noqa: E402
from t2c_ext.twin.diffusion.embeddings import Conditioning  # noqa: E402
from t2c_ext.twin.diffusion.sampling import Denoiser, sample  # noqa: E402
from t2c_ext.twin.diffusion.schedulers import make_scheduler  # noqa: E402
from t2c_ext.twin.diffusion.tracks import Prompts, SampledTrack  # noqa: E402
from t2c_ext.twin.families import PAPER_PLAN, Family  # noqa: E402
from t2c_ext.twin.inject import InjectionOptions, Injector, Moment  # noqa: E402
from t2c_ext.twin.locate import Kind, Site  # noqa: E402
from t2c_ext.twin.rows import Role, Rows  # noqa: E402

pytestmark = pytest.mark.parity

NAME = "ddim_pnp"
ART_GUIDANCE, TWIN_GUIDANCE = 5.0, 7.5
ATTENTION_ENTRIES = 16


class Counting:
    """In a session's place: how many sites are injected now, by the session's own rule."""

    def __init__(self) -> None:
        self.injector = Injector(PAPER_PLAN, InjectionOptions(paper=True))
        self.now: Moment | None = None
        self.steps: dict[Kind, int] = {Kind.BRANCH: 0, Kind.QUERY: 0}
        self.injected = 0

    def step(self, index: int, total: int, timestep: Any) -> None:
        self.now = Moment(index, total, float(timestep))
        active = {kind: self.injector.active(Site("", kind, 0), self.now) for kind in self.steps}
        self.injected = ATTENTION_ENTRIES * active[Kind.QUERY] + active[Kind.BRANCH]
        for kind, on in active.items():
            self.steps[kind] += on

    def call(self, rows: Rows) -> Any:
        assert {row.role for row in rows.rows} == {Role.TWIN}
        return nullcontext()


class Toy:
    """The index's closed-form model."""

    def __init__(self, session: Counting | None = None) -> None:
        self.session, self.calls = session, 0

    def __call__(self, x: Any, t: Any, encoder_hidden_states: Any) -> Any:
        self.calls += 1
        mean = encoder_hidden_states.mean(dim=(1, 2)).reshape(-1, 1, 1, 1)
        noise = 0.6 * x + 0.2 * torch.tanh(x.roll(1, -1)) + mean * (0.5 + float(t) / 2000)
        return SimpleNamespace(sample=noise + 0.01 * (self.session.injected if self.session else 0))


@pytest.fixture
def data(fixtures: Any) -> dict[str, np.ndarray]:
    if NAME not in fixtures.named(NAME):
        pytest.skip(f"the fixtures have no {NAME}")
    return dict(fixtures.arrays(NAME))


def _prompt(mean: float, steps: int) -> list[Conditioning]:
    return [Conditioning(torch.full((77, 4), mean), None, (0,) * 77)] * steps


def _components(toy: Toy) -> Components:
    scheduler = {**SCHEDULE, "prediction_type": "epsilon"}
    return Components("toy", Family.SD1, toy, None, (), scheduler, Placement(torch.device("cpu"), torch.float32))


def _scheduler(steps: int) -> Any:
    scheduler = make_scheduler("ddim", {**SCHEDULE, "prediction_type": "epsilon"})
    scheduler.set_timesteps(steps)
    return scheduler


def _sampled(start: np.ndarray, prompts: Prompts, guidance: float, steps: int, artistic: bool = True) -> Any:
    session = None if artistic else Counting()
    components, scheduler = _components(Toy(session)), _scheduler(steps)
    track = SampledTrack(torch.from_numpy(start), scheduler, [prompts], guidance, [torch.Generator()], artistic)
    sample([track], scheduler.timesteps, Denoiser(components, (64, 64), session))  # type: ignore[arg-type]
    return track.latents.numpy(), scheduler.timesteps, session


def _close(found: np.ndarray, wanted: np.ndarray, tolerance: float) -> None:
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


def _means(fixtures: Any) -> tuple[float, float, float]:
    """Unconditional, prompt, negative."""
    entry = fixtures.index[NAME]
    empty, prompt = entry["s1_first_call"]["order_of_condition_means"]
    negative = entry["s2_two_calls_of_step0_condition_means"][0][0]
    return empty, prompt, negative


def test_schedule(fixtures: Any, data: dict[str, np.ndarray]) -> None:
    entry, tolerance = fixtures.index[NAME], fixtures.tolerance(NAME)
    scheduler = _scheduler(len(entry["ddim_timesteps"]))
    alphas, ascending = scheduler.alphas_cumprod.numpy(), scheduler.timesteps.numpy()[::-1]
    lower = np.concatenate([[float(scheduler.final_alpha_cumprod)], alphas[ascending[:-1]]])
    assert ascending.tolist() == entry["ddim_timesteps"]
    _close(alphas, data["alphas_cumprod"], tolerance)
    _close(alphas[ascending], data["ddim_alphas"], tolerance)
    _close(lower, data["ddim_alphas_prev"], tolerance)
    assert not data["ddim_sigmas"].any()


@pytest.mark.parametrize("schedule", ddim.NEGATIVE_SCHEDULES)
def test_negative_schedule(fixtures: Any, data: dict[str, np.ndarray], schedule: str) -> None:
    wanted = data["alpha_schedule_" + schedule]
    found = ddim.negative_weights(schedule, float(wanted[0]), len(wanted))
    _close(found, wanted, fixtures.tolerance(NAME))


def test_artistic_picture(fixtures: Any, data: dict[str, np.ndarray]) -> None:
    entry = fixtures.index[NAME]
    empty, prompt, _ = _means(fixtures)
    steps = entry["s1_model_calls"]
    prompts = Prompts(_prompt(prompt, steps), _prompt(empty, steps))
    found, timesteps, _ = _sampled(data["z"], prompts, ART_GUIDANCE, steps)
    assert timesteps.tolist() == entry["s1_timesteps_saved_in_order"]
    _close(found, data["s1_out"], fixtures.tolerance(NAME))


@pytest.mark.parametrize("key", ["s2_out", "s2_out_alpha1_constant"])
def test_twin_with_injection_and_negative_prompt(fixtures: Any, data: dict[str, np.ndarray], key: str) -> None:
    entry = fixtures.index[NAME]
    empty, prompt, negative = _means(fixtures)
    steps = len(entry["ddim_timesteps"])
    alpha = float(data["alpha_schedule_linear"][0])
    plain = key == "s2_out_alpha1_constant"
    share = ddim.negative_weights("constant" if plain else "linear", 1.0 if plain else alpha, steps)
    prompts = Prompts(_prompt(prompt, steps), _prompt(empty, steps), _prompt(negative, steps), share)
    found, _, session = _sampled(data["z"], prompts, TWIN_GUIDANCE, steps, artistic=False)
    assert session.steps[Kind.QUERY] == entry["s2_steps_with_attention_injection"]
    assert session.steps[Kind.BRANCH] == entry["s2_steps_with_resblock_injection"]
    _close(found, data[key], fixtures.tolerance(NAME))


def test_inversion_and_reconstruction(fixtures: Any, data: dict[str, np.ndarray]) -> None:
    entry, tolerance = fixtures.index[NAME], fixtures.tolerance(NAME)
    empty, _, _ = _means(fixtures)
    toy, context = Toy(), torch.full((1, 77, 4), empty)
    steps = len(entry["ddim_timesteps"])
    alphas = _scheduler(steps).alphas_cumprod.numpy()
    levels = ddim.inversion_levels(entry["inversion_model_calls"], len(alphas))
    assert [levels[0][0], levels[-1][0]] == entry["inversion_first_last_t"]
    predict = lambda latent, timestep: toy(latent, timestep, context).sample  # noqa: E731
    *_, last = ddim.invert(torch.from_numpy(data["inversion_in"]), predict, alphas, levels)
    assert toy.calls == entry["inversion_model_calls"]
    _close(last.numpy(), data["inversion_out"], tolerance)
    found, _, _ = _sampled(data["inversion_out"], Prompts(_prompt(empty, steps)), 1.0, steps)
    _close(found, data["reconstruction_50"], tolerance)
