"""Regions redrawn along the attention of the artistic picture."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import pytest
from conftest import Fixtures
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from t2c_ext.errors import UserError
from t2c_ext.region.clustering import cluster, cluster_levels, k_means, leading_vectors
from t2c_ext.region.find import PAINTED
from t2c_ext.region.refine import refine_regions
from t2c_ext.region.selection import (
    LEAN,
    coherence_of,
    components_of,
    coverage_of,
    lean_of,
    select,
    select_as_paper,
    share_out,
    undecided,
)
from t2c_ext.settings import RegionSettings
from t2c_ext.types import Attention, FloatArray, Region, Regions

DEFAULT = RegionSettings()


def planted(groups: np.ndarray, noise: float = 0.5, seed: int = 1) -> FloatArray:
    """Attention of cells [h, w] that look at their own group, with noise."""
    names = groups.ravel()
    drawn = np.random.default_rng(seed).uniform(1 - noise, 1 + noise, (names.size, names.size))
    affinity = np.where(names[:, None] == names[None, :], 1.0, 0.02) * drawn
    return np.asarray(affinity / affinity.sum(axis=1, keepdims=True), np.float32)


def same_partition(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two labelings differ at most in names."""
    pairs = set(zip(one.ravel().tolist(), other.ravel().tolist(), strict=True))
    return len(pairs) == len(np.unique(one)) == len(np.unique(other))


def quarters(height: int, width: int) -> np.ndarray:
    """A grid in three bands, the middle one split."""
    rows, columns = np.mgrid[:height, :width]
    return np.where(rows < height * 0.3, 0, np.where(rows < height * 0.6, 1 + (columns >= width * 0.4), 3))


class TestClusters:
    @pytest.mark.parametrize("size", [(32, 32), (24, 40), (9, 5), (2, 2)])
    @pytest.mark.parametrize("method", ["spectral", "kmeans"])
    def test_planted_groups_are_found(self, size: tuple[int, int], method: str) -> None:
        groups = quarters(*size)
        found = cluster(planted(groups), size, len(np.unique(groups)), method, seed=3)
        assert found.shape == size
        assert same_partition(found, groups)

    @pytest.mark.parametrize("method", ["spectral", "kmeans"])
    def test_a_seed_decides_everything(self, method: str) -> None:
        attention = planted(quarters(12, 12), noise=0.99)
        first, second = (cluster(attention, (12, 12), 7, method, seed=5) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_groups_that_are_wholly_cut_off_are_found(self) -> None:
        groups = quarters(16, 16)
        attention = (groups.ravel()[:, None] == groups.ravel()[None, :]).astype(np.float32)
        found = cluster(attention / attention.sum(axis=1, keepdims=True), (16, 16), 4, "spectral", seed=0)
        assert same_partition(found, groups)

    def test_the_embedding_solves_the_walk(self) -> None:
        attention = planted(quarters(8, 10))
        embedding = leading_vectors(attention, 4).astype(np.float64)
        graph = 0.5 * (attention + attention.T).astype(np.float64)
        np.fill_diagonal(graph, 0)
        walk = graph / graph.sum(axis=1, keepdims=True)
        values = (embedding * (walk @ embedding)).sum(axis=0) / (embedding**2).sum(axis=0)
        np.testing.assert_allclose(walk @ embedding, values * embedding, atol=2e-3 * np.abs(embedding).max())
        assert values[0] == pytest.approx(1, abs=2e-3)
        assert list(values) == sorted(values, reverse=True)
        assert np.ptp(embedding[:, 0]) < 1e-4 * abs(embedding[0, 0])

    def test_the_attention_is_left_as_it_was(self) -> None:
        attention = planted(quarters(6, 6))
        before = attention.copy()
        list(cluster_levels(attention, (6, 6), (3, 5), "spectral", 0))
        list(cluster_levels(attention, (6, 6), (3, 5), "kmeans", 0))
        np.testing.assert_array_equal(attention, before)

    def test_k_means_finds_what_trying_all_labelings_finds(self) -> None:
        points = np.random.default_rng(2).normal(size=(8, 2)).astype(np.float32)
        labels = k_means(points, 3, seed=0)

        def spread(of: Sequence[int]) -> float:
            named = np.asarray(of)
            return sum(float(((points[named == k] - points[named == k].mean(axis=0)) ** 2).sum()) for k in set(of))

        everything = (tuple((code // 3**place) % 3 for place in range(8)) for code in range(3**8))
        assert spread(labels.tolist()) == pytest.approx(min(map(spread, everything)), rel=1e-5)

    def test_equal_points_and_too_many_clusters_do_no_harm(self) -> None:
        assert k_means(np.zeros((5, 2), np.float32), 3, seed=0).shape == (5,)
        assert len(set(k_means(np.arange(3, dtype=np.float32)[:, None], 9, seed=0).tolist())) == 3

    def test_it_is_fast_on_one_thread(self) -> None:
        code = """if True:
            import time, numpy as np
            from t2c_ext.region.clustering import cluster_levels
            rows, columns = np.mgrid[:32, :32].reshape(2, -1) / 32.0
            far = (rows[:, None] - rows) ** 2 + (columns[:, None] - columns) ** 2
            noise = np.random.default_rng(0).uniform(0.5, 1.5, far.shape)
            attention = (np.exp(-20 * far) * noise).astype(np.float32)
            attention /= attention.sum(axis=1, keepdims=True)
            seconds = {"all vectors": [], "spectral": [], "kmeans": []}
            for _ in range(3):
                for method, taken in seconds.items():
                    start = time.process_time()
                    if method == "all vectors":
                        np.linalg.eigh(attention + attention.T)
                    else:
                        list(cluster_levels(attention, (32, 32), (4, 6, 8, 11, 15, 20), method, 0))
                    taken.append(time.process_time() - start)
            print(*map(min, seconds.values()))
        """
        one_thread = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment = {**os.environ, **one_thread}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        every_vector, *methods = map(float, done.stdout.split())
        assert max(methods) < 1.25 * every_vector, "six levels of clusters, beside all eigenvectors once: about 0.4 s"


GRID = np.array(
    [
        [0, 0, 0, 5],
        [0, 9, 0, 5],
        [9, 0, 0, 0],
        [9, 0, 5, 5],
    ]
)


class TestSelection:
    def test_components_touch_by_corners_and_no_cluster_is_special(self) -> None:
        expected = [[0, 0, 0, 1], [0, 2, 0, 1], [2, 0, 0, 0], [2, 0, 3, 3]]
        np.testing.assert_array_equal(components_of(GRID), expected)
        np.testing.assert_array_equal(components_of(np.where(GRID == 0, -3, GRID)), expected)

    @given(arrays(np.int32, (7, 5), elements=st.integers(0, 4)), st.permutations(range(5)), st.integers(-9, 9))
    def test_the_clusters_names_change_nothing(self, clusters: np.ndarray, names: list[int], shift: int) -> None:
        renamed = np.asarray(names)[clusters] + shift
        np.testing.assert_array_equal(components_of(renamed), components_of(clusters))

    def test_more_components_than_a_byte_counts_are_all_told_apart(self) -> None:
        rows, columns = np.mgrid[:32, :32]
        clusters = (rows % 2) * 2 + columns % 2
        components = components_of(clusters)
        assert components.max() == 1023
        share = np.zeros((32, 32), np.float32)
        share[3, 4] = 1
        np.testing.assert_array_equal(select(components, share, 0.7), share > 0)

    def test_a_component_is_kept_from_the_threshold_on(self) -> None:
        components = np.repeat(np.arange(3), 10).reshape(3, 10)
        share = np.zeros((3, 10), np.float32)
        share[0, :7] = share[1, :6] = 1
        np.testing.assert_allclose(coverage_of(components, share), [0.7, 0.6, 0.0], atol=1e-6)
        near = np.zeros((3, 10), bool)
        near[0, :8] = True  # one cell beyond the segmentation
        np.testing.assert_array_equal(select(components, share, 0.69), near)
        assert not select(components, share, 0.71).any()
        np.testing.assert_array_equal(undecided(components, share, 0.69), (share > 0) & (components == 1))

    def test_shares_of_cells_count_as_shares(self) -> None:
        components = np.array([[0, 0, 1, 1]])
        share = np.array([[0.9, 0.6, 0.5, 0.4]], np.float32)
        np.testing.assert_array_equal(select(components, share, 0.7), [[True, True, False, False]])

    def test_a_kept_component_does_not_run_away(self) -> None:
        components = np.zeros((32, 32), np.int32)
        share = np.zeros((32, 32), np.float32)
        share[:24] = 1
        kept = select(components, share, 0.7)
        assert kept[:27].all()
        assert not kept[27:].any()

    def test_the_words_attention_breaks_ties_only(self) -> None:
        components = np.repeat(np.arange(4), 10).reshape(4, 10)
        share = np.zeros((4, 10), np.float32)
        share[0], share[1, :6], share[2, :4] = 1, 1, 1
        word = np.repeat(np.float32([0.9, 0.9, 0.9, 0.0]), 10).reshape(4, 10)
        lean = lean_of(components, share, word)
        np.testing.assert_allclose(lean[[0, 1, 3]], [LEAN, LEAN, -LEAN], atol=1e-6)
        kept = select(components, share, 0.7, lean)
        assert [bool(row.any()) for row in kept] == [True, True, False, False]
        assert not lean_of(components, share, np.full((4, 10), 0.4, np.float32)).any()
        assert not lean_of(components, share, 1 - share).any()

    def test_coherence_counts_equal_neighbours(self) -> None:
        assert coherence_of(np.zeros((3, 3), np.int32)) == 1
        assert coherence_of(np.array([[0, 1], [1, 0]])) == 0
        assert coherence_of(np.array([[0, 0, 1]])) == 0.5
        assert coherence_of(np.array([[7]])) == 1

    def test_cells_are_shared_out_to_the_nearest_region(self) -> None:
        cells = np.ones((1, 6), bool)
        cells[0, 5] = False
        shares = [np.float32([[1, 0.6, 0, 0, 0, 0]]), np.float32([[0, 0.4, 0, 0, 1, 0]])]
        left, right = share_out(cells, shares)
        np.testing.assert_array_equal(left, [[1, 1, 1, 0, 0, 0]])
        np.testing.assert_array_equal(right, [[0, 0, 0, 1, 1, 0]])


class TestPaper:
    @pytest.mark.parity
    def test_the_selection_is_the_papers(self, fixtures: Fixtures) -> None:
        names = fixtures.named("attn_mask_selection")
        if not names:
            pytest.skip("this set has no attn_mask_selection")
        for name in names:
            given_arrays, entry = fixtures.arrays(name), fixtures.index[name]
            for number, case in enumerate(entry["cases"]):
                selected, eroded, components = select_as_paper(
                    given_arrays[f"{number}/clusters"],
                    given_arrays[f"{number}/mask_odise"],
                    case["threshold"],
                    case["erosion_ksize"],
                    case["erosion_iter"],
                )
                np.testing.assert_array_equal(components, given_arrays[f"{number}/components"], err_msg=case["case"])
                np.testing.assert_array_equal(selected, given_arrays[f"{number}/mask_self_attn"])
                np.testing.assert_array_equal(eroded, given_arrays[f"{number}/mask_self_attn_erosion"])

    def test_the_slip_about_cluster_0_is_the_papers_alone(self) -> None:
        clusters = np.ones((8, 8), np.int32)
        clusters[1:3, 1:3] = clusters[5:7, 5:7] = 0
        segmentation = np.zeros((64, 64), np.uint8)
        segmentation[8:24, 8:24] = 255
        assert not select_as_paper(clusters, segmentation, 0.7)[0].any()
        assert (select_as_paper(np.where(clusters == 0, 3, 1), segmentation, 0.7)[0] > 0).sum() == 256
        share = cv2.resize(segmentation / np.float32(255), (8, 8), interpolation=cv2.INTER_AREA)
        assert select(components_of(clusters), share, 0.7).sum() == 4

    def test_the_setting_paper_is_that_selection(self) -> None:
        _, art, segmentation, attention = scene()
        chosen = replace(DEFAULT, refine="paper", erosion=4)
        (region,) = refine_regions(one(segmentation), attention, art, chosen, seed=4).regions
        clusters = cluster(attention.self_attention, attention.size, 5, "spectral", 4)
        expected = select_as_paper(clusters, (segmentation >= 0.5).astype(np.uint8), 0.7, 5, 1)[1]
        assert expected.any()
        np.testing.assert_array_equal(region.mask, expected / np.float32(255))


def scene(size: tuple[int, int] = (16, 24)) -> tuple[np.ndarray, FloatArray, FloatArray, Attention]:
    """A blue lake with a curved shore on green land: truth, picture, a poor segmentation, attention."""
    height, width = 256, 384
    rows, columns = np.mgrid[:height, :width]
    truth = rows > 140 + 35 * np.sin(columns / 60)
    noise = np.random.default_rng(0).normal(0, 0.03, (height, width, 3))
    art = np.where(truth[..., None], [0.2, 0.4, 0.8], [0.3, 0.5, 0.2]) + noise
    segmentation = rows > 150 + 35 * np.sin(columns / 60) + 12 * np.sin(columns / 9)
    cells = cv2.resize(truth.astype(np.float32), size[::-1], interpolation=cv2.INTER_AREA) >= 0.5
    y, x = np.mgrid[: size[0], : size[1]]
    groups = np.where(cells, 0, 1) * 10 + (x > size[1] / 2) + 2 * (y > size[0] * 0.8)
    return truth, art.astype(np.float32).clip(0, 1), segmentation.astype(np.float32), Attention(size, planted(groups))


def one(mask: FloatArray, name: str = "lake") -> Regions:
    return Regions((Region(name, mask, 0.9, "test"),), ("before",))


def overlap(mask: FloatArray, truth: np.ndarray) -> float:
    inside = mask >= 0.5
    return float((inside & truth).sum() / (inside | truth).sum())


class TestRegions:
    @pytest.mark.parametrize("size", [(16, 24), (32, 48), (10, 15), (20, 18)])
    @pytest.mark.parametrize("refine", ["auto", "spectral", "kmeans"])
    def test_the_outline_is_the_pictures(self, refine: str, size: tuple[int, int]) -> None:
        truth, art, segmentation, attention = scene(size)
        result = refine_regions(one(segmentation), attention, art, replace(DEFAULT, refine=refine), seed=0)
        (region,) = result.regions
        assert overlap(segmentation, truth) < 0.92
        assert overlap(region.mask, truth) > 0.97
        assert (region.name, region.score, region.source) == ("lake", 0.9, "test + attention")
        assert region.mask.dtype == np.float32
        assert region.mask.shape == truth.shape
        assert region.mask.min() >= 0
        assert region.mask.max() <= 1
        assert result.notes[0] == "before"
        assert "attention" in result.notes[1]
        assert [row.mask is segmentation for row in result.segmentation] == [True]

    def test_the_same_seed_gives_the_same_masks(self) -> None:
        _, art, segmentation, attention = scene()
        first, second = (refine_regions(one(segmentation), attention, art, DEFAULT, 3).mask for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_without_attention_or_when_off_nothing_changes(self) -> None:
        _, art, segmentation, attention = scene()
        regions = one(segmentation)
        assert refine_regions(regions, None, art, DEFAULT, 0) is regions
        assert refine_regions(regions, attention, art, replace(DEFAULT, refine="off"), 0) is regions

    def test_a_painted_region_stays_as_it_is(self) -> None:
        _, art, segmentation, attention = scene()
        painted = Region("fall", np.where(np.arange(384) < 40, segmentation, 0).astype(np.float32), 1.0, PAINTED)
        result = refine_regions(Regions((painted, *one(segmentation).regions)), attention, art, DEFAULT, 0)
        assert result.regions[0] is painted
        assert not (result.regions[1].mask * (painted.mask > 0.5)).any()
        assert result.regions[1].source == "test + attention"

    @pytest.mark.parametrize("refine", ["auto", "spectral", "kmeans", "paper"])
    def test_when_nothing_agrees_the_segmentation_stays_and_a_note_says_so(self, refine: str) -> None:
        _, art, _, attention = scene()
        stripe = np.zeros((256, 384), np.float32)
        stripe[40:52, 100:300] = 1
        result = refine_regions(one(stripe, "smoke"), attention, art, replace(DEFAULT, refine=refine), 0)
        np.testing.assert_array_equal(result.regions[0].mask, stripe)
        assert result.regions[0].source == "test"
        assert "no cluster of the picture's attention agrees with the segmentation of smoke" in result.notes[1]

    def test_attention_without_structure_is_no_guide(self) -> None:
        _, art, segmentation, _ = scene()
        noise = np.random.default_rng(0).uniform(0.9, 1.1, (384, 384)).astype(np.float32)
        flat = Attention((16, 24), noise / noise.sum(axis=1, keepdims=True))
        result = refine_regions(one(segmentation), flat, art, DEFAULT, 0)
        np.testing.assert_array_equal(result.mask, segmentation)
        assert "stays as it is" in result.notes[1]

    def test_where_a_cluster_lies_astride_auto_keeps_the_segmentation(self) -> None:
        _, art, _, _ = scene()
        groups = np.where(np.arange(24) < 12, 0, 1) + np.where(np.arange(16) < 9, 0, 2)[:, None]
        groups = np.where((groups == 3) | (groups == 1), 1, groups)  # the right half is one cluster
        segmentation = (np.arange(256)[:, None] >= 144) & np.ones((1, 384), bool)
        attention = Attention((16, 24), planted(groups))
        chosen = replace(DEFAULT, clusters=3)
        kept = refine_regions(one(segmentation.astype(np.float32)), attention, art, chosen, 0).mask
        dropped = refine_regions(
            one(segmentation.astype(np.float32)), attention, art, replace(chosen, refine="spectral"), 0
        ).mask
        assert kept[170:, :180].min() == dropped[170:, :180].min() == 1
        assert kept[170:, 210:].min() == 1
        assert dropped[170:, 210:].max() == 0

    def test_several_regions_share_one_outline_without_overlap_or_seam(self) -> None:
        truth, art, segmentation, attention = scene()
        left = segmentation * (np.arange(384) < 150)
        both = Regions((Region("a", left, 0.9, "x"), Region("b", segmentation - left, 0.9, "x")))
        result = refine_regions(both, attention, art, DEFAULT, 0)
        whole = refine_regions(one(segmentation), attention, art, DEFAULT, 0).mask
        first, second = (region.mask for region in result.regions)
        assert not ((first > 0) & (second > 0)).any()
        assert overlap(result.mask, truth) > 0.97
        assert result.mask[250, 100:200].min() == 1
        assert abs(float(result.mask.mean() - whole.mean())) < 0.01
        assert first[250, :145].min() == second[250, 155:].min() == 1

    def test_erosion_takes_the_rim_but_not_at_the_pictures_border(self) -> None:
        _, art, segmentation, attention = scene()
        full = refine_regions(one(segmentation), attention, art, replace(DEFAULT, feather=0), 0).mask
        thin = refine_regions(one(segmentation), attention, art, replace(DEFAULT, feather=0, erosion=16), 0).mask
        inwards = cv2.distanceTransform(full.astype(np.uint8), cv2.DIST_L2, 5)
        np.testing.assert_array_equal(thin > 0, inwards > 8)  # 16 pixels at 512 are 8 at 256
        assert thin[255].all()

    def test_matte_off_keeps_to_the_cells_and_the_segmentation(self) -> None:
        _, art, segmentation, attention = scene()
        grey = np.full_like(art, 0.5)
        off = replace(DEFAULT, matte="off")
        np.testing.assert_array_equal(
            refine_regions(one(segmentation), attention, art, off, 0).mask,
            refine_regions(one(segmentation), attention, grey, off, 0).mask,
        )

    def test_attention_with_holes_is_refused(self) -> None:
        _, art, segmentation, attention = scene()
        attention.self_attention[3, 4] = np.nan
        with pytest.raises(UserError, match="full precision"):
            refine_regions(one(segmentation), attention, art, DEFAULT, 0)

    def test_the_words_map_finds_what_is_half_covered(self) -> None:
        truth, art, _, attention = scene()
        poor = (truth & (np.arange(256)[:, None] > 152)).astype(np.float32)  # the segmentation misses the far shore
        chosen = replace(DEFAULT, refine="spectral", clusters=6, overlap=0.7)
        cells = cv2.resize(truth.astype(np.float32), (24, 16), interpolation=cv2.INTER_AREA)
        told = replace(attention, words={"lake": cells})
        without = refine_regions(one(poor), attention, art, chosen, 0).mask
        helped = refine_regions(one(poor), told, art, chosen, 0).mask
        assert overlap(helped, truth) > overlap(without, truth) + 0.1
