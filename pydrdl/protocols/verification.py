"""Verification of pairs (paper, Sec. 5.1; Table 3): the same or not?

A line of a list of pairs is `first second label`, 1 for the same and 0 for
different, as in the lists of CompCars: fields part at tabs where a line has any, else
at blanks. A pair is called the same where its distance is at most a threshold, and
the accuracy depends on where that comes from:
  training  chosen on other pairs, of training images: the headline
  folds     stratified 10-fold: each tenth of the pairs is judged by the best
            threshold of the other nine; mean and spread over the tenths
  optimal   chosen on the judged pairs themselves: no more than an upper bound
AUC and EER need no threshold.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pydrdl.arrays import Bool, Float64, Int
from pydrdl.errors import InputError, writing
from pydrdl.files import exists, read_text, write_text
from pydrdl.metrics import accuracy, auc, best_threshold, equal_error_rate
from pydrdl.metrics.thresholds import Threshold, check_pairs
from pydrdl.protocols import Curve, over_repeats
from pydrdl.strict_json import Form, Positive, Rate, Spread


@dataclass(frozen=True)
class Pairs:
    """N pairs."""

    name: str  # of the list, for tables
    rule: str  # where they come from, for notes
    first: tuple[str, ...]  # (N,) image names
    second: tuple[str, ...]  # (N,) image names
    same: tuple[bool, ...]  # (N,) the truth

    @property
    def text(self) -> str:
        """The content of a pairs file."""
        lines = zip(self.first, self.second, self.same, strict=True)
        return "".join(f"{a}\t{b}\t{int(same)}\n" for a, b, same in lines)

    @property
    def sha256(self) -> str:
        """Of the text, so that it is the same for tabs and blanks."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def rows_in(self, names: Sequence[str], where: object) -> tuple[Int, Int]:
        """Finds the pairs' images among the names of a features file, where.

        CompCars' lists leave out the folder that holds all images: a first
        folder of names may therefore be missing in the pairs, if it is one and
        the same for all.

        Returns:
            Positions in names of the first and of the second images, (N,) each.

        Raises:
            InputError: an image is missing.
        """
        row = {name: i for i, name in enumerate(names)}
        folders = {name.split("/", 1)[0] for name in names}
        if self.first and self.first[0] not in row and len(folders) == 1:
            row = {name.split("/", 1)[-1]: i for i, name in enumerate(names)}
        listed = set(self.first) | set(self.second)
        missing = sorted(listed - row.keys())
        if missing:
            raise InputError(
                f"{len(missing):,} of the pairs' {len(listed):,} images are missing, "
                f"such as {missing[0]!r}; an image there is {names[0]!r}",
                where,
                "extract the features of the set that the pairs are of",
            )
        return (
            np.array([row[name] for name in self.first], np.int64),
            np.array([row[name] for name in self.second], np.int64),
        )


def read_pairs(path: Path) -> Pairs:
    """Reads pairs.

    Raises:
        InputError: no such file, a line of another form, or an image paired
            with itself.
    """
    again = "give lines of two image names and 1 (same) or 0 (different)"
    lines = read_text(path, "the pairs", again).split("\n")
    rows: list[tuple[str, str, bool]] = []
    for number, line in enumerate(lines, 1):
        fields = line.strip().split("\t") if "\t" in line else line.split()
        if not fields:
            continue
        if len(fields) != 3 or fields[2] not in ("0", "1"):
            raise InputError(f"not a pair: {line!r}", f"{path}:{number}", again)
        if fields[0] == fields[1]:
            raise InputError(
                f"{fields[0]!r} is paired with itself", f"{path}:{number}", again
            )
        rows.append((fields[0], fields[1], fields[2] == "1"))
    if not rows:
        raise InputError("there is no pair", path, again)
    first, second, same = zip(*rows, strict=True)
    return Pairs(path.stem, f"the list {path.name}", first, second, same)


def save_pairs(pairs: Pairs, path: Path) -> None:
    """Writes pairs; the file appears only when whole.

    Raises:
        InputError: the file exists, or its folder cannot be written.
    """
    if exists(path):
        raise InputError("the pairs file exists", path, "name another file")
    with writing("the pairs", path):
        write_text(path, pairs.text)


def draw_pairs(
    names: Sequence[str],
    ids: Int,
    *,
    count: int,
    seed: int = 0,
    among: Int | None = None,
    rule: str = "random pairs",
) -> Pairs:
    """Draws same pairs, and as many different ones, uniformly; none twice.

    The draw depends on the seed and the set of images, not on their order.

    Args:
        names: (N,) distinct image names.
        ids: (N,) what is the same, vehicles or models.
        count: pairs of each kind.
        seed: not negative.
        among: (N,) different pairs agree in this, such as the vehicle model;
            images with -1 take no part in them.
        rule: its name, for notes.

    Raises:
        InputError: the set has not so many pairs.
    """
    order = np.argsort(np.array(names))
    sorted_ids = ids[order]
    source = np.random.Philox(np.random.SeedSequence([seed, count]))
    groups = np.zeros_like(ids) if among is None else among[order]
    kinds = ((sorted_ids, True), (groups, False))
    drawn = [_draw(source, g, sorted_ids, same, count) for g, same in kinds]
    first, second = np.concatenate(drawn).T
    return Pairs(
        "drawn pairs",
        f"{rule}, seed {seed}",
        tuple(names[i] for i in order[first]),
        tuple(names[i] for i in order[second]),
        tuple([True] * count + [False] * count),
    )


def count_pairs(ids: Int, among: Int | None = None) -> tuple[int, int]:
    """How many same and how many different pairs a set has; see draw_pairs."""
    groups = np.zeros_like(ids) if among is None else among
    return _possible(ids, ids, True), _possible(groups, ids, False)


def _possible(groups: Int, ids: Int, same: bool) -> int:
    """How many pairs of one group there are, of those that are the same or differ."""
    member = groups >= 0
    _, sizes = np.unique(groups[member], return_counts=True)
    both = np.stack([groups[member], ids[member]])
    _, alike_sizes = np.unique(both, axis=1, return_counts=True)
    alike = int((alike_sizes * (alike_sizes - 1) // 2).sum())
    return alike if same else int((sizes * (sizes - 1) // 2).sum()) - alike


def _all_pairs(groups: Int, ids: Int, same: bool) -> Int:
    """All pairs (i, j), i < j, of one group: (P, 2), ascending."""
    order = np.lexsort((ids, groups))
    order = order[groups[order] >= 0]
    ends = np.searchsorted(groups[order], groups[order], "right")
    changes = (np.diff(groups[order]) != 0) | (np.diff(ids[order]) != 0)
    starts = np.flatnonzero(np.concatenate([[True], changes]))
    found = []
    for start, stop in pairwise([*starts.tolist(), order.size]):
        if same:
            i, j = np.triu_indices(stop - start, 1)
            found.append(np.stack([order[start + i], order[start + j]], axis=1))
        else:
            own, rest = order[start:stop], order[stop : ends[start]]
            both = np.repeat(own, rest.size), np.tile(rest, own.size)
            found.append(np.stack(both, axis=1))
    every = np.sort(np.concatenate(found), axis=1)
    return every[np.lexsort(every.T[::-1])]


def _draw(
    source: np.random.Philox, groups: Int, ids: Int, same: bool, count: int
) -> Int:
    """Pairs (i, j), i < j, of one group: (count, 2), ascending."""
    member = np.flatnonzero(groups >= 0)
    member = member[np.argsort(groups[member], kind="stable")]
    _, first, place, sizes = np.unique(
        groups[member], return_index=True, return_inverse=True, return_counts=True
    )
    possible = _possible(groups, ids, same)
    if possible < count:
        raise InputError(
            f"the set has {possible:,} {'same' if same else 'different'} pairs, of "
            f"which {count:,} were asked for",
            "the images",
            "draw fewer pairs, or give a larger set",
        )
    if possible == count:
        return _all_pairs(groups, ids, same)
    # A member by its group's size, then any of that group: every ordered pair is
    # as likely as every other.
    size_of = sizes[place.reshape(-1)]
    ends = np.cumsum(size_of)
    found = np.empty((0, 2), np.int64)
    while len(found) < count:
        words = source.random_raw(2 * max(1000, 2 * (count - len(found))))
        a, b = words.reshape(2, -1)
        one = np.searchsorted(ends, (a % np.uint64(ends[-1])).astype(np.int64), "right")
        step = (b % size_of[one].astype(np.uint64)).astype(np.int64)
        i, j = member[one], member[first[place.reshape(-1)[one]] + step]
        good = (i != j) & ((ids[i] == ids[j]) == same)
        new = np.sort(np.stack([i[good], j[good]], axis=1), axis=1)
        everything = np.concatenate([found, new])
        _, at = np.unique(everything, axis=0, return_index=True)
        found = everything[np.sort(at)]
    return found[:count][np.lexsort(found[:count].T[::-1])]


PROTOCOL = "verification"
FOLDS = 10


class OptimalThreshold(Form):
    """The best threshold of some pairs; None calls no pair the same."""

    threshold: float | None
    accuracy: Rate


def optimal_threshold(best: Threshold) -> dict[str, Any]:
    """The fields of OptimalThreshold; JSON has no infinity."""
    value = best.value if best.value > -np.inf else None
    return {"threshold": value, "accuracy": best.accuracy}


class Folds(Form):
    """Accuracy over folds, each judged by the threshold of the others."""

    mean: Rate
    std: Spread
    per_fold: Curve


class VerificationResult(Form):
    """What distances of pairs score."""

    same: Positive
    different: Positive
    accuracy: Rate | None  # by the threshold from training; None without one
    folds: Folds
    test_optimal: OptimalThreshold  # on these pairs themselves
    auc: Rate  # area under the ROC
    eer: Rate  # equal error rate


def evaluate(
    distances: ArrayLike,
    same: ArrayLike,
    *,
    training: Threshold | None = None,
    seed: int = 0,
) -> VerificationResult:
    """Scores (N,) distances, smaller is more alike, by the truth; the seed is of folds.

    Raises:
        ValueError: lengths differ, a distance is NaN, or there are fewer than
            10 pairs of a kind.
    """
    d, truth = check_pairs(distances, same)
    folds = over_repeats(fold_accuracies(d, truth, seed=seed))
    return VerificationResult(
        same=int(truth.sum()),
        different=int((~truth).sum()),
        accuracy=None if training is None else accuracy(d, truth, training.value),
        folds=Folds(per_fold=folds.pop("per_repeat"), **folds),
        test_optimal=OptimalThreshold(**optimal_threshold(best_threshold(d, truth))),
        auc=auc(d, truth),
        eer=equal_error_rate(d, truth),
    )


def fold_accuracies(distances: Float64, same: Bool, *, seed: int = 0) -> Float64:
    """Accuracy on each fold by the best threshold of the other folds, (FOLDS,).

    Raises:
        ValueError: there are fewer pairs of a kind than folds.
    """
    fold = stratified_folds(same, seed=seed)
    scores = np.empty(FOLDS)
    for number in range(FOLDS):
        held = fold == number
        cut = best_threshold(distances[~held], same[~held])
        scores[number] = accuracy(distances[held], same[held], cut.value)
    return scores


def stratified_folds(same: Bool, *, folds: int = FOLDS, seed: int = 0) -> Int:
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
