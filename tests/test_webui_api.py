"""The routes of the WebUI's API: what they take, refuse and give out."""

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
from asgi import call
from PIL import Image

pytest.importorskip("fastapi")

from fastapi import Body, FastAPI

from t2c_ext.progress import Reporter
from t2c_ext.service import Service
from t2c_ext.settings import table
from t2c_ext.webui.api import ROOT, add_routes

SIDE, FRAMES = 64, 6


def _encoded(levels: np.ndarray) -> str:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture
def request_() -> dict[str, Any]:
    levels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[SIDE // 2 :] = 255
    settings = {"motion": "river flowing left", "frames": FRAMES}
    return {"image": _encoded(levels), "mask": _encoded(mask), "settings": settings}


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return Service(tmp_path / "cinemagraphs")


@pytest.fixture
def app(service: Service) -> FastAPI:
    found = FastAPI()
    add_routes(found, service)
    return found


def _frames(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as video:
        return sum(1 for _ in video.decode(video=0))


def test_a_picture_is_animated_and_its_files_are_given_out(app: FastAPI, request_: dict[str, Any]) -> None:
    status, made = call(app, "POST", f"{ROOT}/animate", request_)
    assert status == 200 and made["frames"] == FRAMES and "video" not in made
    status, loop = call(app, "GET", made["loop"])
    assert status == 200 and _frames(loop) == FRAMES
    status, poster = call(app, "GET", made["poster"])
    assert status == 200 and Image.open(io.BytesIO(poster)).size == (SIDE, SIDE)


@pytest.mark.parametrize(("send", "parts"), [("video", {"video"}), ("still", {"still"}), ("both", {"video", "still"})])
def test_files_come_as_base64_where_asked(app: FastAPI, request_: dict[str, Any], send: str, parts: set[str]) -> None:
    status, made = call(app, "POST", f"{ROOT}/animate", request_ | {"send": send})
    assert status == 200 and {"video", "still"} & set(made) == parts
    if "video" in parts:
        assert _frames(base64.b64decode(made["video"])) == FRAMES
    if "still" in parts:
        assert Image.open(io.BytesIO(base64.b64decode(made["still"]))).size == (SIDE, SIDE)


def test_a_stage_runs_again(app: FastAPI, request_: dict[str, Any]) -> None:
    _, made = call(app, "POST", f"{ROOT}/animate", request_)
    status, again = call(app, "POST", f"{ROOT}/run", {"id": made["id"], "from": "loop", "settings": {"frames": 9}})
    assert status == 200 and again["id"] == made["id"] and again["frames"] == 9


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "no base64": ({"image": "%%%"}, 422, "image is not base64"),
    "no picture": ({"image": "aGVsbG8="}, 422, "image is no picture"),
    "unknown setting": ({"settings": {"frmaes": 3}}, 422, "frmaes"),
    "out of range": ({"settings": {"frames": 0}}, 422, "frames is 0"),
    "a place": ({"settings": {"model": "/etc/passwd"}}, 422, "place on the server"),
    "another place": ({"settings": {"lora_folder": "/etc"}}, 422, "place on the server"),
    "a file of hints": ({"settings": {"hints": "/etc/passwd"}}, 422, "hints"),
    "a folder of frames": ({"settings": {"format": "png"}}, 422, "apng keeps every frame"),
    "another way": ({"send": "mail"}, 422, "send is 'mail'"),
    "nothing moves": ({"mask": None, "settings": {}}, 422, "(motion)"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_said(app: FastAPI, service: Service, request_: dict[str, Any], case: str) -> None:
    more, expected, words = WRONG[case]
    status, refused = call(app, "POST", f"{ROOT}/animate", request_ | more)
    assert status == expected and refused["error"] == "refused"
    assert words in refused["detail"].lower() or words in refused["detail"]
    assert "--" not in refused["detail"] and "/" not in refused["detail"].replace("/etc/passwd", "")


def test_work_goes_through_the_host_s_guard(service: Service, request_: dict[str, Any]) -> None:
    app, turns = FastAPI(), []

    def guard(work: Callable[[], None]) -> None:
        turns.append("begun")
        try:
            work()
        finally:
            turns.append("ended")

    service.guard = guard
    add_routes(app, service)
    _, made = call(app, "POST", f"{ROOT}/animate", request_)
    assert turns == ["begun", "ended"]
    assert call(app, "POST", f"{ROOT}/run", {"id": made["id"], "settings": {"frames": 0}})[0] == 422
    assert turns == ["begun", "ended"], "what is refused at once takes no turn"
    assert call(app, "POST", f"{ROOT}/run", {"id": made["id"], "from": "loop"})[0] == 200
    assert turns == 2 * ["begun", "ended"]


HALF = "\ud800"
"""Half a character, which JSON can hold and no file."""

UNREADABLE: dict[str, tuple[str, Any, str]] = {
    "no picture": ("animate", {"settings": {}}, "image is missing"),
    "no id": ("run", {"settings": {}}, "id is missing"),
    "a list of settings": ("animate", {"settings": [1]}, "settings is of the wrong kind"),
    "a list of masks": ("animate", {"mask": ["x"]}, "mask is of the wrong kind"),
    "no body": ("animate", None, "missing"),
    "a text": ("animate", "text", "missing"),
    "broken JSON": ("animate", b'{"image": ', "not JSON"),
    "no text at all": ("animate", b"\xff\xfe", "JSON"),
    "half a character": ("animate", {"settings": {"motion": HALF}}, "motion is"),
    "a mask so named": ("animate", {"mask": {HALF: "x"}}, "half a character"),
    "a way so named": ("animate", {"send": HALF}, "send is"),
    "an id so named": ("run", {"id": HALF}, "no cinemagraph"),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_every_refusal_has_the_same_shape(app: FastAPI, request_: dict[str, Any], case: str) -> None:
    route, body, words = UNREADABLE[case]
    if route == "animate" and isinstance(body, dict) and case != "no picture":
        body = request_ | body
    if case == "a mask so named":
        body["mask"] = {HALF: request_["mask"]}
    status, refused = call(app, "POST", f"{ROOT}/{route}", body)
    assert status == (404 if case == "an id so named" else 422) and set(refused) == {"error", "detail"}
    assert refused["error"] in ("refused", "not found") and words in refused["detail"], refused


def test_the_host_s_own_routes_keep_their_shape(app: FastAPI) -> None:
    @app.post("/of/the/host")
    def own(image: str = Body(..., embed=True)) -> str:
        return image

    status, refused = call(app, "POST", "/of/the/host", {})
    assert status == 422 and "error" not in refused


@pytest.mark.parametrize("id", ["0123456789abcdef", "nothing"])
def test_what_is_not_there_is_not_found(app: FastAPI, id: str) -> None:
    for found in (call(app, "POST", f"{ROOT}/run", {"id": id}), call(app, "GET", f"{ROOT}/files/{id}/loop.mp4")):
        assert found[0] == 404 and found[1]["error"] == "not found"


@pytest.mark.parametrize("name", ["recipe.json", "workspace.json", "..%2Frecipe.json", "%2e%2e", "loop.exe"])
def test_no_other_file_is_given_out(app: FastAPI, request_: dict[str, Any], name: str) -> None:
    _, made = call(app, "POST", f"{ROOT}/animate", request_)
    assert call(app, "GET", f"{ROOT}/files/{made['id']}/{name}")[0] == 404


def test_an_answer_is_deleted(app: FastAPI, service: Service, request_: dict[str, Any]) -> None:
    _, made = call(app, "POST", f"{ROOT}/animate", request_)
    assert call(app, "DELETE", f"{ROOT}/files/{made['id']}") == (200, {})
    assert not (service.folder / made["id"]).exists()
    for id in (made["id"], "nothing"):
        status, refused = call(app, "DELETE", f"{ROOT}/files/{id}")
        assert status == 404 and refused["error"] == "not found"


def test_progress_and_cancel_while_another_request_runs(
    app: FastAPI, service: Service, request_: dict[str, Any]
) -> None:
    seen: list[Any] = []

    def ask(stage: str, done: int, total: int) -> None:
        if stage == "loop" and done == 2:
            found: list[Any] = []
            other = threading.Thread(target=lambda: found.append(call(app, "GET", f"{ROOT}/progress")))
            other.start()
            other.join(20)
            seen.append(found[0])
            call_cancel = threading.Thread(target=lambda: call(app, "POST", f"{ROOT}/cancel"))
            call_cancel.start()
            call_cancel.join(20)

    service.watch = lambda: Reporter(ask)
    status, refused = call(app, "POST", f"{ROOT}/animate", request_)
    assert (status, refused["error"]) == (409, "cancelled")
    assert seen == [(200, {"running": True, "stage": "loop", "done": 2, "total": FRAMES})]
    assert call(app, "GET", f"{ROOT}/progress")[1]["running"] is False


def test_the_settings_and_models_are_listed(app: FastAPI) -> None:
    _, found = call(app, "GET", f"{ROOT}/settings")
    assert [row["name"] for row in found["settings"]] == [row.name for row in table()]
    status, models = call(app, "GET", f"{ROOT}/models")
    assert (
        status == 200 and models["models"] and all(set(row) == {"name", "purpose", "here"} for row in models["models"])
    )


ROUTES = [("POST", "animate"), ("POST", "run"), ("GET", "settings"), ("GET", "models"), ("GET", "progress")]
ROUTES += [("POST", "cancel"), ("GET", "files/0123456789abcdef/loop.mp4"), ("DELETE", "files/0123456789abcdef")]


def test_every_route_asks_for_the_host_s_credentials(service: Service) -> None:
    app = FastAPI()
    add_routes(app, service, "anna:secret,berta:other")
    paths = {route.path for route in app.routes if getattr(route, "path", "").startswith(ROOT)}
    assert len(paths) == len(ROUTES)
    for method, path in ROUTES:
        body = {"image": "", "id": ""} if method == "POST" else None
        for wrong in ("", "anna:other", "carla:secret", "anna:"):
            assert call(app, method, f"{ROOT}/{path}", body, wrong)[0] == 401
        for right in ("anna:secret", "berta:other"):
            assert call(app, method, f"{ROOT}/{path}", body, right)[0] != 401
