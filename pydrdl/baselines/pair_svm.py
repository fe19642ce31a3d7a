"""A linear SVM that tells pairs of one class from pairs of two.

A pair is the vector [|a - b|, a b], element by element, as Kumar, Berg,
Belhumeur and Nayar have it ("Attribute and Simile Classifiers for Face
Verification", ICCV 2009): it does not depend on the order of the images. (Of
the two features side by side a linear SVM could learn nothing: its score would
be a sum of one term for each image.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pydrdl.baselines.pairs import Pairs
from pydrdl.errors import InputError

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class PairSvm:
    """A trained SVM; D dimensions of a feature.

    Attributes:
        weights: (2 D,) of a pair's vector.
        bias: added; the score is positive for pairs of one class.
    """

    weights: Float64
    bias: float

    def score(self, first: Float64, second: Float64) -> Float64:
        """Signed distance, of the scale of a margin, for (P, D) each: (P,)."""
        return np.asarray(pair_vectors(first, second) @ self.weights + self.bias)


def pair_vectors(first: Float64, second: Float64) -> Float64:
    """(P, 2 D) of two (P, D)."""
    return np.hstack([np.abs(first - second), first * second])


def fit_pair_svm(samples: Float64, pairs: Pairs, *, c: float = 0.01) -> PairSvm:
    """Trains on pairs of (N, D) samples, with pair vectors standardised.

    Args:
        samples: features.
        pairs: rows of the samples, of both kinds.
        c: weight of the hinge losses against the squared norm.

    Raises:
        InputError: pairs of one kind only.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    if pairs.same.all() or not pairs.same.any():
        raise InputError(
            f"all {len(pairs.same):,} pairs are of one kind",
            "the training pairs",
            "give pairs of the same and of different classes",
        )
    vectors = pair_vectors(samples[pairs.first], samples[pairs.second])
    scaler, svm = StandardScaler(), LinearSVC(C=c, dual=False)
    make_pipeline(scaler, svm).fit(vectors, pairs.same)
    # Both are linear: one product scores a pair.
    weights = svm.coef_[0] / scaler.scale_
    return PairSvm(weights, float(svm.intercept_[0] - weights @ scaler.mean_))
