"""Generation parameters: every setting goes into them, travels in the files, and comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from t2c_ext.recipe import recipe_from_infotext
from t2c_ext.settings import Setting
from t2c_ext.webui.options import panel_rows, read_options
from t2c_ext.webui.panel import pasted
from webui.requests import SIDE, ask, encoded, panel, txt2img
from webui.server import Server


def _other(row: Setting) -> Any:
    """A value that is not the default."""
    if row.type is bool:
        return not row.default
    if row.choices:
        return next(choice for choice in row.choices if choice != row.default)
    if row.type is str:
        return '{"version": 1, "pins": [[0.5, 0.25]]}' if row.name == "hints" else f'{row.name}: "left", \\fast'
    low, high = row.minimum or 0, min(row.maximum or 1, 40)
    return row.type(low + (high - low) / 2) if row.type(low + (high - low) / 2) != row.default else row.type(high)


def _parameters(server: Server, path: Path) -> dict[str, Any]:
    """What the PNG Info tab reads in a file."""
    import base64

    body = {"image": base64.b64encode(path.read_bytes()).decode()}
    found: dict[str, Any] = server.post("/sdapi/v1/png-info", body)["parameters"]
    return found


def test_every_setting_comes_back_from_the_picture(server: Server) -> None:
    values = {row.name: _other(row) for row in panel_rows()} | {"enabled": True, "twin": False, "renderer": "warp"}
    values |= {"motion_model": "solver", "segmenter": "clusters", "frames": 8, "format": "mp4", "max_megabytes": 0.5}
    asked = read_options([values])
    answer = ask(server, txt2img(alwayson_scripts=panel(**values)))
    (loop,) = answer.loops
    found = _parameters(server, loop.with_suffix(".png"))
    restored = {row.name: row.check(pasted(row)(found)) for row in panel_rows()}
    again = read_options([restored])
    assert again == read_options([{**values}]) == asked
    assert found["Seed"] == "7" and found["Sampler"] == "Euler a"


@pytest.mark.parametrize("kind", ["gif", "webp", "apng"])
def test_the_loop_itself_carries_the_parameters(server: Server, kind: str) -> None:
    answer = ask(server, txt2img(alwayson_scripts=panel(format=kind, frames=12, twin=False)))
    (loop,) = answer.loops
    for file in (loop, loop.with_suffix(".png")):
        found = _parameters(server, file)
        assert found["Cinemagraph frames"] == "12" and found["Seed"] == "7" and found["Cinemagraph format"] == kind


def test_an_emptied_text_comes_back_empty(server: Server) -> None:
    (loop,) = ask(server, txt2img(alwayson_scripts=panel(natural_terms="", twin=False))).loops
    row = next(row for row in panel_rows() if row.name == "natural_terms")
    assert pasted(row)(_parameters(server, loop.with_suffix(".png"))) == ""


def test_a_plot_says_of_each_cell_what_became_of_its_loop(server: Server) -> None:
    axis = {"script_name": "x/y/z plot", "script_args": _plot(server, "[Cinemagraph] Speed", "1, 20, 2")}
    answer = ask(server, txt2img(alwayson_scripts=panel(twin=False)) | axis)
    first, second, third = answer.infotexts[answer.info["index_of_first_image"] :][:3]
    assert "Cinemagraph error" not in first + third and "speed is 20" in second
    files = [text.partition("Cinemagraph file: ")[2].split('"')[1] for text in (first, third)]
    assert len(set(files)) == 2 and answer.loops[0].name == files[0]
    assert "speed is 20" in server.output()


def _plot(server: Server, label: str, values: str) -> list[Any]:
    """The arguments of the host's plot with one axis."""
    scripts = server.get("/sdapi/v1/script-info")
    (script,) = [row for row in scripts if row["name"] == "x/y/z plot" and not row["is_img2img"]]
    nothing = [0, "", []]
    axes = [script["args"][0]["choices"].index(label), values, [], *nothing, *nothing]
    legend, pictures, sub_grids, margin = False, True, False, 0
    return [*axes, legend, pictures, sub_grids, False, False, False, False, margin, False]


def test_the_picture_carries_them_too_and_a_plain_one_none(server: Server) -> None:
    answer = ask(server, txt2img(alwayson_scripts=panel(frames=12, twin=False)))
    assert recipe_from_infotext(answer.infotexts[0]).loop.frames == 12
    assert "Cinemagraph" not in ask(server, txt2img()).infotexts[0]


def test_loops_follow_the_host_s_names(server: Server) -> None:
    request = txt2img(seed=123, alwayson_scripts=panel(twin=False))
    (loop,) = ask(server, request).loops
    assert loop.is_relative_to(server.data / "outputs" / "txt2img-images") and "123" in loop.name


@pytest.mark.parametrize("kind", ["mp4", "png"])
def test_a_run_that_makes_nothing_leaves_an_earlier_loop_and_no_file_of_its_own(server: Server, kind: str) -> None:
    names = {"samples_filename_pattern": f"keep-{kind}-v1.0", "save_images_add_number": False, "save_to_dirs": False}
    beside = {"save_txt": True, "export_for_4chan": True, "img_downscale_threshold": 0.01, "target_side_length": 100}
    request = txt2img(override_settings=names | beside)
    before = {name: server.get("/sdapi/v1/options")[name] for name in request["override_settings"]}
    outputs = server.data / "outputs"

    def files() -> dict[Path, bytes]:
        return {file: file.read_bytes() for file in outputs.rglob(f"*keep-{kind}*") if file.is_file()}

    failing = panel(format=kind, twin=False, mask=encoded(Image.new("L", (4 * SIDE, SIDE), 255)))
    try:
        refused = ask(server, request | {"alwayson_scripts": failing})
        assert not refused.loops and any("no loop was made" in note for note in refused.notes) and not files()
        (loop,) = ask(server, request | {"alwayson_scripts": panel(format=kind, twin=False)}).loops
        made = files()
        still = loop.with_suffix(".png") if kind == "mp4" else loop.with_name(f"{loop.name}.png")
        assert {file.stem for file in made} == {still.stem} and {".png", ".txt", ".jpg"} <= {
            file.suffix for file in made
        }
        assert not ask(server, request | {"alwayson_scripts": failing}).loops and files() == made
    finally:
        server.post("/sdapi/v1/options", before)
    assert not list(outputs.rglob(".cinemagraph-*"))


def test_places_are_neither_read_nor_written_through_the_host_s_api(server: Server) -> None:
    server.post("/sdapi/v1/options", {"t2c_folder": "/tmp/elsewhere", "t2c_models_path": "/tmp/elsewhere"})
    found = server.get("/sdapi/v1/options")
    assert found.get("t2c_folder", "") == "" and found.get("t2c_models_path", "") == ""


def test_the_user_s_defaults_hold_for_requests(server: Server) -> None:
    before = {name: server.get("/sdapi/v1/options")[name] for name in ("t2c_format", "t2c_frames")}
    server.post("/sdapi/v1/options", {"t2c_format": "gif", "t2c_frames": 5})
    try:
        values = panel(twin=False)
        values["Cinemagraph"]["args"][0].pop("frames")
        (loop,) = ask(server, txt2img(alwayson_scripts=values)).loops
    finally:
        server.post("/sdapi/v1/options", before)
    assert loop.suffix == ".gif" and _parameters(server, loop)["Cinemagraph frames"] == "5"
