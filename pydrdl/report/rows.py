"""Rows of tables: a training each, or a method with all its trainings."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from pydrdl.report.content import Column, Text, Value
from pydrdl.report.results import Origin
from pydrdl.results.shared import OverTrainings, training_of


class Tested(Protocol):
    """What rows are of: any of the results."""

    @property
    def origin(self) -> Origin:
        """What it is of."""

    @property
    def test(self) -> str:
        """What it was measured on."""


R = TypeVar("R", bound=Tested)
Number = Callable[[R], float | None]


@dataclass(frozen=True)
class Line(Generic[R]):
    """Who stands in a row of a table.

    Attributes:
        name: the method's, or the training's where there is but one.
        results: one for each training; they agree in all but its seed.
    """

    name: str
    results: Sequence[R]

    @property
    def first(self) -> R:
        """For what all of them share."""
        return self.results[0]

    def over(self, number: Callable[[R], float]) -> OverTrainings:
        """A number of each training."""
        return OverTrainings(tuple(map(number, self.results)))

    def known(self, number: Number[R]) -> OverTrainings | None:
        """The same of a number that a training may lack; None where one does."""
        values = [number(result) for result in self.results]
        known = tuple(value for value in values if value is not None)
        return OverTrainings(known) if len(known) == len(values) else None


@dataclass(frozen=True)
class Lines(Generic[R]):
    """The rows of one table.

    ± is one thing in a table: the interval of the mean over trainings where any
    row is of several, otherwise the standard deviation within one.

    Attributes:
        rows: in the order in which they came.
    """

    rows: Sequence[Line[R]]

    @property
    def first(self) -> R:
        """For what all of them share."""
        return self.rows[0].first

    @property
    def several(self) -> bool:
        """Whether any row is of several trainings."""
        return any(len(line.results) > 1 for line in self.rows)

    @property
    def singles(self) -> "Lines[R]":
        """The same with a row for each training."""
        return Lines([Line(r.origin.method, [r]) for x in self.rows for r in x.results])

    def column(self, key: str, title: str, *, spread: bool = True) -> Column:
        """The column of rate's cells; spread: whether ± stands in it."""
        behind = f"{key}_{self._spread}"
        return Column(key, title, "rate", behind if spread or self.several else "")

    def rate(
        self, line: Line[R], key: str, number: Number[R], std: Number[R] | None = None
    ) -> dict[str, Value]:
        """The cells of a rate: its mean over trainings, and what stands behind ±.

        Args:
            line: of these.
            key: of the column.
            number: the rate of one training.
            std: the same training's own standard deviation, for a table without
                several trainings.
        """
        over = line.known(number)
        cells: dict[str, Value] = {key: None if over is None else over.mean}
        if self.several:
            cells[f"{key}_{self._spread}"] = None if over is None else over.interval
        elif std is not None:
            cells[f"{key}_{self._spread}"] = std(line.first)
        return cells

    @property
    def _spread(self) -> str:
        return "interval" if self.several else "std"

    def leading(self) -> list[Column]:
        """What every table of methods begins with."""
        columns = [Column("method", "method")]
        if self.several:
            columns.append(Column("trainings", "trainings", "count"))
        return [*columns, Column("compared", "compared by")]

    def head(self, line: Line[R]) -> dict[str, Value]:
        """The cells of leading."""
        cells: dict[str, Value] = {"method": line.name}
        if self.several:
            cells["trainings"] = len(line.results)
        return cells | {"compared": line.first.origin.compared}


def lines(results: Sequence[R]) -> Lines[R]:
    """Rows of what was measured in the same way, the trainings of a method in one."""
    found: dict[tuple[str, str], list[R]] = {}
    for result in results:
        method, _ = training_of(result.origin.method)
        found.setdefault((method, result.test), []).append(result)
    return Lines(
        [
            Line(method if len(held) > 1 else held[0].origin.method, held)
            for (method, _), held in found.items()
        ]
    )


def by_test(results: Sequence[R]) -> Mapping[str, list[R]]:
    """Results by what they were measured on, in order."""
    groups: dict[str, list[R]] = {}
    for result in results:
        groups.setdefault(result.test, []).append(result)
    return groups


def trainings_note(tables: Iterable[Lines[R]]) -> list[Text]:
    """What ± is in tables of several trainings, where there is such a table."""
    if not any(lines.several for lines in tables):
        return []
    return [
        Text(
            "In a table with several trainings of a method, a row is the mean over "
            "them and ± half the 95 % confidence interval of that mean (Student's t); "
            "a row of one training has no ±. The interval tells what other seeds of "
            "the training would change on these images, not what other vehicles would."
        )
    ]
