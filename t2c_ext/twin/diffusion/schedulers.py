"""Samplers by their common names, made from diffusers' classes with the model's own noise schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2c_ext.errors import UserError, Way
from t2c_ext.twin.diffusion.architecture import Config

_KARRAS: Config = {"use_karras_sigmas": True}
_SDE: Config = {"algorithm_type": "sde-dpmsolver++"}
_SGM_UNIFORM: Config = {"timestep_spacing": "trailing"}
"""999, 749, 499, 249 for four steps: what the samplers of Stability's own code space evenly."""

_KINDS: Mapping[str, tuple[str, Config]] = {
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2 a": ("KDPM2AncestralDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "dpm++ 2m": ("DPMSolverMultistepScheduler", {}),
    "dpm++ 2m karras": ("DPMSolverMultistepScheduler", _KARRAS),
    "dpm++ 2m sgm uniform": ("DPMSolverMultistepScheduler", _SGM_UNIFORM),
    "dpm++ 2m sde karras": ("DPMSolverMultistepScheduler", {**_KARRAS, **_SDE}),
    "dpm++ 3m sde": ("DPMSolverMultistepScheduler", {**_SDE, "solver_order": 3}),
    "dpm++ 3m sde karras": ("DPMSolverMultistepScheduler", {**_KARRAS, **_SDE, "solver_order": 3}),
    "dpm++ sde": ("DPMSolverSinglestepScheduler", _SDE),
    "dpm++ sde karras": ("DPMSolverSinglestepScheduler", {**_KARRAS, **_SDE}),
    "euler sgm uniform": ("EulerDiscreteScheduler", _SGM_UNIFORM),
    "unipc": ("UniPCMultistepScheduler", {}),
    "deis": ("DEISMultistepScheduler", {}),
    "lcm": ("LCMScheduler", {}),
    "tcd": ("TCDScheduler", {}),
}

_DISTILLED = frozenset(["lcm", "tcd"])
"""Samplers of distilled models; their timesteps are some of those that the model was distilled with."""

_DISTILLED_WITH = 50
"""So many timesteps: latent consistency models and TCD's, by their papers."""

_NOT_FROM_PURE_NOISE = frozenset(["heun", "dpm2", "dpm2 a", "lms"])
_OWN = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas", "prediction_type")
_SHARED = ("steps_offset", "timestep_spacing", "rescale_betas_zero_snr")


FEW = 8
"""Up to so many steps a schedule ends at the noisiest timestep: models of few steps are distilled to begin there."""


def make_scheduler(name: str, config: Config, steps: int = 0) -> Any:
    """A fresh scheduler.

    Args:
        name: one of the settings' samplers.
        config: the model's schedule; what it predicts, its betas and a zero terminal SNR are kept, the options of the
            sampler that came with the model are not.
        steps: how many will be sampled, where that is known; few ones trail ("trailing" spacing): 4 of them are 999,
            749, 499 and 249 instead of 751, 501, 251 and 1.

    Raises:
        UserError: the model's schedule ends in pure noise, which this sampler cannot start from, or the installed
            diffusers cannot do it.
    """
    import diffusers

    kind, options = _KINDS[name]
    if config.get("rescale_betas_zero_snr") and name in _NOT_FROM_PURE_NOISE:
        raise UserError(
            f"the sampler {name} cannot start from a zero terminal SNR, as this model needs",
            ways=[Way("use another one", "sampler", "euler")],
        )
    if options.get("solver_order") == 3 and not third_order_sde_is_known():
        raise UserError(
            f"the sampler {name} needs diffusers 0.32 or newer, and {diffusers.__version__} is installed",
            ways=[Way("use another one", "sampler", "dpm++ 2m sde karras")],
        )
    kept = {key: config[key] for key in (*_OWN, *_SHARED) if config.get(key) is not None}
    if name == "ddim":
        kept |= {"clip_sample": False, "set_alpha_to_one": False}
    if name in _DISTILLED:
        kept |= {"clip_sample": False, "original_inference_steps": max(_DISTILLED_WITH, steps)}
    kept.setdefault("steps_offset", 1)
    if kept.get("rescale_betas_zero_snr") or 0 < steps <= FEW:
        kept["timestep_spacing"] = "trailing"
    return getattr(diffusers, kind).from_config({**kept, **options})


def set_timesteps(scheduler: Any, steps: int, device: Any = None) -> None:
    """Set how many steps there are, and begin with the first.

    Left to itself, a scheduler looks its place up by the timestep, and goes astray where two of them are the same.
    """
    scheduler.set_timesteps(steps, device=device)
    if hasattr(scheduler, "set_begin_index"):
        scheduler.set_begin_index(0)


def third_order_sde_is_known() -> bool:
    """Whether the installed diffusers has DPM++ 3M SDE."""
    import diffusers

    return tuple(map(int, diffusers.__version__.split(".")[:2])) >= (0, 32)
