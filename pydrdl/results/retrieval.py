"""MAP as a table beside the paper's Table 4, and as JSON."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from pydrdl import paper
from pydrdl.protocols import retrieval
from pydrdl.results.entry import Entry
from pydrdl.results.shared import (
    entry_json,
    entry_notes,
    number,
    paper_splits,
    plain_table,
    rate,
    results_json,
    short,
    spread,
    tie_note,
)

SCHEMA = "drdl.map/1"
Relevance = Literal["vehicle", "model"]  # what an image must share to match
RetrievalEntry = Entry[retrieval.RetrievalResult]


def retrieval_table(
    entries: Sequence[RetrievalEntry], relevance: Relevance = "vehicle"
) -> Table:
    """Ours, then the paper's column of as many vehicles (Table 4)."""
    table = plain_table(f"{relevance}s", "gallery", "probes", "MAP", "trapezoid")
    for entry in entries:
        result = entry.result
        table.add_row(
            Text(entry.name),
            f"{result.vehicles:,}",
            f"{result.gallery:,}",
            f"{result.probes:,}",
            spread(result.step),
            spread(result.trapezoid),
        )
    for split in _shown(entries, relevance):
        table.add_section()
        table.add_row(f"paper, Table 4, {split.name}")
        size = f"{split.vehicles:,}" if relevance == "vehicle" else ""
        for method, columns in paper.TABLE_4.items():
            table.add_row(method, size, "", "", rate(columns[split.name]))
    return table


def retrieval_notes(
    entries: Sequence[RetrievalEntry], relevance: Relevance = "vehicle"
) -> list[str]:
    """What must be known to compare the table's numbers; a line each."""
    notes = []
    for entry in entries:
        result, split = entry.result, entry.result.split
        over = "; ± is the standard deviation over them" if result.step.size > 1 else ""
        notes += [
            f"{entry.name}: protocol {retrieval.PROTOCOL}, gallery = {split.name}, "
            f"seed {split.seed}, {number(result.step.size, 'repeat')}{over}",
            f"  split {short(split.sha256)}, features {short(entry.sha256)}",
            f"  ties: {_ties(result)}",
            *entry_notes(entry),
        ]
        if result.without_probe:
            notes.append(
                f"  {result.without_probe:,} of {number(result.vehicles, relevance)} "
                "have too few images for a probe: all in the gallery"
            )
    notes.append(
        "MAP sums precision in steps, the trapezoid column between them. The paper "
        "says neither which it took, nor how often it drew, and prints a rule, "
        "max{6, N - 1}, that leaves most vehicles without a probe."
    )
    if relevance == "model":
        small = paper.TEST_SPLITS[0]
        return [
            *notes,
            "A match is an image of the same vehicle model. How many models its splits "
            f"hold the paper does not say; its {small.name} column stands for "
            "orientation only.",
        ]
    sizes = dict.fromkeys(e.result.vehicles for e in entries)
    return [*notes, *map(_paper_note, sizes)]


def retrieval_json(
    entries: Iterable[RetrievalEntry], relevance: Relevance = "vehicle"
) -> dict[str, object]:
    """All of it, for machines; files of before `relevance` was written lack it."""
    write = partial(_entry_json, relevance=relevance)
    return results_json(SCHEMA, retrieval.PROTOCOL, map(write, entries))


def _shown(
    entries: Sequence[RetrievalEntry], relevance: Relevance
) -> list[paper.TestSplit]:
    """The paper's splits; their numbers of models are not known."""
    if relevance == "model":
        return [paper.TEST_SPLITS[0]]
    return paper_splits(e.result.vehicles for e in entries)


def _paper_note(vehicles: int) -> str:
    split = paper.split_of_gallery(vehicles)
    if split is None:
        small = paper.TEST_SPLITS[0]
        return (
            f"The paper has no split of {vehicles:,} vehicles; its {small.name} column "
            f"({small.vehicles:,}) stands for orientation only."
        )
    released = paper.released_split(split.name)
    return (
        f"The paper's {split.name} split has {split.images:,} images (Table 2), the "
        f"list released after it {released.images:,}."
    )


def _ties(result: retrieval.RetrievalResult) -> str:
    ends = None
    if result.optimistic != result.pessimistic:
        ends = "MAP", result.optimistic, result.pessimistic
    return tie_note(result.tied, result.mean_equal, ends)


def _entry_json(entry: RetrievalEntry, relevance: Relevance) -> dict[str, object]:
    result, split = entry.result, entry.result.split
    column = None
    if relevance == "vehicle":
        column = paper.split_of_gallery(result.vehicles)
    return {
        **entry_json(entry),
        "relevance": relevance,
        "split": {"name": split.name, "seed": split.seed, "sha256": split.sha256},
        "repeats": result.step.size,
        "vehicles": result.vehicles,
        "gallery": result.gallery,
        "probes": result.probes,
        "vehicles_without_probe": result.without_probe,
        "map": _over_repeats(result.step),
        "map_trapezoid": _over_repeats(result.trapezoid),
        "ties": {
            "rule": "expected",
            "probes": result.tied,
            "mean_equal": result.mean_equal,
            "optimistic": result.optimistic,
            "pessimistic": result.pessimistic,
        },
        "paper": None
        if column is None
        else {
            "split": column.name,
            "images": column.images,
            "table_4": {m: row[column.name] for m, row in paper.TABLE_4.items()},
        },
    }


def _over_repeats(values: NDArray[np.float64]) -> dict[str, object]:
    return {
        "mean": float(values.mean()),
        "std": float(values.std(ddof=1)) if values.size > 1 else None,
        "per_repeat": values.tolist(),
    }
