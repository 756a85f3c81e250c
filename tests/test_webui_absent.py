"""The extension where a package that it needs is missing: the WebUI loads it, and the panel says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("gradio")
pytest.importorskip("torch")

TESTS = Path(__file__).resolve().parent

CODE = """
import runpy, sys
from types import SimpleNamespace
sys.modules[{missing!r}] = None
import gradio as gr
from modules import scripts
found = runpy.run_path({script!r})
(script,) = [kind for kind in found.values() if isinstance(kind, type) and issubclass(kind, scripts.Script)]
with gr.Blocks():
    (enabled,) = script().ui(False)
for given, told in ((False, 0), (True, 1), ({{"enabled": True}}, 1), ({{}}, 0)):
    comments = []
    p = SimpleNamespace(comment=comments.append, extra_generation_params={{}})
    script().process(p, given)
    assert len(comments) == len(p.extra_generation_params) == told, given
    assert all({missing!r} in comment for comment in comments)
"""


@pytest.mark.parametrize("missing", ["av", "numba", "cv2"])
def test_a_missing_package_is_a_sentence_in_the_panel(missing: str) -> None:
    code = CODE.format(missing=missing, script=str(TESTS.parent / "scripts" / "cinemagraph.py"))
    environment = os.environ | {"PYTHONPATH": str(TESTS / "fake_host")}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert found.returncode == 0 and found.stderr.count("Traceback") == 0, found.stderr
    assert found.stdout.startswith("Text2Cinemagraph: Cinemagraph does not work yet: ")
