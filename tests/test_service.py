"""Cinemagraphs by request."""

from __future__ import annotations

import base64
import io
import threading
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.service import Service, decode_picture, schema
from t2c_ext.settings import table

SIDE = 64
SETTINGS = {"motion": "river flowing left", "frames": 6}


def _encoded(levels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def image() -> str:
    return _encoded(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8))


@pytest.fixture
def mask() -> str:
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[SIDE // 2 :] = 255
    return _encoded(levels)


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path)


def test_a_request_gives_a_loop_that_plays(service: Service, image: str, mask: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)
    with av.open(str(service.file(made.id, made.loop))) as video:
        assert sum(1 for _ in video.decode(video=0)) == made.frames == 6
    assert service.file(made.id, made.poster).exists()


def test_a_stage_runs_again_with_other_settings(service: Service, image: str, mask: str) -> None:
    made = service.animate("data:image/png;base64," + image, mask, settings=SETTINGS)
    again = service.run(made.id, "loop", {"frames": 9})
    assert again.id == made.id and again.frames == 9


@pytest.mark.parametrize("name", ["../recipe.json", "recipe.json", "input", "..", "/etc/passwd", "loop.mp4/.."])
def test_no_other_file_is_given_out(service: Service, image: str, mask: str, name: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)
    with pytest.raises(UserError, match="has no file"):
        service.file(made.id, name)


@pytest.mark.parametrize("id", ["", "..", "0123456789abcdef", "../../etc"])
def test_an_unknown_cinemagraph_is_refused(service: Service, id: str) -> None:
    with pytest.raises(UserError, match="there is no cinemagraph"):
        service.run(id)


@pytest.mark.parametrize("name", ["model", "lora_folder", "embeddings_folder"])
def test_a_request_names_no_place_on_the_server(service: Service, image: str, mask: str, name: str) -> None:
    with pytest.raises(UserError, match=name):
        service.animate(image, mask, settings={name: "/secret"})
    assert not list(service.folder.iterdir())


@pytest.mark.parametrize(("text", "message"), [("%%%", "not base64"), ("aGVsbG8=", "no picture"), ("", "no picture")])
def test_what_is_no_picture_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        decode_picture(text, "image")


def test_a_request_can_be_cancelled(service: Service, image: str, mask: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reached = threading.Event()
    report = Service._report

    def report_and_cancel(self: Service, stage: str, done: int, total: int) -> None:
        report(self, stage, done, total)
        if stage == "loop":
            assert self.progress()["running"]
            reached.set()
            self.cancel()

    monkeypatch.setattr(Service, "_report", report_and_cancel)
    with pytest.raises(Cancelled):
        service.animate(image, mask, settings=SETTINGS)
    assert reached.is_set() and not service.progress()["running"]


def test_two_requests_do_not_run_at_once(service: Service, image: str, mask: str) -> None:
    with service._alone(), pytest.raises(UserError, match="another cinemagraph"):
        service.animate(image, mask, settings=SETTINGS)


def test_the_schema_is_the_table() -> None:
    assert [row["name"] for row in schema()] == [row.name for row in table()]
