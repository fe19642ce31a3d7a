"""Training features grouped by their class: what both EM and its start need."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


class Classes(NamedTuple):
    """Sufficient statistics of N centred samples in C classes.

    Attributes:
        sums: (C, D) sum of each class's samples.
        counts: (C,) how many they are.
        scatter: (D, D) sum of x x' over all samples.
    """

    sums: Float64
    counts: Int
    scatter: Float64

    @property
    def samples(self) -> int:
        """N."""
        return int(self.counts.sum())

    @property
    def within(self) -> Float64:
        """(D, D) scatter around the class means."""
        means = self.sums / self.counts[:, None]
        return np.asarray(self.scatter - means.T @ self.sums)


def group(samples: Float64, labels: Int) -> Classes:
    """Statistics of (N, D) samples by their (N,) labels."""
    _, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(place, kind="stable")
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    sums = np.add.reduceat(samples[order], starts, axis=0)
    return Classes(sums, counts.astype(np.int64), samples.T @ samples)
