"""Which cells of the attention's grid belong together: scikit-learn's k-means, plain or on a spectral embedding."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import FloatArray

Labels = NDArray[np.int32]

TELEPORT = 1e-3
"""Share of every cell's affinity that goes to all cells alike, so that no group is wholly cut off (the eigenvectors of
groups that are cut off are not unique)."""

DIRECTIONS = 32
"""k-means on the rows of an attention map looks at this many directions of their spread."""

ATTEMPTS = 6
"""k-means starts this many times and keeps the tightest result."""


def leading_vectors(attention: FloatArray, count: int) -> FloatArray:
    """The leading eigenvectors of the random walk on the graph of an attention map (Shi and Malik 2000).

    Args:
        attention: float32 [n, n], not negative; made symmetric, its diagonal left out.
        count: how many; fewer where there are not so many cells.

    Returns:
        float32 [n, count]: column k is the eigenvector of D^-1/2 S D^-1/2 with the k-th largest eigenvalue, times
        D^-1/2. The first is constant.
    """
    from sklearn.manifold import spectral_embedding

    size = attention.shape[0]
    graph = 0.5 * (attention + attention.T)
    np.fill_diagonal(graph, 0.0)
    graph += np.float32(TELEPORT * max(float(graph.sum()), 1e-12) / size**2)
    count = min(count, size - 1)
    found = spectral_embedding(graph, n_components=count, eigen_solver="arpack", random_state=0, drop_first=False)
    return np.asarray(found, np.float32)


def k_means(points: FloatArray, count: int, seed: int) -> Labels:
    """Lloyd's algorithm from k-means++ starts; the tightest of several attempts.

    Args:
        points: float32 [n, d].
        count: number of clusters; fewer where there are not so many points.
        seed: the same seed gives the same labels.

    Returns:
        int32 [n]: labels 0 .. count - 1.
    """
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # points that lie on one another are fewer clusters
        found = KMeans(min(count, len(points)), n_init=ATTEMPTS, random_state=seed).fit_predict(points)
    return np.asarray(found, np.int32)


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
    points = leading_vectors(attention, max(counts)) if spectral else _fewer_dimensions(attention)
    for count in counts:
        yield k_means(points[:, :count] if spectral else points, count, seed).reshape(size)


def _fewer_dimensions(rows: FloatArray) -> FloatArray:
    """The rows in the leading directions of their spread, in which their distances are all but kept."""
    from sklearn.decomposition import PCA

    kept = min(DIRECTIONS, *rows.shape)
    return np.asarray(PCA(kept, svd_solver="randomized", random_state=0).fit_transform(rows), np.float32)
