"""Training logs as TensorBoard event files; needs the package tensorboard."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydrdl.errors import InputError, writing
from pydrdl.logs.reader import Row, TrainingLog


def write_events(log: TrainingLog, folder: Path) -> int:
    """Writes scalars that `tensorboard --logdir` shows; the folder comes whole.

    Tags are train/<top>, train/total_loss (smoothed), train/learning_rate, and
    test/<top>, test1/<top> and so on for test nets. Where training was resumed,
    TensorBoard is told to drop the steps that were done again. NaN and infinity
    are written as they are.

    Args:
        log: what to write.
        folder: to make.

    Returns:
        The number of values.

    Raises:
        InputError: tensorboard is not installed, or the folder is in use.
    """
    with writing("event files", folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise InputError("the output exists", folder, "delete it, or name another")
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        with writing("event files", folder):
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
        raise InputError(
            f"tensorboard is not installed: {error}",
            "--tensorboard",
            "run `pip install tensorboard`, or leave the option out",
        ) from error
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
        writer.add_event(
            Event(wall_time=now, step=row.iteration, summary=Summary(value=values))
        )
    writer.close()
    return count


def _scalars(row: Row) -> Iterator[tuple[str, float]]:
    """(tag, value) of what a row shows."""
    group = "train" if row.phase == "train" else f"test{row.net or ''}"
    if row.loss is not None:
        yield f"{group}/total_loss", row.loss  # not "loss": a top may be called so
    if row.phase == "train" and row.learning_rate is not None:
        yield "train/learning_rate", row.learning_rate
    for top, value in row.values.items():
        taken = top in ("total_loss", "learning_rate")
        yield f"{group}/{top}{' (output)' if taken else ''}", value
