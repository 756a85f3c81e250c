"""From the trained state to the file that the package carries: `python -m world.export_segmenter STATE OUT`.

OUT is an ONNX file of the small network, or the arrays (.npz) that `lite` adds to the features that it builds on.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from t2c_ext.region.segmenters.onnx_file import Graph
from world.canvas import KINDS
from world.network import MaskNetwork, Residual

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


def own_arrays(state: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """What is learnt of `lite`: the decoder, in half precision, and the features' scales and shifts.

    The convolutions, means and variances of the features are left out: they are as their own file has them.
    """
    found = {}
    for name, value in state.items():
        is_norm = "._bn" in name and name.endswith((".weight", ".bias"))
        if (not name.startswith("features.") or is_norm) and value.is_floating_point():
            found[name] = value.numpy().astype(np.float16 if value.ndim > 1 else np.float32)
    return found


def main() -> None:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--side", type=int, default=SIDE)
    options = parser.parse_args()
    average = torch.load(options.state, weights_only=True)["average"]
    if options.out.suffix == ".npz":
        np.savez(options.out, **own_arrays(average))
        return
    network = MaskNetwork()
    network.load_state_dict(average)
    options.out.write_bytes(onnx_of(network.eval(), options.side))


if __name__ == "__main__":
    main()
