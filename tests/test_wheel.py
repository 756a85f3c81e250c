"""The wheel, installed outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from t2c_ext.demo import HOW
from t2c_ext.twin import miniature

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parent.parent


def _builds_here() -> bool:
    """Whether the installed setuptools is new enough; else pip fetches one for the build."""
    try:
        return int(metadata.version("setuptools").partition(".")[0]) >= 77
    except metadata.PackageNotFoundError:
        return False


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    if tracked.returncode:
        pytest.skip("this is no checkout")
    for name in tracked.stdout.splitlines():
        if (ROOT / name).is_file() and not name.startswith(("tests/", "benchmarks/", "examples/")):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder), "."]
    if _builds_here():
        command.insert(4, "--no-build-isolation")
    built = subprocess.run(command, check=False, cwd=source, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[-2000:]
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel's packages, which stands before everything else on the path."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def outside(installed: Path) -> dict[str, str]:
    """An environment in which Python finds the installed package and not the checkout."""
    return {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}


def run(installed: Path, *command: str, home: Path) -> subprocess.CompletedProcess[str]:
    environment = outside(installed)
    called = [sys.executable, *command]
    return subprocess.run(called, check=False, cwd=home, env=environment, capture_output=True, text=True, timeout=200)


def test_the_wheel_carries_the_page_s_scripts(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    scripts = [path.relative_to(ROOT).as_posix() for path in (ROOT / "javascript").rglob("*.*js")]
    assert {f"t2c_ext/{name}" for name in scripts} <= names and len(scripts) > 5
    assert {"t2c_ext/javascript/style.css", "t2c_ext/lexicon.toml", "t2c_ext/example/art.png"} <= names
    assert "t2c_ext/region/segmenters/small.onnx" in names
    built_in = {"miniature.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt"}
    assert {f"t2c_ext/twin/miniature/{name}" for name in built_in} <= names
    assert wheel.stat().st_size < 25e6
    assert {f"t2c_ext/batch/gallery/gallery.{ending}" for ending in ("html", "css", "mjs")} <= names
    assert not any(name.startswith(("tests", "world", "javascript", "scripts")) for name in names)


def test_the_installed_package_finds_them_and_animates(installed: Path, tmp_path: Path) -> None:
    where = run(
        installed,
        "-c",
        "from t2c_ext.ui.scripts import scripts_folder, style_sheet; print(scripts_folder()); assert style_sheet()",
        home=tmp_path,
    )
    assert where.returncode == 0, where.stderr
    assert where.stdout.strip() == str(installed / "t2c_ext" / "javascript")
    demo = run(installed, "-m", "t2c_ext", "demo", "-o", str(tmp_path / "demo"), home=tmp_path)
    assert demo.returncode == 0, demo.stderr
    assert (tmp_path / "demo" / "cinemagraph.mp4").stat().st_size > 10_000
    if miniature.can_draw():
        assert (tmp_path / "demo" / "sentence.mp4").stat().st_size > 5_000
        assert (tmp_path / "demo" / "sentence" / "stages.png").is_file()
    else:
        assert HOW in demo.stderr


def test_the_installed_app_gives_its_page_and_scripts_out(installed: Path, tmp_path: Path) -> None:
    pytest.importorskip("gradio")
    from browser.studio_app import served

    scripts = installed / "t2c_ext" / "javascript"
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    with served(tmp_path / "work", sys.executable, tmp_path, outside(installed)) as address:
        with visitor.open(address, timeout=30) as answer:
            assert "t2c/scripts/cinemagraph.js" in answer.read().decode(), "the page starts the script"
        for script in (scripts / "cinemagraph.js", scripts / "studio" / "main.mjs"):
            where = f"{address}t2c/scripts/{script.relative_to(scripts).as_posix()}"
            with visitor.open(where, timeout=30) as answer:
                assert answer.headers["Content-Type"].partition(";")[0] == "text/javascript"
                assert answer.read() == script.read_bytes()
