"""Training logs as tables: the columns of Caffe's parse_log.py, and ours."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl.atomic import write_text
from pydrdl.logs.forms import Phase
from pydrdl.logs.reader import Row, TrainingLog, column_of
from pydrdl.system_errors import writing

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
