"""The video network as its checkpoint has it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from t2c_ext.loop.paper import alpha
from t2c_ext.loop.synthesis import decoder, encoder
from t2c_ext.loop.synthesis.decoder import Decoder
from t2c_ext.loop.synthesis.encoder import Encoder
from t2c_ext.loop.synthesis.euler import Particles
from t2c_ext.loop.synthesis.splatting import blend_sum, divide, weigh_
from t2c_ext.weights.states import fill_module, load_state


class VideoNetwork(nn.Module):
    """Encoder, softmax splatting forward and backward, decoder; for inference.

    The state dict has the keys and shapes of the paper's `video-pretrained/latest_net_G.pth`. `forward` is the plain
    way, one frame at a time; `clip.Clip` makes the frames of a clip with far less work.

    Args:
        encoder, decoder: channels before and after each block; the encoder ends with one more than the decoder begins.
    """

    def __init__(self, encoder: Sequence[int] = encoder.WIDTHS, decoder: Sequence[int] = decoder.WIDTHS) -> None:
        super().__init__()
        self.encoder = Encoder(encoder)
        self.projector = Decoder(decoder)
        self.eval()

    @torch.inference_mode()
    def forward(self, inputs: Tensor, index: tuple[int, int, int]) -> Tensor:
        """One frame between a start and an end picture.

        Args:
            inputs: [1, 8, H, W]: start picture and end picture, -1..1, and flow (dx, dy) in pixels per frame; H and W
                are multiples of 4.
            index: numbers of the start, the wanted and the end frame.

        Returns:
            [1, 3, H, W], -1..1.
        """
        start, middle, end = index
        flow = inputs[0, 6:].movedim(0, -1)
        weighed, warps = [], []
        for picture, field, steps in (
            (inputs[:, :3], flow, middle - start),
            (inputs[:, 3:6], -flow, end + 1 - middle),
        ):
            weighed.append(weigh_(self.encoder(picture)[0].movedim(0, -1).contiguous()))
            particles = Particles(field)
            for _ in range(steps):
                particles.step()
            warps.append(particles.displacement())
        share = float(alpha(middle - start, end - start + 1))
        blended = divide(blend_sum(weighed, (warps[0], warps[1]), share))
        return torch.tanh(self.projector(blended.movedim(-1, 0)[None]))


def load_video_network(path: Path) -> VideoNetwork:
    """The network with the weights of a checkpoint (a pickle or safetensors), float32 on the CPU.

    Raises:
        UserError: the file cannot be read, or is not the checkpoint of this network.
    """
    network = VideoNetwork()
    fill_module(network, load_state(path), path)
    return network.requires_grad_(False)
