"""Verification (Sec. 5.1): feature files meet pairs, listed or drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path

import numpy as np

from pydrdl.arrays import Float64
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, check_features, read_features
from pydrdl.metrics import best_threshold
from pydrdl.metrics.thresholds import Threshold
from pydrdl.protocols import verification
from pydrdl.protocols.verification import FOLDS, Pairs
from pydrdl.ranking.scaling import squared_distances
from pydrdl.results.evaluate import By, model_ids, read_rows, refuse_other_net
from pydrdl.results.result import PairScores, TrainingThreshold, Verification
from pydrdl.verifiers import file as verifier_file
from pydrdl.verifiers.file import LoadedVerifier


@dataclass(frozen=True)
class Sampling:
    """How pairs are drawn where no file lists them."""

    count: int = 10_000  # pairs of each kind, at most
    seed: int = 0  # of the draw
    by: By = "vehicle"  # what is the same in a same pair
    same_model: bool = False  # different pairs are of one vehicle model

    def draw(self, content: FeatureSet, where: object) -> Pairs:
        """Draws pairs, as many as were asked for or as there are; their rule says so.

        Images without a model label take no part where models decide.

        Raises:
            InputError: there are too few pairs for the folds, or no model label.
        """
        names, ids, among = content.names, content.vehicle_ids, None
        labelled, left_out = content.model_ids >= 0, 0
        if self.same_model or self.by == "model":
            if not labelled.any():
                model_ids(content, where)  # refuses
            left_out = int((~labelled).sum())
        if self.same_model:
            among = content.model_ids
        elif self.by == "model":
            names = tuple(compress(content.names, labelled))
            ids = content.model_ids[labelled]
        same, different = verification.count_pairs(ids, among)
        count = min(self.count, same, different)
        if count < FOLDS:
            raise InputError(
                f"the set has {same:,} same and {different:,} different pairs to draw; "
                f"{FOLDS} folds need {FOLDS} of each",
                where,
                "extract the features of more images, or give a list with --pairs",
            )
        rule = f"{count:,} + {count:,} random pairs by {self.by}"
        if self.same_model:
            rule += ", different ones of one model"
        if count < self.count:
            rule += f", as many as there are ({self.count:,} were asked for)"
        if left_out:
            what = "no different pair" if self.by == "vehicle" else "no pair"
            rule += f", {left_out:,} images without a model label in {what}"
        return verification.draw_pairs(
            names, ids, count=count, seed=self.seed, among=among, rule=rule
        )


def evaluate_verification(
    paths: Sequence[Path],
    *,
    names: Sequence[str] = (),
    training_seeds: Sequence[int] = (),
    pair_files: Sequence[Path] = (),
    sampling: Sampling | None = None,
    save_to: Path | None = None,
    training: Sequence[Path] = (),
    training_pairs: Path | None = None,
    seed: int = 0,
    verifier: Path | None = None,
) -> list[Verification]:
    """Scores feature files on pairs (Sec. 5.1); names, seeds as of evaluate_reid.

    Args:
        paths: feature files, one for each method.
        names: of the methods.
        training_seeds: of their trainings.
        pair_files: lists such as easy, medium and hard; without them pairs are drawn.
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
        what = f"{len(training)} files of training features for {len(paths)} files"
        advice = "give one for each file, in the same order, or none"
        raise InputError(what, "--train", advice)
    sampling = sampling or Sampling()
    judge, results = verifier_file.load(verifier), []
    rows = read_rows(paths, names, training_seeds, judge)
    for i, (origin, content, path) in enumerate(rows):
        lists = [verification.read_pairs(listed) for listed in pair_files]
        if not pair_files:
            lists = [sampling.draw(content, path)]
            if save_to is not None and i == 0:
                verification.save_pairs(lists[0], save_to)
        best, told, scores = None, None, []
        if training:
            trained = content, training[i], training_pairs
            best, told = _threshold(*trained, sampling, judge)
        for pairs in lists:
            distances = pair_distances(content, pairs, path, judge)
            _refuse_few(pairs)
            scored = verification.evaluate(
                distances, pairs.same, training=best, seed=seed
            )
            listed = {"name": pairs.name, "rule": pairs.rule, "sha256": pairs.sha256}
            held = {**listed, **dict(scored), "training": told}
            scores.append(PairScores(**held))
        results.append(Verification(**origin, pairs=scores))
    return results


def pair_distances(
    content: FeatureSet, pairs: Pairs, where: Path, judge: LoadedVerifier | None = None
) -> Float64:
    """Squared L2 distance of each pair, or minus a verifier's score.

    Raises:
        InputError: an image is missing, a feature cannot be compared, or the
            labels fit neither vehicles nor models.
    """
    first, second = pairs.rows_in(content.names, where)
    check_features(content.features, content.names, where)
    same = np.array(pairs.same)
    vehicles, models = (
        np.flatnonzero((ids[first] == ids[second]) != same)
        for ids in (content.vehicle_ids, content.model_ids)
    )
    if vehicles.size and models.size:
        i = int(vehicles[0])
        raise InputError(
            f"the pairs call {pairs.first[i]!r} and {pairs.second[i]!r} "
            f"{'the same' if same[i] else 'different'}; they show vehicles "
            f"{content.vehicle_ids[first[i]]} and {content.vehicle_ids[second[i]]} "
            f"({vehicles.size:,} of {same.size:,} pairs contradict the "
            f"vehicles, {models.size:,} the models)",
            where,
            "give the pairs of this set; 1 means the same, 0 different",
        )
    if judge is not None:
        return judge.distances(content, first, second, where)
    return squared_distances(content.features, content.features, first, second)


def _threshold(
    content: FeatureSet,
    path: Path,
    listed: Path | None,
    sampling: Sampling,
    judge: LoadedVerifier | None,
) -> tuple[Threshold, TrainingThreshold]:
    """The best threshold on training pairs, and what results tell of it."""
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
    pairs = verification.read_pairs(listed) if listed else sampling.draw(training, path)
    distances = pair_distances(training, pairs, path, judge)
    _refuse_few(pairs)
    best = best_threshold(distances, pairs.same)
    told = TrainingThreshold(
        **verification.optimal_threshold(best),
        rule=pairs.rule,
        pairs_sha256=pairs.sha256,
        features_sha256=training.sha256,
    )
    return best, told


def _refuse_few(pairs: Pairs) -> None:
    """Raises InputError where the folds would be empty."""
    same = sum(pairs.same)
    different = len(pairs.same) - same
    if min(same, different) < FOLDS:
        raise InputError(
            f"{same:,} same and {different:,} different pairs; {FOLDS} folds need "
            f"{FOLDS} of each",
            pairs.rule,
            "give a longer list",
        )
