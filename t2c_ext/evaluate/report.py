"""The report on one clip, and what a good clip has."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any


def measure(
    label: str,
    *,
    raw: tuple[float, float] | None = None,
    encoded: tuple[float, float] | None = None,
    digits: int = 2,
    percent: bool = False,
) -> Any:
    """Declare one measure: its words, and the range (both ends included) that is good for raw and encoded frames.

    `encoded` defaults to `raw`.
    """
    metadata = {"label": label, "raw": raw, "encoded": encoded or raw, "digits": digits, "percent": percent}
    return field(default=None, metadata=metadata)


_ANY = float("inf")


@dataclass(frozen=True)
class Row:
    """One line of the report for people.

    Attributes:
        name: the measure's name in `Report`.
        label: the measure in words.
        value: its value in words.
        target: what is good, or "".
        good: whether the value is in the target; None without a target.
    """

    name: str
    label: str
    value: str
    target: str
    good: bool | None


@dataclass
class Report:
    """Every measure of one clip; None where its input is missing or it has no meaning.

    Shares are 0..1, angles degrees, travel and lengths pixels as stated. The formulas are in the docstrings of the
    meters: `seam`, `sharpness`, `structure`, `coherence`, `static`, `motion`, `masks`, `flows`.

    Attributes:
        encoded: the frames come from a lossy file, which is judged by that file's targets.
        frames, height, width: of the clip.
        notes: sentences about what was assumed.
        seam_ratio .. repeats: see `seam.Seam`.
        sharpness_lowest .. breathing: see `sharpness.Sharpness`.
        drift, kept: see `structure.Structure`.
        coherence: see `coherence.CoherenceMeter`.
        outside_exact .. outside_changed: see `static.Static`.
        grey: see `static.GreyMeter`.
        holes: the largest share of the mask that no source pixel reached, as the loop stage reported it.
        angle: the direction that was asked for.
        flow_angle: direction of the mean of the given flow; video_angle: of the mean optical flow of the clip.
        flow_angle_error: between angle and flow_angle; video_angle_error: between angle and video_angle;
            video_flow_error: between flow_angle and video_angle.
        travel: median distance over the loop inside the mask by the clip's optical flow, pixels at 512.
        flow_travel: the same by the given flow.
        angular_error, end_point_error: of the given flow (of the clip's optical flow when none is given) against the
            true one, inside the mask and where the true one moves.
        iou, boundary_f: of the given predicted mask (else of the mask, else of the moving area) against the true one.
        file_bytes: size of the file; megabytes_60: in MB (10^6), brought to 60 frames of 512 x 512 pixels.
    """

    encoded: bool = False
    frames: int = 0
    height: int = 0
    width: int = 0
    notes: list[str] = field(default_factory=list)
    seam_ratio: float | None = measure("seam: step last to first / median step", raw=(0.95, 1.05), encoded=(0, 1.10))
    last_repeats: bool | None = measure("last frame repeats another", raw=(0, 0))
    repeats: int | None = measure("frames that repeat an earlier one", raw=(0, 0))
    sharpness_lowest: float | None = measure("sharpness: lowest / the still's", raw=(0.60, _ANY))
    sharpness_highest: float | None = measure("sharpness: highest / the still's", raw=(0, 1.15))
    breathing: float | None = measure("breathing: (max - min) / mean sharpness", raw=(0, 0.25))
    drift: float | None = measure("structure drift (good: falling water 0.12, rivers 0.10)")
    kept: float | None = measure("structure kept, worst frame", raw=(0.95, 1))
    coherence: float | None = measure("patch coherence, worst frame", raw=(0, 1.15))
    outside_exact: bool | None = measure("outside the mask bit-exact", raw=(1, 1), encoded=(0, 1))
    outside_psnr: float | None = measure("outside: PSNR against the first frame, dB", raw=(55, _ANY), digits=1)
    outside_changed: float | None = measure("outside: pixels that change", raw=(0, 0.000049), percent=True)
    grey: float | None = measure("grey or black pixels inside", raw=(0, 0.001), percent=True)
    holes: float | None = measure("holes reported by the loop stage", raw=(0, 0.001), percent=True)
    angle: float | None = measure("direction asked for", digits=1)
    flow_angle: float | None = measure("direction of the flow", digits=1)
    video_angle: float | None = measure("direction of the clip", digits=1)
    flow_angle_error: float | None = measure("direction: flow against asked for", raw=(0, 3), digits=1)
    video_angle_error: float | None = measure("direction: clip against asked for", raw=(0, 3), digits=1)
    video_flow_error: float | None = measure("direction: clip against flow", raw=(0, 3), digits=1)
    travel: float | None = measure("distance over the loop by optical flow, px at 512", raw=(30, _ANY), digits=1)
    flow_travel: float | None = measure("distance over the loop by the flow, px at 512", raw=(30, _ANY), digits=1)
    angular_error: float | None = measure("flow: angular error against the truth, degrees", digits=1)
    end_point_error: float | None = measure("flow: end-point error against the truth, px per frame", digits=3)
    iou: float | None = measure("mask: intersection over union with the truth", digits=3)
    boundary_f: float | None = measure("mask: boundary F against the truth", digits=3)
    file_bytes: int | None = measure("file size, bytes")
    megabytes_60: float | None = measure("file size, MB per 60 frames of 512 x 512", encoded=(0, 2.0))

    def to_dict(self) -> dict[str, Any]:
        """Every measure by its name."""
        return asdict(self)

    def to_json(self) -> str:
        """The measures as a JSON object; missing ones are null."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False)

    def rows(self) -> list[Row]:
        """The measures that there are, for people."""
        result = []
        for item in fields(self):
            value = getattr(self, item.name)
            if not item.metadata or value is None:
                continue
            bounds = item.metadata["encoded" if self.encoded else "raw"]
            write = _writer(item.metadata["digits"], item.metadata["percent"])
            good = None if bounds is None else bounds[0] <= value <= bounds[1]
            result.append(Row(item.name, item.metadata["label"], write(value), _target(bounds, write, value), good))
        return result

    def to_text(self) -> str:
        """A table for a terminal: measure, value, what is good, and a mark where the value is not."""
        lines = [f"{self.frames} frames of {self.width} x {self.height}"]
        for row in self.rows():
            mark = "  <-- not good" if row.good is False else ""
            lines.append(f"  {row.label:<55} {row.value:>9}   {row.target:<14}{mark}".rstrip())
        return "\n".join(lines + [f"  note: {note}" for note in self.notes])


def _writer(digits: int, percent: bool) -> Callable[[float], str]:
    def write(value: float) -> str:
        if isinstance(value, bool):
            return "yes" if value else "no"
        if percent:
            return f"{100 * value:.2f} %"
        return str(value) if isinstance(value, int) else f"{value:.{digits}f}"

    return write


def _target(bounds: tuple[float, float] | None, write: Callable[[float], str], value: float) -> str:
    if bounds is None:
        return ""
    low, high = bounds
    if isinstance(value, bool):
        return "either" if low != high else write(bool(low))
    if high == _ANY:
        return f"at least {write(low)}"
    return f"at most {write(high)}" if low <= 0 else f"{write(low)} to {write(high)}"
