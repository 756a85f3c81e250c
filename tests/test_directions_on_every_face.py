"""Words that state a direction mean the same on the command line, in Python, by request, on the page, in the panel."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.api import animate
from t2c_ext.cli import main
from t2c_ext.media.pictures import read_mask
from t2c_ext.motion.field import read_flow
from t2c_ext.pipeline import run_job
from t2c_ext.service import Service
from t2c_ext.types import angle_of
from t2c_ext.ui.studio import Studio

WIDTH, HEIGHT, FRAMES = 64, 48, 2

CASES: dict[str, tuple[dict[str, str], float]] = {
    "a bare direction": ({"motion": "flowing left"}, 180),
    "to the right": ({"motion": "drifting to the right"}, 0),
    "a single word": ({"motion": "upwards"}, 90),
    "the other way": ({"motion": "falling down"}, 270),
    "a noun that is not known": ({"motion": "tentacles blowing to the left"}, 180),
    "all of it": ({"motion": "everything drifts left"}, 180),
    "between two": ({"motion": "moving to the upper left"}, 135),
    "in the prompt": ({"prompt": "an old castle, drifting to the right"}, 0),
    "beside a thing in the prompt": ({"prompt": "a river in the hills", "motion": "flowing left"}, 180),
    "beside a name": ({"region": "curtain", "motion": "blowing to the right"}, 0),
    "beside several names": ({"region": "curtain, flag", "motion": "blowing to the left"}, 180),
}
"""What is said beside a mask, and where all of it goes."""

Face = Callable[[Path, Path, Path, Mapping[str, str]], np.ndarray]
"""From a folder, a picture, a mask and words to the flow."""


def by_command_line(folder: Path, picture: Path, mask: Path, words: Mapping[str, str]) -> np.ndarray:
    """`t2c animate`."""
    given = [part for name, text in words.items() for part in (f"--{name}", text)]
    line = ["animate", str(picture), "--mask", str(mask), "--workspace", str(folder / "w"), "--frames", str(FRAMES)]
    assert main([*line, "-o", str(folder / "loop.gif"), *given]) == 0
    return read_flow(folder / "w" / "flow.npz")


def in_python(folder: Path, picture: Path, mask: Path, words: Mapping[str, str]) -> np.ndarray:
    """`animate`."""
    flow = animate(picture, mask=mask, frames=FRAMES, **words).flow  # type: ignore[arg-type]
    assert flow is not None
    return flow.field


def by_request(folder: Path, picture: Path, mask: Path, words: Mapping[str, str]) -> np.ndarray:
    """`POST /t2c/v1/animate`."""
    service = Service(folder / "requests")
    image, moving = (base64.b64encode(path.read_bytes()).decode() for path in (picture, mask))
    made = service.animate(image, moving, None, {"frames": FRAMES, "format": "gif", **words})
    return read_flow(service.workspace(made.id) / "flow.npz")


def on_the_page(folder: Path, picture: Path, mask: Path, words: Mapping[str, str]) -> np.ndarray:
    """The tab, and the app."""
    studio = Studio(folder / "page")
    id = studio.register("", Image.open(picture), Image.open(mask))
    _, task = studio.animate(id, {"frames": FRAMES, "format": "gif", **words})
    assert task.wait(60) and task.finished, task.refusal
    return read_flow(folder / "page" / id / "flow.npz")


def in_the_panel(folder: Path, picture: Path, mask: Path, words: Mapping[str, str]) -> np.ndarray:
    """The script under txt2img and img2img, whose prompt is the picture's."""
    pytest.importorskip("torch")
    from t2c_ext.webui.loops import Shot, job_of
    from t2c_ext.webui.options import read_options

    given = {name: text for name, text in words.items() if name != "prompt"}
    options = read_options([{**given, "frames": FRAMES, "mask": base64.b64encode(mask.read_bytes()).decode()}])
    flow = run_job(job_of(Shot(Image.open(picture), words.get("prompt", ""), 0), options.recipe, options.mask)).flow
    assert flow is not None
    return flow.field


FACES: tuple[Face, ...] = (by_command_line, in_python, by_request, on_the_page, in_the_panel)


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A picture without a texture of its own, and a mask of all of it."""
    folder = tmp_path_factory.mktemp("given")
    levels = np.random.default_rng(0).integers(90, 160, (HEIGHT, WIDTH, 3), np.uint8)
    Image.fromarray(levels).save(folder / "picture.png")
    Image.new("L", (WIDTH, HEIGHT), 255).save(folder / "mask.png")
    return folder / "picture.png", folder / "mask.png"


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.__name__)
@pytest.mark.parametrize("case", CASES)
def test_a_direction_means_the_same_everywhere(face: Face, case: str, given: tuple[Path, Path], tmp_path: Path) -> None:
    words, angle = CASES[case]
    flow = face(tmp_path, *given, words)
    dx, dy = flow[read_mask(given[1]) > 0.5].mean(axis=0)
    assert abs((angle_of(float(dx), float(dy)) - angle + 180) % 360 - 180) < 15


def test_notes_that_change_the_result_are_printed(
    given: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_command_line(tmp_path, *given, {"motion": "shimmering"})
    assert "direction" in capsys.readouterr().err
