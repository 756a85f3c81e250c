"""The one table of settings, and the recipes made from it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe, read_recipe, recipe_from_infotext, recipe_from_json
from t2c_ext.settings import LONGEST, Setting, Value, groups, table
from t2c_ext.types import Stage

ROWS = list(table())


def test_names_flags_and_infotext_keys_are_unique() -> None:
    for attribute in ("name", "flag", "infotext"):
        values = [getattr(row, attribute) for row in ROWS]
        assert len(set(values)) == len(values), attribute


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_row_is_complete(row: Setting) -> None:
    assert row.label and row.help.endswith("."), "it has a label, and a help that ends in a full stop"
    assert row.check(row.default) == row.default
    if row.type in (int, float):
        assert row.minimum is not None and row.maximum is not None
        with pytest.raises(UserError, match=row.name):
            row.check(row.maximum + 1)
    if row.choices:
        with pytest.raises(UserError, match=row.choices[0]):
            row.check("no such choice")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_values_of_another_type_are_refused(row: Setting) -> None:
    wrong: dict[type, list[object]] = {
        bool: [1, "yes", None],
        int: [True, 1.5, "many", None, float("nan"), 10**400],
        float: [True, "fast", None, float("nan"), 10**400],
        str: [1, None, True],
    }
    for value in wrong[row.type]:
        with pytest.raises(UserError, match=row.name) as refused:
            row.check(value)
        assert "a true" not in str(refused.value)


def _values() -> st.SearchStrategy[dict[str, Value]]:
    def one(row: Setting) -> st.SearchStrategy[Value]:
        if row.type is bool:
            return st.booleans()
        if row.choices:
            return st.sampled_from(row.choices)
        if row.type is str:
            return st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=30)
        assert row.minimum is not None and row.maximum is not None, f"{row.name} has neither choices nor bounds"
        if row.type is int:
            return st.integers(int(row.minimum), int(row.maximum))
        return st.floats(row.minimum, row.maximum)

    return st.fixed_dictionaries({}, optional={row.name: one(row) for row in ROWS})


@given(_values())
def test_recipes_round_trip(values: dict[str, Value]) -> None:
    recipe = Recipe().with_values(values)
    assert recipe_from_json(recipe.to_json()) == recipe
    assert recipe_from_infotext(f"a lake, Steps: 20, {recipe.to_infotext()}, Version: v1.10.1") == recipe


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("/home/ann/models/sea.safetensors", "sea.safetensors"),
        ("C:\\Users\\ann\\sea.ckpt", "sea.ckpt"),
        ("models/sea.safetensors", "sea.safetensors"),
        ("~/models/sea/", "sea"),
        ("../sea", "sea"),
        ("stabilityai/stable-diffusion-2-1", "stabilityai/stable-diffusion-2-1"),
        ("", ""),
    ],
)
def test_what_is_passed_on_names_no_place(model: str, name: str) -> None:
    recipe = Recipe().with_values({"model": model, "lora_folder": "/home/ann/lora", "embeddings_folder": "C:\\ann"})
    passed_on = recipe.shareable()
    assert passed_on.twin.model == name
    assert not any("ann" in text for text in (passed_on.to_json(), passed_on.to_infotext()))
    assert recipe_from_json(recipe.to_json()) == recipe, "a workspace keeps them: it runs on with them"


def test_settings_that_may_name_a_place_are_known() -> None:
    assert {row.name for row in ROWS if row.place} == {row.name for row in ROWS if "folder" in row.help + row.name} | {
        "embeddings_folder"
    }


def test_an_unchanged_recipe_has_no_infotext() -> None:
    assert Recipe().to_infotext() == ""
    assert Recipe().with_values({"frames": 90}).to_infotext() == "Cinemagraph frames: 90"


def test_every_group_is_in_the_recipe() -> None:
    assert set(Recipe().values()) == {row.name for row in ROWS}
    assert set(groups()) == set(Stage)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "a list, but must be an object"),
        (json.dumps({"version": 99, "settings": {}}), "version"),
        (json.dumps({"version": 1, "settings": {"colour": 1}}), "colour"),
        (json.dumps({"version": 1, "settings": {"frames": 0}}), "frames"),
        (json.dumps({"version": 1, "settings": {"frames": "NaN"}}), "frames"),
    ],
)
def test_bad_recipes_are_refused(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        recipe_from_json(text)


def test_texts_are_bounded_and_errors_repeat_only_how_a_value_begins() -> None:
    rows = {row.name: row for row in table()}
    assert rows["prompt"].check("a" * LONGEST) and rows["hints"].check("a" * (LONGEST + 1))
    for name, value in (("prompt", "a" * (LONGEST + 1)), ("format", "a" * 10**6), ("frames", "1" * 10**6)):
        with pytest.raises(UserError, match=name) as refused:
            rows[name].check(value)
        assert len(str(refused.value)) < 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[", "JSON"),
        ('{"prompt": 5}', "settings"),
        ('{"version": 9, "settings": {}}', "version"),
        ('{"version": 1, "settings": {"speedy": 1}}', "speedy"),
        ('{"version": 1, "settings": {"speed": "x"}}', "speed"),
        ('{"version": 1, "settings": {"hints": "{\\"version\\": 1, \\"arrows\\": 3}"}}', "arrows"),
    ],
)
def test_what_is_wrong_in_a_recipe_file_is_said_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "river.json"
    path.write_text(text)
    with pytest.raises(UserError, match=words) as error:
        read_recipe(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)
