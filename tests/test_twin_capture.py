"""The averaging of attention maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from t2c_ext.twin.capture import (  # noqa: E402
    PAPER_CAPTURE,
    AttentionCapture,
    CaptureOptions,
    MapMean,
    add_words,
    attention_maps,
)
from t2c_ext.twin.locate import Kind, Site  # noqa: E402
from t2c_ext.twin.rows import OTHER, Row, Rows, art, rows, twin  # noqa: E402


def _random(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _sites(heads: int, path: str = "attn1", scale: float | None = None) -> tuple[Site, Site]:
    return (
        Site(f"{path}.to_q", Kind.QUERY, 1, path, heads, scale),
        Site(f"{path}.to_k", Kind.KEY, 1, path, heads, scale),
    )


def _capture(options: CaptureOptions, members: Rows, heads: int, query: Any, key: Any) -> AttentionCapture:
    side = int(query.shape[1] ** 0.5)
    capture = AttentionCapture(options, (side, query.shape[1] // side))
    for site, values in zip(_sites(heads), (query, key), strict=True):
        capture.see(site, values, members)
    return capture


@pytest.mark.parity
@pytest.mark.parametrize("per_head", [False, True])
def test_average_of_the_fixture(fixtures: Any, per_head: bool) -> None:
    names = fixtures.named("attn_map_average")
    if not names:
        pytest.skip("this set has no attention maps")
    for name in names:
        entry, data, tolerance = fixtures.index[name], fixtures.arrays(name), fixtures.tolerance(name)
        side, heads = entry["res"], entry["heads_times_batch"] // 2
        capture = AttentionCapture(CaptureOptions(unconditional=True, per_head=per_head), (side, side))
        members = rows([art(0, False), art(0, True)])
        used = [time for time in entry["timesteps_on_disk"] if capture.wants(time, last=False)]
        assert used == entry["timesteps_used"]
        blocks = sorted({key.split("/")[0] for key in data if key.count("/") == 2})
        for block in blocks:
            for time in used:
                for site, letter in zip(_sites(heads, block, entry["scale"]), "qk", strict=True):
                    values = torch.from_numpy(data[f"{block}/{letter}/{time}"])
                    batch = values.unflatten(0, (2, heads)).transpose(1, 2).flatten(2)
                    capture.see(site, batch, members)
        found = capture.attention(0).self_attention
        assert np.abs(found - data["spectral_input"]).max() <= tolerance
        if per_head:
            assert np.abs(capture.per_head(0) - data["kmeans_input"]).max() <= tolerance


def test_a_map_that_is_known() -> None:
    query = torch.tensor([[[0.0], [1.0]]])
    key = torch.tensor([[[0.0], [np.log(3.0)]]], dtype=torch.float32)
    maps = MapMean()
    maps.add(query, key, 1.0)
    assert np.allclose(maps.mean(), [[0.5, 0.5], [0.25, 0.75]], atol=1e-7)
    maps.add(query.flip(1), key, 1.0)
    assert np.allclose(maps.mean(), [[0.375, 0.625], [0.375, 0.625]], atol=1e-7)


@settings(max_examples=30)
@given(
    heads=st.integers(1, 4),
    count=st.integers(1, 40),
    keys=st.integers(1, 40),
    elements=st.integers(1, 200),
    seed=st.integers(0, 9),
)
def test_parts_are_the_whole(heads: int, count: int, keys: int, elements: int, seed: int) -> None:
    query, key = _random(heads, count, 5, seed=seed), _random(heads, keys, 5, seed=seed + 10)
    parts = list(attention_maps(query, key, 0.7, elements))
    assert [part.start for part, _ in parts[1:]] == [part.stop for part, _ in parts[:-1]]
    found = torch.cat([maps for _, maps in parts], dim=1)
    wanted = torch.softmax(query @ key.transpose(1, 2) * 0.7, dim=-1)
    assert torch.allclose(found, wanted, atol=1e-6)


def test_only_conditional_artistic_rows_count() -> None:
    query, key = _random(5, 16, 8), _random(5, 16, 8, seed=1)
    members = rows([art(0, True), twin(0, True), art(0, False), twin(0, False), OTHER])
    found = _capture(CaptureOptions(), members, 2, query, key).attention(0)
    alone = _capture(CaptureOptions(), rows([art()]), 2, query[:1], key[:1]).attention(0)
    assert np.array_equal(found.self_attention, alone.self_attention)
    both = _capture(PAPER_CAPTURE, members, 2, query, key).attention(0)
    other = _capture(CaptureOptions(), rows([art()]), 2, query[2:3], key[2:3]).attention(0)
    assert np.allclose(both.self_attention, (alone.self_attention + other.self_attention) / 2, atol=1e-7)
    assert np.allclose(found.self_attention.sum(axis=1), 1, atol=1e-5)


def test_pictures_are_kept_apart() -> None:
    query, key = _random(2, 12, 8), _random(2, 12, 8, seed=1)
    capture = _capture(CaptureOptions(), rows([art(0), art(7)]), 2, query, key)
    for image, place in ((0, 0), (7, 1)):
        alone = _capture(CaptureOptions(), rows([art()]), 2, query[place : place + 1], key[place : place + 1])
        assert np.array_equal(capture.attention(image).self_attention, alone.attention(0).self_attention)
        assert capture.attention(image).size == (3, 4)
    with pytest.raises(RuntimeError, match="no attention map"):
        capture.attention(3)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_averaged_in_single(dtype: Any) -> None:
    query, key = _random(1, 64, 16).to(dtype), _random(1, 64, 16, seed=1).to(dtype)
    wanted = _capture(CaptureOptions(), rows([art()]), 2, query.float(), key.float()).attention(0).self_attention
    found = _capture(CaptureOptions(), rows([art()]), 2, query, key).attention(0).self_attention
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-7


def test_autocast_does_not_round_the_maps() -> None:
    query, key = _random(1, 64, 16), _random(1, 64, 16, seed=1)
    wanted = _capture(CaptureOptions(), rows([art()]), 2, query, key).attention(0).self_attention
    with torch.autocast("cpu", torch.bfloat16):
        found = _capture(CaptureOptions(), rows([art()]), 2, query, key).attention(0).self_attention
    assert np.array_equal(found, wanted)


def test_inference_mode_may_come_and_go() -> None:
    query, key = _random(1, 16, 8), _random(1, 16, 8, seed=1)
    capture = AttentionCapture(CaptureOptions(), (4, 4))
    for mode in (torch.inference_mode, torch.no_grad, torch.enable_grad):
        with mode():
            for site, values in zip(_sites(2), (query, key), strict=True):
                capture.see(site, values.clone(), rows([art()]))
    alone = _capture(CaptureOptions(), rows([art()]), 2, query, key).attention(0).self_attention
    assert np.allclose(capture.attention(0).self_attention, alone, atol=1e-7)


def test_the_range_of_timesteps() -> None:
    capture = AttentionCapture(CaptureOptions(), (4, 4))
    assert [capture.wants(time, False) for time in (999, 541.5, 541, 540.2, 0)] == [False, False, True, True, True]
    assert capture.wants(999, last=True)


def _words_capture(members: list[Row], query: Any, key: Any) -> AttentionCapture:
    capture = AttentionCapture(CaptureOptions(), (2, 3))
    for kind, values in ((Kind.WORD_QUERY, query), (Kind.WORD_KEY, key)):
        capture.see(Site(f"attn2.{kind.value}", kind, 1, "attn2", 2), values, rows(members))
    self_values = _random(len(members), 6, 8)
    for site in _sites(2):
        capture.see(site, self_values, rows(members))
    return capture


def test_words_are_where_their_tokens_are_looked_at() -> None:
    query, key = torch.zeros(1, 6, 8), torch.zeros(1, 5, 8)
    query[0, 4] = 3.0
    key[0, 2:4] = 2.0
    found = _words_capture([art(words={"river": (2, 3), "sky": (1,)})], query, key).attention(0).words
    assert set(found) == {"river", "sky"}
    assert found["river"].shape == (2, 3)
    assert np.array_equal(found["river"], [[0, 0, 0], [0, 1, 0]])
    assert np.array_equal(found["sky"], [[1, 1, 1], [1, 0, 1]])


def test_a_words_map_is_the_mean_over_heads_and_tokens() -> None:
    query, key = _random(2, 6, 4), _random(2, 5, 4, seed=1)
    means: dict[str, Any] = {}
    add_words(means, {"falls": (1, 4)}, query, key, 0.5)
    wanted = torch.softmax(query @ key.mT * 0.5, dim=-1)[..., [1, 4]].mean(dim=(0, 2))
    assert torch.allclose(means["falls"].total, wanted, atol=1e-7)
    add_words(means, {"falls": (1, 4)}, query, key, 0.5)
    assert means["falls"].count == 2
    stretched = (wanted - wanted.min()) / (wanted.max() - wanted.min())
    assert np.allclose(means["falls"].normalised((2, 3)).ravel(), stretched, atol=1e-6)


def test_a_word_outside_the_text_is_refused() -> None:
    with pytest.raises(RuntimeError, match="'river'"):
        add_words({}, {"river": (5,)}, _random(2, 6, 4), _random(2, 5, 4), 0.5)


def test_heads_are_kept_only_when_asked_for() -> None:
    query, key = _random(2, 16, 8), _random(2, 16, 8, seed=1)
    members = rows([art(0, True), art(0, False)])
    with pytest.raises(RuntimeError, match="per head"):
        _capture(PAPER_CAPTURE, members, 2, query, key).per_head(0)
    capture = _capture(CaptureOptions(unconditional=True, per_head=True), members, 2, query, key)
    found = capture.per_head(0)
    assert found.shape == (16, 4 * 16)
    assert np.allclose(found.reshape(16, 4, 16).mean(axis=1), capture.attention(0).self_attention, atol=1e-6)
    first = _capture(CaptureOptions(), rows([art()]), 1, query[1:, :, :4], key[1:, :, :4]).attention(0)
    assert np.allclose(found[:, :16], first.self_attention, atol=1e-6)


def test_a_pictures_averages_are_small() -> None:
    query = _random(1, 1024, 16)
    members = rows([art(words={"river": (1,)})])
    capture = _capture(CaptureOptions(), members, 8, query, query)
    assert capture.bytes == 4 * 1024**2
    assert _capture(CaptureOptions(per_head=True), members, 8, query, query).bytes == 9 * 4 * 1024**2
