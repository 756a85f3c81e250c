"""The frames of a loop: what must stay, what must move, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.extents import to_bytes
from t2c_ext.loop import gather, trajectories
from t2c_ext.loop.render import Rendering, render_loop
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings

SETTINGS = LoopSettings(frames=16)
KERNELS = ("sharp", "splat", "bilinear")


def _scene(height: int = 96, width: int = 128, speed: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    noise = np.random.default_rng(5).random((height, width, 3), np.float32)
    picture = (np.rint(cv2.GaussianBlur(noise, (0, 0), 1.2) * 255) / 255).astype(np.float32)
    mask = np.zeros((height, width), np.float32)
    mask[height // 4 : -height // 8, width // 8 : -width // 8] = 1
    mask = cv2.GaussianBlur(mask, (0, 0), 1.5)
    mask[mask < 0.02] = 0
    flow = np.zeros((height, width, 2), np.float32)
    flow[mask > 0] = (speed, 0)
    return picture, mask, flow


def _render(settings: LoopSettings = SETTINGS, seed: int = 1, **scene: float) -> Rendering:
    return render_loop(*_scene(**scene), settings, seed=seed, reporter=Reporter())


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("blend", ["phase", "plain", "paper"])
def test_outside_the_mask_nothing_changes_and_inside_it_does(kernel: str, blend: str) -> None:
    picture, mask, _ = _scene()
    still = to_bytes(picture)
    frames = list(_render(replace(SETTINGS, kernel=kernel, blend=blend)).frames())
    assert len(frames) == 16
    assert all(np.array_equal(frame[mask == 0], still[mask == 0]) for frame in frames)
    assert np.abs(frames[8].astype(int) - still)[mask > 0.9].mean() > 2


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_field_of_zero_leaves_the_picture(kernel: str) -> None:
    picture, mask, flow = _scene()
    loop = render_loop(picture, mask, flow * 0, replace(SETTINGS, kernel=kernel), seed=0)
    assert all(np.array_equal(frame, to_bytes(picture)) for frame in loop.frames())


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    loop = _render()
    first, again, other = (list(made.frames()) for made in (loop, _render(), _render(seed=2)))
    assert all(np.array_equal(a, b) for a, b in zip(first, loop.frames(), strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_start_still_begins_with_the_picture_inside_the_region() -> None:
    picture, _, _ = _scene()
    first = next(_render(replace(SETTINGS, start_still=True)).frames())
    assert np.array_equal(first, to_bytes(picture))


def test_start_still_does_not_carry_the_rim_along() -> None:
    picture, mask, flow = _scene()
    picture[...] = picture * 0.2
    picture[mask < 0.7] = (1, 0, 0)
    frames = list(render_loop(picture, mask, flow, replace(SETTINGS, start_still=True), seed=0).frames())
    assert np.array_equal(frames[0], to_bytes(picture))
    assert all(frame[mask == 1][:, 0].max() < 140 for frame in frames)


def test_the_last_step_is_like_the_others() -> None:
    _, mask, _ = _scene()
    frames = [frame.astype(float) for frame in _render(replace(SETTINGS, frames=32)).frames()]
    steps = [np.abs(frames[k] - frames[k - 1])[mask > 0.9].mean() for k in range(32)]
    assert 0.9 < steps[0] / np.median(steps) < 1.1
    assert all(not np.array_equal(frames[31], frame) for frame in frames[:31])


def test_texture_travels_with_the_field() -> None:
    _, mask, _ = _scene()
    frames = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in _render(replace(SETTINGS, blend="plain")).frames()]
    seen = cv2.DISOpticalFlow_create(2).calc(frames[1], frames[2], None)[mask > 0.99].mean(axis=0)
    assert seen[0] > 0.5 and abs(seen[1]) < 0.1 * seen[0]


def test_a_boats_colour_is_not_carried_into_the_water() -> None:
    picture, mask, flow = _scene()
    picture[...] = picture * 0.2
    picture[40:56, 54:70] = (1, 0, 0)
    mask[38:58, 52:72] = 0
    flow[mask == 0] = 0
    for frame in render_loop(picture, mask, flow, SETTINGS, seed=0).frames():
        assert frame[mask > 0][:, 0].max() < 140


@pytest.mark.parametrize(("height", "width"), [(64, 64), (65, 131), (97, 64)])
def test_any_size(height: int, width: int) -> None:
    frames = list(_render(replace(SETTINGS, frames=3), height=height, width=width).frames())
    assert [frame.shape for frame in frames] == [(height, width, 3)] * 3


def test_full_mask_and_one_frame() -> None:
    picture, mask, flow = _scene()
    flow[...] = (0.5, 0.3)
    assert len(list(render_loop(picture, mask * 0 + 1, flow, SETTINGS, seed=0).frames())) == 16
    only = list(render_loop(picture, mask, flow, replace(SETTINGS, frames=1), seed=0).frames())
    assert len(only) == 1 and np.array_equal(only[0], to_bytes(picture))


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_a_field_that_is_no_field_is_refused(value: float) -> None:
    picture, mask, flow = _scene()
    flow[50, 60, 0] = value
    with pytest.raises(UserError, match="flow"):
        render_loop(picture, mask, flow, SETTINGS, seed=0)


def test_an_empty_mask_or_another_size_is_refused() -> None:
    picture, mask, flow = _scene()
    with pytest.raises(UserError, match="empty"):
        render_loop(picture, mask * 0, flow, SETTINGS, seed=0)
    with pytest.raises(UserError):
        render_loop(picture, mask[:-1], flow, SETTINGS, seed=0)


def test_it_stops_when_asked() -> None:
    asked = iter([False] * 4 + [True] * 99)
    loop = render_loop(*_scene(), SETTINGS, seed=0, reporter=Reporter(cancelled=lambda: next(asked)))
    with pytest.raises(Cancelled):
        list(loop.frames())


@pytest.mark.parametrize("name", ["artistic-13", "photo-IMG_6036"])
def test_a_real_picture_stays_sharp_and_does_not_breathe(pictures: Path, name: str) -> None:
    folder = pictures / name
    file = next(path for path in (folder / "art.png", folder / "photo.jpg") if path.exists())
    size = (256, 256)
    image = cv2.resize(cv2.imread(str(file))[..., ::-1], size, interpolation=cv2.INTER_AREA)
    mask = cv2.resize(cv2.imread(str(folder / "mask.png"), cv2.IMREAD_GRAYSCALE), size) / np.float32(255)
    flow = np.zeros((256, 256, 2), np.float32)
    flow[mask > 0] = (0.5, 0)
    picture, inside = (image / 255).astype(np.float32), mask > 0.5

    def sharpness(frame: np.ndarray) -> float:
        return float(cv2.Laplacian(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.CV_64F)[inside].var())

    values = [sharpness(frame) for frame in render_loop(picture, mask, flow, LoopSettings(), seed=0).frames()]
    own = sharpness(to_bytes(picture))
    assert min(values) > 0.6 * own and max(values) < 1.15 * own
    assert (max(values) - min(values)) / np.mean(values) < 0.25


def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    for threads in (1, 4):
        monkeypatch.setattr(trajectories.os, "cpu_count", lambda threads=threads: threads)
        assert trajectories.workers() == threads
        made.append(list(_render(height=192, width=256).frames()))
    assert all(np.array_equal(a, b) for a, b in zip(*made, strict=True))


def test_the_kernel_is_compiled_once() -> None:
    """Numba compiles a function anew for arrays of another kind; this one takes longest, in each new place."""
    list(render_loop(*_scene(), SETTINGS, seed=0).frames())
    assert len(gather.draw.compiled().signatures) == 1
