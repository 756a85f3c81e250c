"""The tab's runs in a small host: jobs of its progress bar, which its buttons stop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_unets import CONFIGS, LdmUNet, fill  # noqa: E402

from t2c_ext.types import Stage  # noqa: E402
from t2c_ext.ui.task import Task  # noqa: E402

SIDE, FRAMES, SECONDS = 64, 40, 60
VALUES: dict[str, object] = {"motion": "river flowing left", "frames": FRAMES}


@pytest.fixture(autouse=True)
def host(small_host: Any) -> Any:
    """The small host with a model; its state."""
    torch.set_num_threads(1)
    from modules.processing import Processing

    small_host.sd_model = Processing(fill(LdmUNet(CONFIGS["sd1"])), ["a"], [0]).sd_model
    return small_host.state


@pytest.fixture
def studio(tmp_path: Path) -> Any:
    from t2c_ext.webui.tab import host_studio

    return host_studio(tmp_path)


def _animated(studio: Any) -> Task:
    levels = np.zeros((SIDE, SIDE), np.uint8)
    levels[SIDE // 2 :] = 255
    painting = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    id = studio.register("", Image.fromarray(painting), Image.fromarray(levels))
    return _ended(studio.animate(id, VALUES)[1])


def _ended(task: Task) -> Task:
    assert task.wait(SECONDS)
    return task


def _watched(studio: Any, state: Any, look: Callable[[str], None] = lambda stage: None) -> list[tuple[Any, ...]]:
    """What the host's state says whenever a stage tells of its progress, in runs to come."""
    from t2c_ext.progress import Reporter

    watch, seen = studio.watch, []

    def progress(stage: str, done: int, total: int) -> None:
        share = (state.job_no + state.sampling_step / max(state.sampling_steps, 1)) / max(state.job_count, 1)
        seen.append((state.job, state.textinfo, state.job_count, share))
        look(stage)

    studio.watch = lambda: watch().joined(Reporter(progress))
    return seen


def test_a_run_shows_in_the_host_s_progress_bar(studio: Any, host: Any) -> None:
    seen = _watched(studio, host)
    assert _animated(studio).finished
    shares = [share for *_, share in seen]
    assert shares == sorted(shares) and shares[-1] == 1
    assert {(job, count) for job, _, count, _ in seen} == {("cinemagraph", 1)}
    assert seen[-1][1] == f"Cinemagraph: loop {FRAMES}/{FRAMES}"
    assert host.textinfo is None and host.job == ""


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_the_host_s_buttons_stop_a_run(studio: Any, host: Any, button: str) -> None:
    _watched(studio, host, lambda stage: getattr(host, button)() if stage == "loop" else None)
    task = _animated(studio)
    assert task.cancelled and not task.finished and task.reached[1] < FRAMES


def test_a_picture_from_text_is_a_job_beside_its_loop(studio: Any, host: Any) -> None:
    seen = _watched(studio, host)
    sampling: dict[str, object] = {"prompt": "a river, ink", "steps": 3, "seed": 5, "twin": False, "sampler": "Euler"}
    id, task = studio.generate("", VALUES | sampling)
    _ended(task)
    shares = [share for _, text, _, share in seen if text and "twin" in text]
    assert shares == sorted(shares) and max(shares) < 0.5, "the loop is still to come"
    assert {count for _, text, count, _ in seen if text and "region" in text} == {2}
    studio.choose(id, [candidate.name for candidate in task.candidates], VALUES | sampling) if task.candidates else None
    _ended(studio.sessions[id].task)
    seen.clear()
    assert _ended(studio.run(id, VALUES | sampling, Stage.LOOP)[1]).finished
    assert {count for _, _, count, _ in seen} == {1}, "the picture is not made again"


@pytest.mark.parametrize(
    ("given", "may"),
    [
        ({}, True),
        ({"disable_extension_access": False, "listen": True}, True),
        ({"server_name": "127.0.0.1"}, True),
        ({"server_name": "localhost"}, True),
        ({"server_name": "::1"}, True),
        ({"server_name": "0.0.0.0"}, False),
        ({"server_name": "192.0.2.7"}, False),
        ({"server_name": "here.example"}, False),
        ({"listen": True}, False),
        ({"server_name": "127.0.0.1", "share": True}, False),
        ({"server_name": "127.0.0.1", "ngrok": "token"}, False),
    ],
)
def test_models_are_downloaded_only_where_nobody_else_asks_for_them(
    studio: Any, host: Any, monkeypatch: pytest.MonkeyPatch, given: dict[str, object], may: bool
) -> None:
    """By the host's own words, but for an address of this machine alone, of which it says that others reach it."""
    from types import SimpleNamespace

    from modules import shared

    from t2c_ext.webui.tab import host_studio

    given = {"disable_extension_access": bool(given), **given}
    monkeypatch.setattr(shared, "cmd_opts", SimpleNamespace(**given))
    assert host_studio(studio.folder).downloads is may
