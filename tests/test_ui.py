"""What the page's buttons compute, without Gradio."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.example import example, example_file
from t2c_ext.media.depth import read_depth
from t2c_ext.media.pictures import to_picture
from t2c_ext.motion.hints import parse_hints, to_json
from t2c_ext.motion.painted import decode_painted
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.region.overlay import fitted, tinted
from t2c_ext.settings import table
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Hints, Painted, Plan, Region, RegionHint, Regions, Stage, Twin
from t2c_ext.ui import page
from t2c_ext.ui.fields import OF_THE_SERVER, page_fields
from t2c_ext.ui.handlers import Handlers, View
from t2c_ext.ui.pictures import draw_stages, flow_picture, sent_mask
from t2c_ext.ui.samples import sample
from t2c_ext.ui.session import changed_stages
from t2c_ext.ui.state import shown_of
from t2c_ext.ui.studio import Studio, given_regions
from t2c_ext.webui import tab
from t2c_ext.workspace import Workspace

SIDE = 64
VALUES = {"motion": "river flowing left", "frames": 6}


@pytest.fixture
def picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))


@pytest.fixture
def mask() -> Image.Image:
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[SIDE // 2 :] = 255
    return Image.fromarray(levels)


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    return Handlers(Studio(tmp_path), page.addresses("file="))


def _last(views: Iterator[View]) -> View:
    return list(views)[-1]


def _put_in(handlers: Handlers, picture: Image.Image, mask: Image.Image | None, id: str = "") -> str:
    view = handlers.register(id, picture, mask)
    assert view.status in ("", None)
    return view.id


def _animate(
    handlers: Handlers, picture: Image.Image, mask: Image.Image | None, values: dict[str, object], id: str = ""
) -> Iterator[View]:
    return handlers.animate(_put_in(handlers, picture, mask, id), values)


def _loop(handlers: Handlers, view: View) -> Path:
    return handlers.studio.folder / view.id / "loop.mp4"


def _frames(path: Path) -> int:
    with av.open(str(path)) as video:
        return sum(1 for _ in video.decode(video=0))


def test_a_painting_becomes_a_loop(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    views = list(_animate(handlers, picture, mask, VALUES))
    assert views[0].running and "t2c-progress" in views[0].status
    end = views[-1]
    assert not end.running and end.player is not None and "<video" in end.player and "loop autoplay muted" in end.player
    assert _frames(_loop(handlers, end)) == 6
    assert end.strip is not None and all("<img" in figure for figure in end.strip.values())
    assert handlers.settle(end.id).left, "nothing more to show"


def test_the_same_picture_keeps_its_workspace_and_another_gets_its_own(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    first = _last(_animate(handlers, picture, mask, VALUES))
    same = _last(_animate(handlers, picture, mask, VALUES | {"frames": 7}, first.id))
    other = _last(_animate(handlers, picture.rotate(180), mask, VALUES, first.id))
    assert same.id == first.id != other.id
    assert _frames(_loop(handlers, first)) == 7 and _frames(_loop(handlers, other)) == 6


def test_a_stage_runs_again_with_a_repainted_mask(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    first = _last(_animate(handlers, picture, mask, VALUES))
    saved = handlers.studio.folder / first.id / "mask.png"
    before = np.asarray(Image.open(saved))
    handlers.put_mask(first.id, mask.rotate(180), VALUES)
    assert handlers.studio.out_of_date(first.id, VALUES) == (Stage.REGION, Stage.MOTION, Stage.LOOP)
    handlers.put_mask(first.id, mask, VALUES)
    assert handlers.studio.out_of_date(first.id, VALUES) == (), "it is the last run's again"
    handlers.put_mask(first.id, mask.rotate(180), VALUES)
    again = _last(handlers.run(first.id, VALUES, Stage.REGION))
    assert again.id == first.id and handlers.studio.out_of_date(first.id, VALUES) == ()
    after = np.asarray(Image.open(saved))
    assert before[-4:].min() == 255 and after[:4].min() == 255 and after[-4:].max() == 0


def test_a_mask_and_a_depth_that_are_put_in_and_taken_away_change_nothing(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    painted = Hints(regions=(RegionHint("river", mask=Painted(np.asarray(mask.rotate(180)))),))
    values = VALUES | {"law": "push", "hints": to_json(painted)}
    made = _last(_animate(handlers, picture, None, values))
    for put, given, stale in (
        (handlers.put_mask, mask, (Stage.REGION, Stage.MOTION, Stage.LOOP)),
        (handlers.put_depth, _ramp(), (Stage.MOTION, Stage.LOOP)),
    ):
        marked = put(made.id, given, values)
        assert json.loads(str(marked.state))["stages"]["loop"]["stale"]
        assert handlers.studio.out_of_date(made.id, values) == stale
        cleared = put(made.id, None, values)
        assert not any(row["stale"] for row in json.loads(str(cleared.state))["stages"].values())
        assert handlers.studio.out_of_date(made.id, values) == ()


def test_a_depth_is_put_in_kept_and_taken_away(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    ramp = _ramp()
    values = VALUES | {"law": "push"}
    first = _last(_animate(handlers, picture, mask, values))
    assert "depth" in first.status, "a plain ground is said"
    handlers.put_depth(first.id, ramp, values)
    assert handlers.studio.out_of_date(first.id, values) == (Stage.MOTION, Stage.LOOP)
    again = _last(handlers.run(first.id, values, Stage.MOTION))
    assert "depth" not in again.status and handlers.studio.out_of_date(first.id, values) == ()
    handlers.studio.lists = True
    _, opened = handlers.open("", first.id)
    assert opened is not None and opened.depth is not None
    handlers.put_depth(first.id, Image.open(opened.depth), values)  # the page puts it in by itself
    assert handlers.studio.out_of_date(first.id, values) == ()
    flat = handlers.put_depth(first.id, Image.new("L", (8, 8), 9), values)
    assert "same everywhere" in flat.status
    handlers.put_depth(first.id, None, values)
    assert handlers.studio.out_of_date(first.id, values) == (Stage.MOTION, Stage.LOOP)
    handlers.put_depth(first.id, ramp, values)
    assert handlers.studio.out_of_date(first.id, values) == (), "it is the last run's again"


@pytest.mark.parametrize(
    ("words", "stale"),
    [
        ({}, ()),
        ({"motion": "river flowing left, the camera drifts"}, (Stage.MOTION, Stage.LOOP)),
        ({"law": "parallax", "speed": 0.0}, ()),
    ],
)
def test_a_depth_counts_only_where_a_camera_moves(
    handlers: Handlers, picture: Image.Image, mask: Image.Image, words: dict[str, object], stale: tuple[Stage, ...]
) -> None:
    values = VALUES | words
    made = _last(_animate(handlers, picture, mask, values))
    handlers.put_depth(made.id, _ramp(), values)
    assert handlers.studio.out_of_date(made.id, values) == stale
    handlers.put_depth(made.id, None, values)
    assert handlers.studio.out_of_date(made.id, values) == ()


def test_what_is_refused_leaves_nothing_behind(
    handlers: Handlers, picture: Image.Image, mask: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, black = handlers.studio, Image.new("L", (SIDE, SIDE))
    for refused, why in (((mask, black), "The depth is the same"), ((black, None), "The mask is empty")) * 2:
        assert why in (handlers.register("", picture, *refused).status or "")
    assert not studio.sessions and not list(studio.folder.iterdir())
    before = _put_in(handlers, picture, mask)
    assert "The depth" in (handlers.register(before, picture.rotate(180), mask, black).status or "")
    assert not studio.sessions and not list(studio.folder.iterdir()), "nor does the picture before it stay"

    def full(*_: object) -> None:
        raise UserError("the disk is full")

    monkeypatch.setattr("t2c_ext.ui.studio.keep_still", full)
    assert "full" in (handlers.register("", picture, mask).status or "")
    assert not studio.sessions and not list(studio.folder.iterdir())


def test_depths_are_small_and_have_the_limit_of_masks(
    handlers: Handlers, picture: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio, wide = handlers.studio, _ramp().resize((2048, 512))
    ids = [_put_in(handlers, turned, None) for turned in (picture, picture.rotate(180))]
    monkeypatch.setattr("t2c_ext.ui.studio.MOST_MASKED", 1024 * 256 + SIDE * SIDE)
    studio.put_depth(ids[0], wide)
    studio.put_depth(ids[0], wide.rotate(180))
    kept = studio.sessions[ids[0]].beside.depth
    assert kept is not None and kept.shape == (256, 1024) and kept.min() == 0 and kept.max() == 1
    with pytest.raises(UserError, match="too many masks and depths"):
        studio.put_depth(ids[1], wide)
    assert studio.sessions[ids[1]].beside.depth is None
    studio.put_mask(ids[1], Image.new("L", (SIDE, SIDE), 255))
    with pytest.raises(UserError, match="too many masks"):
        studio.put_depth(ids[1], _ramp())
    studio.forget(ids[0])
    studio.put_depth(ids[1], wide)
    with pytest.raises(UserError, match="too many masks"):
        studio.put_mask(ids[1], Image.new("L", (2 * SIDE, SIDE), 255))


def test_an_opened_depth_is_as_small_as_one_that_is_put_in(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    values = VALUES | {"law": "push"}
    made = _last(_animate(handlers, picture, mask, values))
    noise = np.random.default_rng(4).random((900, 1800)).astype(np.float32)
    large = read_depth(np.tile(np.linspace(0, 1, 1800, dtype=np.float32), (900, 1)) + noise)
    workspace = Workspace.open(handlers.studio.folder / made.id)
    workspace.save_inputs(replace(workspace.load_inputs(), depth=large))
    handlers.studio.forget(made.id)
    handlers.studio.lists = True
    _, opened = handlers.open("", made.id)
    depth = handlers.studio.sessions[made.id].beside.depth
    assert opened is not None and opened.depth is not None and depth is not None and depth.shape == (512, 1024)
    with Image.open(opened.depth) as file:
        assert file.size == (1024, 512)
        handlers.put_depth(made.id, file, values)  # the page puts it in by itself
    assert handlers.studio.out_of_date(made.id, values) == ()


def _ramp() -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(20, 200, SIDE).astype(np.uint8), (SIDE, 1)))


@pytest.mark.parametrize(
    ("change", "first"), [({"speed": 2.0}, Stage.MOTION), ({"fps": 25}, Stage.LOOP), ({"frames": 6.0}, None)]
)
def test_what_no_longer_fits_the_settings_is_marked(
    handlers: Handlers, picture: Image.Image, mask: Image.Image, change: dict[str, object], first: Stage | None
) -> None:
    made = _last(_animate(handlers, picture, mask, VALUES))
    view = handlers.marks(made.id, VALUES | change)
    order = list(Stage)
    expected = [] if first is None else order[order.index(first) :]
    assert (view is None) == (first is None), "only a change is told"
    if view is not None and view.strip is not None and view.state is not None:
        assert [stage for stage, figure in view.strip.items() if "out of date" in figure] == expected
        stages = json.loads(view.state)["stages"]
        assert [Stage(stage) for stage, row in stages.items() if row["stale"]] == expected
        back = handlers.marks(made.id, VALUES)
        assert back is not None and back.strip is not None and "out of date" not in "".join(back.strip.values())


def test_regions_are_offered_where_none_was_found(handlers: Handlers, tmp_path: Path) -> None:
    with Image.open(sample(tmp_path / "example").picture) as opened:
        small = opened.resize((192, 128))
    values = {"motion": "smoke rising", "frames": 4}
    asked = _last(_animate(handlers, small, None, values))
    assert "could not find the smoke" in asked.status and "--" not in asked.status.partition("<div")[2].replace(
        "<!--", ""
    )
    assert asked.names and asked.choices is not None and asked.choices.count("<img") == len(asked.names)
    end = _last(handlers.choose(asked.id, asked.names[:1], values))
    assert _loop(handlers, end).exists() and end.choices == ""
    assert handlers.studio.out_of_date(end.id, values) == ()
    assert "at least one" in _last(handlers.choose(asked.id, [], values)).status


def _guarded(handlers: Handlers) -> tuple[threading.Event, threading.Event]:
    """Events that say when a run waits for its turn, and give it."""
    held, release = threading.Event(), threading.Event()

    def guard(work: Callable[[], None]) -> None:
        held.set()
        release.wait(20)
        work()

    handlers.studio.guard = guard
    return held, release


def test_a_run_is_cancelled(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    held, release = _guarded(handlers)
    views = _animate(handlers, picture, mask, VALUES)
    first = next(views)
    assert held.wait(20)
    handlers.studio.cancel(first.id)
    end = _last(views)
    release.set()
    assert "Stopped" in end.status and not end.running and not _loop(handlers, end).exists()


@pytest.mark.parametrize(
    ("values", "message"), [({"frames": 0}, "Frames is 0"), ({"hints": "{"}, "Hints"), ({"format": "exe"}, "Format is")]
)
def test_errors_are_one_sentence(
    handlers: Handlers, picture: Image.Image, mask: Image.Image, values: dict[str, object], message: str
) -> None:
    end = _last(_animate(handlers, picture, mask, VALUES | values))
    assert message in end.status and "Traceback" not in end.status and end.player in (None, page.EMPTY)


def test_what_was_not_foreseen_is_a_sentence_too(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    def broken(work: object) -> None:
        raise RuntimeError("the <GPU> fell off")

    handlers.studio.guard = broken
    assert "the &lt;GPU&gt; fell off" in _last(_animate(handlers, picture, mask, VALUES)).status


def test_without_a_picture_a_workspace_or_a_model_it_says_so(handlers: Handlers) -> None:
    assert "no picture" in str(_last(handlers.animate("", VALUES)).status)
    assert "no cinemagraph" in str(_last(handlers.run("../..", VALUES, Stage.LOOP)).status)
    assert "No model" in str(_last(handlers.generate("", VALUES)).status)
    with pytest.raises(UserError):
        handlers.studio.workspace("0" * 32)


def test_the_example_brings_its_three_regions(tmp_path: Path) -> None:
    painted = parse_hints(sample(tmp_path).hints).painted
    assert {hint.name: hint.angle for hint in painted} == {"clouds": 0.0, "river": 225.0, "waterfall": 270.0}
    assert all(hint.mask is not None and hint.mask.levels.shape == example().mask.shape for hint in painted)
    with example_file("mask.png") as path, Image.open(path) as mask:
        assert {region.name for region in given_regions(mask.convert("RGBA")).regions} == set(example().masks)
        assert [region.name for region in given_regions(mask.rotate(180)).regions] == [""]


def test_a_visitor_names_no_place_on_the_server() -> None:
    for with_model in (False, True):
        assert not set(OF_THE_SERVER) & set(page_fields(with_model).names)
    assert len(set(page_fields(True).names)) == len(page_fields(True).names)
    assert set(page_fields(True).names) | set(OF_THE_SERVER) == {row.name for row in table()}


def test_changed_stages_are_those_of_the_settings_that_differ() -> None:
    assert changed_stages({"frames": 60, "speed": 1.0}, {"frames": 60.0, "speed": 1.5}) == {Stage.MOTION}


def test_texts_on_the_page_are_escaped() -> None:
    assert "<b>" not in page.messages(["<b>x</b>"], "<b>y</b>") + page.figure("<b>", {"<b>": "file=x"}, 1.0)


def test_an_address_changes_with_its_file_and_quotes_its_name(tmp_path: Path) -> None:
    path = tmp_path / 'a "b" #1.png'
    path.write_bytes(b"1")
    address = page.addresses("file=")
    before = address(path)
    path.touch()
    assert before.startswith("file=") and '"' not in before and "#" not in before and address(path) != before


def test_pictures_of_the_stages() -> None:
    grey = np.full((40, 60, 3), 0.5, np.float32)
    mask = np.zeros((80, 120), np.float32)
    mask[:40] = 1
    drawn = tinted(grey, [Region("river", mask)])
    assert drawn.shape == (40, 60, 3) and drawn[5, 30, 2] > drawn[5, 30, 0] + 20 and np.ptp(drawn[35, 30]) <= 1
    flow = np.zeros((80, 120, 2), np.float32)
    flow[:40, :, 0] = 2
    assert np.ptp(flow_picture(grey, flow, mask)[5, :8].reshape(-1, 3).mean(0)) > 20
    assert fitted(mask, 30).shape == (20, 30) and fitted(mask, 500) is mask


def test_the_strip_has_the_twin_its_segmentation_the_regions_and_the_mask(tmp_path: Path) -> None:
    art, natural = (np.full((40, 60, 3), level, np.float32) for level in (0.25, 0.75))
    found, drawn = np.zeros((2, 40, 60), np.float32)
    found[:20], drawn[:30] = 1, 1
    regions = Regions((Region("river", drawn),), segmentation=(Region("river", found),))
    result = Cinemagraph(twin=Twin(to_picture(art), to_picture(natural)), regions=regions)
    files = draw_stages(result, tmp_path)
    shown = shown_of(result, files, page.addresses("file="))
    assert list(shown[Stage.TWIN].pictures) == ["Picture", "Twin"]
    assert list(shown[Stage.REGION].pictures) == ["Segmentation", "Regions", "Mask"]
    grey = {name: np.asarray(Image.open(path).convert("L")) for name, path in files.items()}
    assert grey["segmentation"][38, 5] > 1.9 * grey["regions"][38, 5] and grey["segmentation"][25, 5] < 130
    assert grey["mask"][28, 5] == 255 and grey["mask"][32, 5] == 0
    plain = Cinemagraph(twin=result.twin, regions=Regions(regions.regions))
    rows = shown_of(plain, draw_stages(plain, tmp_path / "plain"), page.addresses("file="))
    assert list(rows[Stage.REGION].pictures) == ["Regions", "Mask"]


def test_the_tab_is_known_to_the_page_s_script() -> None:
    script = Path(tab.__file__).parents[2] / "javascript" / "cinemagraph.js"
    text = script.read_text(encoding="utf-8")
    assert f"function switch_to_{tab.NAME}(" in text and f'"{tab.LABEL}"' in text


SAMPLER_ROWS = (
    replace(next(row for row in table() if row.name == "sampler"), choices=("DPM++ 3M", "LCM"), default="LCM"),
    replace(next(row for row in table() if row.name == "seed"), minimum=-1, default=-1),
)


def test_a_host_makes_the_pictures_from_its_own_settings(tmp_path: Path, mask: Image.Image) -> None:
    asked: list[Recipe] = []

    def maker(recipe: Recipe) -> GivenTwin:
        asked.append(recipe)
        levels = np.random.default_rng(len(asked)).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
        return GivenTwin(Twin(to_picture(levels)))

    studio = Studio(tmp_path, maker=maker, sampling_rows=SAMPLER_ROWS)
    handlers = Handlers(studio, page.addresses("file="))
    painted = Hints(regions=(RegionHint("river", mask=Painted(np.asarray(mask))),))
    values = VALUES | {"prompt": "a river", "sampler": "DPM++ 3M", "seed": -1, "hints": to_json(painted)}
    made = _last(handlers.generate("", values))
    art = tmp_path / made.id / "art.png"
    before = art.read_bytes()
    assert (asked[0].twin.sampler, asked[0].prompt.seed, asked[0].prompt.prompt) == ("DPM++ 3M", -1, "a river")
    assert studio.out_of_date(made.id, values) == ()
    assert studio.out_of_date(made.id, values | {"sampler": "LCM"})[0] is Stage.TWIN
    again = _last(handlers.run(made.id, values | {"speed": 2}, Stage.MOTION))
    assert again.player is not None and len(asked) == 1 and art.read_bytes() == before
    _last(handlers.run(made.id, values | {"sampler": "LCM"}, Stage.TWIN))
    on_the_canvas = json.loads(str(again.state))["picture"]
    assert on_the_canvas["width"] == SIDE and "art.png" in on_the_canvas["url"]
    more = _last(handlers.animate(made.id, values | {"speed": 3}))
    assert more.id == made.id and len(asked) == 2 and more.player is not None, "the picture that was made is animated"
    assert asked[1].twin.sampler == "LCM" and art.read_bytes() != before
    kept = art.read_bytes()
    other = _last(handlers.generate(made.id, values))
    assert other.id != made.id and art.read_bytes() == kept, "a seed that is drawn asks for another picture"
    assert "Sampler is" in _last(handlers.generate("", values | {"sampler": "ddim"})).status
    assert "is -2" in _last(handlers.generate("", values | {"seed": -2})).status


class _Slow(GivenTwin):
    """Takes its steps until the page has looked at it."""

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        for done in range(8):
            reporter.step(Stage.TWIN.value, done, 8)
            time.sleep(0.2)
        return self.twin


def test_the_picture_in_the_making_is_shown(tmp_path: Path, picture: Image.Image) -> None:
    def glimpse() -> Image.Image:
        return Image.new("RGB", (8, 8), "red")

    studio = Studio(tmp_path, maker=lambda recipe: _Slow(Twin(to_picture(picture))), glimpse=glimpse)
    views = list(Handlers(studio, page.addresses("file=")).generate("", VALUES | {"prompt": "a river"}))
    seen = [view for view in views if "glimpse.png" in (view.status or "")]
    assert seen and all(view.running for view in seen)
    with Image.open(tmp_path / views[-1].id / "view" / "glimpse.png") as shown:
        assert shown.convert("RGB").getpixel((0, 0)) == (255, 0, 0)


def test_the_picture_on_the_canvas_can_be_sent_away(handlers: Handlers, picture: Image.Image) -> None:
    with pytest.raises(UserError, match="no picture yet"):
        handlers.studio.picture("")
    id = _put_in(handlers, picture, None)
    assert np.array_equal(np.asarray(handlers.studio.picture(id)), np.asarray(picture))


@pytest.mark.parametrize(
    ("now", "of_a_painting", "of_text"),
    [
        ({"motion": "river flowing right"}, {Stage.MOTION}, {Stage.MOTION}),
        ({"motion": "clouds drifting left"}, {Stage.REGION, Stage.MOTION}, {Stage.REGION, Stage.MOTION}),
        ({"prompt": "a river in ink"}, {Stage.MOTION}, {Stage.TWIN, Stage.MOTION}),
        ({"seed": 7}, {Stage.LOOP}, {Stage.TWIN}),
        ({"seed": -1, "motion": "river flowing right"}, {Stage.LOOP, Stage.MOTION}, {Stage.TWIN, Stage.MOTION}),
        ({"phrases": "none of ours"}, {Stage.REGION}, {Stage.TWIN}),
        ({"motion": "a river that is flowing left"}, set(), set()),
    ],
)
def test_words_concern_only_the_stages_that_hear_them(
    now: dict[str, object], of_a_painting: set[Stage], of_text: set[Stage]
) -> None:
    before = {"prompt": "a river", "motion": "river flowing left", "seed": 0}
    assert changed_stages(before, {**before, **now}, from_text=False) == of_a_painting
    assert changed_stages(before, {**before, **now}) - {Stage.PROMPT} == of_text


def test_a_host_s_settings_take_the_place_of_ours() -> None:
    fields = page_fields(True, SAMPLER_ROWS)
    assert fields.sampling == SAMPLER_ROWS and len(set(fields.names)) == len(fields.names)
    assert "steps" not in fields.names and "refine" in fields.names


def test_a_picture_in_which_nothing_was_run_leaves_nothing_behind(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    first = _put_in(handlers, picture, None)
    second = _put_in(handlers, picture.rotate(90), None, first)
    assert first not in handlers.studio.sessions and not (handlers.studio.folder / first).exists()
    _last(_animate(handlers, picture.rotate(90), mask, VALUES, second))
    third = _put_in(handlers, picture, None, second)
    assert third != second and _loop(handlers, View(second)).exists(), "what was made is kept"


@pytest.mark.parametrize("next_picture", ["another", "none", "too small"])
def test_a_run_of_a_picture_that_was_left_does_not_bring_it_back(
    handlers: Handlers, picture: Image.Image, mask: Image.Image, next_picture: str
) -> None:
    held, release = _guarded(handlers)
    views = _animate(handlers, picture, mask, VALUES)
    first = next(views)
    assert held.wait(20)
    given = {"another": picture.rotate(180), "none": None, "too small": picture.resize((4, 4))}[next_picture]
    shown = handlers.register(first.id, given, None)
    release.set()
    assert shown.id != first.id and (json.loads(shown.state)["picture"] is not None) == (next_picture == "another")
    rest = list(views)
    assert rest and all(view.left for view in rest)
    assert not (handlers.studio.folder / first.id / "loop.mp4").exists()
    settled = handlers.settle(shown.id)
    assert (settled.id, settled.state, settled.running) == (shown.id, shown.state, False)


def test_a_picture_made_from_text_stays_when_the_given_one_is_taken_away(tmp_path: Path) -> None:
    art = Image.fromarray(np.random.default_rng(1).integers(0, 255, (SIDE, SIDE, 3), np.uint8))
    given = GivenTwin(Twin(to_picture(art)))
    handlers = Handlers(Studio(tmp_path, maker=lambda recipe: given), page.addresses("file="))
    made = _last(handlers.generate("", {"prompt": "a river", "region": "river", "frames": 6, **VALUES}))
    assert handlers.register(made.id, None, None).id == made.id


def test_two_tabs_do_not_disturb_each_other(handlers: Handlers, picture: Image.Image, mask: Image.Image) -> None:
    one, two = _put_in(handlers, picture, mask), _put_in(handlers, picture, mask.rotate(180))
    assert one != two
    first = _last(handlers.animate(one, VALUES))
    second = _last(handlers.animate(two, VALUES | {"frames": 7}))
    assert (_frames(_loop(handlers, first)), _frames(_loop(handlers, second))) == (6, 7)
    masks = [np.asarray(Image.open(handlers.studio.folder / id / "mask.png")) for id in (one, two)]
    assert masks[0][-1, 0] == 255 and masks[1][-1, 0] == 0


def test_the_state_tells_the_page_s_script_everything(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    before = json.loads(str(handlers.register("", picture, mask).state))
    assert before["picture"]["width"] == SIDE and before["loop"] is None and before["running"] is None
    assert all(not row["pictures"] for row in before["stages"].values())
    views = list(handlers.animate(before["id"], VALUES))
    assert all(json.loads(str(view.state))["running"]["total"] >= 1 for view in views[:-1])
    after = json.loads(str(views[-1].state))
    assert after["running"] is None and after["picture"] == before["picture"]
    pictures = {stage: len(row["pictures"]) for stage, row in after["stages"].items()}
    assert pictures == {"twin": 1, "region": 2, "motion": 1, "loop": 1}
    assert after["stages"]["motion"]["about"] == "made by the solver"
    (region,) = after["stages"]["region"]["regions"]
    assert region["name"] == "river" and decode_painted(region["mask"], "x").levels.shape == (SIDE, SIDE)
    assert before["mask"][0]["source"] == "mask file" and after["mask"] is None, "until the region stage has it"
    assert before["mask"][0]["mask"] == region["mask"]
    loop = after["loop"]
    assert (loop["frames"], loop["fps"], loop["width"]) == (6, 30.0, SIDE) and loop["bytes"] > 0
    flow = np.frombuffer(base64.b64decode(loop["flow"]["flow"]), "<i2").reshape(SIDE, SIDE, 2) * loop["flow"]["unit"]
    assert flow[48:, :, 0].mean() < 0 and not flow[:16].any()


def test_a_mask_file_is_told_when_it_is_put_in_changed_and_taken_away(
    handlers: Handlers, picture: Image.Image, mask: Image.Image
) -> None:
    id = _put_in(handlers, picture, None)

    def told(given: Image.Image | None) -> np.ndarray | None:
        rows = json.loads(str(handlers.put_mask(id, given, VALUES).state))["mask"]
        return decode_painted(rows[0]["mask"], "x").levels if rows else None

    first = told(mask)
    assert first is not None and first[-1, 0] == 255 and first[0, 0] == 0
    assert told(None) is None
    _last(handlers.animate(id, VALUES | {"region": "sky"}))
    turned = told(mask.rotate(180))
    assert turned is not None and turned[0, 0] == 255 and turned[-1, 0] == 0
    assert told(mask.resize((SIDE, SIDE // 2))) is None, "the run says that it does not fit"


def test_masks_of_large_pictures_are_sent_as_large_as_paint() -> None:
    assert decode_painted(sent_mask(np.ones((700, 1400), np.float32)), "x").levels.shape == (512, 1024)


@pytest.mark.parametrize(
    ("change", "stages"),
    [
        ({"angle": 10.0}, {Stage.MOTION}),
        ({"colour": "#000000"}, set()),
        ({"mask": None}, {Stage.REGION}),
        ({"mask": Painted(np.full((4, 4), 9, np.uint8))}, {Stage.REGION}),
    ],
)
def test_a_drawing_concerns_the_stages_that_see_it(change: dict[str, object], stages: set[Stage]) -> None:
    hint = RegionHint("river", 0.0, colour="#112233", mask=Painted(np.full((4, 4), 255, np.uint8)))
    before = to_json(Hints(regions=(hint,)))
    now = to_json(Hints(regions=(replace(hint, **change),)))  # type: ignore[arg-type]
    assert changed_stages({"hints": before}, {"hints": now}) == stages
    assert changed_stages({"hints": ""}, {"hints": '{"version": 2}'}) == set()
