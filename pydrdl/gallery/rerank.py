"""k-reciprocal re-ranking of what was found first (Zhong et al., CVPR 2017).

Two images are k-reciprocal neighbours when each is among the k nearest of the other.
What is found is ranked anew by how much its neighbours are the query's (the Jaccard
distance d_J, their Eq. 10), mixed with the distance d itself:

    d* = (1 - lambda) d_J + lambda d      (their Eq. 12)

It is done among the query and its first hits only, so that its cost does not depend
on the gallery's size.
"""

import numpy as np

from pydrdl.arrays import Bool, Float32, Float64, Int

K1 = 20  # neighbours that must be reciprocal, theirs
K2 = 6  # nearest, over which neighbourhoods are averaged, theirs
LAMBDA = 0.3  # weight of the distance itself, theirs


def rerank(
    query: Float32,
    found: Float32,
    k1: int = K1,
    k2: int = K2,
    weight: float = LAMBDA,
) -> Float64:
    """Distances d* (N,) of what was found; smaller is nearer.

    Args:
        query: (D,).
        found: (N, D), the first hits.
        k1: neighbours that must be reciprocal.
        k2: nearest, over which neighbourhoods are averaged; 1: none.
        weight: lambda.
    """
    points = np.concatenate([query[None], found]).astype(np.float64)
    squares = np.square(points).sum(axis=1)
    distances = squares[:, None] + squares - 2 * points @ points.T
    distances = np.maximum(distances, 0)
    np.fill_diagonal(distances, 0)
    # Each column is scaled by its largest, as in their code.
    scaled = distances / np.maximum(distances.max(axis=0), np.finfo(np.float64).tiny)
    scaled = scaled.T
    order = np.argsort(scaled, axis=1, kind="stable")
    weights = _neighbourhoods(scaled, order, k1)
    if k2 > 1:
        weights = weights[order[:, :k2]].mean(axis=1)
    shared = np.minimum(weights[0], weights).sum(axis=1)
    union = np.maximum(weights[0], weights).sum(axis=1)
    jaccard = 1 - shared / union
    mixed = (1 - weight) * jaccard + weight * scaled[0]
    return np.asarray(mixed[1:], np.float64)


def _neighbourhoods(distances: Float64, order: Int, k1: int) -> Float64:
    """Rows of weights exp(-d) of each point's neighbours, of sum 1 (their Eq. 7)."""
    near = _reciprocal(order, k1)
    half = _reciprocal(order, round(k1 / 2))
    expanded = near.copy()
    for point in range(len(order)):
        for candidate in np.flatnonzero(near[point]):
            own = half[candidate]
            # Their Eq. 5: a neighbour brings its own where most are ours already.
            if (own & near[point]).sum() > 2 / 3 * own.sum():
                expanded[point] |= own
    weights = np.where(expanded, np.exp(-distances), 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _reciprocal(order: Int, k: int) -> Bool:
    """Which points are among the k nearest of one another, and each of itself."""
    nearest = np.zeros((len(order), len(order)), np.bool_)
    # The point itself is its own nearest, so that there are k others.
    np.put_along_axis(nearest, order[:, : k + 1], True, axis=1)
    return nearest & nearest.T
