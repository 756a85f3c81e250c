"""The built-in network and its vote with the rules."""

from __future__ import annotations

from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from t2c_ext.evaluate.masks import intersection_over_union
from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.segmenters.closed import ClosedSegmenter
from t2c_ext.region.segmenters.lite import LiteNetwork, LiteSegmenter
from t2c_ext.region.segmenters.small import LABELS, SIDE, SmallNetwork, SmallSegmenter, SmallVocabulary
from t2c_ext.region.segmenters.square import SquareNetwork, starts
from t2c_ext.region.segmenters.vote import CAUTION, NETWORK, Ballot, VoteSegmenter, offer, outcome, probability
from t2c_ext.types import FloatArray, Region
from world.canvas import KINDS
from world.scenes import make_scene

HELD_OUT = 3_000_000
"""Scenes from here on were seen in no training and no fit."""


@pytest.fixture(scope="module", params=[SmallNetwork, LiteNetwork])
def network(request: pytest.FixtureRequest) -> SquareNetwork:
    made: SquareNetwork = request.param()
    return made


def test_the_weights_are_small_and_their_classes_are_the_world_s() -> None:
    assert len(files("t2c_ext.region.segmenters").joinpath("small.onnx").read_bytes()) < 6_000_000
    renamed = {"vapour": "smoke", "vegetation": "plants"}
    assert tuple(renamed.get(kind, kind) for kind in KINDS) == LABELS


@pytest.mark.parametrize("shape", [(160, 160), (64, 512), (300, 90), (33, 47), (1024, 1000)])
def test_probabilities_cover_any_picture(network: SquareNetwork, shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).random((*shape, 3), np.float32)
    found = network.probabilities(picture)
    assert found.shape[0] == len(LABELS) and found.dtype == np.float32
    assert found.shape[1:] >= (SIDE // 2, SIDE // 2)
    np.testing.assert_allclose(found.sum(axis=0), 1, atol=1e-4)
    long = found.shape[2] / found.shape[1]
    assert 1 / 1.6 < (shape[1] / shape[0]) / long < 1.6


def test_a_mirrored_picture_has_mirrored_masks(network: SquareNetwork) -> None:
    scene = make_scene(HELD_OUT, 160, 200).rgb
    one, other = network.probabilities(scene), network.probabilities(np.ascontiguousarray(scene[:, ::-1]))
    np.testing.assert_allclose(one, other[..., ::-1], atol=0.02)
    assert np.array_equal(one, type(network)().probabilities(scene)), "always the same"


@pytest.mark.parametrize(("length", "span"), [(121, 120), (240, 120), (999, 120), (120, 120)])
def test_parts_cover_a_long_picture(length: int, span: int) -> None:
    found = starts(length, span)
    assert found[0] == 0 and (found[-1] + span == length or length == span)
    assert all(0 < after - before <= 0.75 * span + 1 for before, after in pairwise(found))


def test_words_mean_classes() -> None:
    vocabulary = SmallVocabulary()

    def names(word: str) -> set[str]:
        found = vocabulary.find(word)
        return {LABELS[index] for index in found.own} if found else set()

    assert names("river") == names("lake") == names("ocean") == {"water"}
    assert names("clouds") == names("sky") == {"sky", "cloud"}
    assert names("cascade") == {"waterfall"} and names("campfire") == {"fire"}
    assert names("fog") == names("smoke") == {"smoke"}
    assert names("grass") == {"plants"} and names("sand") == {"ground"} and names("building") == {"building"}
    assert names("snowflakes") == names("dragon") == names("aurora") == set()
    for thing in load_lexicon():
        assert vocabulary.find(thing.name) == vocabulary.find(thing.words[-1])


@pytest.mark.parametrize("make", [SmallSegmenter, LiteSegmenter])
@pytest.mark.parametrize(("word", "kinds", "least"), [("clouds", ("sky", "cloud"), 0.6), ("river", ("water",), 0.4)])
def test_unseen_scenes_are_told_apart(
    make: type[SmallSegmenter], word: str, kinds: tuple[str, ...], least: float
) -> None:
    segmenter, found = make(), []
    for seed in range(HELD_OUT, HELD_OUT + 30):
        scene = make_scene(seed, 128, 128)
        truth = scene.shares[[KINDS.index(kind) for kind in kinds]].sum(axis=0)
        if truth.mean() > 0.05:
            (region,) = segmenter.segment(scene.rgb, [word])
            found.append(intersection_over_union(region.mask, truth))
    assert len(found) >= 8
    assert np.mean(found) > least


def test_a_picture_of_nothing_has_nothing_in_it() -> None:
    for segmenter in (SmallSegmenter(), LiteSegmenter(), VoteSegmenter()):
        for shape in ((1, 1), (1, 300), (15, 15), (16, 400), (40, 40)):
            picture = np.full((*shape, 3), 0.5, np.float32)
            assert all(found.score < 0.1 for found in segmenter.segment(picture, ["river", "sky"]))
            assert all(found.score < 0.1 for found in segmenter.propose(picture))


def test_its_network_is_loaded_when_needed_and_let_go() -> None:
    loads: list[int] = []

    def load() -> SmallNetwork:
        loads.append(1)
        return SmallNetwork()

    segmenter = SmallSegmenter(load)
    assert isinstance(segmenter, ClosedSegmenter) and not loads
    scene = make_scene(1, 96, 96).rgb
    segmenter.segment(scene, ["sky"])
    segmenter.segment(scene, ["river"])
    assert len(loads) == 1
    segmenter.close()
    segmenter.segment(scene, ["sky"])
    assert len(loads) == 2


def region(mask: FloatArray, score: float, source: str) -> Region:
    return Region("river", mask, score, source)


def halves() -> tuple[FloatArray, FloatArray]:
    left, most = np.zeros((20, 40), np.float32), np.zeros((20, 40), np.float32)
    left[:, :20], most[:, :24] = 1, 1
    return left, most


def test_what_both_point_at_is_surer() -> None:
    left, most = halves()
    agreed = outcome("river", Ballot(region(left, 0.7, "small"), region(most, 0.6, "clusters"), 20 / 24, 1.0))
    alone = outcome("river", Ballot(region(left, 0.7, "small"), None, 0.0))
    against = outcome("river", Ballot(region(left, 0.7, "small"), region(1 - left, 0.6, "clusters"), 0.0))
    assert agreed.score > alone.score and agreed.score > against.score
    assert agreed.source == "small + clusters" and alone.source == "small" and against.source in ("small", "clusters")
    np.testing.assert_array_equal(agreed.mask[:, :20], 1)
    np.testing.assert_array_equal(agreed.mask[:, 24:], 0)
    assert 0 < agreed.mask[0, 22] < 1
    assert np.array_equal(alone.mask, left)


def test_what_the_network_is_sure_is_something_else_is_cut_out() -> None:
    river, seen = np.zeros((20, 40), np.float32), np.zeros((20, 40), np.float32)
    river[8:], seen[8:] = 1, 0.9
    seen[12:16, 10:20] = 0.05
    both = Ballot(region(seen, 0.6, "small"), region(river, 0.9, "clusters"), 0.9, 1.0)
    mask = outcome("river", both).mask >= 0.5
    assert not mask[12:16, 10:20].any() and mask[8:12].all() and not mask[:8].any()


def test_a_part_of_what_the_rules_are_sure_of_too_becomes_the_whole() -> None:
    part, whole = np.zeros((20, 40), np.float32), np.ones((20, 40), np.float32)
    part[:, :12] = 1
    taken = outcome("river", Ballot(region(part, 0.9, "small"), region(whole, 0.7, "clusters"), 0.3, 1.0))
    assert np.array_equal(taken.mask, whole) and taken.source == "clusters"
    doubted = outcome("river", Ballot(region(part, 0.9, "small"), region(whole, 0.2, "clusters"), 0.3, 1.0))
    assert np.array_equal(doubted.mask, part)


def test_in_doubt_the_whole_is_shown_of_which_the_network_sees_a_part() -> None:
    part, whole = np.zeros((20, 40), np.float32), np.ones((20, 40), np.float32)
    part[:, :12] = 1
    doubted = Ballot(region(part, 0.5, "small"), region(whole, 0.25, "clusters"), 0.3, 1.0)
    assert outcome("river", doubted).score < 0.5 and np.array_equal(outcome("river", doubted).mask, part)
    assert np.array_equal(offer("river", doubted).mask, whole)
    assert offer("river", doubted).score == outcome("river", doubted).score
    sure = Ballot(region(part, 0.9, "small"), region(whole, 0.25, "clusters"), 0.3, 1.0)
    assert np.array_equal(offer("river", sure).mask, part)
    apart = Ballot(region(part, 0.4, "small"), region(1 - part, 0.25, "clusters"), 0.0, 0.0)
    assert np.array_equal(offer("river", apart).mask, outcome("river", apart).mask)


def test_a_vote_has_the_log_odds_that_its_weights_say() -> None:
    ballot = Ballot(None, None, 0.5, 0.75)
    weights = NETWORK["small"]
    odds = weights.constant - CAUTION + weights.own * np.log(3) + weights.other * np.log(1 / 4)
    expected = 1 / (1 + np.exp(-(odds + weights.overlap * 0.5 + weights.within * 0.75)))
    assert probability(weights, 0.75, 0.2, ballot) == pytest.approx(min(expected, 0.95))
    assert probability(weights, 1.0, 1.0, Ballot(None, None, 1.0, 1.0)) <= 0.95
    assert probability(weights, 0.0, 0.0, Ballot(None, None, 0.0)) < 0.1


def test_ballots_say_how_far_both_agree() -> None:
    left, most = halves()

    class Says:
        name = "small"

        def __init__(self, mask: FloatArray) -> None:
            self.mask = mask

        def segment(self, picture: FloatArray, words: list[str]) -> list[Region]:
            return [Region(word, self.mask, 0.5) for word in words if word == "river"]

    voters = VoteSegmenter(Says(left), Says(most))  # type: ignore[arg-type]
    ballots = voters.ballots(np.zeros((20, 40, 3), np.float32), ["river", "dragon"])
    assert list(ballots) == ["river"]
    assert (ballots["river"].overlap, ballots["river"].within) == pytest.approx((20 / 24, 1.0))


def test_a_vote_offers_each_place_once() -> None:
    for seed in range(HELD_OUT, HELD_OUT + 4):
        scene = make_scene(seed, 192, 192).rgb
        voters = VoteSegmenter()
        offered = voters.propose(scene)
        assert len({each.name for each in offered}) == len(offered) <= 6
        assert sum((each.mask >= 0.5).astype(int) for each in offered).max() <= 2
        assert [each.name for each in voters.propose(scene)] == [each.name for each in offered]


def test_the_written_file_is_the_trained_network() -> None:
    torch = pytest.importorskip("torch")
    from world.export_segmenter import onnx_of
    from world.network import MaskNetwork

    torch.manual_seed(5)
    network = MaskNetwork()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 1.5)
            module.bias.data.normal_()
    network.eval()
    for side in (96, 160):
        net = cv2.dnn.readNetFromONNX(np.frombuffer(onnx_of(network, side), np.uint8))
        picture = torch.rand(1, 3, side, side)
        net.setInput(picture.numpy())
        with torch.no_grad():
            np.testing.assert_allclose(net.forward(), network(picture).numpy(), atol=1e-4)


def test_its_training_goes_on_where_it_stood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from world import train_segmenter
    from world.shards import load_shard

    monkeypatch.setattr(train_segmenter, "CROPS", (32, 64))
    monkeypatch.setattr(train_segmenter, "BATCH", 4)
    monkeypatch.setattr(train_segmenter, "SIZE", 6)
    monkeypatch.setattr(
        train_segmenter, "load_shard", lambda folder, number, side, size: load_shard(folder, number, 64, 6)
    )
    trainer = train_segmenter.Trainer(tmp_path, 1, 4)
    losses = [trainer.train_step() for _ in range(2)]
    trainer.save()
    again = train_segmenter.Trainer(tmp_path, 1, 4)
    assert again.step == 2 and np.isfinite(losses).all()
    assert trainer.train_step() == pytest.approx(again.train_step(), rel=1e-3)
    assert again.side == 64
