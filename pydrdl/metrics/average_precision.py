"""Average precision of a ranking; its mean over probes is the paper's MAP.

With n matches at ranks p_1 < .. < p_n (from 1):
  step       mean of j / p_j, the finite sum that trec_eval, scikit-learn since
             0.19 and most re-identification code compute
  trapezoid  mean of (j / p_j + (j - 1) / (p_j - 1)) / 2, where 0 / 0 counts 1:
             Oxford's and Market-1501's; of the two, the paper names neither
A lone match at rank p > 1 scores 1 / p by the first, half of that by the second.
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pydrdl.metrics.matches import (
    Matches,
    Ties,
    matches_from_distances,
    place_ties,
    tie_groups,
)

Rule = Literal["step", "trapezoid"]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


def average_precision(
    distances: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    ignore: ArrayLike | None = None,
    rule: Rule = "step",
    ties: Ties = "expected",
) -> Float64:
    """Each probe's average precision.

    Args:
        distances: (P, G), any monotone measure, smaller is nearer.
        probe_ids: (P,) vehicle of each probe.
        gallery_ids: (G,) vehicle of each gallery item.
        ignore: (P, G) bool; true entries do not exist for that probe.
        rule: see this module's head.
        ties: what an exact tie counts, see pydrdl.metrics.matches. (Scikit-learn
            merges tied items into one step, which is none of these.)

    Returns:
        (P,) from 0, excluded, to 1.

    Raises:
        ValueError: as cmc_curve; no such rule.
    """
    matches = matches_from_distances(distances, probe_ids, gallery_ids, ignore=ignore)
    return average_precision_from_matches(matches, rule=rule, ties=ties)


def average_precision_from_matches(
    matches: Matches, *, rule: Rule = "step", ties: Ties = "expected"
) -> Float64:
    """Each probe's average precision, (P,); as average_precision.

    The ranks of r matches and E others at one distance, N items and R matches
    before them, are random. Place i = 1 .. n = r + E holds a match with
    probability r / n, and then R + (i - 1) (r - 1) / (n - 1) matches are expected
    before it; precision is linear in that number, so that its expectation is
    exact (McSherry and Najork 2008).

    Raises:
        ValueError: there is no probe, no such rule, or no such tie rule.
    """
    if rule not in get_args(Rule):
        raise ValueError(f"rule is {rule!r}; expected one of {get_args(Rule)}")
    groups = tie_groups(matches)
    closer, equal = place_ties(groups.closer, groups.equal, ties)
    r, before = groups.size, groups.before.astype(np.float64)
    ahead, n = closer + groups.before, r + equal
    slope = (r - 1) / np.maximum(n - 1, 1)
    total = _sum_of_ratios(before + 1, slope, ahead + 1, n)
    if rule == "trapezoid":
        # The place before each match; before the first place precision is 1.
        top = ahead == 0
        left = _sum_of_ratios(
            before + top * slope, slope, np.where(top, 1, ahead), n - top
        )
        total = (total + left + top) / 2
    count = np.bincount(groups.probe, weights=r)
    return np.asarray(np.bincount(groups.probe, weights=total * r / n) / count)


def _sum_of_ratios(start: Float64, slope: Float64, first: Int, count: Int) -> Float64:
    """The sum over i = 0 .. count - 1 of (start + i slope) / (first + i).

    It is count slope + (start - first slope) (H(first + count - 1) - H(first - 1)),
    H the harmonic numbers.
    """
    last = first + count - 1
    harmonic = np.zeros(int(last.max()) + 2)
    harmonic[1:] = np.cumsum(1.0 / np.arange(1, harmonic.size))
    between = harmonic[last] - harmonic[first - 1]
    # One place needs no difference of sums, and is exact without.
    between = np.where(count == 1, 1.0 / first, between)
    return np.asarray(count * slope + (start - first * slope) * between)
