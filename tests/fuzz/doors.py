"""The doors: each makes one input of a seed and puts it in; success and UserError are both fine.

A door gets a random generator and a folder of its own for the files that it makes.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from t2c_ext.errors import UserError
from tests.fuzz import material

Door = Callable[[random.Random, Path], None]

HINTS = {
    "version": 2,
    "arrows": [{"from": [0.1, 0.2], "to": [0.3, 0.4], "region": "river"}],
    "swirls": [{"at": [0.5, 0.5], "radius": 0.2, "turn": 1}],
    "pins": [[0.1, 0.1]],
    "freeze": [[[0, 0], [1, 0], [1, 1]]],
    "regions": [{"name": "river", "angle": 180, "speed": 1, "kind": "translate", "colour": "#1c8fff"}],
}


class Untidy(Exception):
    """A refusal of more than one line, or without words."""


def picture(rng: random.Random, folder: Path) -> None:
    from t2c_ext.media.pictures import read_picture

    path = folder / rng.choice(["a.png", "a.jpg", "a.tif", "a"])
    made = material.deep_tiff(rng) if rng.random() < 0.1 else material.picture_files(rng)
    path.write_bytes(material.damaged(rng, made))
    read = read_picture(path)
    assert np.isfinite(read.rgb).all() and read.rgb.min() >= 0 and read.rgb.max() <= 1
    assert read.rgb.dtype == np.float32 and (read.alpha is None or read.alpha.shape == read.size)


def mask(rng: random.Random, folder: Path) -> None:
    from t2c_ext.media.pictures import take_mask

    (folder / "m.png").write_bytes(material.damaged(rng, material.picture_files(rng)))
    size = rng.choice([None, (24, 32), (48, 64), (640, 480), (8, 8)])
    read, _ = take_mask(folder / "m.png", size)
    assert np.isfinite(read).all() and read.max() > 0 and read.max() <= 1 and read.min() >= 0


def arrays(rng: random.Random, folder: Path) -> None:
    from t2c_ext.media.pictures import to_mask, to_picture
    from t2c_ext.motion.field import read_flow

    shape = rng.choice(
        [(16, 16), (16, 16, 3), (16, 16, 4), (16, 16, 1), (2, 16, 16), (16, 16, 2), (0, 16, 3), (1,), (), (9,) * 5]
    )
    kind = rng.choice(["u1", "u2", "f4", "f8", "f2", "?", "i4", "i8", "c8", "U3", "O", "M8[s]"])
    values: Any = np.zeros(shape, kind)
    if kind[0] in "uf" and values.size:
        values = (np.random.default_rng(rng.getrandbits(32)).random(shape) * rng.choice([1, 255, 1e30])).astype(kind)
        values.flat[0] = rng.choice([0, 1, 2])
        if kind[0] == "f":
            values.flat[-1] = rng.choice([np.nan, np.inf, 0.5])
    rng.choice([to_mask, to_picture, read_flow])(values)


def flow(rng: random.Random, folder: Path) -> None:
    from t2c_ext.motion.field import moving_by_flow, prepare_flow, read_flow
    from t2c_ext.settings import MotionSettings

    ending, data = material.flow_file(rng)
    path = folder / f"flow{ending if rng.random() < 0.9 else rng.choice(['.npz', '.flo', '.pt', '.txt'])}"
    path.write_bytes(material.damaged(rng, data))
    read = read_flow(path)
    if rng.random() < 0.5:
        moving_by_flow(read, 24, 32)
    field = prepare_flow(read, np.ones((24, 32), np.float32), MotionSettings(speed=rng.choice([1.0, 0.0, 100.0]))).field
    assert field.shape == (24, 32, 2) and np.isfinite(field).all()


def attention(rng: random.Random, folder: Path) -> None:
    from t2c_ext.twin.maps import attention_picture, read_attention

    (folder / "attention.npz").write_bytes(material.damaged(rng, material.attention_file(rng)))
    attention_picture(read_attention(folder / "attention.npz"), 8, 8)


def hints(rng: random.Random, folder: Path) -> None:
    from t2c_ext.motion.hints import parse_hints, to_json

    made = HINTS | {"still": base64.b64encode(material.damaged(rng, material.picture_files(rng))).decode()}
    value = material.changed(rng, made if rng.random() < 0.3 else HINTS)
    given = value if isinstance(value, dict) and rng.random() < 0.3 else material.as_text(rng, value).decode("latin-1")
    (folder / "hints.json").write_text(json.dumps(value, default=str), encoding="utf-8", errors="replace")
    read = parse_hints(given)
    assert parse_hints(to_json(read)) == read


def recipe(rng: random.Random, folder: Path) -> None:
    from t2c_ext.documents import read_text
    from t2c_ext.recipe import Recipe, recipe_from_infotext, recipe_from_json

    if rng.random() < 0.3:
        recipe_from_infotext(
            Recipe().to_infotext() + material.words(rng) + "Cinemagraph frames: " + material.words(rng, 2)
        )
        return
    (folder / "recipe.json").write_bytes(material.as_text(rng, material.changed(rng, json.loads(Recipe().to_json()))))
    read = recipe_from_json(read_text(folder / "recipe.json"))
    assert recipe_from_json(read.to_json()) == read


def setting(rng: random.Random, folder: Path) -> None:
    from t2c_ext.recipe import Recipe
    from t2c_ext.settings import table

    row = rng.choice(list(table()))
    value = rng.choice(
        [material.document(rng), material.words(rng, 3), str(rng.choice(material.NUMBERS)), float("nan")]
    )
    (folder / "setting.txt").write_text(ascii((row.name, value)), encoding="utf-8")
    made = Recipe().with_values({row.name: value})
    made.to_infotext()


def prompt(rng: random.Random, folder: Path) -> None:
    from t2c_ext.prompt.parse import parse
    from t2c_ext.settings import PromptSettings

    text = material.words(rng)
    (folder / "prompt.txt").write_text(ascii(text), encoding="utf-8")
    parse(PromptSettings(prompt=text, motion=material.words(rng) if rng.random() < 0.3 else ""))


def archive(rng: random.Random, folder: Path) -> None:
    from t2c_ext.weights.unpack import unpack

    ending, data = material.archive(rng)
    inside = folder / "inside"
    inside.mkdir()
    (folder / f"a{ending}").write_bytes(material.damaged(rng, data))
    before = {path for path in folder.iterdir()}
    try:
        unpack(folder / f"a{ending}", inside)
    finally:
        assert {path for path in folder.iterdir()} == before, "something was written outside the folder"


def weights(rng: random.Random, folder: Path) -> None:
    from t2c_ext.weights.states import load_content, load_state, load_tensor

    ending, data = material.weights_file(rng)
    (folder / f"w{ending}").write_bytes(material.damaged(rng, data))
    rng.choice([load_state, load_content, load_tensor])(folder / f"w{ending}")


def request(rng: random.Random, folder: Path) -> None:
    from t2c_ext.media.depth import read_depth
    from t2c_ext.service import decode_file, decode_picture, read_masks

    data = material.damaged(rng, material.picture_files(rng))
    if rng.random() < 0.3:
        plane = io.BytesIO()
        kind = rng.choice(["u1", "u2", "f4", "f8", "?", "i8", "c8"])
        np.save(plane, np.arange(64).reshape(rng.choice([(8, 8), (8, 8, 1), (64,), (4, 4, 4)])).astype(kind))
        data = material.damaged(rng, plane.getvalue())
    text = base64.b64encode(data).decode()
    text = rng.choice([text, "data:image/png;base64," + text, text[:-1], text + "=", material.words(rng), ""])
    (folder / "request.txt").write_text(ascii(text), encoding="utf-8")
    turn = rng.random()
    if turn < 0.4:
        decode_picture(text, "image")
    elif turn < 0.7:
        read_depth(decode_file(text, "depth"))
    else:
        read_masks({"river": text, material.words(rng, 2): text} if rng.random() < 0.3 else text)


def path(rng: random.Random, folder: Path) -> None:
    from t2c_ext.media.metadata import read_text
    from t2c_ext.media.pictures import read_mask, read_picture
    from t2c_ext.motion.field import read_flow

    names = [
        "",
        ".",
        "..",
        "a\nb",
        "a\0b",
        "x" * 4000,
        "/dev/null",
        "/dev/zero",
        "~",
        "a:b",
        "CON",
        "\ud800",
        "a/b" * 900,
    ]
    made = rng.choice(names) + rng.choice(["", ".png", ".npz", ".mp4", ".gif", "/"])
    (folder / "path.txt").write_text(ascii(made), encoding="utf-8")
    rng.choice([read_picture, read_mask, read_flow, read_text])(folder / made if rng.random() < 0.5 else Path(made))


def workspace(rng: random.Random, folder: Path) -> None:
    """A workspace of which files are damaged, cut, exchanged or gone, run again."""
    place = folder / "work"
    shutil.copytree(_workspace(), place)
    files = sorted(file for file in place.rglob("*") if file.is_file())
    for _ in range(rng.randrange(1, 3)):
        file = rng.choice(files)
        kind = rng.randrange(6)
        if kind == 0:
            file.write_bytes(b"")
        elif kind == 1:
            file.unlink(missing_ok=True)
        elif kind == 2:
            shutil.copyfile(rng.choice([other for other in files if other.exists() and other != file]), file)
        elif kind == 3 and file.suffix == ".json" and file.exists():
            with contextlib.suppress(ValueError):
                file.write_bytes(material.as_text(rng, material.changed(rng, json.loads(file.read_bytes()))))
        elif file.exists():
            file.write_bytes(material.damaged(rng, file.read_bytes()))
    _command("run", str(place), *(["--from", rng.choice(["region", "motion", "loop"])] if rng.random() < 0.3 else []))


def command(rng: random.Random, folder: Path) -> None:
    """The command line with an input of any kind."""
    (folder / "a.png").write_bytes(material.damaged(rng, material.picture_files(rng)))
    (folder / "m.png").write_bytes(material.picture_files(rng))
    ending, data = material.flow_file(rng)
    (folder / f"f{ending}").write_bytes(material.damaged(rng, data))
    given = ["animate", str(folder / "a.png"), "--frames", "2", "-o", str(folder / rng.choice(["o.gif", "o.mp4", "o"]))]
    given += rng.choice([[], ["--mask", str(folder / "m.png")], ["--mask", str(folder / "m.png")]])
    given += rng.choice([[], ["--flow", str(folder / f"f{ending}")]])
    given += rng.choice([[], ["--motion", material.words(rng, 6).replace("\0", "")]])
    _command(*given)


def _command(*arguments: str) -> None:
    """Run a command; UserError where it refuses in one line."""
    from t2c_ext.cli.parser import main

    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = 2 if error.code else 0
    errors = [line for line in said.getvalue().splitlines() if not line.startswith("note:")]
    if code and len(errors) != 1 and code != 2:
        raise Untidy(said.getvalue()[-500:])
    if code:
        raise UserError(errors[-1] if errors else "refused")


@cache
def _workspace() -> Path:
    """A sound workspace, made once."""
    from t2c_ext.api import animate

    place = Path(tempfile.mkdtemp(prefix="fuzz-")) / "work"
    rng = np.random.default_rng(0)
    masked = np.zeros((24, 32), np.float32)
    masked[8:20, 6:26] = 1
    animate(
        rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), mask={"river": masked}, motion="river flowing left",
        frames=2, workspace=place, format="gif", hints=json.dumps({"version": 1, "pins": [[0.5, 0.5]]}),
    )  # fmt: skip
    return place


DOORS: dict[str, Door] = {
    door.__name__: door
    for door in (
        picture, mask, arrays, flow, attention, hints, recipe, setting, prompt, archive, weights, request, path,
        workspace, command,
    )
}  # fmt: skip
