"""Whatever ends a generation, the next picture, the model and the host are as if nothing had been.

That is what the fixture `server` checks after each test; here are the ways to end.
"""

from __future__ import annotations

import threading
import time

import pytest

from webui.requests import ask, moves, panel, twinned, txt2img
from webui.server import RequestError, Server

AFTER_THE_PICTURES = ("prompt", "twin", "region", "motion", "loop")


def test_an_error_in_the_unet_ends_the_request(server: Server) -> None:
    server.post("/probe/fail?stage=unet")
    with pytest.raises(RequestError) as refused:
        ask(server, txt2img(alwayson_scripts=twinned()))
    assert refused.value.status == 500 and "ZeroDivisionError" in str(refused.value.body)
    (session,) = server.get("/probe/seen")["sessions"]
    assert session["attached"] == 0


@pytest.mark.parametrize("stage", AFTER_THE_PICTURES)
def test_an_error_in_a_stage_leaves_the_picture(server: Server, stage: str) -> None:
    server.post(f"/probe/fail?stage={stage}")
    answer = ask(server, txt2img(batch_size=2, alwayson_scripts=twinned()))
    assert len(answer.pictures) == 2 and len(answer.loops) == 1 and moves(answer.loops[0])
    assert any("ZeroDivisionError" in note and "console" in note for note in answer.notes)
    assert "on purpose" in server.output()


@pytest.mark.parametrize("stage", AFTER_THE_PICTURES)
def test_an_interrupt_in_a_stage_leaves_the_picture(server: Server, stage: str) -> None:
    server.post(f"/probe/interrupt?stage={stage}")
    answer = ask(server, txt2img(batch_size=2, alwayson_scripts=twinned()))
    assert len(answer.pictures) == 2 and not answer.loops
    assert any("stopped" in note for note in answer.notes)


def test_an_interrupt_in_the_sampling_leaves_the_picture(server: Server) -> None:
    server.post("/probe/interrupt?stage=unet")
    answer = ask(server, txt2img(steps=8, alwayson_scripts=twinned()))
    assert (
        len(answer.pictures) == 1 and not answer.loops and answer.notes == ["a picture that was stopped gets no loop"]
    )


@pytest.mark.parametrize("way", ["interrupt", "skip"])
def test_the_buttons_stop_a_loop_that_runs(server: Server, way: str) -> None:
    answers = []
    request = txt2img(batch_size=2, alwayson_scripts=twinned(frames=400))
    thread = threading.Thread(target=lambda: answers.append(ask(server, request)))
    thread.start()
    end = time.monotonic() + 120
    while time.monotonic() < end and not any(
        stage.startswith("loop 1") for stage in server.get("/probe/seen")["stages"]
    ):
        time.sleep(0.05)
    server.post(f"/sdapi/v1/{way}")
    thread.join(240)
    (answer,) = answers
    assert len(answer.pictures) == 2 and "picture 1 of 2: the loop was stopped" in answer.notes
    assert len(answer.loops) == (1 if way == "skip" else 0)  # skipping one leaves the other


def test_an_unknown_setting_is_said_and_the_picture_comes(server: Server) -> None:
    answer = ask(server, txt2img(alwayson_scripts=panel(frmaes=3)))
    assert "frmaes" in answer.info["extra_generation_params"]["Cinemagraph error"] and not answer.loops
