"""A moving camera: what is near moves more, what comes out from behind is the background, and the path is closed."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from t2c_ext import animate
from t2c_ext.errors import UserError
from t2c_ext.loop.laws.camera import NO_DEPTH, PIVOT, REACH, Camera, fitted, make_camera, plain_ground, standing_before
from t2c_ext.media.depth import read_depth
from t2c_ext.types import ByteArray, FloatArray, MotionKind, RegionLaw
from t2c_ext.ui.studio import Unreadable
from t2c_ext.ui.uploads import taken_in

SIDE = 256
PARALLAX, PUSH = MotionKind.PARALLAX, MotionKind.PUSH


def scene() -> tuple[ByteArray, FloatArray]:
    """A red post, near, before a far wall of grey."""
    picture, depth = np.full((SIDE, SIDE, 3), 90, np.uint8), np.zeros((SIDE, SIDE), np.float32)
    picture[60:200, 110:146], depth[60:200, 110:146] = (220, 30, 30), 1
    picture[:, 30:33] = picture[:, 200:203] = (240, 240, 240)
    return picture, depth


def camera(kind: MotionKind = PARALLAX, mask: FloatArray | None = None, strength: float = 1.0) -> Camera:
    picture, depth = scene()
    whole = np.ones((SIDE, SIDE), np.float32) if mask is None else mask
    return make_camera(RegionLaw("camera", kind, whole, depth=depth), picture, strength, 2.0)


def post(frame: ByteArray) -> tuple[float, float]:
    """Left and right end of what is red in the middle row."""
    columns = np.flatnonzero((frame[130, :, 0] > 150) & (frame[130, :, 1] < 100))
    return float(columns[0]), float(columns[-1])


@pytest.mark.parametrize("kind", [PARALLAX, PUSH])
def test_the_path_is_closed(kind: MotionKind) -> None:
    picture, _ = scene()
    view = camera(kind)
    np.testing.assert_array_equal(view.see(picture, 0.0), view.see(picture, 1.0))
    assert not np.array_equal(view.see(picture, 0.25), view.see(picture, 0.0))


def test_near_things_go_farther_than_far_ones() -> None:
    picture, _ = scene()
    view = camera()
    rest, there, back = (view.see(picture, time) for time in (0.0, 0.25, 0.75))
    reach = REACH * SIDE / 512
    moved = np.mean(post(there)) - np.mean(post(rest))
    assert moved == pytest.approx(reach * (1 - PIVOT), abs=0.6)
    assert np.mean(post(back)) - np.mean(post(rest)) == pytest.approx(-moved, abs=0.6)
    line = [float(np.flatnonzero(frame[20, :60, 1] > 200).mean()) for frame in (rest, there)]
    assert line[1] - line[0] == pytest.approx(-reach * PIVOT, abs=0.6)


def test_what_comes_out_from_behind_is_the_wall() -> None:
    """Left and right of the post there is nothing red and nothing between the two, wherever the camera is."""
    picture, _ = scene()
    for time in (0.1, 0.25, 0.6, 0.75):
        frame = camera().see(picture, time)
        left, right = (int(value) for value in post(frame))
        assert right - left + 1 == pytest.approx(36 * 1.04, abs=2.5)
        beside = np.concatenate([frame[130, left - 12 : left - 2], frame[130, right + 3 : right + 13]]).astype(int)
        assert np.abs(beside - 90).max() < 12


def test_a_push_enlarges_near_things_more() -> None:
    picture, _ = scene()
    view = camera(PUSH)
    rest, there = view.see(picture, 0.0), view.see(picture, 0.5)
    np.testing.assert_array_equal(rest, picture)
    assert there[130, 20:40, 1].argmax() < rest[130, 20:40, 1].argmax()  # far things too, a little
    wider = post(there)[1] - post(there)[0] - 35
    assert wider == pytest.approx(36 * 2 * REACH / 512 * 1.25, abs=1.1)


def test_the_border_is_never_seen() -> None:
    """Neither of what is near nor of what is far."""
    view = camera()
    for time in np.linspace(0, 1, 9):
        x, y = (np.array([[0, SIDE - 1]], np.float32), np.array([[0, SIDE - 1]], np.float32))
        for near in (0.0, 1.0):
            across, down = view._from(x, y, 2 * np.pi * time, np.full((1, 2), near, np.float32))
            assert min(across.min(), down.min()) >= -0.5 and max(across.max(), down.max()) <= SIDE - 0.5


def test_it_looks_through_a_mask() -> None:
    picture, _ = scene()
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:, :128] = 1
    frame = camera(mask=mask).see(picture, 0.25)
    np.testing.assert_array_equal(frame[:, 128:], picture[:, 128:])
    assert not np.array_equal(frame[:, :128], picture[:, :128])


def test_a_plain_has_nothing_behind_anything() -> None:
    near = plain_ground((SIDE, SIDE))
    assert not standing_before(near, 8.0).any() and near[0].max() == 0 and near[-1].min() == pytest.approx(1, abs=0.01)


def test_soft_edges_of_a_depth_map_become_hard() -> None:
    _, depth = scene()
    near = fitted(cv2.GaussianBlur(depth, (0, 0), 1.0), (SIDE, SIDE))
    assert ((near > 0.1) & (near < 0.9)).mean() < 0.001
    assert standing_before(near, 7.0).sum() > 36 * 12


def test_depth_files(tmp_path: Path) -> None:
    ramp = np.linspace(1000, 60_000, 64 * 48).reshape(48, 64)
    cv2.imwrite(str(tmp_path / "deep.png"), ramp.astype(np.uint16))
    np.save(tmp_path / "deep.npy", ramp)
    for name in ("deep.png", "deep.npy"):
        depth = read_depth(tmp_path / name)
        assert depth.shape == (48, 64) and depth.min() == 0 and depth.max() == 1
        np.testing.assert_allclose(depth, (ramp - 1000) / 59_000, atol=2e-4)
        assert np.array_equal(read_depth((tmp_path / name).read_bytes()), depth)
    np.save(tmp_path / "flat.npy", np.ones((4, 4)))
    np.save(tmp_path / "colours.npy", np.zeros((4, 4, 3)))
    for name, said in (("flat.npy", "same everywhere"), ("colours.npy", "no depth map"), ("none.npy", "cannot read")):
        with pytest.raises(UserError, match=said):
            read_depth(tmp_path / name)


def test_the_bytes_of_a_depth_are_data_only() -> None:
    def saved(values: object, **options: bool) -> bytes:
        file = io.BytesIO()
        np.save(file, np.asarray(values), **options)
        return file.getvalue()

    given = saved(np.eye(4))
    for hostile, said in (
        (saved(np.array([[object()]]), allow_pickle=True), "Python objects"),
        (given[:-1], "cut short"),
        (given.replace(b"(4, 4)", b"(9,99)"), "cannot read the depth"),
        (saved(np.full((4, 4), 1e300)), "no numbers"),
        (saved(np.eye(4) * 1j), "no depth map"),
        (b"", "cannot read the depth|the depth"),
        (b"/etc/passwd", "the depth"),
    ):
        with pytest.raises(UserError, match=said):
            read_depth(hostile)
    for kind in ("f4", "f8"):  # their range is no float32
        widest = read_depth(saved(np.array([[-3e38, 0], [1, 3e38]], kind)))
        np.testing.assert_allclose(widest, [[0, 0.5], [0.5, 1]])


def as_png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def test_the_levels_of_a_depth_are_no_masks() -> None:
    """It may be dark and its background black; transparency and colours say nothing about how near something is."""
    dark = np.array([[0, 3], [5, 5]], np.uint8)
    nearness = np.array([[0, 0.6], [1, 1]])
    grey = Image.fromarray(dark)
    cut_out = Image.merge("LA", (grey, Image.fromarray(np.array([[255, 0], [0, 255]], np.uint8))))
    keyed = Image.fromarray(np.dstack([dark, dark, dark, 255 - 40 * dark]))
    for image in (grey, grey.convert("RGB"), grey.convert("P"), cut_out, keyed):
        for depth in (read_depth(image), read_depth(as_png(image))):
            np.testing.assert_allclose(depth, nearness, atol=1e-5, err_msg=image.mode)
    colours = Image.fromarray(np.array([[[0, 0, 0], [0, 0, 255]], [[0, 0, 0], [0, 255, 0]]], np.uint8))
    np.testing.assert_allclose(read_depth(colours), [[0, 0.114 / 0.587], [0, 1]], atol=1e-5)


@pytest.mark.parametrize("level", [0, 9, 255])
def test_a_depth_of_one_level_says_so(level: int) -> None:
    for image in (Image.new("L", (37, 41), level), Image.new("RGB", (37, 41), (level, level // 2, level))):
        with pytest.raises(UserError, match=r"the depth is the same everywhere.*; give one.*, or leave it out"):
            read_depth(as_png(image))


def test_an_upload_keeps_the_16_bits_of_a_depth() -> None:
    levels = np.arange(1000, 1400).reshape(20, 20).astype(np.uint16)  # within two levels of 8 bits
    for given in (levels, (levels // 257).astype(np.uint8)):
        taken = taken_in(base64.b64encode(as_png(Image.fromarray(given))).decode(), "depth")
        assert isinstance(taken, Image.Image)
        np.testing.assert_allclose(read_depth(taken), read_depth(given), atol=1e-5)
    flat = taken_in(base64.b64encode(as_png(Image.new("L", (20, 20)))).decode(), "depth")
    assert isinstance(flat, Unreadable) and "same everywhere" in flat.why and "white" not in flat.why


def test_words_move_the_camera_over_what_flows(tmp_path: Path) -> None:
    """The loop first, then the camera; a workspace keeps the depth and makes the same again."""
    picture, depth = scene()
    noise = np.random.default_rng(1).integers(0, 60, picture.shape).astype(np.uint8)
    river = np.zeros((SIDE, SIDE), np.float32)
    river[210:250] = 1
    words = {"motion": "river flowing left, the camera drifts", "frames": 6}
    made = animate(picture + noise // 3, mask={"river": river}, depth=depth, workspace=tmp_path / "w", **words)
    assert made.flow is not None and made.flow.field.any() and made.rendering is not None
    assert [law.kind for law in made.laws] == [PARALLAX] and NO_DEPTH not in made.notes
    frames = list(made.rendering.frames())
    assert abs(np.mean(post(frames[1])) - np.mean(post(frames[4]))) > 5
    again = animate(picture + noise // 3, mask={"river": river}, depth=depth, workspace=tmp_path / "w", **words)
    assert again.rendering is not None
    for one, two in zip(frames, again.rendering.frames(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("given", [{"motion": "slow camera push"}, {"law": "parallax"}])
def test_the_camera_alone_needs_no_region(given: dict[str, str]) -> None:
    picture, _ = scene()
    made = animate(picture, frames=4, **given)
    assert made.rendering is not None and len({frame.tobytes() for frame in made.rendering.frames()}) > 1
    assert NO_DEPTH in (*made.notes, *made.rendering.notes)
