"""The bundled example: a painted river valley, with its true regions and its true motion.

It was drawn by `examples/draw_example.py`, so that what the stages find can be compared with the truth.
"""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.types import ByteArray, FloatArray


@dataclass(frozen=True)
class Example:
    """The example's parts.

    Attributes:
        picture: uint8 [H, W, 3].
        masks: float32 [H, W], 0..1, by region ("clouds", "river", "waterfall"): the share of the pixel that shows it.
        flow: float32 [H, W, 2], the true velocity in pixels per frame; zero where no region is seen.
        prompt: words that describe the picture.
        motion: words that say how it moves.
        hints: the same as arrows that a user could have drawn; a document for the setting `hints`.
    """

    picture: ByteArray
    masks: dict[str, FloatArray]
    flow: FloatArray
    prompt: str
    motion: str
    hints: str

    @property
    def mask(self) -> FloatArray:
        """float32 [H, W]: the union of the regions."""
        return np.maximum.reduce(list(self.masks.values()))


def example_file(name: str) -> AbstractContextManager[Path]:
    """A path to one of the example's files, valid inside the `with` block, wherever the package is installed.

    The files are art.png, mask.png, mask_clouds.png, mask_river.png, mask_waterfall.png, motion.json and
    flow_truth.npz (a quarter of the size, its vectors in its own pixels).
    """
    return resources.as_file(resources.files(__name__).joinpath(name))


def example() -> Example:
    """Read the example."""
    with example_file("motion.json") as path:
        words = json.loads(path.read_text(encoding="utf-8"))
    picture = np.ascontiguousarray(_decode("art.png", cv2.IMREAD_COLOR)[..., ::-1])
    masks = {name: _mask(f"mask_{name}.png") for name in words["regions"]}
    with example_file("flow_truth.npz") as path, np.load(path, allow_pickle=False) as data:
        reduced = data["flow"].astype(np.float32)
    height, width = picture.shape[:2]
    flow = cv2.resize(reduced, (width, height), interpolation=cv2.INTER_LINEAR) * (height / reduced.shape[0])
    seen = np.maximum.reduce(list(masks.values())) > 0
    return Example(
        picture,
        masks,
        (flow * seen[..., None]).astype(np.float32),
        words["prompt"],
        words["motion"],
        json.dumps(words["hints"]),
    )


def _decode(name: str, mode: int) -> ByteArray:
    data = np.frombuffer(resources.files(__name__).joinpath(name).read_bytes(), np.uint8)
    return np.asarray(cv2.imdecode(data, mode), np.uint8)


def _mask(name: str) -> FloatArray:
    return _decode(name, cv2.IMREAD_GRAYSCALE).astype(np.float32) / np.float32(255)
