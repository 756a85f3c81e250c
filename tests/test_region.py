"""Finding what moves: the words, the mask, the offers, and the judgement on real pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.evaluate.masks import intersection_over_union
from t2c_ext.progress import Reporter
from t2c_ext.region.find import RegionNotFound, find_regions, fit_mask, make_segmenter
from t2c_ext.region.segmenters.clusters import ClusterSegmenter
from t2c_ext.region.segmenters.vote import VoteSegmenter
from t2c_ext.settings import RegionSettings
from t2c_ext.types import FloatArray, Region

PLAIN = RegionSettings(segmenter="clusters", matte="off", feather=0)
AUTO = RegionSettings(segmenter="clusters")

WORDS = {
    "artistic-0": ["waterfall"],
    "artistic-13": ["lake", "water"],
    "artistic-16": ["clouds"],
    "artistic-18": ["sea", "waves"],
    "artistic-3": ["waterfall"],
    "artistic-6": ["river"],
    "photo-0000023": ["sea", "water"],
    "photo-0003020": ["clouds"],
    "photo-0004764": ["river"],
    "photo-IMG_6036": ["river"],
    "twin-waterfall": ["waterfall"],
}


class Pointer:
    """A segmenter that knows the left half as sky and the right half as water, with given scores."""

    name = "pointer"
    threshold = 0.5

    def __init__(self, **scores: float) -> None:
        self.scores = scores

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        return [Region(word, self._half(picture, word), self.scores[word]) for word in words if word in self.scores]

    def propose(self, picture: FloatArray) -> list[Region]:
        return [
            Region("possible water", self._half(picture, "river"), 0.3),
            Region("region 1 (blue left)", self._half(picture, "sky"), 0.0),
        ]

    @staticmethod
    def _half(picture: FloatArray, word: str) -> FloatArray:
        mask = np.zeros(picture.shape[:2], np.float32)
        half = picture.shape[1] // 2
        if word == "sky":
            mask[:, :half] = 1
        else:
            mask[:, half:] = 1
        return mask


BLANK = np.zeros((20, 40, 3), np.float32)


def load(folder: Path) -> tuple[FloatArray, FloatArray]:
    picture = next(folder / name for name in ("art.png", "photo.jpg") if (folder / name).exists())
    mask = next(folder / name for name in ("mask.png", "attention_mask.png") if (folder / name).exists())
    rgb = np.asarray(Image.open(picture).convert("RGB"), np.float32) / 255
    return rgb, np.asarray(Image.open(mask).convert("L"), np.float32) / 255


def at_512(array: FloatArray) -> FloatArray:
    return cv2.resize(array, (512, 512), interpolation=cv2.INTER_AREA) if array.shape[0] > 512 else array


def grain(picture: np.ndarray) -> FloatArray:
    noise = np.random.default_rng(1).normal(0, 0.015, picture.shape)
    return np.clip(picture + noise, 0, 1).astype(np.float32)


def field(size: int = 384) -> FloatArray:
    """A pale blue sky over a wavy green meadow."""
    y, x = np.mgrid[:size, :size] / size
    scene = np.stack([0.5 + 0.3 * y, 0.7 + 0.2 * y, np.full_like(y, 0.95)], -1)
    scene[y > 0.5 + 0.05 * np.sin(9 * x)] = [0.25, 0.4, 0.15]
    return grain(scene)


def lake(size: int = 384) -> FloatArray:
    """The meadow with blue ripples before it, from 0.62 of the height down."""
    y, x = np.mgrid[:size, :size] / size
    scene = field(size).astype(np.float64)
    ripples = np.array([0.25, 0.4, 0.6]) + 0.1 * np.sin(y * 180 + 3 * np.sin(x * 20))[..., None]
    scene[y > 0.62] = ripples[y > 0.62]
    return grain(scene)


def portrait(size: int = 384) -> FloatArray:
    """A head and a blue jersey before a grey wall."""
    y, x = np.mgrid[:size, :size] / size
    scene = np.array([0.55, 0.55, 0.5]) + 0.1 * (1 - y[..., None])
    scene[((x - 0.5) / 0.2) ** 2 + ((y - 0.4) / 0.27) ** 2 < 1] = [0.85, 0.65, 0.52]
    scene[((x - 0.5) / 0.42) ** 2 + ((y - 1.05) / 0.4) ** 2 < 1] = [0.15, 0.2, 0.35]
    return grain(scene)


def gradient(size: int = 256) -> FloatArray:
    return np.repeat(np.repeat(np.linspace(0, 1, size, dtype=np.float32)[:, None, None], size, 1), 3, 2)


def noise(size: int = 256) -> FloatArray:
    return np.random.default_rng(0).random((size, size, 3)).astype(np.float32)


def test_a_mask_is_the_region_under_the_first_word() -> None:
    mask = np.zeros((20, 40), np.float32)
    mask[5:, 10:30] = 1
    found = find_regions(BLANK, ["lake", "water"], PLAIN, mask=mask, segmenter=Pointer())
    assert [region.name for region in found.regions] == ["lake"]
    np.testing.assert_array_equal(found.mask, mask)
    assert found.regions[0].score == 1
    assert find_regions(BLANK, [], PLAIN, mask=mask, segmenter=Pointer()).regions[0].name == "region"


def test_one_mask_for_two_things_is_shared_out_where_they_can_be_told_apart() -> None:
    mask = np.zeros((20, 40), np.float32)
    mask[5:, 10:30] = 1
    found = find_regions(BLANK, ["sky", "river"], PLAIN, mask=mask, segmenter=Pointer(sky=0.9, river=0.9))
    assert [region.name for region in found.regions] == ["sky", "river"]
    assert found.regions[0].mask[:, 20:].max() == 0
    assert found.regions[1].mask[:, :20].max() == 0
    np.testing.assert_array_equal(found.mask, mask)
    unsure = find_regions(BLANK, ["sky", "river"], PLAIN, mask=mask, segmenter=Pointer(sky=0.9, river=0.1))
    assert len(unsure.regions) == 1
    assert "one region" in unsure.notes[0]


def test_words_of_one_family_are_one_region() -> None:
    found = find_regions(BLANK, ["river", "water", "waves"], PLAIN, segmenter=Pointer(river=0.9))
    assert [region.name for region in found.regions] == ["river"]


def test_what_is_not_sure_enough_is_refused_and_others_are_offered() -> None:
    with pytest.raises(RegionNotFound) as caught:
        find_regions(BLANK, ["river"], PLAIN, segmenter=Pointer(river=0.4))
    message = str(caught.value)
    assert message == (
        'I could not find the river; choose one of these regions: 1 "possible river", 2 "region 1 (blue left)" '
        "(region best takes the first, NAME any), or paint a mask (mask)"
    )
    assert [region.name for region in caught.value.candidates] == ["possible river", "region 1 (blue left)"]
    assert caught.value.words == ("river",)
    assert isinstance(caught.value, UserError)


def test_what_was_found_moves_and_the_rest_is_told() -> None:
    found = find_regions(BLANK, ["sky", "river"], PLAIN, segmenter=Pointer(sky=0.9, river=0.2))
    assert [region.name for region in found.regions] == ["sky"]
    assert "river" in found.notes[0]


@pytest.mark.parametrize("choice", ["possible water", "Possible Water", "possible-water"])
def test_an_offered_region_can_be_chosen_by_name(choice: str) -> None:
    settings = RegionSettings(segmenter="clusters", region=choice, matte="off", feather=0)
    found = find_regions(BLANK, ["river"], settings, segmenter=Pointer(river=0.1))
    assert [region.name for region in found.regions] == ["river"]
    assert found.mask[:, 20:].min() == 1
    assert found.mask[:, :20].max() == 0


def test_a_numbered_region_can_be_chosen_without_its_description() -> None:
    settings = RegionSettings(segmenter="clusters", region="region 1", matte="off", feather=0)
    found = find_regions(BLANK, [], settings, segmenter=Pointer())
    assert found.regions[0].name == "region 1 (blue left)"
    assert found.mask[:, :20].min() == 1


def test_the_setting_takes_precedence_over_the_words() -> None:
    settings = RegionSettings(segmenter="clusters", region="sky", matte="off", feather=0)
    found = find_regions(BLANK, ["river"], settings, segmenter=Pointer(sky=0.9, river=0.9))
    assert [region.name for region in found.regions] == ["sky"]


def test_regions_are_disjoint() -> None:
    class Overlapping(Pointer):
        def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
            return [Region(word, np.ones(picture.shape[:2], np.float32), self.scores[word]) for word in words]

    found = find_regions(BLANK, ["sky", "river"], PLAIN, segmenter=Overlapping(sky=0.6, river=0.9))
    assert sum(region.mask for region in found.regions).max() == 1


def test_no_words_and_no_mask_is_an_error_that_offers_regions() -> None:
    with pytest.raises(RegionNotFound, match="nothing says what moves") as caught:
        find_regions(BLANK, [], PLAIN, segmenter=Pointer())
    assert caught.value.candidates


def test_a_mask_of_another_size_is_fitted_and_a_bad_one_refused() -> None:
    small = np.zeros((5, 10), np.float32)
    small[:, 5:] = 1
    fitted = fit_mask(small, 20, 40)
    assert fitted.shape == (20, 40)
    np.testing.assert_array_equal(fitted[:, [0, 39]], [[0, 1]] * 20)
    for bad in (
        np.zeros((20, 40)),
        np.full((20, 40), np.nan),
        np.ones((20, 20)),
        np.ones((20, 40, 3)),
        np.ones((0, 0)),
    ):
        with pytest.raises(UserError, match="mask"):
            fit_mask(bad.astype(np.float32), 20, 40)
    with pytest.raises(UserError, match="segmenter"):
        make_segmenter("nobody")


def test_a_mask_of_few_pixels_gets_the_edge_of_the_picture() -> None:
    rows, columns = np.indices((512, 512))
    truth = np.hypot(rows - 250, columns - 260) < 150
    picture = np.where(truth[..., None], np.float32([0.2, 0.4, 0.8]), np.float32([0.5, 0.3, 0.1])).astype(np.float32)
    small = cv2.resize(truth.astype(np.float32), (32, 32), interpolation=cv2.INTER_AREA)
    found = find_regions(picture, ["lake"], AUTO, mask=(small > 0.5).astype(np.float32), segmenter=Pointer())
    assert intersection_over_union(found.mask, truth.astype(np.float32)) > 0.99


def test_it_stops_when_asked_to() -> None:
    with pytest.raises(Cancelled):
        find_regions(BLANK, ["sky"], PLAIN, segmenter=Pointer(sky=1), reporter=Reporter(cancelled=lambda: True))


@pytest.mark.parametrize("size", [64, 384])
def test_sky_and_water_of_a_drawn_scene_are_found(size: int) -> None:
    scene = cv2.resize(lake(), (size, size), interpolation=cv2.INTER_AREA)
    found = {region.name: region.mask for region in find_regions(scene, ["clouds", "lake"], AUTO).regions}
    y, x = np.mgrid[:size, :size] / size
    assert intersection_over_union(found["lake"], (y > 0.62).astype(np.float32)) > 0.9
    assert intersection_over_union(found["clouds"], (y < 0.5 + 0.05 * np.sin(9 * x)).astype(np.float32)) > 0.9
    np.testing.assert_array_less(found["lake"] * found["clouds"], 1e-6)


@pytest.mark.parametrize("scene", [portrait, gradient, noise], ids=lambda scene: scene.__name__)
def test_what_is_not_there_is_not_found(scene) -> None:
    picture, segmenter = scene(), make_segmenter(AUTO.segmenter)
    for word in ("clouds", "river", "waterfall", "fire", "smoke", "snowflakes", "dragon"):
        with pytest.raises(RegionNotFound):
            find_regions(picture, [word], AUTO, segmenter=segmenter)


def test_a_meadow_has_no_river() -> None:
    picture, segmenter = field(), make_segmenter(AUTO.segmenter)
    for word in ("river", "waterfall", "fire"):
        with pytest.raises(RegionNotFound) as caught:
            find_regions(picture, [word], AUTO, segmenter=segmenter)
        assert "sky" in [region.name for region in caught.value.candidates]


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (15, 15), (16, 400), (40, 40)])
def test_tiny_and_flat_pictures_are_refused_in_words(shape: tuple[int, int]) -> None:
    with pytest.raises(RegionNotFound):
        find_regions(np.full((*shape, 3), 0.5, np.float32), ["river"], AUTO)


def test_the_offers_are_disjoint_and_always_the_same(pictures: Path) -> None:
    picture = at_512(load(pictures / "photo-0003020")[0])
    first, second = ClusterSegmenter().propose(picture), ClusterSegmenter().propose(picture)
    assert [region.name for region in first] == [region.name for region in second]
    assert len({region.name for region in first}) == len(first) >= 3
    assert first[0].name == "sky"
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)
    assert sum((region.mask > 0.5).astype(int) for region in first).max() == 1


@pytest.mark.thorough
def test_the_sample_pictures(pictures: Path) -> None:
    right, wrong, mirrored = [], [], []
    for name, words in WORDS.items():
        stated = json.loads((pictures / name / "motion.json").read_text())["motion"]
        assert all(word in stated for word in words)
        picture, truth = (at_512(array) for array in load(pictures / name))
        for kept, flipped in ((True, False), (False, True)):
            view, mask = (picture[:, ::-1].copy(), truth[:, ::-1]) if flipped else (picture, truth)
            try:
                score = intersection_over_union(find_regions(view, words, AUTO).mask, mask)
            except RegionNotFound as error:
                assert error.candidates
                continue
            if score >= 0.6:
                (right if kept else mirrored).append(name)
            if score < 0.3:
                wrong.append((name, flipped, score))
    assert len(right) >= 6, right
    assert len(mirrored) >= 6, mirrored
    assert not wrong


@pytest.mark.thorough
def test_the_sample_pictures_by_all_that_is_built_in(pictures: Path) -> None:
    """The truth of `twin-waterfall` is itself a guess of attention."""
    overlaps = {}
    for name in WORDS.keys() - {"twin-waterfall"}:
        picture, truth = (at_512(array) for array in load(pictures / name))
        try:
            found = find_regions(picture, WORDS[name], RegionSettings(), segmenter=VoteSegmenter())
        except RegionNotFound as error:
            assert error.candidates
            continue
        overlaps[name] = intersection_over_union(found.mask, truth)
    # two more are between 0.45 and 0.5; the truth of one of these has the sky beside the river
    assert sum(overlap >= 0.5 for overlap in overlaps.values()) >= 8, overlaps
    assert np.mean(list(overlaps.values())) > 0.7, overlaps
    assert min(overlaps.values()) > 0.4, overlaps


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("photo-0003020", ["river", "waterfall", "fire"]),
        ("photo-0000023", ["waterfall", "fire"]),
        ("artistic-13", ["waterfall", "fire"]),
    ],
)
def test_the_wrong_thing_is_not_moved(pictures: Path, name: str, words: list[str]) -> None:
    picture, segmenter = at_512(load(pictures / name)[0]), make_segmenter(AUTO.segmenter)
    for word in words:
        with pytest.raises(RegionNotFound, match=f"the {word}"):
            find_regions(picture, [word], AUTO, segmenter=segmenter)


def test_a_crop_without_sky_has_no_clouds(pictures: Path) -> None:
    picture = load(pictures / "photo-IMG_6036")[0]
    crop = picture[round(0.33 * len(picture)) :]
    with pytest.raises(RegionNotFound):
        find_regions(crop, ["clouds"], AUTO)


def test_the_starry_river_is_found(pictures: Path) -> None:
    picture, truth = load(pictures / "artistic-6")
    assert intersection_over_union(find_regions(picture, ["river"], AUTO).mask, truth) > 0.8
