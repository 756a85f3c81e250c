"""Euler integration of a stationary field on any device, bit for bit as the paper's (see `loop.paper`)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor


class Particles:
    """A particle that starts on every pixel of a field and follows it, one step at a time.

    Look-ups are at the nearest pixel, half to even. One that has ever left the frame is gone, and its displacement is
    max(H, W) + 1 in both directions, which throws it out of any splat.

    Args:
        flow: float32 [h, w, 2], (dx, dy) in pixels per step: of the whole picture, or of a part that no particle
            leaves but by the picture's border.
        origin: row and column of the part's first pixel.
        size: H and W of the picture; the flow's own when None.
    """

    def __init__(self, flow: Tensor, origin: tuple[int, int] = (0, 0), size: tuple[int, int] | None = None) -> None:
        height, width = flow.shape[:2]
        rows, columns = (
            torch.arange(first, first + side, device=flow.device, dtype=torch.float32)
            for first, side in zip(origin, (height, width), strict=True)
        )
        full = size or (height, width)
        self._flow = flow.reshape(-1, 2)
        self._columns = width
        self._first = origin[0] * width + origin[1]
        self._start = torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)], -1)
        self._last = torch.tensor([full[1] - 1, full[0] - 1], dtype=torch.float32, device=flow.device)
        self._outside = float(max(full) + 1)
        self.place = self._start
        self.visible = torch.ones((height, width), dtype=torch.bool, device=flow.device)

    def step(self) -> None:
        """Move on by one step."""
        near = self.place.round().long()
        place = self.place + self._flow[near[..., 1] * self._columns + near[..., 0] - self._first]
        self.visible = self.visible & ((place >= 0) & (place <= self._last)).all(-1)
        # back on the start, where the look-up is legal
        self.place = torch.where(self.visible[..., None], place, self._start)

    def displacement(self) -> Tensor:
        """float32 [h, w, 2], (dx, dy) from the start."""
        return (self.place - self._start).masked_fill(~self.visible[..., None], self._outside)

    def state(self) -> tuple[Tensor, Tensor]:
        """What `restore` takes; steps leave it unchanged."""
        return self.place, self.visible

    def restore(self, state: tuple[Tensor, Tensor]) -> None:
        """Go back to where `state` was taken."""
        self.place, self.visible = state


def displacements(particles: Particles, steps: int) -> Iterator[Tensor]:
    """Displacements after 0, 1, ... `steps` steps, each float32 [h, w, 2], at the cost of `steps` steps in all."""
    yield particles.displacement()
    for _ in range(steps):
        particles.step()
        yield particles.displacement()


def reversed_displacements(particles: Particles, steps: int) -> Iterator[Tensor]:
    """Displacements after `steps`, `steps` - 1, ... 1 steps.

    Every sqrt(steps)-th state is kept and those between are made again, so that memory grows with the root only.
    """
    stride = max(1, round(steps**0.5))
    kept = []
    for step in range(steps):
        if step % stride == 0:
            kept.append((step, particles.state()))
        particles.step()
    end = steps
    while kept:
        start, state = kept.pop()
        particles.restore(state)
        made = []
        for _ in range(start, end):
            particles.step()
            made.append(particles.state())
        while made:
            particles.restore(made.pop())
            yield particles.displacement()
        end = start
