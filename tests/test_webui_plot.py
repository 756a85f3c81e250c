"""The host's X/Y/Z plot as one loop: where its cells lie, and what it tells."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from t2c_ext.media.frames import read_video
from t2c_ext.media.videos import write_video
from t2c_ext.settings import LoopSettings

SIDE, LEGEND, MARGIN = 32, 24, 4


@pytest.fixture(autouse=True)
def host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """The small host, whose data lies in the test's folder."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "fake_host"))
    from modules import paths

    paths.data_path = str(tmp_path / "data")
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "modules"]:
        del sys.modules[name]


@dataclass
class _Processing:
    outpath_samples: str
    outpath_grids: str


@dataclass
class _Processed:
    images: list[Any]
    comments: str = ""
    prompt: str = "a river"
    seed: int = 5
    extra_generation_params: dict[str, Any] = field(default_factory=dict)


def _draw(processing: Any, *, xs: Any, ys: Any, zs: Any, cell: Any, draw_legend: bool, margin_size: int) -> Any:
    """The host's way of drawing: cells with margins, a legend left and above, the grids of all Z beside each other."""
    cells = {}
    for z, y, x in [(z, y, x) for z in range(len(zs)) for y in range(len(ys)) for x in range(len(xs))]:
        cells[x, y, z] = cell(xs[x], ys[y], zs[z], x, y, z)
    step = SIDE + margin_size
    size = LEGEND + len(xs) * step - margin_size, LEGEND + len(ys) * step - margin_size
    grids = []
    for z in range(len(zs)):
        grid = Image.new("RGB", size, "white")
        for x, y in [(x, y) for x in range(len(xs)) for y in range(len(ys))]:
            grid.paste(cells[x, y, z].images[0], (LEGEND + x * step, LEGEND + y * step))
        grids.append(grid)
    whole = Image.new("RGB", (len(zs) * size[0], LEGEND + size[1]), "white")
    for z, grid in enumerate(grids):
        whole.paste(grid, (z * size[0], LEGEND))
    first = cells[0, 0, 0]
    pictures = [cells[x, y, z].images[0] for z in range(len(zs)) for y in range(len(ys)) for x in range(len(xs))]
    return _Processed([whole, *grids, *pictures], first.comments)


def _level(place: tuple[int, int, int], frame: int) -> int:
    return 20 + 10 * (place[0] + 3 * place[1] + 6 * place[2]) + frame


def _sampler(folder: Path, without: tuple[int, int, int]) -> Callable[..., Any]:
    """Makes plain cells with loops of two frames, one of them without."""

    def cell(x: Any, y: Any, z: Any, *place: int) -> Any:
        from t2c_ext.webui.axes import CELL
        from t2c_ext.webui.kept import Kept, new_workspace, remember
        from t2c_ext.webui.plot import Cell

        at = (place[0], place[1], place[2])
        frames = [np.full((SIDE, SIDE, 3), _level(at, frame), np.uint8) for frame in (0, 1)]
        processed = _Processed([Image.fromarray(frames[0])])
        if at != without:
            path = folder / f"{'-'.join(map(str, at))}.apng"
            write_video(path, lambda: iter(frames), size=(SIDE, SIDE), count=2, fps=10)
            workspace = new_workspace()
            remember(workspace, Kept(saved=str(path)))
            setattr(processed, CELL, Cell(path, 2, workspace.name, LoopSettings(format="apng", fps=10)))
        return processed

    return cell


def _plotted(tmp_path: Path, draw: Any = _draw) -> tuple[Any, Any]:
    from t2c_ext.webui.axes import animate_grids

    plot = SimpleNamespace(draw_xyz_grid=draw)
    animate_grids(plot)
    wrapped = plot.draw_xyz_grid
    animate_grids(plot)
    assert plot.draw_xyz_grid is wrapped, "a page that is built again wraps nothing twice"
    processing = _Processing(str(tmp_path / "samples"), str(tmp_path / "grids"))
    axes: dict[str, Any] = {"xs": [1, 2, 3], "ys": [1, 2], "zs": ["a", "b"]}
    cell = _sampler(tmp_path, (1, 1, 0))
    return processing, plot.draw_xyz_grid(processing, cell=cell, draw_legend=True, margin_size=MARGIN, **axes)


def test_every_cell_moves_in_its_place(tmp_path: Path) -> None:
    """The cell without a loop, the legend and the margins stand still."""
    _, processed = _plotted(tmp_path)
    path = Path(processed.extra_generation_params["Cinemagraph grid"])
    assert path.parent == tmp_path / "grids" and path.suffix == ".apng" and path.with_suffix(".png").is_file()
    assert f"the moving grid is saved as {path.name}" in processed.comments
    still, frames = np.asarray(processed.images[0]), list(read_video(path))
    assert len(frames) == 2 and frames[0].shape == still.shape and (frames[0] == still).all()
    expected = still.copy()
    for x, y, z in [(x, y, z) for x in range(3) for y in range(2) for z in range(2) if (x, y, z) != (1, 1, 0)]:
        left = z * processed.images[1].size[0] + LEGEND + x * (SIDE + MARGIN)
        top = LEGEND + LEGEND + y * (SIDE + MARGIN)
        expected[top : top + SIDE, left : left + SIDE] = _level((x, y, z), 1)
    assert (frames[1] == expected).all()


def test_the_grid_is_shown_with_its_cells(tmp_path: Path) -> None:
    from t2c_ext.webui.cards import cards
    from t2c_ext.webui.gallery import rows_of
    from t2c_ext.webui.kept import cinemagraphs_folder, recall

    _, processed = _plotted(tmp_path)
    path = Path(processed.extra_generation_params["Cinemagraph grid"])
    kept = {folder.name: recall(folder) for folder in cinemagraphs_folder().iterdir()}
    (id,) = [id for id, row in kept.items() if row is not None and row.grid]
    html = cards(rows_of(json.dumps({"extra_generation_params": {"Cinemagraph ids": [id]}})), str, {})
    assert html.count("t2c-whole-grid") == 1 and path.name in html
    path.unlink()
    assert "t2c-whole-grid" not in cards(
        rows_of(json.dumps({"extra_generation_params": {"Cinemagraph ids": [id]}})), str, {}
    )


def test_a_plot_without_our_loops_is_the_host_s_own(tmp_path: Path) -> None:
    def still(processing: Any, *, cell: Any, **named: Any) -> Any:
        return _draw(processing, cell=lambda *at: _Processed([Image.new("RGB", (SIDE, SIDE))]), **named)

    _, processed = _plotted(tmp_path, still)
    assert processed.comments == "" and processed.extra_generation_params == {}
    assert not (tmp_path / "grids").exists()


def test_a_grid_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "grids").write_text("a file where the folder should be")
    _, processed = _plotted(tmp_path)
    assert "there is no moving grid: cannot write" in processed.comments
    assert "Cinemagraph grid" not in processed.extra_generation_params
