"""A workspace that is opened in the page: everything is there, and each stage runs on from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.jobs import Job, make_job
from t2c_ext.pipeline import run_job
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import RegionNotFound
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Attention, Picture, Stage, Twin
from t2c_ext.ui import page
from t2c_ext.ui.handlers import Handlers, View
from t2c_ext.ui.studio import Studio

HEIGHT, WIDTH, ID = 48, 64, "ab" * 16
VALUES = {"prompt": "a river, ink", "motion": "river flowing left", "frames": 6, "format": "gif", "perspective": 0.25}
STAGES = [Stage.TWIN, Stage.REGION, Stage.MOTION, Stage.LOOP]


def _picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH, 3), np.float32)


def _rows() -> np.ndarray:
    """What each of 24 places looked at; each row sums to 1."""
    rows = np.random.default_rng(2).random((24, 24), np.float32)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


def _mask() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[HEIGHT // 2 :] = 1
    return mask


@pytest.fixture
def handlers(tmp_path: Path) -> Handlers:
    return Handlers(Studio(tmp_path, lists=True), page.addresses("file="))


def _made_elsewhere(folder: Path, given: bool) -> None:
    """A workspace as a host's panel leaves it: its pictures were sampled there, or one was given and has a twin."""
    art = Picture(np.float32(np.rint(_picture(0) * 255) / 255), infotext="a river, ink\nSteps: 4, Seed: 7, Size: 64x48")
    natural = Picture(np.float32(np.rint(_picture(1) * 255) / 255))
    twin = Twin(art, natural, Attention((4, 6), _rows()))
    job = make_job(Recipe().with_values(VALUES), masks=_mask(), source=GivenTwin(twin))
    run_job(Job(job.recipe, job.source, job.regions, painting=art if given else None), folder)


def _end(views: Iterator[View]) -> View:
    *_, last = views
    return last


@pytest.mark.parametrize("given", [False, True])
def test_all_of_it_is_there(handlers: Handlers, tmp_path: Path, given: bool) -> None:
    _made_elsewhere(tmp_path / ID, given)
    view, opened = handlers.open("", ID)
    assert opened is not None and view.id == ID and view.begun
    assert {name: opened.values[name] for name in VALUES} == VALUES
    assert (opened.picture is not None) == given and opened.mask is not None
    session = handlers.studio.sessions[ID]
    assert set(session.shown) == set(STAGES) and all(shown.pictures for shown in session.shown.values())
    assert "Twin" in session.shown[Stage.TWIN].pictures and session.loop is not None
    assert handlers.studio.out_of_date(ID, opened.values) == ()
    # what Gradio does with what is put into the page's places for pictures
    picture = Image.open(opened.picture) if opened.picture else None
    assert handlers.studio.register(ID, picture, Image.open(opened.mask)) == ID
    assert handlers.studio.sessions[ID] is session and session.beside.mask is session.run_beside.mask
    assert handlers.studio.out_of_date(ID, opened.values) == ()


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize("start", [Stage.REGION, Stage.MOTION, Stage.LOOP])
def test_each_stage_runs_on_and_the_twin_stays(handlers: Handlers, tmp_path: Path, start: Stage, given: bool) -> None:
    folder = tmp_path / ID
    _made_elsewhere(folder, given)
    kept = {name: (folder / name).read_bytes() for name in ("art.png", "natural.png", "attention.npz")}
    _, opened = handlers.open("", ID)
    assert opened is not None
    view = _end(handlers.run(ID, {**opened.values, "frames": 8}, start))
    assert view.begun and handlers.studio.sessions[ID].task.finished
    assert {name: (folder / name).read_bytes() for name in kept} == kept
    with Image.open(folder / "loop.gif") as loop:
        assert loop.n_frames == 8
    assert (folder / "input" / "art.png").exists() == given


def test_one_that_was_stopped_early_goes_on(handlers: Handlers, tmp_path: Path) -> None:
    _made_elsewhere(tmp_path / ID, False)
    for name in ("flow.npz", "loop.gif", "mask.png"):
        (tmp_path / ID / name).unlink()
    view, opened = handlers.open("", ID)
    assert opened is not None and view.begun and opened.results.regions is None
    assert _end(handlers.animate(ID, opened.values)).begun and (tmp_path / ID / "loop.gif").exists()


@pytest.mark.parametrize("id", ["", "../" + ID, ID, "x" * 32])
def test_what_is_not_there_is_said(handlers: Handlers, id: str) -> None:
    view, opened = handlers.open("", id)
    assert opened is None and "not there any more" in str(view.status)
    with pytest.raises(UserError):
        handlers.studio.open("", id)


def test_where_nothing_was_found_the_regions_are_offered_again(handlers: Handlers, tmp_path: Path) -> None:
    art = Picture(np.float32(np.rint(_picture(0) * 255) / 255))
    with pytest.raises(RegionNotFound) as error:
        run_job(make_job(Recipe().with_values(VALUES | {"region": "unicorn"}), picture=art), tmp_path / ID)
    names = tuple(region.name for region in error.value.candidates)
    view, opened = handlers.open("", ID)
    assert opened is not None and view.names == names and str(view.choices).count("<img") == len(names) > 0
    assert _end(handlers.choose(ID, names[:1], opened.values)).begun and (tmp_path / ID / "loop.gif").exists()


def test_what_was_opened_can_be_opened_again_and_deleted(handlers: Handlers, tmp_path: Path) -> None:
    """As after a reload: the page that had it open is gone, but nobody has told."""
    _made_elsewhere(tmp_path / ID, False)
    for _ in range(2):
        view, opened = handlers.open("", ID)
        assert opened is not None and view.id == ID
    handlers.studio.delete(ID)
    assert not (tmp_path / ID).exists()
