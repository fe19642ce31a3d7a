"""Verification accuracy as a table beside the paper's Table 3, and as JSON."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from pydrdl import __version__, paper
from pydrdl.evaluation.entry import Entry
from pydrdl.evaluation.verification import PairResult
from pydrdl.protocols import verification
from pydrdl.results.shared import (
    entry_json,
    entry_notes,
    plain_table,
    rate,
    short,
    spread,
)

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
