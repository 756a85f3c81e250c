"""The page's list of models: what each brings, and getting one with progress, stop and a sentence at the end."""

from __future__ import annotations

import threading
from html import escape
from pathlib import Path
from typing import Any

import pytest

from t2c_ext.errors import UserError
from t2c_ext.ui import models as module
from t2c_ext.ui.models import Models
from t2c_ext.weights.catalogue import catalogue
from t2c_ext.weights.find import require_model
from t2c_ext.wording import PAGE, say

NAME = "oneformer-ade"


@pytest.fixture
def going(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Nothing is fetched; a download ends when this is set."""
    event = threading.Event()

    def download(names: list[str], reporter: Any) -> None:
        while not event.wait(0.02):
            reporter.step(names[0], 40_000_000, 200_000_000)

    monkeypatch.setattr(module, "download_models", download)
    monkeypatch.setattr(module, "POLL", 0.05)
    return event


def test_every_model_says_what_it_brings() -> None:
    html = Models().html()
    for model in catalogue():
        assert f"<b>{model.name}</b>" in html and escape(model.purpose) in html
    assert f'data-t2c-model="{NAME}"' in html


def test_a_download_tells_how_far_it_is_and_ends_with_a_sentence(going: threading.Event) -> None:
    models = Models()
    views = models.get(NAME)
    shown = next(view for view in views if "40 of 200 MB" in view)
    assert "width:20%" in shown and "data-t2c-stop" in shown
    assert "is being downloaded" in next(models.get("clipseg")), "one after the other"
    going.set()
    assert f"{NAME} is here" in list(views)[-1]


def test_a_download_is_stopped(going: threading.Event) -> None:
    models = Models()
    views = models.get(NAME)
    next(views)
    models.stop()
    last = list(views)[-1]
    assert "was stopped" in last and "data-t2c-stop" not in last and f'data-t2c-model="{NAME}"' in last


def test_what_went_wrong_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(names: list[str], reporter: Any) -> None:
        raise UserError("could not download <it>")

    monkeypatch.setattr(module, "download_models", fail)
    assert "could not download &lt;it&gt;" in list(Models().get(NAME))[-1].lower()


def test_advice_on_a_page_names_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.weights.places.user_folder", lambda: tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError) as missing:
        require_model("clipseg")
    assert say(missing.value, PAGE) == (
        'the model clipseg is not here; get clipseg in the list "Models" of the Cinemagraph page'
    )


def test_where_others_reach_the_page_nothing_is_downloaded(going: threading.Event) -> None:
    models = Models(gets=False)
    assert "data-t2c-model" not in models.html() and "nothing is downloaded" in models.html()
    assert [view.count("data-t2c-stop") for view in models.get(NAME)] == [0]
