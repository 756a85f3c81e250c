"""The command line: what it prints, writes and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.cli import main
from t2c_ext.cli.options import masks
from t2c_ext.errors import UserError
from t2c_ext.settings import table
from t2c_ext.weights.language import download

SIDE = 72
MOTION = ("--motion", "river flowing left")


@pytest.fixture
def still(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(tmp_path / "still.png")
    return tmp_path / "still.png"


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    white = np.zeros((SIDE, SIDE), np.uint8)
    white[36:] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    return tmp_path / "mask.png"


def _animate(still: Path, mask: Path, *more: str) -> int:
    return main(["animate", str(still), "--mask", str(mask), "--motion", "river flowing left", "--frames", "6", *more])


def _refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail; its one line."""
    try:
        code = main(list(arguments))
    except SystemExit as end:
        code = int(end.code or 0)
    lines = capsys.readouterr().err.strip().splitlines()
    assert code != 0 and len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "webp", "apng"])
def test_the_ending_picks_the_format(
    tmp_path: Path, still: Path, mask: Path, ending: str, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out" / f"loop.{ending}"
    assert _animate(still, mask, "-o", str(output)) == 0
    assert output.stat().st_size > 0
    printed = capsys.readouterr()
    assert printed.out.strip() == str(output) and printed.err == ""


def test_a_folder_ending_gives_frames(tmp_path: Path, still: Path, mask: Path) -> None:
    assert _animate(still, mask, "-o", f"{tmp_path / 'frames'}/") == 0
    assert len(list((tmp_path / "frames").glob("*.png"))) == 6


def test_without_an_output_a_free_name_is_taken(
    tmp_path: Path, still: Path, mask: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert _animate(still, mask, "--format", "gif") == 0
    assert (tmp_path / "still-loop.gif").exists() and (tmp_path / "still-loop-2.gif").exists()


@pytest.mark.thorough
def test_a_folder_of_pictures_makes_a_folder_of_loops(
    tmp_path: Path, still: Path, mask: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name in ("one.png", "two.png"):
        (folder / name).write_bytes(still.read_bytes())
    (folder / "broken.png").write_bytes(b"no picture")
    code = main(["animate", str(folder), "--mask", str(mask), *MOTION, "--frames", "4", "-o", str(tmp_path / "loops")])
    assert code == 1 and "broken.png" in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "loops").glob("*.mp4")} == {"one.mp4", "two.mp4"}


def test_a_workspace_runs_on(tmp_path: Path, still: Path, mask: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "kept"
    assert _animate(still, mask, "-o", str(tmp_path / "a.mp4"), "--workspace", str(kept)) == 0
    assert main(["run", str(kept), "--from", "motion", "--speed", "2"]) == 0
    assert (kept / "loop.mp4").exists()
    assert json.loads((kept / "recipe.json").read_text())["settings"]["speed"] == 2
    capsys.readouterr()


def test_arrows_come_from_a_file_or_the_line(tmp_path: Path, still: Path, mask: Path) -> None:
    hints = json.dumps({"version": 1, "arrows": [{"from": [0.2, 0.8], "to": [0.7, 0.8]}]})
    (tmp_path / "hints.json").write_text(hints)
    for number, given in enumerate((hints, str(tmp_path / "hints.json"))):
        assert _animate(still, mask, "--arrows", given, "-o", str(tmp_path / f"{number}.gif")) == 0
    assert (tmp_path / "0.gif").read_bytes() == (tmp_path / "1.gif").read_bytes()


def test_parse_prints_the_documented_fields(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["parse", "a river flowing left and clouds drifting right, ukiyo-e", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document) == {"art_prompt", "natural_prompt", "regions", "motions"}
    assert [(row["region"], row["angle"]) for row in document["motions"]] == [("river", 180), ("clouds", 0)]
    assert "left" not in document["art_prompt"]
    assert main(["parse", "trees sway by a river flowing left", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["motions"]
    assert [(row["region"], row["angle"], row["kind"]) for row in rows] == [
        ("river", 180, "translate"),
        ("trees", None, "sway"),
    ]


def test_every_setting_has_its_option(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("animate", "run"):
        with pytest.raises(SystemExit) as end:
            main([command, "--help"])
        assert end.value.code == 0
        text = capsys.readouterr().out
        assert all(row.flag in text for row in table())


def test_refusals_are_one_line(tmp_path: Path, still: Path, mask: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture, motion = str(still), ("--motion", "river flowing left", "--frames", "4")
    given = ("animate", picture, "--mask", str(mask), *motion)
    (tmp_path / "empty.png").write_bytes(b"")
    black = tmp_path / "black.png"
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint8)).save(black)
    np.save(tmp_path / "nan.npy", np.full((SIDE, SIDE, 2), np.nan, np.float32))
    np.save(tmp_path / "huge.npy", np.full((SIDE, SIDE, 2), 1e9, np.float32))
    refused = {
        "cannot": ("animate", str(tmp_path / "nowhere.png"), *motion),
        "empty.png": ("animate", str(tmp_path / "empty.png"), *motion),
        "ask": ("animate", picture, "--mask", str(black), *motion),
        "nan.npy": (*given, "--flow", str(tmp_path / "nan.npy")),
        "huge.npy": (*given, "--flow", str(tmp_path / "huge.npy"), "-o", str(tmp_path / "huge.mp4")),
        ".mp4": (*given, "-o", str(tmp_path / "loop.xyz")),
        "write": (*given, "-o", str(still / "inside.mp4")),
        "frames": (*given, "--frames", "0"),
        "JSON": (*given, "--arrows", "{"),
        "COMMAND": (),
        "workspace": ("run", str(tmp_path / "nowhere")),
    }
    for part, arguments in refused.items():
        assert part in _refused(capsys, *arguments), arguments
    assert not list(tmp_path.glob("*.mp4")) and not list(tmp_path.rglob(".*"))


def test_one_frame_is_the_still(tmp_path: Path, still: Path, mask: Path) -> None:
    assert _animate(still, mask, "--frames", "1", "-o", f"{tmp_path / 'frames'}/") == 0
    (frame,) = (tmp_path / "frames").glob("*.png")
    assert (np.asarray(Image.open(frame).convert("RGB")) == np.asarray(Image.open(still))).all()


def test_the_package_starts_without_heavy_imports() -> None:
    code = (
        "import sys; from t2c_ext.cli.parser import build_parser; build_parser(); "
        "print([name for name in ('torch', 'gradio', 'numba', 'cv2', 'diffusers') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_base_commands_do_not_need_torch(tmp_path: Path, still: Path, mask: Path) -> None:
    code = """
import sys

for name in ("torch", "gradio", "diffusers", "transformers"):
    sys.modules[name] = None
from t2c_ext.cli import main
from t2c_ext.cli.options import masks
from t2c_ext.errors import UserError
raise SystemExit(main(sys.argv[1:]))
"""
    line = ["animate", str(still), "--mask", str(mask), "--motion", "river flowing left", "--frames", "4"]
    output = tmp_path / "out.gif"
    subprocess.run([sys.executable, "-c", code, *line, "-o", str(output)], check=True)
    assert output.exists()


def test_models_are_listed_and_unknown_ones_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list"]) == 0
    listed = capsys.readouterr().out
    assert "en_core_web_sm" in listed and ("missing" in listed or "here" in listed)
    assert "no-such-model" in _refused(capsys, "models", "download", "no-such-model")


def test_a_folder_of_models_can_be_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T2C_MODELS_PATH", "elsewhere")
    weights = tmp_path / "video-pretrained" / "latest_net_G.safetensors"
    weights.parent.mkdir()
    weights.write_bytes(b"cut short")
    assert main(["models", "list", "--t2c-models-path", str(tmp_path)]) == 0
    assert f"{weights}" in capsys.readouterr().out
    assert main(["models", "verify", "video-pretrained", "--t2c-models-path", str(tmp_path)]) == 1
    assert "damaged" in capsys.readouterr().out


def test_a_pickle_becomes_safetensors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save({"module.layer.weight": torch.arange(6.0)}, tmp_path / "old.pth")
    assert main(["models", "convert", str(tmp_path / "old.pth")]) == 0
    written = Path(capsys.readouterr().out.strip())
    assert load_file(written)["layer.weight"].tolist() == [0, 1, 2, 3, 4, 5]
    assert "no file" in _refused(capsys, "models", "convert", str(tmp_path / "absent.pth"))


def test_a_failed_download_is_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    spacy_download = pytest.importorskip("spacy.cli.download")

    def no_network(name: str) -> None:
        raise SystemExit(1)

    monkeypatch.setattr(spacy_download, "download", no_network)
    with pytest.raises(UserError, match="by hand"):
        download("en_core_web_none", "spacy")


def test_evaluate_prints_the_measures(
    tmp_path: Path, still: Path, mask: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frames = tmp_path / "frames"
    assert _animate(still, mask, "-o", f"{frames}/") == 0
    capsys.readouterr()
    line = ["evaluate", str(frames), "--image", str(still), "--mask", str(mask), "--angle", "180", "--json"]
    assert main(line) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["frames"] == 6 and report["angle"] == 180 and report["seam_ratio"] > 0
    assert main(line[:-1]) == 0 and "seam" in capsys.readouterr().out


def test_a_file_is_no_folder_of_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(SystemExit):
        main(["models", "list", "--t2c-models-path", str(tmp_path / "a.safetensors")])
    assert "is a file; name a folder" in capsys.readouterr().err


def test_a_limit_is_said_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["animate", "a.png", "--seed", "99999999999999999999"])
    assert "from 0 to 4294967295" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["a=x.png", "A=y.png"], [" =x.png"], ["a=x.png", "y.png"]])
def test_masks_have_names_of_their_own(given: list[str]) -> None:
    with pytest.raises(UserError, match="--mask"):
        masks(given)
