"""Muon (Jordan et al. 2024) for matrices and convolutions, AdamW for all else: small networks learn twice as fast."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from world.precision import quick_dtype


class Muon:
    """Both optimisers as one.

    A matrix's update is made orthogonal, and as large as AdamW's would be (Liu et al. 2025), so that one learning rate
    serves both.
    """

    def __init__(self, named: Iterable[tuple[str, nn.Parameter]], rate: float, *, decay: float = 0.01) -> None:
        """Take the parameters with their names.

        Args:
            named: of a module.
            rate: learning rate.
            decay: of weights.
        """
        pairs = list(named)
        self.rate, self.decay = rate, decay
        self.matrices = [weight for name, weight in pairs if weight.ndim > 1 and "embedding" not in name]
        own = {id(weight) for weight in self.matrices}
        others = [weight for _, weight in pairs if id(weight) not in own]
        self.adam = torch.optim.AdamW(others, rate, betas=(0.9, 0.98), weight_decay=0.0)
        self.momenta = [torch.zeros_like(weight) for weight in self.matrices]

    def step(self, rate: float) -> None:
        """Update every parameter, and forget the gradients."""
        for group in self.adam.param_groups:
            group["lr"] = rate
        self.adam.step()
        with torch.no_grad():
            for weight, momentum in zip(self.matrices, self.momenta, strict=True):
                if weight.grad is None:
                    continue
                momentum.lerp_(weight.grad, 0.05)
                mixed = weight.grad.lerp(momentum, 0.95).flatten(1)
                update = orthogonal(mixed) * (0.2 * max(mixed.shape) ** 0.5)
                weight.mul_(1 - rate * self.decay).add_(update.view_as(weight), alpha=-rate)
                weight.grad = None
        self.adam.zero_grad()

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on."""
        return {"adam": self.adam.state_dict(), "momenta": self.momenta}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on."""
        self.adam.load_state_dict(state["adam"])
        for own, other in zip(self.momenta, state["momenta"], strict=True):
            own.copy_(other)


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix with the same singular vectors, whose singular values are all near 1.

    Newton-Schulz, five rounds with Jordan's three numbers.
    """
    wide = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if wide else matrix).to(quick_dtype())
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x.T if wide else x).float()
