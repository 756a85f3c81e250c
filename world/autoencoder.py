"""Trains the miniature's autoencoder on parts of lessons, and makes the latents that its UNet learns from."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from world import miniature
from world.lessons import SIDE, SIZE, load_shard
from world.optimiser import Muon
from world.precision import quick

CROP = 64
"""Side of what the autoencoder sees in training; of the decoder alone, at the end, it is twice that."""

BATCH = 8
RATE = 2e-3
NOISE = 0.05
"""Noise on latents in training, in their own deviation, so that the decoder forgives."""

SAVE_EVERY = 200
Say = Callable[[str], None]


def write(state: dict[str, Any], path: Path) -> None:
    """Save a state, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def train(folder: Path, steps: int, shards: int, say: Say, *, decoder_only: bool = False) -> None:
    """Train the autoencoder for so many steps in all, or after that its decoder alone; goes on where it stood.

    Args:
        folder: with the lessons; `vae.pt` and, of the decoder alone, `decoder.pt` come into it.
        steps: updates in all.
        shards: of lessons to learn from.
        say: told how it goes.
        decoder_only: keep the encoder, and so the latents, as they are.
    """
    torch.manual_seed(0)
    vae = miniature.make_vae().to(memory_format=torch.channels_last)
    path, start, averaged = folder / ("decoder.pt" if decoder_only else "vae.pt"), 0, None
    if path.exists():
        state = torch.load(path, weights_only=True)
        vae.load_state_dict(state["vae"])
        start, averaged = int(state["step"]), state["averaged"]
    elif decoder_only:
        vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=True)["vae"])
    if start >= steps:
        return
    learning = [vae.decoder] if decoder_only else [vae]
    weights = [weight for part in learning for weight in part.parameters()]
    optimiser = Muon((pair for part in learning for pair in part.named_parameters()), RATE)
    if path.exists():
        optimiser.load_state_dict(torch.load(path, weights_only=True)["optimiser"])
    averaged = averaged or {key: value.clone() for key, value in vae.state_dict().items()}
    drawn = [load_shard(folder, number).rgb for number in range(shards)]
    side = 2 * CROP if decoder_only else CROP
    losses: list[float] = []
    for step in range(start, steps):
        picture = crops(
            drawn, np.random.default_rng([21 + decoder_only, step]), side, max(1, BATCH * CROP**2 // side**2)
        )
        peak = RATE * (0.4 if decoder_only else 1.0)
        rate = peak * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        loss, error = loss_of(vae, picture, torch.Generator().manual_seed(step), decoder_only)
        loss.backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step(float(rate))
        losses.append(error)
        keep = min(0.99, (1 + step) / (10 + step))
        for key, value in vae.state_dict().items():
            averaged[key].lerp_(value, 1 - keep)
        if (step + 1) % 50 == 0:
            say(f"vae {step + 1}: {-10 * np.log10(np.mean(losses[-50:])):.2f} dB")
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == steps:
            kept = {"vae": vae.state_dict(), "optimiser": optimiser.state_dict(), "averaged": averaged}
            write({**kept, "step": step + 1}, path)
    final = averaged if decoder_only else centred(averaged, drawn)
    write({"vae": final, "optimiser": optimiser.state_dict(), "averaged": final, "step": steps}, path)


def loss_of(vae: Any, picture: Tensor, generator: torch.Generator, decoder_only: bool) -> tuple[Tensor, float]:
    """How far pictures [B, 3, S, S] (-1..1) come back, in themselves, their edges and coarser; and the square error.

    The error is of pictures of 0..1.
    """
    with torch.set_grad_enabled(not decoder_only):
        latent = vae.encode(picture).latent_dist.mean
    spread = latent.detach().std()
    noisy = latent + NOISE * spread * torch.randn(latent.shape, generator=generator)
    back = vae.decode(noisy).sample
    difference = back - picture
    loss = difference.abs().mean() + 1e-3 * latent.square().mean()
    for axis in (2, 3):
        loss = loss + 0.5 * (back.diff(dim=axis) - picture.diff(dim=axis)).abs().mean()
    loss = loss + functional.avg_pool2d(difference, 4).abs().mean()
    return loss, float(difference.detach().square().mean()) / 4


def crops(drawn: list[NDArray[np.uint8]], random: np.random.Generator, side: int, count: int) -> Tensor:
    """Parts of lessons, half of them of smaller pictures, float32 [count, 3, side, side], -1..1."""
    parts = []
    for number in range(count):
        rgb = drawn[int(random.integers(len(drawn)))][int(random.integers(2 * SIZE))]
        if number % 2:
            rgb = cv2.resize(rgb, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        top, left = (int(at) for at in random.integers(0, rgb.shape[0] - side + 1, 2))
        part = rgb[top : top + side, left : left + side]
        parts.append(part[:, ::-1] if random.random() < 0.5 else part)
    picture = torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 127.5 - 1
    return picture.contiguous(memory_format=torch.channels_last)


def centred(state: dict[str, Tensor], drawn: list[NDArray[np.uint8]]) -> dict[str, Tensor]:
    """The same autoencoder, whose latents times `SCALE` have mean 0 and deviation 1 in each channel.

    The change goes into the two 1x1 convolutions beside the latents: it is exact.
    """
    vae = miniature.make_vae()
    vae.load_state_dict(state)
    with torch.no_grad():
        many = [
            vae.encode(crops(drawn, np.random.default_rng([23, n]), 2 * CROP, 4)).latent_dist.mean for n in range(64)
        ]
        latents = torch.cat(many)
        mean, spread = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
        factor = 1 / (spread * miniature.SCALE)
        weight, bias = vae.quant_conv.weight, vae.quant_conv.bias
        weight[:4] *= factor.view(-1, 1, 1, 1)
        bias[:4] = (bias[:4] - mean) * factor
        after = vae.post_quant_conv
        after.bias += (after.weight[:, :, 0, 0] @ mean).view(-1)
        after.weight /= factor.view(1, -1, 1, 1)
    return {key: value.detach().clone() for key, value in vae.state_dict().items()}


def latents_of(folder: Path, number: int, side: int, flipped: bool) -> Tensor:
    """The scaled latents of a shard's pictures, or of their mirror images, float16 [2 * SIZE, 4, S / 8, S / 8].

    Made once and kept beside the lessons.
    """
    path = folder / "latents" / f"{side}-{number:04d}{'-flipped' if flipped else ''}.npy"
    if not path.exists():
        vae = miniature.make_vae().to(memory_format=torch.channels_last)
        vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=True)["vae"])
        rgb = load_shard(folder, number).rgb
        found = []
        for first in range(0, len(rgb), 20):
            part = np.array(rgb[first : first + 20])
            if side != SIDE:
                part = np.stack([cv2.resize(one, (side, side), interpolation=cv2.INTER_AREA) for one in part])
            part = part[:, :, ::-1] if flipped else part
            picture = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.no_grad(), quick():
                moments = vae.encode(picture.contiguous(memory_format=torch.channels_last)).latent_dist
                found.append(moments.mean.float() * miniature.SCALE)
        path.parent.mkdir(exist_ok=True)
        part_path = path.with_name(f"{path.stem}.{os.getpid()}.part.npy")
        np.save(part_path, torch.cat(found).half().numpy())
        os.replace(part_path, path)
    return torch.from_numpy(np.load(path))
