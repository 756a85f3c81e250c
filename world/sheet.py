"""Contact sheets: `python -m world.sheet OUT.webp` shows scenes, and one scene in every look."""

from __future__ import annotations

import argparse

import cv2
import numpy as np

from world.looks import LOOKS
from world.scenes import make_scene
from world.textures import Array


def tiled(pictures: list[Array], columns: int) -> Array:
    """Pictures of one size, side by side in rows."""
    missing = -len(pictures) % columns
    filled = pictures + [np.zeros_like(pictures[0])] * missing
    return np.concatenate([np.concatenate(filled[i : i + columns], 1) for i in range(0, len(filled), columns)], 0)


def write(path: str, picture: Array, quality: int = 80) -> None:
    """Save float32 RGB, 0..1."""
    cv2.imwrite(path, np.round(picture[..., ::-1] * 255).astype(np.uint8), [cv2.IMWRITE_WEBP_QUALITY, quality])


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--rows", type=int, default=6)
    parser.add_argument("--side", type=int, default=160)
    parser.add_argument("--quality", type=int, default=70)
    options = parser.parse_args()
    side = options.side
    columns = len(LOOKS)
    one = [make_scene(304, side, side, look=look, view="river").rgb for look in LOOKS]
    many = [make_scene(options.first + i, side, side).rgb for i in range(options.rows * columns)]
    write(options.out, tiled(one + many, columns), options.quality)


if __name__ == "__main__":
    main()
