"""The flow network that follows a direction hint (SPADE U-Net; `motion-direction-pretrained`)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.motion.networks.spade import Condition, Spade, check_input, double_but_mask
from t2c_ext.weights.spectral import SpectralConv2d

CHANNELS = 6
STRIDE = 256
WIDTH = 32
SLOPE = 0.2


class MotionDirectionNetwork(nn.Module):
    """From a picture, a mask and a dense direction hint to a flow.

    Its state dict has the keys of the paper's `motion-direction-pretrained/latest_net_G.pth`, in their order.

    Args:
        width: channels of the first layer; 32 in the paper.
    """

    channels = CHANNELS
    stride = STRIDE

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        down = [CHANNELS, width, 2 * width, 4 * width, *[8 * width] * 5]
        for number, (inputs, outputs) in enumerate(pairwise(down), start=1):
            self.add_module(f"conv{number}", SpectralConv2d(inputs, outputs, 4, stride=2, padding=1))
        up = [8 * width, *[16 * width] * 4, 8 * width, 4 * width, 2 * width]
        for number, inputs in enumerate(up, start=1):
            outputs = 2 if number == len(up) else up[number] // 2
            self.add_module(f"dconv{number}", SpectralConv2d(inputs, outputs, 3, padding=1))
        for name, factor in _NORMS.items():
            self.add_module(name, Spade(CHANNELS, factor * width))
        self.eval()

    @torch.inference_mode()
    def forward(self, x: Tensor) -> Tensor:
        """Predict.

        Args:
            x: [N, 6, H, W]: RGB in -1..1, mask in {0, 1}, hint (dx, dy) in pixels per frame / 64. H and W are
                multiples of 256.

        Returns:
            [N, 2, H, W]: (dx, dy) in pixels per frame / 64, each in -1..1.

        Raises:
            UserError: x has another shape.
        """
        check_input(x, CHANNELS, STRIDE)
        condition = Condition(x)
        skips = [self._run("conv1", x)]
        for number, norm in enumerate(_ENCODER, start=2):
            features = self._run(f"conv{number}", functional.leaky_relu(skips[-1], SLOPE))
            skips.append(self._norm(norm, features, condition))
        deepest = self._run("conv8", functional.leaky_relu(skips[-1], SLOPE))
        features = double_but_mask(functional.relu(deepest))
        for number, norm in enumerate(_DECODER, start=1):
            features = double_but_mask(self._norm(norm, self._run(f"dconv{number}", features), condition))
            features = functional.relu(torch.cat([features, double_but_mask(skips.pop())], dim=1))
        return torch.tanh(self._run("dconv8", features))

    def _run(self, name: str, x: Tensor) -> Tensor:
        result: Tensor = self.get_submodule(name)(x)
        return result

    def _norm(self, name: str, x: Tensor, condition: Condition) -> Tensor:
        result: Tensor = self.get_submodule(name)(x, condition)
        return result


_NORMS = {
    "spade_layer": 1,
    "spade_layer2_0": 2,
    "spade_layer2_1": 2,
    "spade_layer4_0": 4,
    "spade_layer4_1": 4,
    **{f"spade_layer8_{number}": 8 for number in range(8)},
}
"""Each normalisation's channels, as a multiple of the network's width, in the checkpoint's order."""

_ENCODER = (
    "spade_layer2_0",
    "spade_layer4_0",
    "spade_layer8_0",
    "spade_layer8_1",
    "spade_layer8_2",
    "spade_layer8_3",
)
"""After conv2 to conv7; conv1 and conv8 have none."""

_DECODER = (
    "spade_layer8_4",
    "spade_layer8_5",
    "spade_layer8_6",
    "spade_layer8_7",
    "spade_layer4_1",
    "spade_layer2_1",
    "spade_layer",
)
"""After dconv1 to dconv7."""
