"""The cumulative match curve (paper, Sec. 5.3)."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pydrdl.metrics.matches import (
    Matches,
    Ties,
    matches_from_distances,
    place_ties,
    tie_groups,
)


def cmc_curve(
    distances: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    ignore: ArrayLike | None = None,
    max_rank: int = 50,
    ties: Ties = "expected",
) -> NDArray[np.float64]:
    """The fraction of probes whose match is among the k nearest gallery items.

    Where the gallery holds several images of a probe's vehicle, the first match
    counts (Market-1501's rule). Ranks beyond the gallery's size repeat the last
    value, 1.

    Args:
        distances: (P, G), any monotone measure, smaller is nearer.
        probe_ids: (P,) vehicle of each probe.
        gallery_ids: (G,) vehicle of each gallery item.
        ignore: (P, G) bool; true entries do not exist for that probe, as
            Market-1501's junk (same vehicle, same camera).
        max_rank: length of the curve.
        ties: what an exact tie counts, see pydrdl.metrics.matches.

    Returns:
        (max_rank,) for k = 1 .. max_rank, never decreasing.

    Raises:
        ValueError: shapes do not fit, a distance is NaN, there is no probe, or
            a probe has no match.
    """
    matches = matches_from_distances(distances, probe_ids, gallery_ids, ignore=ignore)
    return cmc_from_matches(matches, max_rank=max_rank, ties=ties)


def cmc_from_matches(
    matches: Matches, *, max_rank: int = 50, ties: Ties = "expected"
) -> NDArray[np.float64]:
    """The curve, of each probe's nearest matches; as cmc_curve.

    Raises:
        ValueError: there is no probe, no rank, or no such tie rule.
    """
    groups = tie_groups(matches)
    nearest = groups.before == 0
    return cmc_from_counts(
        groups.closer[nearest],
        groups.equal[nearest],
        matched=groups.size[nearest],
        max_rank=max_rank,
        ties=ties,
    )


def cmc_from_counts(
    closer: ArrayLike,
    equal: ArrayLike,
    *,
    matched: ArrayLike = 1,
    max_rank: int = 50,
    ties: Ties = "expected",
) -> NDArray[np.float64]:
    """The curve from what is counted for each probe.

    Args:
        closer: (P,) gallery items nearer than the nearest match.
        equal: (P,) items of other vehicles exactly as far as it.
        matched: (P,) or scalar, matches at that distance, at least 1.
        max_rank: length of the curve.
        ties: see pydrdl.metrics.matches.

    Returns:
        (max_rank,) mean over probes of P(rank <= k). Of E equal items and m
        matches in random order, none of the first j is a match with
        probability prod_{i<j} (E - i) / (E + m - i).

    Raises:
        ValueError: there is no probe, no rank, or no such tie rule.
    """
    less, other = np.atleast_1d(closer), np.atleast_1d(equal)
    if less.size == 0:
        raise ValueError("there is no probe")
    if max_rank < 1:
        raise ValueError(f"max_rank is {max_rank}; expected at least 1")
    less, other = place_ties(less, other, ties)
    tied = other > 0
    first = np.bincount(np.minimum(less[~tied], max_rank), minlength=max_rank + 1)
    found = np.cumsum(first[:max_rank]).astype(np.float64)
    missed = np.ones(np.count_nonzero(tied))
    before, among = less[tied], other[tied]
    own = np.broadcast_to(matched, less.shape)[tied]
    for k in range(max_rank if missed.size else 0):
        i = k - before  # tied items already placed before this rank
        left = np.maximum(among - i, 0)
        missed *= np.where(i < 0, 1.0, left / (left + own))
        found[k] += (1.0 - missed).sum()
    return found / less.size
