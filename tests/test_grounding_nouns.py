"""From attention maps of tokens to maps of nouns and labels, by known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.region import evidence
from t2c_ext.twin.grounding import competition
from t2c_ext.twin.grounding.propagation import refined
from t2c_ext.twin.grounding.rivals import GENERIC, rivals
from t2c_ext.types import FloatArray


def _maps(*values: list[list[float]]) -> FloatArray:
    return np.array(values, np.float32)


def test_a_noun_gets_the_mean_of_its_tokens_as_a_share_of_all_content() -> None:
    tokens = _maps([[0.5, 0.25]], [[0.25, 0.25]], [[0.0, 0.5]], [[0.25, 0.0]])
    merged = competition.noun_maps(tokens, [[0], [1, 2]])
    assert np.allclose(merged, _maps([[0.5, 0.25]], [[0.125, 0.375]]))
    whole = competition.content(tokens, [0, 1, 2])
    assert np.allclose(competition.rescaled(merged, whole), _maps([[0.5 / 0.75, 0.25]], [[0.125 / 0.75, 0.375]]))
    assert np.array_equal(competition.rescaled(merged, np.zeros((1, 2), np.float32)), np.zeros_like(merged))
    with pytest.raises(ValueError, match="no token"):
        competition.noun_maps(tokens, [[0], []])


def test_the_smoothing_keeps_what_is_the_same_everywhere() -> None:
    assert np.allclose(competition.smoothed(np.full((2, 5, 3), 0.4, np.float32)), 0.4)
    spike = np.zeros((1, 9, 9), np.float32)
    spike[0, 4, 4] = 1
    weights = np.exp(-0.5 * (np.arange(-2, 3) / 1.1) ** 2)
    weights /= weights.sum()
    assert np.allclose(competition.smoothed(spike)[0, 2:7, 2:7], np.outer(weights, weights), atol=1e-6)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 99),
    height=st.integers(1, 7),
    width=st.integers(1, 7),
    things=st.integers(1, 3),
    background=st.integers(0, 2),
)
def test_maps_that_compete_are_finite_and_in_range(
    seed: int, height: int, width: int, things: int, background: int
) -> None:
    random = np.random.default_rng(seed)
    tokens = random.random((things + background + 2, height, width)).astype(np.float32)
    tokens[:, random.random((height, width)) < 0.2] = 0
    positions = [[number] for number in range(things + background)]
    found = competition.competing(tokens, positions[:things], positions[things:])
    assert found.shape == (things + 1, height, width)
    assert np.isfinite(found).all()
    assert found.min() >= 0 and found.max() <= 1
    assert background or not found[-1].any()
    assert np.isfinite(refined(found, np.full((height * width,) * 2, 1 / (height * width), np.float32))).all()


def test_a_map_that_says_nothing_stays_nothing() -> None:
    flat = np.full((1, 4, 4), 0.3, np.float32)
    flat[0, 1, 1] = np.nextafter(np.float32(0.3), np.float32(1))
    assert not competition.stretched(flat).any()
    faint = flat + np.float32(1e-4) * np.eye(4, dtype=np.float32)
    assert competition.stretched(faint).max() == 1


def test_the_refinement_spreads_twice() -> None:
    """A chain: each place takes the next one's value, so that after two times it is that of the place behind."""
    chain = np.eye(4, k=1, dtype=np.float32)
    chain[3, 3] = 1
    maps = _maps([[0.0, 0.2], [1.0, 0.4]], [[0.0, 0.0], [0.0, 0.0]])
    wanted = _maps([[1.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]])
    assert np.allclose(refined(maps, chain), wanted)


def test_the_background_decides_by_its_kind() -> None:
    maps = _maps([[0.9, 0.3, 0.5]], [[0.1, 0.6, 0.5]])
    kinds = {
        evidence.Background.OFFSET: [0.3, 0.8, 0.7],
        evidence.Background.LEVEL: [0.2, 0.2, 0.2],
        evidence.Background.LARGER: [0.2, 0.6, 0.5],
        evidence.Background.MEAN: [0.15, 0.4, 0.35],
        evidence.Background.OWN: [0.1, 0.6, 0.5],
    }
    for kind, first in kinds.items():
        assert np.allclose(evidence.evidence(maps, kind, 0.2)[0], [first])
    values = evidence.evidence(maps)
    assert np.array_equal(evidence.labels(values), [[1, 0, 0]])
    assert np.allclose(evidence.margins(values), [[0.8, 0.3, 0.0]])


def test_maps_are_enlarged_between_the_centres_of_their_places() -> None:
    found = evidence.enlarged(_maps([[0.0, 1.0]]), 2, 4)
    assert np.allclose(found, [[[0, 0.25, 0.75, 1]] * 2])


def test_rivals_are_the_other_nouns_and_what_most_pictures_have() -> None:
    found = rivals(["river"], ["mountain", "Boat", "boats", "river", "water", " "])
    assert found == ("mountain", "boat", "rock", "tree", "ground", "background")


def test_what_means_the_thing_is_no_rival() -> None:
    assert rivals(["lake"], ["waters", "sea"]) == tuple(GENERIC)
    # falling water is told apart from water that lies
    assert rivals(["waterfall"], ["river"])[0] == "river"
    assert "ground" not in rivals(["dunes"])
    assert "tree" not in rivals(["falling leaves"])
    assert "tree" not in rivals(["trees"])


@settings(max_examples=40)
@given(st.lists(st.sampled_from(["river", "sky", "dunes", "leaves", "fire", "trees", "background", "x"]), max_size=5))
def test_there_is_always_a_rival(things: list[str]) -> None:
    found = rivals(things)
    assert found
    assert not set(found).intersection(things)
    assert len(set(found)) == len(found)
