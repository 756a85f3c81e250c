"""GIF, animated WebP and APNG, through Pillow."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from t2c_ext.media.clip import Clip
from t2c_ext.media.metadata import pack
from t2c_ext.media.pictures import exif_with_comment, png_text

SAMPLES = 8
"""Frames that a GIF's palette is made from."""

_TRANSPARENT = 255
_BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.float32) / 16 - 15 / 32


def write_gif(path: Path, clip: Clip) -> None:
    """One palette for the whole loop and ordered dithering: what stands still has the same colours in every frame."""
    colours = min(_TRANSPARENT, max(8, round(_TRANSPARENT * (clip.quality / 80) ** 2)))
    palette = _palette(clip, colours)
    spread = np.float32(96 / colours ** (1 / 3))
    tiles = (clip.size[0] // 4 + 1, clip.size[1] // 4 + 1)
    pattern = np.tile(_BAYER, tiles)[: clip.size[0], : clip.size[1], None] * spread
    clear = None if clip.alpha is None else clip.alpha < 0.5

    def indexed() -> Iterator[Image.Image]:
        for frame in clip.tracked():
            dithered = np.clip(frame + pattern, 0, 255).astype(np.uint8)
            image = Image.fromarray(dithered).quantize(palette=palette, dither=Image.Dither.NONE)
            if clear is not None:
                index = np.asarray(image).copy()
                index[clear] = _TRANSPARENT
                flat = Image.fromarray(index, "P")
                flat.putpalette(image.getpalette() or [])
                image = flat
            yield image

    frames = indexed()
    extra = {} if clear is None else {"transparency": _TRANSPARENT, "disposal": 2}
    next(frames).save(
        path,
        format="GIF",
        save_all=True,
        append_images=frames,
        duration=[10 * hundredths for hundredths in clip.durations(100, shortest=2)],
        loop=0,
        optimize=False,
        comment=pack(clip.text).encode("utf-8"),
        **extra,
    )
    _exhaust(frames)


def _palette(clip: Clip, colours: int) -> Image.Image:
    """A palette from frames spread over the loop; unused entries repeat the last, so that index 255 stays free."""
    step = max(1, clip.count // SAMPLES)
    sample = [frame[::2, ::2] for frame in islice(clip.frames(), 0, None, step)]
    wide = Image.fromarray(np.concatenate(sample[:SAMPLES], axis=1)).quantize(colours, Image.Quantize.MEDIANCUT)
    entries = list((wide.getpalette() or [])[: 3 * colours])
    entries += entries[-3:] * (256 - len(entries) // 3)
    palette = Image.new("P", (1, 1))
    palette.putpalette(entries[:768])
    return palette


def write_webp(path: Path, clip: Clip) -> None:
    """Animated WebP, lossy, looping for ever, with the opacity where there is one."""
    frames = _images(clip)
    next(frames).save(
        path,
        format="WEBP",
        save_all=True,
        append_images=frames,
        duration=clip.durations(1000),
        loop=0,
        quality=clip.quality,
        method=2,
        exif=exif_with_comment(pack(clip.text)),
    )
    _exhaust(frames)


class _Rest:
    """All frames but the first, made anew for each of Pillow's passes."""

    def __init__(self, clip: Clip) -> None:
        self.clip = clip

    def __iter__(self) -> Iterator[Image.Image]:
        return islice(_images(self.clip), 1, None)


def write_apng(path: Path, clip: Clip) -> None:
    """APNG, lossless, looping for ever. Pillow takes the frames twice: once for their modes, once for their pixels."""
    next(_images(clip)).save(
        path,
        format="PNG",
        save_all=True,
        append_images=_Rest(clip),
        duration=clip.durations(1000),
        loop=0,
        compress_level=4,
        pnginfo=png_text(clip.text),
    )


def _images(clip: Clip) -> Iterator[Image.Image]:
    for frame in clip.tracked():
        yield Image.fromarray(np.ascontiguousarray(clip.with_alpha(frame)))


def _exhaust(frames: Iterator[Image.Image]) -> None:
    """Let the last frame be reported too."""
    for _ in frames:
        raise RuntimeError("the encoder did not take every frame")
