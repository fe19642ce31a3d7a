"""NumPy reference of the three layers: short, slow and in double precision.

The C++ layers, on either device, are held against these functions. Features are
rows in the batch layout `[set][positives, then negatives]`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.arrays import Float64, Int


class Gradient(Enum):
    """The derivatives that CoupledClustersLoss offers, as in drdl.proto."""

    EXACT = "EXACT"
    CENTER_CONSTANT = "CENTER_CONSTANT"
    PAPER = "PAPER"


@dataclass(frozen=True)
class SetLoss:
    """The four tops of a set loss layer."""

    loss: float
    active_fraction: float
    positive_distance: float
    negative_distance: float


@dataclass(frozen=True)
class _Clusters:
    """Every set at once: S sets, P positives, N negatives, D columns."""

    positive: Float64  # S x P x D
    negative: Float64  # S x N x D
    centre: Float64  # S x D, Eq. (4)
    nearest: Int  # S, the lowest row of a tie
    to_centre: Float64  # S x P, |f_i - c|^2
    to_nearest: Float64  # S, |f_n* - c|^2
    hinge: Float64  # S x P, h_i of Eq. (6) before max(0, .)


def _squared(difference: Float64) -> Float64:
    """|x|^2 along the last axis; NaN where x is infinite, as in the layers."""
    finite = ~np.isinf(difference).any(axis=-1)
    return np.where(finite, np.square(difference).sum(axis=-1), np.nan)


def _set_loss(
    loss: Float64, hinge: Float64, to_positive: Float64, to_negative: Float64
) -> SetLoss:
    """The tops; a hinge of NaN is active."""
    active = float((~(hinge <= 0)).mean())
    means = float(to_positive.mean()), float(to_negative.mean())
    return SetLoss(float(loss), active, *means)


def _sets(features: ArrayLike, positives: int, negatives: int) -> Float64:
    """Batch rows (M x D) as sets (S x (P + N) x D)."""
    batch = np.asarray(features, np.float64)
    return batch.reshape(-1, positives + negatives, batch.shape[1])


def centres(features: ArrayLike, positives: int, negatives: int) -> Float64:
    """The centre of every set's positives, Eq. (4) (S x D)."""
    sets = _sets(features, positives, negatives)
    return np.asarray(sets[:, :positives].mean(axis=1))


def _clusters(
    features: ArrayLike,
    positives: int,
    negatives: int,
    margin: float,
    frozen: Float64 | None = None,
) -> _Clusters:
    sets = _sets(features, positives, negatives)
    positive, negative = sets[:, :positives], sets[:, positives:]
    centre = centres(features, positives, negatives) if frozen is None else frozen
    to_centre = _squared(positive - centre[:, None])
    to_negatives = _squared(negative - centre[:, None])
    nearest = to_negatives.argmin(axis=1)  # the first NaN, if there is one
    to_nearest = to_negatives[np.arange(len(sets)), nearest]
    hinge = to_centre + margin - to_nearest[:, None]
    return _Clusters(positive, negative, centre, nearest, to_centre, to_nearest, hinge)


def coupled_clusters_loss(
    features: ArrayLike,
    positives: int,
    negatives: int,
    margin: float,
    frozen: Float64 | None = None,
) -> SetLoss:
    """Eq. (6), summed over a set and averaged over sets.

    frozen centres (S x D) stand in place of Eq. (4): this is the function whose
    derivative CENTER_CONSTANT is.
    """
    sets = _clusters(features, positives, negatives, margin, frozen)
    loss = np.maximum(sets.hinge, 0).sum(axis=1).mean() / 2
    return _set_loss(loss, sets.hinge, sets.to_centre, sets.to_nearest)


def coupled_clusters_gradient(
    features: ArrayLike,
    positives: int,
    negatives: int,
    margin: float,
    mode: Gradient = Gradient.EXACT,
) -> Float64:
    """What Backward gives for a loss weight of 1 (M x D).

    EXACT differentiates Eq. (6) through the centre, CENTER_CONSTANT with the
    centre held fixed, PAPER is Eq. (7) and (8) as printed.
    """
    sets = _clusters(features, positives, negatives, margin)
    active = ~(sets.hinge <= 0)  # S x P; NaN is active
    count = active.sum(axis=1)
    f_near = sets.negative[np.arange(len(count)), sets.nearest]

    mask = active[:, :, None]
    grad_positive = np.where(mask, sets.positive - sets.centre[:, None], 0)  # Eq. (7)
    if mode is Gradient.EXACT:  # dL/dc, handed on to every positive by Eq. (4)
        pull = np.where(mask, f_near[:, None] - sets.positive, 0).sum(axis=1)
        grad_positive += pull[:, None] / positives

    times = np.minimum(count, 1) if mode is Gradient.PAPER else count
    push = times[:, None] * (sets.centre - f_near)  # Eq. (8)
    grad_negative = np.zeros_like(sets.negative)
    pushed = count > 0
    grad_negative[pushed, sets.nearest[pushed]] = push[pushed]

    grad = np.concatenate([grad_positive, grad_negative], axis=1)
    return grad.reshape(-1, grad.shape[2]) / len(count)


def triplet_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float,
    sets: int,
) -> SetLoss:
    """Eq. (3) over rows of three T x D arrays, summed and divided by sets."""
    a, p, n = (np.asarray(x, np.float64) for x in (anchor, positive, negative))
    to_positive, to_negative = _squared(a - p), _squared(a - n)
    hinge = to_positive + margin - to_negative
    loss = np.maximum(hinge, 0).sum() / sets
    return _set_loss(loss, hinge, to_positive, to_negative)


def triplet_gradient(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    margin: float,
    sets: int,
) -> tuple[Float64, Float64, Float64]:
    """The derivative of triplet_loss by each of its three arrays."""
    a, p, n = (np.asarray(x, np.float64) for x in (anchor, positive, negative))
    active = ~(_squared(a - p) + margin - _squared(a - n) <= 0)[:, None]
    by_anchor, by_positive, by_negative = (
        np.where(active, 2 / sets * difference, 0)
        for difference in (n - p, p - a, a - n)
    )
    return by_anchor, by_positive, by_negative


def hard_triplets(features: ArrayLike, positives: int, negatives: int) -> Int:
    """Rows of anchor, farthest positive and nearest negative (S * P x 3).

    Every positive is an anchor once; the lowest row wins a tie.
    """
    triplets = []
    for s, rows in enumerate(_sets(features, positives, negatives)):
        first = s * len(rows)
        for i in range(positives):
            distance = _squared(rows - rows[i])
            others = np.delete(np.arange(positives), i)
            far = others[distance[others].argmax()]
            near = positives + distance[positives:].argmin()
            triplets.append((first + i, first + far, first + near))
    return np.array(triplets, np.int64)


def random_triplets(
    sets: int, positives: int, negatives: int, seed: int, ids: ArrayLike | None = None
) -> Int:
    """Rows of anchor, other positive and negative, as the layer draws them."""
    rows = positives + negatives
    groups = None if ids is None else np.asarray(ids).reshape(sets, rows)
    triplets = []
    for s in range(sets):
        first = s * rows
        name = 0 if groups is None else hash_ids(groups[s])
        for i in range(positives):
            random = counter_rng(seed, 0x54524950, name, s, i)
            other = below(random, positives - 1)
            negative = first + positives + below(random, negatives)
            triplets.append((first + i, first + other + (other >= i), negative))
    return np.array(triplets, np.int64)


def l2_normalize(x: ArrayLike, epsilon: float = 1e-12) -> Float64:
    """Rows (N x D) onto the unit sphere; |x| <= epsilon gives a zero row."""
    rows = np.asarray(x, np.float64)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    norm = np.where(np.isinf(norm), np.nan, norm)
    zero = norm <= epsilon
    return np.where(zero, 0, rows / np.where(zero, 1, norm))


def l2_normalize_gradient(
    x: ArrayLike, dy: ArrayLike, epsilon: float = 1e-12
) -> Float64:
    """(dy - y (y . dy)) / |x|, and zero for zero rows."""
    rows, up = np.asarray(x, np.float64), np.asarray(dy, np.float64)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    zero = norm <= epsilon
    y = l2_normalize(rows, epsilon)
    along = (y * up).sum(axis=1, keepdims=True)
    return np.where(zero, 0, (up - y * along) / np.where(zero, 1, norm))


def philox4x32(key: tuple[int, int], counter: tuple[int, ...]) -> tuple[int, ...]:
    """Philox4x32-10 of Salmon et al., "Parallel random numbers", SC 2011."""
    k0, k1 = key
    x0, x1, x2, x3 = counter
    low = 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = x0 * 0xD2511F53, x2 * 0xCD9E8D57
        x0, x1, x2, x3 = p1 >> 32 ^ x1 ^ k0, p1 & low, p0 >> 32 ^ x3 ^ k1, p0 & low
        k0, k1 = k0 + 0x9E3779B9 & low, k1 + 0xBB67AE85 & low
    return x0, x1, x2, x3


def counter_rng(seed: int, stream: int, a: int, b: int, c: int = 0) -> Iterator[int]:
    """The numbers of drdl::CounterRng, 32 bits each, without end."""
    block = 0
    while True:
        yield from philox4x32((seed, stream), (a, b, c, block))
        block += 1


def below(random: Iterator[int], n: int) -> int:
    """Uniform on 0 .. n - 1, without modulo bias."""
    while True:
        product = next(random) * n
        if product & 0xFFFFFFFF >= 2**32 % n:
            return product >> 32


def hash_ids(ids: ArrayLike) -> int:
    """FNV-1a over vehicle ids as 32-bit words, low byte first."""
    value = 2166136261
    for byte in np.asarray(ids).astype("<i8").astype("<u4").tobytes():
        value = (value ^ byte) * 16777619 & 0xFFFFFFFF
    return value
