"""The loops under a gallery: what the panel keeps, how it is shown, and going on from a region that is chosen."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch")

from t2c_ext.types import Attention

WIDTH, HEIGHT, SEED = 96, 64, 4321


@pytest.fixture(autouse=True)
def host(small_host: Any) -> Any:
    """The small host; what it has loaded."""
    small_host.sd_model = SimpleNamespace()
    return small_host


def _rows() -> np.ndarray:
    """What each of 24 places looked at; each row sums to 1."""
    rows = np.random.default_rng(2).random((24, 24), np.float32)
    return np.asarray(rows / rows.sum(axis=1, keepdims=True), np.float32)


def _noise(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))


def _saved(tmp_path: Path, **more: object) -> tuple[Any, tuple[str, ...]]:
    """A picture with its twin, its loop made as the panel makes it, and sentences."""
    from t2c_ext.progress import Reporter
    from t2c_ext.webui.loops import Shot, save_loop
    from t2c_ext.webui.options import read_options

    attention = Attention((4, 6), _rows())
    art = _noise(0)
    shot = Shot(
        art, "a river, ink", SEED, infotext=f"a river, ink\nSteps: 4, Sampler: Euler, Seed: {SEED}, Size: 96x64"
    )
    shot.natural, shot.attention = _noise(1), attention
    options = read_options([{"motion": "river flowing left", "frames": 6, "format": "gif", **more}])
    processing = SimpleNamespace(outpath_samples=str(tmp_path / "out"), steps=4, s_tmax=float("inf"), sd_model=None)
    _, notes = save_loop(processing, shot, options.recipe, options.mask, Reporter(), True)
    return shot, notes


def _lower_half() -> str:
    import base64
    import io

    levels = np.zeros((HEIGHT, WIDTH), np.uint8)
    levels[HEIGHT // 2 :] = 255
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _info(*shots: Any) -> str:
    """What the host tells the page of these pictures."""
    return json.dumps({"extra_generation_params": {"Cinemagraph ids": [shot.id for shot in shots]}, "infotexts": []})


def test_a_loop_is_shown_with_what_it_was_made_from(tmp_path: Path, host: Any) -> None:
    from modules import ui_tempdir

    from t2c_ext.webui.gallery import UnderGallery

    shot, _ = _saved(tmp_path, mask=_lower_half())
    html = UnderGallery("txt2img", True).show(_info(shot))
    assert f"Saved as <b>{shot.loop.name}</b>" in html and f'download="{shot.loop.name}"' in html
    assert f'data-t2c-open="{shot.id}"' in html and html.count("<img") == 3, "the loop, what moves, and how"
    assert str(shot.loop.resolve()) in ui_tempdir.registered
    assert UnderGallery("txt2img", True).show("") == UnderGallery("txt2img", True).show("[]") == ""


def test_a_video_shows_its_still_until_it_is_there(tmp_path: Path) -> None:
    from t2c_ext.webui.gallery import UnderGallery

    shot, _ = _saved(tmp_path, mask=_lower_half(), format="mp4")
    html = UnderGallery("txt2img", True).show(_info(shot))
    assert f"/{shot.loop.with_suffix('.png').name}?v=" in html.partition('poster="')[2].partition('"')[0]
    shot.loop.with_suffix(".png").unlink()
    assert "poster" not in UnderGallery("txt2img", True).show(_info(shot))


def test_a_region_that_is_chosen_moves_with_the_same_seed_and_twin(tmp_path: Path) -> None:
    from t2c_ext.webui.gallery import UnderGallery
    from t2c_ext.webui.kept import recall, workspace_of

    shot, (note,) = _saved(tmp_path, region="unicorn")
    assert shot.loop is None and shot.candidates and "click one of the regions" in note
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())
    folder = workspace_of(shot.id)
    assert folder is not None
    natural = (folder / "natural.png").read_bytes()
    under = UnderGallery("txt2img", True)
    html = under.show(_info(shot))
    assert html.count("data-t2c-choose=") == len(shot.candidates) == html.count("<img")
    choice = json.dumps({"id": shot.id, "region": shot.candidates[0]})
    views = list(under.choose(choice, _info(shot)))
    kept = recall(folder)
    assert kept is not None and Path(kept.saved).parent == tmp_path / "out" and kept.saved in views[-1]
    recipe = json.loads((folder / "recipe.json").read_text())["settings"]
    assert recipe["seed"] == SEED and recipe["region"] == shot.candidates[0]
    assert (folder / "natural.png").read_bytes() == natural and (folder / "attention.npz").exists()
    assert under.show(_info(shot)) == views[-1], "it is there after the page was loaded again, too"
    with Image.open(kept.still) as still:
        assert "Sampler: Euler" in still.info["parameters"]


def test_nothing_else_can_be_chosen(tmp_path: Path) -> None:
    from t2c_ext.webui.gallery import UnderGallery

    shot, _ = _saved(tmp_path, region="unicorn")
    under = UnderGallery("txt2img", True)
    for choice in ("", "[]", '{"id": "../x", "region": "a"}', json.dumps({"id": shot.id, "region": "unicorn"})):
        assert list(under.choose(choice, _info(shot))) == [under.show(_info(shot))]


def test_a_plot_s_loops_are_known_by_their_files(tmp_path: Path) -> None:
    from t2c_ext.webui.gallery import rows_of

    shots = [_saved(tmp_path, mask=_lower_half(), frames=frames)[0] for frames in (4, 5)]
    texts = [f'a river\nSteps: 4, Cinemagraph file: "{shot.loop.name}"' for shot in shots]
    found = rows_of(json.dumps({"extra_generation_params": {}, "infotexts": texts}))
    assert list(found) == [shot.id for shot in shots] and [kept.frames for _, kept in found.values()] == [4, 5]


def test_texts_are_escaped(tmp_path: Path) -> None:
    from t2c_ext.webui.cards import cards
    from t2c_ext.webui.kept import Kept

    kept = Kept(notes=("<b>",), candidates=('"><script>',))
    html = cards({"a" * 32: (tmp_path, kept)}, str, {})
    assert "<b>" not in html and "<script>" not in html and "&lt;b&gt;" in html


def test_a_damaged_note_shows_nothing(tmp_path: Path) -> None:
    from t2c_ext.webui.gallery import rows_of
    from t2c_ext.webui.kept import Kept, recall, remember, workspace_of

    shot, _ = _saved(tmp_path, mask=_lower_half())
    folder = workspace_of(shot.id)
    assert folder is not None
    kept = recall(folder)
    assert kept is not None
    remember(folder, replace(kept, saved=str(tmp_path / "gone.gif")))
    from t2c_ext.webui.gallery import UnderGallery

    assert "gone.gif is not there any more" in UnderGallery("txt2img", True).show(_info(shot)).lower()
    (folder / "view" / "panel.json").write_text("{")
    assert recall(folder) is None and rows_of(_info(shot)) == {} and Kept().saved == ""
