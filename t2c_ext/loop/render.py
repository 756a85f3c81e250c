"""From a still, a mask and a field to the frames of a seamless loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.loop.blend import FADE
from t2c_ext.loop.forward import forward_frames
from t2c_ext.loop.gather import Places, Scene, draw, prepare
from t2c_ext.loop.slivers import without_slivers
from t2c_ext.loop.trajectories import workers
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings
from t2c_ext.types import ByteArray, FloatArray

FrameSource = Callable[[], Iterator[tuple[ByteArray, float]]]


@dataclass
class Rendering:
    """The frames of one period, made anew each time they are asked for.

    Attributes:
        count: frames of one period.
        source: makes a fresh iterator of (frame, share of holes).
        notes: sentences for the user.
        holes: largest share, over the frames made so far, of the mask's pixels that received nothing before filling.
    """

    count: int
    source: FrameSource
    notes: tuple[str, ...] = ()
    holes: float = field(default=0.0)

    def frames(self) -> Iterator[ByteArray]:
        """A fresh iterator of uint8 [H, W, 3]; frame 0 follows frame `count` - 1."""
        for frame, holes in self.source():
            self.holes = max(self.holes, holes)
            yield frame


def to_bytes(picture: FloatArray) -> ByteArray:
    """A picture as uint8, rounded."""
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def check_input(picture: FloatArray, mask: FloatArray, flow: FloatArray) -> None:
    """Refuse what cannot be animated.

    Raises:
        UserError: sizes differ, nothing is masked, or the field is not finite or too fast.
    """
    height, width = picture.shape[:2]
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"the picture has the shape {picture.shape}, but must be height x width x 3")
    if mask.shape != (height, width) or flow.shape != (height, width, 2):
        raise UserError(f"the picture is {width}x{height}, but mask {mask.shape} or flow {flow.shape} is not")
    if not np.isfinite(picture).all() or not np.isfinite(mask).all():
        raise UserError("the picture or the mask holds values that are no numbers; load it again")
    if not (mask > 0).any():
        raise UserError("the mask is empty, so nothing would move; paint what should move")
    if not np.isfinite(flow).all():
        raise UserError("the flow holds values that are no numbers; make it again or give another flow file")
    fastest = float(np.abs(flow[mask > 0]).max())
    limit = max(min(height, width) / 4, 1)
    if fastest > limit:
        raise UserError(
            f"the flow moves {fastest:.4g} pixels per frame, but at most a quarter of the picture ({limit:g}) is "
            "possible; lower the speed"
        )


def render_loop(
    picture: FloatArray,
    mask: FloatArray,
    flow: FloatArray,
    settings: LoopSettings,
    *,
    seed: int,
    reporter: Reporter | None = None,
) -> Rendering:
    """Prepare the frames of a loop; they are computed while they are taken.

    The default looks up each pixel along its streamline (`gather`); the kernels "splat" and "bilinear" push pixels
    forward instead (`forward`), and blend "paper" with kernel "bilinear" is the paper's own way.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1; where it is 0, every frame is exactly the picture.
        flow: float32 [H, W, 2], pixels per frame.
        settings: frames, blend, kernel, phase spread, start with the still.
        seed: of the phases.
        reporter: asked before each frame whether to stop.

    Raises:
        UserError: see `check_input`.
    """
    check_input(picture, mask, flow)
    reporter = reporter or Reporter()
    picture, mask, flow = (np.ascontiguousarray(part, np.float32) for part in (picture, np.clip(mask, 0, 1), flow))
    still, count = to_bytes(picture), settings.frames
    travel = np.where(mask[..., None] > 0, flow, np.float32(0))
    if count == 1 or not travel.any():
        note = "one frame is only the still" if count == 1 else "the flow is zero everywhere, so nothing moves"
        return Rendering(count, lambda: _stand(still, count, reporter), (note,))
    if settings.kernel != "sharp":
        return Rendering(count, lambda: forward_frames(picture, mask, travel, settings, reporter))
    reporter.check()
    moving = mask if settings.blend == "paper" else without_slivers(picture, mask)
    if not travel[moving > 0].any():
        moving = mask
    scene = prepare(picture, moving, np.where(moving[..., None] > 0, travel, np.float32(0)), settings, seed)
    preserve = settings.blend != "paper"

    def source() -> Iterator[tuple[ByteArray, float]]:
        return _stream(scene, picture, still, count, preserve, reporter)

    return Rendering(count, source)


def _stand(still: ByteArray, count: int, reporter: Reporter) -> Iterator[tuple[ByteArray, float]]:
    for _ in range(count):
        reporter.check()
        yield still.copy(), 0.0


def _stream(  # noqa: PLR0917
    scene: Scene, picture: FloatArray, still: ByteArray, count: int, preserve: bool, reporter: Reporter
) -> Iterator[tuple[ByteArray, float]]:
    """Frames in order; while one is taken, the next is made. Pixels are independent, so threads change nothing."""
    kept, texture = scene.trajectories.kept, scene.texture
    edges = np.linspace(0, scene.pixels.row.size, 2 * workers() + 1).astype(int)
    spans = [(int(low), int(high)) for low, high in pairwise(edges) if high > low]
    style = (np.float32(FADE if preserve else 1.0), preserve)

    def make(span: tuple[int, int], frame: int, places: Places, out: ByteArray) -> None:
        draw(texture.spline, texture.broad, texture.step, places, kept, span, frame, count, style, picture, out)

    with ThreadPoolExecutor(workers()) as pool:

        def begin(frame: int) -> tuple[ByteArray, list[Future[None]]]:
            out = still.copy()
            places = scene.pixels.places(frame, count)
            return out, [pool.submit(make, span, frame, places, out) for span in spans]

        upcoming = begin(0)
        for frame in range(count):
            reporter.check()
            out, futures = upcoming
            for part in futures:
                part.result()
            if frame + 1 < count:
                upcoming = begin(frame + 1)
            yield out, 0.0
