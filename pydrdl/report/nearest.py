"""The nearest gallery images of some probes, in exact order.

Ranks need no order (pydrdl.ranking); pictures do, of a few probes.
"""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]

BLOCK = 512  # probes of one product
# Float64 products of centred features err by far less than this, relative to
# the largest squared norm.
MARGIN = 1e-9


def nearest(probes: Float32, gallery: Float32, count: int) -> tuple[Int, Float64]:
    """Finds the nearest gallery rows by squared L2 distance.

    One product orders roughly; whatever may be among the nearest is measured
    again as the sum of squared differences. Ties stand in the gallery's order.

    Args:
        probes: (P, D).
        gallery: (G, D).
        count: how many; no more than G are there.

    Returns:
        rows (P, k), nearest first, and their squared distances (P, k),
        k = min(count, G).
    """
    count = min(count, len(gallery))
    rows = np.empty((len(probes), count), np.int64)
    distances = np.empty((len(probes), count))
    centre = gallery.mean(axis=0, dtype=np.float64)
    centred = gallery - centre
    norms = np.einsum("ij,ij->i", centred, centred)
    for start in range(0, len(probes), BLOCK):
        block = probes[start : start + BLOCK] - centre
        keys = norms - 2 * (block @ centred.T)
        scale = norms.max() + np.einsum("ij,ij->i", block, block)
        limits = np.partition(keys, count - 1, axis=1)[:, count - 1] + MARGIN * scale
        for i, limit in enumerate(limits):
            candidates = np.flatnonzero(keys[i] <= limit)
            exact = squared_distances(probes[start + i], gallery[candidates])
            order = np.lexsort((candidates, exact))[:count]
            rows[start + i] = candidates[order]
            distances[start + i] = exact[order]
    return rows, distances


def squared_distances(probe: Float32, gallery: Float32) -> Float64:
    """Squared L2 distance of one probe (D,) to gallery rows (G, D), exactly: (G,)."""
    difference = gallery.astype(np.float64) - probe
    return np.asarray((difference * difference).sum(axis=1))
