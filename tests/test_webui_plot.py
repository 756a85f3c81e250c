"""The host's X/Y/Z plot as one loop: where its cells lie, and what it tells."""

from __future__ import annotations

import json
from collections.abc import Callable
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
def host(small_host: Any) -> None:
    """The small host."""


def _chosen(number: int) -> tuple[Any, tuple[int, ...]]:
    """The host's scripts that can be chosen, and the arguments that choose one of them; 0 for none."""
    from modules.scripts import PlotScript, Script

    return SimpleNamespace(selectable_scripts=[Script(), PlotScript()]), (number, 5)


NONE, OTHER, PLOT = 0, 1, 2


@dataclass
class _Processing:
    outpath_samples: str
    outpath_grids: str
    scripts: Any
    script_args: tuple[int, ...]
    closed: int = 0

    def close(self) -> None:
        self.closed += 1


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


def _processing(tmp_path: Path, number: int = PLOT) -> _Processing:
    return _Processing(str(tmp_path / "samples"), str(tmp_path / "grids"), *_chosen(number))


def _plotted(tmp_path: Path, draw: Any = _draw) -> tuple[Any, Any]:
    from modules.scripts import plot

    from t2c_ext.webui.axes import animate_grid

    plot.draw_xyz_grid = draw
    processing = _processing(tmp_path)
    before = dict(vars(processing))
    animate_grid(processing)
    axes: dict[str, Any] = {"xs": [1, 2, 3], "ys": [1, 2], "zs": ["a", "b"]}
    sampled = _sampler(tmp_path, (1, 1, 0))

    def cell(*arguments: Any) -> Any:
        assert plot.draw_xyz_grid is draw and vars(processing) == before, "no trace from the first cell on"
        return sampled(*arguments)

    script = processing.scripts.selectable_scripts[PLOT - 1]
    processed = script.run(processing, cell=cell, draw_legend=True, margin_size=MARGIN, **axes)
    assert plot.draw_xyz_grid is draw, "the host's own way of drawing is back"
    processing.close()
    return processing, processed


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


@pytest.mark.parametrize("number", [NONE, OTHER])
def test_nothing_is_touched_where_no_plot_is_chosen(tmp_path: Path, number: int) -> None:
    from modules.scripts import draw_xyz_grid, plot

    from t2c_ext.webui.axes import animate_grid

    processing = _processing(tmp_path, number)
    before = dict(vars(processing))
    animate_grid(processing)
    assert plot.draw_xyz_grid is draw_xyz_grid and vars(processing) == before


def test_a_plot_that_never_draws_leaves_no_trace(tmp_path: Path) -> None:
    """One whose values are refused; the host closes its pictures all the same."""
    from modules.scripts import draw_xyz_grid, plot

    from t2c_ext.webui.axes import animate_grid

    processing = _processing(tmp_path)
    animate_grid(processing)
    assert plot.draw_xyz_grid is not draw_xyz_grid
    processing.close()
    assert plot.draw_xyz_grid is draw_xyz_grid and processing.closed == 1


def test_another_s_grid_is_drawn_as_it_is(tmp_path: Path) -> None:
    from modules.scripts import draw_xyz_grid, plot

    from t2c_ext.webui.axes import animate_grid

    waiting, other = _processing(tmp_path), _processing(tmp_path)
    animate_grid(waiting)
    cell = _sampler(tmp_path, (9, 9, 9))
    processed = plot.draw_xyz_grid(other, cell=cell)
    assert processed.comments == "" and not (tmp_path / "grids").exists()
    waiting.close()
    assert plot.draw_xyz_grid is draw_xyz_grid


@pytest.mark.parametrize("given", [{"grid": True}, {"grid": False}, {"grid": True, "speed": "fast"}])
def test_only_a_panel_that_asks_for_it_has_its_grid_watched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: dict[str, object]
) -> None:
    """Of one whose values are refused each picture says so."""
    from t2c_ext.webui import script

    seen: list[Any] = []
    monkeypatch.setattr(script, "animate_grid", seen.append)
    processing = _processing(tmp_path)
    script.CinemagraphScript().setup(processing, {"enabled": True, **given})
    assert seen == ([processing] if given == {"grid": True} else [])
