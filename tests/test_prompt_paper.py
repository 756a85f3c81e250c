"""The paper's twelve phrases, judged by what its own code returned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from t2c_ext.prompt import paper, parse
from t2c_ext.settings import PromptSettings

if TYPE_CHECKING:
    from conftest import Fixtures

NAME = "direction_phrases"


@pytest.fixture
def phrases(fixtures: Fixtures) -> Any:
    if not fixtures.named(NAME):
        pytest.skip(f"this set has no {NAME}")
    return fixtures.document(NAME)


@pytest.mark.parity
def test_every_caption_is_read_as_by_the_paper(phrases: Any) -> None:
    for row in phrases["captions"]:
        found = paper.find_phrase(row["caption"])
        assert (found.direction if found else None) == row["direction"], row["caption"]
        assert (found.matched if found else None) == row["phrase_removed_from_the_image_prompt"]
        assert paper.remove_phrase(row["caption"], found) == row["image_prompt_after_removal"]
        plan = parse(PromptSettings(prompt=row["caption"], phrases="paper"))
        assert plan.art_prompt == row["image_prompt_after_removal"]
        angles = {motion.angle for motion in plan.motions}
        assert angles <= ({paper.CENTRES[found.direction]} if found else set())
        assert bool(angles) == (found is not None and bool(plan.regions))


@pytest.mark.parity
def test_angle_ranges(phrases: Any) -> None:
    generator = np.random.default_rng(0)
    for direction, entry in phrases["angle_ranges"].items():
        ranges = entry.get("ranges_deg") or [entry["range_deg"]]
        drawn = [paper.draw_angle(direction, generator) for _ in range(600)]
        assert all(any(low <= angle <= high for low, high in ranges) for angle in drawn)
        for low, high in ranges:
            inside = [angle for angle in drawn if low <= angle <= high]
            assert max(inside) - min(inside) > 0.9 * (high - low)
        if "measured_probability_of_0_10" in entry:
            share = np.mean([angle <= 10 for angle in drawn])
            assert share == pytest.approx(entry["measured_probability_of_0_10"], abs=0.06)


@pytest.mark.parity
def test_accepted_rows_mean_the_same_by_default(phrases: Any) -> None:
    for row in phrases["captions"]:
        plan = parse(PromptSettings(prompt=row["caption"]))
        if row["direction"] is None or not plan.regions:
            continue
        assert plan.motions[0].angle == pytest.approx(paper.CENTRES[row["direction"]], abs=0.01), row["caption"]
        assert row["phrase_removed_from_the_image_prompt"] not in plan.art_prompt


def test_what_the_paper_refuses_by_its_form_is_understood_by_default() -> None:
    understood = {
        "waterfall falling in the downwards direction": 270,
        "a river flowing in Left to Right direction": 0,
        "a river flowing in left-to-right direction": 0,
        "a river flowing from left to right": 0,
        "river in left to right  direction": 0,
        "a river flowing in left to right and upwards direction": 27.5,
    }
    for caption, angle in understood.items():
        assert paper.find_phrase(caption) is None
        assert [m.angle for m in parse(PromptSettings(prompt=caption)).motions] == [pytest.approx(angle)]


def test_random_angle_of_the_paper_is_seeded() -> None:
    chosen = PromptSettings(prompt="river in upwards direction", phrases="paper", angle="random", seed=5)
    angle = parse(chosen).motions[0].angle
    assert angle == parse(chosen).motions[0].angle
    assert angle is not None and 80 <= angle <= 100 and angle != 90


def test_paper_mode_tells_when_it_finds_nothing() -> None:
    plan = parse(PromptSettings(prompt="a river flowing left", phrases="paper"))
    assert plan.motions == ()
    assert plan.art_prompt == "a river flowing left"
    assert any("twelve phrases" in note for note in plan.notes)
