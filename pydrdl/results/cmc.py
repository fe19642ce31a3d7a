"""Match rates as a table beside the paper's Table 6, and as JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np
from rich.table import Table
from rich.text import Text

from pydrdl import paper
from pydrdl.protocols import reid
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

SCHEMA = "drdl.cmc/1"
RANKS = (1, 5, 10, 20)
ReidEntry = Entry[reid.ReidResult]


def cmc_table(entries: Sequence[ReidEntry]) -> Table:
    """Ours, then the paper's rows of the same gallery size (Table 6)."""
    table = plain_table("gallery", "probes", *(f"rank-{k}" for k in RANKS))
    for entry in entries:
        result = entry.result
        table.add_row(
            Text(entry.name),
            f"{result.gallery:,}",
            f"{result.probes:,}",
            *(spread(result.curves[:, k - 1]) for k in RANKS),
        )
    for split in paper_splits(e.result.gallery for e in entries):
        table.add_section()
        table.add_row(f"paper, Table 6, {split.name}")
        for method, rates in paper.TABLE_6.items():
            top = rates[split.name]
            table.add_row(
                method,
                f"{split.vehicles:,}",
                f"{split.probes:,}",
                rate(top.top1),
                rate(top.top5),
            )
    return table


def cmc_notes(entries: Sequence[ReidEntry]) -> list[str]:
    """What must be known to compare the table's numbers; a line each."""
    notes = []
    for entry in entries:
        result, split = entry.result, entry.result.split
        seed = "" if split.seed is None else f", seed {split.seed}"
        over = "" if result.std is None else "; ± is the standard deviation over them"
        notes += [
            f"{entry.name}: protocol {reid.PROTOCOL}, gallery = {split.name}{seed}, "
            f"{number(len(result.curves), 'repeat')}{over}",
            f"  split {short(split.sha256)}, features {short(entry.sha256)}, "
            f"chance at rank 1: {rate(1 / result.gallery, 4)}",
            f"  ties: {_ties(result)}",
            *entry_notes(entry),
        ]
        if result.lonely:
            notes.append(
                f"  {number(result.lonely, 'vehicle')} with one image: in the "
                "gallery, without a probe"
            )
    for size, probes in dict.fromkeys(
        (e.result.gallery, e.result.probes) for e in entries
    ):
        notes.append(_paper_note(size, probes))
    return notes


def cmc_json(entries: Iterable[ReidEntry]) -> dict[str, object]:
    """All of it, for machines; curves hold ranks 1 .. 50."""
    return results_json(SCHEMA, reid.PROTOCOL, map(_entry_json, entries))


def _paper_note(gallery: int, probes: int) -> str:
    split = paper.split_of_gallery(gallery)
    if split is None:
        small = paper.TEST_SPLITS[0]
        return (
            f"The paper has no split with a gallery of {gallery:,}; its {small.name} "
            f"column (Table 6, gallery {small.vehicles:,}) stands for orientation only."
        )
    released = paper.released_split(split.name)
    if probes == split.probes:
        return f"Gallery and probes are as many as in the paper's {split.name} split."
    which = "the released list" if probes == released.probes else "another set"
    return (
        f"The paper's {split.name} split has {split.probes:,} probes (Table 5), the "
        f"list released after it {released.probes:,}; {probes:,} are of {which}."
    )


def _ties(result: reid.ReidResult) -> str:
    if np.array_equal(result.optimistic, result.pessimistic):
        ends = None
    else:
        ends = "rank-1", float(result.optimistic[0]), float(result.pessimistic[0])
    return tie_note(result.tied, result.mean_equal, ends)


def _entry_json(entry: ReidEntry) -> dict[str, object]:
    result, split = entry.result, entry.result.split
    column = paper.split_of_gallery(result.gallery)
    differ = not np.array_equal(result.optimistic, result.pessimistic)
    return {
        **entry_json(entry),
        "split": {"name": split.name, "seed": split.seed, "sha256": split.sha256},
        "repeats": len(result.curves),
        "gallery": result.gallery,
        "probes": result.probes,
        "vehicles_without_probe": result.lonely,
        "cmc": {
            "mean": result.mean.tolist(),
            "std": None if result.std is None else result.std.tolist(),
            "per_repeat": result.curves.tolist(),
        },
        "ties": {
            "rule": "expected",
            "probes": result.tied,
            "mean_equal": result.mean_equal,
            "optimistic": result.optimistic.tolist() if differ else None,
            "pessimistic": result.pessimistic.tolist() if differ else None,
        },
        "paper": None
        if column is None
        else {
            "split": column.name,
            "gallery": column.vehicles,
            "probes": column.probes,
            "table_6": {m: asdict(r[column.name]) for m, r in paper.TABLE_6.items()},
        },
    }
