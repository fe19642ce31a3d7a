"""A linear SVM that tells pairs of images of one class from pairs of two.

A pair is the vector [|a - b|, a b], element by element, as Kumar, Berg,
Belhumeur and Nayar have it ("Attribute and Simile Classifiers for Face
Verification", ICCV 2009): it does not depend on the order of the images. (Of
the two features side by side a linear SVM could learn nothing: its score would
be a sum of one term for each image.)
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from pydrdl.arrays import Bool, Float64, Int
from pydrdl.errors import InputError


class RowPairs(NamedTuple):
    """P pairs of images."""

    # (P,) rows of the feature set.
    first: Int
    second: Int
    same: Bool  # (P,) whether both are of one class


def draw_pairs(labels: Int, count: int, seed: int) -> RowPairs:
    """Draws half of count pairs within classes, half between; none twice.

    Every pair of its kind is as likely as any other, so that large classes give
    more pairs within. There are fewer pairs where a kind has not that many. Rows with
    the label -1 are left out.

    Raises:
        InputError: no class has two images, or there is only one class.
    """
    rows = np.flatnonzero(labels >= 0)
    rows = rows[np.argsort(labels[rows], kind="stable")]
    _, first_of, sizes = np.unique(labels[rows], return_index=True, return_counts=True)
    within = sizes * (sizes - 1) // 2
    if len(sizes) < 2 or not within.any():
        raise InputError(
            f"{len(rows):,} labelled images of {len(sizes):,} classes hold no pair of "
            "the same or no pair of different classes",
            "the labels",
            "give several classes with several images each",
        )
    rng = np.random.default_rng(seed)
    same = _draw_within(first_of, sizes, within, count // 2, rng)
    different = _draw_between(np.repeat(np.arange(len(sizes)), sizes), count // 2, rng)
    chosen = rows[np.concatenate([same, different])]
    return RowPairs(chosen[:, 0], chosen[:, 1], np.arange(len(chosen)) < len(same))


def _draw_within(
    first_of: Int, sizes: Int, within: Int, count: int, rng: Generator
) -> Int:
    """(n, 2) distinct pairs i < j of one class, numbered through all classes."""
    ends = np.cumsum(within)
    total = int(ends[-1])
    number = np.sort(rng.choice(total, min(count, total), replace=False))
    place = np.searchsorted(ends, number, side="right")
    # Within a class pair (i, j) has the number j (j - 1) / 2 + i.
    number = number - (ends - within)[place]
    j = np.floor((1 + np.sqrt(1 + 8 * number.astype(np.float64))) / 2).astype(np.int64)
    i = number - j * (j - 1) // 2
    return np.asarray(first_of[place][:, None] + np.column_stack([i, j]))


def _draw_between(place: Int, count: int, rng: Generator) -> Int:
    """(n, 2) distinct pairs i < j of different classes; place is (N,) sorted."""
    size = len(place)
    sizes = np.bincount(place)
    total = (size * (size - 1) - int((sizes * (sizes - 1)).sum())) // 2
    count = min(count, total)
    if 2 * count > total:
        # Few to choose from: drawing until there are enough would take long.
        i, j = np.triu_indices(size, 1)
        kept = np.flatnonzero(place[i] != place[j])
        kept = np.sort(rng.choice(kept, count, replace=False))
        return np.column_stack([i[kept], j[kept]])
    found = np.empty((0,), np.int64)
    while len(found) < count:
        i, j = np.sort(rng.integers(size, size=(2, 2 * count)), axis=0)
        codes = (i * size + j)[place[i] != place[j]]
        found = np.concatenate([found, codes])
        found = found[np.sort(np.unique(found, return_index=True)[1])]
    found = found[:count]
    return np.column_stack([found // size, found % size])


@dataclass(frozen=True)
class PairSvm:
    """A trained SVM; D dimensions of a feature."""

    weights: Float64  # (2 D,) of a pair's vector
    bias: float  # added; the score is positive for pairs of one class

    def score(self, first: Float64, second: Float64) -> Float64:
        """Signed distance, of the scale of a margin, for (P, D) each: (P,)."""
        return np.asarray(pair_vectors(first, second) @ self.weights + self.bias)


def pair_vectors(first: Float64, second: Float64) -> Float64:
    """(P, 2 D) of two (P, D)."""
    return np.hstack([np.abs(first - second), first * second])


def fit_pair_svm(samples: Float64, pairs: RowPairs, *, c: float = 0.01) -> PairSvm:
    """Trains on pairs of (N, D) samples, with pair vectors standardised.

    c is the weight of the hinge losses against the squared norm.

    Raises:
        InputError: pairs of one kind only.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    if pairs.same.all() or not pairs.same.any():
        what = f"all {len(pairs.same):,} pairs are of one kind"
        advice = "give pairs of the same and of different classes"
        raise InputError(what, "the training pairs", advice)
    vectors = pair_vectors(samples[pairs.first], samples[pairs.second])
    scaler, svm = StandardScaler(), LinearSVC(C=c, dual=False)
    make_pipeline(scaler, svm).fit(vectors, pairs.same)
    # Both are linear: one product scores a pair.
    weights = svm.coef_[0] / scaler.scale_
    return PairSvm(weights, float(svm.intercept_[0] - weights @ scaler.mean_))
