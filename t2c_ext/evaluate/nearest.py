"""Exact nearest neighbours in many dimensions, compiled."""

from __future__ import annotations

import numba
import numpy as np

from t2c_ext.jit import njit
from t2c_ext.types import FloatArray


@njit(cache=True, parallel=True)
def nearest_distances(references: FloatArray, queries: FloatArray) -> FloatArray:
    """Euclidean distance, float32 [M], of each query [M, D] to the nearest reference [N, D].

    `references` must be sorted by their first coordinate. The search walks outward from the query along it and stops
    where that coordinate alone is farther than the best so far; a distance is abandoned as soon as it exceeds the
    best. Both are fast when the coordinates are ordered by falling variance, and neither changes the result.
    """
    count, dimensions = references.shape
    keys = np.ascontiguousarray(references[:, 0])
    result = np.empty(len(queries), np.float32)
    for number in numba.prange(len(queries)):
        query = queries[number]
        high = np.searchsorted(keys, query[0])
        low = high - 1
        best = np.float32(np.inf)
        while low >= 0 or high < count:
            below = query[0] - keys[low] if low >= 0 else np.float32(np.inf)
            above = keys[high] - query[0] if high < count else np.float32(np.inf)
            if min(below, above) ** 2 >= best:
                break
            if below <= above:
                candidate = references[low]
                low -= 1
            else:
                candidate = references[high]
                high += 1
            total = np.float32(0.0)
            start = 0
            while start < dimensions and total < best:
                for index in range(start, min(start + 8, dimensions)):
                    difference = query[index] - candidate[index]
                    total += difference * difference
                start += 8
            best = min(best, total)
        result[number] = np.sqrt(best)
    return result
