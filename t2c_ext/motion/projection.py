"""The variational step: of all fields, the one nearest to a guide that has little divergence and respects the walls.

Minimised over the velocity v on the moving area, with guide g, stiffness s, length l and wall resistance w:

    integral s |v - g|^2  +  integral l^2 (div v)^2  +  integral over walls of w (v . n)^2

Its dual is one scalar, symmetric positive definite system for a pressure p, with v = g - grad(p) / s:

    integral grad(p).grad(q) / s + integral p q / l^2 + integral over walls of p q / w = integral g.grad(q)

The picture's border is open (p = 0): motion enters and leaves there; its sides can be closed, as what falls does not
enter from the side. With l and w infinite this is the Helmholtz-Leray
projection. It is discretised with velocities on the faces of cells, each face weighted by the share of it that is open
(cut cells: Batty, Bertails and Bridson 2007), so that walls may lie at any angle.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy import sparse

Array = NDArray[np.float64]


def apertures(coverage: Array, sides: Array) -> tuple[Array, Array]:
    """The open share of the faces: across x, float64 [h, w + 1], and across y, [h + 1, w].

    `sides` [h, w], 0..1: how open the picture's left and right border are; top and bottom are open.
    """
    rows, columns = coverage.shape
    across_x, across_y = np.zeros((rows, columns + 1)), np.zeros((rows + 1, columns))
    active = coverage > 0
    across_x[:, 1:-1] = 0.5 * (coverage[:, 1:] + coverage[:, :-1]) * (active[:, 1:] & active[:, :-1])
    across_y[1:-1] = 0.5 * (coverage[1:] + coverage[:-1]) * (active[1:] & active[:-1])
    across_x[:, 0], across_x[:, -1] = (coverage * sides)[:, 0], (coverage * sides)[:, -1]
    across_y[0], across_y[-1] = coverage[0], coverage[-1]
    return across_x, across_y


def wall_vectors(coverage: Array, sides: Array) -> Array:
    """float64 [h, w, 2]: the wall inside each cell, as its outward normal times its length in cells."""
    across_x, across_y = apertures(coverage, sides)
    return np.stack([across_x[:, :-1] - across_x[:, 1:], across_y[:-1] - across_y[1:]], axis=-1)


def _faces(values: Array) -> tuple[Array, Array]:
    """Means of [h, w] on the faces across x and y; the border's faces take their only cell's value."""
    padded_x = np.concatenate([values[:, :1], values, values[:, -1:]], axis=1)
    padded_y = np.concatenate([values[:1], values, values[-1:]], axis=0)
    return 0.5 * (padded_x[:, 1:] + padded_x[:, :-1]), 0.5 * (padded_y[1:] + padded_y[:-1])


class Projection:
    """The factorised system of one area; `apply` may be called for many guides."""

    def __init__(self, coverage: Array, sides: Array, resistance: Array, length: Array, stiffness: Array) -> None:
        """Build and factorise.

        Args:
            coverage: float64 [h, w], 0..1, the share of each cell that moves.
            sides: float64 [h, w], 0..1, how open the picture's left and right border are.
            resistance: float64 [h, w], >= 0, what walls do against motion through them, in cells.
            length: float64 [h, w], > 0, in cells, over which divergence is avoided.
            stiffness: float64 [h, w], > 0, how firmly the guide is held.
        """
        from scipy.sparse import linalg

        self.coverage = coverage
        self.open_x, self.open_y = apertures(coverage, sides)
        stiff_x, stiff_y = _faces(stiffness)
        self.ease_x, self.ease_y = 1 / stiff_x, 1 / stiff_y
        # the pressure outside lies half a cell beyond the border's faces
        self.ease_x[:, [0, -1]] *= 2
        self.ease_y[[0, -1]] *= 2
        self.active = coverage > 0
        self.number = np.full(coverage.shape, -1)
        self.number[self.active] = np.arange(int(self.active.sum()))
        walls = np.linalg.norm(wall_vectors(coverage, sides), axis=-1)
        give = walls * np.minimum(1e4, 1 / np.maximum(resistance, 1e-4)) + coverage / length**2
        self.factor = linalg.splu(
            self._matrix(give), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        )

    def _matrix(self, give: Array) -> sparse.csc_matrix:
        from scipy import sparse

        link_x, link_y = self.open_x * self.ease_x, self.open_y * self.ease_y
        diagonal = link_x[:, 1:] + link_x[:, :-1] + link_y[1:] + link_y[:-1] + give + 1e-9
        first, second, value = [], [], []
        for links, before, after in (
            (link_x[:, 1:-1], self.number[:, :-1], self.number[:, 1:]),
            (link_y[1:-1], self.number[:-1], self.number[1:]),
        ):
            joined = links > 0
            first += [before[joined], after[joined]]
            second += [after[joined], before[joined]]
            value += [-links[joined], -links[joined]]
        own = self.number[self.active]
        rows, columns = np.concatenate([*first, own]), np.concatenate([*second, own])
        values = np.concatenate([*value, diagonal[self.active]])
        return sparse.csc_matrix((values, (rows, columns)), shape=(own.size, own.size))

    def apply(self, guide: Array) -> Array:
        """The field float64 [h, w, 2] for a guide of the same shape; the guide itself where nothing moves."""
        face_x, face_y = self.faces(guide)
        return np.stack(
            [
                _at_centres(face_x[:, :-1], face_x[:, 1:], self.open_x[:, :-1], self.open_x[:, 1:], guide[..., 0]),
                _at_centres(face_y[:-1], face_y[1:], self.open_y[:-1], self.open_y[1:], guide[..., 1]),
            ],
            axis=-1,
        )

    def faces(self, guide: Array) -> tuple[Array, Array]:
        """The field where it is solved: its x on the faces across x, float64 [h, w + 1], its y on those across y."""
        guide_x, guide_y = _faces(guide[..., 0])[0], _faces(guide[..., 1])[1]
        flux_x, flux_y = self.open_x * guide_x, self.open_y * guide_y
        gain = flux_x[:, :-1] - flux_x[:, 1:] + flux_y[:-1] - flux_y[1:]
        pressure = np.zeros((self.coverage.shape[0] + 2, self.coverage.shape[1] + 2))
        pressure[1:-1, 1:-1][self.active] = self.factor.solve(gain[self.active])
        face_x = guide_x - self.ease_x * np.diff(pressure[1:-1], axis=1)
        face_y = guide_y - self.ease_y * np.diff(pressure[:, 1:-1], axis=0)
        return face_x, face_y


def _at_centres(before: Array, after: Array, open_before: Array, open_after: Array, otherwise: Array) -> Array:
    total = open_before + open_after
    mean = (open_before * before + open_after * after) / np.maximum(total, 1e-12)
    return np.where(total > 0, mean, otherwise)
