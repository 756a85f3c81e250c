"""The panel's script in a small host: from its arguments to loops, notes and generation parameters."""

from __future__ import annotations

import base64
import io
from copy import copy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from t2c_ext.webui.options import panel_rows

SIZE = 64


@pytest.fixture(autouse=True)
def host(small_host: Any) -> None:
    """The small host."""


def _picture() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), np.uint8))


def _mask() -> Image.Image:
    levels = np.zeros((SIZE, SIZE), np.uint8)
    levels[SIZE // 2 :] = 255
    return Image.fromarray(levels)


def _encoded(picture: Image.Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


class _Processing:
    """A generation without a model: the twin is turned off."""

    def __init__(self, folder: Path, count: int = 1, batches: int = 1) -> None:
        self.outpath_samples = str(folder)
        self.n_iter, self.batch_size = batches, count
        self.prompts, self.seeds = ["a river, ink"] * count, list(range(count))
        self.extra_generation_params: dict[str, Any] = {}
        self.comments: list[str] = []

    def comment(self, text: str) -> None:
        self.comments.append(text)

    def sample(self) -> None:
        """Nothing is sampled."""

    @property
    def sd_model(self) -> Any:
        """The checkpoint's."""
        from modules import shared

        return shared.sd_model


def _generate(processing: Any, given: dict[str, object], before_loops: Any = None, sampling: Any = None) -> Any:
    """What the host does with a script, in its order; `sampling` is called in the first batch."""
    from modules.shared import state

    from t2c_ext.webui.script import CinemagraphScript

    script, picture = CinemagraphScript(), _picture()
    script.process(processing, given)
    if state.job_count == -1:
        state.job_count = processing.n_iter
    infotexts: list[str] = []
    for number in range(processing.n_iter):
        if state.interrupted or state.stopping_generation:
            break
        script.process_batch(processing, given, batch_number=number)
        processing.sample()
        if sampling and not number:
            sampling()
        state.nextjob()
        for place in range(len(processing.prompts)):
            processing.batch_index = place
            script.postprocess_image_after_composite(processing, SimpleNamespace(image=picture), given)
            infotexts.append(f"a river\nSteps: {len(infotexts) + 1}")
    processed = SimpleNamespace(
        images=[picture],
        infotexts=infotexts,
        info="",
        index_of_first_image=0,
        comments="",
        extra_generation_params=processing.extra_generation_params,
    )
    if before_loops:
        before_loops()
    script.postprocess(processing, processed, given)
    return processed


def _given(**more: object) -> dict[str, object]:
    return {
        "enabled": True,
        "twin": False,
        "motion": "river flowing left",
        "frames": 6,
        "mask": _encoded(_mask()),
    } | more


def test_each_picture_gets_a_loop_beside_a_poster(tmp_path: Path) -> None:
    processing = _Processing(tmp_path, 2)
    found = _generate(processing, _given()).extra_generation_params
    assert len(found["Cinemagraph files"]) == 2
    for number, path in enumerate(found["Cinemagraph files"], start=1):
        with av.open(path) as video:
            assert sum(1 for _ in video.decode(video=0)) == 6
        with Image.open(Path(path).with_suffix(".png")) as poster:
            assert f"Steps: {number}" in poster.info["parameters"]
    assert "Cinemagraph files" not in processing.extra_generation_params
    assert set(vars(processing)) == set(vars(_Processing(tmp_path, 2))) | {"batch_index"}


def test_loops_go_into_the_users_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import shared

    (tmp_path / "loops").mkdir()
    monkeypatch.setitem(shared.opts.data, "t2c_folder", f" {tmp_path / 'loops'} ")
    (path,) = _generate(_Processing(tmp_path / "pictures"), _given()).extra_generation_params["Cinemagraph files"]
    assert Path(path).parent == tmp_path / "loops" and not (tmp_path / "pictures").exists()


def test_loops_come_as_base64_where_asked(tmp_path: Path) -> None:
    found = _generate(_Processing(tmp_path), _given(send="video", format="gif")).extra_generation_params
    assert base64.b64decode(found["Cinemagraph videos"][0]) == Path(found["Cinemagraph files"][0]).read_bytes()


def test_a_loop_has_each_of_its_settings_once() -> None:
    from t2c_ext.webui.loops import without_ours

    text = 'a river\nSteps: 2, Cinemagraph enabled: True, Cinemagraph motion: "left, \\"fast\\"", Version: v1'
    assert without_ours(text) == "a river\nSteps: 2, Cinemagraph enabled: True, Version: v1"


def test_a_panel_that_is_not_enabled_does_nothing(tmp_path: Path) -> None:
    processed = _generate(_Processing(tmp_path), _given(enabled=False))
    assert not list(tmp_path.iterdir()) and processed.extra_generation_params == {}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"frames": 0}, "frames is 0"),
        ({"send": "mail"}, "send is"),
        ({"model": "/secret"}, "server"),
        ({"mask": 5}, "mask must be a picture"),
        ({"mask": "/etc/passwd"}, "mask is not base64"),
        ({"mask": base64.b64encode(b"no picture").decode()}, "mask is no picture"),
        ({"mask": _encoded(Image.new("L", (SIZE, SIZE)))}, "mask is empty"),
    ],
)
def test_what_is_wrong_is_said_and_the_picture_comes(tmp_path: Path, more: dict[str, object], words: str) -> None:
    processing = _Processing(tmp_path)
    found = _generate(processing, _given(**more)).extra_generation_params
    assert words in found["Cinemagraph error"] and words in processing.comments[0] and not list(tmp_path.iterdir())


WIDE = {"mask": _encoded(_mask().resize((4 * SIZE, SIZE)))}
"""A mask of another shape than the picture's: no loop is made."""


def test_a_loop_that_cannot_be_made_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    processed = _generate(_Processing(tmp_path), _given(**WIDE))
    assert processed.extra_generation_params["Cinemagraph notes"][0].startswith("no loop was made: the mask is 256x64")
    assert "the mask is 256x64" in processed.comments and not list(tmp_path.iterdir())


def test_of_several_pictures_it_is_said_which_has_no_loop(tmp_path: Path) -> None:
    notes = _generate(_Processing(tmp_path, 2), _given(**WIDE)).extra_generation_params["Cinemagraph notes"]
    assert [note.partition(" no loop was made: ")[0] for note in notes] == ["picture 1 of 2:", "picture 2 of 2:"]


@pytest.mark.parametrize("mask", [None, ""])
def test_no_mask_is_none(mask: object) -> None:
    from t2c_ext.webui.options import read_options

    assert read_options([_given(mask=mask)]).mask is None


@pytest.fixture
def one_name(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The host's options, by which all pictures of a seed have the same name."""
    from modules import shared

    monkeypatch.setattr(shared.opts, "samples_filename_pattern", "keep[seed]")
    return shared.opts


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_a_run_that_makes_nothing_removes_nothing(tmp_path: Path, one_name: Any, kind: str) -> None:
    (path,) = _generate(_Processing(tmp_path), _given(format=kind)).extra_generation_params["Cinemagraph files"]
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    assert Path(path).stem == "keep0-cinemagraph" and len(before) == (2 if kind == "gif" else 7)
    _generate(_Processing(tmp_path), _given(format=kind, **WIDE))
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_a_loop_of_the_same_name_takes_the_place_of_the_earlier_one(tmp_path: Path, one_name: Any, kind: str) -> None:
    for frames in (6, 4):
        found = _generate(_Processing(tmp_path), _given(format=kind, frames=frames)).extra_generation_params
    (path,) = map(Path, found["Cinemagraph files"])
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([path.name, "keep0-cinemagraph.png"])
    with Image.open(path.with_suffix(".png")) as still:
        assert "Cinemagraph frames: 4" in still.info["parameters"]
    assert len(list(path.iterdir())) == 4 if kind == "png" else path.is_file()


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_a_loop_of_the_same_name_gets_a_number_where_the_user_wants_that(
    tmp_path: Path, one_name: Any, kind: str
) -> None:
    one_name.save_images_replace_action = "Add number suffix"
    for stem in ("keep0-cinemagraph", "keep0-cinemagraph-1"):
        found = _generate(_Processing(tmp_path), _given(format=kind)).extra_generation_params
        (path,) = map(Path, found["Cinemagraph files"])
        assert path.stem == stem and path.exists() and path.with_suffix(".png").is_file()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_of_the_user_s_own_is_left_alone(tmp_path: Path, one_name: Any) -> None:
    own = tmp_path / "keep0-cinemagraph" / "mine.txt"
    own.parent.mkdir()
    own.write_text("mine")
    (path,) = _generate(_Processing(tmp_path), _given(format="png")).extra_generation_params["Cinemagraph files"]
    assert own.read_text() == "mine" and Path(path).name == "keep0-cinemagraph-1"


@pytest.mark.parametrize("kind", ["gif", "png"])
def test_files_that_the_host_puts_beside_a_still_have_its_name(tmp_path: Path, one_name: Any, kind: str) -> None:
    one_name.save_txt, one_name.samples_filename_pattern = True, "7.0-[seed]"
    _generate(_Processing(tmp_path), _given(format=kind, **WIDE))
    assert not list(tmp_path.iterdir())
    (path,) = _generate(_Processing(tmp_path), _given(format=kind)).extra_generation_params["Cinemagraph files"]
    stem = Path(path).stem
    assert {file.name for file in tmp_path.iterdir()} == {Path(path).name, f"{stem}.png", f"{stem}.txt"}
    assert "Cinemagraph frames: 6" in (tmp_path / f"{stem}.txt").read_text()


def test_an_unexpected_error_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.webui import loops

    def fail(*arguments: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(loops, "finish", fail)
    found = _generate(_Processing(tmp_path), _given()).extra_generation_params
    assert "ZeroDivisionError: a bug" in found["Cinemagraph notes"][0] and not list(tmp_path.iterdir())
    assert "Cinemagraph ids" not in found


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    found = _generate(_Processing(tmp_path / "file"), _given()).extra_generation_params
    assert found["Cinemagraph notes"][0].startswith("no loop was made: ") and "Cinemagraph files" not in found


def test_frames_are_kept_where_the_users_pattern_has_a_dot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from modules import images

    save = images.save_image

    def save_by_pattern(*arguments: Any, suffix: str, **named: Any) -> Any:
        return save(*arguments, suffix=f"-7.0{suffix}", **named)

    monkeypatch.setattr(images, "save_image", save_by_pattern)
    found = _generate(_Processing(tmp_path), _given(format="png", send="still")).extra_generation_params
    (folder,) = map(Path, found["Cinemagraph files"])
    assert len(list(folder.glob("*.png"))) == 6
    assert base64.b64decode(found["Cinemagraph stills"][0]) == folder.with_suffix(".png").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {folder.name, f"{folder.name}.png"}


def test_an_interrupt_leaves_no_half_of_a_loop(tmp_path: Path) -> None:
    from modules.shared import state

    def interrupt() -> None:
        state.interrupted = True

    processed = _generate(_Processing(tmp_path, 2), _given(), interrupt)
    assert "stopped" in processed.comments and not list(tmp_path.iterdir())


@pytest.fixture
def press_in_a_loop(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Press the page's Interrupt button once when a loop begins; the numbers of those that began."""
    from modules.shared import state

    from t2c_ext.webui import run

    save, begun = run.save_loop, []

    def save_and_press(processing: Any, shot: Any, *arguments: Any) -> Any:
        begun.append(shot.number)
        if len(begun) == 1:
            state.press_interrupt()
        return save(processing, shot, *arguments)

    monkeypatch.setattr(run, "save_loop", save_and_press)
    return begun


def test_the_interrupt_button_stops_a_single_loop_at_once(tmp_path: Path, press_in_a_loop: list[int]) -> None:
    found = _generate(_Processing(tmp_path), _given()).extra_generation_params
    assert found["Cinemagraph notes"] == ["the loop was stopped"] and not list(tmp_path.iterdir())


@pytest.mark.parametrize("shape", [(2, 1), (1, 2)])
def test_the_interrupt_button_lets_a_loop_of_several_be_finished(
    tmp_path: Path, press_in_a_loop: list[int], shape: tuple[int, int]
) -> None:
    found = _generate(_Processing(tmp_path, *shape), _given()).extra_generation_params
    assert len(found["Cinemagraph files"]) == 1 and press_in_a_loop == [0]
    assert found["Cinemagraph notes"] == ["stopped before all loops were made"]


def test_the_interrupt_button_stops_the_sampling_of_a_single_picture_at_once(tmp_path: Path) -> None:
    from modules.shared import state

    found = _generate(_Processing(tmp_path), _given(), sampling=state.press_interrupt).extra_generation_params
    assert state.interrupted and found["Cinemagraph notes"] == ["a picture that was stopped gets no loop"]


def test_a_picture_that_is_finished_before_the_host_stops_gets_its_loop(tmp_path: Path) -> None:
    from modules.shared import state

    processing = _Processing(tmp_path, 1, batches=3)
    found = _generate(processing, _given(), sampling=state.press_interrupt).extra_generation_params
    assert state.stopping_generation and not state.interrupted
    assert len(found["Cinemagraph files"]) == 1 and "Cinemagraph notes" not in found


def test_a_second_click_stops_the_loops_too(tmp_path: Path) -> None:
    from modules.shared import state

    processing = _Processing(tmp_path, 1, batches=3)
    found = _generate(processing, _given(), state.press_interrupt, state.press_interrupt).extra_generation_params
    assert found["Cinemagraph notes"] == ["stopped before all loops were made"] and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("jobs", "seen"), [(-1, [(0, 2), (1, 2)]), (4, [(1, 6), (2, 6)])], ids=["by itself", "a cell of a plot"]
)
def test_loops_are_jobs_of_their_own_in_the_progress(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jobs: int, seen: list[tuple[int, int]]
) -> None:
    from modules.shared import state

    from t2c_ext.webui import run

    found, sampling, make = [], [], run.save_loop

    def save_loop(*arguments: Any) -> Any:
        found.append((state.job_no, state.job_count))
        return make(*arguments)

    monkeypatch.setattr(run, "save_loop", save_loop)
    state.job_count = jobs
    _generate(_Processing(tmp_path, 2), _given(), sampling=lambda: sampling.append((state.job_no, state.job_count)))
    assert sampling == [(0, 1 if jobs == -1 else jobs)] and found == seen


@pytest.mark.parametrize(
    ("more", "painted", "sampled", "said"),
    [
        ({"mask": ""}, False, True, "the region was looked for in a natural-looking twin that follows the painting"),
        ({}, False, False, ""),
        ({"mask": ""}, True, False, ""),
        ({"show_twin": True}, False, True, "the motion was looked for in a natural-looking twin"),
        ({"twin": False}, False, False, ""),
        ({"mask": "", "twin": False}, False, False, "the region was looked for in the painting itself, since the twin"),
    ],
)
def test_a_painting_with_a_mask_needs_no_twin(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, object], painted: bool, sampled: bool, said: str
) -> None:
    from t2c_ext.webui import run as module
    from t2c_ext.webui.loops import Shot
    from t2c_ext.webui.options import read_options

    made = []

    def of_painting(art: Any, place: int) -> Any:
        made.append(place)
        return art, None

    monkeypatch.setattr(module, "why_no_twin", lambda processing: "")
    run = module.Run(read_options([_given(twin=True) | more]))
    run.pairs = SimpleNamespace(of_painting=of_painting, host=SimpleNamespace(text_encoder=lambda: None))
    run._follow_painting(SimpleNamespace(image_mask=_mask() if painted else None), Shot(_picture(), "a river", 1), 0)
    assert bool(made) == sampled and "".join(run.notes).startswith(said) and bool(run.notes) == bool(said)


def test_a_painting_with_a_mask_gets_its_twin_for_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.motion.choose import Choice, MotionModel
    from t2c_ext.webui import run as module
    from t2c_ext.webui.loops import Shot
    from t2c_ext.webui.options import read_options

    monkeypatch.setattr(module, "why_no_twin", lambda processing: "")
    monkeypatch.setattr(module, "choose_model", lambda *arguments: Choice(MotionModel.TEXT))
    run = module.Run(read_options([_given(twin=True)]))
    host = SimpleNamespace(text_encoder=lambda: None)
    run.pairs = SimpleNamespace(of_painting=lambda art, place: (art, None), host=host)
    shot = Shot(_picture(), "a river", 1)
    run._follow_painting(SimpleNamespace(), shot, 0)
    assert shot.natural is not None
    assert run.notes == ["the motion was looked for in a natural-looking twin that follows the painting"]


def test_a_twin_is_led_away_from_its_pictures_style_and_not_from_realism() -> None:
    from t2c_ext.webui.options import read_options
    from t2c_ext.webui.run import Run

    processing = SimpleNamespace(prompts=["a river, oil painting"])
    pairs = Run(read_options([_given(twin=True)]))._pairs(processing)
    assert pairs.negative("a river, oil painting", "photo, blurry, realistic") == "blurry, oil painting"


def test_an_axis_takes_the_place_of_the_panels_value(tmp_path: Path) -> None:
    from modules import scripts

    from t2c_ext.webui.axes import add_axes

    add_axes()
    add_axes()
    labels = [option.label for option in scripts.plot.axis_options]
    assert len(labels) == len(set(labels)) == len(panel_rows()) - 2
    axis = next(option for option in scripts.plot.axis_options if option.label == "[Cinemagraph] Frames")
    processing = _Processing(tmp_path)
    axis.apply(processing, 9, [9])
    (path,) = _generate(processing, _given()).extra_generation_params["Cinemagraph files"]
    with av.open(path) as video:
        assert sum(1 for _ in video.decode(video=0)) == 9


def _cell(processing: Any, name: str, value: object, given: dict[str, object]) -> Any:
    """A cell of a plot: a copy that shares what is not set on it."""
    from t2c_ext.webui.axes import CHOSEN

    cell = copy(processing)
    setattr(cell, CHOSEN, {name: value})
    return _generate(cell, given)


def test_a_cell_s_error_stays_in_its_cell(tmp_path: Path) -> None:
    base = _Processing(tmp_path)
    found = [_cell(base, "speed", speed, _given()).extra_generation_params for speed in (1, 20, 2)]
    assert ["Cinemagraph error" in parameters for parameters in found] == [False, True, False]
    assert "speed is 20" in found[1]["Cinemagraph error"] and len(found[2]["Cinemagraph files"]) == 1
    assert base.extra_generation_params == {}


def test_each_cell_s_parameters_say_what_became_of_its_loop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base = _Processing(tmp_path)
    first = _cell(base, "frames", 6, _given())
    second = _cell(base, "frames", 6, _given(mask=None, region="zeppelin"))
    name = Path(first.extra_generation_params["Cinemagraph files"][0]).name
    assert first.infotexts == [f'a river\nSteps: 1, Cinemagraph file: "{name}"']
    assert "Cinemagraph notes: " in second.infotexts[0] and "find the zeppelin" in second.infotexts[0]
    assert "find the zeppelin" in capsys.readouterr().out


def test_a_grid_tells_of_its_first_picture(tmp_path: Path) -> None:
    from t2c_ext.webui.loops import Shot
    from t2c_ext.webui.options import read_options
    from t2c_ext.webui.run import Run
    from t2c_ext.webui.script import tell_of_loops

    shots = [Shot(None, "", 0, number, loop=tmp_path / f"{number}.mp4") for number in range(2)]
    processed = SimpleNamespace(infotexts=["grid", "first", "second", "a twin"], index_of_first_image=1)
    tell_of_loops(Run(read_options([_given()]), shots=shots, shot_of=dict(enumerate(shots))), processed)
    told = [text.partition(", Cinemagraph file: ")[2] for text in processed.infotexts]
    assert told == ['"0.mp4"', '"0.mp4"', '"1.mp4"', ""]


def test_pasted_parameters_set_every_widget() -> None:
    from t2c_ext.webui.options import read_options
    from t2c_ext.webui.panel import pasted

    hints = '{"version": 1, "pins": [[0.5, 0.25]]}'
    text = read_options([_given(hints=hints, motion="river, left")]).infotext()
    restored = {row.name: pasted(row)(text) for row in panel_rows()}
    assert restored["hints"] == hints and restored["frames"] == "6" and restored["enabled"] == "True"
    again = read_options([{row.name: row.check(restored[row.name]) for row in panel_rows()}])
    assert again.recipe == read_options([_given(hints=hints, motion="river, left")]).recipe
    assert pasted(panel_rows()[1])({"Steps": "20"}) is None


def test_the_bar_of_a_loop_never_runs_backwards(tmp_path: Path) -> None:
    from modules.shared import state

    from t2c_ext.webui.loops import host_reporter

    reporter = host_reporter(2, 3)
    reached = []
    for stage, total in (("prompt", 1), ("region", 3), ("motion", 2), ("motion", 5), ("loop", 8), ("loop", 8)):
        for done in range(total + 1):
            reporter.step(stage, done, total)
            reached.append(state.sampling_step)
            assert state.textinfo is not None and state.textinfo.startswith(f"Cinemagraph 2 of 3: {stage}")
    assert reached == sorted(reached) and reached[-1] == state.sampling_steps


def test_what_went_without_weights_or_words_says_what_would_be_better(tmp_path: Path) -> None:
    from t2c_ext.recipe import Recipe
    from t2c_ext.types import Flow, Region, Regions
    from t2c_ext.webui.loops import BETTER_MOTION, BETTER_REGION, what_would_be_better

    def made(source: str, flow: str) -> Any:
        mask = np.ones((4, 4), np.float32)
        regions = Regions((Region("river", mask, 1.0, source),))
        plan = SimpleNamespace(motions=())
        return SimpleNamespace(regions=regions, flow=Flow(np.zeros((4, 4, 2), np.float32), flow), plan=plan)

    assert what_would_be_better(made("clusters + attention", "solver"), Recipe()) == (BETTER_REGION, BETTER_MOTION)
    assert what_would_be_better(made("oneformer-ade", "motion-pretrained"), Recipe()) == ()
    hinted = Recipe().with_values({"hints": '{"version": 1, "arrows": []}'})
    assert what_would_be_better(made("mask", "solver"), hinted) == ()
    stated = made("mask", "solver")
    stated.plan.motions = ("left",)
    assert what_would_be_better(stated, Recipe()) == ()


@pytest.mark.parametrize(
    ("more", "networks", "needed"),
    [({}, False, False), ({"show_twin": True}, False, True), ({}, True, True), ({"mask": ""}, False, True)],
)
def test_a_mask_makes_no_twin_in_txt2img_either(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, object], networks: bool, needed: bool
) -> None:
    from t2c_ext.webui import run as module
    from t2c_ext.webui.options import read_options

    monkeypatch.setattr(module, "why_no_twin", lambda processing: "")
    run = module.Run(read_options([_given(twin=True) | more]))
    monkeypatch.setattr(run, "_has_network", lambda prompt: networks)
    assert run._lockstep(SimpleNamespace(prompts=["a river"])) == needed and run.notes == []


def test_the_picture_that_moves_is_chosen_only_where_one_is_given() -> None:
    from t2c_ext.webui.options import read_options

    names = [row.name for row in panel_rows(False)]
    assert "moves" not in names and "moves" in [row.name for row in panel_rows(True)]
    values = [row.default for row in panel_rows(False)]
    values[names.index("region")] = "river"
    assert read_options(values, is_img2img=False).recipe.region.region == "river"


@pytest.mark.parametrize(("kind", "played"), [("gif", 1), ("webp", 1), ("mp4", 0)])
def test_the_gallery_has_the_loops_that_it_plays(tmp_path: Path, kind: str, played: int) -> None:
    from t2c_ext.webui.script import add_to_gallery

    processing = _Processing(tmp_path)
    processed = _generate(processing, _given(format=kind, send="files"))
    assert len(processed.images) == 1, "a client of the API gets what it asked for"
    loop = Path(processed.extra_generation_params["Cinemagraph files"][0])
    panel = SimpleNamespace(show_twin=False)
    shot = SimpleNamespace(loop=loop, art=_picture(), natural=None, infotext="a river")
    run = SimpleNamespace(shots=[shot], options=SimpleNamespace(panel=panel, by_request=False))
    assert len(add_to_gallery(run, processed)) == played == len(processed.images) - 1
    assert not played or processed.images[-1].already_saved_as == str(loop)
