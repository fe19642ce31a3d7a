"""Counting by blocks against all distances in float64."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pydrdl.metrics import (
    Matches,
    average_precision_from_matches,
    cmc_curve,
    cmc_from_counts,
    cmc_from_matches,
    matches_from_distances,
)
from pydrdl.ranking import Trial, count_closer, rank, rank_matches, same_vehicle
from pydrdl.ranking.scaling import dot_products, error_bound, first_equal_rows


def float64_counts(
    probes: np.ndarray, gallery: np.ndarray, match: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Closer and equal items by all P x G differences in float64."""
    d = np.stack(
        [np.square(p - gallery.astype(np.float64)).sum(axis=1) for p in probes]
    )
    own = d[np.arange(len(match)), match][:, None]
    return (d < own).sum(axis=1), (d == own).sum(axis=1) - 1


@pytest.mark.parametrize(
    ("offset", "scale"),
    [(0, 1), (1e3, 1), (1e4, 1e-3), (0, 1e-30), (0, 1e25), (1, 0)],
    ids=["plain", "far from 0", "few ulp apart", "tiny", "huge", "collapsed"],
)
def test_counts_equal_float64(offset: float, scale: float) -> None:
    rng = np.random.default_rng(3)
    probes = (offset + scale * rng.standard_normal((300, 64))).astype(np.float32)
    gallery = (offset + scale * rng.standard_normal((90, 64))).astype(np.float32)
    gallery[50:60] = gallery[40:50]  # identical images
    probes[5] = gallery[3]
    match = rng.integers(0, 90, 300)
    closer, equal = float64_counts(probes, gallery, match)
    for block in (1, 37, 512):
        counts = count_closer(probes, gallery, match, block=block)
        np.testing.assert_array_equal(counts.closer, closer)
        np.testing.assert_array_equal(counts.equal, equal)
    assert equal.sum() >= 50


def test_counts_near_ties_and_outliers() -> None:
    """Gallery items one ulp from the match, and probes far outside."""
    rng = np.random.default_rng(4)
    gallery = rng.standard_normal((50, 256)).astype(np.float32)
    gallery[25:] = np.nextafter(gallery[:25], np.float32(2))
    gallery = np.concatenate([gallery, gallery[25:]])
    probes = gallery[rng.integers(0, 50, 400)] + np.float32(0.3)
    probes[:5] *= np.float32(1e12)
    match = rng.integers(0, 50, 400)
    closer, equal = float64_counts(probes, gallery, match)
    counts = count_closer(probes, gallery, match)
    np.testing.assert_array_equal(counts.closer, closer)
    np.testing.assert_array_equal(counts.equal, equal)
    g = gallery  # float32 alone fails here: the test is not vacuous
    keys = (g * g).sum(axis=1) / 2 - probes @ g.T
    naive = (keys < keys[np.arange(400), match][:, None]).sum(axis=1)
    assert (naive != closer).mean() > 0.05


def test_counts_of_a_probe_beyond_float32() -> None:
    """Relative to the gallery's size; the truth is exact arithmetic."""
    gallery = np.random.default_rng(6).standard_normal((50, 8)).astype(np.float32)
    gallery *= np.float32(1e-20)
    probe = np.full((1, 8), 1e20, np.float32)
    point = Fraction(float(probe[0, 0]))
    d = [sum((point - Fraction(float(x))) ** 2 for x in row) for row in gallery]
    counts = count_closer(probe, gallery, np.array([7]))
    assert counts.closer[0] == sum(x < d[7] for x in d) > 0
    assert counts.equal[0] == 0


def test_counts_do_not_assume_unit_norm() -> None:
    probes = np.float32([[1, 0]])
    gallery = np.float32([[1, 0.1], [50, 0]])  # the larger dot product is farther
    assert count_closer(probes, gallery, np.array([0])).closer[0] == 0
    assert count_closer(probes, gallery, np.array([1])).closer[0] == 1


def test_counts_and_curve_agree() -> None:
    rng = np.random.default_rng(5)
    probes, gallery = rng.integers(0, 3, (2, 40, 3)).astype(np.float32)
    match = rng.integers(0, 40, 40)
    distances = np.square(probes[:, None] - gallery[None]).sum(axis=2)
    counts = count_closer(probes, gallery, match)
    np.testing.assert_allclose(
        cmc_from_counts(counts.closer, counts.equal),
        cmc_curve(distances, match, np.arange(40)),
        atol=1e-12,
    )
    assert counts.equal.max() > 0


@pytest.mark.parametrize(
    ("probes", "gallery", "match", "message"),
    [
        ((2, 3), (4, 5), [0, 0], "expected"),
        ((2, 3), (4, 3), [0], "match of shape"),
        ((2, 3), (4, 3), [0, 4], "outside the gallery of 4"),
    ],
)
def test_counts_refuse(probes, gallery, match, message) -> None:
    with pytest.raises(ValueError, match=message):
        count_closer(
            np.ones(probes, np.float32), np.ones(gallery, np.float32), np.array(match)
        )


def all_distances(probes: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """(P, G) in float64."""
    return np.stack(
        [np.square(p - gallery.astype(np.float64)).sum(axis=1) for p in probes]
    )


def assert_equal_matches(found: Matches, expected: Matches) -> None:
    """The same, whatever the order of a probe's matches."""
    for a, b in zip(*(sorted_matches(m) for m in (found, expected)), strict=True):
        np.testing.assert_array_equal(a, b)


def sorted_matches(matches: Matches) -> Matches:
    order = np.lexsort((matches.distance, matches.probe))
    return Matches(*(field[order] for field in matches))


@st.composite
def searches(draw: st.DrawFn) -> tuple[np.ndarray, ...]:
    """Features with ties and copies; vehicles; cameras."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d = draw(st.integers(4, 60)), draw(st.integers(1, 12))
    if draw(st.booleans()):
        features = rng.integers(0, 3, (n, d)).astype(np.float32)
    else:
        features = rng.standard_normal((n, d)).astype(np.float32)
        features[rng.integers(0, n, n // 3)] = features[0]
    ids = rng.integers(0, draw(st.integers(1, 8)), n)
    return features, ids, rng.integers(0, 3, n), rng.permutation(n)


@settings(deadline=None, max_examples=150)
@given(searches(), st.integers(1, 70))
def test_matches_equal_float64(case: tuple[np.ndarray, ...], block: int) -> None:
    """Several trials, several matches, junk, copies across vehicles."""
    features, ids, cameras, order = case
    trials, expected = [], []
    for cut in (len(ids) // 4, len(ids) // 2, 3 * len(ids) // 4):
        gallery = order[:cut]
        probes = np.sort(order[cut:])
        same = ids[probes][:, None] == ids[gallery]
        junk = same & (cameras[probes][:, None] == cameras[gallery])
        good = (same & ~junk).any(axis=1)
        probes, junk = probes[good], junk[good]
        if not probes.size:
            continue
        pairs = same_vehicle(
            ids[probes], ids[gallery], cameras[probes], cameras[gallery]
        )
        trials.append(Trial(probes, gallery, *pairs))
        d = all_distances(features[probes], features[gallery])
        expected.append(
            matches_from_distances(d, ids[probes], ids[gallery], ignore=junk)
        )
    if not trials:
        return
    found = rank_matches(features, features, trials, block=block)
    for one, other in zip(found, expected, strict=True):
        assert_equal_matches(one, other)


@pytest.mark.parametrize("copies", [False, True])
def test_large_search_in_many_pieces(monkeypatch, copies: bool) -> None:
    """More than one chunk of dimensions, block, piece and thread."""
    monkeypatch.setattr(rank, "PASS_VALUES", 2000)
    monkeypatch.setattr(rank, "BLOCK_VALUES", 30_000)
    rng = np.random.default_rng(8)
    probes = rng.standard_normal((150, 600)).astype(np.float32)
    gallery = rng.standard_normal((330, 600)).astype(np.float32)
    if copies:
        gallery[rng.integers(0, 330, 200)] = gallery[7]
    probe_ids, gallery_ids = rng.integers(0, 20, 150), rng.integers(0, 20, 330)
    gallery_ids[:20] = np.arange(20)
    trial = Trial(np.arange(150), np.arange(330), *same_vehicle(probe_ids, gallery_ids))
    (found,) = rank_matches(probes, gallery, [trial])
    d = all_distances(probes, gallery)
    assert_equal_matches(found, matches_from_distances(d, probe_ids, gallery_ids))
    np.testing.assert_allclose(
        cmc_from_matches(found), cmc_curve(d, probe_ids, gallery_ids)
    )
    assert (average_precision_from_matches(found) < 1).all()


def test_products_err_less_than_their_bound() -> None:
    """And the bound is no looser than that of a plain sum."""
    rng = np.random.default_rng(9)
    a, b = (rng.uniform(0.5, 1, (40, 1000)).astype(np.float32) for _ in "ab")
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    out, spare = np.empty((2, 40, 40), np.float32)
    dot_products(a, b, out, spare)
    error = np.abs(out - a.astype(np.float64) @ b.T.astype(np.float64)).max()
    (bound,) = error_bound(np.ones(1), np.ones(1), 1.0, 1000)
    assert 0 < error < bound < 1000 * 2.0**-24


def test_first_equal_rows() -> None:
    rows = np.float32([[1, 2], [0, 3], [2, 1], [-0.0, 3], [1, 2], [0, 4]])
    np.testing.assert_array_equal(first_equal_rows(rows), [0, 1, 2, 1, 0, 5])


def test_same_vehicle() -> None:
    ids, cameras = np.array([5, 3, 5, 9]), np.array([1, 1, 2, 1])
    probe, item, junk = same_vehicle(
        np.array([5, 8, 3]), ids, np.array([2, 1, 0]), cameras
    )
    assert list(zip(probe, item, junk, strict=True)) == [
        (0, 0, False),
        (0, 2, True),
        (2, 1, False),
    ]


def test_trials_that_do_not_fit_are_refused() -> None:
    features, one = np.eye(3, dtype=np.float32), np.array([0])
    match = (np.array([0, 1]), np.array([0, 0]), np.zeros(2, bool))
    for trial, message in (
        (Trial(np.array([1, 0]), one, *match), "do not ascend"),
        (Trial(np.array([1, 3]), one, *match), "probe lies outside the features of 3"),
        (Trial(np.array([0, 1]), one + 3, *match), "item lies outside the features"),
    ):
        with pytest.raises(ValueError, match=message):
            rank_matches(features, features, [trial])


def test_a_probe_without_a_match_is_refused() -> None:
    features = np.eye(3, dtype=np.float32)
    junk = Trial(
        np.array([0]), np.array([1, 2]), *(np.array([0]),) * 2, np.array([True])
    )
    with pytest.raises(ValueError, match="1 probes have no match; the first is 0"):
        rank_matches(features, features, [junk])
