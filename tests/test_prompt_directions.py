"""Motions from words: the shared rows, our own rows, and what the options change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from t2c_ext.prompt import parse
from t2c_ext.settings import PromptSettings
from t2c_ext.types import Motion, MotionKind

OWN = Path(__file__).parent / "data" / "directions.jsonl"
# beside a checkout; a clone does not have them, and judges its own rows only
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "directions" / "directions.jsonl"


def rows(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def agrees(expected: list[dict], found: tuple[Motion, ...]) -> bool:
    by_region = {motion.region: motion for motion in found}
    if len(by_region) != len(found) or set(by_region) != {row["region"] for row in expected}:
        return False
    for row in expected:
        motion = by_region[row["region"]]
        if motion.kind.value != row["kind"]:
            return False
        if row["angle"] is None:
            if motion.angle is not None:
                return False
        elif motion.angle is None or abs((motion.angle - row["angle"] + 180) % 360 - 180) > row["tolerance"]:
            return False
    return True


@pytest.mark.parametrize("row", rows(OWN) + rows(SHARED), ids=lambda row: row["prompt"][:60])
def test_states_exactly_these_motions(row: dict) -> None:
    plan = parse(PromptSettings(prompt=row["prompt"]))
    assert agrees(row["motions"], plan.motions), plan.motions


def test_the_comparison_can_fail() -> None:
    row = [{"region": "river", "angle": 180, "tolerance": 20, "kind": "translate"}]
    assert agrees(row, (Motion("river", 195.0),))
    assert not agrees(row, (Motion("river", 201.0),))
    assert not agrees(row, ())
    assert not agrees(row, (Motion("river", None, MotionKind.SWIRL),))


def test_motion_words_take_the_place_of_the_prompt() -> None:
    plan = parse(PromptSettings(prompt="a river flowing left under clouds", motion="clouds drifting right"))
    assert plan.motions == (Motion("clouds", 0.0),)
    assert plan.regions == ("clouds",)
    assert plan.art_prompt == "a river flowing under clouds"


@pytest.mark.parametrize(
    "words",
    [
        "river: left, clouds: right",
        "river - left, clouds - right",
        "river -> left, clouds -> right",
        "river → the left, clouds → the right",
        "river: to the left, clouds: from left to right",
        "river: ←, clouds: →",
        "left: river, right: clouds",
    ],
)
def test_marks_between_a_thing_and_its_direction(words: str) -> None:
    plan = parse(PromptSettings(prompt="a valley", motion=words))
    assert {motion.region: motion.angle for motion in plan.motions} == {"river": 180.0, "clouds": 0.0}


def test_a_mark_between_a_thing_and_its_verb() -> None:
    plan = parse(PromptSettings(prompt="a valley", motion="clouds: drifting right; trees: sway; camera: drifts"))
    assert [(motion.region, motion.angle) for motion in plan.motions] == [("clouds", 0.0)]
    assert [(law.region, law.kind.value) for law in plan.laws] == [("trees", "sway"), ("camera", "parallax")]


@pytest.mark.parametrize("words", ["slow drift right", "gentle flow right", "rightwards"])
def test_what_names_no_thing_is_of_whatever_moves(words: str) -> None:
    plan = parse(PromptSettings(prompt="a river and clouds", motion=words))
    assert [(motion.region, motion.angle) for motion in plan.motions] == [("", 0.0)]


def test_what_is_labelled_is_no_thing() -> None:
    plan = parse(PromptSettings(prompt="a river and clouds", motion="direction: left"))
    assert [(motion.region, motion.angle) for motion in plan.motions] == [("", 180.0)]


def test_terse_motion_words() -> None:
    plan = parse(PromptSettings(prompt="a valley", motion="river left, clouds right"))
    assert plan.motions == (Motion("river", 180.0), Motion("clouds", 0.0))


@pytest.mark.parametrize("words", ["flowing left", "left", "to the left", "leftwards"])
def test_motion_words_without_a_thing_mean_the_prompts_first(words: str) -> None:
    plan = parse(PromptSettings(prompt="a river in a valley", motion=words))
    assert plan.motions == (Motion("river", 180.0),)
    assert plan.regions == ("river",)


def test_motion_words_that_state_nothing_are_told() -> None:
    plan = parse(PromptSettings(prompt="a river", motion="as you like"))
    assert plan.motions == ()
    assert any("state no direction" in note for note in plan.notes)


def test_contradiction_is_told_and_the_first_counts() -> None:
    plan = parse(PromptSettings(prompt="a river flowing left, the river flowing right"))
    assert plan.motions == (Motion("river", 180.0),)
    assert any("more than one direction" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("prompt", "speed"),
    [
        ("a river gently flowing left", 0.5),
        ("clouds drifting slowly to the right", 0.5),
        ("a river flowing fast to the left", 1.5),
        ("a river rushing to the left", 2.0),
        ("a raging river flowing left", 2.0),
        ("a river flowing left", 1.0),
    ],
)
def test_speed_words(prompt: str, speed: float) -> None:
    assert [motion.speed for motion in parse(PromptSettings(prompt=prompt)).motions] == [speed]


def test_each_thing_has_its_own_speed() -> None:
    plan = parse(PromptSettings(prompt="a river rushing left and clouds gently drifting right"))
    assert [(motion.region, motion.speed) for motion in plan.motions] == [("river", 2.0), ("clouds", 0.5)]


def test_a_speed_word_alone_is_no_motion() -> None:
    assert parse(PromptSettings(prompt="a rushing river, a gentle stream")).motions == ()


def test_regions_put_what_moves_first_and_leave_out_the_shy() -> None:
    plan = parse(PromptSettings(prompt="a lake under the sky, grass, waves moving left"))
    assert plan.regions == ("waves", "lake")


def test_a_shy_thing_alone_is_still_a_region() -> None:
    assert parse(PromptSettings(prompt="a meadow at noon")).regions == ("meadow",)


def test_random_angle_is_drawn_from_the_seed_inside_the_range() -> None:
    prompt = "a river flowing in right to left, upwards direction"
    drawn = [
        parse(PromptSettings(prompt=prompt, angle="random", seed=seed)).motions[0].angle or 0.0 for seed in range(40)
    ]
    again = parse(PromptSettings(prompt=prompt, angle="random", seed=7)).motions[0].angle
    assert again == drawn[7]
    assert all(135 <= angle <= 170 for angle in drawn)
    assert max(drawn) - min(drawn) > 20
    assert parse(PromptSettings(prompt=prompt)).motions[0].angle == pytest.approx(152.5)


def test_stated_degrees_are_never_drawn() -> None:
    plan = parse(PromptSettings(prompt="clouds moving at 30 degrees", angle="random", seed=3))
    assert plan.motions == (Motion("clouds", 30.0),)
