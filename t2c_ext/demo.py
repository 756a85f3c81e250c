"""`t2c demo`: the bundled example from its words to a loop, and, where a model can draw, a sentence's whole way."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.media.pictures import to_bytes, write_picture
from t2c_ext.motion.colour import arrows_over
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.progress import Reporter
from t2c_ext.twin import miniature
from t2c_ext.types import ByteArray, FloatArray

SENTENCE = "a waterfall falling down with a pool, oil painting"
SEED = 5

HOW = (
    'To see the whole way from a sentence too: pip install "text2cinemagraph-webui[diffusion]" '
    '(in a checkout: pip install ".[diffusion]"), then run the demonstration again.'
)

TILE, CAPTION = 256, 22
"""Side of a stage's picture on the contact sheet, and height of its name below, in pixels."""


@dataclass(frozen=True)
class Demo:
    """What a demonstration made.

    Attributes:
        written: loops, stills, workspaces and the contact sheet, in order.
        notes: sentences for the user.
    """

    written: tuple[Path, ...]
    notes: tuple[str, ...]


def run_demo(folder: Path, reporter: Reporter) -> Demo:
    """Animate the bundled example into `folder`; where the packages for it are installed, also a sentence.

    Raises:
        UserError: the folder cannot be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    written = _painting(folder, reporter)
    if not miniature.can_draw():
        return Demo(written, (HOW,))
    sentence, notes = _sentence(folder, reporter)
    return Demo((*written, *sentence), notes)


def _painting(folder: Path, reporter: Reporter) -> tuple[Path, ...]:
    from t2c_ext.api import animate
    from t2c_ext.example import example

    given = example()
    output, workspace = folder / "cinemagraph.mp4", folder / "workspace"
    result = animate(
        given.picture,
        output,
        mask=given.masks,
        workspace=workspace,
        progress=reporter.progress,
        cancelled=reporter.cancelled,
        prompt=given.prompt,
        motion=given.motion,
    )
    return _with_poster(result, output, workspace)


def _sentence(folder: Path, reporter: Reporter) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    from t2c_ext.api import generate

    output, workspace = folder / "sentence.mp4", folder / "sentence"
    result = generate(
        SENTENCE,
        output,
        workspace=workspace,
        progress=reporter.progress,
        cancelled=reporter.cancelled,
        seed=SEED,
    )
    sheet = workspace / "stages.png"
    write_picture(sheet, contact_sheet(result))
    return (*_with_poster(result, output, workspace), sheet), (f'The sentence was "{SENTENCE}".', *result.notes)


def _with_poster(result: Cinemagraph, output: Path, workspace: Path) -> tuple[Path, ...]:
    poster = None if result.loop is None else result.loop.poster
    return (output, workspace) if poster is None else (output, poster, workspace)


def contact_sheet(result: Cinemagraph) -> ByteArray:
    """The stages of a cinemagraph side by side: picture, twin, attention, mask, flow, and a frame of the loop.

    Returns:
        uint8 [TILE + CAPTION, stages * TILE, 3].
    """
    twin, moving, flow, rendering = result.twin, result.moving, result.flow, result.rendering
    if twin is None or moving is None or flow is None or rendering is None:
        raise RuntimeError("the contact sheet is of a run that came to its end")
    art = twin.art.rgb
    tiles: dict[str, ByteArray] = {"picture": to_bytes(art)}
    if twin.natural is not None:
        tiles["twin"] = to_bytes(twin.natural.rgb)
    if twin.attention is not None and twin.attention.words:
        seen = np.maximum.reduce(list(twin.attention.words.values()))
        tiles["attention"] = _glowing(art, seen)
    tiles["mask"] = to_bytes(np.repeat(moving[..., None], 3, axis=2))
    tiles["flow"] = arrows_over(art, flow.field, max(8, min(art.shape[:2]) // 14))
    tiles["loop"] = next(frame for number, frame in enumerate(rendering.frames()) if number >= rendering.count // 2)
    return np.concatenate([_named(picture, name) for name, picture in tiles.items()], axis=1)


def _glowing(art: FloatArray, seen: FloatArray) -> ByteArray:
    """Where the model saw the words: bright, over the darkened picture."""
    height, width = art.shape[:2]
    large = cv2.resize(seen, (width, height), interpolation=cv2.INTER_CUBIC)
    share = np.clip((large - large.min()) / max(float(np.ptp(large)), 1e-6), 0, 1)[..., None]
    grey = art.mean(axis=2, keepdims=True) * 0.4
    return to_bytes((grey * (1 - share) + np.array((1.0, 0.75, 0.2), np.float32) * share).astype(np.float32))


def _named(picture: ByteArray, name: str) -> ByteArray:
    """A tile with its name below."""
    tile = np.full((TILE + CAPTION, TILE, 3), 255, np.uint8)
    tile[:TILE] = cv2.resize(picture[..., :3], (TILE, TILE), interpolation=cv2.INTER_AREA)
    cv2.putText(tile, name, (6, TILE + 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return tile
