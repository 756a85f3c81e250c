"""From regions back to words: what is written is read as the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.compass import direction_words
from t2c_ext.lexicon import load_flowing, load_lexicon
from t2c_ext.prompt.describe import SPEEDS, Stated, describe
from t2c_ext.prompt.parse import parse
from t2c_ext.settings import PromptSettings
from t2c_ext.types import Motion, MotionKind

WORDS = sorted({word for thing in load_flowing() for word in thing.words})
SWAYING = sorted({word for thing in load_lexicon() if thing.kind is MotionKind.SWAY for word in thing.words})
FLICKERING = sorted({word for thing in load_lexicon() if thing.kind is MotionKind.FLICKER for word in thing.words})
names = st.sampled_from(WORDS)
speeds = st.sampled_from(sorted(SPEEDS))
angles = st.integers(0, 359).map(float)
moving = st.builds(Stated, names, angles, st.none() | st.just(MotionKind.TRANSLATE), speeds) | st.builds(
    Stated, names, st.none(), st.sampled_from([MotionKind.SWIRL, MotionKind.SWIRL_CW, MotionKind.SWIRL_CCW]), speeds
)
several = st.lists(moving, min_size=1, max_size=4, unique_by=lambda region: region.name)
loose_texts = st.sampled_from(
    ["", "starry night", "birds singing, river flowing left", "in right to left, upwards direction", "from above, fast"]
)


def read(text: str) -> dict[str, Motion]:
    plan = parse(PromptSettings(motion=text))
    return {motion.region: motion for motion in (*plan.motions, *plan.laws)}


@settings(max_examples=300)
@given(several, loose_texts)
def test_what_is_described_is_read_again(regions: list[Stated], text: str) -> None:
    expected = {region.name: region.motion for region in regions}
    assert read(describe(regions, text)) == expected


@pytest.mark.parametrize("word", WORDS)
def test_every_word_of_the_lexicon_can_be_said(word: str) -> None:
    for region in (Stated(word, 200.0, None, 2.0), Stated(word, None, MotionKind.SWIRL_CCW)):
        assert read(describe([region])) == {word: region.motion}


@pytest.mark.parametrize(
    ("word", "kind"),
    [*((word, MotionKind.SWAY) for word in SWAYING), *((word, MotionKind.FLICKER) for word in FLICKERING)],
)
def test_every_word_that_does_not_flow_can_be_said(word: str, kind: MotionKind) -> None:
    region = Stated(word, None, kind, 0.5)
    assert read(describe([region])) == {word: region.motion}


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Stated("trees", None, MotionKind.SWAY, 0.5), "trees swaying slowly"),
        (Stated("candles", None, MotionKind.FLICKER), "candles flickering"),
        (Stated("lake", None, MotionKind.RIPPLE), "lake rippling"),
        (Stated("river", 180.0), "river flowing left"),
        (Stated("clouds", 0.2, MotionKind.TRANSLATE, 0.6), "clouds drifting slowly right"),
        (Stated("waterfall", 270.0), "waterfall falling"),
        (Stated("smoke", 90.0, None, 1.6), "smoke rising quickly"),
        (Stated("rain", 240.0), "rain drifting at 240 degrees"),
        (Stated("sea", 135.0), "sea flowing towards the upper left"),
        (Stated("whirlpool", None, MotionKind.SWIRL_CW), "whirlpool swirling clockwise"),
        (Stated("river", -90.0), "river flowing down"),
        (Stated("clouds"), "clouds"),
    ],
)
def test_words_that_fit_the_thing(region: Stated, words: str) -> None:
    assert describe([region]) == words


def test_what_stands_and_still_holds_is_left_as_it_was_written() -> None:
    text = "the mighty river flows gently to the left; clouds drift right"
    river, clouds = Stated("river", 180.0, speed=0.5), Stated("clouds", 0.0)
    assert describe([river, clouds], text) == text
    turned = describe([Stated("river", 90.0), clouds], text)
    assert turned == "river flowing up, clouds drift right"


def test_parts_that_nothing_is_known_about_are_kept_and_regions_that_are_gone_go() -> None:
    text = "a calm evening, river flowing left, clouds drifting right, oil on canvas"
    assert describe([Stated("river", 0.0)], text) == "a calm evening, river flowing right, oil on canvas"
    assert describe([], text) == "a calm evening, oil on canvas"


def test_a_region_that_no_word_names_is_left_out() -> None:
    assert describe([Stated("Region 1", 90.0), Stated("river", 180.0)]) == "river flowing left"


@pytest.mark.parametrize(
    ("angle", "words"), [(0.2, "right"), (359.6, "right"), (-45, "towards the lower right"), (194, "at 194 degrees")]
)
def test_directions_in_words(angle: float, words: str) -> None:
    assert direction_words(angle) == words
