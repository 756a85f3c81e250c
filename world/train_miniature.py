"""Trains the miniature Stable Diffusion: `python -m world.train_miniature FOLDER --minutes 60`, again to go on.

Three stages, each of which goes on where it stood: the autoencoder on parts of scenes, the latents of every scene, the
UNet with its text encoder; the last first on small pictures, which teach the same for a quarter of the time. Seeded;
only scenes of `world` are seen. At the end (and every so many steps) FOLDER/model holds what `t2c generate --model`
loads.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from world import miniature
from world.shards import SIZE, load_shard

SIDES = (128, 256)
"""Sides of the pictures, in pixels, that the UNet learns from at first and later."""

CROP = 64
"""Side of what the autoencoder sees in training."""

VAE_RATE, RATE = 2e-3, 8e-4
BATCH, VAE_BATCH = 16, 8
KEEP = 0.1
"""Share of captions that are left out, so that guidance has something to lead away from."""

STEADY = 5.0
"""Weights of time steps follow min-SNR (Hang et al. 2023) with this bound, in its form for v."""

SAVE_EVERY = 100


class Clock:
    """Processor time that is left."""

    def __init__(self, minutes: float) -> None:
        """Start."""
        self._end = time.process_time() + 60 * minutes

    def left(self) -> bool:
        """Whether there is some."""
        return time.process_time() < self._end


def write(state: dict[str, Any], path: Path) -> None:
    """Save a state, whole or not at all."""
    part = path.with_suffix(".part")
    torch.save(state, part)
    os.replace(part, path)


def train_vae(folder: Path, steps: int, shards: int, clock: Clock, say: Callable[[str], None]) -> bool:
    """The autoencoder; whether it is done."""
    torch.manual_seed(0)
    vae = miniature.make_vae()
    optimiser = torch.optim.AdamW(vae.parameters(), VAE_RATE, weight_decay=0.01)
    path, start = folder / "vae.pt", 0
    if path.exists():
        state = torch.load(path, weights_only=True)
        vae.load_state_dict(state["vae"])
        optimiser.load_state_dict(state["optimiser"])
        start = int(state["step"])
    drawn = [load_shard(folder, number, SIDES[0]) for number in range(shards)] if start < steps else []
    step, losses = start, [0.0]
    while step < steps and clock.left():
        random = np.random.default_rng([21, step])
        picture = _crops(drawn, random)
        rate = VAE_RATE * min(1.0, (step + 1) / 50) * (0.5 + 0.5 * np.cos(np.pi * step / steps)) + 1e-5
        for group in optimiser.param_groups:
            group["lr"] = float(rate)
        loss = vae_loss(vae, picture, torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimiser.step()
        step += 1
        losses.append(float(loss.detach()))
        if step % 50 == 0:
            say(f"vae {step}: {np.mean(losses[-50:]):.4f}")
        if step % SAVE_EVERY == 0 or step == steps:
            write({"vae": vae.state_dict(), "optimiser": optimiser.state_dict(), "step": step}, path)
    return step >= steps


def vae_loss(vae: Any, picture: Tensor, generator: torch.Generator) -> Tensor:
    """How far the picture [B, 3, S, S] (-1..1) comes back, in itself, its edges and its coarser versions."""
    with torch.autocast("cpu", torch.bfloat16):
        moments = vae.encode(picture).latent_dist
        latent = moments.mean + 0.05 / miniature.SCALE * torch.randn(moments.mean.shape, generator=generator)
        back = vae.decode(latent).sample.float()
    scaled = moments.mean.float() * miniature.SCALE
    # latents of mean 0 and deviation 1, as the noise schedule expects them
    spread = (scaled.mean((0, 2, 3)) ** 2).sum() + (scaled.std((0, 2, 3)) - 1).square().sum()
    loss = (back - picture).abs().mean() + 0.01 * spread
    for axis in (2, 3):
        loss = loss + 0.5 * (back.diff(dim=axis) - picture.diff(dim=axis)).abs().mean()
    coarse = functional.avg_pool2d(back - picture, 4).abs().mean()
    return loss + coarse


def _crops(shards: list[Any], random: np.random.Generator) -> Tensor:
    parts = []
    for _ in range(VAE_BATCH):
        rgb = shards[int(random.integers(len(shards)))].rgb
        top, left = (8 * int(at) for at in random.integers(0, (rgb.shape[1] - CROP) // 8 + 1, 2))
        part = rgb[int(random.integers(SIZE)), top : top + CROP, left : left + CROP]
        parts.append(part[:, ::-1] if random.random() < 0.5 else part)
    return torch.from_numpy(np.stack(parts)).permute(0, 3, 1, 2).float() / 127.5 - 1


def latents_of(folder: Path, number: int, side: int) -> tuple[Tensor, list[str]]:
    """The latents of a shard of scenes, float16 [N, 4, S / 8, S / 8], scaled, and its captions; made once."""
    shard = load_shard(folder, number, side)
    path = folder / f"latents-{side}-{number:04d}.npy"
    if not path.exists():
        vae = miniature.make_vae()
        vae.load_state_dict(torch.load(folder / "vae.pt", weights_only=True)["vae"])
        found = []
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            for first in range(0, SIZE, 25):
                picture = torch.from_numpy(np.array(shard.rgb[first : first + 25])).permute(0, 3, 1, 2) / 127.5 - 1
                found.append(vae.encode(picture).latent_dist.mean.float() * miniature.SCALE)
        part = path.with_name(path.name + f".{os.getpid()}.part.npy")
        np.save(part, torch.cat(found).half().numpy())
        os.replace(part, path)
    return torch.from_numpy(np.load(path)), shard.captions


class Painter:
    """The UNet, the text encoder, their averages, and where the training stands."""

    def __init__(self, folder: Path, shards: int, small_steps: int) -> None:
        """Start or go on.

        Args:
            folder: of scenes, latents and states.
            shards: of a thousand scenes each.
            small_steps: steps on the smaller pictures.
        """
        torch.manual_seed(0)
        self.folder, self.shards, self.small_steps = folder, shards, small_steps
        tokens = folder / "model" / "miniature" / "tokenizer"
        miniature.write_tokenizer(tokens)
        self.tokenizer = miniature.open_tokenizer(tokens)
        self.unet = miniature.make_unet()
        self.text = miniature.make_text_encoder(len(self.tokenizer))
        self.parts = nn.ModuleList([self.unet, self.text])
        self.average = {key: value.clone() for key, value in self.parts.state_dict().items()}
        self.optimiser = torch.optim.AdamW(self.parts.parameters(), RATE, betas=(0.9, 0.98), weight_decay=0.01)
        self.step = 0
        self.empty = miniature.tokens_of(self.tokenizer, [""])[0]
        self.loaded: dict[tuple[int, int], tuple[Tensor, Tensor]] = {}
        beta = torch.linspace(SCHEDULE_START, SCHEDULE_END, 1000) ** 2
        self.kept = torch.cumprod(1 - beta, 0)
        if self.path.exists():
            state = torch.load(self.path, weights_only=True)
            self.parts.load_state_dict(state["parts"])
            self.average = state["average"]
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])

    @property
    def path(self) -> Path:
        """Of the state."""
        return self.folder / "painter.pt"

    def save(self) -> None:
        """Write the state, and the model as it is now."""
        state = {"parts": self.parts.state_dict(), "average": self.average, "step": self.step}
        write({**state, "optimiser": self.optimiser.state_dict()}, self.path)
        own = {key: value.clone() for key, value in self.parts.state_dict().items()}
        self.parts.load_state_dict(self.average)
        vae = miniature.make_vae()
        vae.load_state_dict(torch.load(self.folder / "vae.pt", weights_only=True)["vae"])
        miniature.save_model(self.folder / "model", self.unet, vae, self.text)
        self.parts.load_state_dict(own)

    def batch(self) -> tuple[Tensor, Tensor]:
        """Latents [B, 4, s, s] and tokens [B, 77] of this step of this step, some without words."""
        side = SIDES[self.step >= self.small_steps]
        random = np.random.default_rng([31, self.step])
        latents, tokens = self._shard(min(int(random.integers(self.shards)), self.step // 30), side)
        index = torch.from_numpy(random.integers(0, len(latents), BATCH))
        words = tokens[index].clone()
        words[torch.from_numpy(random.random(BATCH) < KEEP)] = self.empty
        return latents[index].float(), words

    def _shard(self, number: int, side: int) -> tuple[Tensor, Tensor]:
        if (number, side) not in self.loaded:
            latents, captions = latents_of(self.folder, number, side)
            self.loaded[number, side] = (latents, miniature.tokens_of(self.tokenizer, captions))
        return self.loaded[number, side]

    def train_step(self) -> float:
        """One update; the loss."""
        latents, words = self.batch()
        generator = torch.Generator().manual_seed(self.step)
        times = torch.randint(0, 1000, (len(latents),), generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        kept = self.kept[times].view(-1, 1, 1, 1)
        noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
        target = kept.sqrt() * noise - (1 - kept).sqrt() * latents
        with torch.autocast("cpu", torch.bfloat16):
            context = self.text(input_ids=words).last_hidden_state
            guess = self.unet(noisy, times, encoder_hidden_states=context).sample.float()
        ratio = (kept / (1 - kept)).flatten()
        weight = ratio.clamp(max=STEADY) / (ratio + 1)
        loss = (functional.mse_loss(guess, target, reduction="none").mean((1, 2, 3)) * weight).mean() / 0.35
        for group in self.optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (self.step + 1) / 100) / (1 + self.step / 6000) ** 0.5
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.parts.parameters(), 1.0)
        self.optimiser.step()
        self.step += 1
        self._follow(min(0.999, (1 + self.step) / (10 + self.step)))
        return float(loss.detach())

    def _follow(self, keep: float) -> None:
        with torch.no_grad():
            for key, value in self.parts.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)
                else:
                    self.average[key].copy_(value)


SCHEDULE_START = float(miniature.SCHEDULE["beta_start"]) ** 0.5
SCHEDULE_END = float(miniature.SCHEDULE["beta_end"]) ** 0.5


def main() -> None:
    """Train for some minutes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=60.0, help="of processor time")
    parser.add_argument("--shards", type=int, default=12, help="of a thousand scenes each")
    parser.add_argument("--vae-steps", type=int, default=1500)
    parser.add_argument("--small-steps", type=int, default=4000, help="of the UNet on small pictures")
    parser.add_argument("--steps", type=int, default=40000, help="of the UNet in all")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    clock = Clock(options.minutes)

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)

    if not train_vae(options.folder, options.vae_steps, min(4, options.shards), clock, say):
        return
    painter = Painter(options.folder, options.shards, options.small_steps)
    losses = [0.0]
    while painter.step < options.steps and clock.left():
        losses.append(painter.train_step())
        if painter.step % 25 == 0:
            say(f"unet {painter.step}: {np.mean(losses[-25:]):.4f}")
        if painter.step % SAVE_EVERY == 0:
            painter.save()
    painter.save()
    (options.folder / "training.json").write_text(json.dumps({"steps": painter.step}), encoding="utf-8")


if __name__ == "__main__":
    main()
