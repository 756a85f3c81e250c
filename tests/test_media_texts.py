"""Texts travel in the file and in a poster beside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from video_loops import NAMES, TEXT, loop, texture, write

from t2c_ext.media.metadata import read_text
from t2c_ext.media.posters import poster_path, write_poster
from t2c_ext.types import Picture


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", [{}, {"parameters": "Steps: 20"}, TEXT, {"recipe": "{}"}])
def test_texts_travel(tmp_path: Path, name: str, text: dict[str, str]) -> None:
    write(tmp_path / name, loop(16, 16, 2), text=text)
    assert read_text(tmp_path / name) == text


@pytest.mark.parametrize("name", NAMES)
def test_long_texts_travel(tmp_path: Path, name: str) -> None:
    text = {"parameters": "river, " * 1500, "recipe": "x" * 20_000}
    write(tmp_path / name, loop(16, 16, 2), text=text)
    assert read_text(tmp_path / name) == text


def test_poster(tmp_path: Path) -> None:
    still = Picture((texture(16, 24) / np.float32(255)).astype(np.float32))
    write(tmp_path / "a.mp4", loop(16, 24, 2))
    poster = write_poster(poster_path(tmp_path / "a.mp4"), still, TEXT)
    assert poster == tmp_path / "a.png" and read_text(poster) == TEXT
    Image.new("RGB", (8, 8)).save(tmp_path / "b.png")
    other = write_poster(poster_path(tmp_path / "b.mp4"), still, TEXT)
    assert other.name == "b-poster.png", "a picture of the user's is not overwritten"
