"""How well a model's words know where their things are: `python -m world.localise MODEL.safetensors [--count 60]`.

One pass over the latent of each of some paintings that no training saw, noised to step 100 of 1000, with its caption;
each word's cross-attention, averaged over heads and layers of 8 x 8 and finer, is compared with its thing's mask: the
area under the ROC curve, and the intersection over union at that share of the maximum, one for all, that serves best.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from torch.nn import functional

from t2c_ext.twin.diffusion.components import Components, Placement
from t2c_ext.twin.diffusion.latents import encode
from t2c_ext.twin.diffusion.load import load_model
from world.attention import AttentionMaps, TaughtWords
from world.lessons import FIRST_HELD_OUT, WORDINGS, make_lesson
from world.miniature import SCHEDULE
from world.textures import Array

STEP = 100
"""Of the model's 1000, as much noise as `twin.diffusion.grounding` looks through."""

THRESHOLDS = np.linspace(0.1, 0.9, 17)


def maps_and_masks(components: Components, count: int) -> list[tuple[Array, Array]]:
    """The attention of each taught word, float32 [32, 32], 0..1, and its thing's mask, bool [32, 32]."""
    (encoder,) = components.encoders
    words = TaughtWords(encoder.tokenizer)
    first, last = (SCHEDULE[name] ** 0.5 for name in ("beta_start", "beta_end"))
    kept = torch.cumprod(1 - torch.linspace(first, last, SCHEDULE["num_train_timesteps"]) ** 2, 0)[STEP]
    found = []
    for number in range(count):
        lesson = make_lesson(FIRST_HELD_OUT + number)
        masks = functional.adaptive_avg_pool2d(torch.from_numpy(lesson.masks)[None], 32)[0]
        tokens = encoder.tokenizer(
            lesson.captions[WORDINGS], max_length=77, padding="max_length", truncation=True, return_tensors="pt"
        ).input_ids
        latent = encode(components, lesson.painting)
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(number))
        with torch.no_grad(), AttentionMaps(components.unet) as maps:
            context = encoder.model(input_ids=tokens).last_hidden_state
            components.unet(kept.sqrt() * latent + (1 - kept).sqrt() * noise, STEP, encoder_hidden_states=context)
        levels = np.round(masks.numpy() * 255).astype(np.uint8)[None]
        for _, place, mask in words.masks(tokens, [lesson.things], levels, False):
            layers = [one[0, :, place] for one in maps.found if one.shape[1] >= 64]
            sized = [one.view(1, 1, round(one.numel() ** 0.5), -1) for one in layers]
            mean = torch.stack(
                [functional.interpolate(one / one.max(), (32, 32), mode="bilinear") for one in sized]
            ).mean(0)
            found.append(((mean / mean.max())[0, 0].numpy(), mask.numpy() > 0.5))
    return found


def area_under_curve(scores: Array, truth: Array) -> float:
    """The chance that a place inside has a higher score than one outside."""
    ranks = scores.ravel().argsort().argsort() + 1
    inside = int(truth.sum())
    outside = truth.size - inside
    return float((ranks[truth.ravel()].sum() - inside * (inside + 1) / 2) / max(inside * outside, 1))


def main() -> None:
    """Print the two measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--count", type=int, default=60)
    options = parser.parse_args()
    torch.set_num_threads(1)
    components = load_model(options.model, Placement(torch.device("cpu"), torch.float32))
    pairs = [(scores, truth) for scores, truth in maps_and_masks(components, options.count) if truth.any()]
    areas = [area_under_curve(scores, truth) for scores, truth in pairs]
    overlaps = [
        np.mean([np.sum((scores > level) & truth) / np.sum((scores > level) | truth) for scores, truth in pairs])
        for level in THRESHOLDS
    ]
    best = int(np.argmax(overlaps))
    print(f"{len(pairs)} words: AUC {np.mean(areas):.3f}, IoU {overlaps[best]:.3f} at {THRESHOLDS[best]:.2f}")


if __name__ == "__main__":
    main()
