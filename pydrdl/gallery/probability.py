"""How probable it is, by their distance, that two images show one vehicle.

Pairs of a features file with ids are counted by their distance, those of one vehicle
and the others. Their ratio, which can only fall with the distance (isotonic
regression), is the evidence. How probable a match is depends too on how rare matches
are: of the rows of a gallery, as many are expected to show the vehicle asked for as
there are others of an image's vehicle in the file.

How far that may be believed, the reliability curve says: pairs of the half of the
vehicles that was not counted, with the share of matches among pairs of about the same
probability. Where the two agree, a probability means what it says.
"""

from typing import NamedTuple

import numpy as np

from pydrdl.arrays import Bool, Float32, Float64, Int
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet
from pydrdl.strict_json import Count, Form, Rate, Spread

MOST_IMAGES = 6_000  # that are compared with one another
BINS = 400  # of distances, as many pairs of one vehicle in each
# Of the reliability curve; most pairs are improbable, and most matches are not.
EDGES = (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


class Reliability(Form):
    """Pairs that were given about the same probability, and what they were."""

    stated: Rate  # mean probability
    found: Rate  # share of one vehicle
    pairs: Count


class Calibration(Form):
    """From a distance to a probability; see the module."""

    distances: list[Spread]  # ascending, squared Euclidean
    # At each, the logarithm of how many times likelier the distance is of two images
    # of one vehicle than of two vehicles; descends.
    evidence: list[float]
    others: Spread  # mean number of further images of an image's vehicle
    features: str  # SHA-256 of the features that it was made from
    images: Count  # of them that were compared
    vehicles: Count  # of those
    # Mean difference of stated and found, on vehicles that were left out, pairs of
    # one vehicle and others counting alike (expected calibration error).
    error: Spread
    curve: list[Reliability]

    def probability(self, distance: Float64, rows: int) -> Float64:
        """That an image at a distance shows the vehicle, in a gallery of so many."""
        evidence = np.interp(distance, self.distances, self.evidence)
        return _probability(evidence, self.others, rows)


def calibrate(content: FeatureSet, where: object, seed: int = 0) -> Calibration:
    """Calibrates on features with vehicle ids.

    Args:
        content: the features; of many, whole vehicles are drawn.
        where: their file, for messages.
        seed: of what is drawn.

    Raises:
        InputError: fewer than four vehicles with several images.
    """
    chosen = _chosen(content.vehicle_ids, np.random.default_rng(seed))
    ids = content.vehicle_ids[chosen]
    vehicles = np.unique(ids)
    if len(vehicles) < 4:
        raise InputError(
            f"{len(vehicles)} vehicles have several images; at least 4 are needed "
            "to tell how distances of one vehicle and of two differ",
            where,
            "give features of vehicles of which there are several images each",
        )
    features = content.features[chosen]
    halves = np.random.default_rng(seed).permutation(len(vehicles)) % 2
    half = halves[np.searchsorted(vehicles, ids)]
    stated, same = [], []
    for left_out in (0, 1):
        seen, unseen = half != left_out, half == left_out
        fitted = _fit(_Pairs.of(features[seen], ids[seen]))
        tested = _Pairs.of(features[unseen], ids[unseen])
        evidence = np.interp(tested.distances, *fitted)
        others = _others(ids[seen])
        stated.append(_probability(evidence, others, int(unseen.sum()) - 1))
        same.append(tested.same)
    error, curve = reliability(np.concatenate(stated), np.concatenate(same))
    distances, evidence = _fit(_Pairs.of(features, ids))
    return Calibration(
        distances=distances.tolist(),
        evidence=evidence.tolist(),
        others=_others(ids),
        features=content.sha256,
        images=len(ids),
        vehicles=len(vehicles),
        error=error,
        curve=curve,
    )


def reliability(stated: Float64, same: Bool) -> tuple[float, list[Reliability]]:
    """Stated probabilities beside the shares found, and their mean difference.

    Pairs of two vehicles are so many that they would be all of the mean: a part of
    the curve counts by its share of the matches and of the others alike.
    """
    part = np.clip(np.searchsorted(EDGES, stated, side="right") - 1, 0, len(EDGES) - 2)
    curve, error = [], 0.0
    matches, others = max(1, int(same.sum())), max(1, int((~same).sum()))
    for number in np.unique(part):
        inside = part == number
        found = float(same[inside].mean())
        mean = float(stated[inside].mean())
        share = same[inside].sum() / matches + (~same[inside]).sum() / others
        error += abs(mean - found) * float(share) / 2
        curve.append(Reliability(stated=mean, found=found, pairs=int(inside.sum())))
    return error, curve


class _Pairs(NamedTuple):
    """Distances of all pairs of images, and whether they show one vehicle."""

    distances: Float64
    same: Bool

    @classmethod
    def of(cls, features: Float32, ids: Int) -> "_Pairs":
        points = features.astype(np.float64)
        points -= points.mean(axis=0)
        squares = np.square(points).sum(axis=1)
        distances, same = [], []
        for k in range(len(ids) - 1):  # a row at a time: half of all is never there
            row = squares[k] + squares[k + 1 :] - 2 * points[k + 1 :] @ points[k]
            distances.append(np.maximum(row, 0))
            same.append(ids[k + 1 :] == ids[k])
        return cls(np.concatenate(distances), np.concatenate(same))


def _chosen(ids: Int, random: np.random.Generator) -> Int:
    """Rows of whole vehicles of several images, at most MOST_IMAGES."""
    vehicles, place, many = np.unique(ids, return_inverse=True, return_counts=True)
    order = random.permutation(np.flatnonzero((many > 1) & (vehicles >= 0)))
    taken = order[np.cumsum(many[order]) <= MOST_IMAGES]
    return np.flatnonzero(np.isin(place, taken))


def _others(ids: Int) -> float:
    """Mean number of further images of an image's vehicle."""
    _, place, many = np.unique(ids, return_inverse=True, return_counts=True)
    return float((many[place] - 1).mean())


def _probability(evidence: Float64, others: float, rows: int) -> Float64:
    """Of a match, where so many of the rows are expected to be one."""
    expected = min(max(others, 1e-9) / max(rows, 1), 0.5)
    odds = np.exp(evidence) * expected / (1 - expected)
    return np.asarray(odds / (1 + odds), np.float64)


def _fit(pairs: _Pairs) -> tuple[Float64, Float64]:
    """Distances, and the logarithm of the likelihood ratio at each."""
    from scipy.optimize import isotonic_regression

    matching = np.sort(pairs.distances[pairs.same])
    quantiles = np.quantile(matching, np.linspace(0, 1, BINS + 1))
    edges = np.unique(np.append(quantiles[1:-1], np.inf))
    part = np.searchsorted(edges, pairs.distances)
    same = np.bincount(part[pairs.same], minlength=len(edges)).astype(np.float64)
    other = np.bincount(part[~pairs.same], minlength=len(edges)).astype(np.float64)
    middle = np.bincount(part, pairs.distances, len(edges)) / (same + other).clip(1)
    held = same + other > 0
    same, other, middle = same[held], other[held], middle[held]
    fitted = isotonic_regression(
        same / (same + other), weights=same + other, increasing=False
    )
    share = fitted.x
    # Bins of one share are one block: of n pairs without a match, or without
    # another, the share is not known to be 0 or 1 (Laplace's rule).
    block = np.append(0, np.cumsum(np.diff(share) != 0))
    matches, all_of = np.bincount(block, same), np.bincount(block, same + other)
    smooth = np.minimum.accumulate((matches + 1) / (all_of + 2))
    begin = np.flatnonzero(np.append(True, np.diff(block) != 0))
    at = np.add.reduceat(middle * (same + other), begin) / all_of
    prior = same.sum() / other.sum()
    return at, np.log(smooth / (1 - smooth)) - np.log(prior)
