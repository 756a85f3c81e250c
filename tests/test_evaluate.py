"""Clips whose measures are known beforehand."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.evaluate import evaluate, moving_area

SIDE = 96
BOX = (slice(20, 76), slice(16, 80))


def texture(height: int = SIDE, width: int = SIDE, seed: int = 5, smooth: float = 1.2) -> np.ndarray:
    """A periodic picture of smooth noise, uint8 [H, W, 3]."""
    noise = np.random.default_rng(seed).normal(size=(height, width, 3))
    tiled = cv2.GaussianBlur(np.tile(noise, (3, 3, 1)), (0, 0), smooth)[height : 2 * height, width : 2 * width]
    return np.rint(np.clip(128 + tiled * 45 / tiled.std(), 0, 255)).astype(np.uint8)


def full_mask() -> np.ndarray:
    return np.ones((SIDE, SIDE), np.float32)


def box_mask() -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[BOX] = 1
    return mask


def rolling(still: np.ndarray, step: tuple[int, int], count: int) -> list[np.ndarray]:
    """The still moved around its torus by (dx, dy) pixels per frame."""
    return [np.roll(still, (t * step[1], t * step[0]), axis=(0, 1)) for t in range(count)]


def border_sharpness(still: np.ndarray, shifts: list[int]) -> tuple[float, float]:
    """Lowest sharpness and breathing of a still that goes around its torus to the right.

    The Laplacian of a shifted picture is the shifted Laplacian, but in the two columns at the border, where the
    neighbour outside is the reflected one inside: only what is there at a time makes the sharpness breathe.
    """
    luma = cv2.cvtColor(still, cv2.COLOR_RGB2GRAY).astype(np.float64)
    rows = np.pad(luma, ((1, 1), (0, 0)), mode="reflect")
    vertical = rows[:-2] + rows[2:] - 4 * luma
    left, right = np.roll(luma, 1, axis=1), np.roll(luma, -1, axis=1)
    squares = ((vertical + left + right) ** 2).sum(axis=0)
    first, last = ((vertical + 2 * inner) ** 2 for inner in (right, left))
    values = []
    for shift in shifts:
        begin, end = -shift % SIDE, (-shift - 1) % SIDE
        border = first[:, begin].sum() + last[:, end].sum()
        values.append(squares.sum() - squares[begin] - squares[end] + border)
    return min(values) / values[0], (max(values) - min(values)) / float(np.mean(values))


def within_box(still: np.ndarray, frames: list[np.ndarray]) -> list[np.ndarray]:
    """The frames inside the box, the still around it."""
    result = []
    for frame in frames:
        merged = still.copy()
        merged[BOX] = frame[BOX]
        result.append(merged)
    return result


def test_an_integer_shift_around_a_torus_is_a_perfect_loop() -> None:
    still = texture()
    report = evaluate(rolling(still, (4, 0), SIDE // 4), still=still, mask=full_mask(), angle=0)
    assert report.frames == 24
    assert report.seam_ratio == pytest.approx(1.0, abs=1e-9)
    assert report.last_repeats is False and report.repeats == 0
    lowest, breathing = border_sharpness(still, [4 * t for t in range(report.frames)])
    assert report.sharpness_lowest == pytest.approx(lowest, abs=1e-5)
    assert report.breathing == pytest.approx(breathing, abs=1e-5)
    assert report.coherence is not None and report.coherence < 0.25
    assert report.grey is not None and report.grey < 1e-3
    assert report.outside_exact is None and report.outside_psnr is None


def test_the_step_over_the_seam_counts_by_its_size() -> None:
    still = np.full((SIDE, SIDE, 3), 100, np.uint8)
    frames = [still + np.uint8(2 * t) for t in range(6)]
    report = evaluate(frames, still=texture(), mask=full_mask())
    assert report.seam_ratio == pytest.approx(10 / 2)


@pytest.mark.parametrize(("copy_of", "last"), [(0, True), (22, True), (7, True)])
def test_a_last_frame_that_repeats_another_is_found(copy_of: int, last: bool) -> None:
    frames = rolling(texture(), (4, 0), 24)
    frames[-1] = frames[copy_of].copy()
    report = evaluate(frames, still=frames[0], mask=full_mask())
    assert report.last_repeats is last and report.repeats == 1


def test_a_repeat_is_found_under_the_noise_of_a_codec() -> None:
    frames = rolling(texture(), (4, 0), 24)
    noise = np.random.default_rng(1).integers(-2, 3, (SIDE, SIDE, 3))
    frames[-1] = np.clip(frames[0] + noise, 0, 255).astype(np.uint8)
    assert evaluate(frames, still=frames[0], mask=full_mask()).last_repeats is True


def test_a_loop_played_twice_repeats_half_of_its_frames() -> None:
    frames = rolling(texture(), (8, 0), 12)
    assert evaluate(frames + frames, still=frames[0], mask=full_mask()).repeats == 12


def test_blur_lowers_sharpness_by_the_filter_s_own_factor() -> None:
    """Cosine waves: a [1 2 1]/4 blur along x multiplies cos(w x) by (1 + cos w) / 2, the variance by its square."""
    w = 2 * np.pi * 8 / SIDE
    wave = 128 + 100 * np.cos(w * np.arange(SIDE))
    still = np.repeat(np.rint(np.tile(wave, (SIDE, 1)))[..., None], 3, axis=2).astype(np.uint8)
    factor = ((1 + np.cos(w)) / 2) ** 2
    blurred = np.rint((np.roll(still, 1, 1) + 2.0 * still + np.roll(still, -1, 1)) / 4).astype(np.uint8)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:, 12:84] = 1
    report = evaluate([still, blurred, still], still=still, mask=mask)
    assert report.sharpness_lowest == pytest.approx(factor, rel=0.02)
    assert report.sharpness_highest == pytest.approx(1.0, abs=1e-9)
    assert report.breathing == pytest.approx((1 - factor) / ((2 + factor) / 3), rel=0.05)


@pytest.mark.parametrize(
    ("step", "angle"), [((2, 0), 0.0), ((0, -2), 90.0), ((-2, 0), 180.0), ((0, 2), 270.0), ((2, 2), 315.0)]
)
def test_a_shift_gives_its_direction_and_distance(step: tuple[int, int], angle: float) -> None:
    still = texture(smooth=2.0)
    flow = np.broadcast_to(np.array(step, np.float32), (SIDE, SIDE, 2))
    mask = box_mask()
    report = evaluate(
        rolling(still, step, 48), still=still, mask=mask, angle=angle, truth_flow=flow, predicted_flow=flow
    )
    assert report.video_angle_error is not None and report.video_angle_error < 1.0
    assert report.flow_angle_error == pytest.approx(0, abs=1e-4)
    assert report.video_flow_error == pytest.approx(report.video_angle_error, abs=1e-4)
    distance = 48 * float(np.hypot(*step)) * 512 / SIDE
    assert report.flow_travel == pytest.approx(distance, rel=1e-5)
    assert report.travel == pytest.approx(distance, rel=0.05)
    assert report.angular_error == pytest.approx(0, abs=1e-4) and report.end_point_error == 0


def test_without_a_flow_the_clip_s_own_is_compared_with_the_truth() -> None:
    still = texture(smooth=2.0)
    truth = np.broadcast_to(np.array([0.0, 2.0], np.float32), (SIDE, SIDE, 2))
    report = evaluate(rolling(still, (2, 0), 48), still=still, mask=box_mask(), truth_flow=truth)
    assert report.angular_error == pytest.approx(90, abs=2)
    assert report.end_point_error == pytest.approx(np.hypot(2, 2), rel=0.1)


def test_dots_of_black_destroy_coherence() -> None:
    still = texture()
    frames = rolling(still, (4, 0), 24)
    cracked = [frame.copy() for frame in frames]
    cracked[13][::6, ::6] = 0
    perfect = evaluate(frames, still=still, mask=full_mask())
    report = evaluate(cracked, still=still, mask=full_mask())
    assert perfect.coherence is not None and report.coherence is not None
    assert report.coherence > 1.15 > perfect.coherence
    assert report.grey == pytest.approx((SIDE // 6) ** 2 / SIDE**2, abs=1e-3)
    assert report.sharpness_highest is not None and report.sharpness_highest > 1.15


def test_a_half_pixel_shift_has_coherence_one() -> None:
    still = texture().astype(np.float32)
    moved = sum(np.roll(still, (y, x), (0, 1)) for y in (0, 1) for x in (0, 1)) / 4
    frame = np.rint(moved).astype(np.uint8)
    report = evaluate([frame, frame], still=still.astype(np.uint8), mask=box_mask())
    assert report.coherence == pytest.approx(1.0, abs=0.01)


def test_a_double_exposure_of_the_paper_s_kind_is_recognised() -> None:
    """Two bilinear warps cross-faded: blurred half-way, breathing, incoherent, and yet with a small seam."""
    still = texture(128, 128, smooth=1.0)
    count, speed = 16, 1.3
    ys, xs = np.mgrid[:128, :128].astype(np.float32)

    def warped(steps: float) -> np.ndarray:
        extended = cv2.copyMakeBorder(still, 32, 32, 32, 32, cv2.BORDER_WRAP).astype(np.float32)
        return cv2.remap(extended, xs + np.float32(32 - speed * steps), ys + 32, cv2.INTER_LINEAR)

    frames = []
    for t in range(count):
        alpha = 1 - t / count
        frames.append(np.rint(alpha * warped(t) + (1 - alpha) * warped(t - count)).astype(np.uint8))
    report = evaluate(frames, still=still, mask=np.ones((128, 128), np.float32), angle=0)
    assert report.sharpness_lowest is not None and report.sharpness_lowest < 0.6
    assert report.breathing is not None and report.breathing > 0.5
    assert report.coherence is not None and report.coherence > 1.15
    assert report.sharpness_highest == pytest.approx(1.0, abs=1e-6)
    bad = {row.name for row in report.rows() if row.good is False}
    assert {"sharpness_lowest", "breathing", "coherence"} <= bad


def test_outside_is_exact_or_not_bit_by_bit() -> None:
    still = texture()
    frames = within_box(still, rolling(still, (4, 0), 12))
    exact = evaluate(frames, still=still, mask=box_mask())
    assert exact.outside_exact is True and exact.outside_psnr == 100 and exact.outside_changed == 0
    frames[5] = frames[5].copy()
    frames[5][0, 0, 1] ^= 1
    assert evaluate(frames, still=still, mask=box_mask()).outside_exact is False


def test_psnr_and_changed_pixels_outside_have_their_known_values() -> None:
    still = np.full((SIDE, SIDE, 3), 90, np.uint8)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[:48] = 1
    mask[48:50] = 0.5
    changed = still.copy()
    changed[-1, :, 0] += 13
    changed[-2, :, 0] += 12
    report = evaluate([still, still, changed], still=still, mask=mask)
    pixels = 46 * SIDE
    error = (13**2 + 12**2) * SIDE / (2 * pixels * 3)
    assert report.outside_psnr == pytest.approx(10 * np.log10(255**2 / error))
    assert report.outside_changed == pytest.approx(SIDE / pixels)
    assert report.outside_exact is False


def test_the_moving_area_is_found_without_a_mask() -> None:
    still = texture()
    frames = within_box(still, rolling(still, (4, 0), 24))
    report = evaluate(frames, truth_mask=box_mask())
    assert report.iou is not None and report.iou > 0.9
    assert report.boundary_f is not None and report.boundary_f > 0.9
    assert any("no mask" in note for note in report.notes) and any("no still" in note for note in report.notes)
    assert moving_area(frames)[0, 0] == 0


def test_frames_are_read_one_by_one() -> None:
    """A one-shot iterator is enough with a mask, and a callable without one."""
    still = texture()
    frames = rolling(still, (4, 0), 24)
    once = evaluate(iter(frames), still=still, mask=full_mask())
    assert once.to_dict() == evaluate(frames, still=still, mask=full_mask()).to_dict()
    again = evaluate(lambda: iter(frames), still=still)
    assert again.frames == 24
    with pytest.raises(UserError, match="mask"):
        evaluate(iter(frames), still=still)


def test_a_report_is_the_same_every_time_and_is_json() -> None:
    still = texture()
    frames = rolling(still, (3, 1), 8)
    first, second = (evaluate(frames, still=still, mask=box_mask(), angle=342) for _ in range(2))
    assert first.to_json() == second.to_json()
    document = json.loads(first.to_json())
    assert document["frames"] == 8 and document["iou"] is None
    assert "seam" in first.to_text()


def test_file_size_is_scaled_to_sixty_frames_of_512() -> None:
    report = evaluate(rolling(texture(), (4, 0), 12), mask=full_mask(), file_bytes=10_000, encoded=True)
    assert report.file_bytes == 10_000
    assert report.megabytes_60 == pytest.approx(0.01 * 5 * (512 / SIDE) ** 2)


def test_a_still_and_mask_of_another_size_are_brought_to_the_frames() -> None:
    still = texture()
    frames = rolling(still, (4, 0), 24)
    large = cv2.resize(still, (192, 192), interpolation=cv2.INTER_NEAREST)
    report = evaluate(frames, still=large / np.float32(255), mask=np.ones((48, 48), np.float32))
    assert report.sharpness_lowest == pytest.approx(1.0, abs=0.01)
    assert report.outside_exact is None and any("resized" in note for note in report.notes)


@pytest.mark.parametrize(
    ("frames", "mask", "words"),
    [
        ([], full_mask(), "no frames"),
        ([texture()], np.zeros((SIDE, SIDE), np.float32), "empty"),
        ([texture(), texture(64, 64)], full_mask(), "frame 1"),
        ([texture().astype(np.float32)], full_mask(), "uint8"),
        ([texture()] * 3, None, "nothing moves"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_one_line(
    frames: list[np.ndarray], mask: np.ndarray | None, words: str
) -> None:
    with pytest.raises(UserError, match=words) as caught:
        evaluate(frames, mask=mask)
    assert "\n" not in str(caught.value)


def test_one_frame_has_no_seam() -> None:
    report = evaluate([texture()], mask=full_mask())
    assert report.frames == 1 and report.seam_ratio is None and report.last_repeats is False
