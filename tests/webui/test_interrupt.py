"""The page's Interrupt button, which asks the host to stop after the picture in hand where several are to be made."""

from __future__ import annotations

import time
from typing import Any

import pytest

from webui.browser import PATIENCE
from webui.requests import PROMPT, SIDE
from webui.server import Server

FRAMES = 900
REGION = "best"


def _set_up(page: Any, steps: int, batches: int = 1, enabled: bool = True) -> None:
    page.fill("#txt2img_prompt textarea", PROMPT)
    numbers = {"width": SIDE, "height": SIDE, "steps": steps, "batch_count": batches}
    for name, value in numbers.items():
        page.fill(f"#txt2img_{name} input[type=number]", str(value))
    if enabled:
        panel = "#script_txt2img_cinemagraph_cinemagraph"
        page.click(f"{panel} > .label-wrap > span:first-child")
        page.locator(f"{panel}_region textarea").fill(REGION)
        page.locator(f"{panel}_frames input[type=number]").fill(str(FRAMES))


def _press_when(server: Server, page: Any, sign: Any) -> float:
    """Press Generate, and Interrupt once the host's progress shows the sign; how long it took to end after that."""
    page.click("#txt2img_generate")
    end = time.monotonic() + PATIENCE / 1000
    while not sign(server.get("/sdapi/v1/progress?skip_current_image=true")):
        assert time.monotonic() < end
        time.sleep(0.02)
    page.click("#txt2img_interrupt")
    start = time.monotonic()
    page.wait_for_function(
        "() => gradioApp().querySelector('#html_info_txt2img').innerText.length > 0", timeout=PATIENCE
    )
    return time.monotonic() - start


def _in_the_loop(progress: dict[str, Any]) -> bool:
    return ": loop " in (progress["textinfo"] or "")


def _sampling(progress: dict[str, Any]) -> bool:
    return bool(progress["state"]["sampling_step"] >= 2 and not progress["textinfo"])


def _loops(server: Server) -> set[Any]:
    """The loops beside the pictures; a workspace has each of them once more."""
    return set((server.data / "outputs" / "txt2img-images").rglob("*.mp4"))


def _is_told(page: Any, sentence: str) -> None:
    """Wait for a sentence under the gallery; what is said of a loop comes after its picture."""
    told = "words => gradioApp().querySelector('#txt2img_results').innerText.toLowerCase().includes(words)"
    page.wait_for_function(told, arg=sentence, timeout=PATIENCE)


def _frames(server: Server) -> int:
    """How many frames were rendered."""
    return sum(stage.startswith("loop ") for stage in server.get("/probe/seen")["stages"])


def test_it_stops_a_single_loop_at_once(server: Server, page: Any) -> None:
    before = _loops(server)
    _set_up(page, 2)
    _press_when(server, page, _in_the_loop)
    assert _loops(server) == before and _frames(server) < FRAMES
    _is_told(page, "the loop was stopped")


def test_it_lets_a_loop_of_two_be_finished_and_makes_no_other(server: Server, page: Any) -> None:
    before = _loops(server)
    _set_up(page, 2, batches=2)
    _press_when(server, page, _in_the_loop)
    assert len(_loops(server) - before) == 1
    _is_told(page, "stopped before all loops were made")


@pytest.mark.parametrize("enabled", [False, True])
def test_it_stops_the_sampling_of_a_single_picture_at_once(server: Server, page: Any, enabled: bool) -> None:
    steps = 60
    _set_up(page, steps, enabled=enabled)
    _press_when(server, page, _sampling)
    assert server.get("/probe/seen")["steps"] < steps / 2 and _frames(server) == 0
    assert ("a picture that was stopped gets no loop" in page.inner_text("#txt2img_results")) == enabled


def test_the_picture_that_it_lets_be_finished_gets_its_loop(server: Server, page: Any) -> None:
    before, steps = _loops(server), 12
    _set_up(page, steps, batches=3)
    page.locator("#script_txt2img_cinemagraph_cinemagraph_frames input[type=number]").fill("8")
    _press_when(server, page, _sampling)
    assert server.get("/probe/seen")["steps"] == steps and len(_loops(server) - before) == 1
    page.wait_for_selector("#txt2img_cinemagraph_loops .t2c-saved")
    assert "stopped" not in page.inner_text("#txt2img_results")
