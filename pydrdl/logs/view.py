"""A log as it is drawn: its rows, and their places on the x axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.logs.forms import Phase
from pydrdl.logs.panels import Top
from pydrdl.logs.reader import Row, TrainingLog

Axis = Literal["iterations", "seconds"]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A log as it is drawn.

    Attributes:
        name: to show.
        log: the log.
        x: over what.
        where: the log, for messages.
    """

    name: str
    log: TrainingLog
    x: Axis
    where: str

    def __post_init__(self) -> None:
        if self.x == "seconds" and all(row.seconds is None for row in self.log.rows):
            raise InputError(
                "lines have no time",
                self.where,
                "keep glog's prefix, or plot over iterations",
            )

    def rows(self, phase: Phase, top: Top, run: int, net: int = 0) -> list[Row]:
        """The rows of a run that show a net output."""
        return [
            row
            for row in self.log.of(phase, run)
            if row.net == net and _shows(row, top) and self.placed(row)
        ]

    def placed(self, row: Row) -> bool:
        """Whether a row has a place on the x axis."""
        return self.x == "iterations" or row.seconds is not None

    def places(self, rows: Sequence[Row]) -> Float64:
        """Where rows stand on the x axis."""
        if self.x == "seconds":
            return elapsed(self.log, rows)
        return np.array([row.iteration for row in rows], np.float64)

    def nets(self, top: Top) -> list[int]:
        """The test nets that show a net output."""
        return sorted({row.net for row in self.log.of("test") if _shows(row, top)})

    def is_trained(self, top: Top) -> bool:
        """Whether training shows it too."""
        return any(_shows(row, top) for row in self.log.of("train"))

    def has(self, top: Top) -> bool:
        """Whether any row shows it."""
        return any(_shows(row, top) for row in self.log.rows)


def _shows(row: Row, top: Top) -> bool:
    return row.loss is not None if top is None else top in row.values


def elapsed(log: TrainingLog, rows: Sequence[Row]) -> Float64:
    """Seconds of training until each row: runs follow each other without gaps.

    Args:
        log: theirs.
        rows: with a time.
    """
    starts, total = [], 0.0
    for run in range(len(log.runs)):
        starts.append(total)
        total += max((r.seconds or 0.0 for r in log.rows if r.run == run), default=0.0)
    return np.array([starts[r.run] + (r.seconds or 0.0) for r in rows], np.float64)
