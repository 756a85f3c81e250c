"""txt2img with the panel: the picture that comes without it, and its loop."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from t2c_ext.webui.loops import without_ours
from webui.requests import FRAMES, LONG, SIDE, ask, largest_difference, moves, panel, twinned, txt2img, unpacked
from webui.server import RequestError, Server

CASES: dict[str, dict[str, Any]] = {
    "Euler a": {},
    "DDIM": {"sampler_name": "DDIM"},
    "DPM++ 2M": {"sampler_name": "DPM++ 2M"},
    "Heun": {"sampler_name": "Heun"},
    "batch of two": {"batch_size": 2},
    "two batches": {"n_iter": 2},
    "two batches of two": {"batch_size": 2, "n_iter": 2},
    "more than 75 tokens": {"prompt": LONG},
    "conditions one by one": {"override_settings": {"batch_cond_uncond": False}},
    "NGMS": {"s_min_uncond": 4.0, "sampler_name": "Euler", "steps": 6},
    "parts joined by AND": {"prompt": "a river flowing left AND a mountain, ukiyo-e :0.5"},
    "a schedule in the prompt": {"prompt": "a [lake:river:0.5] flowing left, ukiyo-e"},
    "styles": {"styles": ["ink"]},
    "seed resize and variation": {
        "seed_resize_from_w": SIDE * 3 // 4,
        "seed_resize_from_h": SIDE * 3 // 4,
        "subseed": 3,
        "subseed_strength": 0.4,
    },
}


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_the_one_without_the_panel_and_gets_a_loop(server: Server, case: str) -> None:
    request = txt2img(**CASES[case])
    count = request.get("batch_size", 1) * request.get("n_iter", 1)
    plain = ask(server, request)
    paired = ask(server, request | {"alwayson_scripts": twinned()})
    assert len(paired.pictures) == len(plain.pictures) == count
    differences = [largest_difference(one, other) for one, other in zip(plain.pictures, paired.pictures, strict=True)]
    assert max(differences) <= 1
    assert len(paired.loops) == count and all(moves(path) for path in paired.loops)
    for session in server.get("/probe/seen")["sessions"]:
        assert (session["injection"], session["capture"], session["attached"]) == (17, 20, 0)
        assert session["finite"] and session["row_error"] < 1e-4 and session["shape"] == [(SIDE // 8) ** 2] * 2
    assert len(server.get("/probe/seen")["sessions"]) == request.get("n_iter", 1)
    said = re.compile(r', Cinemagraph (enabled: True|file: ("[^"]*"|[^,]*))')
    assert plain.infotexts[0] == said.sub("", without_ours(paired.infotexts[0]))
    assert paired.loops[0].name in paired.infotexts[0]


def test_the_twin_takes_after_its_picture(server: Server) -> None:
    latents = []
    for shares in ({"feature_share": 1, "attention_share": 1}, {"feature_share": 0, "attention_share": 0}):
        server.post("/probe/reset")
        ask(server, txt2img(alwayson_scripts=twinned(**shares)))
        latents.append(unpacked(server.get("/probe/seen")["latents"]))
    (art, injected), (same_art, free) = latents
    assert np.allclose(art, same_art, atol=1e-4)
    assert np.abs(injected - free).max() > 0.01
    assert np.linalg.norm(injected - art) < 0.99 * np.linalg.norm(free - art)


def test_nothing_of_the_pair_is_sampled_where_the_twin_is_off(server: Server) -> None:
    plain = ask(server, txt2img())
    answer = ask(server, txt2img(alwayson_scripts=panel(twin=False)))
    assert np.array_equal(answer.pictures[0], plain.pictures[0]) and moves(answer.loops[0])
    assert server.get("/probe/seen")["sessions"] == []


def test_a_mask_alone_makes_no_twin(server: Server) -> None:
    plain = ask(server, txt2img())
    answer = ask(server, txt2img(alwayson_scripts=panel()))
    assert np.array_equal(answer.pictures[0], plain.pictures[0]) and moves(answer.loops[0])
    assert server.get("/probe/seen")["sessions"] == []


def test_each_picture_s_workspace_runs_on(server: Server) -> None:
    answer = ask(server, txt2img(batch_size=2, alwayson_scripts=twinned()))
    ids = answer.info["extra_generation_params"]["Cinemagraph ids"]
    assert len(set(ids)) == len(answer.loops) == 2
    again = server.post("/t2c/v1/run", {"id": ids[1], "from": "motion", "settings": {"frames": 6}})
    assert again["id"] == ids[1] and again["frames"] == 6
    server.delete(f"/t2c/v1/files/{ids[0]}")
    with pytest.raises(RequestError) as refused:
        server.post("/t2c/v1/run", {"id": ids[0]})
    assert refused.value.status == 404 and all(path.is_file() for path in answer.loops)


def test_twins_are_shown_only_where_asked(server: Server) -> None:
    assert len(ask(server, txt2img(batch_size=2, alwayson_scripts=panel())).pictures) == 2
    shown = ask(server, txt2img(batch_size=2, alwayson_scripts=panel(show_twin=True))).pictures
    assert len(shown) == 4 and largest_difference(shown[0], shown[2]) > 8


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp", "apng"])
def test_every_format_plays(server: Server, kind: str) -> None:
    (loop,) = ask(server, txt2img(alwayson_scripts=panel(format=kind, twin=False))).loops
    assert loop.suffix == f".{kind}" and moves(loop, FRAMES) and loop.with_suffix(".png").is_file()
