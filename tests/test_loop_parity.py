"""The paper's Euler integration, splatting and blending against the fixtures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from t2c_ext.loop.paper import alpha, euler_displacements, symmetric_splat
from t2c_ext.loop.splat import splat

pytestmark = pytest.mark.parity


def _last(values: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.moveaxis(values, 0, -1), np.float32)


def _compare(flow: np.ndarray, steps: int, displacement: np.ndarray, visible: np.ndarray) -> None:
    *_, (found, seen) = euler_displacements(flow, steps)
    assert np.array_equal(np.moveaxis(found, -1, 0), displacement)
    assert np.array_equal(seen, visible[0].astype(bool))


def test_euler(fixtures: Any) -> None:
    names = fixtures.named("euler_")
    if not names:
        pytest.skip("this set has no integration")
    for name in names:
        data = fixtures.arrays(name)
        for row, steps in enumerate(data["steps"]):
            flow = _last(data["flow"][row if len(data["flow"]) > 1 else 0])
            _compare(flow, int(steps), data["forward"][row], data["forward_visible"][row])
            if "backward" in data:
                _compare(-flow, int(steps), data["backward"][row], data["backward_visible"][row])


@pytest.mark.parametrize("mode", ["summation", "average", "linear", "softmax"])
def test_softsplat(fixtures: Any, mode: str) -> None:
    if "softsplat" not in fixtures.named("softsplat"):
        pytest.skip("this set has no softsplat")
    data, tolerance = fixtures.arrays("softsplat"), fixtures.tolerance("softsplat")
    for values, flow, metric, wanted in zip(
        data["input"], data["flow"], data["metric"], data["out_" + mode], strict=True
    ):
        weight = np.abs(metric[0]) if mode == "linear" else metric[0]
        found = splat(_last(values), _last(flow), weight, mode)
        assert np.abs(found - _last(wanted)).max() <= tolerance


def test_alpha(fixtures: Any) -> None:
    if "blend_alpha_table" not in fixtures.named("blend_alpha_table"):
        pytest.skip("this set has no blend_alpha_table")
    for count, row in fixtures.document("blend_alpha_table").items():
        assert [float(alpha(frame, int(count))) for frame in range(int(count))] == row


def test_symmetric_blend(fixtures: Any) -> None:
    names = fixtures.named("symmetric_blend")
    if not names:
        pytest.skip("this set has no symmetric_blend")
    for name in names:
        data, tolerance = fixtures.arrays(name), fixtures.tolerance(name)
        count = fixtures.index[name]["n_frames"]
        features = (_last(data["features"][0]), _last(data["features"][1]))
        importance = (data["Z"][0, 0], data["Z"][1, 0])
        flow = _last(data["motion"][0])
        for row, frame in enumerate(data["k"]):
            *_, (ahead, _) = euler_displacements(flow, int(frame))
            *_, (back, _) = euler_displacements(-flow, count - int(frame))
            assert np.array_equal(np.moveaxis(ahead, -1, 0), data["flow_f"][row])
            assert np.array_equal(np.moveaxis(back, -1, 0), data["flow_p"][row])
            found, _ = symmetric_splat(features, importance, (ahead, back), float(alpha(int(frame), count)))
            assert np.abs(found - _last(data["blended"][row])).max() <= tolerance
