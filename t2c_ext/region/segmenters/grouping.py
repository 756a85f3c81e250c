"""Pieces merged step by step into larger and larger groups: candidates of every size.

The grouping is that of selective search (Uijlings et al. 2013): the most alike neighbours are merged first, where
alike means colours, texture and a weak edge between them; small ones go first.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2c_ext.region.segmenters.superpixels import Pieces
from t2c_ext.types import BoolArray


@dataclass(frozen=True)
class Likeness:
    """What counts as alike: weights of colour, of texture, and of the edge between two groups."""

    colour: float
    texture: float
    edge: float


LIKENESSES = (Likeness(1.0, 0.5, 0.5), Likeness(0.5, 1.0, 0.5), Likeness(0.5, 0.2, 1.5))


def group(pieces: Pieces) -> BoolArray:
    """All groups that appear while merging in several ways.

    Returns:
        bool [K, N]: which pieces each group holds; no two rows are the same; in a fixed order.
    """
    rows = np.concatenate([_merge(pieces, likeness) for likeness in LIKENESSES])
    packed = np.packbits(rows, axis=1)
    _, first = np.unique(packed, axis=0, return_index=True)
    return rows[np.sort(first)]


def _merge(pieces: Pieces, likeness: Likeness) -> BoolArray:
    """Every group of one tree of merges, bool [<= 2N - 1, N]."""
    count = pieces.count
    members = [1 << index for index in range(count)]
    sums = list(np.concatenate([pieces.histogram, pieces.colour, pieces.tensor], axis=1))
    area = list(pieces.area)
    links: list[dict[int, tuple[float, float]]] = [{} for _ in range(count)]
    for (one, other), length, edge in zip(pieces.neighbours.tolist(), pieces.length, pieces.edge, strict=True):
        links[one][other] = links[other][one] = (float(length), float(edge))
    palette = pieces.histogram.shape[1]
    whole = float(sum(area))

    def cost(one: int, other: int) -> float:
        mine, yours = sums[one] / area[one], sums[other] / area[other]
        overlap = float(np.sqrt(np.maximum(mine[:palette] * yours[:palette], 0)).sum())
        lab = float(np.linalg.norm(mine[palette : palette + 3] - yours[palette : palette + 3])) / 40.0
        texture = float(np.abs(_texture(mine[palette + 3 :]) - _texture(yours[palette + 3 :])).sum())
        length, edge = links[one][other]
        unlike = likeness.colour * (1 - overlap + lab) + likeness.texture * texture + likeness.edge * edge / length / 25
        size = area[one] * area[other] / (area[one] + area[other]) / whole
        return unlike * (size + 1e-4) ** 0.5

    queue = [(cost(one, other), one, other) for one in range(count) for other in links[one] if one < other]
    heapq.heapify(queue)
    alive = [True] * count
    while queue:
        _, one, other = heapq.heappop(queue)
        if not (alive[one] and alive[other]):
            continue
        fresh = len(members)
        alive[one] = alive[other] = False
        alive.append(True)
        members.append(members[one] | members[other])
        sums.append(sums[one] + sums[other])
        area.append(area[one] + area[other])
        links.append({})
        for near in sorted((links[one].keys() | links[other].keys()) - {one, other}):
            parts = [links[part][near] for part in (one, other) if near in links[part]]
            links[fresh][near] = links[near][fresh] = (sum(p[0] for p in parts), sum(p[1] for p in parts))
            links[near].pop(one, None)
            links[near].pop(other, None)
            heapq.heappush(queue, (cost(near, fresh), near, fresh))
    return _bits(members, count)


def _texture(tensor: NDArray[np.float64]) -> NDArray[np.float64]:
    """Strength (log) and two orientation components of a mean structure tensor."""
    horizontal, vertical, cross = tensor
    total = horizontal + vertical + 0.5
    return np.array([0.25 * np.log(total), 0.5 * (vertical - horizontal) / total, cross / total])


def _bits(members: list[int], count: int) -> BoolArray:
    """Rows of bits of Python integers, lowest first."""
    size = (count + 7) // 8
    raw = np.frombuffer(b"".join(number.to_bytes(size, "little") for number in members), np.uint8)
    bits = np.unpackbits(raw.reshape(len(members), size), axis=1, bitorder="little")
    return bits[:, :count].astype(bool)
