"""Other families of checkpoints, and the host's ways of saving memory, each on a server of its own."""

from __future__ import annotations

from typing import Any

import pytest

from webui.conftest import assert_no_trace, fresh_state
from webui.requests import ask, encoded, largest_difference, moves, panel, strokes, twinned, txt2img
from webui.server import Host, running

pytestmark = pytest.mark.usefixtures("only_a1111")

CASES: dict[str, tuple[str, tuple[str, ...], int, int]] = {
    "SD2 with v-prediction": ("sd2-v", (), 17, 20),
    "SDXL": ("sdxl", (), 62, 40),
    "SD1 for inpainting": ("sd1-inpainting", (), 17, 20),
    "medvram": ("sd1", ("--medvram",), 17, 20),
    "lowvram": ("sd1", ("--lowvram",), 17, 20),
    "SDXL with medvram": ("sdxl", ("--medvram",), 62, 40),
    "split attention of Doggettx": ("sd1", ("--opt-split-attention",), 17, 20),
    "sub-quadratic attention": ("sd1", ("--opt-sub-quad-attention",), 17, 20),
}
"""Kind, arguments, and how many sites are injected and captured.

SD1 and SD2: one ResBlock and queries and keys of eight blocks; self- and cross-attention's queries and keys of the five
blocks of a level. SDXL: a ResBlock with its shortcut and three blocks of ten transformers; five blocks of two.
"""


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_the_one_without_the_panel(host: Host, tmp_path_factory: Any, case: str) -> None:
    kind, arguments, injection, capture = CASES[case]
    with running(host, tmp_path_factory.mktemp("webui"), *arguments, kind=kind) as server:
        fresh = fresh_state(server)
        for more in ({}, {"sampler_name": "DDIM", "batch_size": 2}):
            server.post("/probe/reset")
            plain = ask(server, txt2img(**more))
            paired = ask(server, txt2img(**more, alwayson_scripts=twinned()))
            assert max(map(largest_difference, plain.pictures, paired.pictures)) <= 1
            assert len(paired.loops) == len(plain.pictures) and all(map(moves, paired.loops)), paired.notes
            (session,) = server.get("/probe/seen")["sessions"]
            assert (session["injection"], session["capture"], session["attached"]) == (injection, capture, 0)
            assert session["finite"] and session["row_error"] < 1e-4
            assert_no_trace(server, fresh)
        painting = encoded(strokes())
        request = txt2img(init_images=[painting], denoising_strength=0.5, alwayson_scripts=panel())
        answer = ask(server, request, "img2img")
        assert moves(answer.loops[0]) and not any("no twin" in note for note in answer.notes)
        server.post("/probe/fail?stage=loop")
        assert "ZeroDivisionError" in ask(server, txt2img(alwayson_scripts=panel())).notes[-1]
        assert_no_trace(server, fresh)
