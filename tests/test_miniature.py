"""The built-in miniature model: from a sentence to a loop, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from t2c_ext.cli import main
from t2c_ext.demo import HOW, contact_sheet, run_demo
from t2c_ext.errors import UserError
from t2c_ext.evaluate.masks import intersection_over_union
from t2c_ext.jobs import Job
from t2c_ext.pipeline import Cinemagraph, Pipeline
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.twin import miniature
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Stage, Twin

SENTENCE = "a waterfall falling down, oil painting"
SEED = 5
FAST: dict[str, object] = {"steps": 10, "frames": 12, "seed": SEED}

needs_packages = pytest.mark.skipif(not miniature.can_draw(), reason="the packages that draw are not installed")


def seen_by_the_small_network(result: Cinemagraph, word: str) -> np.ndarray:
    """What the small mask network, which knows the drawn world, sees of a word in the picture itself."""
    if result.twin is None:
        raise AssertionError("there is no picture")
    recipe = Recipe().with_values({"prompt": word, "segmenter": "small"})
    found = Pipeline(Job(recipe, GivenTwin(Twin(result.twin.art)))).run(until=Stage.REGION).regions
    if found is None:
        raise AssertionError("there is no region")
    return found.mask


@needs_packages
def test_from_a_sentence_to_a_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What moves is what the sentence says, where it is, the way it says; nothing is fetched for it."""
    from t2c_ext import generate

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    result = generate(SENTENCE, tmp_path / "fall.mp4", **FAST)
    assert result.twin is not None and result.regions is not None and result.flow is not None
    assert result.twin.art.size == (256, 256) and result.twin.natural is not None
    assert miniature.SAYS in result.notes and (tmp_path / "fall.mp4").stat().st_size > 10_000
    fall = next(region.mask for region in result.regions.regions if region.name == "waterfall")
    moving = fall > 0.5
    assert 0.03 < moving.mean() < 0.7
    assert intersection_over_union(fall, seen_by_the_small_network(result, "waterfall")) >= 0.5
    mean = result.flow.field[moving].mean(0)
    assert mean[1] > 0 and abs(mean[0]) < mean[1], "it falls down"
    art, twin = result.twin.art.rgb, result.twin.natural.rgb
    assert np.abs(art - twin).mean() > 0.01, "the twin looks otherwise"
    assert contact_sheet(result).shape[1] % 256 == 0
    assert not (tmp_path / "hub").exists()


def test_a_recipe_without_a_model_gets_what_suits_the_miniature() -> None:
    plain = Recipe().with_some_model()
    assert plain.twin.model == miniature.NAME
    assert {name: plain.values()[name] for name in miniature.SETTINGS} == miniature.SETTINGS
    assert Recipe().with_values({"steps": 50}).with_some_model(["steps"]).twin.steps == 50
    assert Recipe().with_values({"steps": 33}).with_some_model().twin.steps == 33
    named = Recipe().with_values({"model": "other.safetensors"})
    assert named.with_some_model() == named


def test_words_that_it_does_not_know_are_told() -> None:
    assert miniature.unknown_words("a river flowing left below snowy mountains, oil painting") == []
    assert miniature.unknown_words("a dragon above the Castle, from the river") == ["dragon", "castle"]
    said = miniature.notes_about("a dragon near a river")
    assert said[0] == miniature.SAYS and "dragon" in said[1] and "river" not in said[1].split(".", maxsplit=1)[0]
    assert miniature.notes_about("a river") == [miniature.SAYS]


def test_the_demo_without_the_packages_says_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(miniature, "can_draw", lambda: False)
    monkeypatch.setattr("t2c_ext.demo._painting", lambda folder, _: (folder / "cinemagraph.mp4",))
    made = run_demo(tmp_path, Reporter())
    assert made.notes == (HOW,) and made.written == (tmp_path / "cinemagraph.mp4",)


def test_a_copy_without_the_model_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(miniature, "_FOLDER", tmp_path)
    assert not miniature.can_draw()
    with pytest.raises(UserError, match="no built-in model"):
        miniature.model_file()
    assert main(["generate", "a river flowing left", "-o", str(tmp_path / "river.mp4")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_the_page_begins_with_what_suits_the_miniature(tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from t2c_ext.ui.fields import page_fields
    from t2c_ext.ui.studio import Studio

    studio = Studio(tmp_path, miniature.NAME)
    rows = {row.name: row for row in page_fields(studio.makes_pictures, studio.sampling_rows, studio.defaults).sampling}
    assert {name: rows[name].default for name in miniature.SETTINGS} == miniature.SETTINGS
    assert Studio(tmp_path, "other.safetensors").defaults == {}
