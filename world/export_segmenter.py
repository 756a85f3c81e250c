"""From the trained state to the file that the package carries: `python -m world.export_segmenter STATE OUT.onnx`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from world.canvas import KINDS
from world.network import MaskNetwork, Residual
from world.onnx_file import Graph

SIDE = 160
"""Side of the square that the written network sees."""


def onnx_of(network: MaskNetwork, side: int = SIDE) -> bytes:
    """The network as ONNX: "picture" [1, 3, side, side], 0..1, to "logits" [1, 11, side / 2, side / 2]."""
    graph = Graph()
    scale = graph.convolve("picture", np.eye(3, dtype=np.float32)[:, :, None, None] * 4, np.full(3, -2, np.float32))
    x = _block(graph, scale, network.stem)
    kept = [x]
    for level in network.down:
        for part in level:
            x = _residual(graph, x, part) if isinstance(part, Residual) else _block(graph, x, part)
        kept.append(x)
    whole = graph.convolve(graph.operator("GlobalAveragePool", [x]), *_plain(network.whole))
    # OpenCV 5 takes an addition that broadcasts for one that it can fuse
    x = graph.operator("Relu", [graph.operator("Add", [x, graph.larger(whole, side // 32)])])
    for number, level in enumerate(network.up):
        joined = graph.operator("Concat", [graph.larger(x), kept[-2 - number]], axis=1)
        x = _block(graph, joined, level)
    logits = graph.convolve(x, *_plain(network.head))
    return graph.model(("picture", (1, 3, side, side)), (logits, (1, len(KINDS), side // 2, side // 2)))


def _residual(graph: Graph, x: str, part: Residual) -> str:
    inner = _block(graph, x, part.first)
    outer = graph.convolve(inner, *_folded(part.second[0], part.second[1]))
    return graph.operator("Relu", [graph.operator("Add", [x, outer])])


def _block(graph: Graph, x: str, part: nn.Sequential) -> str:
    convolution = part[0]
    return graph.operator("Relu", [graph.convolve(x, *_folded(convolution, part[1]), convolution.stride[0])])


def _plain(convolution: nn.Conv2d) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    return convolution.weight.detach().numpy(), convolution.bias.detach().numpy()


def _folded(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weight and bias of the convolution and its normalisation as one."""
    scale = (norm.weight / torch.sqrt(norm.running_var + norm.eps)).detach()
    weight = convolution.weight.detach() * scale[:, None, None, None]
    bias = norm.bias.detach() - norm.running_mean * scale
    return weight.numpy(), bias.numpy()


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--side", type=int, default=SIDE)
    options = parser.parse_args()
    network = MaskNetwork()
    network.load_state_dict(torch.load(options.state, weights_only=True)["average"])
    options.out.write_bytes(onnx_of(network.eval(), options.side))


if __name__ == "__main__":
    main()
