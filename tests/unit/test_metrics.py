"""The match curve against literature, enumeration and sorting."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.metrics import cmc_curve

# Cysu/open-reid, test/evaluation_metrics/test_cmc.py.
ORDERS = np.array(
    [
        [0, 1, 2, 3, 4],
        [1, 0, 2, 3, 4],
        [0, 1, 2, 3, 4],
        [0, 1, 2, 3, 4],
        [1, 2, 3, 4, 0],
    ]
)


def test_literature_one_match_each() -> None:
    curve = cmc_curve(ORDERS, range(5), range(5), max_rank=5)
    np.testing.assert_allclose(curve, [0.6, 0.6, 0.8, 1, 1])


def test_literature_several_matches() -> None:
    ids = [0, 0, 1, 1]
    curve = cmc_curve(np.tile(np.arange(4), (4, 1)), ids, ids, max_rank=4)
    np.testing.assert_allclose(curve, [0.5, 0.5, 1, 1])


def test_literature_same_camera_ignored() -> None:
    ids = np.array([0, 0, 0, 1, 1])
    cameras = np.array([0, 1, 1, 1, 1])
    junk = (ids[:, None] == ids) & (cameras == 0)
    distances = np.tile(np.arange(5), (5, 1))
    curve = cmc_curve(distances, ids, ids, ignore=junk, max_rank=5)
    np.testing.assert_allclose(curve, [0.6, 0.6, 0.6, 1, 1])


@pytest.mark.parametrize("seed", range(5))
def test_equals_sorting(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gallery_ids = rng.integers(0, 12, 40)
    probe_ids = rng.choice(gallery_ids, 60)
    distances = rng.random((60, 40))
    ignore = rng.random((60, 40)) < 0.2
    ignore[np.arange(60), np.argmax(probe_ids[:, None] == gallery_ids, axis=1)] = False
    ranks = []
    for row, probe, drop in zip(distances, probe_ids, ignore, strict=True):
        order = [item for item in np.argsort(row) if not drop[item]]
        ranks.append(int(np.argmax(gallery_ids[order] == probe)))
    expected = [np.mean(np.array(ranks) < k) for k in range(1, 31)]
    for ties in ("expected", "optimistic", "pessimistic"):
        curve = cmc_curve(
            distances, probe_ids, gallery_ids, ignore=ignore, max_rank=30, ties=ties
        )
        np.testing.assert_allclose(curve, expected, atol=1e-12)


@pytest.mark.parametrize(
    ("row", "ids"),
    [
        ([0, 1, 1, 1, 2], [5, 7, 6, 5, 8]),
        ([1, 1, 1, 1, 0], [7, 7, 5, 6, 8]),
        ([2, 2, 2, 1, 1], [7, 5, 7, 7, 6]),
        ([3, 3, 3, 3, 3], [7, 1, 2, 3, 4]),
    ],
)
def test_ties_equal_the_mean_over_all_orders(row: list[int], ids: list[int]) -> None:
    """Vehicle 7 is the probe's; every order that sorting may give counts alike."""
    ranks = []
    for order in permutations(range(5)):
        if all(row[a] <= row[b] for a, b in pairwise(order)):
            ranks.append(next(k for k, item in enumerate(order) if ids[item] == 7))
    at = np.arange(5)[:, None]
    curves = {
        "expected": (np.array(ranks) <= at).mean(axis=1),
        "optimistic": (min(ranks) <= at[:, 0]).astype(float),
        "pessimistic": (max(ranks) <= at[:, 0]).astype(float),
    }
    if ids.count(7) > 1:  # other vehicles first, then the matches
        nearest = min(r for r, i in zip(row, ids, strict=True) if i == 7)
        others = [i for r, i in zip(row, ids, strict=True) if r == nearest].count
        behind = sum(map(others, {1, 5, 6, 8})) + sum(r < nearest for r in row)
        curves["pessimistic"] = (at[:, 0] >= behind).astype(float)
    for ties, expected in curves.items():
        curve = cmc_curve([row], [7], ids, max_rank=5, ties=ties)
        np.testing.assert_allclose(curve, expected, atol=1e-12, err_msg=ties)


def test_ranks_beyond_the_gallery_are_one() -> None:
    curve = cmc_curve([[0.2, 0.1]], [3], [3, 4], max_rank=50)
    np.testing.assert_array_equal(curve, [0] + [1] * 49)


@st.composite
def distance_matrices(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Few distinct values, so that ties are common."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    gallery = draw(st.integers(1, 12))
    probes = draw(st.integers(1, 12))
    gallery_ids = rng.integers(0, draw(st.integers(1, 6)), gallery)
    probe_ids = rng.choice(gallery_ids, probes)
    return rng.integers(0, 4, (probes, gallery)), probe_ids, gallery_ids


@settings(deadline=None)
@given(distance_matrices(), st.integers(0, 2**32))
def test_properties(case: tuple[np.ndarray, ...], seed: int) -> None:
    distances, probe_ids, gallery_ids = case
    curve = cmc_curve(distances, probe_ids, gallery_ids, max_rank=15)
    assert (np.diff(curve) >= 0).all()
    assert curve.min() >= 0
    assert curve[-1] == 1  # the gallery is smaller than 15
    rng = np.random.default_rng(seed)
    p, g = rng.permutation(len(probe_ids)), rng.permutation(len(gallery_ids))
    again = cmc_curve(distances[p][:, g], probe_ids[p], gallery_ids[g], max_rank=15)
    np.testing.assert_allclose(again, curve, atol=1e-12)
    best = cmc_curve(distances, probe_ids, gallery_ids, max_rank=15, ties="optimistic")
    worst = cmc_curve(
        distances, probe_ids, gallery_ids, max_rank=15, ties="pessimistic"
    )
    assert (worst <= curve + 1e-12).all()
    assert (curve <= best + 1e-12).all()


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 20))
def test_collapsed_features_score_chance(gallery: int, probes: int) -> None:
    ids = np.arange(probes) % gallery
    curve = cmc_curve(np.zeros((probes, gallery)), ids, np.arange(gallery))
    chance = np.minimum(np.arange(1, 51) / gallery, 1)
    np.testing.assert_allclose(curve, chance, atol=1e-12)


@pytest.mark.parametrize(
    ("distances", "probes", "gallery", "options", "message"),
    [
        ([[1, 2]], [9], [1, 2], {}, "no match.*probe 0 of vehicle 9"),
        ([[1, 2]], [1], [1, 2], {"ignore": [[True, False]]}, "no match"),
        ([[1, np.nan]], [1], [1, 2], {}, "1 distances are NaN"),
        ([[1, 2]], [1], [1, 2, 3], {}, r"\(1, 2\); expected .*\(1, 3\)"),
        ([[1, 2]], [1], [1, 2], {"ignore": [True]}, "ignore of shape"),
        (np.empty((0, 2)), [], [1, 2], {}, "no probe"),
        ([[1, 2]], [1], [1, 2], {"max_rank": 0}, "max_rank is 0"),
        ([[1, 2]], [1], [1, 2], {"ties": "lucky"}, "'lucky'"),
    ],
)
def test_refuses(distances, probes, gallery, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        cmc_curve(distances, probes, gallery, **options)
