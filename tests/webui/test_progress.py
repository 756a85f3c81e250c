"""Progress, previews and the host's records while a pair is sampled and its loop is made."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from PIL import Image

from webui.requests import SIDE, Answer, ask, decoded, panel, txt2img
from webui.server import Server

SMALL = SIDE // 8
"""A preview's side: without the weights of the host's preview decoders it shows the latent."""


def _watched(server: Server, request: dict[str, Any], look: Callable[[], Any]) -> tuple[Answer, list[Any]]:
    """A request's answer, and what was seen all the while."""
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(ask(server, request)))
    thread.start()
    seen = []
    while thread.is_alive():
        seen.append(look())
        time.sleep(0.05)
    return answers[0], seen


def _previews(server: Server, **values: Any) -> list[Image.Image]:
    request = txt2img(steps=16, alwayson_scripts=panel(frames=120, **values))
    _, seen = _watched(server, request, lambda: server.get("/sdapi/v1/progress"))
    return [decoded(found["current_image"]) for found in seen if found["current_image"]]


def test_previews_show_the_picture_alone(server: Server) -> None:
    previews = _previews(server)
    assert len(previews) > 1 and {picture.size for picture in previews} == {(SMALL, SMALL)}


def test_previews_show_the_twin_too_where_asked(server: Server) -> None:
    sizes = {picture.size for picture in _previews(server, show_twin=True)}
    assert sizes == {(2 * SMALL, SMALL)}


def test_progress_grows_over_the_pictures_and_the_frames(server: Server) -> None:
    request = txt2img(batch_size=2, alwayson_scripts=panel(frames=120))
    _, seen = _watched(server, request, lambda: server.get("/sdapi/v1/progress"))
    running = [found for found in seen if found["state"]["job_count"] > 0]
    assert {found["state"]["job_count"] for found in running} <= {1, 2}  # one batch, then two loops
    loops = [found["progress"] for found in running if found["state"]["job_count"] == 2]
    assert loops == sorted(loops) and loops[0] < 0.5 < loops[-1]
    texts = {found["textinfo"] for found in running} - {None}
    assert any(text.startswith("Cinemagraph 1 of 2: loop ") and text.endswith("/120") for text in texts)
    assert any(text.startswith("Cinemagraph 2 of 2: loop ") for text in texts)
