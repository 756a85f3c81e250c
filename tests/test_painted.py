"""Regions that were painted, and what a soft brush froze: from the document to the loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.example import example
from t2c_ext.jobs import Job
from t2c_ext.media.pictures import to_picture
from t2c_ext.motion.binding import bind
from t2c_ext.motion.choose import make_flow
from t2c_ext.motion.hints import to_json
from t2c_ext.motion.holds import still_share
from t2c_ext.pipeline import Pipeline
from t2c_ext.recipe import Recipe
from t2c_ext.region.painted import BY_HAND, painted_regions
from t2c_ext.region.segmenters.choose import comes_with_the_package
from t2c_ext.settings import MotionSettings, RegionSettings
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import (
    Arrow,
    Hints,
    Motion,
    MotionKind,
    Painted,
    Plan,
    Region,
    RegionHint,
    Regions,
    Stage,
    Twin,
    angle_of,
)
from t2c_ext.workspace import Workspace

SIDE = 96


def lower_half(levels: int = 255, side: int = SIDE) -> Painted:
    painted = np.zeros((side, side), np.uint8)
    painted[side // 2 :] = levels
    return Painted(painted)


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(3).random((SIDE, SIDE, 3), np.float32)


def job(picture: np.ndarray, hints: Hints, regions: Regions | None = None, **values: object) -> Job:
    recipe = Recipe().with_values({"frames": 4, "hints": to_json(hints), **values})
    return Job(recipe, GivenTwin(Twin(to_picture(picture))), regions)


def test_a_soft_edge_stays_as_it_was_painted(picture: np.ndarray) -> None:
    ramp = np.tile(np.linspace(0, 255, SIDE).astype(np.uint8), (SIDE, 1))
    (region,) = painted_regions(picture, [RegionHint("river", mask=Painted(ramp))], RegionSettings()).regions
    assert np.array_equal(region.mask, ramp.astype(np.float32) / 255) and region.source == BY_HAND


def test_a_hard_edge_is_feathered_in_its_place(picture: np.ndarray) -> None:
    (region,) = painted_regions(picture, [RegionHint("river", mask=lower_half())], RegionSettings(feather=16)).regions
    column = region.mask[:, 0]
    assert column[0] == 0 and column[-1] == 1 and 0.3 < column[SIDE // 2] < 0.7 and np.all(np.diff(column) >= 0)


def test_a_mask_of_another_size_is_fitted_and_one_of_another_shape_refused(picture: np.ndarray) -> None:
    small = RegionHint("river", mask=lower_half(side=24))
    (region,) = painted_regions(picture, [small], RegionSettings()).regions
    assert region.mask.shape == (SIDE, SIDE) and region.mask[-9:].min() == 1 and region.mask[:30].max() == 0
    wide = RegionHint("river", mask=Painted(np.full((10, 20), 255, np.uint8)))
    with pytest.raises(UserError, match="river: the mask is 20x10"):
        painted_regions(picture, [wide], RegionSettings())


def test_what_is_named_besides_is_found_and_what_was_painted_has_precedence(picture: np.ndarray) -> None:
    class Everywhere:
        name, limits, threshold = "test", "", 0.5

        def segment(self, picture: np.ndarray, words: object) -> list[Region]:
            return [Region("clouds", np.ones(picture.shape[:2], np.float32), 0.9, "test")]

        def propose(self, picture: np.ndarray) -> list[Region]:
            return []

    hints = [RegionHint("river", mask=lower_half())]
    settings = RegionSettings(region="river, clouds", feather=0)
    river, clouds = painted_regions(picture, hints, settings, segmenter=Everywhere()).regions
    assert (river.name, clouds.name) == ("river", "clouds")
    assert np.allclose(river.mask + clouds.mask, 1)
    soft = [RegionHint("river", mask=Painted(np.tile(np.linspace(0, 255, SIDE, dtype=np.uint8)[:, None], (1, SIDE))))]
    both = painted_regions(picture, soft, settings, segmenter=Everywhere())
    assert np.allclose(both.mask, 1), "no gap where a soft edge meets what was found"
    river, clouds = both.regions
    assert (river.mask[SIDE * 5 // 8 :] == 1).all() and (clouds.mask[: SIDE * 3 // 8] == 1).all()
    assert len(painted_regions(picture, hints, RegionSettings()).regions) == 1


def test_painted_regions_move_as_they_say(picture: np.ndarray) -> None:
    left = np.zeros((SIDE, SIDE), np.uint8)
    left[:, : SIDE // 2 - 4] = 255
    hints = Hints(
        regions=(
            RegionHint("one", 90.0, mask=Painted(left)),
            RegionHint("two", 0.0, 2.0, mask=Painted(left[:, ::-1])),
        )
    )
    result = Pipeline(job(picture, hints)).run(Stage.MOTION)
    assert result.flow is not None and result.regions is not None
    one = result.flow.field[:, : SIDE // 3].reshape(-1, 2).mean(0)
    two = result.flow.field[:, -SIDE // 3 :].reshape(-1, 2).mean(0)
    assert abs(angle_of(*one) - 90) < 5 and abs((angle_of(*two) + 180) % 360 - 180) < 5
    assert np.hypot(*two) > 1.5 * np.hypot(*one)


@pytest.mark.parametrize("name", ["river", "waterfall", "area"])
def test_an_arrow_across_a_painted_band_wins_over_its_banks(picture: np.ndarray, name: str) -> None:
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[72:82, 19:86] = 255
    arrow = Arrow((0.55, 0.85), (0.55, 0.75))
    result = Pipeline(job(picture, Hints(arrows=(arrow,), regions=(RegionHint(name, mask=Painted(levels)),)))).run(
        Stage.MOTION
    )
    assert result.flow is not None
    inside = result.flow.field[levels > 0]
    assert np.abs(result.flow.field[77, 53] - [0, -0.1 * SIDE / 30]).max() < 0.01
    assert abs(angle_of(*inside.mean(0)) - 90) < 3
    assert np.hypot(inside[:, 0], inside[:, 1]).max() < 1.5 * 0.1 * SIDE / 30


def test_painted_regions_take_the_place_of_a_mask(picture: np.ndarray) -> None:
    given = Regions((Region("", 1 - lower_half().mask),))
    hints = Hints(regions=(RegionHint("river", 0.0, mask=lower_half()),))
    result = Pipeline(job(picture, hints, given)).run(Stage.REGION)
    assert result.regions is not None and result.regions.mask[:40].max() == 0 and result.regions.mask[-9:].min() == 1
    wiped = Hints(regions=(RegionHint("river", 0.0, mask=Painted(np.zeros((SIDE, SIDE), np.uint8))),))
    result = Pipeline(job(picture, wiped, given)).run(Stage.REGION)
    assert result.regions is not None and result.regions.mask[-9:].max() == 0


def test_a_region_without_a_mask_beside_painted_ones_is_found_or_a_note_says_so() -> None:
    painting = example().picture.astype(np.float32) / 255
    half = np.zeros(painting.shape[:2], np.uint8)
    half[-100:] = 255
    fall, sky = RegionHint("waterfall", 270.0, mask=Painted(half)), RegionHint("clouds", 0.0)

    def regions(*hints: RegionHint, given: Regions | None = None) -> Regions:
        result = Pipeline(job(painting, Hints(regions=hints), given)).run(Stage.REGION)
        assert result.regions is not None
        return result.regions

    found = regions(fall, sky)
    assert [row.name for row in found.regions] == ["waterfall", "clouds"]
    assert found.regions[0].source == "painted" and comes_with_the_package(found.regions[1].source)
    assert found.regions[1].mask.mean() > 0.3
    missing = regions(fall, RegionHint("smoke"))
    assert [row.name for row in missing.regions] == ["waterfall"]
    assert "could not find the smoke" in missing.notes[0]
    assert regions(sky, RegionHint("lake", mask=Painted(half)), RegionHint("water")).notes == (), "one thing"
    given = Regions((Region("", np.float32(half) / 255),))
    assert [row.name for row in regions(fall, sky, given=given).regions] == ["waterfall"], "the mask file says it all"


def test_a_mask_file_that_is_not_used_is_told(picture: np.ndarray) -> None:
    hints = Hints(regions=(RegionHint("river", 0.0, mask=lower_half()),))

    def notes(mask: np.ndarray) -> tuple[str, ...]:
        result = Pipeline(job(picture, hints, Regions((Region("", mask),)))).run(Stage.REGION)
        assert result.regions is not None
        return result.regions.notes

    assert notes(1 - lower_half().mask) == ("the mask file is not used: the painted regions take its place",)
    assert notes(np.ones((10, 30), np.float32)) != ()
    assert notes(lower_half().mask) == (), "painting began from it"


def test_what_is_frozen_is_the_picture_itself_in_every_frame(picture: np.ndarray) -> None:
    still = np.zeros((SIDE, SIDE), np.uint8)
    still[:, : SIDE // 2] = 255
    hints = Hints(
        regions=(RegionHint("river", 0.0, 3.0, mask=Painted(np.full((SIDE, SIDE), 255, np.uint8))),),
        freeze=(((0.75, 0.0), (1.0, 0.0), (1.0, 1.0), (0.75, 1.0)),),
        still=Painted(still),
    )
    result = Pipeline(job(picture, hints)).run()
    assert result.rendering is not None and result.twin is not None
    frames = np.stack(list(result.rendering.frames()))
    art = np.rint(result.twin.art.rgb * 255).astype(np.uint8)
    assert np.array_equal(frames[:, :, : SIDE // 2], np.broadcast_to(art, frames.shape)[:, :, : SIDE // 2])
    assert np.array_equal(frames[:, :, -SIDE // 4 + 1 :], np.broadcast_to(art, frames.shape)[:, :, -SIDE // 4 + 1 :])
    assert (frames[1] != art)[:, SIDE // 2 + 8 : SIDE // 2 + 16].any()


def test_a_half_frozen_place_moves_at_half_the_speed(picture: np.ndarray) -> None:
    regions = Regions((Region("river", np.ones((SIDE, SIDE), np.float32)),))
    half = np.zeros((SIDE, SIDE), np.uint8)
    half[:, : SIDE // 2] = 128
    plan = Plan(motions=(Motion("river", 0.0),))
    settings = MotionSettings(perspective=0, motion_model="solver")
    flow = make_flow(picture, regions, plan, Hints(still=Painted(half)), settings).field
    ratio = np.median(flow[20:-20, 10:30, 0]) / np.median(flow[20:-20, -30:-10, 0])
    assert 0.3 < ratio < 0.7
    share = still_share(Hints(still=Painted(half[::4, ::4])), SIDE, SIDE)
    assert share[5, 5] == pytest.approx(128 / 255) and share[5, -5] == 0
    with pytest.raises(UserError, match=r"hints\.still: is 96x24"):
        still_share(Hints(still=Painted(half[::4])), SIDE, SIDE)


@pytest.mark.parametrize(
    ("hint", "kind"),
    [
        (RegionHint("whirlpool", kind=MotionKind.SWIRL_CCW), MotionKind.SWIRL_CCW),
        (RegionHint("whirlpool", kind=MotionKind.SWIRL), MotionKind.SWIRL),
        (RegionHint("whirlpool", 90.0, kind=MotionKind.TRANSLATE), MotionKind.TRANSLATE),
        (RegionHint("whirlpool", kind=MotionKind.TRANSLATE), MotionKind.SWIRL_CW),
        (RegionHint("whirlpool"), MotionKind.SWIRL_CW),
    ],
)
def test_the_kind_of_a_region_is_the_user_s(picture: np.ndarray, hint: RegionHint, kind: MotionKind) -> None:
    regions = Regions((Region("whirlpool", np.ones((SIDE, SIDE), np.float32)),))
    plan = Plan(motions=(Motion("whirlpool", None, MotionKind.SWIRL_CW),))
    (drive,), _ = bind(picture, regions, plan, Hints(regions=(hint,)), MotionSettings())
    assert drive.kind is kind and (drive.angle is None) == (kind is not MotionKind.TRANSLATE)


def test_only_what_moves_otherwise_runs_again(picture: np.ndarray, tmp_path: Path) -> None:
    hint = RegionHint("river", 0.0, colour="#112233", mask=lower_half())

    def ran(changed: RegionHint) -> list[str]:
        workspace = Workspace.create(tmp_path / "work")
        before = dict(workspace.records)
        Pipeline(job(picture, Hints(regions=(changed,))), workspace).run()
        return [stage.value for stage in Stage if workspace.records[stage] is not before.get(stage)]

    assert len(ran(hint)) == 5
    assert ran(replace(hint, colour="#445566")) == []
    assert ran(replace(hint, angle=90.0)) == ["motion", "loop"]
    assert ran(replace(hint, angle=90.0, mask=lower_half(200))) == ["region", "motion", "loop"]
    kept = Workspace.open(tmp_path / "work").load_recipe()
    assert kept.motion.hints == to_json(Hints(regions=(replace(hint, angle=90.0, mask=lower_half(200)),)))


def test_a_file_carries_its_recipe_without_the_masks(picture: np.ndarray, tmp_path: Path) -> None:
    hints = Hints(regions=(RegionHint("river", 0.0, mask=lower_half()),))
    Pipeline(job(picture, hints, format="apng"), Workspace.create(tmp_path / "work")).run()
    with Image.open(tmp_path / "work" / "loop.png") as poster:
        assert '\\"mask\\"' not in poster.info["recipe"] and "river" in poster.info["recipe"]


def test_a_note_about_an_area_without_a_name_begins_with_a_word() -> None:
    regions = Regions((Region("", np.ones((16, 16), np.float32), source="mask"),))
    (drive,), _ = bind(np.zeros((16, 16, 3), np.float32), regions, Plan(), Hints(), MotionSettings())
    assert drive.notes[0].startswith("No direction was given")
