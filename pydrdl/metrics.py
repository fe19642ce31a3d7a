"""The cumulative match curve (paper, Sec. 5.3): pure functions of arrays.

With L gallery items closer to the probe than its match, the match has rank
L + 1: counting replaces sorting. Where E other items are exactly as far as the
match, its rank is not determined, and an order of storage must not decide:
  expected     all orders of the tied items are equally likely; a net that maps
               every image to one point scores 1 / gallery at rank 1
  optimistic   the match stands before the others
  pessimistic  the match stands behind the others
"""

from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ties = Literal["expected", "optimistic", "pessimistic"]


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
        ties: what an exact tie counts, see above.

    Returns:
        (max_rank,) for k = 1 .. max_rank, never decreasing.

    Raises:
        ValueError: shapes do not fit, a distance is NaN, there is no probe, or
            a probe has no match.
    """
    d = np.asarray(distances)
    probes, gallery = np.asarray(probe_ids), np.asarray(gallery_ids)
    if d.ndim != 2 or d.shape != (probes.size, gallery.size):
        raise ValueError(
            f"distances of shape {d.shape}; expected (probes, gallery) = "
            f"({probes.size}, {gallery.size})"
        )
    if np.isnan(d).any():
        raise ValueError(f"{np.isnan(d).sum()} distances are NaN")
    kept = np.ones(d.shape, bool) if ignore is None else ~np.asarray(ignore, bool)
    if kept.shape != d.shape:
        raise ValueError(f"ignore of shape {kept.shape}; expected {d.shape}")
    matches = (probes[:, None] == gallery[None, :]) & kept
    lost = np.flatnonzero(~matches.any(axis=1))
    if lost.size:
        raise ValueError(
            f"{lost.size} probes have no match in the gallery; "
            f"the first is probe {lost[0]} of vehicle {probes[lost[0]]}"
        )
    nearest = np.where(matches, d, np.inf).min(axis=1, keepdims=True, initial=np.inf)
    return cmc_from_counts(
        np.count_nonzero((d < nearest) & kept, axis=1),
        np.count_nonzero((d == nearest) & kept & ~matches, axis=1),
        matched=np.count_nonzero((d == nearest) & matches, axis=1),
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
        ties: see this module's head.

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
    if ties not in get_args(Ties):
        raise ValueError(f"ties is {ties!r}; expected one of {get_args(Ties)}")
    if ties == "pessimistic":
        less = less + other
    if ties != "expected":
        other = np.zeros_like(other)
    curve = np.empty(max_rank)
    missed = np.ones(less.shape)
    for k in range(max_rank):
        i = k - less  # tied items already placed before this rank
        left = np.maximum(other - i, 0)
        missed *= np.where(i < 0, 1.0, left / (left + matched))
        curve[k] = 1.0 - missed.mean()
    return curve
