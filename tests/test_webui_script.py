"""The panel's script in a small host: from its arguments to loops, notes and generation parameters."""

from __future__ import annotations

import base64
import io
import sys
from collections.abc import Iterator
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
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The small host's `modules`, and what of ours derives from them, fresh."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fake_host"))
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "modules" or name == "t2c_ext.webui.script"]:
        del sys.modules[name]


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
    """A generation of one batch without a model: the twin is turned off."""

    def __init__(self, folder: Path, count: int = 1) -> None:
        self.outpath_samples = str(folder)
        self.n_iter, self.batch_size = 1, count
        self.prompts, self.seeds = ["a river, ink"] * count, list(range(count))
        self.extra_generation_params: dict[str, Any] = {}
        self.comments: list[str] = []

    def comment(self, text: str) -> None:
        self.comments.append(text)

    def sample(self) -> None:
        """Nothing is sampled."""


def _generate(processing: Any, given: dict[str, object], before_loops: Any = None) -> Any:
    """What the host does with a script, in its order."""
    from t2c_ext.webui.script import CinemagraphScript

    script, picture = CinemagraphScript(), _picture()
    script.process(processing, given)
    script.process_batch(processing, given, batch_number=0)
    processing.sample()
    for place in range(len(processing.prompts)):
        processing.batch_index = place
        script.postprocess_image_after_composite(processing, SimpleNamespace(image=picture), given)
    processed = SimpleNamespace(
        images=[picture],
        infotexts=[f"a river\nSteps: {place + 1}" for place in range(len(processing.prompts))],
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
    ("more", "words"), [({"frames": 0}, "frames is 0"), ({"send": "mail"}, "send is"), ({"model": "/secret"}, "server")]
)
def test_what_is_wrong_is_said_and_the_picture_comes(tmp_path: Path, more: dict[str, object], words: str) -> None:
    processing = _Processing(tmp_path)
    found = _generate(processing, _given(**more)).extra_generation_params
    assert words in found["Cinemagraph error"] and words in processing.comments[0] and not list(tmp_path.iterdir())


def test_a_loop_that_cannot_be_made_is_said_and_leaves_no_file(tmp_path: Path) -> None:
    processed = _generate(_Processing(tmp_path), _given(mask=_encoded(Image.new("L", (SIZE, SIZE)))))
    assert "mask is empty" in processed.extra_generation_params["Cinemagraph notes"][0]
    assert "mask is empty" in processed.comments and not list(tmp_path.iterdir())


def test_an_unexpected_error_is_said_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.webui import loops

    def fail(*arguments: Any) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(loops, "make_loop", fail)
    found = _generate(_Processing(tmp_path), _given()).extra_generation_params
    assert "ZeroDivisionError: a bug" in found["Cinemagraph notes"][0] and not list(tmp_path.iterdir())


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


def test_an_axis_takes_the_place_of_the_panels_value(tmp_path: Path) -> None:
    from modules import scripts

    from t2c_ext.webui.axes import add_axes

    add_axes()
    add_axes()
    labels = [option.label for option in scripts.plot.axis_options]
    assert len(labels) == len(set(labels)) == len(panel_rows()) - 1
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
    second = _cell(base, "frames", 6, _given(mask=_encoded(Image.new("L", (SIZE, SIZE)))))
    name = Path(first.extra_generation_params["Cinemagraph files"][0]).name
    assert first.infotexts == [f'a river\nSteps: 1, Cinemagraph file: "{name}"']
    assert "Cinemagraph notes: " in second.infotexts[0] and "mask is empty" in second.infotexts[0]
    assert "Cinemagraph: the mask is empty" in capsys.readouterr().out


def test_a_grid_tells_of_its_first_picture(tmp_path: Path) -> None:
    from t2c_ext.webui.loops import Shot
    from t2c_ext.webui.options import read_options
    from t2c_ext.webui.run import Run
    from t2c_ext.webui.script import tell_of_loops

    shots = [Shot(None, "", 0, number, loop=tmp_path / f"{number}.mp4") for number in range(2)]
    processed = SimpleNamespace(infotexts=["grid", "first", "second", "a twin"], index_of_first_image=1)
    tell_of_loops(Run(read_options([_given()]), shots=shots), processed)
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
