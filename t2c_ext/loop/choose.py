"""Which renderer makes a loop's frames: the warp of the picture's own pixels, or the paper's video network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from t2c_ext.keeper import Keeper
from t2c_ext.loop.laws.apply import with_laws
from t2c_ext.loop.render import Rendering, render_loop
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings
from t2c_ext.types import ByteArray, FloatArray, RegionLaw
from t2c_ext.weights.find import require_model

VIDEO_WEIGHTS = "video-pretrained"


def make_rendering(
    picture: FloatArray | ByteArray,
    mask: FloatArray,
    flow: FloatArray,
    settings: LoopSettings,
    *,
    seed: int,
    structure: FloatArray | None = None,
    laws: Sequence[RegionLaw] = (),
    reporter: Reporter | None = None,
    require: Callable[[str], Path] = require_model,
    device: str = "auto",
    keeper: Keeper | None = None,
) -> Rendering:
    """Prepare the frames by the renderer that `settings.renderer` names; for the arguments see `render_loop`.

    Args:
        laws: regions that move by another law than flow; the flow is zero there.
        require: from a name of the catalogue to its file; raises UserError where it is not here.
        device: of the network; a device of torch, or "auto".
        keeper: keeps the network for the next loop.

    Raises:
        UserError: the network's weights or the device are not here, or the picture cannot be animated.
    """
    if laws and not flow.any():
        still = replace(settings, renderer="warp")
        standing = render_loop(picture, mask, flow, still, seed=seed, reporter=reporter)
        return with_laws(replace(standing, notes=()), picture, laws, settings, seed)
    if settings.renderer == "warp":
        flowing = render_loop(picture, mask, flow, settings, seed=seed, structure=structure, reporter=reporter)
        return with_laws(flowing, picture, laws, settings, seed)
    weights = require(VIDEO_WEIGHTS)
    from t2c_ext.loop.synthesis.network import load_video_network
    from t2c_ext.loop.synthesis.render import synthesize_loop

    network = (keeper or Keeper()).get("video network", weights, lambda: load_video_network(weights))
    painted = synthesize_loop(
        np.asarray(picture, np.float32), mask, flow, settings, network, reporter=reporter, device=device
    )
    return with_laws(painted, picture, laws, settings, seed)
