"""The stages in order: results, resumption, changes by hand, failure and cancellation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext import Recipe, __version__, animate
from t2c_ext.errors import Cancelled, UserError
from t2c_ext.jobs import open_job
from t2c_ext.media.metadata import read_text
from t2c_ext.media.pictures import read_mask, write_mask
from t2c_ext.pipeline import Pipeline, texts
from t2c_ext.recipe import VERSION_KEY, recipe_from_json
from t2c_ext.results import repaint
from t2c_ext.types import Region, Regions, Stage
from t2c_ext.workspace import Workspace

SIDE = 96


@pytest.fixture
def still() -> np.ndarray:
    """A grainy picture with a band of water, uint8."""
    rng = np.random.default_rng(0)
    grain = rng.integers(0, 80, (SIDE, SIDE, 3))
    picture = np.full((SIDE, SIDE, 3), (120, 100, 60)) + grain // 4
    picture[48:] = np.array((40, 80, 150)) + grain[48:]
    return picture.astype(np.uint8)


@pytest.fixture
def mask() -> np.ndarray:
    water = np.zeros((SIDE, SIDE), np.float32)
    water[48:] = 1
    return water


SETTINGS = {"motion": "river flowing left", "frames": 8, "format": "png"}


def test_outside_the_mask_nothing_changes_and_inside_it_moves(still: np.ndarray, mask: np.ndarray) -> None:
    result = animate(still, mask=mask, **SETTINGS)
    assert result.rendering is not None and result.regions is not None and result.loop is None
    frames = list(result.rendering.frames())
    outside = result.regions.mask == 0
    assert outside[:40].all() and len(frames) == 8
    assert all((frame[outside] == still[outside]).all() for frame in frames)
    assert all((frames[i] != frames[i - 1]).any() for i in range(8))


def test_the_flow_is_zero_outside_and_goes_where_the_words_say(still: np.ndarray, mask: np.ndarray) -> None:
    result = animate(still, mask=mask, **SETTINGS)
    assert result.flow is not None and result.regions is not None
    assert (result.flow.field[result.regions.mask == 0] == 0).all()
    inside = result.flow.field[result.regions.mask == 1]
    assert inside[:, 0].mean() < 0 and abs(inside[:, 1].mean()) < 0.06 * abs(inside[:, 0].mean())
    assert np.median(np.hypot(*inside.T)) == pytest.approx(SIDE / 512, rel=0.05)


def test_the_same_recipe_gives_the_same_bits(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> None:
    settings = {**SETTINGS, "format": "mp4"}
    first, second = (tmp_path / name for name in ("first.mp4", "second.mp4"))
    animate(still, first, mask=mask, **settings)
    animate(still, second, mask=mask, workspace=tmp_path / "kept", **settings)
    assert first.read_bytes() == second.read_bytes()


def _run(folder: Path, output: Path | None = None) -> set[str]:
    """Run what is out of date; the stages that ran."""
    workspace = Workspace.open(folder)
    before = dict(workspace.records)
    Pipeline(open_job(workspace, output=output), workspace).run()
    after = Workspace.open(folder).records
    return {stage.value for stage in after if before.get(stage) != after[stage]}


@pytest.fixture
def kept(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> Path:
    folder = tmp_path / "kept"
    animate(still, mask=mask, workspace=folder, **SETTINGS)
    return folder


def test_a_workspace_holds_every_result(kept: Path) -> None:
    names = {path.name for path in kept.iterdir()}
    assert {"plan.json", "art.png", "mask.png", "regions", "flow.npz", "recipe.json", "workspace.json"} <= names
    assert {"report.json", "loop", "input"} <= names
    assert len(list((kept / "loop").glob("*.png"))) == 8
    assert not [path for path in kept.rglob(".*")]


def test_what_is_up_to_date_does_not_run_again(kept: Path) -> None:
    assert _run(kept) == set()


def test_a_repainted_mask_moves_other_pixels(kept: Path) -> None:
    smaller = read_mask(kept / "mask.png")
    smaller[:, :48] = 0
    write_mask(kept / "mask.png", smaller)
    assert _run(kept) == {"motion", "loop"}
    with np.load(kept / "flow.npz") as data:
        assert (data["flow"][:, :48] == 0).all() and (data["flow"][60:, 60:] != 0).any()


def test_a_changed_plan_turns_the_motion(kept: Path) -> None:
    plan = json.loads((kept / "plan.json").read_text())
    plan["motions"][0]["angle"] = 0
    (kept / "plan.json").write_text(json.dumps(plan))
    assert _run(kept) == {"motion", "loop"}
    with np.load(kept / "flow.npz") as data:
        assert data["flow"][..., 0].mean() > 0


def test_drawn_hints_take_the_place_of_the_recipes(kept: Path) -> None:
    arrow = {"from": [0.2, 0.8], "to": [0.6, 0.8]}
    (kept / "hints.json").write_text(json.dumps({"version": 1, "arrows": [arrow]}))
    assert _run(kept) == {"motion", "loop"}
    with np.load(kept / "flow.npz") as data:
        assert data["flow"][77, 38, 0] > 0


def test_a_new_setting_runs_only_what_depends_on_it(kept: Path) -> None:
    workspace = Workspace.open(kept)
    recipe = workspace.load_recipe().with_values({"frames": 5})
    Pipeline(open_job(workspace, recipe), workspace).run()
    assert len(list((kept / "loop").glob("*.png"))) == 5
    assert Workspace.open(kept).records[Stage.MOTION] == workspace.records[Stage.MOTION]


def test_a_lost_loop_is_made_again(kept: Path) -> None:
    for path in (kept / "loop").iterdir():
        path.unlink()
    (kept / "loop").rmdir()
    _run(kept)
    assert len(list((kept / "loop").glob("*.png"))) == 8


def test_named_masks_move_each_in_its_own_way(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> None:
    sky = np.zeros_like(mask)
    sky[:24] = 1
    words = {**SETTINGS, "motion": "river flowing left, clouds drifting right"}
    result = animate(still, mask={"river": mask, "clouds": sky}, workspace=tmp_path / "kept", **words)
    assert result.flow is not None
    assert result.flow.field[70, 50, 0] < 0 < result.flow.field[10, 50, 0]
    assert {path.name for path in (tmp_path / "kept" / "regions").glob("*.png")} == {"river.png", "clouds.png"}
    assert _run(tmp_path / "kept") == set()


def test_resumed_and_uninterrupted_runs_agree(kept: Path, still: np.ndarray, mask: np.ndarray) -> None:
    Workspace.open(kept).forget_from(Stage.MOTION)
    _run(kept)
    result = animate(still, mask=mask, **SETTINGS)
    assert result.flow is not None and result.rendering is not None
    with np.load(kept / "flow.npz") as data:
        assert (data["flow"] == result.flow.field).all()
    files = sorted((kept / "loop").glob("*.png"))
    for file, frame in zip(files, result.rendering.frames(), strict=True):
        assert (np.asarray(Image.open(file)) == frame).all()


def test_a_cancelled_run_keeps_what_was_finished(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> None:
    seen: list[str] = []
    with pytest.raises(Cancelled):
        animate(
            still,
            tmp_path / "out.mp4",
            mask=mask,
            workspace=tmp_path / "kept",
            progress=lambda stage, done, total: seen.append(stage),
            cancelled=lambda: seen.count("loop") > 2,
            **{**SETTINGS, "format": "mp4"},
        )
    assert (tmp_path / "kept" / "flow.npz").exists()
    assert not (tmp_path / "out.mp4").exists()
    assert not [path for path in tmp_path.rglob("*loop*.mp4")]
    assert Stage.MOTION in Workspace.open(tmp_path / "kept").records


def test_transparent_pixels_do_not_move(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> None:
    alpha = np.full((SIDE, SIDE, 1), 255, np.uint8)
    alpha[:, :30] = 0
    result = animate(np.dstack([still, alpha]), tmp_path / "out.webp", mask=mask, **{**SETTINGS, "format": "webp"})
    assert result.regions is not None
    assert (result.regions.mask[:, :28] == 0).all()
    with Image.open(tmp_path / "out.webp") as moving:
        assert moving.mode == "RGBA" and moving.getchannel("A").getextrema() == (0, 255)


def test_a_given_flow_of_another_size_is_scaled(still: np.ndarray, mask: np.ndarray) -> None:
    flow = np.full((SIDE // 2, SIDE // 2, 2), (0.5, 0), np.float32)
    result = animate(still, mask=mask, flow=flow, **SETTINGS)
    assert result.flow is not None
    assert result.flow.field[70, 50] == pytest.approx((1.0, 0.0), abs=1e-5)


def test_a_mask_of_another_size_is_fitted_and_of_another_shape_refused(still: np.ndarray, mask: np.ndarray) -> None:
    for given in (mask[::2, ::2], {"river": mask[::2, ::2]}):
        result = animate(still, mask=given, **SETTINGS)
        assert result.regions is not None and result.regions.mask.shape == (SIDE, SIDE)
        assert (result.regions.mask[:40] == 0).all() and (result.regions.mask[56:] == 1).all()
        with pytest.raises(UserError, match="mask"):
            animate(still, mask=mask[:, ::3] if isinstance(given, np.ndarray) else {"river": mask[:, ::3]}, **SETTINGS)


def test_nothing_to_move_is_said_plainly(still: np.ndarray) -> None:
    with pytest.raises(UserError) as caught:
        animate(still, prompt="a portrait of a man", frames=4)
    assert "\n" not in str(caught.value)


def test_an_unknown_setting_is_refused(still: np.ndarray) -> None:
    with pytest.raises(UserError, match="colour"):
        animate(still, colour="red")


def test_a_folder_with_other_things_is_no_workspace(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        Workspace.create(tmp_path)


def test_a_newer_workspace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "workspace.json").write_text('{"version": 99, "stages": {}}')
    with pytest.raises(UserError, match="version"):
        Workspace.open(tmp_path)


def test_no_file_outside_the_workspace_is_read(kept: Path) -> None:
    index = kept / "regions" / "regions.json"
    document = json.loads(index.read_text())
    document["regions"][0]["file"] = "../art.png"
    index.write_text(json.dumps(document))
    with pytest.raises(UserError, match="outside"):
        Workspace.open(kept).load_regions((SIDE, SIDE))


def test_the_segmentation_is_kept_beside_what_the_attention_made_of_it(tmp_path: Path) -> None:
    workspace, found, drawn = (
        Workspace.create(tmp_path / "kept"),
        np.zeros((8, 8), np.float32),
        np.eye(8, dtype=np.float32),
    )
    found[:4] = 1
    regions = Regions((Region("lake", drawn),), segmentation=(Region("lake", found, 0.5, "clusters"),))
    workspace.save_regions(regions)
    after = workspace.load_regions((8, 8))
    assert (after.mask == drawn).all()
    assert [(row.name, row.score, row.source) for row in after.segmentation] == [("lake", 0.5, "clusters")]
    assert (after.segmentation[0].mask == found).all()
    workspace.save_regions(Regions((Region("lake", drawn),)))
    assert workspace.load_regions((8, 8)).segmentation == ()


def test_repainting_gives_what_is_new_to_the_nearest_region() -> None:
    left, right = np.zeros((2, 4, 8), np.float32)
    left[:, :2], right[:, 6:] = 1, 1
    mask = np.ones((4, 8), np.float32)
    mask[0] = 0
    after = repaint(Regions((Region("left", left), Region("right", right))), mask)
    assert after.regions[0].mask[1].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]
    assert after.regions[1].mask[1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert (after.mask == mask).all()


def test_the_recipe_travels_in_the_poster(tmp_path: Path, still: np.ndarray, mask: np.ndarray) -> None:
    animate(still, tmp_path / "out.mp4", mask=mask, **{**SETTINGS, "format": "mp4"})
    for name in ("out.mp4", "out.png"):
        read = recipe_from_json(read_text(tmp_path / name)["recipe"])
        assert read == replace(Recipe().with_values(SETTINGS), loop=read.loop) and read.loop.frames == 8


def test_a_file_s_parameters_say_the_version_also_where_all_settings_are_the_defaults() -> None:
    shown = texts(Recipe(), "Steps: 3, Cinemagraph enabled: True")
    assert shown["parameters"] == f"Steps: 3, Cinemagraph enabled: True, {VERSION_KEY}: {__version__}"
    assert texts(Recipe(), "").keys() == {"recipe"}, "a file of which nothing is known says nothing of parameters"


def test_the_recipe_in_a_file_is_one_line_above_what_stands_below_it_in_png_info() -> None:
    assert "\n" not in texts(Recipe(), "")["recipe"]
