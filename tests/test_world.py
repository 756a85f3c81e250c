"""The drawn world: the same number gives the same scene, and what is said of it is true."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from world import words
from world.canvas import KINDS
from world.looks import LOOKS
from world.scenes import make_scene
from world.shards import MIXED, labels_of, load_shard
from world.views import VIEWS

SEEDS = range(0, 24)


def test_a_number_gives_one_scene() -> None:
    for seed in (0, 5, 19):
        one, other = make_scene(seed, 64, 80), make_scene(seed, 64, 80)
        assert np.array_equal(one.rgb, other.rgb) and np.array_equal(one.shares, other.shares)
        assert np.array_equal(one.flow, other.flow) and one.caption == other.caption
    assert not np.array_equal(make_scene(0, 64, 64).rgb, make_scene(1, 64, 64).rgb)


@pytest.mark.parametrize("view", list(VIEWS))
def test_every_view_shares_out_its_pixels(view: str) -> None:
    scene = make_scene(7, 64, 96, view=view)
    assert scene.rgb.shape == (64, 96, 3) and scene.rgb.dtype == np.float32
    assert scene.rgb.min() >= 0 and scene.rgb.max() <= 1 and scene.rgb.std() > 0.02
    assert scene.shares.shape == (len(KINDS), 64, 96)
    assert scene.shares.min() >= 0
    np.testing.assert_allclose(scene.shares.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("look", list(LOOKS))
def test_every_look_keeps_the_layout(look: str) -> None:
    plain, dressed = make_scene(3, 64, 64, look="photograph"), make_scene(3, 64, 64, look=look)
    assert np.array_equal(plain.shares, dressed.shares) and np.array_equal(plain.flow, dressed.flow)
    assert np.isfinite(dressed.rgb).all()
    if look != "photograph":
        assert np.abs(plain.rgb - dressed.rgb).mean() > 0.02


def test_every_size_shows_the_same_layout() -> None:
    for seed in (2, 8, 11):
        small, large = make_scene(seed, 64, 64), make_scene(seed, 128, 128)
        fitted = large.shares.reshape(len(KINDS), 64, 2, 64, 2).mean(axis=(2, 4))
        assert np.abs(fitted - small.shares).sum(axis=0).mean() < 0.35
        assert [thing.word for thing in small.things] == [thing.word for thing in large.things]


def test_only_what_can_move_has_a_flow() -> None:
    moving = [KINDS.index(kind) for kind in ("cloud", "water", "waterfall", "fire", "vapour")]
    for seed in SEEDS:
        scene = make_scene(seed, 64, 64)
        still = scene.shares[moving].sum(axis=0) < 0.25
        assert not scene.flow[still].any()
        fall = scene.shares[KINDS.index("waterfall")] > 0.9
        assert (scene.flow[fall][:, 1] > 0).all()
        fire = scene.shares[KINDS.index("fire")] > 0.9
        assert (scene.flow[fire][:, 1] < 0).all()


def test_captions_name_what_is_there() -> None:
    names = {name: word for word, choices in words.NAMES.items() for name in choices}
    for seed in SEEDS:
        scene = make_scene(seed, 64, 64)
        present = {thing.word for thing in words.seen(scene.things)}
        said = {word for name, word in names.items() if f" {name} " in f" {scene.caption.replace(',', ' ')} "}
        alike = {
            other for word in said for name in words.NAMES[word] for other in words.NAMES if name in words.NAMES[other]
        }
        assert said <= present | alike and (present & (said | alike) or not present)
        assert any(style in scene.caption for style in words.STYLES[scene.look])
        assert set("".join(c if c.isalpha() else " " for c in scene.caption).split()) <= set(words.vocabulary())


def test_directions_in_captions_are_those_of_the_flow() -> None:
    found = 0
    for seed in range(60):
        scene = make_scene(seed, 48, 48, view="seaside")
        sea = next((thing for thing in words.seen(scene.things) if thing.word == "sea"), None)
        text = words.caption([sea], "day", "photograph", np.random.default_rng(seed), directions=True) if sea else ""
        if " left" in text or " right" in text:
            found += 1
            inside = scene.shares[KINDS.index("water")] > 0.9
            assert (scene.flow[inside][:, 0].mean() < 0) == (" left" in text)
    assert found > 20


def test_shards_are_drawn_once(tmp_path: Path) -> None:
    first = load_shard(tmp_path, 1, 32, size=3)
    assert first.rgb.shape == (3, 32, 32, 3) and len(first.captions) == 3
    assert np.array_equal(first.rgb[0], np.round(make_scene(3, 32, 32).rgb * 255).astype(np.uint8))
    before = (tmp_path / "scenes-32" / "0001" / "rgb.npy").stat().st_mtime_ns
    load_shard(tmp_path, 1, 32, size=3)
    assert (tmp_path / "scenes-32" / "0001" / "rgb.npy").stat().st_mtime_ns == before
    assert [path.name for path in (tmp_path / "scenes-32").iterdir()] == ["0001"]


def test_a_shard_of_one_view_is_kept_apart(tmp_path: Path) -> None:
    shard = load_shard(tmp_path, 0, 48, size=6, view="gorge")
    assert np.array_equal(shard.rgb[2], np.round(make_scene(2, 48, 48, view="gorge").rgb * 255).astype(np.uint8))
    falls = (shard.labels == KINDS.index("waterfall")).mean(axis=(1, 2))
    assert (falls > 0.01).sum() >= 4 and [path.name for path in tmp_path.iterdir()] == ["gorge-48"]


def test_labels_leave_out_what_is_mixed() -> None:
    shares = np.zeros((len(KINDS), 1, 3), np.float32)
    shares[0, 0, 0], shares[2, 0, 1] = 1.0, 0.7
    shares[[1, 4], 0, 2] = 0.5
    assert labels_of(shares).tolist() == [[0, 2, MIXED]]
