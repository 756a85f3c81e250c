"""DDIM as the paper uses it: steps, inversion, and the schedule that fades the negative prompt (arXiv 2010.02502)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import FloatArray

if TYPE_CHECKING:
    from torch import Tensor

Predict = Callable[["Tensor", int], "Tensor"]
"""Gives the noise in a latent [n, 4, h, w] at a timestep."""

NEGATIVE_SCHEDULES = ("linear", "constant", "exp")


def move(latent: Tensor, noise: Tensor, alpha: float, target: float) -> Tensor:
    """The deterministic DDIM step between two noise levels, either way (equation 12 with sigma 0).

    Args:
        latent: at the level `alpha`.
        noise: what of it is noise.
        alpha: cumulative product at the latent's level.
        target: at the wanted level.
    """
    clean = (latent - (1 - alpha) ** 0.5 * noise) / alpha**0.5
    moved: Tensor = target**0.5 * clean + (1 - target) ** 0.5 * noise
    return moved


def inversion_levels(steps: int, count: int = 1000) -> list[tuple[int, int]]:
    """The pairs (timestep, next timestep) of an inversion, from 0 to count - 1; `count - 1` steps are the paper's."""
    places = np.unique(np.linspace(0, count - 1, steps + 1).round().astype(int))
    return [(int(low), int(high)) for low, high in pairwise(places)]


def invert(latent: Tensor, predict: Predict, alphas: FloatArray, levels: Iterable[tuple[int, int]]) -> Iterator[Tensor]:
    """The latent at each higher level of noise, found by DDIM run backwards: the noise at t, then the step to t + 1.

    Args:
        latent: of the picture.
        predict: the noise at a timestep.
        alphas: cumulative products [count].
        levels: as `inversion_levels`.
    """
    for low, high in levels:
        latent = move(latent, predict(latent, low), float(alphas[low]), float(alphas[high]))
        yield latent


def negative_weights(schedule: str, alpha: float, steps: int) -> NDArray[np.float64]:
    """[steps]: the share of the empty prompt against the negative one at each step: alpha times the schedule.

    Args:
        schedule: "linear" from 1 to 0, "constant" 1, or "exp": exp(-6 s), s equally spaced from 0 to 1.
        alpha: 1 with "constant" is plain guidance by the empty prompt.
        steps: number of steps.
    """
    if schedule == "constant":
        shape = np.ones(steps)
    elif schedule == "linear":
        shape = np.linspace(1, 0, steps)
    else:
        shape = np.exp(-6 * np.linspace(0, 1, steps))
    return alpha * shape


def guided(conditional: Tensor, unconditional: Tensor, scale: float) -> Tensor:
    """Classifier-free guidance: e_u + scale (e_c - e_u)."""
    return unconditional + scale * (conditional - unconditional)


def mixed(unconditional: Tensor, negative: Tensor, share: float) -> Tensor:
    """What guidance moves away from: share e_u + (1 - share) e_neg."""
    return share * unconditional + (1 - share) * negative


def as_noise(output: Tensor, latent: Tensor, alpha: float, prediction: str) -> Tensor:
    """What a UNet's output says the noise is: itself, or sqrt(a) v + sqrt(1 - a) x for a predictor of v."""
    if prediction == "v_prediction":
        noise: Tensor = alpha**0.5 * output + (1 - alpha) ** 0.5 * latent
        return noise
    return output
