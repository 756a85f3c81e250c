"""The whole way from text on a tiny random model: what is kept, what runs again, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_pipelines import save_folder, tiny_components  # noqa: E402

from t2c_ext import animate, generate  # noqa: E402
from t2c_ext.api import Cinemagraph  # noqa: E402
from t2c_ext.cli import main  # noqa: E402
from t2c_ext.errors import UserError  # noqa: E402

PROMPT = "a river flowing left in front of a mountain, night painting"
SETTINGS = {"width": 64, "height": 64, "steps": 4, "frames": 6, "seed": 3}
FLAGS = ["--width", "64", "--height", "64", "--steps", "4", "--frames", "6", "--seed", "3"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(tiny_components("SD1"), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def mask(tmp_path_factory: pytest.TempPathFactory) -> Path:
    levels = np.zeros((64, 64), np.uint8)
    levels[32:] = 255
    path = tmp_path_factory.mktemp("mask") / "mask.png"
    Image.fromarray(levels).save(path)
    return path


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, model: Path, mask: Path) -> tuple[Path, Cinemagraph]:
    folder = tmp_path_factory.mktemp("kept")
    result = generate(
        PROMPT, folder / "loop.mp4", model=model, mask=mask, workspace=folder / "work", recipe=None, **SETTINGS
    )
    return folder / "work", result


def test_every_stage_is_saved(kept: tuple[Path, Cinemagraph]) -> None:
    work, result = kept
    for name in ("plan.json", "art.png", "natural.png", "attention.npz", "attention.png", "mask.png", "flow.npz"):
        assert (work / name).exists(), name
    assert (work / "loop.mp4").exists()
    assert result.plan is not None and "left" not in result.plan.art_prompt
    assert result.twin is not None and result.twin.natural is not None and result.twin.attention is not None
    rows = result.twin.attention.self_attention.sum(axis=1)
    assert np.allclose(rows, 1, atol=1e-4)


def test_a_second_run_samples_nothing(kept: tuple[Path, Cinemagraph], monkeypatch: pytest.MonkeyPatch) -> None:
    from t2c_ext.twin.diffusion.source import DiffusersTwin

    work, _ = kept
    monkeypatch.setattr(DiffusersTwin, "make", lambda *_: pytest.fail("it was sampled again"))
    before = (work / "art.png").read_bytes()
    assert main(["run", str(work), "--frames", "5"]) == 0
    assert (work / "art.png").read_bytes() == before
    assert json.loads((work / "report.json").read_text())["loop"]["frames"] == 5


def test_the_same_seed_gives_the_same_pictures(kept: tuple[Path, Cinemagraph], model: Path, mask: Path) -> None:
    again = generate(PROMPT, model=model, mask=mask, **SETTINGS).twin
    first = kept[1].twin
    assert again is not None and first is not None
    assert np.array_equal(again.art.rgb, first.art.rgb)


def test_without_a_twin_the_picture_stays_the_same(kept: tuple[Path, Cinemagraph], model: Path, mask: Path) -> None:
    alone = generate(PROMPT, model=model, mask=mask, twin=False, **SETTINGS).twin
    first = kept[1].twin
    assert alone is not None and first is not None and alone.natural is None
    assert np.abs(alone.art.rgb - first.art.rgb).max() <= 1.5 / 255


def test_a_paintings_twin_is_made_and_the_painting_moves(tmp_path: Path, model: Path, mask: Path) -> None:
    painting = np.random.default_rng(2).integers(0, 255, (64, 64, 3), np.uint8)
    made = animate(
        painting,
        tmp_path / "loop.mp4",
        mask=mask,
        workspace=tmp_path / "work",
        model=str(model),
        prompt=PROMPT,
        **SETTINGS,
    )
    assert made.twin is not None and made.twin.natural is not None
    assert np.array_equal(np.rint(made.twin.art.rgb * 255).astype(np.uint8), painting)
    assert made.rendering is not None
    for frame in made.rendering.frames():
        assert np.array_equal(frame[:24], painting[:24])
    assert main(["run", str(tmp_path / "work"), "--from", "region"]) == 0


def test_the_command_goes_the_whole_way(
    tmp_path: Path, model: Path, mask: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "loop.gif"
    assert main(["generate", PROMPT, "--model", str(model), "--mask", str(mask), "-o", str(output), *FLAGS]) == 0
    assert capsys.readouterr().out.strip() == str(output) and output.stat().st_size > 0


def test_a_mask_can_be_given_after_the_sampling(tmp_path: Path, model: Path, mask: Path) -> None:
    work = tmp_path / "work"
    assert main(["generate", PROMPT, "--model", str(model), "--workspace", str(work), *FLAGS]) in (0, 1)
    assert (work / "art.png").exists()
    assert main(["run", str(work), "--mask", f"river={mask}"]) == 0
    assert (work / "loop.mp4").exists()


def test_a_prompt_in_which_nothing_moves_is_refused_before_the_sampling(
    tmp_path: Path, model: Path, mask: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from t2c_ext.twin.diffusion.source import DiffusersTwin

    prompt, output = "a red chair in a room", tmp_path / "loop.gif"
    with monkeypatch.context() as patched:
        patched.setattr(DiffusersTwin, "make", lambda *_: pytest.fail("it was sampled"))
        assert main(["generate", prompt, "--model", str(model), "-o", str(output), *FLAGS]) == 1
    assert capsys.readouterr().err.strip().splitlines() == [
        "t2c: nothing in the prompt can move; name it (--motion), paint a mask (--mask), or keep the pictures "
        "and choose afterwards (--workspace)"
    ]
    assert main(["generate", prompt, "--model", str(model), "--mask", str(mask), "-o", str(output), *FLAGS]) == 0


def test_what_cannot_be_generated_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(UserError, match="multiple of 8"):
        generate(PROMPT, model=model, **{**SETTINGS, "width": 65})
    with pytest.raises(UserError):
        generate(PROMPT, model=tmp_path / "absent.safetensors", **SETTINGS)
