"""The page in Gradio, where that is installed, and the command that serves it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from t2c_ext.cli import main


@pytest.mark.parametrize("model", ["", "some/checkpoint"])
def test_every_element_has_an_id_of_its_own(tmp_path: Path, model: str) -> None:
    pytest.importorskip("gradio")
    from t2c_ext.app import build
    from t2c_ext.ui.studio import Studio

    demo = build(Studio(tmp_path, model), str)
    ids = [block.elem_id for block in demo.blocks.values() if getattr(block, "elem_id", None)]
    assert len(set(ids)) == len(ids) and {"t2c_picture", "t2c_animate", "t2c_cancel", "t2c_run_region"} <= set(ids)
    assert ("t2c_generate" in ids) == bool(model) and "t2c_model" not in ids


def test_without_gradio_it_says_how_to_get_it(capsys: pytest.CaptureFixture[str]) -> None:
    if importlib.util.find_spec("gradio") is not None:
        pytest.skip("Gradio is installed")
    assert main(["app"]) == 1
    assert "pip install" in capsys.readouterr().err


@pytest.mark.parametrize("pair", ["anna", "anna:", ":secret"])
def test_a_user_needs_a_password(capsys: pytest.CaptureFixture[str], pair: str) -> None:
    assert main(["app", "--auth", pair]) == 1
    assert "USER:PASSWORD" in capsys.readouterr().err
