"""Make the moving picture at the top of the README: the bundled example, animated at a smaller size.

python examples/make_readme_loop.py
"""

from __future__ import annotations

from pathlib import Path

import cv2

from t2c_ext import animate
from t2c_ext.example import example

WIDTH = 576


def main() -> None:
    """Write cinemagraph.webp beside this file."""
    given = example()
    height = round(given.picture.shape[0] * WIDTH / given.picture.shape[1])
    size = (WIDTH, height)
    animate(
        cv2.resize(given.picture, size, interpolation=cv2.INTER_AREA),
        Path(__file__).with_name("cinemagraph.webp"),
        mask={name: cv2.resize(mask, size, interpolation=cv2.INTER_AREA) for name, mask in given.masks.items()},
        prompt=given.prompt,
        motion=given.motion,
        fps=20,
        quality=55,
        max_megabytes=2.5,
    )


if __name__ == "__main__":
    main()
