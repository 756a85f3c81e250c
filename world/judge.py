"""A judge of looks: is a picture a photograph of this world, or which of its paintings?

It looks at the latents' statistics and learns from lessons; `python -m world.judge FOLDER` says how often it is right
about lessons that it has not seen.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from world import autoencoder
from world.lessons import PAINTED, SIZE, load_shard
from world.textures import Array
from world.words import STYLES

LOOKS = ("photograph", *PAINTED)
SHARDS, TESTED = range(6), range(6, 8)
"""Of lessons to learn from, and to be tried on."""

SIDE = 128


def features(latents: Tensor) -> Array:
    """Statistics of latents [N, 4, h, w] at two sizes, float32 [N, 62]: means, covariances, differences nearby."""
    found = []
    for coarse in (1, 2):
        part = functional.avg_pool2d(latents.float(), coarse)
        flat = part.flatten(2)
        centred = flat - flat.mean(2, keepdim=True)
        covariance = centred @ centred.transpose(1, 2) / flat.shape[2]
        rows, columns = torch.tril_indices(4, 4)
        found += [flat.mean(2), covariance[:, rows, columns]]
        for axis in (2, 3):
            step = part.diff(dim=axis).flatten(2)
            found += [step.abs().mean(2), (step**4).mean(2) / ((step**2).mean(2) ** 2 + 1e-6)]
        found.append(part.diff(dim=2)[..., :-1].flatten(2).mul(part.diff(dim=3)[:, :, :-1].flatten(2)).mean(2)[:, :1])
    return torch.cat(found, 1).numpy()


@dataclass(frozen=True)
class Judge:
    """Tells looks apart.

    Attributes:
        model: a fitted classifier of scikit-learn.
        right: share of unseen lessons about which it is right whether they are photographs.
    """

    model: Any
    right: float

    def looks(self, latents: Tensor) -> list[str]:
        """The look of each of some pictures, from their scaled latents [N, 4, h, w] of pictures of 128 pixels."""
        return [str(look) for look in self.model.predict(features(latents))]


def make_judge(folder: Path) -> Judge:
    """Learn from the lessons of a folder that has been trained in."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    model = HistGradientBoostingClassifier(max_iter=120, random_state=0).fit(*_material(folder, SHARDS))
    seen, looks = _material(folder, TESTED)
    guessed = model.predict(seen)
    right = np.mean(
        [(one == "photograph") == (other == "photograph") for one, other in zip(guessed, looks, strict=True)]
    )
    return Judge(model, float(right))


def _material(folder: Path, shards: range) -> tuple[Array, list[str]]:
    seen, looks = [], []
    for number in shards:
        seen.append(features(autoencoder.latents_of(folder, number, SIDE, False)))
        looks += [_look(wordings[0]) for wordings in load_shard(folder, number).captions]
    return np.concatenate(seen), looks


def _look(caption: str) -> str:
    """The look that a lesson's caption names."""
    return next(look for look in LOOKS if any(style in caption for style in STYLES[look]))


def main() -> None:
    """Say how good it is."""
    judge = make_judge(Path(sys.argv[1]))
    print(f"right about {judge.right:.1%} of {len(TESTED) * 2 * SIZE} unseen lessons")


if __name__ == "__main__":
    main()
