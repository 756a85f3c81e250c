"""The flow network that follows the words (SPADE U-Net with cross-attention; `motion-pretrained`)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.errors import UserError
from t2c_ext.motion.networks.spade import Condition, Spade, check_input, double
from t2c_ext.motion.networks.transformer import CONTEXT, SpatialTransformer

CHANNELS = 4
STRIDE = 64
WIDTH = 320
SLOPE = 0.2

_SLICE = 128


@dataclass(frozen=True)
class _Step:
    """One convolution and what goes with it.

    Attributes:
        factor: its output channels, as a multiple of the network's width.
        resample: halve after it (encoder), or double before it (decoder).
        norm: its SPADE normalisation, or "".
        attention: its transformer, or "".
    """

    factor: int
    resample: bool
    norm: str = ""
    attention: str = ""


_ENCODER = (
    _Step(1, True),
    _Step(1, True, "spade_layer2_0"),
    _Step(2, True, "spade_layer4_0"),
    _Step(2, True, "spade_layer8_0", "attn_input_block_1"),
    _Step(2, False, "spade_layer8_1", "attn_input_block_2"),
    _Step(4, True, "spade_layer8_2", "attn_input_block_3"),
    _Step(4, False, "spade_layer8_3", "attn_input_block_4"),
    _Step(4, True, "", "attn_middle_block"),
)

_DECODER = (
    _Step(4, True, "spade_layer8_4", "attn_output_block_4"),
    _Step(4, False, "spade_layer8_5", "attn_output_block_3"),
    _Step(2, True, "spade_layer8_6", "attn_output_block_2"),
    _Step(2, False, "spade_layer8_7", "attn_output_block_1"),
    _Step(2, True, "spade_layer4_1"),
    _Step(1, True, "spade_layer2_1"),
    _Step(1, True, "spade_layer"),
)


class MotionTextNetwork(nn.Module):
    """From a picture, a mask and the embedding of a text to a flow.

    Its state dict has the keys of the paper's `motion-pretrained/latest_net_G.pth`, in their order.

    Args:
        width: channels of the first layer, a multiple of 32; 320 in the paper.
    """

    channels = CHANNELS
    stride = STRIDE

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        steps = (*_ENCODER, *_DECODER)
        down = [CHANNELS, *(step.factor * width for step in _ENCODER)]
        for number, (inputs, outputs) in enumerate(pairwise(down), start=1):
            self.add_module(f"conv{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
        for step in steps:
            if step.attention:
                self.add_module(step.attention, SpatialTransformer(step.factor * width))
        # each step of the decoder is as wide as the encoder's that it is joined with
        up = [down[-1], *(2 * step.factor * width for step in _DECODER)]
        for number, inputs in enumerate(up, start=1):
            outputs = 2 if number == len(up) else up[number] // 2
            self.add_module(f"dconv{number}", nn.Conv2d(inputs, outputs, 3, padding=1))
        for step in sorted((step for step in steps if step.norm), key=lambda step: step.norm):
            self.add_module(step.norm, Spade(CHANNELS, step.factor * width))
        self.eval()

    @torch.inference_mode()
    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        """Predict.

        Args:
            x: [N, 4, H, W]: RGB in -1..1, mask in {0, 1}. H and W are multiples of 64.
            context: [N, 77, 768]: the text encoder's last hidden state, padding included.

        Returns:
            [N, 2, H, W]: (dx, dy) in pixels per frame / 64, each in -1..1.

        Raises:
            UserError: x or context has another shape.
        """
        check_input(x, CHANNELS, STRIDE)
        if context.ndim != 3 or context.shape[0] != x.shape[0] or context.shape[2] != CONTEXT:
            raise UserError(
                f"this flow network takes words as [{x.shape[0]}, 77, {CONTEXT}], not {list(context.shape)}; "
                "use the text encoder of Stable Diffusion 1 (CLIP ViT-L/14)"
            )
        condition = Condition(x)
        skips: list[Tensor] = []
        features = x
        for number, step in enumerate(_ENCODER, start=1):
            active = functional.leaky_relu(features, SLOPE) if skips else features
            features = self.get_submodule(f"conv{number}")(active)
            features = functional.avg_pool2d(features, 2) if step.resample else features
            features = self._refine(step, features, condition, context)
            skips.append(features)
        skips.pop()
        for number, step in enumerate(_DECODER, start=1):
            active = functional.relu(features)
            features = self.get_submodule(f"dconv{number}")(double(active) if step.resample else active)
            features = torch.cat([self._refine(step, features, condition, context), skips.pop()], dim=1)
        return torch.tanh(self._out(functional.relu(features)))

    def _refine(self, step: _Step, x: Tensor, condition: Condition, context: Tensor) -> Tensor:
        if step.norm:
            x = self.get_submodule(step.norm)(x, condition)
        if step.attention:
            x = self.get_submodule(step.attention)(x, context)
        return x

    def _out(self, x: Tensor) -> Tensor:
        """The last convolution of x at twice its size, some channels at a time: all would take 670 MB at 512."""
        layer = self.get_submodule("dconv8")
        weight, bias = layer.get_parameter("weight"), layer.get_parameter("bias")
        total = torch.zeros_like(bias[:, None, None])
        for part, taps in zip(torch.split(x, _SLICE, dim=1), torch.split(weight, _SLICE, dim=1), strict=True):
            total = total + functional.conv2d(double(part), taps, padding=1)
        return total + bias[:, None, None]
