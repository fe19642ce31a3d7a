"""What the data set holds, beside the paper and the release."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from pydrdl.check import SCHEMA
from pydrdl.check.counts import HERE, SplitCount, count_dataset
from pydrdl.datasets.dataset import Dataset, is_drawn
from pydrdl.report.content import Block, Column, Group, Row, Section, Table, Text
from pydrdl.strict_json import Count, Form, read_declared

COLUMNS = (
    Column("split", "split"),
    Column("source", "source"),
    Column("images", "images", "count"),
    Column("vehicles", "vehicles", "count"),
    Column("models", "models", "count"),
    Column("cameras", "cameras", "count"),
    Column("labelled", "with model label", "count"),
    Column("labelled_vehicles", "vehicles with it", "count"),
)


def dataset_section(dataset: Dataset | None, checks: Sequence[Path]) -> Section:
    """Counts of the data set, and what `tools/dataset.py check --json` found.

    Raises:
        InputError: a file is not what that command writes.
    """
    blocks: list[Block] = []
    if dataset is not None:
        counts = [_row(count) for count in count_dataset(dataset)]
        title = f"{dataset.name}: images, vehicles and models of its splits"
        blocks.append(Table("data", title, COLUMNS, [Group("", counts)]))
        if is_drawn(dataset):
            blocks.append(
                Text(
                    f"The images are drawn, not photographed, in {dataset.name}'s "
                    "layout: numbers on them are not comparable with the paper's.",
                    kind="warning",
                )
            )
    for number, path in enumerate(checks, start=1):
        blocks += _check(f"check-{number}", path, dataset is None)
    return Section("data", "Data set", blocks)


def _row(count: SplitCount) -> Row:
    row = asdict(count)
    # Of cameras 0 means unknown, which is no count.
    return row | {"cameras": row["cameras"] or None}


class CountForm(Form):
    """A SplitCount."""

    split: str
    source: str
    images: Count
    vehicles: Count
    models: Count | None = None
    cameras: Count | None = None
    labelled: Count | None = None
    labelled_vehicles: Count | None = None
    model_labels: Count | None = None


class _Problem(Form):
    severity: str
    what: str
    next: str


class _Checked(Form):
    """What tools/dataset.py check --json wrote, as far as it is shown."""

    dataset: str
    root: str
    fit: bool
    fast: bool
    counts: list[CountForm]
    problems: list[_Problem]


def _check(key: str, path: Path, with_counts: bool) -> list[Block]:
    """Findings, and the counts where the data set itself is not given."""
    again = "give what tools/dataset.py check --json wrote"
    content = read_declared(_Checked, path, "the check of a data set", again, SCHEMA)
    blocks: list[Block] = []
    if with_counts:
        rows = [_row(SplitCount(**count.model_dump())) for count in content.counts]
        title = f"{content.dataset}: counts when it was checked"
        blocks.append(Table(f"{key}-counts", title, COLUMNS, [Group("", rows)]))
    problems: list[Row] = [problem.model_dump() for problem in content.problems]
    verdict = "fit to train on" if content.fit else "NOT fit to train on"
    left_out = ", images not decoded" if content.fast else ""
    blocks.append(
        Text(
            f"Check of {content.dataset} ({content.root}){left_out}: "
            f"{verdict}, problems: {len(problems)}.",
            kind="plain" if content.fit else "warning",
        )
    )
    if problems:
        columns = (
            Column("severity", "severity"),
            Column("what", "problem"),
            Column("next", "next"),
        )
        title = f"{content.dataset}: what its check found"
        blocks.append(Table(key, title, columns, [Group("", problems)]))
    return blocks


def count_of(dataset: Dataset, split: str) -> SplitCount | None:
    """The counts of one split; None where there is none of that name."""
    counts = count_dataset(dataset)
    return next((c for c in counts if c.split == split and c.source == HERE), None)
