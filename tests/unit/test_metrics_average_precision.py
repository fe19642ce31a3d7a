"""Average precision against literature, scikit-learn and enumeration."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from pydrdl.metrics import average_precision

RULES = ("step", "trapezoid")


def of_ranks(ranks: list[int], size: int, rule: str) -> float:
    """One probe whose matches stand at these ranks, from 0."""
    ids = np.isin(np.arange(size), ranks).astype(int)
    (value,) = average_precision([np.arange(size)], [1], ids, rule=rule)
    return float(value)


@pytest.mark.parametrize(
    ("ranks", "step", "trapezoid"),
    [
        # tensorflow/models, delf, dataset_test.py.
        ([0, 2, 5], 0.722222, 0.677778),
        # The example of scikit-learn's average_precision_score.
        ([0, 2], 0.833333, 0.791667),
        # scikit-learn's issue 9618.
        ([1], 0.5, 0.25),
        # layumi/Person_reID_baseline_pytorch, issue 16.
        ([0, 1, 3, 6], (1 + 1 + 3 / 4 + 4 / 7) / 4, None),
        ([0], 1, 1),
        ([9], 0.1, 0.05),
    ],
)
def test_literature(ranks: list[int], step: float, trapezoid: float | None) -> None:
    assert of_ranks(ranks, 10, "step") == pytest.approx(step, abs=1e-6)
    if trapezoid is not None:
        value = of_ranks(ranks, 10, "trapezoid")
        assert value == pytest.approx(trapezoid, abs=1e-6)


def test_literature_with_junk() -> None:
    """tensorflow/models, delf: orders, matches and junk of two queries."""
    distances = np.empty((2, 5))
    for row, order in zip(distances, ([4, 2, 0, 1, 3], [0, 2, 4, 1, 3]), strict=True):
        row[order] = range(5)
    matches = [{0, 1}, {0, 4}]
    values = []
    for row, matching in zip(distances, matches, strict=True):
        ids = [int(i in matching) for i in range(5)]
        junk = [[i == 2 and matching == {0, 1} for i in range(5)]]
        values += [*average_precision([row], [1], ids, ignore=junk, rule="trapezoid")]
    np.testing.assert_allclose(values, [0.416667, 0.791667], atol=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_equals_scikit_learn_without_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    gallery = rng.integers(0, 8, 60)
    probes = rng.choice(gallery, 30)
    distances = rng.random((30, 60))
    ignore = rng.random((30, 60)) < 0.2
    ignore[np.arange(30), np.argmax(probes[:, None] == gallery, axis=1)] = False
    found = average_precision(distances, probes, gallery, ignore=ignore)
    expected = [
        average_precision_score(gallery[kept] == probe, -row[kept])
        for row, probe, kept in zip(distances, probes, ~ignore, strict=True)
    ]
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert found.std() > 0.05


def by_loop(order: list[int], ids: list[int], rule: str) -> float:
    """The definition, over one order."""
    values, hits = [], 0
    for place, item in enumerate(order):
        if ids[item] == 7:
            after = (hits + 1) / (place + 1)
            before = hits / place if place else 1
            values.append(after if rule == "step" else (after + before) / 2)
            hits += 1
    return float(np.mean(values))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("row", "ids"),
    [
        ([0, 1, 1, 1, 2, 2], [5, 7, 6, 7, 8, 7]),
        ([1, 1, 1, 1, 0, 3], [7, 7, 5, 6, 8, 7]),
        ([2, 2, 2, 1, 1, 1], [7, 5, 7, 7, 6, 7]),
        ([3, 3, 3, 3, 3, 3], [7, 1, 2, 3, 4, 7]),
        ([0, 0, 1, 1, 1, 1], [7, 7, 7, 7, 7, 1]),
        ([1, 1, 1, 1, 1, 1], [7, 7, 7, 7, 7, 7]),
    ],
)
def test_ties_equal_the_mean_over_all_orders(row, ids, rule) -> None:
    orders = [o for o in permutations(range(6)) if sorted(row) == [row[i] for i in o]]
    values = [by_loop(list(order), ids, rule) for order in orders]
    for ties, expected in (
        ("expected", np.mean(values)),
        ("optimistic", max(values)),
        ("pessimistic", min(values)),
    ):
        (found,) = average_precision([row], [7], ids, rule=rule, ties=ties)
        assert found == pytest.approx(expected, abs=1e-12), ties


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(RULES))
def test_properties(seed: int, rule) -> None:
    rng = np.random.default_rng(seed)
    gallery = rng.integers(0, 4, rng.integers(1, 15))
    probes = rng.choice(gallery, rng.integers(1, 10))
    distances = rng.integers(0, 4, (probes.size, gallery.size))
    found = average_precision(distances, probes, gallery, rule=rule)
    assert (found > 0).all()
    assert (found <= 1 + 1e-12).all()
    p, g = rng.permutation(probes.size), rng.permutation(gallery.size)
    again = average_precision(distances[p][:, g], probes[p], gallery[g], rule=rule)
    np.testing.assert_allclose(again, found[p], atol=1e-12)
    worst, best = (
        average_precision(distances, probes, gallery, rule=rule, ties=ties)
        for ties in ("pessimistic", "optimistic")
    )
    assert (worst <= found + 1e-12).all()
    assert (found <= best + 1e-12).all()
    # Another image that is farther than everything changes nothing.
    further = np.column_stack([distances, np.full(probes.size, 9)])
    more = average_precision(further, probes, np.append(gallery, 99), rule=rule)
    np.testing.assert_allclose(more, found, atol=1e-12)


@settings(deadline=None)
@given(st.integers(1, 40))
def test_collapsed_features_score_the_mean_inverse_rank(gallery: int) -> None:
    (found,) = average_precision(np.zeros((1, gallery)), [0], np.arange(gallery))
    assert found == pytest.approx(np.mean(1 / np.arange(1, gallery + 1)))


@pytest.mark.parametrize(
    ("distances", "probes", "gallery", "options", "message"),
    [
        ([[1, 2]], [9], [1, 2], {}, "no match.*probe 0 of vehicle 9"),
        ([[1, np.nan]], [1], [1, 2], {}, "1 distances are NaN"),
        (np.empty((0, 2)), [], [1, 2], {}, "no probe"),
        ([[1, 2]], [1], [1, 2], {"rule": "area"}, "'area'"),
        ([[1, 2]], [1], [1, 2], {"ties": "lucky"}, "'lucky'"),
    ],
)
def test_refuses(distances, probes, gallery, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        average_precision(distances, probes, gallery, **options)
