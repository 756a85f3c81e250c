"""Pictures of any size through the flow networks, and the speed of what comes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_parts import drive, square

from t2c_ext.errors import UserError
from t2c_ext.motion.canvas import MAX_ASPECT, MAX_STRETCH, plan_canvas
from t2c_ext.motion.networks.load import FlowNetwork
from t2c_ext.motion.pace import bring_to_speed, wrong_turns
from t2c_ext.motion.predict import predict_flow
from t2c_ext.types import Arrow, FloatArray, Region

RNG = np.random.default_rng(0)


class Probe(torch.nn.Module):
    """Answers with a constant motion inside its mask, or with the hint that it got; keeps what it was given."""

    def __init__(self, channels: int = 6, stride: int = 256, motion: tuple[float, float] | None = (1.0, 2.0)) -> None:
        super().__init__()
        self.channels, self.stride, self.motion = channels, stride, motion
        self.x = torch.zeros(0)

    def forward(self, x: torch.Tensor, context: torch.Tensor | None = None) -> torch.Tensor:
        self.x = x
        if self.motion is None:
            return x[:, 4:6]
        return x[:, 3:4] * torch.tensor(self.motion).reshape(1, 2, 1, 1) / 64


def probed(probe: Probe, picture: FloatArray, mask: FloatArray, **more: Any) -> FloatArray:
    return predict_flow(FlowNetwork(probe), picture, mask, **more)  # type: ignore[arg-type]


@settings(max_examples=200)
@given(st.integers(1, 9000), st.integers(1, 9000), st.sampled_from([64, 256]))
def test_canvas(height: int, width: int, stride: int) -> None:
    canvas = plan_canvas(height, width, stride)
    assert all(side % stride == 0 and side > 0 for side in canvas.padded)
    for content, padded in zip(canvas.content, canvas.padded, strict=True):
        assert 1 <= content <= padded < content + stride
    long, short = max(canvas.content), min(canvas.content)
    assert long <= 512 * MAX_ASPECT * (1 + MAX_STRETCH) + 1
    if max(height, width) <= MAX_ASPECT * min(height, width):
        assert short == 512
        scales = [content / side for content, side in zip(canvas.content, (height, width), strict=True)]
        assert max(scales) / min(scales) <= 1 + 2.1 * MAX_STRETCH


@pytest.mark.parametrize(
    ("height", "width", "stride", "padded"),
    [
        (512, 512, 256, (512, 512)),
        (768, 512, 256, (768, 512)),
        (512, 683, 256, (512, 768)),
        (1216, 832, 256, (768, 512)),
        (832, 1216, 64, (512, 768)),
        (1000, 1001, 256, (512, 512)),
        (64, 64, 64, (512, 512)),
        (4000, 6000, 256, (512, 768)),
        (100, 8000, 64, (64, 2048)),
    ],
)
def test_canvas_of_usual_sizes(height: int, width: int, stride: int, padded: tuple[int, int]) -> None:
    assert plan_canvas(height, width, stride).padded == padded


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 400), (1024, 700), (48, 64)])
def test_vectors_grow_with_the_picture(height: int, width: int) -> None:
    picture = RNG.random((height, width, 3), np.float32)
    mask = square(height, width, slice(height // 4, height), slice(0, width // 2))
    probe = Probe()
    flow = probed(probe, picture, mask)
    scale = min(height, width) / 512
    assert flow.shape == (height, width, 2) and flow.dtype == np.float32
    assert np.allclose(flow[mask > 0], [scale, 2 * scale], rtol=0.01)
    assert not flow[mask == 0].any()
    assert float(probe.x[:, :3].min()) >= -1 and float(probe.x[:, :3].max()) <= 1
    assert set(np.unique(probe.x[:, 3])) == {0.0, 1.0}
    assert not probe.x[:, 4:].any()


def test_hint_arrives_in_the_network_s_unit() -> None:
    picture, mask = RNG.random((256, 384, 3), np.float32), square(256, 384, columns=slice(0, 192))
    probe = Probe(motion=None)
    hint = np.broadcast_to(np.float32([0.5, -0.25]), (256, 384, 2)).astype(np.float32)
    flow = probed(probe, picture, mask, hint=hint)
    # twice as large a picture on the network's side, and its vectors are divided by 64
    assert np.allclose(probe.x[0, 4:, 100, 100], torch.tensor([1.0, -0.5]) / 64)
    assert not probe.x[0, 4:, :, 500:].any()
    assert np.allclose(flow[mask > 0], [0.5, -0.25], atol=1e-5)


def test_soft_rim_moves_like_the_inside() -> None:
    mask = np.clip((100 - np.abs(np.arange(512) - 256)) / 64, 0, 1).astype(np.float32)
    mask = np.broadcast_to(mask, (512, 512)).copy()
    flow = probed(Probe(), np.zeros((512, 512, 3), np.float32), mask)
    assert np.allclose(flow[mask > 0], [1, 2])
    assert not flow[mask == 0].any()


def test_faint_mask_moves_too() -> None:
    mask = np.full((512, 512), 0.3, np.float32)
    assert np.allclose(probed(Probe(), np.zeros((512, 512, 3), np.float32), mask), [1, 2])


def test_padding_mirrors_picture_mask_and_hint() -> None:
    picture, mask = RNG.random((512, 600, 3), np.float32), np.ones((512, 600), np.float32)
    probe = Probe()
    probed(probe, picture, mask, hint=RNG.random((512, 600, 2), np.float32))
    assert probe.x.shape == (1, 6, 512, 768)
    assert torch.equal(probe.x[..., 600:768], probe.x[..., 431:599].flip(3))


def test_refuses() -> None:
    picture = np.zeros((64, 64, 3), np.float32)
    with pytest.raises(UserError, match="empty"):
        probed(Probe(), picture, np.zeros((64, 64), np.float32))
    with pytest.raises(UserError, match="another size"):
        probed(Probe(), picture, np.ones((64, 65), np.float32))
    with pytest.raises(UserError, match="words"):
        probed(Probe(channels=4, stride=64), picture, np.ones((64, 64), np.float32))


def field_of(height: int, width: int, dx: float = 3.0, dy: float = 4.0) -> FloatArray:
    return np.broadcast_to(np.float32([dx, dy]), (height, width, 2)).copy()


def test_median_speed() -> None:
    mask = square(256, 300, rows=slice(0, 128))
    field = RNG.normal(size=(256, 300, 2)).astype(np.float32)
    found = bring_to_speed(field, [drive(mask, speed=1.5)], 2.0)
    speeds = np.hypot(found[..., 0], found[..., 1])[mask > 0]
    assert np.median(speeds) == pytest.approx(1.5 * 2.0 * 256 / 512, rel=1e-4)
    cosine = (found * field).sum(-1)[mask > 0] / speeds / np.linalg.norm(field, axis=-1)[mask > 0]
    assert cosine.min() > 0.9999


def test_each_region_has_its_speed() -> None:
    left, right = square(512, 512, columns=slice(0, 256)), square(512, 512, columns=slice(256, 512))
    found = bring_to_speed(field_of(512, 512), [drive(left), drive(right, speed=0.5)], 1.0)
    assert np.allclose(found[:, :256], [0.6, 0.8])
    assert np.allclose(found[:, 256:], [0.3, 0.4])


def test_arrows_say_their_own_speed() -> None:
    mask = square(512, 512)
    arrow = Arrow((0.25, 0.5), (0.75, 0.5))
    found = bring_to_speed(field_of(512, 512, 0.0, 0.1), [drive(mask, arrows=(arrow,), speed=7.0)], 2.0)
    # half of 512 in 30 frames, at speed 2
    assert np.allclose(np.hypot(found[..., 0], found[..., 1]), 2 * 256 / 30, rtol=1e-4)


def test_mostly_still_regions_are_not_torn() -> None:
    mask, field = square(512, 512), field_of(512, 512, 1e-6, 0.0)
    field[:100] = [0.5, 0.0]
    found = bring_to_speed(field, [drive(mask)], 1.0)
    assert np.allclose(found[:100], [1.0, 0.0])
    with pytest.raises(UserError, match="still"):
        bring_to_speed(field * 0, [drive(mask)], 1.0)


def test_says_which_region_goes_astray() -> None:
    left, right = square(64, 64, columns=slice(0, 32)), square(64, 64, columns=slice(32, 64))
    field = field_of(64, 64, 1.0, 0.0)
    drives = [drive(left, angle=20.0), drive(right, angle=120.0, region=Region("falls", right))]
    (note,) = wrong_turns(field, drives)
    assert note.startswith("falls: the network's motion turns 120 degrees")
    arrow = Arrow((0.6, 0.5), (0.9, 0.5))
    assert not wrong_turns(field, [drive(right, angle=None), drive(right, angle=120.0, arrows=(arrow,))])
