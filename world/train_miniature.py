"""Trains the miniature Stable Diffusion: `python -m world.train_miniature FOLDER`, again to go on where it stood.

Four stages: the autoencoder on parts of lessons; the UNet with its text encoder, first on small pictures, which teach
the same for a fifth of the time, then on those of full size; on the last of these also its attention, by the lessons'
masks; the decoder once more. With --onward the model that ships is what learning goes on from, on pictures of full
size alone. Seeded; only lessons of `world` are seen. FOLDER/model holds what
`t2c generate --model` loads, FOLDER/model-unsupervised what it was before its attention was taught, FOLDER/package what
ships with the package.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from world import autoencoder, miniature
from world.attention import AttentionMaps, TaughtWords, attention_loss
from world.lessons import SIZE, WORDINGS, Shard, load_shard
from world.optimiser import Muon

SIDES = (128, 256)
"""Sides of the pictures, in pixels, that the UNet learns from at first and later."""

BATCHES = (32, 12)
RATES = (2e-3, 1e-3)
"""Highest learning rate on small pictures, and on those of full size."""

KEEP = 0.1
"""Share of captions that are left out, so that guidance has something to lead away from."""

STEADY = 5.0
"""Weights of time steps follow min-SNR (Hang et al. 2023) with this bound, in its form for v."""

ATTENTION = 0.3
"""Weight of what the masks say."""

VAE_SHARDS = 2
"""That the autoencoder learns from."""

SAVE_EVERY = 100
MOVING = ("river", "river", "lake", "sea", "waterfall", "fire", "smoke", "smoke", "clouds")
"""What pictures of full size show equally often, rivers and smoke, which are the hardest, twice so."""

LARGE_SHARDS = 12
"""Shards whose pictures of full size are learnt from; their latents take long to make."""

FLIPPED_AFTER = 400
"""Steps until mirrored pictures are seen as well."""


@dataclass(frozen=True)
class Plan:
    """How long to train.

    Attributes:
        shards: of lessons.
        vae: steps of the autoencoder.
        small: steps of the UNet on small pictures.
        large: steps after these on pictures of full size.
        taught: how many of the last of these teach attention.
        decoder: steps of the decoder alone; what ships had but one, for want of time.
    """

    shards: int = 24
    vae: int = 1100
    small: int = 1400
    large: int = 620
    taught: int = 250
    decoder: int = 1


class Painter:
    """The UNet, the text encoder, their averages, and where the training stands."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        """Start or go on.

        Args:
            folder: of lessons, latents and states.
            plan: how long.
        """
        torch.manual_seed(0)
        self.folder, self.plan = folder, plan
        tokens = folder / "model" / "tokenizer"
        miniature.write_tokenizer(tokens)
        self.tokenizer = miniature.open_tokenizer(tokens)
        self.unet = miniature.make_unet().to(memory_format=torch.channels_last)
        self.text = miniature.make_text_encoder(len(self.tokenizer))
        self.parts = nn.ModuleList([self.unet, self.text])
        self.average = {key: value.clone() for key, value in self.parts.state_dict().items()}
        self.optimiser = Muon(self.parts.named_parameters(), RATES[0])
        self.step = 0
        self.empty = miniature.tokens_of(self.tokenizer, [""])[0]
        self.words = TaughtWords(self.tokenizer)
        self.latents: dict[tuple[int, int, bool], Tensor] = {}
        self.loaded: dict[int, Shard] = {}
        self.captions: dict[tuple[int, bool], Tensor] = {}
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

    @property
    def large(self) -> bool:
        """Whether pictures have full size by now."""
        return self.step >= self.plan.small

    @property
    def taught(self) -> bool:
        """Whether attention is taught by now."""
        return self.step >= self.plan.small + self.plan.large - self.plan.taught

    @property
    def done(self) -> bool:
        """Whether all steps are made."""
        return self.step >= self.plan.small + self.plan.large

    def save(self) -> None:
        """Write the state, and the model as it is now."""
        state = {"parts": self.parts.state_dict(), "average": self.average, "step": self.step}
        autoencoder.write({**state, "optimiser": self.optimiser.state_dict()}, self.path)
        self.export(self.folder / "model")

    def export(self, folder: Path, small: bool = False) -> None:
        """Write the averaged model as one file, with its tokenizer; with `small` in eight bits."""
        unet, text = miniature.make_unet(), miniature.make_text_encoder(len(self.tokenizer))
        nn.ModuleList([unet, text]).load_state_dict(self.average)
        miniature.forget_unseen(text, self.tokenizer)
        vae = miniature.make_vae()
        path = next(path for name in ("decoder.pt", "vae.pt") if (path := self.folder / name).exists())
        vae.load_state_dict(torch.load(path, weights_only=True)["averaged"])
        miniature.save_model(folder, unet, vae, text, small=small)

    def train_step(self) -> tuple[float, float]:
        """One update; how far the guess was, and how far attention is from the masks (0 where it is not taught)."""
        random = np.random.default_rng([31, self.step])
        large, count = self.large, BATCHES[self.large]
        number = int(random.integers(min(self.plan.shards, LARGE_SHARDS if large else 2 + self.step // 15)))
        flipped = bool(random.random() < 0.5) and self.step > FLIPPED_AFTER and not large
        index = torch.from_numpy(self._chosen(number, count, random) if large else random.integers(0, 2 * SIZE, count))
        latents = self._latents(number, SIDES[large], flipped)[index].float()
        wording = torch.from_numpy(random.integers(0, WORDINGS, count))
        tokens = self._captions(number, flipped)[index, wording]
        tokens[torch.from_numpy(random.random(count) < KEEP)] = self.empty
        generator = torch.Generator().manual_seed(self.step)
        times = torch.randint(0, 1000, (count,), generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        kept = self.kept[times].view(-1, 1, 1, 1)
        noisy = (kept.sqrt() * latents + (1 - kept).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        target = kept.sqrt() * noise - (1 - kept).sqrt() * latents
        context = self.text(input_ids=tokens).last_hidden_state
        with AttentionMaps(self.unet, self.taught) as maps:
            guess = self.unet(noisy, times, encoder_hidden_states=context).sample
        ratio = (kept / (1 - kept)).flatten()
        weight = ratio.clamp(max=STEADY) / (ratio + 1)
        far = (functional.mse_loss(guess, target, reduction="none").mean((1, 2, 3)) * weight).mean() / 0.35
        apart = torch.zeros(())
        if self.taught:
            shard = self._shard(number)
            masks = self.words.masks(tokens, [shard.things[n // 2] for n in index], shard.masks[index // 2], flipped)
            apart = attention_loss(maps.found, masks, times)
        (far + ATTENTION * apart).backward()
        nn.utils.clip_grad_norm_(self.parts.parameters(), 1.0)
        self.optimiser.step(self._rate())
        self.step += 1
        self._follow(min(0.995, (1 + self.step) / (10 + self.step)))
        return float(far.detach()), float(apart.detach())

    def _chosen(self, number: int, count: int, random: np.random.Generator) -> NDArray[np.int64]:
        """Places in a shard such that each thing that moves is seen as often as the others."""
        things = self._shard(number).things
        showing = [[place for place, names in enumerate(things) if word in names] for word in MOVING]
        showing = [places for places in showing if places]
        if not showing:
            return random.integers(0, 2 * SIZE, count)
        layouts = [
            places[int(random.integers(len(places)))]
            for places in (showing[int(random.integers(len(showing)))] for _ in range(count))
        ]
        return 2 * np.array(layouts, np.int64) + random.integers(0, 2, count)

    def _shard(self, number: int) -> Shard:
        if number not in self.loaded:
            self.loaded[number] = load_shard(self.folder, number)
        return self.loaded[number]

    def _latents(self, number: int, side: int, flipped: bool) -> Tensor:
        key = (number, side, flipped)
        if key not in self.latents:
            self.latents[key] = autoencoder.latents_of(self.folder, number, side, flipped)
        return self.latents[key]

    def _captions(self, number: int, flipped: bool) -> Tensor:
        """Tokens of a shard, int64 [2 * SIZE, WORDINGS, 77]; left and right change places where it is flipped."""
        if (number, flipped) not in self.captions:
            texts = [text for wordings in self._shard(number).captions for text in wordings]
            if flipped:
                swap = {"left": "right", "right": "left", "left,": "right,", "right,": "left,"}
                texts = [" ".join(swap.get(word, word) for word in text.split(" ")) for text in texts]
            tokens = miniature.tokens_of(self.tokenizer, texts)
            self.captions[number, flipped] = tokens.view(-1, WORDINGS, tokens.shape[-1])
        return self.captions[number, flipped]

    def _rate(self) -> float:
        """Warm up, go down to a tenth on small pictures; on large ones start again lower and end near nothing."""
        plan = self.plan
        if not self.large:
            share = self.step / plan.small
            return RATES[0] * min(1.0, (self.step + 1) / 60) * (0.15 + 0.85 * (0.5 + 0.5 * math.cos(math.pi * share)))
        share = (self.step - plan.small) / plan.large
        return RATES[1] * min(1.0, (self.step - plan.small + 1) / 50) * (0.03 + 0.97 * (1 - share))

    def _follow(self, keep: float) -> None:
        with torch.no_grad():
            for key, value in self.parts.state_dict().items():
                if value.is_floating_point():
                    self.average[key].lerp_(value, 1 - keep)
                else:
                    self.average[key].copy_(value)


SCHEDULE_START = float(miniature.SCHEDULE["beta_start"]) ** 0.5
SCHEDULE_END = float(miniature.SCHEDULE["beta_end"]) ** 0.5


def go_on_from_shipped(folder: Path, plan: Plan) -> None:
    """Write states as if the model that ships had been trained in this folder up to its pictures of full size.

    The optimisers' memories are not shipped; they begin anew. Does nothing where states are there already.
    """
    from t2c_ext.twin.diffusion.components import Placement
    from t2c_ext.twin.diffusion.load import load_model

    if (folder / "painter.pt").exists():
        return
    shipped = load_model("miniature", Placement(torch.device("cpu"), torch.float32))
    vae = {key: value.clone() for key, value in shipped.vae.state_dict().items()}
    autoencoder.write({"vae": vae, "averaged": vae, "optimiser": {}, "step": plan.vae}, folder / "vae.pt")
    painter = Painter(folder, plan)
    painter.unet.load_state_dict(shipped.unet.state_dict())
    painter.text.load_state_dict(shipped.encoders[0].model.state_dict())
    painter.average = {key: value.clone() for key, value in painter.parts.state_dict().items()}
    painter.step = plan.small
    painter.save()


def train_painter(folder: Path, plan: Plan, say: Callable[[str], None]) -> None:
    """The UNet and the text encoder."""
    painter = Painter(folder, plan)
    found: list[tuple[float, float]] = []
    while not painter.done:
        if painter.taught and not (folder / "model-unsupervised").exists():
            painter.export(folder / "model-unsupervised")
        found.append(painter.train_step())
        if painter.step % 25 == 0:
            far, apart = np.mean(found[-25:], axis=0)
            say(f"unet {painter.step}: {far:.4f}" + (f", attention {apart:.3f}" if painter.taught else ""))
        if painter.step % SAVE_EVERY == 0:
            painter.save()
    painter.save()


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    for name, value in vars(Plan()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--onward", action="store_true", help="go on from the model that ships")
    options = parser.parse_args()
    plan = Plan(**{name: getattr(options, name) for name in vars(Plan())})
    torch.set_num_threads(1)

    def say(text: str) -> None:
        print(f"{time.strftime('%H:%M:%S')} {time.process_time():.0f} s {text}", flush=True)

    options.folder.mkdir(parents=True, exist_ok=True)
    if options.onward:
        go_on_from_shipped(options.folder, plan)
    autoencoder.train(options.folder, plan.vae, min(VAE_SHARDS, plan.shards), say)
    train_painter(options.folder, plan, say)
    autoencoder.train(options.folder, plan.decoder, plan.shards, say, decoder_only=True)
    painter = Painter(options.folder, plan)
    painter.export(options.folder / "model")
    painter.export(options.folder / "package", small=True)


if __name__ == "__main__":
    main()
