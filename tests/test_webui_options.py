"""The panel's values: one by one, as a dict, and in the generation parameters."""

from __future__ import annotations

import pytest

from t2c_ext.errors import UserError
from t2c_ext.recipe import recipe_from_infotext
from t2c_ext.settings import table
from t2c_ext.types import Stage
from t2c_ext.webui.options import OF_THE_HOST, OF_THE_TWIN, panel_rows, read_options


def test_every_setting_is_in_the_panel_or_comes_from_the_host() -> None:
    shown = {row.name for row in panel_rows()}
    for row in table():
        if row.stage is Stage.TWIN:
            assert (row.name in shown) == (row.name in OF_THE_TWIN), row.name
        else:
            assert (row.name in shown) != (row.name in OF_THE_HOST), row.name


def test_a_panel_and_a_dict_say_the_same() -> None:
    values = [row.default for row in panel_rows()]
    names = [row.name for row in panel_rows()]
    values[names.index("enabled")] = True
    values[names.index("frames")] = 24
    assert read_options(values) == read_options([{"enabled": True, "frames": 24}])


def test_what_a_dict_leaves_out_keeps_its_default() -> None:
    assert not read_options([{}]).panel.enabled
    assert read_options([]) == read_options([{}])


@pytest.mark.parametrize("given", [{"frames": 0}, {"enabled": "perhaps"}, {"frmaes": 3}])
def test_what_is_wrong_is_named(given: dict[str, object]) -> None:
    with pytest.raises(UserError, match=next(iter(given))):
        read_options([given])


def test_the_generation_parameters_bring_the_settings_back() -> None:
    options = read_options([{"enabled": True, "frames": 24, "motion": "river flowing left, fast", "texture": False}])
    text = "a river\nSteps: 20, " + ", ".join(
        f'{key}: "{value}"' if "," in value else f"{key}: {value}" for key, value in options.infotext().items()
    )
    found = recipe_from_infotext(text)
    assert found.loop.frames == 24 and found.motion.texture is False
    assert found.prompt.motion == "river flowing left, fast"
