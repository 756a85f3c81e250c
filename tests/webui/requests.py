"""Requests for pictures with loops, and what comes back."""

from __future__ import annotations

import base64
import io
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw

from t2c_ext.motion.painted import encode_painted
from t2c_ext.types import Painted
from webui.server import Server

SIDE, STEPS, FRAMES = int(os.environ.get("T2C_WEBUI_SIDE", "256")), 4, 8
"""Smaller pictures, by the environment variable, are for hosts whose checkpoints are of full size."""

PROMPT = "a river flowing left in front of a mountain, ukiyo-e"
LONG = ", ".join(
    [
        PROMPT,
        *(
            f"{colour} {thing}"
            for colour in ("red", "blue", "pale")
            for thing in ("tree", "boat", "stone", "house", "cloud", "bird", "bridge", "lantern", "field")
        ),
    ]
)
"""More than 75 tokens."""


@dataclass(frozen=True)
class Answer:
    """What a request for pictures gave.

    Attributes:
        pictures: uint8 [H, W, 3] each, without grids.
        info: what the host says about them.
    """

    pictures: list[np.ndarray]
    info: dict[str, Any]

    @property
    def loops(self) -> list[Path]:
        """The files of the loops."""
        return [Path(path) for path in self.info["extra_generation_params"].get("Cinemagraph files", [])]

    @property
    def notes(self) -> list[str]:
        """Our sentences."""
        found: list[str] = self.info["extra_generation_params"].get("Cinemagraph notes", [])
        return found

    @property
    def infotexts(self) -> list[str]:
        """The generation parameters of each picture."""
        found: list[str] = self.info["infotexts"]
        return found


def txt2img(**more: Any) -> dict[str, Any]:
    """A request for an ordinary picture."""
    return {
        "prompt": PROMPT,
        "negative_prompt": "blurry",
        "seed": 7,
        "steps": STEPS,
        "width": SIDE,
        "height": SIDE,
        "cfg_scale": 7,
        "sampler_name": "Euler a",
        "scheduler": "Automatic",
        "save_images": False,
    } | more


def panel(**more: Any) -> dict[str, Any]:
    """The script's arguments: a loop of the lower half."""
    values = {"enabled": True, "motion": "river flowing left", "frames": FRAMES, "mask": encoded(lower_half())}
    return {"Cinemagraph": {"args": [values | more]}}


def twinned(**more: Any) -> dict[str, Any]:
    """The same by paint, beside which a name is looked for, so that a twin is made; with a mask alone none is."""
    painted = encode_painted(Painted(np.asarray(lower_half())))
    region = {"name": "river", "angle": 180, "speed": 1, "mask": painted}
    hints = json.dumps({"version": 2, "regions": [region]})
    return panel(**{"mask": "", "region": "river", "hints": hints} | more)


def ask(server: Server, request: Mapping[str, Any], way: str = "txt2img") -> Answer:
    """Send a request; raises RequestError."""
    found = server.post(f"/sdapi/v1/{way}", request)
    info = json.loads(found["info"])
    pictures = [np.asarray(decoded(text).convert("RGB")) for text in found["images"]]
    return Answer(pictures[info["index_of_first_image"] :], info)


def lower_half(side: int = SIDE) -> Image.Image:
    """A mask in which the lower half moves."""
    levels = np.zeros((side, side), np.uint8)
    levels[side // 2 :] = 255
    return Image.fromarray(levels)


def strokes() -> Image.Image:
    """A painting: bands of colour with strokes, as large as the pictures."""
    picture = Image.new("RGB", (SIDE, SIDE), (120, 150, 190))
    draw, generator = ImageDraw.Draw(picture), np.random.default_rng(3)
    draw.rectangle((0, SIDE // 2, SIDE, SIDE), fill=(40, 80, 140))
    for x, y, length in generator.integers(0, SIDE, (240, 3)):
        colour = tuple(int(value) for value in generator.integers(30, 220, 3))
        draw.line((x, y, x + length // 4, y + 2), fill=colour, width=2)
    return picture


def encoded(picture: Image.Image) -> str:
    """A picture as base64."""
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def decoded(text: str) -> Image.Image:
    """A picture from base64."""
    return Image.open(io.BytesIO(base64.b64decode(text)))


def unpacked(text: str) -> np.ndarray:
    """An array that the probe has packed."""
    found: np.ndarray = np.load(io.BytesIO(base64.b64decode(text)), allow_pickle=False)
    return found


def frames_of(path: Path) -> list[np.ndarray]:
    """uint8 [H, W, 3], every frame of a loop's file."""
    if path.suffix in (".gif", ".webp", ".apng", ".png"):
        with Image.open(path) as file:
            return [_frame(file, number) for number in range(file.n_frames)]
    with av.open(str(path)) as video:
        return [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]


def moves(path: Path, count: int = FRAMES, mask: Path | None = None) -> bool:
    """Whether a loop has that many frames, and each differs from the next inside of the mask, or in the lower half."""
    frames = [frame.astype(int) for frame in frames_of(path)]
    where = np.arange(frames[0].shape[0])[:, None] >= np.full(frames[0].shape[:2], frames[0].shape[0] // 2)
    if mask is not None:
        where = np.asarray(Image.open(mask).convert("L")) > 127
    steps = [np.abs(one - other)[where].mean() for one, other in zip(frames, [*frames[1:], frames[0]], strict=True)]
    return len(frames) == count and min(steps) > 0


def largest_difference(one: np.ndarray, other: np.ndarray) -> int:
    """Of two pictures, in 255ths."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())


def _frame(file: Any, number: int) -> np.ndarray:
    file.seek(number)
    return np.asarray(file.convert("RGB"))
