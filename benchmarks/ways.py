"""The loop stages that are compared: ours, the paper's way in plain torch, and a backward-warp cross-fade.

Each takes the same picture, mask and flow and yields uint8 [H, W, 3] frames. The other two are written as one would
write them from the paper's description, without any of our code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.loop.render import render_loop
from t2c_ext.settings import LoopSettings


@dataclass(frozen=True)
class Input:
    """A picture float32 [H, W, 3], a mask float32 [H, W], a flow float32 [H, W, 2] in pixels per frame."""

    picture: np.ndarray
    mask: np.ndarray
    flow: np.ndarray


def make_input(height: int, width: int, speed: float = 1.0) -> Input:
    """A textured picture whose lower half flows in smooth curves; the median speed is `speed` at 512."""
    random = np.random.default_rng(3)
    picture = np.zeros((height, width, 3), np.float32)
    for cells in (8, 32, 128):
        lattice = random.random((cells, cells, 3), np.float32)
        picture += cv2.resize(lattice, (width, height), interpolation=cv2.INTER_CUBIC) / 3
    ys, xs = np.mgrid[:height, :width].astype(np.float32)
    mask = np.clip((ys / height - 0.5) * height / 4, 0, 1)
    turn = 0.6 * np.sin(xs / width * 6) + 0.4 * np.cos(ys / height * 5)
    flow = np.stack([np.cos(turn), np.sin(turn)], axis=2) * np.float32(speed * min(height, width) / 512)
    return Input(np.clip(picture, 0, 1), mask, (flow * (mask > 0)[..., None]).astype(np.float32))


def ours(given: Input, count: int, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """The product's default; it makes every frame, whatever is `wanted`."""
    yield from render_loop(given.picture, given.mask, given.flow, LoopSettings(frames=count), seed=0).frames()


def paper(given: Input, count: int, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """The paper's symmetric splatting (sections 3.4 and A), on RGB instead of network features.

    Every frame integrates the flow anew (t steps forward, N - t backward, nearest look-up, points that leave are
    dropped), splats both copies with `index_add_` of bilinear weights, and cross-fades them by alpha = 1 - t / N.
    """
    import torch

    height, width = given.mask.shape
    flow = torch.from_numpy(given.flow).permute(2, 0, 1)
    pixels = torch.from_numpy(given.picture).permute(2, 0, 1).reshape(3, -1)
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    grid = torch.stack([xs, ys]).float()
    mask = torch.from_numpy(given.mask)

    def integrate(velocity: torch.Tensor, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
        place, seen = grid.clone(), torch.ones(height, width, dtype=torch.bool)
        for _ in range(steps):
            near = place.round().long()
            seen &= (near[0] >= 0) & (near[0] < width) & (near[1] >= 0) & (near[1] < height)
            near[0].clamp_(0, width - 1)
            near[1].clamp_(0, height - 1)
            place = place + velocity[:, near[1], near[0]]
        return place, seen

    def splat(place: torch.Tensor, share: torch.Tensor, total: torch.Tensor) -> None:
        corner = place.floor()
        rest = place - corner
        for dx in (0, 1):
            for dy in (0, 1):
                column, row = corner[0].long() + dx, corner[1].long() + dy
                weight = (rest[0] if dx else 1 - rest[0]) * (rest[1] if dy else 1 - rest[1]) * share
                inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
                weight = (weight * inside).reshape(-1)
                index = (row.clamp(0, height - 1) * width + column.clamp(0, width - 1)).reshape(-1)
                total.index_add_(1, index, torch.cat([pixels * weight, weight[None]]))

    with torch.inference_mode():
        for frame in wanted:
            alpha = 1 - frame / count
            total = torch.zeros(4, height * width)
            for velocity, steps, share in ((flow, frame, alpha), (-flow, count - frame, 1 - alpha)):
                place, seen = integrate(velocity, steps)
                splat(place, seen.float() * share, total)
            blended = (total[:3] / total[3:].clamp_min(1e-8)).reshape(3, height, width)
            still = pixels.reshape(3, height, width)
            merged = still + (blended - still) * mask
            yield (merged.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()


def backward(given: Input, count: int, wanted: Sequence[int]) -> Iterator[np.ndarray]:
    """Two backward warps with bilinear look-ups, cross-faded; all displacements are made once, and held."""
    height, width = given.mask.shape
    ys, xs = np.mgrid[:height, :width].astype(np.float32)

    def paths(velocity: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        result = [(xs, ys)]
        for _ in range(count):
            x, y = result[-1]
            step = cv2.remap(velocity, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            result.append((x + step[..., 0], y + step[..., 1]))
        return result

    before, after = paths(-given.flow), paths(given.flow)
    for frame in wanted:
        alpha = 1 - frame / count
        warps = (
            cv2.remap(given.picture, *path, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            for path in (before[frame], after[count - frame])
        )
        blended = alpha * next(warps) + (1 - alpha) * next(warps)
        merged = given.picture + (blended - given.picture) * given.mask[..., None]
        yield np.rint(np.clip(merged, 0, 1) * 255).astype(np.uint8)


WAYS: dict[str, Callable[[Input, int, Sequence[int]], Iterator[np.ndarray]]] = {
    "ours": ours,
    "paper": paper,
    "backward": backward,
}
