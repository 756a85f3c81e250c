"""The paper's stage from files to a flow, around a network that is no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from t2c_ext.motion.colour import flow_to_colour
from t2c_ext.motion.field import MOTION_NORM
from t2c_ext.motion.hint_map import paper_hint
from t2c_ext.motion.networks.load import FlowNetwork
from t2c_ext.motion.paper import clamped_flow, image_values, load_image, load_mask, masked_motion, paper_flow
from t2c_ext.motion.predict import network_input
from t2c_ext.types import angle_of

BICUBIC_LEVEL = 2.001 / 255
"""Pillow's bicubic resize may differ by one level between its versions; the range -1..1 doubles it."""


def _save(path: Path, pixels: np.ndarray) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def _allowed(pixels: np.ndarray, width: int, tolerance: float) -> float:
    return tolerance if pixels.shape[1] == width else max(tolerance, BICUBIC_LEVEL)


@pytest.mark.parity
def test_load_image(fixtures: Any, tmp_path: Path) -> None:
    if "load_image" not in fixtures.named("load_image"):
        pytest.skip("this set has no load_image")
    data, tolerance = fixtures.arrays("load_image"), fixtures.tolerance("load_image")
    for case in {key.split("/")[0] for key in data}:
        pixels, wanted = data[f"{case}/image_uint8"], data[f"{case}/tensor"]
        found = load_image(_save(tmp_path / "picture.png", pixels), *wanted.shape[1:]).numpy()
        assert np.abs(found - wanted).max() <= _allowed(pixels, wanted.shape[2], tolerance)


@pytest.mark.parity
def test_stage(fixtures: Any, tmp_path: Path) -> None:
    files = fixtures.named("stage_glue")
    whole = [(name, key.rpartition("/")[0]) for name in files for key in fixtures.arrays(name) if key.endswith(_RESULT)]
    if not whole:
        pytest.skip("this set has nothing of this stage")
    for name, case in whole:
        _compare_stage(fixtures.arrays(name), case, fixtures.tolerance(name), tmp_path)


_RESULT = "/motion_every_8th"


def _compare_stage(data: dict[str, np.ndarray], case: str, tolerance: float, tmp_path: Path) -> None:
    own = case if f"{case}/mask_uint8" in data else "s5"
    mask = load_mask(_save(tmp_path / "mask.png", data[f"{own}/mask_uint8"]))
    fed, hint = data[f"{case}/network_input_every_8th"], None
    if fed.shape[1] == 6:
        moving = np.flatnonzero(fed[0, 3] == 1)[0]
        hint = paper_hint(mask, angle_of(*(float(value) for value in fed[0, 4:].reshape(2, -1)[:, moving])))
    # a reduced set lacks the larger picture
    pixels = data.get(f"{own}/image_uint8")
    image = torch.zeros(3, 512, 512) if pixels is None else load_image(_save(tmp_path / "picture.png", pixels))
    found = network_input(image, mask, hint).numpy()[..., ::8, ::8]
    if pixels is not None:
        assert np.abs(found[:, :3] - fed[:, :3]).max() <= _allowed(pixels, 512, tolerance)
    assert np.array_equal(found[:, 3], fed[:, 3])
    assert found.shape == fed.shape
    assert np.abs(found[:, 4:] - fed[:, 4:]).max(initial=0) <= 1e-6

    output = data.get(f"{case}/network_output", data["s5/network_output"])
    motion = masked_motion(torch.from_numpy(output), mask).numpy()
    assert motion.shape == (1, 2, 512, 512)
    assert np.array_equal(motion[..., ::8, ::8], data[case + _RESULT])
    if f"{case}/flow_colour_jpg_source" in data:
        colour = flow_to_colour(np.ascontiguousarray(motion[0].transpose(1, 2, 0)))
        assert np.array_equal(colour[::8, ::8], data[f"{case}/flow_colour_jpg_source"])
    if f"{case}/motion_row_100" in data:
        assert np.array_equal(motion[:, :, 100], data[f"{case}/motion_row_100"])


class _Constant(torch.nn.Module):
    """Says the same motion everywhere, and keeps what it was given."""

    stride = 64

    def __init__(self, dx: float, dy: float, channels: int) -> None:
        super().__init__()
        self.channels = channels
        self.register_buffer("motion", torch.tensor([dx, dy]))
        self.given: list[torch.Tensor] = []

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        self.given = [x] if context is None else [x, context]
        return self.motion[None, :, None, None].expand(1, 2, *x.shape[2:])


def _constant(dx: float, dy: float, channels: int = 6) -> tuple[FlowNetwork, _Constant]:
    module = _Constant(dx / MOTION_NORM, dy / MOTION_NORM, channels)
    return FlowNetwork(module), module  # type: ignore[arg-type]


def test_components_are_cut_before_speed() -> None:
    network, module = _constant(3.0, -0.25)
    picture, mask = np.full((512, 512, 3), 0.5, np.float32), np.zeros((512, 512), np.float32)
    mask[100:300, 100:300] = 1
    mask[300:400, 100:300] = 0.6
    flow = paper_flow(network, picture, mask, speed=2.0, angle=90.0)
    assert np.allclose(flow[100:300, 100:300], [2.0, -0.5])
    # only a mask of exactly 1 moves
    assert not flow[mask < 1].any()
    assert np.allclose(module.given[0][0, 4:, 200, 200], torch.tensor([0.0, -1.0]), atol=1e-6)


def test_other_sizes_are_squeezed_and_vectors_scaled() -> None:
    network, module = _constant(0.5, 0.5, 4)
    picture, mask = np.random.default_rng(0).random((256, 1024, 3), np.float32), np.ones((256, 1024), np.float32)
    flow = paper_flow(network, picture, mask, speed=1.0, context=torch.zeros(1, 77, 768))
    assert flow.shape == (256, 1024, 2)
    assert np.allclose(flow, [1.0, 0.25])
    assert [tuple(part.shape) for part in module.given] == [(1, 4, 512, 512), (1, 77, 768)]


def test_flow_is_cut_scaled_and_resized_as_by_the_original() -> None:
    motion = torch.arange(64.0).reshape(1, 1, 1, 64).repeat(1, 2, 64, 1) / 64**2 / 2
    flow = clamped_flow(motion, 0.5, 82, 82)[0]
    # 41 * 64 / 82 is 32, but just below it in float32
    assert float(flow[0, 0, 41]) == pytest.approx(31 / 128 * 0.5 * 82 / 64)
    assert clamped_flow(motion * 1e6, 0.5, 32, 128)[0, :, 9, 9].tolist() == pytest.approx([0.5 * 2, 0.5 / 2])


def test_width_that_fits_but_height_that_does_not() -> None:
    network, module = _constant(0.5, 0.0)
    flow = paper_flow(
        network, np.zeros((300, 512, 3), np.float32), np.ones((300, 512), np.float32), speed=1.0, angle=None
    )
    assert flow.shape == (300, 512, 2)
    assert module.given[0].shape == (1, 6, 512, 512)
    assert not module.given[0][:, 4:].any()


def test_loader_keeps_the_file_s_channels_and_height() -> None:
    grey = Image.fromarray(np.full((70, 64), 255, np.uint8))
    assert image_values(grey, 64, 64).shape == (1, 70, 64)
    clear = Image.fromarray(np.zeros((10, 20, 4), np.uint8))
    assert image_values(clear, 48, 32).shape == (4, 48, 32)
    assert float(image_values(clear, 48, 32).min()) == -1.0
