"""Training logs as tables, and as TensorBoard's event files."""

import csv
import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydrdl.errors import InputError, writing
from pydrdl.files import write_text
from pydrdl.logs.reader import LogRow, Phase, TrainingLog, column_of


def columns(log: TrainingLog, phase: Phase) -> dict[str, list[float | str | None]]:
    """A phase's rows by column; pandas.DataFrame takes it as it is.

    First NumIters, Seconds (since the run began) and LearningRate, as Caffe's
    parse_log.py has them; then a column for each net output, by the name of its top
    ("Loss (output)" and the like where a column here has that name);
    then Run, TestNet (of test nets), IterPerSecond (of training), Loss (the
    smoothed total; of test nets with test_compute_loss) and NotFinite (the
    names of the columns that hold NaN or infinity in this row). What a log does
    not show is None.
    """
    rows = log.of(phase)
    table: dict[str, list[float | str | None]] = {
        "NumIters": [row.iteration for row in rows],
        # To glog's microseconds: differences of clocks have more digits.
        "Seconds": [r.seconds and round(r.seconds, 6) for r in rows],
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
    """Writes a phase's table, and makes its folder; the file comes whole.

    Raises:
        InputError: it cannot be written.
    """
    with writing("the table", path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, to_csv(log, phase))


def write_events(log: TrainingLog, folder: Path) -> int:
    """Writes scalars that `tensorboard --logdir` shows; the folder comes whole.

    Tags are train/<top>, train/total_loss (smoothed), train/learning_rate, and
    test/<top>, test1/<top> and so on for test nets. Where training was resumed,
    TensorBoard is told to drop the steps that were done again. NaN and infinity
    are written as they are.

    Returns:
        The number of values.

    Raises:
        InputError: tensorboard is not installed, or the folder is in use.
    """
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    with writing("event files", folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError("the output exists", folder, "delete it, or name another")
        try:
            part.mkdir(parents=True)
            count = _write(log, part)
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return count


def _write(log: TrainingLog, folder: Path) -> int:
    try:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        what = f"tensorboard is not installed: {error}"
        advice = "run `pip install tensorboard`, or leave the option out"
        raise InputError(what, "--tensorboard", advice) from error
    writer = EventFileWriter(str(folder))
    count, run, before, now = 0, 0, 0.0, 0.0
    for row in log.rows:
        if row.run != run:
            run, before = row.run, now
            again = Event(wall_time=now, step=row.iteration)
            again.session_log.status = SessionLog.START
            writer.add_event(again)
        now = before + (row.seconds or 0.0)
        values = [Summary.Value(tag=t, simple_value=v) for t, v in _scalars(row)]
        count += len(values)
        shown = Summary(value=values)
        writer.add_event(Event(wall_time=now, step=row.iteration, summary=shown))
    writer.close()
    return count


def _scalars(row: LogRow) -> Iterator[tuple[str, float]]:
    """(tag, value) of what a row shows."""
    group = "train" if row.phase == "train" else f"test{row.net or ''}"
    if row.loss is not None:
        yield f"{group}/total_loss", row.loss  # not "loss": a top may be called so
    if row.phase == "train" and row.learning_rate is not None:
        yield "train/learning_rate", row.learning_rate
    for top, value in row.values.items():
        taken = top in ("total_loss", "learning_rate")
        yield f"{group}/{top}{' (output)' if taken else ''}", value
