"""Turns logs of `caffe train` into CSV tables."""

from pydrdl import start

start.begin(__name__)  # before the imports that take long

from pathlib import Path
from typing import Annotated

from rich.table import Table
from typer import Argument, BadParameter, Option

from pydrdl import cli
from pydrdl.logs.lines import Phase
from pydrdl.logs.reader import TrainingLog, read_log
from pydrdl.logs.table import write_csv

PHASES: tuple[Phase, ...] = ("train", "test")


def add_rows(table: Table, log: TrainingLog, path: Path, folder: Path) -> None:
    """Writes a log's tables; a row of the summary for each."""
    for phase in PHASES:
        rows = log.of(phase)
        if not rows:
            continue
        output = folder / f"{path.name}.{phase}.csv"
        write_csv(log, phase, output)
        bad = sum(bool(row.not_finite) for row in rows)
        table.add_row(
            str(output),
            f"{len(rows):,}",
            f"{len({row.run for row in rows})}",
            f"{rows[0].iteration:,} to {rows[-1].iteration:,}",
            f"{bad:,}" if bad else "none",
        )


def parse_log(
    logs: Annotated[list[Path], Argument(help="What caffe train wrote to stderr.")],
    output: Annotated[Path, Option(help="Folder for the tables.")] = Path(),
) -> None:
    """Write LOG.train.csv and LOG.test.csv, one row for each shown iteration.

    Columns: NumIters, Seconds, LearningRate, the net's outputs, Run (0, 1, ...
    where training was resumed into the same log), Loss, and NotFinite, which
    names the columns that hold NaN or infinity.

    Example: python tools/parse_log.py data/demo/ccl.log --output data/demo
    """
    if len({path.name for path in logs}) < len(logs):
        raise BadParameter("two logs have the same file name; parse them one by one")
    table = Table("table", "rows", "runs", "iterations", "NaN or infinite")
    for path in logs:
        add_rows(table, read_log(path), path, output)
    cli.console.print(table)


if __name__ == "__main__":
    cli.run(parse_log)
