"""The parts of segmentation from attention that compute on a model's tensors, by known answers."""

from __future__ import annotations

import math
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from t2c_ext.twin import capture  # noqa: E402
from t2c_ext.twin.grounding.answer import TokenMaps, answer, averaged  # noqa: E402
from t2c_ext.twin.grounding.heads import HeadMethod, head_weights, word_map  # noqa: E402
from t2c_ext.twin.grounding.joint import Stream, attended, concept_heat, image_attention, rotated  # noqa: E402
from t2c_ext.twin.grounding.layer_weights import (  # noqa: E402
    Agreement,
    layer_score,
    reference_affinity,
    resized_self_attention,
)
from t2c_ext.twin.grounding.merging import head_mean, mean_self_attention, normalised, summed  # noqa: E402
from t2c_ext.twin.grounding.positions import phrase_positions  # noqa: E402


def _random(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_head_counts_by_its_part_in_what_is_put_out() -> None:
    """Two heads of one channel each: (3, 0) and (1, 0) projected, then (2, 0) against (-1, 0): <r_n, r> / |r|^2."""
    outputs = torch.tensor([[[3.0], [2.0]], [[1.0], [-1.0]]])
    projection = torch.tensor([[1.0, 1.0], [0.0, 0.0]])
    assert torch.allclose(head_weights(outputs, projection), torch.tensor([[0.75, 0.25], [2.0, -1.0]]))
    clamped = head_weights(outputs, projection, HeadMethod.CLAMPED)
    assert torch.allclose(clamped, torch.tensor([[0.75, 0.25], [1.0, 0.0]]))
    lengths = head_weights(outputs, projection, HeadMethod.NORM)
    assert torch.allclose(lengths, torch.tensor([[0.75, 0.25], [2 / 3, 1 / 3]]))
    assert torch.allclose(head_weights(outputs, projection, HeadMethod.MEAN), torch.full((2, 2), 0.5))


@pytest.mark.parametrize("method", HeadMethod)
def test_heads_that_put_nothing_out_count_alike(method: HeadMethod) -> None:
    assert torch.equal(head_weights(torch.zeros(4, 3, 2), torch.ones(8, 8), method), torch.full((3, 4), 0.25))


@settings(max_examples=30)
@given(
    heads=st.integers(1, 4),
    places=st.integers(1, 9),
    width=st.integers(1, 5),
    half=st.booleans(),
    seed=st.integers(0, 9),
)
def test_weights_are_those_of_the_parts(heads: int, places: int, width: int, half: bool, seed: int) -> None:
    outputs, projection = _random(heads, places, width, seed=seed), _random(7, heads * width, seed=seed + 1)
    if half:
        outputs, projection = outputs.half(), projection.half()
    parts = torch.einsum("hnw,chw->nhc", outputs.double(), projection.double().reshape(7, heads, width))
    whole = parts.sum(dim=1, keepdim=True)
    products = (parts * whole).sum(dim=2)
    wanted = products / products.sum(dim=1, keepdim=True)
    found = head_weights(outputs, projection).double()
    # where the parts nearly cancel, rounding is divided by little
    sound = (products.sum(dim=1) > 1e-2 * (parts**2).sum(dim=(1, 2))).nonzero().flatten()
    assert torch.allclose(found[sound], wanted[sound], atol=1e-3, rtol=1e-3)


def test_a_map_of_words_in_parts_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    query, key, value = _random(3, 20, 4), _random(3, 6, 4, seed=1), _random(3, 6, 4, seed=2)
    projection = _random(12, 12, seed=3)
    whole = word_map(query, key, value, projection)
    monkeypatch.setattr(capture, "CPU_CHUNK", 50)
    assert torch.allclose(word_map(query, key, value, projection), whole, atol=1e-5)
    assert torch.allclose(whole.sum(dim=1), torch.ones(20), atol=1e-4)


def test_a_self_attention_on_a_coarser_grid() -> None:
    """From 2 x 2 to 1 x 1: the first query, and the mean of its four keys; the row no longer sums to 1."""
    attention = torch.tensor([[0.1, 0.2, 0.3, 0.4], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]])
    assert torch.allclose(resized_self_attention(attention, (2, 2), (1, 1)), torch.tensor([[0.25]]))
    assert torch.allclose(resized_self_attention(attention, (2, 2), (1, 1), renormalise=True), torch.ones(1, 1))


def test_a_self_attention_on_a_finer_grid() -> None:
    """From 1 x 2 to 2 x 4: each query four times, keys 1, 3/4, 1/4, 0 between the two centres."""
    attention = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    found = resized_self_attention(attention, (1, 2), (2, 4))
    row = torch.tensor([1.0, 0.75, 0.25, 0.0])
    wanted = torch.stack([row.repeat(2), row.repeat(2), row.flip(0).repeat(2), row.flip(0).repeat(2)]).repeat(2, 1)
    assert torch.allclose(found, wanted)


GRIDS = st.tuples(st.integers(1, 5), st.integers(1, 5))


@settings(max_examples=40)
@given(size=GRIDS, own=GRIDS, renormalise=st.booleans(), seed=st.integers(0, 9))
def test_a_score_needs_no_resized_map(
    size: tuple[int, int], own: tuple[int, int], renormalise: bool, seed: int
) -> None:
    affinity = reference_affinity(_random(size[0] * size[1], 6, seed=seed))
    query, key = _random(2, own[0] * own[1], 3, seed=seed + 1), _random(2, own[0] * own[1], 3, seed=seed + 2)
    resized = resized_self_attention(head_mean(query, key), own, size, renormalise)
    found = Agreement(affinity, size, renormalise).score(query, key, own)
    assert float(found) == pytest.approx(float(layer_score(affinity, resized)), rel=1e-4)


def test_maps_are_summed_on_one_grid_and_shared_among_tokens() -> None:
    fine, coarse = torch.tensor([[0.8, 0.2], [0.4, 0.6]]), torch.tensor([[-1.0, 2.0]])
    total = summed([fine, coarse], [(1, 2), (1, 1)], torch.tensor([0.5, 0.5]), (1, 2))
    assert torch.allclose(total, torch.tensor([[[-0.1, -0.3]], [[1.1, 1.3]]]))
    assert torch.allclose(normalised(total), torch.tensor([[[0.0, 0.0]], [[1.0, 1.0]]]))
    assert not normalised(-torch.ones(2, 1, 1)).any()


def test_self_attention_is_averaged_over_layers() -> None:
    one, other = torch.eye(4), torch.ones(1, 1)
    found = mean_self_attention([(one, (2, 2)), (other, (1, 1))], (2, 2))
    assert torch.allclose(found, (torch.eye(4) + 1) / 2)
    with pytest.raises(ValueError, match="no self-attention"):
        mean_self_attention([], (2, 2))


def test_phrases_are_found_as_whole_words_from_left_to_right() -> None:
    tokens = ["<start>", "sea", "weed", ",", "the", "sea", ",", "water", "fall", "<end>"]
    found = phrase_positions("Seaweed, the sea, waterfall", tokens, ["sea", "waterfall", "sky", ""])
    assert found == [(5,), (7, 8), (), ()]
    assert phrase_positions("the sea", ["<start>", "the", "sea"], ["the sea"]) == [(2,)]


def _two_places(river: tuple[float, float], rock: tuple[float, float], spread: Any) -> TokenMaps:
    """A river, a comma, and rock on a grid of 1 x 2."""
    comma = tuple(1 - one - other for one, other in zip(river, rock, strict=True))
    tokens = torch.tensor([[river], [comma], [rock]])
    return TokenMaps((1, 2), tokens, spread, {"a": 1.0})


def test_nouns_compete_for_places() -> None:
    found = answer(_two_places((0.1, 0.3), (0.3, 0.1), torch.eye(2)), {"river": (0,), "rock": (2,)}, ["river"])
    assert found.things["river"].tolist() == [[0, 1]]
    assert found.background.tolist() == [[1, 0]]
    assert found.shares == pytest.approx({"river": 0.75})


def test_a_thing_without_a_token_is_left_out() -> None:
    maps = _two_places((0.1, 0.3), (0.3, 0.1), torch.eye(2))
    positions = {"river": (0,), "rock": (2,), "cloud": ()}
    assert list(answer(maps, positions, ["cloud", "river", "sea"]).things) == ["river"]
    nothing = answer(maps, positions, ["cloud"])
    assert not nothing.things and not nothing.background.any()


def test_passes_are_averaged_before_nouns_compete() -> None:
    """In the mean of both the river is in neither place ahead, and the self-attention no longer tells them apart."""
    one = _two_places((0.1, 0.3), (0.3, 0.1), torch.eye(2))
    other = _two_places((0.3, 0.1), (0.1, 0.3), torch.eye(2).flip(0))
    both = averaged([one, other])
    assert torch.allclose(both.tokens, torch.tensor([[[0.2, 0.2]], [[0.6, 0.6]], [[0.2, 0.2]]]))
    assert torch.allclose(both.self_attention, torch.full((2, 2), 0.5))
    assert not answer(both, {"river": (0,), "rock": (2,)}, ["river"]).things["river"].any()
    assert torch.equal(averaged([one]).tokens, one.tokens)
    wider = TokenMaps((1, 2), torch.zeros(4, 1, 2), torch.eye(2), {"a": 1.0})
    for wrong in ([], [one, wider]):
        with pytest.raises(ValueError, match="one grid and one text"):
            averaged(wrong)


def test_a_quarter_turn() -> None:
    """Axis 0 has no channels that turn at place 0; axis 1 turns its only pair by one radian a place."""
    values = torch.tensor([[[1.0, 2.0, 1.0, 0.0]]])
    found = rotated(values, torch.tensor([[0.0, math.pi / 2]]), (2, 2), 10000.0)
    assert torch.allclose(found, torch.tensor([[[1.0, 2.0, 0.0, 1.0]]]), atol=1e-6)


def test_a_joint_attention_in_parts_is_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    text, image = (Stream(*(_random(2, n, 4, seed=n + part) for part in range(3))) for n in (3, 10))
    whole = image_attention(text, image), attended(image.query, [text, image])
    monkeypatch.setattr(capture, "CPU_CHUNK", 60)
    parts = image_attention(text, image), attended(image.query, [text, image])
    assert torch.allclose(parts[1], whole[1], atol=1e-6)
    assert all(torch.allclose(one, other, atol=1e-6) for one, other in zip(parts[0], whole[0], strict=True))
    assert torch.allclose(whole[0][0].sum(dim=2).mean(dim=0) + whole[0][1].sum(dim=1), torch.ones(10), atol=1e-5)


def test_words_compete_in_each_layer_or_in_all_together() -> None:
    """Scores of (8, 0) and (-2, 0): shares of nearly 1 and 0.12; together sure of the first."""
    scores = torch.tensor([[[8.0], [0.0]], [[-2.0], [0.0]]])
    first = concept_heat(scores, (1, 1))
    assert float(first[0, 0, 0]) == pytest.approx((1 / (1 + math.exp(-8)) + 1 / (1 + math.exp(2))) / 2)
    together = concept_heat(scores, (1, 1), shares_first=False)
    assert float(together[0, 0, 0]) == pytest.approx(1 / (1 + math.exp(-3)))
