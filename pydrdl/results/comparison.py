"""Results in tables beside the paper's, and what must be known to compare them.

A row is one training, or the mean over all trainings of a method. ± is one thing in
a table: half the 95 % confidence interval of that mean where any row is of several
trainings, otherwise the standard deviation within a result.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, stdev
from typing import Any, Generic

from scipy.special import stdtrit

from pydrdl import paper
from pydrdl.results.result import R, Result, Verification, method_and_seed
from pydrdl.table import MINUS, Cells, Column, Group, Table, Value, is_numeric

# How prototxt/ and people call the paper's methods too.
OTHER_NAMES = {
    paper.MIXED_CCL: ("mixed_difference", "mixed"),
    paper.VGG_CCL: ("ccl",),
    paper.VGG_TRIPLET: ("triplet",),
}


@dataclass(frozen=True)
class OverTrainings:
    """One number of several trainings."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over trainings."""
        return fmean(self.values)

    @property
    def interval(self) -> float | None:
        """Half the 95 % confidence interval of the mean; None of one training.

        Student's t, so that five trainings are not taken for many.
        """
        n = len(self.values)
        if n < 2:
            return None
        return float(stdtrit(n - 1, 0.975)) * stdev(self.values) / math.sqrt(n)


@dataclass(frozen=True)
class Trainings(Generic[R]):
    """A row: results that agree in all but the seed of the training."""

    results: Sequence[R]

    @property
    def first(self) -> R:
        """For what all of them share."""
        return self.results[0]

    @property
    def name(self) -> str:
        """The method's, or the training's where there is but one."""
        return self.first.method if len(self.results) > 1 else self.first.name

    @cached_property
    def scores(self) -> dict[str, OverTrainings]:
        """Their rates by key, but for those that one of them lacks."""
        values: dict[str, list[Any]] = {}
        for result in self.results:
            for shown in result.shown():
                if shown.kind == "rate":
                    values.setdefault(shown.key, []).append(shown.value)
        known = {key: of for key, of in values.items() if None not in of}
        return {key: OverTrainings(tuple(of)) for key, of in known.items()}


def of_kind(kind: type[R], results: Iterable[Result]) -> list[R]:
    """Those of one protocol."""
    return [result for result in results if isinstance(result, kind)]


def by_method(results: Iterable[R]) -> list[Trainings[R]]:
    """Rows: the trainings of a method on one test in one."""
    found: dict[tuple[str, str], list[R]] = {}
    for result in results:
        found.setdefault((result.method, result.test), []).append(result)
    return [Trainings(held) for held in found.values()]


def each_alone(rows: Iterable[Trainings[R]]) -> list[Trainings[R]]:
    """Rows: a training each."""
    return [Trainings([result]) for row in rows for result in row.results]


def several(rows: Iterable[Trainings[R]]) -> bool:
    """Whether any row is of several trainings."""
    return any(len(row.results) > 1 for row in rows)


def by_test(results: Iterable[R]) -> Mapping[str, list[R]]:
    """Results by what they were measured on, in order."""
    groups: dict[str, list[R]] = {}
    for result in results:
        groups.setdefault(result.test, []).append(result)
    return groups


def paper_method(name: str) -> str | None:
    """The paper's name of a method; None where the paper has no such method.

    Only whole names count: "ccl without margin" is not the paper's CCL, but
    "ccl, seed 3" is, as a training of it. Signs and spaces do not matter.
    """
    bare = _bare(method_and_seed(name)[0])
    for method in (*paper.TABLE_3, *paper.TABLE_6):
        if bare in map(_bare, (method, *OTHER_NAMES.get(method, ()))):
            return method
    return None


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def paper_scores(result: Result) -> Cells:
    """The paper's row of the same method on the same data; empty: there is none."""
    rows = result.beside().get(result.same_test() or "", {})
    return rows.get(paper_method(result.method) or "", {})


def paper_groups(results: Sequence[Result]) -> list[Group]:
    """The paper's rows to stand below results, a group for each test."""
    tests = {test: rows for result in results for test, rows in result.beside().items()}
    return [
        Group(f"the paper, {test}", [{"method": m, **row} for m, row in rows.items()])
        for test, rows in tests.items()
    ]


def table(
    key: str,
    title: str,
    rows: Sequence[Trainings[R]],
    beside: Sequence[Group] = (),
    *,
    heading: str = "",
    compare: bool = False,
    folded: bool = False,
) -> Table:
    """Our rows under a heading, and the paper's below them, see paper_groups.

    Where it is to compare, and the paper has the same, differences are shown.
    """
    many, differences = several(rows), []
    columns = [Column("method", "method")]
    columns += [Column("trainings", "trainings", "count")] if many else []
    columns.append(Column("compared", "compared by"))
    cells = [_cells(row, many) for row in rows]
    for shown in rows[0].first.shown():
        spread = f"{shown.key}_{'interval' if many else 'std'}"
        has_spread = shown.spread or (many and shown.kind == "rate")
        behind = spread if has_spread else ""
        columns.append(Column(shown.key, shown.title, shown.kind, behind))
        # Of rates by rank there are several; of other scores only one is compared.
        of_rank = shown.key.startswith("rank")
        change = shown.key.replace("rank", "change") if of_rank else "change"
        for row, of_row in zip(rows, cells, strict=True):
            known = paper_scores(row.first).get(shown.key) if compare else None
            if known is not None and shown.key in row.scores:
                of_row[change] = row.scores[shown.key].mean - float(known)
                head = f"{shown.title} {MINUS} paper"
                differences.append(Column(change, head, "change"))
    columns += dict.fromkeys(differences)
    return Table(key, title, columns, [Group(heading, cells), *beside], folded)


def _cells(row: Trainings[R], many: bool) -> dict[str, Value]:
    cells: dict[str, Value] = {"method": row.name, "compared": row.first.compared_by}
    if many:
        cells["trainings"] = len(row.results)
    for shown in row.first.shown():
        if shown.kind != "rate":
            cells[shown.key] = shown.value
            continue
        over = row.scores.get(shown.key)
        mean, interval = (over.mean, over.interval) if over else (None, None)
        cells[shown.key] = mean
        if many:
            cells[f"{shown.key}_interval"] = interval
        elif shown.spread:
            cells[f"{shown.key}_std"] = shown.std
    return cells


def terminal_table(results: Sequence[Result]) -> Table:
    """A row for each result, or for each list of its pairs, then the paper's."""
    beside = paper_groups(results)
    if isinstance(results[0], Verification):
        return _verification_table(results, beside)
    whole = table("", "", [Trainings([result]) for result in results], beside)
    columns = [c for c in whole.columns if c.key == "method" or is_numeric(c)]
    return Table("", "", columns, whole.groups)


def _verification_table(results: Sequence[Any], beside: Sequence[Group]) -> Table:
    """A row for each list of pairs, below its method's."""
    ours: list[Cells] = []
    for result in results:
        ours.append({"method": result.name})
        for alone in result.lists():
            pairs, row = alone.pairs[0], _cells(Trainings([alone]), many=False)
            row |= {"method": f"  {pairs.name}", "pairs": pairs.same + pairs.different}
            accuracy = "-" if pairs.accuracy is None else pairs.accuracy
            ours.append(row | {"accuracy": accuracy})
    groups = [Group("", ours)]
    for group in beside:
        theirs = [
            {"method": f"  {row['method']}", "accuracy": row["accuracy"] or "none"}
            for row in group.rows
        ]
        groups.append(Group(group.heading, theirs))
    columns = [Column("method", "method"), Column("pairs", "pairs", "count")]
    for shown in results[0].pairs[0].shown():
        spread = f"{shown.key}_std" if shown.spread else ""
        title = shown.title.removeprefix("test-")
        columns.append(Column(shown.key, title, "rate", spread))
    return Table("", "", columns, groups)
