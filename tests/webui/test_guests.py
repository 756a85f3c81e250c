"""With the host's other features: each keeps working, or the twin is declined with a sentence that says why."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from webui.models import LORA, VAE
from webui.requests import (
    PROMPT,
    SIDE,
    Answer,
    ask,
    decoded,
    encoded,
    frames_of,
    largest_difference,
    moves,
    panel,
    strokes,
    twinned,
    txt2img,
)
from webui.server import Server

WITH: dict[str, dict[str, Any]] = {
    "a LoRA": {"prompt": f"{PROMPT} <lora:{LORA}:0.8>"},
    "a VAE": {"override_settings": {"sd_vae": VAE}},
    "hires fix": {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Latent", "denoising_strength": 0.6},
    "hires fix by pixels": {"enable_hr": True, "hr_scale": 1.5, "hr_upscaler": "Lanczos", "denoising_strength": 0.6},
    "clip skip": {"override_settings": {"CLIP_stop_at_last_layers": 2}},
    "a tiling picture": {"tiling": True},
    "restored colours": {"override_settings": {"img2img_color_correction": True}},
}
"""The twin is made beside."""

WITHOUT: dict[str, tuple[dict[str, Any], str]] = {
    "token merging": ({"override_settings": {"token_merging_ratio": 0.5}}, "token merging"),
    "a refiner": ({"refiner_checkpoint": "tiny.safetensors", "refiner_switch_at": 0.5}, "refiner"),
    "hypertile": ({"override_settings": {"hypertile_enable_unet": True, "hypertile_max_tile_unet": 64}}, "hypertile"),
}
"""The twin is declined."""


def _pair(server: Server, request: dict[str, Any]) -> tuple[Answer, Answer]:
    return ask(server, request), ask(server, request | {"alwayson_scripts": twinned()})


@pytest.mark.parametrize("feature", WITH)
def test_a_feature_of_the_host_works_with_the_twin(server: Server, feature: str) -> None:
    plain, paired = _pair(server, txt2img(**WITH[feature]))
    assert largest_difference(plain.pictures[0], paired.pictures[0]) <= 1
    (session,) = server.get("/probe/seen")["sessions"]
    assert (session["injection"], session["capture"]) == (17, 20) and session["row_error"] < 1e-4
    assert moves(paired.loops[0]) and not any("no twin" in note for note in paired.notes)


def test_the_features_change_the_picture(server: Server) -> None:
    """Else the tests above would show nothing."""
    ordinary = ask(server, txt2img()).pictures[0]
    for feature in ("a LoRA", "a VAE", "clip skip", "a tiling picture"):
        assert largest_difference(ask(server, txt2img(**WITH[feature])).pictures[0], ordinary) > 1, feature


@pytest.mark.parametrize("feature", WITHOUT)
def test_where_the_twin_is_declined_a_sentence_says_why(server: Server, feature: str) -> None:
    more, word = WITHOUT[feature]
    plain, paired = _pair(server, txt2img(**more))
    assert largest_difference(plain.pictures[0], paired.pictures[0]) <= 1
    assert [note for note in paired.notes if "no twin was made" in note and word in note], paired.notes
    assert moves(paired.loops[0])


def _script(server: Server, name: str) -> list[dict[str, Any]]:
    return next(
        row["args"] for row in server.get("/sdapi/v1/script-info") if row["name"] == name and not row["is_img2img"]
    )


NOTHING = ("Nothing", "")


def _plot(server: Server, x: tuple[str, str], y: tuple[str, str] = NOTHING) -> dict[str, Any]:
    """A request for the host's X/Y/Z plot."""
    described = _script(server, "x/y/z plot")
    values = [row["value"] for row in described]
    for place, row in enumerate(described):
        if row["label"] == "Include Sub Images":
            values[place] = True
        for letter, (axis, given) in {"X": x, "Y": y, "Z": NOTHING}.items():
            if row["label"] == f"{letter} type":
                values[place : place + 3] = [row["choices"].index(axis), given, given.split(", ")]
    return {"script_name": "x/y/z plot", "script_args": values}


def test_a_plot_over_our_axes_makes_a_loop_for_each_cell(server: Server) -> None:
    plot = _plot(server, ("[Cinemagraph] Frames", "4, 6"), ("[Cinemagraph] Format", "gif, webp"))
    answer = ask(server, txt2img(**plot, alwayson_scripts=panel(twin=False)))
    loops = sorted((server.data / "outputs").rglob("*-cinemagraph*"), key=lambda path: path.stat().st_mtime)
    made = [path for path in loops if path.suffix in (".gif", ".webp")][-4:]
    counts = sorted((path.suffix, len(frames_of(path))) for path in made)
    assert counts == [(".gif", 4), (".gif", 6), (".webp", 4), (".webp", 6)]
    assert len(answer.pictures) >= 4


def test_the_grid_of_a_plot_moves(server: Server) -> None:
    """Each cell in its place, the legend not; the still beside it is the host's grid."""
    plot = _plot(server, ("Seed", "1, 2"), ("[Cinemagraph] Frames", "4, 6"))
    answer = ask(server, txt2img(**plot, alwayson_scripts=panel(twin=False, grid=True, format="apng")))
    grid = Path(answer.info["extra_generation_params"]["Cinemagraph grid"])
    frames = [frame.astype(int) for frame in frames_of(grid)]
    still = np.asarray(Image.open(grid.with_suffix(".png")).convert("RGB"))
    assert len(frames) == 6 and frames[0].shape == still.shape
    assert server.get("/probe/state")["plot"] == ["xyz_grid.py"], "the host's own way of drawing is back"
    steps = np.max([np.abs(one - other).sum(2) for one, other in pairwise(frames)], axis=0) > 0
    left, top = still.shape[1] - 2 * SIDE, still.shape[0] - 2 * SIDE
    assert left > 0 and top > 0 and not steps[:top].any() and not steps[:, :left].any()
    for row, column in [(row, column) for row in range(2) for column in range(2)]:
        y, x = top + row * SIDE, left + column * SIDE
        upper, lower = steps[y : y + SIDE // 2 - 8, x : x + SIDE], steps[y + SIDE // 2 : y + SIDE, x : x + SIDE]
        assert lower.mean() > 0.3 and not upper.any(), (row, column)


def test_a_plot_over_the_host_s_axes_keeps_its_pictures(server: Server) -> None:
    plot = _plot(server, ("Seed", "1, 2"))
    plain = ask(server, txt2img(**plot))
    paired = ask(server, txt2img(**plot, alwayson_scripts=twinned()))
    assert len(plain.pictures) == len(paired.pictures)
    assert max(map(largest_difference, plain.pictures, paired.pictures)) <= 1


def test_prompts_from_a_file(server: Server) -> None:
    values = [row["value"] for row in _script(server, "prompts from file or textbox")]
    values[-1] = 'a river flowing left, ink\n--prompt "a waterfall falling down" --seed 9'
    script = {"script_name": "prompts from file or textbox", "script_args": values}
    plain = ask(server, txt2img(**script))
    paired = ask(server, txt2img(**script, alwayson_scripts=twinned(motion="")))
    assert len(plain.pictures) == len(paired.pictures) == 2
    assert max(map(largest_difference, plain.pictures, paired.pictures)) <= 1
    assert len(server.get("/probe/seen")["sessions"]) == 2


def test_grids_show_the_pictures_alone(server: Server) -> None:
    request = txt2img(batch_size=2, n_iter=2, do_not_save_grid=False, override_settings={"return_grid": True})
    found = [server.post("/sdapi/v1/txt2img", request | more) for more in ({}, {"alwayson_scripts": twinned()})]
    plain, paired = ([np.asarray(decoded(text).convert("RGB")) for text in answer["images"]] for answer in found)
    assert [picture.shape for picture in plain] == [picture.shape for picture in paired]
    assert max(map(largest_difference, plain, paired)) <= 1
    assert json.loads(found[1]["info"])["index_of_first_image"] == len(plain) - 4


def test_the_picture_is_saved_as_without_the_panel(server: Server) -> None:
    folder = server.data / "outputs" / "txt2img-images"
    before = {path for path in folder.rglob("*.png")} if folder.exists() else set()
    ask(server, txt2img(seed=31, save_images=True, alwayson_scripts=panel(show_twin=True)))
    new = {path for path in folder.rglob("*.png")} - before
    assert sorted("cinemagraph" in path.name for path in new) == [False, True]


def test_loopback_goes_on_from_picture_to_picture(server: Server) -> None:
    painting = encoded(strokes())
    described = next(
        row["args"] for row in server.get("/sdapi/v1/script-info") if row["name"] == "loopback" and row["is_img2img"]
    )
    script = {"script_name": "loopback", "script_args": [row["value"] for row in described]}
    script["script_args"][0] = 2
    request = txt2img(init_images=[painting], denoising_strength=0.5, width=SIDE, height=SIDE, **script)
    ask(server, request, "img2img")  # the host's encoder draws from where the last request left off
    plain = ask(server, request, "img2img")
    paired = ask(server, request | {"alwayson_scripts": panel()}, "img2img")
    assert max(map(largest_difference, plain.pictures, paired.pictures)) <= 1
