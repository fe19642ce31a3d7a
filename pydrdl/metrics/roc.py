"""The receiver operating characteristic of verification, its area and its EER."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pydrdl.metrics.pair_accuracy import check_pairs

Float64 = NDArray[np.float64]


class Roc(NamedTuple):
    """A curve from (0, 0) to (1, 1); all fields (K,), never decreasing.

    Attributes:
        false_positive: fraction of different pairs called the same.
        true_positive: fraction of same pairs called the same.
        threshold: the distances cut at; -inf first.
    """

    false_positive: Float64
    true_positive: Float64
    threshold: Float64


def roc_curve(distances: ArrayLike, same: ArrayLike) -> Roc:
    """One point for each distinct distance: ties are never cut.

    Args:
        distances: (N,) smaller is more alike.
        same: (N,) bool, the truth.

    Raises:
        ValueError: lengths differ, a distance is NaN, or one of the two kinds
            of pairs is missing.
    """
    d, truth = check_pairs(distances, same)
    values, place = np.unique(d, return_inverse=True)
    positive = np.bincount(place, weights=truth)
    negative = np.bincount(place, weights=~truth)
    return Roc(
        np.concatenate([[0], np.cumsum(negative) / negative.sum()]),
        np.concatenate([[0], np.cumsum(positive) / positive.sum()]),
        np.concatenate([[-np.inf], values]),
    )


def auc(distances: ArrayLike, same: ArrayLike) -> float:
    """The probability that a same pair is closer than a different one.

    An equal distance counts half (the area under the curve by trapezoids).

    Raises:
        ValueError: as roc_curve.
    """
    roc = roc_curve(distances, same)
    return float(np.trapezoid(roc.true_positive, roc.false_positive))


def equal_error_rate(distances: ArrayLike, same: ArrayLike) -> float:
    """The error where as large a share of same as of different pairs is wrong.

    Between two points of the curve it is interpolated linearly.

    Raises:
        ValueError: as roc_curve.
    """
    roc = roc_curve(distances, same)
    missed = 1 - roc.true_positive
    gap = roc.false_positive - missed  # rises from -1 to 1
    after = int((gap >= 0).argmax())
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    rise = roc.false_positive[after] - roc.false_positive[before]
    return float(roc.false_positive[before] + share * rise)
