"""Which cells of the attention's grid belong together: k-means, plain or on a spectral embedding."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.linalg import eigsh

from t2c_ext.types import FloatArray

Labels = NDArray[np.int32]

DENSE_LIMIT = 1600
"""Up to this many cells all eigenvectors are found at once; beyond, the leading ones by Lanczos' method."""

TELEPORT = 1e-3
"""Share of every cell's affinity that goes to all cells alike, so that no group is wholly cut off (the eigenvectors of
groups that are cut off are not unique)."""

DIRECTIONS = 32
"""k-means on the rows of an attention map looks at this many directions of their spread."""

ATTEMPTS = 6
"""k-means starts this many times and keeps the tightest result."""

MOST_ROUNDS = 60


def spectral_embedding(affinity: FloatArray, count: int) -> FloatArray:
    """The leading eigenvectors of the random walk on a graph (Ng, Jordan and Weiss 2001; Shi and Malik 2000).

    Args:
        affinity: float32 [n, n], not negative; made symmetric, its diagonal left out.
        count: how many, at most n.

    Returns:
        float32 [n, count]: column k is the eigenvector of D^-1/2 S D^-1/2 with the k-th largest eigenvalue, times
        D^-1/2. The first is constant.
    """
    size = affinity.shape[0]
    graph = 0.5 * (affinity + affinity.T)
    np.fill_diagonal(graph, 0.0)
    graph += np.float32(TELEPORT * max(float(graph.sum()), 1e-12) / size**2)
    root = np.sqrt(graph.sum(axis=1, dtype=np.float64))
    walk = graph / root[:, None] / root[None, :]
    count = min(count, size)
    if size <= DENSE_LIMIT or count >= size - 1:
        _, vectors = eigh(walk, subset_by_index=[size - count, size - 1], overwrite_a=True, check_finite=False)
    else:
        values, vectors = eigsh(walk.astype(np.float32), k=count, which="LA", v0=root.astype(np.float32), tol=1e-4)
        vectors = vectors[:, np.argsort(values)]
    return np.asarray(vectors[:, ::-1] / root[:, None], np.float32)


def k_means(points: FloatArray, count: int, seed: int) -> Labels:
    """Lloyd's algorithm from k-means++ starts (Arthur and Vassilvitskii 2007); the tightest of several attempts.

    Args:
        points: float32 [n, d].
        count: number of clusters, at most n.
        seed: the same seed gives the same labels.

    Returns:
        int32 [n]: labels 0 .. count - 1.
    """
    generator = np.random.default_rng(seed)
    count = min(count, len(points))
    best, tightest = np.zeros(len(points), np.int32), np.inf
    for _ in range(ATTEMPTS):
        labels, spread = _lloyd(points, _spread_out(points, count, generator))
        if spread < tightest:
            best, tightest = labels, spread
    return best


def cluster(attention: FloatArray, size: tuple[int, int], count: int, method: str, seed: int) -> Labels:
    """Clusters of an attention map's cells.

    Args:
        attention: float32 [h * w, h * w], query by key; each row sums to 1.
        size: (h, w).
        count: number of clusters.
        method: "spectral" (on the symmetric part of the map) or "kmeans" (on its rows).
        seed: the same seed gives the same clusters.

    Returns:
        int32 [h, w].
    """
    return next(cluster_levels(attention, size, (count,), method, seed))


def cluster_levels(
    attention: FloatArray, size: tuple[int, int], counts: Sequence[int], method: str, seed: int
) -> Iterator[Labels]:
    """As `cluster`, one after the other for several numbers of clusters, which share the costly part."""
    spectral = method == "spectral"
    points = spectral_embedding(attention, max(counts)) if spectral else _fewer_dimensions(attention)
    for count in counts:
        yield k_means(points[:, :count] if spectral else points, count, seed).reshape(size)


def _fewer_dimensions(rows: FloatArray) -> FloatArray:
    """The rows in the leading directions of their spread, in which their distances are all but kept."""
    centred = rows - rows.mean(axis=0)
    kept = min(DIRECTIONS, *rows.shape)
    sketch = np.random.default_rng(0).standard_normal((rows.shape[1], kept)).astype(np.float32)
    basis = np.linalg.qr(centred @ sketch)[0]
    for _ in range(2):  # subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4)
        basis = np.linalg.qr(centred @ np.linalg.qr(centred.T @ basis)[0])[0]
    return np.asarray(centred @ np.linalg.qr(centred.T @ basis)[0], np.float32)


def _spread_out(points: FloatArray, count: int, generator: np.random.Generator) -> FloatArray:
    """Starting centres: each next one is drawn in proportion to its squared distance from those before."""
    chosen = [int(generator.integers(len(points)))]
    nearest = ((points - points[chosen[0]]) ** 2).sum(axis=1, dtype=np.float64)
    while len(chosen) < count:
        total = float(nearest.sum())
        chances = nearest / total if total > 0 else np.full(len(points), 1.0 / len(points))
        chosen.append(int(generator.choice(len(points), p=chances)))
        nearest = np.minimum(nearest, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]


def _lloyd(points: FloatArray, centres: FloatArray) -> tuple[Labels, float]:
    """Labels and the sum of squared distances to the centres, when nothing changes any more.

    Sums go without BLAS, whose threads cost more than they bring at this size.
    """
    labels = np.full(len(points), -1, np.int32)
    squares = np.einsum("nd,nd->n", points, points)
    for _ in range(MOST_ROUNDS):
        far = np.einsum("kd,kd->k", centres, centres) - 2.0 * np.einsum("nd,kd->nk", points, centres)
        closest = far.argmin(axis=1).astype(np.int32)
        spread = float((squares + far[np.arange(len(points)), closest]).sum(dtype=np.float64))
        if np.array_equal(closest, labels):
            break
        labels = closest
        counts = np.bincount(labels, minlength=len(centres))
        sums = np.stack([np.bincount(labels, column, minlength=len(centres)) for column in points.T], axis=1)
        centres = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centres).astype(np.float32)
    return labels, spread
