"""Words of other languages are noticed, and said not to be read."""

from __future__ import annotations

import pytest

from t2c_ext.prompt.foreign import SENTENCE, is_foreign
from t2c_ext.prompt.parse import parse
from t2c_ext.settings import PromptSettings

FOREIGN = (
    "ein Fluss fließt nach links",
    "die Wolken ziehen nach rechts",
    "une rivière coule vers la gauche",
    "la cascade tombe vers le bas",
    "un río que fluye hacia la izquierda",
    "nubes hacia la derecha",
    "川が左へ流れる",
    "河流向左流动",
    "강이 왼쪽으로 흐른다",
    "река течёт влево",
)
ENGLISH = (
    "a river flowing left in front of a mountain, starry night style",
    "die of love by the see, le petit prince, 1890s",
    "Rio de Janeiro, clouds drifting right, by Caspar David Friedrich",
    "a café beside the Wasserfall hotel, rain falling down",
    "masterpiece, 1girl, <lora:add_detail:0.8>, (water:1.2)",
    "el greco style, smoke rising",
    "",
)


@pytest.mark.parametrize("text", FOREIGN)
def test_another_language_is_noticed_and_said(text: str) -> None:
    assert is_foreign(text)
    assert SENTENCE in parse(PromptSettings(motion=text)).notes
    assert SENTENCE in parse(PromptSettings(prompt=text)).notes


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_left_alone(text: str) -> None:
    assert not is_foreign(text) and SENTENCE not in parse(PromptSettings(prompt=text)).notes


def test_what_was_understood_all_the_same_needs_no_sentence() -> None:
    plan = parse(PromptSettings(prompt="富士山, a river flowing left"))
    assert plan.motions and SENTENCE not in plan.notes
