"""The curve that rooms ease with."""

from __future__ import annotations

import numpy as np

from t2c_ext.curves import smoothstep


def test_known_values() -> None:
    given = np.array([-3, 0, 0.25, 0.5, 0.75, 1, 7])
    np.testing.assert_array_equal(smoothstep(given), [0, 0, 0.15625, 0.5, 0.84375, 1, 1])


def test_it_is_level_at_both_ends() -> None:
    near = smoothstep(np.array([1e-4, 1 - 1e-4]))
    np.testing.assert_allclose(near, [3e-8, 1 - 3e-8], atol=1e-11)


def test_types_and_shapes_stay() -> None:
    assert smoothstep(np.zeros((2, 3), np.float32)).dtype == np.float32
    assert smoothstep(np.zeros((2, 3), np.float32)).shape == (2, 3)
    assert float(smoothstep(0.5)) == 0.5
