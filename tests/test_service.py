"""Cinemagraphs by request."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from t2c_ext import animate
from t2c_ext.errors import Cancelled, UserError
from t2c_ext.progress import Reporter
from t2c_ext.service import Service, decode_picture, schema
from t2c_ext.settings import table
from t2c_ext.workspace import Workspace

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


def test_a_camera_passes_the_depth_of_a_request(service: Service, image: str, mask: str) -> None:
    ramp = np.tile(np.arange(SIDE, dtype=np.uint8), (SIDE, 1))
    given = SETTINGS | {"law": "push"}
    made = service.animate(image, mask, None, given, _encoded(ramp))
    kept = Workspace.open(service.workspace(made.id)).load_inputs().depth
    assert kept is not None and np.allclose(kept, ramp / (SIDE - 1), atol=1e-6)
    plain = service.animate(image, mask, None, given)
    assert not any("depth" in note for note in made.notes) and any("depth" in note for note in plain.notes)
    files = [service.file(one.id, one.loop).read_bytes() for one in (made, plain)]
    assert files[0] != files[1]
    again = service.run(made.id, "motion")
    assert not any("depth" in note for note in again.notes), "the workspace keeps it"


@pytest.mark.parametrize("depth", ["/etc/passwd", "bm9uZQ==", "depth.npy"])
def test_a_depth_is_no_place_on_the_server(service: Service, image: str, mask: str, depth: str) -> None:
    with pytest.raises(UserError, match="depth"):
        service.animate(image, mask, None, SETTINGS, depth)
    assert not list(service.folder.iterdir())


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


@pytest.mark.parametrize(("text", "message"), [("%%%", "not base64"), ("aGVsbG8=", "no picture"), ("", "empty")])
def test_what_is_no_picture_is_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        decode_picture(text, "image")


def test_a_picture_is_measured_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _encoded(np.zeros((9_000, 9_000), np.uint8))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda picture: pytest.fail("it was unpacked"))
    with pytest.raises(UserError, match="at most 80 megapixels"):
        decode_picture(bomb, "image")


def test_a_format_that_runs_a_program_of_the_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("PIL.EpsImagePlugin.EpsImageFile.load", lambda picture: pytest.fail("a program was run"))
    page = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n%%EndComments\nshowpage\n%%EOF\n"
    with pytest.raises(UserError, match="PostScript"):
        decode_picture(base64.b64encode(page).decode(), "image")


def test_a_damaged_picture_is_refused(image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(picture: Image.Image) -> None:
        raise SyntaxError("broken PNG file")  # as Pillow does

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    with pytest.raises(UserError, match="is damaged"):
        decode_picture(image, "image")


@pytest.mark.parametrize("more", [{"motion": ""}, {"hints": "x"}, {"format": "png"}])
def test_what_was_not_made_leaves_nothing(service: Service, image: str, more: dict[str, object]) -> None:
    with pytest.raises(UserError):
        service.animate(image, settings=SETTINGS | more)
    assert not list(service.folder.iterdir())


def test_a_loop_is_not_made_again_as_a_folder_of_frames(service: Service, image: str, mask: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)
    with pytest.raises(UserError, match="format is png"):
        service.run(made.id, None, {"format": "png"})


@pytest.mark.parametrize("name", ["recipe.json", "input/art.png"])
def test_no_sentence_names_a_folder_of_the_server(service: Service, image: str, mask: str, name: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)
    (service.workspace(made.id) / name).write_bytes(b"damaged")
    with pytest.raises(UserError, match=made.id) as refused:
        service.run(made.id, "region", {"frames": 9})
    assert str(service.folder) not in str(refused.value)


def test_whoever_watches_hears_and_may_stop_it(tmp_path: Path, image: str, mask: str) -> None:
    heard: list[str] = []
    watching = Reporter(lambda stage, done, total: heard.append(stage), lambda: "loop" in heard)
    with pytest.raises(Cancelled):
        Service(tmp_path, watch=lambda: watching).animate(image, mask, settings=SETTINGS)
    assert heard[-1] == "loop" and "motion" in heard and not list(tmp_path.iterdir())


def test_a_request_can_be_cancelled(service: Service, image: str, mask: str) -> None:
    reached = threading.Event()

    def cancel_at_the_loop(stage: str, done: int, total: int) -> None:
        if stage == "loop":
            assert service.progress() == {"running": True, "stage": stage, "done": done, "total": total}
            reached.set()
            service.cancel()

    service.watch = lambda: Reporter(cancel_at_the_loop)
    with pytest.raises(Cancelled):
        service.animate(image, mask, settings=SETTINGS)
    assert reached.is_set() and not service.progress()["running"]


def test_a_request_that_waits_for_its_turn_can_be_cancelled(tmp_path: Path, image: str, mask: str) -> None:
    def guard(work: Callable[[], None]) -> None:
        assert service.progress() == {"running": True, "stage": "", "done": 0, "total": 1}
        service.cancel()
        work()

    service = Service(tmp_path, guard=guard)
    with pytest.raises(Cancelled):
        service.animate(image, mask, settings=SETTINGS)
    assert not service.progress()["running"] and not list(tmp_path.iterdir())
    service.guard = lambda work: work()
    assert service.animate(image, mask, settings=SETTINGS).frames, "a cancel holds for those that were there"


def test_a_request_that_waits_is_answered_as_soon_as_it_is_cancelled(tmp_path: Path, image: str, mask: str) -> None:
    turn, ended = threading.Event(), threading.Event()

    def guard(work: Callable[[], None]) -> None:
        try:
            service.cancel()
            turn.wait(60)
            work()
        finally:
            ended.set()

    service = Service(tmp_path, guard=guard)
    with pytest.raises(Cancelled):
        service.animate(image, mask, settings=SETTINGS)
    assert not ended.is_set() and not service.progress()["running"] and not list(tmp_path.iterdir())
    turn.set()
    assert ended.wait(60) and not list(tmp_path.iterdir()), "its turn comes, and does nothing"


def test_a_request_that_waits_finds_what_the_one_before_it_left(service: Service, image: str, mask: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)

    def guard(work: Callable[[], None]) -> None:
        service.guard = lambda other: other()
        service.run(made.id, None, {"fps": 12})
        work()

    service.guard = guard
    service.run(made.id, "loop", {"frames": 9})
    recipe = Workspace.open(service.workspace(made.id)).load_recipe()
    assert (recipe.loop.fps, recipe.loop.frames) == (12, 9)


def test_a_request_that_is_cancelled_before_its_turn_forgets_nothing(service: Service, image: str, mask: str) -> None:
    made = service.animate(image, mask, settings=SETTINGS)

    def guard(work: Callable[[], None]) -> None:
        service.cancel()
        work()

    service.guard = guard
    with pytest.raises(Cancelled):
        service.run(made.id, "region", {"frames": 9})
    assert service.file(made.id, made.loop).exists()


def test_two_requests_do_not_run_at_once(service: Service, image: str, mask: str) -> None:
    with service._alone(), pytest.raises(UserError, match="another cinemagraph"):
        service.animate(image, mask, settings=SETTINGS)


def test_the_schema_is_the_table() -> None:
    assert [row["name"] for row in schema()] == [row.name for row in table()]


@pytest.mark.parametrize(
    "more",
    [
        {"image": None},
        {"image": 5},
        {"mask": ["x"]},
        {"mask": {"a": None}},
        {"mask": {5: ""}},
        {"natural": 1},
        {"settings": [1]},
        {"settings": "s"},
    ],
)
def test_a_request_of_other_types_is_refused_in_one_line(
    service: Service, image: str, mask: str, more: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match=r"^[^\n]+$"):
        service.animate(**{"image": image, "mask": mask, **more})
    with pytest.raises(UserError, match="no cinemagraph"):
        service.run(5)  # type: ignore[arg-type]
    assert not any(path.is_dir() for path in service.folder.glob("*"))


def test_base64_may_be_broken_into_lines(image: str) -> None:
    lines = "\n".join(image[at : at + 76] for at in range(0, len(image), 76))
    np.testing.assert_array_equal(decode_picture(lines, "image").rgb, decode_picture(image, "image").rgb)


@pytest.mark.parametrize("more", [{"recipe": "{}"}, {"recipe": {}}, {"mask": {5: "mask.png"}}])
def test_the_api_names_what_is_of_another_type(more: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"Recipe|name must be a text"):
        animate(np.zeros((16, 16, 3), np.uint8), **more)
