"""The panel's values: one by one, as a dict, and in the generation parameters."""

from __future__ import annotations

import json

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.motion.painted import encode_painted
from t2c_ext.recipe import recipe_from_infotext
from t2c_ext.settings import table
from t2c_ext.types import Painted, Stage
from t2c_ext.webui.options import OF_THE_HOST, OF_THE_TWIN, WITHOUT_ROOM, panel_rows, read_options


def test_every_setting_is_in_the_panel_or_comes_from_the_host() -> None:
    shown = {row.name for row in panel_rows()}
    for row in table():
        if row.stage is Stage.TWIN:
            assert (row.name in shown) == (row.name in OF_THE_TWIN), row.name
        else:
            assert (row.name in shown) != (row.name in OF_THE_HOST + WITHOUT_ROOM), row.name


def test_a_panel_and_a_dict_say_the_same() -> None:
    values = [row.default for row in panel_rows()]
    names = [row.name for row in panel_rows()]
    values[names.index("enabled")] = True
    values[names.index("frames")] = 24
    assert read_options(values) == read_options([{"enabled": True, "frames": 24}])


def test_what_a_dict_leaves_out_keeps_its_default() -> None:
    assert not read_options([{}]).panel.enabled
    assert read_options([]) == read_options([{}])


@pytest.mark.parametrize("given", [{"frames": 0}, {"enabled": "perhaps"}, {"frmaes": 3}, {"hints": "x"}])
def test_what_is_wrong_is_named(given: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(given))):
        read_options([given])


@pytest.mark.parametrize("name", [row.name for row in table()])
def test_what_has_no_effect_here_is_refused(name: str) -> None:
    given = {name: next(row.default for row in table() if row.name == name)}
    if name in {row.name for row in panel_rows()} | set(WITHOUT_ROOM):
        read_options([given])
        return
    with pytest.raises(UserError, match=f"{name} is for the WebUI itself to say"):
        read_options([given])


def test_the_generation_parameters_bring_the_settings_back() -> None:
    options = read_options([{"enabled": True, "frames": 24, "motion": "river flowing left, fast", "texture": False}])
    text = "a river\nSteps: 20, " + ", ".join(
        f'{key}: "{value}"' if "," in value else f"{key}: {value}" for key, value in options.infotext().items()
    )
    found = recipe_from_infotext(text)
    assert found.loop.frames == 24 and found.motion.texture is False
    assert found.prompt.motion == "river flowing left, fast"


def test_an_emptied_text_comes_back_empty() -> None:
    written = read_options([{"enabled": True, "natural_terms": ""}]).infotext()["Cinemagraph natural terms"]
    assert written == '""', "the host's parser drops what is empty, and reads quotes as JSON"
    assert recipe_from_infotext(f"a\nSteps: 20, Cinemagraph natural terms: {written}").prompt.natural_terms == ""


def test_the_generation_parameters_leave_out_what_is_painted() -> None:
    painted = encode_painted(Painted(np.full((8, 8), 255, np.uint8)))
    region = {"name": "river", "angle": 180.0, "speed": 1.0}
    hints = json.dumps({"version": 2, "regions": [region | {"mask": painted}]})
    options = read_options([{"enabled": True, "hints": hints}])
    assert painted in options.recipe.motion.hints
    assert json.loads(options.infotext()["Cinemagraph hints"])["regions"] == [region]
