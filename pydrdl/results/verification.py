"""Pairs of a feature set's images, drawn where no file lists them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from pydrdl import __version__, paper
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, check_features, read_features
from pydrdl.metrics import best_threshold
from pydrdl.metrics.thresholds import Threshold
from pydrdl.protocols import verification
from pydrdl.protocols.verification import (
    FOLDS,
    Pairs,
    count_pairs,
    draw_pairs,
    read_pairs,
    save_pairs,
)
from pydrdl.ranking.scaling import squared_distances
from pydrdl.results.cross_camera import refuse_other_net
from pydrdl.results.entry import Entry, labels, named
from pydrdl.results.shared import (
    entry_json,
    entry_notes,
    plain_table,
    rate,
    short,
    spread,
)
from pydrdl.verifiers import file
from pydrdl.verifiers.file import LoadedVerifier

By = Literal["vehicle", "model"]


@dataclass(frozen=True)
class Sampling:
    """How pairs are drawn where no file lists them.

    Attributes:
        count: pairs of each kind, at most.
        seed: of the draw.
        by: what is the same in a same pair.
        same_model: different pairs are of one vehicle model.
    """

    count: int = 10_000
    seed: int = 0
    by: By = "vehicle"
    same_model: bool = False

    def rule(self, count: int, left_out: int) -> str:
        """Its name in reports.

        Args:
            count: pairs of each kind that there were.
            left_out: images that have no model label.
        """
        hard = ", different ones of one model" if self.same_model else ""
        text = f"{count:,} + {count:,} random pairs by {self.by}{hard}"
        if count < self.count:
            text += f", as many as there are ({self.count:,} were asked for)"
        if left_out:
            what = "no different pair" if self.by == "vehicle" else "no pair"
            text += f", {left_out:,} images without a model label in {what}"
        return text


def sample(content: FeatureSet, sampling: Sampling, where: object) -> Pairs:
    """Draws pairs, as many as were asked for or as there are; their rule says so.

    Args:
        content: the images; those without a model label take no part where models
            decide.
        sampling: how.
        where: the features file, for messages.

    Raises:
        InputError: there are too few pairs for the folds, or no model label.
    """
    names, ids, among = content.names, content.vehicle_ids, None
    labelled = content.model_ids >= 0
    uses_models = sampling.same_model or sampling.by == "model"
    if uses_models and not labelled.any():
        labels(content, True, where)  # refuses
    if sampling.same_model:
        among = content.model_ids
    elif sampling.by == "model":
        names = tuple(compress(content.names, labelled))
        ids = content.model_ids[labelled]
    same, different = count_pairs(ids, among)
    count = min(sampling.count, same, different)
    if count < FOLDS:
        raise InputError(
            f"the set has {same:,} same and {different:,} different pairs to draw; "
            f"{FOLDS} folds need {FOLDS} of each",
            where,
            "extract the features of more images, or give a list with --pairs",
        )
    left_out = int((~labelled).sum()) if uses_models else 0
    return draw_pairs(
        names,
        ids,
        count=count,
        seed=sampling.seed,
        among=among,
        rule=sampling.rule(count, left_out),
    )


# From feature files to verification results (Sec. 5.1).


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
    judge = file.load(verifier)
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


# Verification accuracy as a table beside the paper's Table 3, and as JSON.


SCHEMA = "drdl.verification/1"
LEVELS = ("easy", "medium", "hard")
VerificationEntry = Entry[list[PairResult]]


def verification_table(entries: Sequence[VerificationEntry]) -> Table:
    """Ours, a row for each list of pairs; then the paper's Table 3."""
    table = plain_table("pairs", "accuracy", "10-fold", "optimal", "AUC", "EER")
    for entry in entries:
        table.add_row(Text(entry.name))
        for scored in entry.result:
            result = scored.result
            table.add_row(
                Text("  " + scored.pairs.name),
                f"{result.same + result.different:,}",
                "-" if result.accuracy is None else rate(result.accuracy),
                spread(result.folds),
                rate(result.optimal.accuracy),
                rate(result.auc),
                rate(result.eer),
            )
    for level, name in enumerate(LEVELS):
        table.add_section()
        table.add_row(f"paper, Table 3, {name}")
        for method, accuracies in paper.TABLE_3.items():
            cell = "none" if accuracies is None else rate(accuracies[level])
            table.add_row(f"  {method}", "", cell)
    return table


def verification_notes(entries: Sequence[VerificationEntry]) -> list[str]:
    """What must be known to compare the table's numbers; a line each."""
    notes = []
    for entry in entries:
        notes.append(
            f"{entry.name}: protocol {verification.PROTOCOL}, "
            f"features {short(entry.sha256)}"
        )
        notes += entry_notes(entry)
        for scored in entry.result:
            notes.append(
                f"  {scored.pairs.name}: {scored.pairs.rule}; "
                f"{scored.result.same:,} same, {scored.result.different:,} different; "
                f"pairs {short(scored.pairs.sha256)}"
            )
        first = entry.result[0]
        training = first.result.training
        if training is not None and first.training_pairs and first.training_sha256:
            notes.append(
                f"  {_cut(entry, training.value)} from {first.training_pairs.rule} of "
                f"features {short(first.training_sha256)}, pairs "
                f"{short(first.training_pairs.sha256)}, accuracy there "
                f"{rate(training.accuracy)}"
            )
    if any(scored.result.accuracy is None for e in entries for scored in e.result):
        notes.append(
            "No accuracy without a threshold from training pairs: give --train. "
            "10-fold chooses it on nine tenths of the pairs for the last."
        )
    notes += [
        "optimal chooses the threshold on the judged pairs: an upper bound, no result.",
        "The paper measures on CompCars, and does not say where its threshold is from; "
        "none: the training did not converge.",
    ]
    return notes


def verification_json(entries: Iterable[VerificationEntry]) -> dict[str, object]:
    """All of it, for machines."""
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "protocol": verification.PROTOCOL,
        "results": [
            {
                **entry_json(entry),
                "pairs": [_pairs_json(scored) for scored in entry.result],
            }
            for entry in entries
        ],
        "paper": {
            "table_3": {
                method: None
                if accuracies is None
                else dict(zip(LEVELS, accuracies, strict=True))
                for method, accuracies in paper.TABLE_3.items()
            }
        },
    }


def _pairs_json(scored: PairResult) -> dict[str, object]:
    result, training = scored.result, scored.result.training
    return {
        "name": scored.pairs.name,
        "rule": scored.pairs.rule,
        "sha256": scored.pairs.sha256,
        "same": result.same,
        "different": result.different,
        "accuracy": result.accuracy,
        "training": None
        if training is None or scored.training_pairs is None
        else {
            "threshold": _finite(training.value),
            "accuracy": training.accuracy,
            "rule": scored.training_pairs.rule,
            "pairs_sha256": scored.training_pairs.sha256,
            "features_sha256": scored.training_sha256,
        },
        "folds": {
            "mean": float(result.folds.mean()),
            "std": result.fold_std,
            "per_fold": result.folds.tolist(),
        },
        "test_optimal": {
            "threshold": _finite(result.optimal.value),
            "accuracy": result.optimal.accuracy,
        },
        "auc": result.auc,
        "eer": result.eer,
    }


def _cut(entry: VerificationEntry, threshold: float) -> str:
    """A threshold of distances; with a verifier they are minus its scores."""
    if entry.verifier is None:
        return f"threshold {threshold:.4g}"
    return f"threshold: a score of at least {-threshold:.4g},"


def _finite(threshold: float) -> float | None:
    """JSON has no infinity; None is the threshold that calls no pair the same."""
    return threshold if threshold > -float("inf") else None
