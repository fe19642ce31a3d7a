"""Thresholds, ROC, AUC and EER against scikit-learn and plain search."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, roc_auc_score
from sklearn.metrics import roc_curve as sklearn_roc

from pydrdl.metrics import accuracy, auc, best_threshold, equal_error_rate, roc_curve

ULP = 2.0**-52  # between 1 and the next float


def make_pairs(seed: int, distinct: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Same pairs are nearer in the mean; distances tie where distinct > 0."""
    rng = np.random.default_rng(seed)
    same = rng.random(200) < 0.4
    distances = rng.normal(size=200) - 1.2 * same
    if distinct:
        distances = np.round(distances * distinct) / distinct
    return distances, same


@pytest.mark.parametrize("distinct", [0, 3])
def test_equals_scikit_learn(distinct: int) -> None:
    d, same = make_pairs(1, distinct)
    assert auc(d, same) == pytest.approx(roc_auc_score(same, -d))
    fpr, tpr, thresholds = sklearn_roc(same, -d, drop_intermediate=False)
    roc = roc_curve(d, same)
    np.testing.assert_allclose(roc.false_positive, fpr)
    np.testing.assert_allclose(roc.true_positive, tpr)
    np.testing.assert_allclose(roc.threshold, -thresholds)
    assert accuracy(d, same, -0.3) == accuracy_score(same, d <= -0.3)


@settings(deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 3]))
def test_best_threshold_beats_every_other(seed: int, distinct: int) -> None:
    d, same = make_pairs(seed, distinct)
    best = best_threshold(d, same)
    assert accuracy(d, same, best.value) == best.accuracy
    others = [accuracy(d, same, t) for t in (-np.inf, *d)]
    assert best.accuracy == max(others)
    assert best.value not in d or best.value == d.max()


def test_threshold_never_parts_equal_distances() -> None:
    d, same = [1, 2, 2, 2, 3], [True, True, False, False, False]
    best = best_threshold(d, same)
    assert (best.value, best.accuracy) == (1.5, 0.8)
    assert best_threshold([5, 5], [True, False]).accuracy == 0.5


@pytest.mark.parametrize(
    ("d", "same", "value"),
    [
        ([1, 2], [False, True], -np.inf),
        ([1, 2, 3], [True, True, False], 2.5),
        ([1, 2, 2], [False, True, True], 2),
        # No float lies between, and no number between a float and infinity.
        ([1, 1 + ULP], [True, False], 1),
        ([1 + ULP, 1 + 2 * ULP], [True, False], 1 + ULP),
        ([1, np.inf], [True, False], 1),
        ([-np.inf, 1], [True, False], -np.inf),
    ],
)
def test_where_the_threshold_lies(d, same, value) -> None:
    best = best_threshold(d, same)
    assert best.value == value
    assert accuracy(d, same, best.value) == best.accuracy


def test_equal_error_rate() -> None:
    # One of four same pairs is farther than one of four different ones.
    d = [1, 2, 3, 6, 4, 7, 8, 9]
    same = [True] * 4 + [False] * 4
    assert equal_error_rate(d, same) == pytest.approx(0.25)
    assert equal_error_rate([1, 2], [True, False]) == 0
    assert equal_error_rate([1, 2], [False, True]) == 1
    assert equal_error_rate([3, 3, 3], [True, False, False]) == 0.5
    rng = np.random.default_rng(0)
    same = np.arange(200_000) % 3 == 0
    d = rng.normal(size=same.size) - 2 * same
    # Two unit normals 2 apart cross at 1: the error is Phi(-1).
    assert equal_error_rate(d, same) == pytest.approx(0.158655, abs=3e-3)


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_properties(seed: int) -> None:
    d, same = make_pairs(seed, 3)
    order = np.random.default_rng(seed).permutation(d.size)
    assert auc(d[order], same[order]) == pytest.approx(auc(d, same))
    assert best_threshold(d[order], same[order]) == best_threshold(d, same)
    assert auc(np.exp(d), same) == pytest.approx(auc(d, same))
    assert auc(-d, same) == pytest.approx(1 - auc(d, same))
    roc = roc_curve(d, same)
    assert (np.diff(roc.false_positive) >= 0).all()
    assert (np.diff(roc.true_positive) >= 0).all()
    assert 0 <= equal_error_rate(d, same) <= 1
    assert auc(np.zeros(d.size), same) == 0.5


@pytest.mark.parametrize(
    ("d", "same", "message"),
    [
        ([1, 2], [True], "2,.*1,"),
        ([1, np.nan], [True, False], "1 distances are NaN"),
        ([1, 2], [True, True], "2 pairs are the same, 0 different"),
        ([], [], "0 pairs are the same"),
    ],
)
def test_refuses(d, same, message: str) -> None:
    for measure in (best_threshold, roc_curve, auc, equal_error_rate):
        with pytest.raises(ValueError, match=message):
            measure(d, same)
    with pytest.raises(ValueError, match="threshold is NaN"):
        accuracy([1, 2], [True, False], np.nan)
