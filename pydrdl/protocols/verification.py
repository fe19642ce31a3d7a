"""Verification of pairs (paper, Sec. 5.1; Table 3): the same or not?

A pair is called the same where its distance is at most a threshold, and the
accuracy depends on where that comes from:
  training  chosen on other pairs, of training images: the headline
  folds     stratified 10-fold: each tenth of the pairs is judged by the best
            threshold of the other nine; mean and spread over the tenths
  optimal   chosen on the judged pairs themselves: no more than an upper bound
AUC and EER need no threshold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pydrdl.metrics import accuracy, auc, best_threshold, equal_error_rate
from pydrdl.metrics.pair_accuracy import Threshold, check_pairs

PROTOCOL = "verification"
FOLDS = 10
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class VerificationResult:
    """What distances of pairs score.

    Attributes:
        same: number of same pairs.
        different: number of different pairs.
        accuracy: by the threshold from training; None without one.
        training: that threshold, with its accuracy on the training pairs.
        folds: (10,) accuracy of each fold.
        optimal: the best threshold and accuracy on these pairs.
        auc: area under the ROC.
        eer: equal error rate.
    """

    same: int
    different: int
    accuracy: float | None
    training: Threshold | None
    folds: Float64
    optimal: Threshold
    auc: float
    eer: float

    @property
    def fold_std(self) -> float:
        """Sample standard deviation over the folds."""
        return float(self.folds.std(ddof=1))


def evaluate(
    distances: ArrayLike,
    same: ArrayLike,
    *,
    training: Threshold | None = None,
    seed: int = 0,
) -> VerificationResult:
    """Scores distances.

    Args:
        distances: (N,) smaller is more alike; a similarity with its minus.
        same: (N,) bool, the truth.
        training: best_threshold of training pairs.
        seed: of the folds.

    Raises:
        ValueError: lengths differ, a distance is NaN, or there are fewer than
            10 pairs of a kind.
    """
    d, truth = check_pairs(distances, same)
    return VerificationResult(
        same=int(truth.sum()),
        different=int((~truth).sum()),
        accuracy=None if training is None else accuracy(d, truth, training.value),
        training=training,
        folds=fold_accuracies(d, truth, seed=seed),
        optimal=best_threshold(d, truth),
        auc=auc(d, truth),
        eer=equal_error_rate(d, truth),
    )


def fold_accuracies(
    distances: Float64, same: NDArray[np.bool_], *, folds: int = FOLDS, seed: int = 0
) -> Float64:
    """Accuracy on each fold by the best threshold of the other folds, (folds,).

    Raises:
        ValueError: there are fewer pairs of a kind than folds.
    """
    fold = stratified_folds(same, folds=folds, seed=seed)
    scores = np.empty(folds)
    for number in range(folds):
        held = fold == number
        cut = best_threshold(distances[~held], same[~held])
        scores[number] = accuracy(distances[held], same[held], cut.value)
    return scores


def stratified_folds(
    same: NDArray[np.bool_], *, folds: int = FOLDS, seed: int = 0
) -> Int:
    """Deals the pairs of each kind, shuffled, to the folds in turn: (N,).

    Pair files list one kind after the other; unshuffled folds would hold one.

    Raises:
        ValueError: there are fewer pairs of a kind than folds.
    """
    fold = np.empty(same.size, np.int64)
    source = np.random.Philox(np.random.SeedSequence([seed, folds]))
    for kind in (True, False):
        members = np.flatnonzero(same == kind)
        if members.size < folds:
            raise ValueError(
                f"{members.size} {'same' if kind else 'different'} pairs for {folds} "
                "folds; expected at least as many"
            )
        order = np.argsort(source.random_raw(members.size), kind="stable")
        fold[members[order]] = np.arange(members.size) % folds
    return fold
