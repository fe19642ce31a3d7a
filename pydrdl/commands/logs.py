"""Logs of `caffe train` as tables and as curves."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from typer import Argument, Option

from pydrdl import cli

if TYPE_CHECKING:
    from pydrdl.logs.reader import Phase, TrainingLog

Over = Literal["iterations", "seconds"]  # the x axis
PHASES: "tuple[Phase, ...]" = ("train", "test")


def parse_log(
    logs: Annotated[list[Path], Argument(help="What caffe train wrote to stderr.")],
    output: Annotated[Path, Option(help="Folder for the tables.")] = Path(),
) -> None:
    """Write training logs as CSV tables.

    LOG.train.csv and LOG.test.csv have one row for each shown iteration. Columns:
    NumIters, Seconds, LearningRate, the net's outputs, Run (0, 1, ... where training
    was resumed into the same log), Loss, and NotFinite, which names the columns that
    hold NaN or infinity.

    Example: python tools/parse_log.py data/demo/ccl.log --output data/demo
    """
    from rich.table import Table

    from pydrdl.logs.reader import read_log
    from pydrdl.logs.table import write_csv

    if len({path.name for path in logs}) < len(logs):
        what = "two have the same file name; parse them one by one"
        raise cli.wrong_use(what, "LOGS...")
    table = Table("table", "rows", "runs", "iterations", "NaN or infinite")
    for path in logs:
        log = read_log(path)
        for phase in PHASES:
            if not (rows := log.of(phase)):
                continue
            made = output / f"{path.name}.{phase}.csv"
            write_csv(log, phase, made)
            bad = sum(bool(row.not_finite) for row in rows)
            table.add_row(
                str(made),
                f"{len(rows):,}",
                f"{len({row.run for row in rows})}",
                f"{rows[0].iteration:,} to {rows[-1].iteration:,}",
                f"{bad:,}" if bad else "none",
            )
    cli.console.print(table)


def plot_training(
    logs: Annotated[list[Path], Argument(help="What caffe train wrote to stderr.")],
    output: Annotated[Path, Option(help="Picture: .png, .svg or .pdf.")] = Path(
        "curves.png"
    ),
    name: Annotated[
        list[str] | None, Option(help="Of a log, in order; file names by default.")
    ] = None,
    over: Annotated[Over, Option(help="The x axis.")] = "iterations",
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
    """Draw losses, distances, shares and learning rates.

    Example: python tools/plot_training.py ccl.log triplet.log --output both.png
    """
    from pydrdl.logs.plot import check_format
    from pydrdl.logs.reader import GrowingLog, read_log
    from pydrdl.logs.table import write_events

    names = name or [path.stem for path in logs]
    if len(names) != len(logs) or len(set(names)) < len(names):
        raise cli.wrong_use("give every log a name of its own", "--name")
    check_format(output)
    growing = {name: GrowingLog(path) for name, path in zip(names, logs, strict=True)}
    drawn = 0
    while follow:
        held = {name: log.poll() for name, log in growing.items()}
        shown = {name: log for name, log in held.items() if log.rows}
        done = all(log.done for log in growing.values())
        rows = sum(len(log.rows) for log in shown.values())
        if rows != drawn or (done and shown):
            _redraw(shown, output, over, smooth)
            drawn = rows
        if done:
            break
        time.sleep(interval)
    read = {name: read_log(log.path) for name, log in growing.items()}
    if not follow:
        _redraw(read, output, over, smooth)
    if tensorboard is not None:
        for key, log in read.items():
            count = write_events(log, tensorboard / key)
            cli.console.print(f"{tensorboard / key}: {count:,} values")


def _redraw(
    logs: "Mapping[str, TrainingLog]", output: Path, over: Over, smooth: int
) -> None:
    """Draws what the logs hold, and says how far they are."""
    from pydrdl.logs.plot import draw, save

    save(draw(logs, x=over, smooth=smooth), output)
    for name, log in logs.items():
        bad = sum(bool(row.not_finite) for row in log.rows)
        note = f", {bad:,} rows with NaN or infinity" if bad else ""
        state = "done" if log.runs[-1].done else "not done"
        line = f"{output}: {name}, iteration {log.rows[-1].iteration:,}, {state}{note}"
        cli.console.lines(line)
