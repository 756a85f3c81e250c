"""Where the numeric fixtures and the sample pictures are."""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"

# beside other workers each takes its share of the processors; read by torch and numpy when they are first imported
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
if _workers > 1:
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // _workers)))

# the suite says the same of the same code, on a slow machine too; `--hypothesis-profile explore` looks further
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, max_examples=1000)
settings.load_profile("repeatable")


LONG = (
    "browser/test_canvas.py",
    "browser/test_app.py",
    "test_wheel.py",
    "test_twin_diffusion.py",
    "test_region.py",
    "test_batch_ray.py",
    "test_resume.py",
    "test_outputs.py",
    "test_batch_run.py",
    "test_workspace_damage.py",
    "test_evaluate.py",
    "test_motion_solver.py",
    "test_twin_diffusion_loading.py",
)
"""Files that take longest, the longest first; after them a long one that begins last would leave processors idle."""


def pytest_configure(config: pytest.Config) -> None:
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False  # xdist would hand out by the number of tests; the order below holds
        # a worker that a test fells ends the run and is named; with another in its place xdist waits for ever
        config.option.maxworkerrestart = config.option.maxworkerrestart or "0"


def _leaves_thorough_out(config: pytest.Config) -> bool:
    """Thorough tests are left out unless they are asked for: by the option, by a marker, or by their file's name."""
    named = config.option.markexpr or any(".py" in argument for argument in config.args)
    return not (config.option.thorough or named)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Beside other workers, which take a file each (`--dist loadfile`), long files first, then by their tests."""
    if _leaves_thorough_out(config):
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        items[:] = [item for item in items if not item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
    if not hasattr(config, "workerinput"):
        return
    files = [item.nodeid.partition("::")[0] for item in items]
    tests, places = Counter(files), {f"tests/{name}": place for place, name in enumerate(LONG)}
    ranks = {file: (places.get(file, len(LONG)), -tests[file]) for file in tests}
    items.sort(key=lambda item: ranks[item.nodeid.partition("::")[0]])


def pytest_collection_finish() -> None:
    """What was imported lives as long as the run: no search for garbage, which stages begin, need look through it."""
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not judged, and why, in one line for each reason."""
    reasons: dict[str, int] = {}
    if _leaves_thorough_out(terminalreporter.config):
        terminalreporter.section("the thorough tests were left out")
        terminalreporter.write_line("--thorough runs them, too: in a browser, from a wheel, with programs killed")
    for report in terminalreporter.getreports("skipped"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        reasons[reason.removeprefix("Skipped: ")] = reasons.get(reason.removeprefix("Skipped: "), 0) + 1
    if reasons:
        terminalreporter.section("not judged here")
        for reason, count in sorted(reasons.items(), key=lambda row: (-row[1], row[0])):
            terminalreporter.write_line(f"{count:5} {reason}")


def pytest_addoption(parser: pytest.Parser) -> None:
    # pytest's own --fixtures (a listing) stays available as --funcargs
    parser._anonymous._arggroup.conflict_handler = "resolve"
    parser.addoption("--fixtures", default=None, help="folder with INDEX.json and the numeric fixtures")
    parser.addoption("--segmentation-fixtures", default=None, help="likewise, of segmentation from attention")
    parser.addoption("--thorough", action="store_true", help="also the tests that take long")
    parser.addoption("--webui-dir", default=None, help="a WebUI's folder, for the tests in tests/webui")
    parser.addoption("--webui-python", default=None, help="its Python; else that of its own venv")


@dataclass(frozen=True)
class Fixtures:
    """A folder of numeric fixtures, described by its INDEX.json."""

    folder: Path
    index: dict[str, Any]

    def named(self, prefix: str) -> list[str]:
        """The entries whose name starts with `prefix` and whose file is there."""
        return [
            name
            for name, entry in self.index.items()
            if name.startswith(prefix) and "file" in entry and (self.folder / entry["file"]).exists()
        ]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of one entry."""
        with np.load(self.folder / self.index[name]["file"], allow_pickle=False) as data:
            return {key: data[key] for key in data.files}

    def document(self, name: str) -> Any:
        """The JSON table of one entry."""
        return json.loads((self.folder / self.index[name]["file"]).read_text(encoding="utf-8"))

    def tolerance(self, name: str) -> float:
        """The entry's tolerance; 0 means exact."""
        return float(self.index[name]["tolerance"])


def fixture_folder(config: pytest.Config) -> Path:
    """The folder given by --fixtures, else the shared set, else the subset that comes with the tests."""
    given = config.getoption("--fixtures")
    if given:
        return Path(given)
    shared = SHARED / "official" / "fixtures"
    return shared if shared.exists() else ROOT / "tests" / "fixtures"


@pytest.fixture(scope="session")
def fixtures(pytestconfig: pytest.Config) -> Fixtures:
    folder = fixture_folder(pytestconfig)
    return Fixtures(folder, json.loads((folder / "INDEX.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The sample pictures, where a checkout has them."""
    folder = SHARED / "pictures"
    if not folder.exists():
        pytest.skip("the sample pictures are not here")
    return folder


@pytest.fixture
def signals_heard() -> Iterator[None]:
    """Requests to end are heard, as in a terminal; who began the tests in the background may have them ignored."""
    usual: dict[str, Any] = {"SIGINT": signal.default_int_handler, "SIGHUP": signal.SIG_DFL, "SIGTERM": signal.SIG_DFL}
    numbers = {getattr(signal, name): heard for name, heard in usual.items() if hasattr(signal, name)}
    before = {number: signal.signal(number, heard) for number, heard in numbers.items()}
    yield
    for number, heard in before.items():
        signal.signal(number, heard)


@pytest.fixture
def small_host(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The `modules` of the small host (tests/fake_host), fresh, with data of its own; its `shared`."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "fake_host"))
    from modules import paths, shared

    paths.data_path = str(tmp_path_factory.mktemp("host"))
    yield shared
    for name in [name for name in sys.modules if name.split(".")[0] == "modules" or name == "t2c_ext.webui.script"]:
        del sys.modules[name]
