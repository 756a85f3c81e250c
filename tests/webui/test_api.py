"""The extension's own routes in the real WebUI, and its script by the host's API."""

from __future__ import annotations

import base64
import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from webui.conftest import assert_no_trace, fresh_state
from webui.requests import FRAMES, SIDE, ask, decoded, encoded, lower_half, panel, txt2img
from webui.server import Host, RequestError, Server, running


def _request(**more: Any) -> dict[str, Any]:
    levels = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    settings = {"motion": "river flowing left", "frames": FRAMES}
    return {"image": encoded(Image.fromarray(levels)), "mask": encoded(lower_half()), "settings": settings} | more


def _frames(data: bytes) -> int:
    with av.open(io.BytesIO(data)) as video:
        return sum(1 for _ in video.decode(video=0))


def test_a_picture_is_animated_and_a_stage_runs_again(server: Server) -> None:
    made = server.post("/t2c/v1/animate", _request(send="both"))
    assert _frames(base64.b64decode(made["video"])) == FRAMES and decoded(made["still"]).size == (SIDE, SIDE)
    again = server.post("/t2c/v1/run", {"id": made["id"], "from": "motion", "settings": {"frames": 6, "speed": 2}})
    assert again["id"] == made["id"] and _frames(server.get(again["loop"])) == 6


def test_errors_are_typed(server: Server) -> None:
    for body, status, word in (
        (_request(image="%%%"), 422, "refused"),
        (_request(settings={"model": "/etc/passwd"}), 422, "refused"),
        (_request(mask=None, settings={}), 422, "refused"),
    ):
        with pytest.raises(RequestError) as refused:
            server.post("/t2c/v1/animate", body)
        assert (refused.value.status, refused.value.body["error"]) == (status, word)
        assert "--" not in refused.value.body["detail"]
    with pytest.raises(RequestError) as missing:
        server.post("/t2c/v1/run", {"id": "0123456789abcdef"})
    assert (missing.value.status, missing.value.body["error"]) == (404, "not found")
    for path in ("..%2f..%2fconfig.json", "%2e%2e/config.json", "..%5cconfig.json"):
        with pytest.raises(RequestError) as outside:
            server.get(f"/t2c/v1/files/0123456789abcdef/{path}")
        assert outside.value.status == 404


@pytest.mark.parametrize(
    ("route", "body", "words"),
    [
        ("animate", {"settings": {}}, "image is missing"),
        ("run", {}, "id is missing"),
        ("animate", _request(settings=[1]), "settings is of the wrong kind"),
        ("animate", _request(mask=["x"]), "mask is of the wrong kind"),
        ("animate", _request(settings={"motion": "\ud800"}), "motion is"),
        ("animate", b'{"image": ', "not JSON"),
    ],
)
def test_what_cannot_be_read_is_refused_in_the_same_shape(server: Server, route: str, body: Any, words: str) -> None:
    with pytest.raises(RequestError) as refused:
        server.post(f"/t2c/v1/{route}", body)
    assert refused.value.status == 422 and set(refused.value.body) == {"error", "detail"}
    assert refused.value.body["error"] == "refused" and words in refused.value.body["detail"]
    with pytest.raises(RequestError) as the_hosts:
        server.post("/sdapi/v1/png-info", {})
    assert "error" not in the_hosts.value.body, "the host's own routes keep their shape"


@pytest.mark.parametrize("stop", ["/t2c/v1/cancel", "/sdapi/v1/interrupt"])
def test_a_request_is_watched_and_cancelled_by_another(server: Server, stop: str) -> None:
    errors: list[RequestError] = []

    def animate() -> None:
        with pytest.raises(RequestError) as stopped:
            server.post("/t2c/v1/animate", _request(settings={"motion": "river flowing left", "frames": 900}))
        errors.append(stopped.value)

    thread = threading.Thread(target=animate)
    thread.start()
    end = time.monotonic() + 60
    while time.monotonic() < end and server.get("/t2c/v1/progress")["stage"] != "loop":
        time.sleep(0.05)
    found = server.get("/t2c/v1/progress")
    bar = server.get("/sdapi/v1/progress")
    server.post(stop)
    thread.join(60)
    assert bar["state"]["job"] == "cinemagraph" and 0.4 < bar["progress"] < 1
    assert bar["textinfo"].startswith("Cinemagraph: loop ")
    assert found["running"] and found["stage"] == "loop" and found["total"] == 900
    assert errors[0].status == 409 and errors[0].body["error"] == "cancelled"


@pytest.mark.parametrize(
    ("send", "parts"), [("video", {"videos"}), ("still", {"stills"}), ("both", {"videos", "stills"})]
)
def test_the_script_sends_files_as_base64_where_asked(server: Server, send: str, parts: set[str]) -> None:
    found = ask(server, txt2img(batch_size=2, alwayson_scripts=panel(twin=False, send=send))).info[
        "extra_generation_params"
    ]
    assert {name.removeprefix("Cinemagraph ") for name in found if name.endswith(("videos", "stills"))} == parts
    if "videos" in parts:
        assert [_frames(base64.b64decode(text)) for text in found["Cinemagraph videos"]] == [FRAMES, FRAMES]
    if "stills" in parts:
        assert [decoded(text).size for text in found["Cinemagraph stills"]] == [(SIDE, SIDE)] * 2


def test_the_script_is_described_to_clients(server: Server) -> None:
    described = [row for row in server.get("/sdapi/v1/script-info") if row["name"] == "cinemagraph"]
    assert {row["is_img2img"] for row in described} == {True, False}
    assert all(row["is_alwayson"] for row in described)
    assert {row["name"] for row in server.get("/t2c/v1/settings")["settings"]} > {"frames", "motion", "region"}
    assert server.get("/t2c/v1/models")["models"]


@pytest.fixture(scope="module")
def guarded(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(host, tmp_path_factory.mktemp("guarded"), credentials="anna:secret") as server:
        yield server


def test_the_host_s_credentials_are_asked_for(guarded: Server) -> None:
    fresh = fresh_state(guarded)
    made = guarded.post("/t2c/v1/animate", _request())
    assert made["frames"] == FRAMES
    assert_no_trace(guarded, fresh)
    stranger = Server(guarded.url, guarded.data, guarded.log, guarded.process, guarded.kind, "anna:wrong")
    for ask_for in (
        lambda: stranger.post("/t2c/v1/animate", _request()),
        lambda: stranger.get(made["loop"]),
        lambda: stranger.get("/t2c/v1/settings"),
        lambda: stranger.get("/t2c/v1/progress"),
        lambda: stranger.post("/t2c/v1/cancel"),
    ):
        with pytest.raises(RequestError) as refused:
            ask_for()
        assert refused.value.status == 401
