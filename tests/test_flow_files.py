"""Flows of other makes: on their side, in parts, alone, and files that lie about their size."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.api import animate
from t2c_ext.errors import UserError
from t2c_ext.motion.field import fit_flow, moving_by_flow, prepare_flow, read_flow
from t2c_ext.recipe import recipe_from_json
from t2c_ext.settings import MotionSettings

HEIGHT, WIDTH = 48, 64
FLOW = np.zeros((HEIGHT, WIDTH, 2), np.float32)
FLOW[20:40, 10:50] = (1.5, -0.5)
MOVING = (FLOW != 0).any(axis=2)
PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))


@pytest.mark.parametrize(
    "layout",
    [
        FLOW,
        FLOW.transpose(2, 0, 1),
        FLOW.swapaxes(0, 1),
        FLOW.swapaxes(0, 1).transpose(2, 0, 1),
        FLOW[None],
        FLOW.transpose(2, 0, 1)[None].astype(np.float64),
        np.asfortranarray(FLOW),
    ],
)
def test_a_flow_lies_as_its_picture_does(tmp_path: Path, layout: np.ndarray) -> None:
    np.save(tmp_path / "flow.npy", layout)
    for given in (read_flow(layout), read_flow(tmp_path / "flow.npy")):
        upright, notes = fit_flow(given, HEIGHT, WIDTH)
        np.testing.assert_array_equal(upright, FLOW)
        assert bool(notes) == (given.shape[0] == WIDTH)
    small = read_flow(layout[..., ::2, ::2, :] if layout.shape[-1] == 2 else layout[..., ::2, ::2])
    upright, notes = fit_flow(small, HEIGHT, WIDTH)
    assert upright.shape == FLOW.shape and "resized" in notes[-1]
    np.testing.assert_allclose(upright[30, 30], (3, -1))


def test_another_shape_is_said() -> None:
    flow = prepare_flow(FLOW[:, :20], np.ones((HEIGHT, WIDTH), np.float32), MotionSettings())
    assert flow.field.shape == FLOW.shape and any("another shape" in note for note in flow.notes)


@pytest.mark.parametrize(
    "arrays",
    [
        {"flow": FLOW, "mask": MOVING},
        {"field": FLOW, "mask": MOVING, "version": np.int64(1)},
        {"u": FLOW[..., 0], "v": FLOW[..., 1]},
        {"dx": FLOW[..., 0], "dy": FLOW[..., 1], "valid": MOVING},
        {"anything": FLOW.transpose(2, 0, 1)},
    ],
)
def test_names_of_arrays(tmp_path: Path, arrays: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "flow.npz", **arrays)
    np.testing.assert_array_equal(read_flow(tmp_path / "flow.npz"), FLOW)


def test_a_flow_alone_says_what_moves(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "flow.npz", flow=FLOW)
    for flow in (tmp_path / "flow.npz", FLOW.swapaxes(0, 1)):
        result = animate(PICTURE, flow=flow, frames=2, workspace=tmp_path / f"work{isinstance(flow, Path)}")
        assert result.moving is not None and result.flow is not None and result.flow.source
        np.testing.assert_array_equal(result.flow.field[MOVING], FLOW[MOVING])
        assert (result.moving[MOVING] > 0.9).mean() > 0.9 and result.moving[~MOVING].mean() < 0.1
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[25:30, 20:30] = 1
    result = animate(PICTURE, flow=FLOW, mask=mask, frames=2)
    assert result.moving is not None and result.moving[35, 15] == 0, "a mask says more than the flow does"


def test_what_a_flow_moves() -> None:
    mask, notes = moving_by_flow(FLOW, HEIGHT, WIDTH)
    np.testing.assert_array_equal(mask, MOVING)
    assert notes == ()
    assert "whole picture" in moving_by_flow(FLOW + 1, HEIGHT, WIDTH)[1][0]
    with pytest.raises(UserError, match="zero everywhere"):
        moving_by_flow(FLOW * 0, HEIGHT, WIDTH)


def head(shape: tuple[int, ...], kind: str = "<f4") -> bytes:
    text = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    text += b" " * (63 - (len(text) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text


def archive(content: bytes, name: str = "flow.npy") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return file.getvalue()


def announced(size: int) -> bytes:
    """An archive that says of its only member that it unpacks to so much, as that of a bomb does."""
    data = bytearray(archive(head((HEIGHT, WIDTH, 2)) + bytes(FLOW.nbytes)))
    struct.pack_into("<I", data, data.index(b"PK\1\2") + 24, size)
    return bytes(data)


LIES: dict[str, Callable[[], bytes]] = {
    "head.npy": lambda: head((1 << 15, 1 << 15, 2)) + bytes(64),
    "wraps.npy": lambda: head((1 << 32, 1 << 32, 2)) + bytes(64),
    "head.npz": lambda: archive(head((1 << 15, 1 << 15, 2)) + bytes(64)),
    "bomb.npz": lambda: announced(3_000_000_000),
    "objects.npz": lambda: archive(head((2, 2, 2), "|O") + b"cposix\nsystem\n(S'true'\ntR."),
    "cut.npz": lambda: archive(head((8, 8, 2)) + bytes(512))[:-40],
    "head.flo": lambda: struct.pack("<fii", 202021.25, 1 << 15, 1 << 15) + bytes(64),
    "negative.flo": lambda: struct.pack("<fii", 202021.25, -4, -4) + bytes(128),
}


@pytest.mark.parametrize("name", LIES)
def test_files_that_lie_about_their_size(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(LIES[name]())
    tracemalloc.start()
    try:
        with pytest.raises(UserError) as error:
            read_flow(tmp_path / name)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)


def test_places_that_hold_no_flow(tmp_path: Path) -> None:
    for path in (tmp_path / ("a" * 4000 + ".npz"), tmp_path / "a\0.npz", tmp_path / "none.npz", tmp_path):
        with pytest.raises(UserError) as error:
            read_flow(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_recipes_of_other_editors(tmp_path: Path, encoding: str) -> None:
    from t2c_ext.cli.parser import main

    (tmp_path / "recipe.json").write_bytes('{"version": 1, "settings": {"frames": 2}}'.encode(encoding))
    (tmp_path / "hints.json").write_bytes('{"version": 1, "pins": [[0.5, 0.5]]}'.encode(encoding))
    PICTURE.save(tmp_path / "a.png")
    Image.fromarray(MOVING).save(tmp_path / "m.png")
    given = ["--recipe", str(tmp_path / "recipe.json"), "--arrows", str(tmp_path / "hints.json")]
    output = tmp_path / "out.gif"
    assert main(["animate", str(tmp_path / "a.png"), "--mask", str(tmp_path / "m.png"), *given, "-o", str(output)]) == 0
    assert output.exists()
    assert recipe_from_json('\ufeff{"version": 1, "settings": {}}').loop.frames == 60
