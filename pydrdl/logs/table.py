"""Training logs as tables: the columns of Caffe's parse_log.py, and ours."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pydrdl.atomic import write_text
from pydrdl.errors import InputError, writing
from pydrdl.logs.lines import Phase
from pydrdl.logs.reader import Row, TrainingLog, column_of

# None where a log does not show it, which a CSV leaves empty.
Cell = float | int | str | None


def columns(log: TrainingLog, phase: Phase) -> dict[str, list[Cell]]:
    """A phase's rows by column; pandas.DataFrame takes it as it is.

    First parse_log.py's NumIters, Seconds (since the run began) and
    LearningRate; then a column for each net output, by the name of its top
    ("Loss (output)" and the like where a column here has that name);
    then Run, TestNet (of test nets), IterPerSecond (of training), Loss (the
    smoothed total; of test nets with test_compute_loss) and NotFinite (the
    names of the columns that hold NaN or infinity in this row).
    """
    rows = log.of(phase)
    table: dict[str, list[Cell]] = {
        "NumIters": [row.iteration for row in rows],
        "Seconds": [_rounded(row.seconds) for row in rows],
        "LearningRate": [row.learning_rate for row in rows],
    }
    for top in log.tops(phase):
        table[column_of(top)] = [row.values.get(top) for row in rows]
    table["Run"] = [row.run for row in rows]
    if phase == "test":
        table["TestNet"] = [row.net for row in rows]
    else:
        table["IterPerSecond"] = [row.speed for row in rows]
    table["Loss"] = [row.loss for row in rows]
    table["NotFinite"] = [" ".join(row.not_finite) for row in rows]
    return table


def to_csv(log: TrainingLog, phase: Phase) -> str:
    """The table as CSV text; a cell that the log does not show is empty."""
    table = columns(log, phase)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return text.getvalue()


def write_csv(log: TrainingLog, phase: Phase, path: Path) -> None:
    """Writes a phase's table; the file appears, or is replaced, when whole.

    Its folder is made where there is none.

    Raises:
        InputError: it cannot be written.
    """
    with writing("the table", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, to_csv(log, phase))


def series(rows: Sequence[Row], top: str | None) -> NDArray[np.float64]:
    """One net output of each row, NaN where it is not shown: (N,).

    Args:
        rows: of a log.
        top: the output's; None: the total loss.
    """
    values = (row.loss if top is None else row.values.get(top) for row in rows)
    return np.array([np.nan if v is None else v for v in values], np.float64)


def _rounded(seconds: float | None) -> float | None:
    """To glog's microseconds: differences of clocks have more digits."""
    return None if seconds is None else round(seconds, 6)


# Which net output is drawn in which of the stacked panels.


# A top, or None for the smoothed total loss, which is none.
Top = str | None


@dataclass(frozen=True)
class Panel:
    """One of the stacked plots.

    Attributes:
        title: what its y axis shows.
        holds: whether a top belongs to it, given the top and whether it is a
            loss. The first panel that holds a top shows it.
    """

    title: str
    holds: Callable[[str, bool], bool]


PANELS = (
    Panel("loss", lambda top, is_loss: is_loss),
    Panel("squared distance", lambda top, is_loss: top.endswith(("_d_pos", "_d_neg"))),
    Panel(
        "share",
        lambda top, is_loss: (
            top.endswith("_active")
            or any(word in top for word in ("accuracy", "top-1", "top-5"))
        ),
    ),
    Panel("other outputs", lambda top, is_loss: True),
)


def sorted_into_panels(logs: Iterable[TrainingLog]) -> dict[Panel, list[Top]]:
    """The tops of each panel, each once; the total loss is the last loss."""
    tops: dict[Panel, list[Top]] = {panel: [] for panel in PANELS}
    for log in logs:
        for top in [*log.tops("train"), *log.tops("test")]:
            is_loss = top in log.loss_weights
            panel = next(panel for panel in PANELS if panel.holds(top, is_loss))
            if top not in tops[panel]:
                tops[panel].append(top)
    tops[PANELS[0]].append(None)
    return tops


# A log as it is drawn: its rows, and their places on the x axis.


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
