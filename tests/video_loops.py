"""Small loops for the tests of videos, and how they are written and compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from t2c_ext.media.videos import write_video

NAMES = ["a.mp4", "a.webm", "a.gif", "a.webp", "a.apng", "frames"]
LOSSLESS = ("a.apng", "frames")
CLEAR = ["a.webm", "a.gif", "a.webp", "a.apng", "frames"]
TEXT = {
    "parameters": "river, ünïcode 川\nSteps: 20, Size: 512x512",
    "recipe": '{"version": 1, "ä": "%s"}' % ("x" * 900),
}


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """A smooth colourful picture, uint8 [height, width, 3]."""
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    large = Image.fromarray(noise).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large.filter(ImageFilter.GaussianBlur(1)))


def loop(height: int = 48, width: int = 64, count: int = 8) -> list[np.ndarray]:
    """The left half stands still, the right one turns around once in the loop."""
    still, moving = texture(height, width), texture(height, width, 1)
    frames = []
    for number in range(count):
        frame = still.copy()
        part = slice(width // 2, None)
        frame[:, part] = np.roll(moving, number * height // count, axis=0)[:, part]
        frames.append(frame)
    return frames


def write(path: Path, frames: list[np.ndarray], **more: Any) -> Any:
    options: dict[str, Any] = {"size": frames[0].shape[:2], "count": len(frames), "fps": 25.0, **more}
    return write_video(path, lambda: iter(frames), **options)


def psnr(first: np.ndarray, second: np.ndarray) -> float:
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return 100.0 if error == 0 else 10 * np.log10(255**2 / error)


def luma(frame: np.ndarray) -> np.ndarray:
    """Brightness, which every format keeps at full resolution."""
    return frame @ np.array([0.299, 0.587, 0.114])
