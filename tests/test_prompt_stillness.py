"""What the words keep from moving, what they leave out, and what they say of whatever moves."""

from __future__ import annotations

import numpy as np
import pytest

from t2c_ext.motion.binding import motion_of
from t2c_ext.prompt import parse
from t2c_ext.settings import PromptSettings
from t2c_ext.types import WHATEVER_MOVES, Motion, MotionKind


@pytest.mark.parametrize(
    ("prompt", "regions"),
    [
        ("clouds are not moving", ()),
        ("the clouds don't move, the river flows left", ("river",)),
        ("clouds aren't moving while the river flows right", ("river",)),
        ("the river is not flowing left, clouds drifting right", ("clouds",)),
        ("a river that never flows", ()),
        ("motionless clouds above a river flowing left", ("river",)),
        ("clouds standing still, river flowing right", ("river",)),
        ("the clouds are completely still, river flowing right", ("river",)),
        ("no movement in the clouds, the river flows down", ("river",)),
        ("clouds without motion", ()),
        ("the clouds are still drifting left", ("clouds",)),
        ("still clouds over a flowing river", ("clouds", "river")),
        ("clouds stand still while the river flows left", ("river",)),
        ("don't move the clouds; river flows left", ("river",)),
        ("river flowing left, do not animate the clouds", ("river",)),
        ("keep the clouds still, river flows left", ("river",)),
        ("hold those clouds motionless, river flows left", ("river",)),
        ("unmoving clouds, river flowing left", ("river",)),
        ("fixed clouds, river flowing left", ("river",)),
        ("stationary clouds over a river flowing left", ("river",)),
        ("frozen river, falling snow", ("snow",)),
        ("river flows left, clouds don't", ("river",)),
        ("clouds frozen in place, river flowing left", ("river",)),
        ("let the clouds drift left", ("clouds",)),
        ("freeze the clouds, river flows left", ("river",)),
        ("freeze clouds, river flows left", ("river",)),
        ("stop the clouds, river flows left", ("river",)),
        ("freezing rain falls", ("rain",)),
        ("freezing fog over a river", ("fog", "river")),
        ("move the clouds to the left", ("clouds",)),
        ("keep the clouds drifting left", ("clouds",)),
        ("a river not flowing left, the river flowing right", ("river",)),
    ],
)
def test_what_is_said_not_to_move_is_no_region(prompt: str, regions: tuple[str, ...]) -> None:
    plan = parse(PromptSettings(prompt=prompt))
    assert plan.regions == regions
    if not regions:
        assert any(note.startswith("Standing still, as the words say: ") for note in plan.notes)


def test_motion_words_still_a_thing_of_the_prompt() -> None:
    plan = parse(PromptSettings(prompt="a river under clouds", motion="the clouds do not move"))
    assert plan.regions == ("river",)
    assert plan.notes[-1] == "Standing still, as the words say: clouds."


@pytest.mark.parametrize(
    ("words", "motion"),
    [
        ("flowing left", Motion(WHATEVER_MOVES, 180.0)),
        ("drifting to the right", Motion(WHATEVER_MOVES, 0.0)),
        ("upwards", Motion(WHATEVER_MOVES, 90.0)),
        ("slowly to the right", Motion(WHATEVER_MOVES, 0.0, speed=0.5)),
        ("everything drifts left", Motion(WHATEVER_MOVES, 180.0)),
        ("it flows down", Motion(WHATEVER_MOVES, 270.0)),
        ("wind blowing to the left", Motion(WHATEVER_MOVES, 180.0)),
        ("clockwise", Motion(WHATEVER_MOVES, None, MotionKind.SWIRL_CW)),
        ("hair blowing to the left", Motion("hair", 180.0)),
        ("a boat sailing left", Motion("boat", 180.0)),
    ],
)
@pytest.mark.parametrize("prompt", ["", "a river under clouds"])
def test_motion_words_without_a_known_thing(prompt: str, words: str, motion: Motion) -> None:
    assert parse(PromptSettings(prompt=prompt, motion=words)).motions == (motion,)


def test_a_bare_direction_is_for_every_region_without_its_own() -> None:
    motions = (Motion(WHATEVER_MOVES, 180.0), Motion("clouds", 0.0))
    assert motion_of("river", motions, only=False) == motions[0]
    assert motion_of("", motions, only=True) == motions[0]
    assert motion_of("sky", motions, only=False) == motions[1]


def test_a_prompt_without_motion_words_states_nothing_of_whatever_moves() -> None:
    assert parse(PromptSettings(prompt="everything drifts left")).motions == ()


@pytest.mark.parametrize(
    ("text", "art"),
    [
        ("# a note\na river", "a river"),
        ("a river # a note\nin a valley", "a river\nin a valley"),
        ("a river\nNegative prompt: blurry\nSteps: 20, Sampler: Euler a, Seed: 1", "a river"),
        ("a river\nSteps: 20, Sampler: Euler a, Seed: 1", "a river"),
        ("Steps: of stone, a river", "Steps: of stone, a river"),
    ],
)
def test_only_the_prompt_counts(text: str, art: str) -> None:
    plan = parse(PromptSettings(prompt=text))
    assert plan.art_prompt == art
    assert ("pasted" in " ".join(plan.notes)) == ("\nSteps: 20" in text)


@pytest.mark.parametrize(("words", "meant"), [("river flowing leftt", "left"), ("river flowing rihgt", "right")])
def test_a_slip_of_the_pen_is_named(words: str, meant: str) -> None:
    plan = parse(PromptSettings(motion=words))
    assert plan.motions == ()
    assert f'should be "{meant}"' in plan.notes[-1]


@pytest.mark.parametrize(
    ("words", "angle"),
    [
        ("clouds moving not left but right", 0.0),
        ("river flowing not right but left", 180.0),
        ("clouds drifting neither left nor right but up", 90.0),
    ],
)
def test_a_direction_that_is_denied_does_not_count(words: str, angle: float) -> None:
    assert [motion.angle for motion in parse(PromptSettings(motion=words)).motions] == [angle]


def test_neither_of_two_directions_is_none() -> None:
    plan = parse(PromptSettings(motion="clouds moving neither left nor right"))
    assert plan.motions == ()
    assert "perhaps" not in " ".join(plan.notes)


def test_the_other_way_of_the_other_way_ends() -> None:
    plan = parse(PromptSettings(motion="a river flowing left, " + "in the opposite direction " * 2000))
    assert plan.motions[0] == Motion("river", 180.0)


@pytest.mark.parametrize(
    "part",
    ["a ", "(a:1.1) ", "left to right, ", "leftward ", "in the opposite direction ", "[river left|b] ", "of a "],
)
def test_a_long_prompt_is_read_in_step_with_its_length(part: str) -> None:
    """Work is counted, not time: each word is looked at as often in a long prompt as in a short one."""
    looks = []
    for count in (200, 800):
        counted = _Counted(part * count)
        parse(PromptSettings(prompt=counted.text))
        looks.append(counted.looks())
    assert looks[1] < 5 * looks[0]


class _Counted:
    """Counts the calls of Python functions while a text is read."""

    def __init__(self, text: str) -> None:
        import cProfile

        self.text = text
        self._profile = cProfile.Profile()
        self._profile.enable()

    def looks(self) -> int:
        self._profile.disable()
        return int(np.sum([entry.callcount for entry in self._profile.getstats()]))
