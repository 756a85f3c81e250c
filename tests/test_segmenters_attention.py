"""What a diffusion model saw in a picture, as a segmenter and as a voice in the vote."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.motion.hints import parse_hints
from t2c_ext.progress import Reporter
from t2c_ext.region.segmenters.attention import AttentionSegmenter
from t2c_ext.region.segmenters.choose import asking, choose_segmenter, open_segmenter
from t2c_ext.region.segmenters.relay import Relay
from t2c_ext.region.segmenters.vote import joined
from t2c_ext.settings import RegionSettings
from t2c_ext.stages import make_regions, region_input
from t2c_ext.twin.maps import read_attention, write_attention
from t2c_ext.types import Attention, FloatArray, NounMaps, Picture, Plan, Region, Twin


def bottom(rows: int = 8, high: float = 1.0) -> FloatArray:
    where = np.zeros((16, 16), np.float32)
    where[-rows:] = high
    return where


PICTURE = np.random.default_rng(0).uniform(0.3, 0.7, (64, 64, 3)).astype(np.float32)
MAPS = NounMaps(
    (16, 16),
    {"river": bottom(6), "sky": bottom(16) - bottom(10)},
    bottom(10) - bottom(6),
    {"river": 0.6, "sky": 0.5},
)


def test_each_place_goes_to_the_noun_that_has_most_of_it() -> None:
    river, sky = AttentionSegmenter(MAPS).segment(PICTURE, ["river", "sky"])
    assert river.mask.shape == (64, 64) and river.source == "attention"
    assert river.mask[44:].min() > 0.9 and river.mask[:36].max() < 0.1
    assert sky.mask[:20].min() > 0.9 and sky.mask[28:].max() < 0.1
    assert min(river.score, sky.score) > 0.7
    assert np.all(river.mask + sky.mask <= 1.0 + 1e-5)


def test_a_word_is_answered_by_what_means_the_same_and_others_are_left_out() -> None:
    segmenter = AttentionSegmenter(MAPS)
    assert [row.name for row in segmenter.segment(PICTURE, ["lake", "castle", "Sky"])] == ["lake", "Sky"]
    np.testing.assert_array_equal(
        segmenter.segment(PICTURE, ["lake"])[0].mask, segmenter.segment(PICTURE, ["river"])[0].mask
    )
    assert [row.name for row in segmenter.propose(PICTURE)] == ["river", "sky"]


def test_a_noun_that_is_hardly_attended_to_is_no_find() -> None:
    faint = replace(MAPS, shares={"river": 0.03, "sky": 0.5})
    assert AttentionSegmenter(faint).segment(PICTURE, ["river"])[0].score < 0.2
    nowhere = replace(MAPS, things={**MAPS.things, "river": np.zeros((16, 16), np.float32)})
    assert AttentionSegmenter(nowhere).segment(PICTURE, ["river"])[0].score == 0


def test_without_a_model_it_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"name one \(model\), or take another segmenter \(segmenter auto\)"):
        AttentionSegmenter(None).segment(PICTURE, ["river"])
    assert AttentionSegmenter(None).propose(PICTURE) == []


def test_the_vote_is_surer_of_what_both_see() -> None:
    lower, upper = bottom(8), bottom(16) - bottom(8)
    alone = joined(Region("river", lower, 0.6, "small"), None)
    assert alone.score == 0.6
    unknown = joined(None, Region("aurora", lower, 0.9, "attention"))
    assert unknown.score < 0.5, "what the model alone sees is shown, not moved"
    both = joined(Region("river", lower, 0.6, "small"), Region("river", lower, 0.6, "attention"))
    against = joined(Region("river", lower, 0.6, "small"), Region("river", upper, 0.6, "attention"))
    assert both.score > 0.6 > against.score
    assert both.source == "attention + small"
    np.testing.assert_allclose(both.mask, lower)


def test_a_run_uses_what_the_model_saw(tmp_path: Path) -> None:
    attention = Attention((4, 4), np.full((16, 16), 1 / 16, np.float32), nouns=MAPS)
    write_attention(tmp_path / "attention.npz", attention)
    read = read_attention(tmp_path / "attention.npz")
    assert read.nouns is not None and set(read.nouns.things) == {"river", "sky"}
    assert read.nouns.shares == MAPS.shares
    np.testing.assert_array_equal(read.nouns.background, MAPS.background)
    twin = Twin(Picture(PICTURE), attention=read)
    settings = RegionSettings(segmenter="attention", refine="off", matte="off", feather=0)
    given = region_input(Plan(regions=("river",)), twin, settings, parse_hints(""), None, 0)
    found = make_regions(given, reporter=Reporter())
    assert found.regions[0].name == "river" and found.mask[44:].min() > 0.9 and found.mask[:36].max() < 0.1
    other = region_input(Plan(regions=("river",)), replace(twin, attention=replace(read, nouns=None)), settings,
                         parse_hints(""), None, 0)  # fmt: skip
    assert given.key != other.key
    rules = replace(settings, segmenter="clusters")
    assert region_input(Plan(regions=("river",)), twin, rules, parse_hints(""), None, 0).nouns is None


def test_it_joins_whatever_answers_without_it() -> None:
    vote = open_segmenter(choose_segmenter("auto", lambda name: None))
    asked = asking(vote, MAPS)
    assert [row.score for row in vote.segment(PICTURE, ["river"])] != [
        row.score for row in asked.segment(PICTURE, ["river"])
    ]
    alone = asking(open_segmenter(choose_segmenter("attention", lambda name: None)), MAPS)
    assert alone.segment(PICTURE, ["river"])[0].source == "attention"
    relay = asking(Relay([vote], vote), MAPS)
    assert isinstance(relay, Relay) and relay.last_resort is not vote
    rules = open_segmenter(choose_segmenter("clusters", lambda name: None))
    assert asking(rules, MAPS) is rules
