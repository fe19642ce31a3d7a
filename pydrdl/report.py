"""Match rates as a table beside the paper's, and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.table import Table
from rich.text import Text

from pydrdl import __version__, atomic, paper
from pydrdl.errors import InputError
from pydrdl.evaluation import Entry
from pydrdl.protocols import reid

SCHEMA = "drdl.cmc/1"
RANKS = (1, 5, 10, 20)
HASH_DIGITS = 16  # of a SHA-256, in the notes; JSON holds all


def cmc_table(entries: Sequence[Entry]) -> Table:
    """Ours, then the paper's rows of the same gallery size (Table 6)."""
    # Narrow enough for 80 columns, which logs and pipes get.
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("method", overflow="fold")
    for title in ("gallery", "probes", *(f"rank-{k}" for k in RANKS)):
        table.add_column(title, justify="right", no_wrap=True)
    for entry in entries:
        result = entry.result
        table.add_row(
            Text(entry.name),
            f"{result.gallery:,}",
            f"{result.probes:,}",
            *(_cell(result.mean, result.std, k) for k in RANKS),
        )
    for split in _paper_splits(entries):
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


def cmc_notes(entries: Sequence[Entry]) -> list[str]:
    """What must be known to compare the table's numbers; a line each."""
    notes = []
    for entry in entries:
        result, split = entry.result, entry.result.split
        seed = "" if split.seed is None else f", seed {split.seed}"
        spread = "" if result.std is None else "; ± is the standard deviation over them"
        notes += [
            f"{entry.name}: protocol {reid.PROTOCOL}, gallery = {split.name}{seed}, "
            f"{_number(len(result.curves), 'repeat')}{spread}",
            f"  split {split.sha256[:HASH_DIGITS]}, "
            f"features {entry.sha256[:HASH_DIGITS]}, "
            f"chance at rank 1: {rate(1 / result.gallery, 4)}",
            f"  ties: {_ties(result)}",
        ]
        if entry.source.weights:
            notes.append(
                f"  weights {entry.source.weights}, layer {entry.source.layer}"
            )
        if result.lonely:
            notes.append(
                f"  {_number(result.lonely, 'vehicle')} with one image: in the "
                "gallery, without a probe"
            )
    for size, probes in dict.fromkeys(
        (e.result.gallery, e.result.probes) for e in entries
    ):
        notes.append(_paper_note(size, probes))
    return notes


def cmc_json(entries: Iterable[Entry]) -> dict[str, object]:
    """All of it, for machines; curves hold ranks 1 .. 50."""
    return {
        "schema": SCHEMA,
        "pydrdl": __version__,
        "protocol": reid.PROTOCOL,
        "results": [_entry_json(entry) for entry in entries],
    }


def write_json(path: Path, content: object) -> None:
    """Writes JSON; the file appears, or is replaced, only when whole.

    Raises:
        InputError: the file cannot be written.
    """
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    try:
        atomic.write_text(path, text + "\n")
    except OSError as error:
        raise InputError(
            f"cannot write the results: {error.strerror}", path, "name another file"
        ) from error


def rate(value: float, digits: int = 3) -> str:
    """A fraction of one without its leading zero, as tables have it."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def _cell(mean: NDArray[np.float64], std: NDArray[np.float64] | None, k: int) -> str:
    spread = "" if std is None else f"±{rate(std[k - 1])}"
    return rate(mean[k - 1]) + spread


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _paper_splits(entries: Sequence[Entry]) -> list[paper.TestSplit]:
    """The paper's splits to show, each once; Small where none has our size."""
    found = (paper.split_of_gallery(e.result.gallery) for e in entries)
    return list(dict.fromkeys(split or paper.TEST_SPLITS[0] for split in found))


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
    if result.tied == 0:
        return "none"
    text = (
        f"{result.tied:.2%} of the probes have other vehicles exactly as far as the "
        f"match ({result.mean_equal:.3g} on average over all)"
    )
    if np.array_equal(result.optimistic, result.pessimistic):
        return f"{text}; no rate depends on it"
    return (
        f"{text}; expected rank used; rank-1 optimistic {rate(result.optimistic[0])}, "
        f"pessimistic {rate(result.pessimistic[0])}"
    )


def _entry_json(entry: Entry) -> dict[str, object]:
    result, split = entry.result, entry.result.split
    column = paper.split_of_gallery(result.gallery)
    differ = not np.array_equal(result.optimistic, result.pessimistic)
    return {
        "name": entry.name,
        "features": {
            "path": str(entry.path),
            "sha256": entry.sha256,
            **asdict(entry.source),
        },
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
