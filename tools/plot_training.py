"""Draws the curves of `caffe train` logs, once or while training runs."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.logs.event_files import write_events
from pydrdl.logs.plot import check_format, draw, save
from pydrdl.logs.reader import GrowingLog, TrainingLog, read_log


class Over(StrEnum):
    """What the x axis is."""

    iterations = "iterations"
    seconds = "seconds"


def redraw(
    logs: Mapping[str, TrainingLog], output: Path, over: Over, smooth: int
) -> None:
    """Draws what the logs hold, and says how far they are."""
    save(draw(logs, x=over.value, smooth=smooth), output)
    for name, log in logs.items():
        bad = sum(bool(row.not_finite) for row in log.rows)
        note = f", {bad:,} rows with NaN or infinity" if bad else ""
        state = "done" if log.runs[-1].done else "not done"
        cli.console.print(
            f"{output}: {name}, iteration {log.rows[-1].iteration:,}, {state}{note}",
            markup=False,
            soft_wrap=True,
        )


def redraw_until_done(
    logs: Mapping[str, Path],
    output: Path,
    over: Over,
    smooth: int,
    interval: float,
) -> None:
    """Draws again whenever there are new rows."""
    growing = {name: GrowingLog(path) for name, path in logs.items()}
    drawn = 0
    while True:
        held = {name: log.poll() for name, log in growing.items()}
        shown = {name: log for name, log in held.items() if log.rows}
        done = all(log.done for log in growing.values())
        rows = sum(len(log.rows) for log in shown.values())
        if rows != drawn or (done and shown):
            redraw(shown, output, over, smooth)
            drawn = rows
        if done:
            return
        time.sleep(interval)


def plot_training(
    logs: Annotated[list[Path], Argument(help="What caffe train wrote to stderr.")],
    output: Annotated[Path, Option(help="Picture: .png, .svg or .pdf.")] = Path(
        "curves.png"
    ),
    name: Annotated[
        list[str] | None, Option(help="Of a log, in order; file names by default.")
    ] = None,
    over: Annotated[Over, Option(help="The x axis.")] = Over.iterations,
    smooth: Annotated[int, Option(min=1, help="Rows of a running mean.")] = 1,
    follow: Annotated[
        bool, Option("--follow", help="Redraw until training is done.")
    ] = False,
    interval: Annotated[
        float, Option(min=0.1, help="Seconds between looks at the logs.")
    ] = 5.0,
    tensorboard: Annotated[
        Path | None, Option(help="Folder to write event files to as well.")
    ] = None,
) -> None:
    """Draw losses, distances, shares and learning rates of training logs.

    Example: python tools/plot_training.py ccl.log triplet.log --output both.png
    """
    names = name or [path.stem for path in logs]
    if len(names) != len(logs) or len(set(names)) < len(names):
        raise BadParameter("give every log a name of its own with --name")
    check_format(output)
    paths = dict(zip(names, logs, strict=True))
    if follow:
        redraw_until_done(paths, output, over, smooth, interval)
    read = {name: read_log(path) for name, path in paths.items()}
    if not follow:
        redraw(read, output, over, smooth)
    if tensorboard is not None:
        for name, log in read.items():
            count = write_events(log, tensorboard / name)
            cli.console.print(f"{tensorboard / name}: {count:,} values", markup=False)


if __name__ == "__main__":
    cli.run(plot_training)
