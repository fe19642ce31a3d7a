"""One repeat of re-identification seen from near: who was found, and how far all are.

Ranks need no order and no distances (pydrdl.ranking); pictures of some probes do,
and so does a histogram.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pydrdl.arrays import Bool, Float32, Float64, Int
from pydrdl.ranking import count_closer
from pydrdl.ranking.scaling import squared_distances

SAME = "same vehicle"
SAME_MODEL = "other vehicle, same model"
OTHER_MODEL = "other vehicle, other model"
UNLABELLED = "other vehicle, unlabelled"
KINDS = (SAME, SAME_MODEL, OTHER_MODEL, UNLABELLED)
BLOCK = 512  # probes of one product
# Float64 products of centred features err by far less than this, relative to
# the largest squared norm.
MARGIN = 1e-9
FINE = 4096  # bins that the range is counted in; shown are far fewer
SHOWN = 60


@dataclass(frozen=True)
class Histogram:
    """Squared distances of all probes to all gallery images."""

    edges: Float64  # (B + 1,) of the bins
    counts: Mapping[str, Int]  # for each of KINDS that occurs (B,)
    mean: Mapping[str, float]  # of each kind
    # Of each kind but SAME, the share of its pairs that are nearer than the probe's
    # match.
    nearer: Mapping[str, float]

    def median(self, kind: str) -> float:
        """The middle of the bin that holds the median."""
        counts = self.counts[kind]
        half = int(np.searchsorted(np.cumsum(counts), (counts.sum() + 1) / 2))
        return float((self.edges[half] + self.edges[half + 1]) / 2)


@dataclass(frozen=True)
class Search:
    """Probes and gallery of one repeat."""

    names: Sequence[str]  # (N,) images
    vehicles: Int  # (N,) their vehicles
    models: Int  # (N,) their models; -1 unlabelled
    features: Float32  # (N, D)
    probes: Int  # (P,) rows of the probes
    gallery: Int  # (G,) rows of the gallery
    match: Int  # (P,) position in gallery of each probe's vehicle
    closer: Int  # (P,) how many others are closer than the match
    equal: Int  # (P,) how many are as far

    def nearest(self, chosen: Int, count: int) -> tuple[Int, Float64]:
        """The nearest gallery images of some probes, by positions in probes (C,).

        Returns:
            Positions in gallery (C, k), nearest first, and their squared distances
            (C, k), k = min(count, G).
        """
        probes, gallery = (
            self.features[self.probes[chosen]],
            self.features[self.gallery],
        )
        return nearest(probes, gallery, count)

    def match_distances(self, chosen: Int) -> Float64:
        """Squared distances of some probes to their matches, (C,)."""
        rows, match = self.probes[chosen], self.gallery[self.match[chosen]]
        return squared_distances(self.features, self.features, rows, match)

    def histogram(self) -> Histogram:
        """Counts the distances of every probe to every gallery image, in blocks."""
        gallery = _Centred(self.features[self.gallery])
        starts = range(0, self.probes.size, BLOCK)
        parts = [slice(start, start + BLOCK) for start in starts]
        largest = max(
            gallery.norms_of(self.features[self.probes[part]]).max() for part in parts
        )
        # No distance exceeds the sum of the two norms.
        top = float((np.sqrt(gallery.norms.max()) + np.sqrt(largest)) ** 2) or 1.0
        counts = {kind: np.zeros(FINE, np.int64) for kind in KINDS}
        sums, nearer = dict.fromkeys(KINDS, 0.0), dict.fromkeys(KINDS, 0)
        for part in parts:
            far = gallery.distances(self.features[self.probes[part]])
            own = far[np.arange(len(far)), self.match[part]]
            bins = np.minimum((far * (FINE / top)).astype(np.int64), FINE - 1)
            for kind, mask in self._kinds(part).items():
                counts[kind] += np.bincount(bins[mask], minlength=FINE)
                sums[kind] += float(far[mask].sum())
                nearer[kind] += int(((far < own[:, None]) & mask).sum())
        # Fine bins are merged to about SHOWN up to the largest distance.
        used = int(np.flatnonzero(sum(counts.values()))[-1]) + 1
        width = -(-used // SHOWN)
        merged = -(-used // width)
        total = {kind: int(c.sum()) for kind, c in counts.items() if c.any()}
        return Histogram(
            np.arange(merged + 1, dtype=np.float64) * (width * top / FINE),
            {
                kind: np.pad(counts[kind], (0, width))[: merged * width]
                .reshape(merged, width)
                .sum(axis=1)
                for kind in total
            },
            {kind: sums[kind] / n for kind, n in total.items()},
            {kind: nearer[kind] / n for kind, n in total.items() if kind != SAME},
        )

    def _kinds(self, part: slice) -> dict[str, Bool]:
        """Of which kind each pair of a block is; every pair is of one."""
        rows, match = self.probes[part], self.match[part]
        same = np.zeros((rows.size, self.gallery.size), bool)
        same[np.arange(rows.size), match] = True
        probe, gallery = self.models[rows][:, None], self.models[self.gallery][None]
        unlabelled, alike = (probe < 0) | (gallery < 0), probe == gallery
        return {
            SAME: same,
            SAME_MODEL: ~same & ~unlabelled & alike,
            OTHER_MODEL: ~same & ~unlabelled & ~alike,
            UNLABELLED: ~same & unlabelled,
        }


def search(
    names: Sequence[str], vehicles: Int, models: Int, features: Float32, gallery: Int
) -> Search:
    """Ranks one repeat; what is not in the gallery, (G,) ascending rows, is a probe.

    All else is as in Search; one image of each vehicle is in the gallery.
    """
    probes = np.setdiff1d(np.arange(len(names)), gallery)
    order = np.argsort(vehicles[gallery])
    match = order[np.searchsorted(vehicles[gallery][order], vehicles[probes])]
    counts = count_closer(features[probes], features[gallery], match)
    rows = probes, gallery, match, counts.closer, counts.equal
    return Search(names, vehicles, models, features, *rows)


def nearest(probes: Float32, gallery: Float32, count: int) -> tuple[Int, Float64]:
    """The k = min(count, G) nearest of (G, D) gallery rows for each of (P, D) probes.

    One product orders roughly; whatever may be among the nearest is measured
    again as the sum of squared differences. Ties stand in the gallery's order.

    Returns:
        rows (P, k), nearest first, and their squared distances (P, k).
    """
    count, centred = min(count, len(gallery)), _Centred(gallery)
    rows = np.empty((len(probes), count), np.int64)
    distances = np.empty((len(probes), count))
    for start in range(0, len(probes), BLOCK):
        block = probes[start : start + BLOCK]
        keys = centred.distances(block)
        scale = centred.norms.max() + centred.norms_of(block)
        limits = np.partition(keys, count - 1, axis=1)[:, count - 1] + MARGIN * scale
        for i, limit in enumerate(limits):
            candidates = np.flatnonzero(keys[i] <= limit)
            exact = squared_distances(
                block, gallery, np.full(candidates.size, i), candidates
            )
            order = np.lexsort((candidates, exact))[:count]
            rows[start + i] = candidates[order]
            distances[start + i] = exact[order]
    return rows, distances


class _Centred:
    """Gallery features less their mean, in float64, and their squared norms."""

    def __init__(self, gallery: Float32) -> None:
        self.mean = gallery.mean(axis=0, dtype=np.float64)
        self.features = gallery - self.mean
        self.norms = np.einsum("ij,ij->i", self.features, self.features)

    def norms_of(self, probes: Float32) -> Float64:
        """(P,) of probes less the gallery's mean."""
        centred = probes - self.mean
        return np.asarray(np.einsum("ij,ij->i", centred, centred))

    def distances(self, probes: Float32) -> Float64:
        """(P, G) squared distances by products, about exact."""
        far = self.norms - 2 * ((probes - self.mean) @ self.features.T)
        far += self.norms_of(probes)[:, None]
        return np.asarray(np.maximum(far, 0.0, out=far))  # rounding
