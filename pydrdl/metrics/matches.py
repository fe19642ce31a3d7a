"""Counts for every match, and what is made of them: match rates, average precision.

The mean over probes of average precision is the paper's MAP. With n matches at
ranks p_1 < .. < p_n (from 1):
  step       mean of j / p_j, the finite sum that trec_eval, scikit-learn since
             0.19 and most re-identification code compute
  trapezoid  mean of (j / p_j + (j - 1) / (p_j - 1)) / 2, where 0 / 0 counts 1:
             Oxford's and Market-1501's; of the two, the paper names neither
A lone match at rank p > 1 scores 1 / p by the first, half of that by the second.
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.arrays import Float64, Int

Ties = Literal["expected", "optimistic", "pessimistic"]


class Matches(NamedTuple):
    """Each probe's matches among the gallery; all fields (M,)."""

    # 0 .. P - 1 ascending; every probe has at least one match.
    probe: Int
    distance: Float64  # of the match to its probe
    closer: Int  # items of other vehicles nearer to the probe than the match
    equal: Int  # items of other vehicles exactly as far as the match


class TieGroups(NamedTuple):
    """A probe's matches at one distance; all fields (N,), by probe and distance."""

    probe: Int  # whose matches they are
    size: Int  # how many, at least 1
    before: Int  # matches of the same probe that are nearer
    closer: Int  # items of other vehicles nearer than the group
    equal: Int  # items of other vehicles exactly as far


def matches_from_distances(
    distances: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    ignore: ArrayLike | None = None,
) -> Matches:
    """Counts in a matrix of distances, by sorting each row.

    Args:
        distances: (P, G), any monotone measure, smaller is nearer.
        probe_ids: (P,) vehicle of each probe.
        gallery_ids: (G,) vehicle of each gallery item.
        ignore: (P, G) bool; true entries do not exist for that probe, as
            Market-1501's junk (same vehicle, same camera).

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
    if not probes.size:
        raise ValueError("there is no probe")
    kept = np.ones(d.shape, bool) if ignore is None else ~np.asarray(ignore, bool)
    if kept.shape != d.shape:
        raise ValueError(f"ignore of shape {kept.shape}; expected {d.shape}")
    same = probes[:, None] == gallery[None, :]
    probe, item = np.nonzero(same & kept)
    lost = np.setdiff1d(np.arange(probes.size), probe)
    if lost.size:
        raise ValueError(
            f"{lost.size} probes have no match in the gallery; "
            f"the first is probe {lost[0]} of vehicle {probes[lost[0]]}"
        )
    distance = d[probe, item]
    ends = np.searchsorted(probe, np.arange(probes.size + 1))
    below, upto = np.empty(probe.size, np.int64), np.empty(probe.size, np.int64)
    for row, others in enumerate(kept & ~same):
        part = slice(ends[row], ends[row + 1])
        ordered = np.sort(d[row, others])
        below[part] = np.searchsorted(ordered, distance[part], "left")
        upto[part] = np.searchsorted(ordered, distance[part], "right")
    return Matches(probe, distance.astype(np.float64), below, upto - below)


def tie_groups(matches: Matches) -> TieGroups:
    """Joins each probe's matches that are equally far; ValueError without a match."""
    if not matches.probe.size:
        raise ValueError("there is no probe")
    order = np.lexsort((matches.distance, matches.probe))
    probe, distance = matches.probe[order], matches.distance[order]
    new = np.ones(probe.size, bool)
    new[1:] = (probe[1:] != probe[:-1]) | (distance[1:] != distance[:-1])
    first = np.flatnonzero(new)
    return TieGroups(
        probe=probe[first],
        size=np.diff(first, append=probe.size),
        before=first - np.searchsorted(probe, probe[first]),
        closer=matches.closer[order][first],
        equal=matches.equal[order][first],
    )


def place_ties(closer: Int, equal: Int, ties: Ties) -> tuple[Int, Int]:
    """Closer and equal items as the rule counts them.

    Raises:
        ValueError: there is no such rule.
    """
    if ties not in get_args(Ties):
        raise ValueError(f"ties is {ties!r}; expected one of {get_args(Ties)}")
    if ties == "pessimistic":
        closer = closer + equal
    return closer, equal if ties == "expected" else np.zeros_like(equal)


def cmc_curve(
    distances: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    ignore: ArrayLike | None = None,
    max_rank: int = 50,
    ties: Ties = "expected",
) -> Float64:
    """The fraction of probes whose match is among the k nearest gallery items.

    Where the gallery holds several images of a probe's vehicle, the first match
    counts (Market-1501's rule). Ranks beyond the gallery's size repeat the last
    value, 1. Distances, ids and errors are those of matches_from_distances.

    Returns:
        (max_rank,) for k = 1 .. max_rank, never decreasing.
    """
    matches = matches_from_distances(distances, probe_ids, gallery_ids, ignore=ignore)
    return cmc_from_matches(matches, max_rank=max_rank, ties=ties)


def cmc_from_matches(
    matches: Matches, *, max_rank: int = 50, ties: Ties = "expected"
) -> Float64:
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
) -> Float64:
    """The curve from what is counted for each probe.

    Args:
        closer: (P,) gallery items nearer than the nearest match.
        equal: (P,) items of other vehicles exactly as far as it.
        matched: (P,) or scalar, matches at that distance, at least 1.
        max_rank: length of the curve.
        ties: what an exact tie counts.

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


Rule = Literal["step", "trapezoid"]


def average_precision(
    distances: ArrayLike,
    probe_ids: ArrayLike,
    gallery_ids: ArrayLike,
    *,
    ignore: ArrayLike | None = None,
    rule: Rule = "step",
    ties: Ties = "expected",
) -> Float64:
    """Each probe's average precision, (P,): from 0, excluded, to 1.

    Distances, ids and errors are those of matches_from_distances, and rules those of
    this module's head. (Scikit-learn merges tied items into one step, which is none
    of these.)
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
