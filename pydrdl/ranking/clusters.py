"""Tight clusters of features, as a net that has collapsed onto a few points leaves.

Inside one, distances are so small beside the features that float64 products lose
them; of differences from a member they do not.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

TRIED = 64  # columns; of clusters with fewer than 1/64 of all, some are not found
SMALLEST = 1 / 128  # share of the columns; pairs in a smaller one are soon measured
TIGHT = 2.0**-30  # square of the distance over the sum of the squared norms


class Clusters(NamedTuple):
    """K clusters.

    Attributes:
        leaders: (K,) columns.
        members: for each cluster ascending columns, each in one at most.
    """

    leaders: Int
    members: tuple[Int, ...]

    def nearest(self, half_distances: Float64, squares: Float64) -> Int:
        """The cluster that each of n rows lies in, -1 for none: (n,).

        Args:
            half_distances: (n, K) half the squared distances to the leaders.
            squares: (n,) squared norms.
        """
        if not self.leaders.size:
            return np.full(len(squares), -1)
        best = half_distances.argmin(axis=1)
        near = half_distances.min(axis=1) <= TIGHT / 2 * squares
        return np.asarray(np.where(near, best, -1))


def find_clusters(vectors: Float64, squares: Float64) -> Clusters:
    """Looks for tight clusters around some columns.

    Args:
        vectors: (C, D) centred columns.
        squares: (C,) their squared norms.
    """
    count = len(vectors)
    tried = np.arange(0, count, -(-count // TRIED))
    products = vectors[tried] @ vectors.T
    distances = squares[tried, None] + squares - 2 * products
    near = distances <= TIGHT * (squares[tried, None] + squares)
    free = np.ones(count, bool)
    leaders, members = [], []
    for leader, row in zip(tried, near, strict=True):
        found = np.flatnonzero(row & free)
        if found.size > 1 and found.size >= SMALLEST * count:
            leaders.append(leader)
            members.append(found)
            free[found] = False
    return Clusters(np.array(leaders, np.int64), tuple(members))
