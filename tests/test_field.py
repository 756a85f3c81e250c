"""Flow files and flows that the user gives."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from t2c_ext.errors import UserError
from t2c_ext.motion.field import prepare_flow, read_flow, resize_flow, write_flow
from t2c_ext.settings import MotionSettings

FLOW = np.arange(24, dtype=np.float32).reshape(3, 4, 2) / 10


def write_flo(path: Path, flow: np.ndarray) -> None:
    height, width = flow.shape[:2]
    path.write_bytes(struct.pack("<fii", 202021.25, width, height) + flow.astype("<f4").tobytes())


@given(
    arrays.arrays(
        np.float32, st.tuples(st.integers(1, 9), st.integers(3, 9), st.just(2)), elements=st.floats(-6, 6, width=32)
    )
)
def test_npz_round_trip(tmp_path_factory: pytest.TempPathFactory, flow: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("flow") / "flow.npz"
    write_flow(path, flow)
    assert np.array_equal(read_flow(path), flow)
    assert [item.name for item in path.parent.iterdir()] == ["flow.npz"]


def test_kinds_and_layouts(tmp_path: Path) -> None:
    np.savez(tmp_path / "only.npz", motion=FLOW.transpose(2, 0, 1)[None])
    np.save(tmp_path / "first.npy", FLOW.transpose(2, 0, 1).astype(np.float64))
    np.save(tmp_path / "half.npy", FLOW.astype(np.float16))
    write_flo(tmp_path / "middlebury.flo", FLOW)
    for name in ("only.npz", "first.npy", "middlebury.flo"):
        assert np.array_equal(read_flow(tmp_path / name), FLOW), name
    assert np.abs(read_flow(str(tmp_path / "half.npy")) - FLOW).max() < 1e-3
    assert np.array_equal(read_flow(FLOW.transpose(2, 0, 1)[None]), FLOW)


def test_unknown_vectors_of_flo_become_zero(tmp_path: Path) -> None:
    flow = FLOW.copy()
    flow[1, 2] = 1.7e9
    write_flo(tmp_path / "a.flo", flow)
    read = read_flow(tmp_path / "a.flo")
    assert not read[1, 2].any() and np.array_equal(
        np.delete(read.reshape(-1, 2), 6, 0), np.delete(FLOW.reshape(-1, 2), 6, 0)
    )


@pytest.mark.parametrize("name", ["Motion.pt", "motion.pth"])
def test_motion_of_the_paper_is_multiplied_by_64(tmp_path: Path, name: str) -> None:
    torch = pytest.importorskip("torch")
    torch.save(torch.from_numpy(FLOW.transpose(2, 0, 1)[None].copy() / 64), tmp_path / name)
    assert np.allclose(read_flow(tmp_path / name), FLOW, atol=1e-6)
    torch.save({"a": 1}, tmp_path / name)
    with pytest.raises(UserError, match="holds no tensor"):
        read_flow(tmp_path / name)


def test_code_in_a_torch_file_is_not_run(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (tmp_path / "ran",)  # type: ignore[return-value]

    torch.save(Evil(), tmp_path / "evil.pt")
    with pytest.raises(UserError, match=r"cannot read the flow evil\.pt"):
        read_flow(tmp_path / "evil.pt")
    assert not (tmp_path / "ran").exists()


def test_without_torch_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "Motion.pt").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"Motion\.pt needs PyTorch"):
        read_flow(tmp_path / "Motion.pt")


def test_refusals(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", a=FLOW, b=FLOW)
    np.save(tmp_path / "shape.npy", np.zeros((3, 4, 3), np.float32))
    np.save(tmp_path / "words.npy", np.array([["a", "b"]]))
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "nan.npy", np.full((3, 4, 2), np.nan, np.float32))
    np.save(tmp_path / "huge.npy", np.full((3, 4, 2), 1e6, np.float32))
    np.save(tmp_path / "overflow.npy", np.full((3, 4, 2), 1e300))
    np.save(tmp_path / "empty.npy", np.zeros((0, 4, 2), np.float32))
    (tmp_path / "short.flo").write_bytes(struct.pack("<fii", 202021.25, 4, 3))
    (tmp_path / "magic.flo").write_bytes(b"HEIPHEIPHEIPHEIP")
    (tmp_path / "bad.npz").write_bytes(b"not a zip")
    (tmp_path / "bad.npy").write_bytes(b"")
    (tmp_path / "flow.txt").write_text("1 2", encoding="utf-8")
    expected = {
        "two.npz": "no array called flow, but a, b",
        "shape.npy": r"shape \[3, 4, 3\]",
        "words.npy": "made of real numbers",
        "objects.npy": "cannot read .*Python objects",
        "nan.npy": r"NaN or infinite vectors \(100\.0% of them\)",
        "huge.npy": "more than 8 is no motion",
        "overflow.npy": "NaN or infinite",
        "empty.npy": "each side must be from 1",
        "short.flo": "is damaged",
        "magic.flo": "not a .flo file",
        "bad.npz": "cannot read",
        "bad.npy": "cannot read",
        "flow.txt": "no flow file; known are .npz",
        "missing.npz": "there is no flow file",
    }
    for name, message in expected.items():
        with pytest.raises(UserError, match=message) as caught:
            read_flow(tmp_path / name)
        assert "\n" not in str(caught.value), name


def test_write_refuses_other_endings_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="needs that ending"):
        write_flow(tmp_path / "flow.flo", FLOW)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match="cannot write"):
        write_flow(tmp_path / "file" / "flow.npz", FLOW)
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_resizing_scales_the_vectors_with_the_picture() -> None:
    flow = np.empty((10, 20, 2), np.float32)
    flow[:] = (2.0, -3.0)
    larger = resize_flow(flow, 30, 40)
    assert larger.shape == (30, 40, 2) and np.allclose(larger, (4.0, -9.0))
    assert np.allclose(resize_flow(larger, 10, 20), flow)


def test_prepare_multiplies_by_speed_and_clears_outside() -> None:
    mask = np.zeros((8, 8), np.float32)
    mask[2:6, 2:6] = 0.5
    flow = np.empty((2, 4, 4), np.float32)
    flow[0], flow[1] = 1.0, -0.5
    given = flow.copy()
    result = prepare_flow(flow, mask, MotionSettings(speed=0.5))
    assert np.allclose(result.field[mask > 0], (1.0, -0.5)) and not result.field[mask == 0].any()
    assert result.source == "file" and "resized" in result.notes[0]
    assert np.array_equal(flow, given)
    assert not prepare_flow(flow, mask, MotionSettings(speed=0.0)).field.any()
    assert not prepare_flow(np.ones((8, 8, 2), np.float32), mask, MotionSettings()).notes


def test_prepare_refuses_what_moves_nothing() -> None:
    flow = np.zeros((8, 8, 2), np.float32)
    with pytest.raises(UserError, match="mask is empty"):
        prepare_flow(flow + 1, np.zeros((8, 8), np.float32), MotionSettings())
    with pytest.raises(UserError, match="stands still"):
        prepare_flow(flow, np.ones((8, 8), np.float32), MotionSettings())
    with pytest.raises(UserError, match="NaN"):
        prepare_flow(flow * np.nan, np.ones((8, 8), np.float32), MotionSettings())
