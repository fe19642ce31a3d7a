"""Several trainings of one method: how their rows are named, and their mean.

A row "<method>, seed <n>" is of one training of a method; tools/reproduce.py
names its rows so. Any other name stands for itself.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from rich import box
from rich.table import Table
from scipy.special import stdtrit

from pydrdl import __version__, paper
from pydrdl.results.entry import Entry
from pydrdl.verifiers.file import LoadedVerifier

_TRAINING = re.compile(r"(.+), seed (\d+)")


def training_of(name: str) -> tuple[str, int | None]:
    """A row's method and the seed of its training; None where it names no seed."""
    found = _TRAINING.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


@dataclass(frozen=True)
class OverTrainings:
    """One number of several trainings.

    Attributes:
        values: one for each training.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over trainings."""
        return math.fsum(self.values) / len(self.values)

    @property
    def interval(self) -> float | None:
        """Half the 95 % confidence interval of the mean; None of one training.

        Student's t, so that five trainings are not taken for many.
        """
        n = len(self.values)
        if n < 2:
            return None
        variance = math.fsum((v - self.mean) ** 2 for v in self.values) / (n - 1)
        quantile = float(stdtrit(n - 1, 0.975))
        return quantile * math.sqrt(variance / n)


# What all results share: numbers as text, notes, JSON of a row.


VERIFIERS = {"joint_bayesian": "Joint Bayesian", "svm": "SVM on pairs"}
HASH_DIGITS = 16  # of a SHA-256, in the notes; JSON holds all


def plain_table(*titles: str) -> Table:
    """An empty table: methods, then columns of numbers.

    Narrow enough for 80 columns, which logs and pipes get.
    """
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=0)
    table.add_column("method", overflow="fold")
    for title in titles:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def rate(value: float, digits: int = 3) -> str:
    """A fraction of one without its leading zero, as tables have it."""
    text = f"{value:.{digits}f}"
    return text[1:] if text.startswith("0.") else text


def spread(values: ArrayLike) -> str:
    """The mean, and the sample standard deviation where there are several values."""
    v = np.asarray(values, np.float64)
    return rate(v.mean()) + (f"±{rate(v.std(ddof=1))}" if v.size > 1 else "")


def number(count: int, what: str) -> str:
    """A count with its noun."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def short(sha256: str) -> str:
    """Enough of a hash to compare by eye."""
    return sha256[:HASH_DIGITS]


def tie_note(
    tied: float, mean_equal: float, ends: tuple[str, float, float] | None
) -> str:
    """What ties do to a number.

    Args:
        tied: fraction of probes with other vehicles exactly as far as a match.
        mean_equal: mean number of them.
        ends: the number's name, its optimistic and its pessimistic value; None
            where it does not depend on ties.
    """
    if tied == 0:
        return "none"
    text = (
        f"{tied:.2%} of the probes have other vehicles exactly as far as the "
        f"match ({mean_equal:.3g} on average over all)"
    )
    if ends is None:
        return f"{text}; no rate depends on it"
    what, best, worst = ends
    return (
        f"{text}; expected rank used; {what} optimistic {rate(best)}, "
        f"pessimistic {rate(worst)}"
    )


def entry_notes(entry: Entry[Any]) -> list[str]:
    """Which weights a row is of, where its file says so, and what compared."""
    notes = []
    if entry.source.weights:
        notes.append(f"  weights {entry.source.weights}, layer {entry.source.layer}")
    if entry.verifier is not None:
        training = entry.verifier.verifier.training
        notes.append(
            f"  compared by {VERIFIERS[entry.verifier.verifier.kind]}, "
            f"{entry.verifier.path} {short(entry.verifier.sha256)}, trained on "
            f"{training.label}s, features {short(training.features_sha256)}"
        )
        if training.features_sha256 == entry.sha256:
            notes.append("  it was trained on these very images: no test result")
    return notes


def results_json(
    schema: str, protocol: str, results: Iterable[dict[str, object]]
) -> dict[str, object]:
    """A results file of any protocol, for machines: what it is, then its rows."""
    return {
        "schema": schema,
        "pydrdl": __version__,
        "protocol": protocol,
        "results": list(results),
    }


def paper_splits(sizes: Iterable[int]) -> list[paper.TestSplit]:
    """The paper's splits to show, each once; Small where none has our size."""
    found = map(paper.split_of_gallery, sizes)
    return list(dict.fromkeys(split or paper.TEST_SPLITS[0] for split in found))


def entry_json(entry: Entry[Any]) -> dict[str, object]:
    """Name and features of a row, for machines; a verifier where there is one."""
    content: dict[str, object] = {
        "name": entry.name,
        "features": {
            "path": str(entry.path),
            "sha256": entry.sha256,
            **asdict(entry.source),
        },
    }
    if entry.verifier is not None:
        content["verifier"] = _verifier_json(entry.verifier)
    return content


def _verifier_json(loaded: LoadedVerifier) -> dict[str, object]:
    return {
        "path": str(loaded.path),
        "sha256": loaded.sha256,
        "kind": loaded.verifier.kind,
        "training": asdict(loaded.verifier.training),
    }
