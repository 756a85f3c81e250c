"""Samplers by their common names, made from diffusers' classes with the model's own noise schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.architecture import Config

_KINDS: Mapping[str, tuple[str, Config]] = {
    "ddim": ("DDIMScheduler", {}),
    "euler": ("EulerDiscreteScheduler", {}),
    "euler a": ("EulerAncestralDiscreteScheduler", {}),
    "heun": ("HeunDiscreteScheduler", {}),
    "dpm2": ("KDPM2DiscreteScheduler", {}),
    "dpm2 a": ("KDPM2AncestralDiscreteScheduler", {}),
    "lms": ("LMSDiscreteScheduler", {}),
    "dpm++ 2m": ("DPMSolverMultistepScheduler", {}),
    "dpm++ 2m karras": ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    "dpm++ 2m sde karras": (
        "DPMSolverMultistepScheduler",
        {"use_karras_sigmas": True, "algorithm_type": "sde-dpmsolver++"},
    ),
    "unipc": ("UniPCMultistepScheduler", {}),
}

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
        UserError: the model's schedule ends in pure noise, which this sampler cannot start from.
    """
    import diffusers

    kind, options = _KINDS[name]
    if config.get("rescale_betas_zero_snr") and name in _NOT_FROM_PURE_NOISE:
        raise UserError(f"the sampler {name} cannot start from a zero terminal SNR, as this model needs; use euler")
    kept = {key: config[key] for key in (*_OWN, *_SHARED) if config.get(key) is not None}
    if name == "ddim":
        kept |= {"clip_sample": False, "set_alpha_to_one": False}
    kept.setdefault("steps_offset", 1)
    if kept.get("rescale_betas_zero_snr") or 0 < steps <= FEW:
        kept["timestep_spacing"] = "trailing"
    return getattr(diffusers, kind).from_config({**kept, **options})
