"""Verification by a threshold: accuracy, and the receiver operating characteristic.

A pair at most that far apart is called the same.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.arrays import Bool, Float64


class Threshold(NamedTuple):
    """A cut and what it scores on the pairs that it was chosen on."""

    value: float  # pairs at most this far apart are called the same
    accuracy: float  # fraction of pairs called rightly


def check_pairs(distances: ArrayLike, same: ArrayLike) -> tuple[Float64, Bool]:
    """Pairs as arrays, both (N,): distances, smaller is more alike, and the truth.

    Raises:
        ValueError: lengths differ, a distance is NaN, or one of the two kinds
            of pairs is missing.
    """
    d, truth = np.asarray(distances, np.float64), np.asarray(same, bool)
    if d.ndim != 1 or d.shape != truth.shape:
        raise ValueError(f"{d.shape} distances and {truth.shape} labels")
    if np.isnan(d).any():
        raise ValueError(f"{np.isnan(d).sum()} distances are NaN")
    if truth.all() or not truth.any():
        raise ValueError(
            f"{truth.sum()} pairs are the same, {(~truth).sum()} different; "
            "expected some of both"
        )
    return d, truth


def accuracy(distances: ArrayLike, same: ArrayLike, threshold: float) -> float:
    """The fraction of pairs called rightly: the same where at most a threshold apart.

    Raises:
        ValueError: what check_pairs refuses, or the threshold is NaN.
    """
    d, truth = check_pairs(distances, same)
    if np.isnan(threshold):
        raise ValueError("the threshold is NaN")
    return float(((d <= threshold) == truth).mean())


def best_threshold(distances: ArrayLike, same: ArrayLike) -> Threshold:
    """The threshold of the highest accuracy; the lowest where several are best.

    It lies halfway between two neighbouring distances, so that pairs equally far
    are never told apart; -inf calls no pair the same. ValueError as of check_pairs.
    """
    d, truth = check_pairs(distances, same)
    values, place = np.unique(d, return_inverse=True)
    gain = np.bincount(place, weights=np.where(truth, 1, -1))
    right = (~truth).sum() + np.concatenate([[0], np.cumsum(gain)])
    cut = int(right.argmax())  # so many of the values are called the same
    score = float(right[cut] / d.size)
    if cut == 0:
        return Threshold(-np.inf, score)
    low = values[cut - 1]
    high = values[cut] if cut < values.size else low
    # Infinite distances have no middle, and that of two neighbouring floats is
    # one of them.
    middle = low + (high - low) / 2 if np.isfinite([low, high]).all() else low
    return Threshold(float(middle if middle < high else low), score)


class Roc(NamedTuple):
    """A curve from (0, 0) to (1, 1); all fields (K,), never decreasing."""

    false_positive: Float64  # fraction of different pairs called the same
    true_positive: Float64  # fraction of same pairs called the same
    threshold: Float64  # the distances cut at; -inf first


def roc_curve(distances: ArrayLike, same: ArrayLike) -> Roc:
    """One point for each distinct distance: ties are never cut; see check_pairs."""
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
    """The probability that a same pair is closer than a different one; see roc_curve.

    An equal distance counts half (the area under the curve by trapezoids).
    """
    roc = roc_curve(distances, same)
    return float(np.trapezoid(roc.true_positive, roc.false_positive))


def equal_error_rate(distances: ArrayLike, same: ArrayLike) -> float:
    """The error where as large a share of same as of different pairs is wrong.

    Between two points of the curve, see roc_curve, it is interpolated linearly.
    """
    roc = roc_curve(distances, same)
    missed = 1 - roc.true_positive
    gap = roc.false_positive - missed  # rises from -1 to 1
    after = int((gap >= 0).argmax())
    before = after - 1
    share = -gap[before] / (gap[after] - gap[before])
    rise = roc.false_positive[after] - roc.false_positive[before]
    return float(roc.false_positive[before] + share * rise)
