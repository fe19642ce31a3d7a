"""Searches whose distances hardly differ: the same counts, and little work."""

from collections.abc import Callable

import numpy as np
import pytest

from pydrdl.metrics import matches_from_distances
from pydrdl.metrics.matches import Matches
from pydrdl.ranking import Trial, counting, rank_matches, same_vehicle
from pydrdl.ranking.counting import Scratch
from pydrdl.ranking.keys import Keys64
from pydrdl.ranking.scaling import squared_distances

IMAGES, WIDTH, VEHICLES = 700, 192, 90
IDS = np.random.default_rng(11).permutation(IMAGES) % VEHICLES
# The first image of every vehicle, and others.
GALLERY = np.union1d(np.unique(IDS, return_index=True)[1], np.arange(0, IMAGES, 5))
PROBES = np.setdiff1d(np.arange(IMAGES), GALLERY)
Rng = np.random.Generator


def normal(rng: Rng) -> np.ndarray:
    return rng.standard_normal((IMAGES, WIDTH))


def some_far(rng: Rng) -> np.ndarray:
    features = normal(rng)
    features[::50] *= 1e6
    return features


def rotated_axes(rng: Rng) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.standard_normal((WIDTH, WIDTH)))
    return rotation[rng.integers(0, WIDTH, IMAGES)] + 1e-7 * normal(rng)


def signs_and_far(rng: Rng) -> np.ndarray:
    features = np.sign(normal(rng))
    features[::40] *= 1e3
    features[1::40] += 1e-3
    return features


def few_points(rng: Rng) -> np.ndarray:
    """A net that has collapsed: nothing but a last digit differs."""
    points = normal(rng)[rng.integers(0, 3, IMAGES)]
    return np.nextafter(points.astype(np.float32), np.sign(normal(rng)).astype("f"))


def clusters_and_far(rng: Rng) -> np.ndarray:
    features = rng.integers(0, 2, (IMAGES, 1)) + 1e-5 * normal(rng)
    features[PROBES[::20]] += 1e6
    return features


NEAR: dict[str, Callable[[Rng], np.ndarray]] = {
    "some far": some_far,
    "two clusters": lambda rng: rng.integers(0, 2, (IMAGES, 1)) + 1e-5 * normal(rng),
    "clusters, some probes far": clusters_and_far,
    "few points": few_points,
    "rotated axes": rotated_axes,
    "axes and noise": lambda rng: (
        np.eye(WIDTH)[rng.integers(0, WIDTH, IMAGES)] + 1e-8 * normal(rng)
    ),
    "0 and 1": lambda rng: (normal(rng) > 0) * 1.0,
    "0 and .1": lambda rng: (normal(rng) > 0) * 0.1,
    "signs, some far": signs_and_far,
    "axes": lambda rng: np.eye(WIDTH)[rng.integers(0, WIDTH, IMAGES)],
    "axes of unit sums": lambda rng: (
        np.eye(WIDTH)[rng.integers(0, WIDTH, (3, IMAGES))].sum(axis=0) / np.sqrt(3)
    ),
    "whole numbers": lambda rng: rng.integers(0, 3, (IMAGES, WIDTH)) * 1.0,
    "small": lambda rng: (normal(rng) > 0) * 1e-30,
    "large": lambda rng: (normal(rng) > 0) * 1e30,
}


def by_definition(features: np.ndarray) -> Matches:
    """From all differences in float64, sorted."""
    wide = features[GALLERY].astype(np.float64)
    distances = np.stack([np.square(features[p] - wide).sum(axis=1) for p in PROBES])
    return matches_from_distances(distances, IDS[PROBES], IDS[GALLERY])


@pytest.mark.parametrize("kind", NEAR)
def test_counts_are_those_of_float64_and_few_pairs_are_measured(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    features = NEAR[kind](np.random.default_rng(12)).astype(np.float32)
    measured = []

    def counted(a, b, i, j):
        measured.append(len(i))
        return squared_distances(a, b, i, j)

    monkeypatch.setattr(counting, "squared_distances", counted)
    trial = Trial(PROBES, GALLERY, *same_vehicle(IDS[PROBES], IDS[GALLERY]))
    (found,) = rank_matches(features, features, [trial], block=100)
    expected = by_definition(features)
    for ours, theirs in zip(_sorted(found), _sorted(expected), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    # One by one they take longer than all products together.
    matches = len(found.probe)
    assert sum(measured) < 0.06 * matches * len(GALLERY)


def _sorted(matches: Matches) -> Matches:
    order = np.lexsort((matches.equal, matches.closer, matches.distance, matches.probe))
    return Matches(*(field[order] for field in matches))


def test_rows_are_called_exact_only_where_nothing_is_rounded() -> None:
    """Whole numbers are; with one value that ends the common step they are not."""
    rng = np.random.default_rng(2)
    whole = rng.integers(-9, 9, (60, 50)).astype(np.float32)
    values = (1, True), (1 + 2.0**-15, True), (1 + 2.0**-23, False), (1e9, False)
    for value, exact in values:
        probes = whole.copy()
        probes[7, 3] = value
        keys = Keys64(probes, whole, np.arange(60))
        keys.products(np.arange(60), Scratch())
        assert keys._exact[7] == exact
        assert keys._exact[:7].all() and keys._exact[8:].all()
    tied = Keys64(whole, whole + np.float32(0.1), np.arange(60))
    tied.products(np.arange(60), Scratch())
    assert not tied._exact.any()
