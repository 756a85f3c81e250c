"""Masks of every make: what moves is where their maker meant it."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.jobs import regions_of
from t2c_ext.media.pictures import read_mask, read_own_mask, take_mask, to_mask, write_mask
from t2c_ext.service import read_masks

SHAPE = np.zeros((16, 24), bool)
SHAPE[4:12, 6:18] = True
SCENE = np.random.default_rng(5).integers(40, 220, (16, 24, 3), dtype=np.uint8)
ON, OFF = (SHAPE * 255).astype(np.uint8), np.zeros((16, 24), np.uint8)


def painted(colour: tuple[int, int, int], ground: tuple[int, int, int] = (0, 0, 0)) -> np.ndarray:
    return np.where(SHAPE[..., None], np.uint8(colour), np.uint8(ground))


def palette(levels: np.ndarray, colours: list[int]) -> Image.Image:
    image = Image.fromarray(levels).convert("L")
    indexed = Image.frombytes("P", image.size, image.tobytes())
    indexed.putpalette(colours + [0] * (768 - len(colours)))
    return indexed


MASKS: dict[str, Image.Image] = {
    "white on black": Image.fromarray(ON),
    "1 bit": Image.fromarray(ON).convert("1"),
    "0 and 1": Image.fromarray(SHAPE.astype(np.uint8)),
    "half grey": Image.fromarray((SHAPE * 127).astype(np.uint8)),
    "the other half grey": Image.fromarray((SHAPE * 128).astype(np.uint8)),
    "blue": Image.fromarray(painted((0, 0, 255))),
    "red": Image.fromarray(painted((255, 0, 0))),
    "dark green": Image.fromarray(painted((0, 128, 0))),
    "palette of black and white": palette(SHAPE.astype(np.uint8), [0, 0, 0, 255, 255, 255]),
    "palette of classes": palette(SHAPE.astype(np.uint8), [0, 0, 0, 128, 0, 0]),
    "16 bits": Image.fromarray((SHAPE * 65535).astype(np.uint16)),
    "0 and 1 of 16 bits": Image.fromarray(SHAPE.astype(np.uint16)),
    "8 bits in 16": Image.fromarray((SHAPE * 255).astype(np.uint16)),
    "0 and 1 of 32 bits": Image.fromarray(SHAPE.astype(np.int32)),
    "floats": Image.fromarray(SHAPE.astype(np.float32)),
    "cut-out": Image.fromarray(np.dstack([SCENE, ON])),
    "cut-out over hidden white": Image.fromarray(np.dstack([np.where(SHAPE[..., None], SCENE, np.uint8(255)), ON])),
    "dark cut-out": Image.fromarray(np.dstack([SCENE // 20, ON])),
    "black brush": Image.fromarray(np.dstack([OFF, OFF, OFF, ON])),
    "white brush": Image.fromarray(np.dstack([ON, ON, ON, ON])),
    "grey cut-out": Image.fromarray(np.dstack([SCENE[..., 0], ON])),
    "opaque with alpha": Image.fromarray(np.dstack([ON, ON, ON, np.full_like(ON, 255)])),
    "data in the last bit of alpha": Image.fromarray(
        np.dstack([painted((0, 0, 255)), 254 + np.uint8(SCENE[..., 0] % 2)])
    ),
    "a layer at half its opacity": Image.fromarray(np.dstack([ON, ON, ON, np.full_like(ON, 127)])),
    "CMYK": Image.fromarray(np.dstack([ON, ON, ON])).convert("CMYK"),
}


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path, "TIFF" if image.mode in ("F", "CMYK", "I") else "PNG")
    return path


@pytest.mark.parametrize("kind", MASKS)
def test_what_was_meant_moves(tmp_path: Path, kind: str) -> None:
    path = saved(MASKS[kind], tmp_path / "mask.png")
    np.testing.assert_allclose(read_mask(path), SHAPE, atol=0.01)
    np.testing.assert_allclose(to_mask(MASKS[kind]), SHAPE, atol=0.01)
    by_request = read_masks(base64.b64encode(path.read_bytes()).decode())
    assert by_request is not None
    np.testing.assert_allclose(by_request.regions[0].mask, SHAPE, atol=0.01)


def test_a_mask_with_transparent_surroundings_is_a_mask() -> None:
    """A layer of a paint program: black and white where it was painted, nothing beyond."""
    inside = np.zeros((16, 24), np.uint8)
    inside[2:14, 3:21] = 255
    layer = Image.fromarray(np.dstack([ON, ON, ON, inside]))
    np.testing.assert_array_equal(to_mask(layer), SHAPE)


def test_white_moves_on_a_coloured_ground() -> None:
    mask = to_mask(Image.fromarray(painted((255, 255, 255), (0, 0, 200))))
    assert mask[SHAPE].min() == 1 and mask[~SHAPE].max() < 0.1


def test_a_mask_is_not_inverted_and_keeps_soft_edges() -> None:
    ramp = np.tile(np.linspace(0, 255, 24).astype(np.uint8), (16, 1))
    np.testing.assert_array_equal(to_mask(ramp), ramp / np.float32(255))
    np.testing.assert_array_equal(to_mask(255 - ON), 1 - SHAPE)
    soft = np.dstack([SCENE, ramp])
    np.testing.assert_allclose(to_mask(Image.fromarray(soft)), ramp / 255, atol=1e-6)


def test_jpeg_masks(tmp_path: Path) -> None:
    for name, image in (("grey.jpg", Image.fromarray(ON)), ("blue.jpg", Image.fromarray(painted((0, 0, 255))))):
        large = image.resize((240, 160), Image.Resampling.NEAREST)
        large.save(tmp_path / name, quality=60)
        mask = read_mask(tmp_path / name, (16, 24))
        assert mask[SHAPE].mean() > 0.95 and mask[~SHAPE].mean() < 0.05, name


def test_profiles_and_orientation_of_masks(tmp_path: Path) -> None:
    """A profile says nothing about levels; a mask lies as its picture does."""
    from PIL import ImageCms

    grey = np.tile(np.linspace(0, 255, 24).astype(np.uint8), (16, 1))
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = linear.replace(b"rXYZ", b"????", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"????", b"gXYZ", 1)
    exif = Image.Exif()
    exif[0x0112] = 3
    Image.fromarray(np.dstack([grey] * 3)).save(tmp_path / "m.png", icc_profile=swapped, exif=exif)
    np.testing.assert_allclose(read_mask(tmp_path / "m.png"), grey[::-1, ::-1] / 255, atol=1e-6)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (OFF, "all black"),
        (np.zeros((16, 24), np.float32), "all black"),
        (np.random.default_rng(0).integers(0, 4, (16, 24), dtype=np.uint8), "3 of 255"),
        (np.random.default_rng(0).integers(0, 9, (16, 24)).astype(np.uint16), "8 of 65535"),
        (np.dstack([SCENE, OFF]), "wholly transparent"),
    ],
)
def test_what_holds_nothing_is_refused_by_what_is_there(levels: np.ndarray, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        to_mask(levels)
    assert ("is empty" in str(error.value)) == (words == "all black")


def test_a_faint_mask_is_said() -> None:
    _, notes = take_mask(Image.fromarray((SHAPE * 127).astype(np.uint8)))
    assert len(notes) == 1 and "127 of 255" in notes[0]
    assert take_mask(Image.fromarray(ON))[1] == ()
    regions = regions_of(Image.fromarray((SHAPE * 127).astype(np.uint8)))
    assert regions is not None and regions.notes == notes


@given(st.integers(17, 255), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_a_masks_strength_does_not_matter(brightest: int, seed: int) -> None:
    """A mask and the same mask at a fraction of its brightness move the same, but for rounding."""
    whole = np.random.default_rng(seed).random((8, 8), np.float32)
    whole[0, 0], whole[1, 1] = 1, 0
    fainter = np.round(whole * brightest).astype(np.uint8)
    expected = fainter / 255 if brightest >= 0.9 * 255 else fainter / brightest
    np.testing.assert_allclose(to_mask(fainter), expected, atol=1e-6)


def test_our_own_masks_come_back_as_they_are(tmp_path: Path) -> None:
    for mask in (SHAPE * np.float32(100 / 255), np.zeros((16, 24), np.float32)):
        write_mask(tmp_path / "own.png", mask)
        np.testing.assert_array_equal(read_own_mask(tmp_path / "own.png", (16, 24)), mask)
    Image.fromarray(painted((0, 0, 255))).save(tmp_path / "own.png")
    np.testing.assert_array_equal(read_own_mask(tmp_path / "own.png"), SHAPE)


def test_a_damaged_mask_says_so(tmp_path: Path) -> None:
    file = io.BytesIO()
    Image.fromarray(ON).resize((96, 64), Image.Resampling.NEAREST).save(file, "JPEG", quality=95)
    (tmp_path / "m.jpg").write_bytes(file.getvalue()[:-2])
    mask, notes = take_mask(tmp_path / "m.jpg")
    assert mask.max() > 0.95 and notes and notes[0].startswith("The mask")
