"""The built-in miniature as the WebUI's checkpoint: a model that paints what a sentence says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser.studio_app import StudioPage
from PIL import Image

from t2c_ext.types import Attention
from t2c_ext.workspace import Workspace
from webui.browser import ENDED, PATIENCE, opened_page
from webui.models import MINIATURE
from webui.requests import FRAMES, Answer, ask, encoded, moves, txt2img
from webui.server import Host, Server, running

PROMPT, SEEDS = "a waterfall falling down, oil painting", (5, 6, 7)

OPTIMISATIONS = {
    "None": "Disabling attention optimization",
    "sdp - scaled dot product": "optimization: sdp...",
    "sdp-no-mem - scaled dot product without memory efficient attention": "optimization: sdp-no-mem...",
    "sub-quadratic": "optimization: sub-quadratic...",
    "V1 - original v1": "optimization: V1...",
    "InvokeAI": "optimization: InvokeAI...",
    "Doggettx": "optimization: Doggettx...",
}
"""The host's ways of computing attention that a processor has, and what its console says of each."""


@pytest.fixture
def painter(only_a1111: None, server: Server) -> Iterator[Server]:
    """The shared server while the miniature is its checkpoint; afterwards it has its own again."""
    own = server.get("/sdapi/v1/options")["sd_model_checkpoint"]
    server.post("/sdapi/v1/options", {"sd_model_checkpoint": MINIATURE})
    try:
        yield server
    finally:
        server.post("/sdapi/v1/options", {"sd_model_checkpoint": own})


def _request(**more: Any) -> dict[str, Any]:
    values = {"prompt": PROMPT, "negative_prompt": "", "sampler_name": "DDIM", "steps": 12, "cfg_scale": 4}
    return txt2img(**values | more)


def _panel(**more: Any) -> dict[str, Any]:
    return {"Cinemagraph": {"args": [{"enabled": True, "frames": FRAMES, **more}]}}


def _workspace(server: Server, answer: Answer) -> Workspace:
    id = answer.info["extra_generation_params"]["Cinemagraph ids"][0]
    return Workspace.open(server.data / "outputs" / "cinemagraphs" / id)


def _falls(server: Server, answer: Answer) -> bool:
    """Whether a fall was found that is neither nearly nothing nor nearly all, and goes down."""
    if not answer.loops:
        return False
    return _falling(_workspace(server, answer))


def _falling(workspace: Workspace) -> bool:
    inside = workspace.load_regions(workspace.load_twin().art.size).mask > 0.5
    mean = workspace.load_flow().field[inside].mean(0) if inside.any() else np.zeros(2)
    return bool(0.02 < inside.mean() < 0.8 and mean[1] > abs(mean[0]))


def test_a_sentence_becomes_a_loop_and_so_does_its_picture(painter: Server) -> None:
    """A small model may fail; of three pictures two have to show a fall that falls, with a twin of another look."""
    answers = [ask(painter, _request(seed=seed, alwayson_scripts=_panel())) for seed in SEEDS]
    assert sum(_falls(painter, answer) for answer in answers) >= 2, [answer.notes for answer in answers]
    good = next(answer for answer in answers if _falls(painter, answer))
    workspace = _workspace(painter, good)
    twin = workspace.load_twin()
    assert twin.natural is not None and 0.01 < np.abs(twin.art.rgb - twin.natural.rgb).mean() < 0.5
    assert moves(good.loops[0], mask=workspace.root / "mask.png")
    given = {"init_images": [encoded(Image.fromarray(good.pictures[0]))], "denoising_strength": 0.4}
    answer = ask(painter, _request(**given, alwayson_scripts=_panel()), "img2img")
    assert _falls(painter, answer), answer.notes


def test_the_tab_goes_from_a_sentence_to_its_loop(painter: Server, page: Any) -> None:
    """As a visitor does who leaves all settings but the seed and the guidance as they are."""
    page.locator("#tabs > .tab-nav > button", has_text="Cinemagraph").click()
    page.wait_for_selector(".t2c-board")
    studio, outcomes = StudioPage(page), []
    page.locator("#t2c_sides button", has_text="From text").click()
    page.fill("#t2c_prompt textarea", PROMPT)
    page.locator("#t2c_settings_twin > .label-wrap").click()
    _type(page, "guidance", 4)
    _type(page, "frames", FRAMES)
    for seed in SEEDS:
        _type(page, "seed", seed)
        studio.press("t2c_generate")
        page.wait_for_function("() => document.querySelector('.t2c-progress') !== null")
        page.wait_for_function(ENDED, timeout=2 * PATIENCE)
        workspace = Workspace.open(painter.data / "outputs" / "cinemagraphs" / studio.state["id"])
        loop = workspace.root / "loop.mp4"
        assert workspace.load_twin().art.size == (256, 256), "the size that it has learnt"
        assert workspace.load_recipe().prompt.seed == seed
        outcomes.append(loop.exists() and moves(loop, mask=workspace.root / "mask.png") and _falling(workspace))
    assert sum(outcomes) >= 2, outcomes


def _type(page: Any, name: str, value: object) -> None:
    page.fill(f"#t2c_{name} input[type=number]", str(value))
    page.press(f"#t2c_{name} input[type=number]", "Tab")


def test_without_a_checkpoint_the_tab_says_what_to_do(
    only_a1111: None, host: Host, browser: Any, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Where the WebUI has not the packages with which the miniature draws by itself."""
    if not host.lacks("diffusers"):
        pytest.skip("this WebUI has diffusers, with which the miniature draws by itself")
    bare = replace(host, models=tmp_path_factory.mktemp("no-models"))
    with running(bare, tmp_path_factory.mktemp("webui"), kind=None, page=True) as server:
        for page in opened_page(server, browser, tmp_path):
            page.locator("#tabs > .tab-nav > button", has_text="Cinemagraph").click()
            page.wait_for_selector(".t2c-board")
            page.locator("#t2c_sides button", has_text="From text").click()
            page.fill("#t2c_prompt textarea", PROMPT)
            StudioPage(page).press("t2c_generate")
            page.wait_for_selector("#t2c_status .t2c-error", timeout=2 * PATIENCE)
            said = page.inner_text("#t2c_status")
            assert "no checkpoint" in said and "miniature" in said, said


def _seen(attention: Attention) -> dict[str, np.ndarray]:
    """All maps of a picture, by name."""
    found = {"self-attention": attention.self_attention, **attention.words}
    if attention.nouns is not None:
        found |= {f"noun {name}": where for name, where in attention.nouns.things.items()}
    return found


def test_every_way_of_computing_attention_sees_the_same(painter: Server) -> None:
    maps: dict[str, dict[str, np.ndarray]] = {}
    try:
        for name, said in OPTIMISATIONS.items():
            painter.post("/sdapi/v1/options", {"cross_attention_optimization": name})
            assert said in painter.output()[painter.output().rfind("attention optimization") - 40 :], name
            answer = ask(painter, _request(steps=4, alwayson_scripts=_panel(segmenter="attention", frames=2)))
            attention = _workspace(painter, answer).load_twin().attention
            assert attention is not None and attention.nouns is not None, answer.notes
            maps[name] = _seen(attention)
    finally:
        painter.post("/sdapi/v1/options", {"cross_attention_optimization": "Automatic"})
    first = maps.pop("None")
    assert all(found.keys() == first.keys() for found in maps.values())
    off = {name: max(float(np.abs(found[key] - first[key]).max()) for key in first) for name, found in maps.items()}
    print(off)
    assert max(off.values()) < 1e-3, off
