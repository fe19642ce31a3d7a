"""What CMC and average precision are made of: counts for every match.

With L gallery items of other vehicles closer to the probe than a match, E
exactly as far, and R matches closer, the match has rank L + R + 1: counting
replaces sorting. Where E > 0 the rank is not determined, and an order of storage
must not decide:
  expected     all orders of the tied items are equally likely; a net that maps
               every image to one point scores 1 / gallery at rank 1
  optimistic   the matches stand before the others
  pessimistic  the matches stand behind the others
"""

from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

Ties = Literal["expected", "optimistic", "pessimistic"]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


class Matches(NamedTuple):
    """Each probe's matches among the gallery; all fields (M,).

    Attributes:
        probe: 0 .. P - 1 ascending; every probe has at least one match.
        distance: of the match to its probe.
        closer: items of other vehicles nearer to the probe than the match.
        equal: items of other vehicles exactly as far as the match.
    """

    probe: Int
    distance: Float64
    closer: Int
    equal: Int


class TieGroups(NamedTuple):
    """A probe's matches at one distance; all fields (N,), by probe and distance.

    Attributes:
        probe: whose matches they are.
        size: how many, at least 1.
        before: matches of the same probe that are nearer.
        closer: items of other vehicles nearer than the group.
        equal: items of other vehicles exactly as far.
    """

    probe: Int
    size: Int
    before: Int
    closer: Int
    equal: Int


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
    """Joins each probe's matches that are equally far.

    Raises:
        ValueError: there is no match.
    """
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
