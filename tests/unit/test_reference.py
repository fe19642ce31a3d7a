"""The NumPy layers against literals, finite differences and themselves."""

from collections.abc import Callable

import numpy as np
import pytest

from pydrdl import reference as ref
from pydrdl.reference import Gradient

# Two sets of 3 + 2 whose gradients were worked out by hand from Eq. (6)-(8).
POSITIVES = [(1.0, 0.0), (0.0, 1.0), (0.6, 0.8)]
ALL_ACTIVE = np.array([*POSITIVES, (0.8, -0.6), (0.8, 0.6)])
PART_ACTIVE = np.array([*POSITIVES, (0.0, -1.0), (-1.0, 0.0)])


def numeric(function: Callable[[np.ndarray], float], x: np.ndarray) -> np.ndarray:
    """Central differences of a scalar function in double precision."""
    grad, step = np.empty_like(x), 1e-6
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        grad[i] = (function(up) - function(down)) / (2 * step)
    return grad


def hinges(batch: np.ndarray, p: int, n: int, margin: float) -> np.ndarray:
    """h_i of Eq. (6), written out a second time, by loops."""
    rows = []
    for s in range(len(batch) // (p + n)):
        group = batch[s * (p + n) : (s + 1) * (p + n)]
        centre = sum(group[:p]) / p
        near = min(float((f - centre) @ (f - centre)) for f in group[p:])
        rows.append([(f - centre) @ (f - centre) + margin - near for f in group[:p]])
    return np.array(rows)


def batches(p: int, n: int, margin: float, mixed: bool = True) -> list[np.ndarray]:
    """Random batches of three sets away from both kinks of the loss.

    mixed keeps those in which some set has several active positives and one
    that is not active; gradients are then of order one.
    """
    found, rng = [], np.random.default_rng(7)
    while len(found) < 20:
        batch = rng.normal(size=(3 * (p + n), 4)) * 1.5
        h = hinges(batch, p, n, margin)
        groups = batch.reshape(3, p + n, 4)
        centre = groups[:, :p].mean(axis=1, keepdims=True)
        near = np.sort(np.square(groups[:, p:] - centre).sum(axis=2), axis=1)
        if abs(h).min() < 1e-2 or (n > 1 and (near[:, 1] - near[:, 0]).min() < 1e-2):
            continue
        active = (h > 0).sum(axis=1)
        if not mixed or ((active > 1) & (active < p)).any():
            found.append(batch)
    return found


def test_fixture_all_active() -> None:
    top = ref.coupled_clusters_loss(ALL_ACTIVE, 3, 2, 0.5)
    assert top.loss == pytest.approx(1.176667, abs=1e-6)
    assert top.active_fraction == 1
    assert hinges(ALL_ACTIVE, 3, 2, 0.5)[0] == pytest.approx(
        [1.006667, 0.873333, 0.473333], abs=1e-6
    )
    fixed = [(0.466667, -0.6), (-0.533333, 0.4), (0.066667, 0.2)]
    moving = [(0.733333, -0.6), (-0.266667, 0.4), (0.333333, 0.2)]
    for mode, positive, negative in [
        (Gradient.PAPER, fixed, (-0.266667, 0)),
        (Gradient.CENTER_CONSTANT, fixed, (-0.8, 0)),
        (Gradient.EXACT, moving, (-0.8, 0)),
    ]:
        grad = ref.coupled_clusters_gradient(ALL_ACTIVE, 3, 2, 0.5, mode)
        expected = np.array([*positive, (0, 0), negative])
        assert grad == pytest.approx(expected, abs=1e-6), mode


def test_fixture_partly_active() -> None:
    top = ref.coupled_clusters_loss(PART_ACTIVE, 3, 2, 2.2)
    assert top.loss == pytest.approx(0.033333, abs=1e-6)
    assert top.active_fraction == pytest.approx(1 / 3)
    fixed = [(0.466667, -0.6), (0, 0), (0, 0)]
    moving = [(-0.2, -0.6), (-0.666667, 0), (-0.666667, 0)]
    for mode in Gradient:
        grad = ref.coupled_clusters_gradient(PART_ACTIVE, 3, 2, 2.2, mode)
        positive = moving if mode is Gradient.EXACT else fixed
        expected = np.array([*positive, (0, 0), (1.533333, 0.6)])
        assert grad == pytest.approx(expected, abs=1e-6), mode


def test_several_sets_average() -> None:
    both = np.concatenate([ALL_ACTIVE, PART_ACTIVE])
    one, two, top = (
        ref.coupled_clusters_loss(x, 3, 2, 1.0) for x in (ALL_ACTIVE, PART_ACTIVE, both)
    )
    assert top.loss == pytest.approx((one.loss + two.loss) / 2)
    assert top.positive_distance == pytest.approx(one.positive_distance)
    assert top.negative_distance == pytest.approx(
        (one.negative_distance + two.negative_distance) / 2
    )


@pytest.mark.parametrize(("p", "n"), [(5, 5), (3, 2), (1, 1), (1, 4), (4, 1)])
def test_exact_is_the_derivative(p: int, n: int) -> None:
    for batch in batches(p, n, 2.0, mixed=p > 2):
        grad = ref.coupled_clusters_gradient(batch, p, n, 2.0)
        expected = numeric(
            lambda x: ref.coupled_clusters_loss(x, p, n, 2.0).loss, batch
        )
        assert grad == pytest.approx(expected, abs=1e-7)
        if p > 2:
            assert abs(grad).max() > 0.5  # the check is not vacuous


def test_exact_ignores_translation() -> None:
    for batch in batches(5, 5, 2.0):
        grad = ref.coupled_clusters_gradient(batch, 5, 5, 2.0)
        assert grad.sum(axis=0) == pytest.approx(0, abs=1e-13)
        fixed = ref.coupled_clusters_gradient(batch, 5, 5, 2.0, Gradient.PAPER)
        assert abs(fixed.sum(axis=0)).max() > 1e-2


def frozen_loss(batch: np.ndarray, centres: np.ndarray, p: int, n: int) -> float:
    """Eq. (6) with margin 2, its centres given instead of computed."""
    total = 0.0
    for group, centre in zip(batch.reshape(-1, p + n, 4), centres, strict=True):
        distance = np.square(group - centre).sum(axis=1)
        total += np.maximum(distance[:p] + 2 - distance[p:].min(), 0).sum() / 2
    return total / len(centres)


def test_center_constant_is_the_derivative_with_the_centre_frozen() -> None:
    mode = Gradient.CENTER_CONSTANT
    for batch in batches(5, 5, 2.0):
        centres = batch.reshape(-1, 10, 4)[:, :5].mean(axis=1)
        grad = ref.coupled_clusters_gradient(batch, 5, 5, 2.0, mode)
        expected = numeric(
            lambda x, centres=centres: frozen_loss(x, centres, 5, 5), batch
        )
        assert grad == pytest.approx(expected, abs=1e-7)
        assert abs(grad).max() > 0.5


def test_paper_is_its_formula_and_no_gradient() -> None:
    for batch in batches(5, 5, 2.0):
        grad = ref.coupled_clusters_gradient(batch, 5, 5, 2.0, Gradient.PAPER)
        h = hinges(batch, 5, 5, 2.0)
        expected = np.zeros_like(batch)
        for s in range(3):
            first = 10 * s
            centre = sum(batch[first : first + 5]) / 5
            for i in range(5):
                if h[s, i] > 0:
                    expected[first + i] = (batch[first + i] - centre) / 3  # Eq. (7)
            near = min(
                range(first + 5, first + 10),
                key=lambda r, c=centre, b=batch: float((b[r] - c) @ (b[r] - c)),
            )
            if (h[s] > 0).any():
                expected[near] = (centre - batch[near]) / 3  # Eq. (8)
        assert grad == pytest.approx(expected, abs=1e-12)

        centres = batch.reshape(-1, 10, 4)[:, :5].mean(axis=1)
        frozen = numeric(
            lambda x, centres=centres: frozen_loss(x, centres, 5, 5), batch
        )
        moving = numeric(lambda x: ref.coupled_clusters_loss(x, 5, 5, 2.0).loss, batch)
        assert abs(grad - frozen).max() > 0.1
        assert abs(grad - moving).max() > 0.1


@pytest.mark.parametrize("mode", Gradient)
def test_nothing_active_is_exactly_zero(mode: Gradient) -> None:
    far = np.array([*POSITIVES, (50.0, 0.0), (0.0, 50.0)])
    assert ref.coupled_clusters_loss(far, 3, 2, 0.5).loss == 0
    assert not ref.coupled_clusters_gradient(far, 3, 2, 0.5, mode).any()


def test_a_tie_goes_to_the_lowest_row() -> None:
    tied = np.array([(0.0,), (0.0,), (1.0,), (-1.0,)])
    grad = ref.coupled_clusters_gradient(tied, 2, 2, 2.0)
    assert grad[2] != 0
    assert grad[3] == 0
    assert ref.hard_triplets(tied, 2, 2).tolist() == [[0, 1, 2], [1, 0, 2]]


@pytest.mark.filterwarnings("ignore:invalid value")  # inf - inf
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("row", range(10))
def test_nan_and_infinity_are_never_hidden(row: int, bad: float) -> None:
    batch = np.random.default_rng(0).normal(size=(10, 3))
    batch[row, 1] = bad
    assert np.isnan(ref.coupled_clusters_loss(batch, 5, 5, 1.0).loss)
    a, p, n = (batch[rows] for rows in ref.hard_triplets(batch, 5, 5).T)
    assert np.isnan(ref.triplet_loss(a, p, n, 1.0, 1).loss)


def test_triplet_fixture() -> None:
    a, p, n = [[0.0, 0.0]] * 2, [[1.0, 0.0]] * 2, [[0.0, 1.0], [0.0, 3.0]]
    top = ref.triplet_loss(a, p, n, 0.5, 2)  # 1 + .5 - 1 = .5; 1 + .5 - 9 < 0
    assert top == ref.SetLoss(0.25, 0.5, 1.0, 5.0)
    ga, gp, gn = ref.triplet_gradient(a, p, n, 0.5, 2)
    assert ga.tolist() == [[-1, 1], [0, 0]]
    assert gp.tolist() == [[1, 0], [0, 0]]
    assert gn.tolist() == [[0, -1], [0, 0]]


def test_triplet_gradient_is_the_derivative() -> None:
    rng = np.random.default_rng(3)
    arrays = rng.normal(size=(3, 12, 4)) * 1.5
    distance = np.square(arrays[0] - arrays[1:]).sum(axis=2)
    h = distance[0] + 1 - distance[1]
    assert 0 < (h > 0).sum() < 12
    assert abs(h).min() > 1e-3
    grads = ref.triplet_gradient(*arrays, 1.0, 3)
    expected = numeric(lambda x: ref.triplet_loss(*x, 1.0, 3).loss, arrays)
    assert np.array(grads) == pytest.approx(expected, abs=1e-7)
    assert abs(expected).max() > 1


def test_hard_triplets_are_the_extremes() -> None:
    batch = np.random.default_rng(5).normal(size=(18, 3))
    triplets = ref.hard_triplets(batch, 5, 4)
    assert triplets[:, 0].tolist() == [0, 1, 2, 3, 4, 9, 10, 11, 12, 13]
    for a, p, n in triplets:
        first = a // 9 * 9
        distance = np.linalg.norm(batch - batch[a], axis=1)
        assert distance[p] == distance[first : first + 5].max()
        assert distance[n] == distance[first + 5 : first + 9].min()


def test_random_triplets_stay_in_their_set_and_reach_everything() -> None:
    seen = [set(), set()]
    for seed in range(60):
        for a, p, n in ref.random_triplets(2, 3, 4, seed):
            first = a // 7 * 7
            assert p != a
            assert first <= p < first + 3 <= n < first + 7
            seen[0].add((a, p))
            seen[1].add((a, n))
    assert (len(seen[0]), len(seen[1])) == (2 * 3 * 2, 2 * 3 * 4)


def test_random_triplets_depend_on_the_ids() -> None:
    ids = [7, 7, 7, 1, 2, 3, 4] * 2
    drawn = ref.random_triplets(2, 3, 4, 1, ids)
    assert (drawn == ref.random_triplets(2, 3, 4, 1, ids)).all()
    assert (drawn != ref.random_triplets(2, 3, 4, 2, ids)).any()
    assert (drawn != ref.random_triplets(2, 3, 4, 1, [8, 8, 8, *ids[3:]])).any()
    # The same literals stand in test_triplet_loss_layer.cpp.
    assert drawn.tolist() == [
        [0, 2, 3],
        [1, 2, 5],
        [2, 1, 4],
        [7, 9, 12],
        [8, 9, 12],
        [9, 8, 12],
    ]


def test_l2_normalize() -> None:
    x = np.array([[3.0, 4.0], [0.0, 0.0], [1e-13, 0.0], [-2.0, 0.0]])
    assert ref.l2_normalize(x) == pytest.approx(
        np.array([[0.6, 0.8], [0, 0], [0, 0], [-1, 0]])
    )
    grad = ref.l2_normalize_gradient(x, [[1.0, 2.0]] * 4)
    # dy - y (y . dy) = (1, 2) - 2.2 (0.6, 0.8), over 5.
    assert grad == pytest.approx(
        np.array([[-0.064, 0.048], [0, 0], [0, 0], [0, 1]]), abs=1e-12
    )


def test_l2_normalize_gradient_is_the_derivative() -> None:
    rng = np.random.default_rng(11)
    x, dy = rng.normal(size=(6, 5)), rng.normal(size=(6, 5)) * 5
    grad = ref.l2_normalize_gradient(x, dy)
    expected = numeric(lambda v: float((ref.l2_normalize(v) * dy).sum()), x)
    assert grad == pytest.approx(expected, abs=1e-7)
    assert abs(grad).max() > 1


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0,) * 4, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((2**32 - 1,) * 2, (2**32 - 1,) * 4, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_philox_known_answers(
    key: tuple[int, int], counter: tuple[int, ...], expected: str
) -> None:
    """Random123's kat_vectors, philox4x32 with 10 rounds."""
    words = tuple(int(word, 16) for word in expected.split())
    assert ref.philox4x32(key, counter) == words


def test_counter_rng_goes_on_with_the_next_block() -> None:
    random = ref.counter_rng(1, 2, 3, 4, 5)
    numbers = tuple(next(random) for _ in range(8))
    assert numbers[:4] == ref.philox4x32((1, 2), (3, 4, 5, 0))
    assert numbers[4:] == ref.philox4x32((1, 2), (3, 4, 5, 1))


def test_below_has_no_modulo_bias() -> None:
    n, random = 3 * 2**30, ref.counter_rng(1, 2, 3, 4)
    draws = np.array([ref.below(random, n) for _ in range(6000)])
    for count in (*np.bincount(draws // 2**30), *np.bincount(draws % 3)):
        assert abs(count - 2000) < 200
