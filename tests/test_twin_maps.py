"""Attention maps in files and pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.twin.maps import attention_picture, read_attention, write_attention
from t2c_ext.types import Attention, Picture, Twin
from t2c_ext.workspace import Workspace


def _two_halves() -> Attention:
    """A 4 x 6 grid whose left and right halves each look only at themselves."""
    right = np.tile(np.arange(6) >= 3, (4, 1)).ravel()
    same = (right[:, None] == right[None, :]).astype(np.float32)
    return Attention((4, 6), same / same.sum(axis=1, keepdims=True), {"river": right.reshape(4, 6).astype(np.float32)})


def test_written_maps_are_read_back(tmp_path: Path) -> None:
    attention = _two_halves()
    write_attention(tmp_path / "attention.npz", attention)
    found = read_attention(tmp_path / "attention.npz")
    assert found.size == (4, 6) and list(found.words) == ["river"]
    assert np.array_equal(found.self_attention, attention.self_attention)
    assert np.array_equal(found.words["river"], attention.words["river"])


def test_what_looks_at_itself_has_one_colour() -> None:
    shown = attention_picture(_two_halves(), 8, 12)
    assert shown.shape == (8, 12, 3)
    assert np.ptp(shown[:, :6], axis=(0, 1)).max() < 1e-5 and np.ptp(shown[:, 6:], axis=(0, 1)).max() < 1e-5
    assert np.abs(shown[0, 0] - shown[0, -1]).max() > 0.5


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "attention.npz").write_bytes(b"no archive")
    with pytest.raises(UserError, match="cannot read"):
        read_attention(tmp_path / "attention.npz")


def test_maps_of_another_size_are_refused() -> None:
    with pytest.raises(UserError, match="4x6"):
        Attention((4, 6), np.ones((23, 23), np.float32))


def test_a_workspace_keeps_the_pair_and_its_attention(tmp_path: Path) -> None:
    workspace = Workspace.create(tmp_path / "kept")
    levels = np.arange(8 * 12 * 3, dtype=np.float32).reshape(8, 12, 3) % 256 / np.float32(255)
    workspace.save_twin(Twin(Picture(levels), Picture(levels[::-1].copy()), _two_halves()))
    found = workspace.load_twin()
    assert found.natural is not None and np.array_equal(found.natural.rgb, levels[::-1])
    assert found.attention is not None and found.attention.size == (4, 6)
    assert (tmp_path / "kept" / "attention.png").exists()
    workspace.save_twin(Twin(Picture(levels)))
    assert workspace.load_twin().attention is None and not (tmp_path / "kept" / "attention.png").exists()
