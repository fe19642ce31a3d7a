"""From feature files to verification results (Sec. 5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.evaluation import loaded_verifier
from pydrdl.evaluation.cross_camera import refuse_other_net
from pydrdl.evaluation.entry import Entry, named
from pydrdl.evaluation.loaded_verifier import LoadedVerifier
from pydrdl.evaluation.sampling import Sampling, sample
from pydrdl.features import FeatureSet, check_features, read_features
from pydrdl.metrics import best_threshold
from pydrdl.metrics.pair_accuracy import Threshold
from pydrdl.protocols import verification
from pydrdl.protocols.pairs import Pairs, read_pairs, save_pairs
from pydrdl.ranking.scaling import squared_distances

Int = NDArray[np.int64]


@dataclass(frozen=True)
class PairResult:
    """What features score on one list of pairs.

    Attributes:
        pairs: the list.
        training_pairs: the list that the threshold is from; None without one.
        training_sha256: of the features that it was chosen on.
        result: what they score.
    """

    pairs: Pairs
    training_pairs: Pairs | None
    training_sha256: str | None
    result: verification.VerificationResult


def evaluate_verification(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    pair_files: Sequence[Path] = (),
    sampling: Sampling | None = None,
    save_to: Path | None = None,
    training: Sequence[Path] = (),
    training_pairs: Path | None = None,
    seed: int = 0,
    verifier: Path | None = None,
) -> list[Entry[list[PairResult]]]:
    """Scores feature files on pairs.

    Args:
        paths: feature files, one for each method.
        names: a name for each; without them, the files' names.
        pair_files: lists of pairs, such as easy, medium and hard; without them
            pairs are drawn.
        sampling: how.
        save_to: write the drawn pairs there.
        training: features of training images, one file for each method; the
            threshold is chosen on pairs of them.
        training_pairs: their list; without it they are drawn.
        seed: of the folds.
        verifier: file of a trained verifier, to compare by minus its score.

    Raises:
        InputError: files that cannot be used or do not belong together.
    """
    if training and len(training) != len(paths):
        raise InputError(
            f"{len(training)} files of training features for {len(paths)} files",
            "--train",
            "give one for each file, in the same order, or none",
        )
    sampling = sampling or Sampling()
    judge = loaded_verifier.load(verifier)
    entries = []
    for i, (name, path) in enumerate(named(paths, names)):
        content = read_features(path)
        if pair_files:
            lists = [read_pairs(file) for file in pair_files]
        else:
            lists = [sample(content, sampling, path)]
            if save_to is not None and i == 0:
                save_pairs(lists[0], save_to)
        chosen: tuple[Pairs, str, Threshold] | None = None
        if training:
            chosen = _train(content, training[i], training_pairs, sampling, judge)
        results = []
        for pairs in lists:
            distances = pair_distances(content, pairs, path, judge)
            _refuse_few(pairs)
            scored = verification.evaluate(
                distances,
                pairs.same,
                training=None if chosen is None else chosen[2],
                seed=seed,
            )
            results.append(
                PairResult(
                    pairs,
                    None if chosen is None else chosen[0],
                    None if chosen is None else chosen[1],
                    scored,
                )
            )
        entries.append(
            Entry(name, path, content.sha256, content.source, results, judge)
        )
    return entries


def pair_distances(
    content: FeatureSet,
    pairs: Pairs,
    where: Path,
    judge: LoadedVerifier | None = None,
) -> NDArray[np.float64]:
    """Squared L2 distance of each pair, or minus a verifier's score.

    Raises:
        InputError: an image is missing, a feature cannot be compared, or the
            labels fit neither vehicles nor models.
    """
    first, second = pairs.rows_in(content.names, where)
    check_features(content.features, content.names, where)
    same = np.array(pairs.same)
    wrong = {
        what: np.flatnonzero((ids[first] == ids[second]) != same)
        for what, ids in (
            ("vehicle", content.vehicle_ids),
            ("model", content.model_ids),
        )
    }
    if all(found.size for found in wrong.values()):
        i = int(wrong["vehicle"][0])
        raise InputError(
            f"the pairs call {pairs.first[i]!r} and {pairs.second[i]!r} "
            f"{'the same' if same[i] else 'different'}; they show vehicles "
            f"{content.vehicle_ids[first[i]]} and {content.vehicle_ids[second[i]]} "
            f"({wrong['vehicle'].size:,} of {same.size:,} pairs contradict the "
            f"vehicles, {wrong['model'].size:,} the models)",
            where,
            "give the pairs of this set; 1 means the same, 0 different",
        )
    if judge is not None:
        return judge.distances(content, first, second, where)
    return squared_distances(content.features, content.features, first, second)


def _train(
    content: FeatureSet,
    path: Path,
    file: Path | None,
    sampling: Sampling,
    judge: LoadedVerifier | None,
) -> tuple[Pairs, str, Threshold]:
    """The training pairs, the hash of their features, and the best threshold."""
    training = read_features(path)
    refuse_other_net(content.source, training.source, path)
    shared = set(content.names) & set(training.names)
    if shared:
        raise InputError(
            f"{len(shared):,} images are in both files, such as {min(shared)!r}: the "
            "threshold would be chosen on what it judges",
            path,
            "give features of training images",
        )
    pairs = sample(training, sampling, path) if file is None else read_pairs(file)
    distances = pair_distances(training, pairs, path, judge)
    _refuse_few(pairs)
    return pairs, training.sha256, best_threshold(distances, pairs.same)


def _refuse_few(pairs: Pairs) -> None:
    """Raises InputError where the folds would be empty."""
    same = sum(pairs.same)
    different = len(pairs.same) - same
    if min(same, different) < verification.FOLDS:
        raise InputError(
            f"{same:,} same and {different:,} different pairs; {verification.FOLDS} "
            f"folds need {verification.FOLDS} of each",
            pairs.rule,
            "give a longer list",
        )
