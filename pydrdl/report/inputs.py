"""Sections of what results come from: training logs, the data set, hashes."""

import math
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydrdl import __version__
from pydrdl.check import SCHEMA
from pydrdl.check.counts import HERE, SplitCount, count_dataset
from pydrdl.datasets.dataset import Dataset, is_drawn
from pydrdl.files import file_sha256
from pydrdl.logs.plot import draw
from pydrdl.logs.reader import TrainingLog
from pydrdl.logs.table import columns as log_columns
from pydrdl.report import drawing
from pydrdl.report.content import Block, Figure, Section, Text
from pydrdl.results.result import DrawnResult, Result
from pydrdl.strict_json import Form, read_declared
from pydrdl.table import Cells, Column, Group, Table, plural

MANY_ROWS = 20  # a table of hashes with more is folded
PACKAGES = ("numpy", "opencv-python-headless", "h5py", "matplotlib", "jinja2")
TRAINING = (
    Column("method", "method"),
    Column("iteration", "last iteration", "count"),
    Column("state", "state"),
    Column("rate", "learning rate", "number"),
    Column("first", "first loss", "number"),
    Column("loss", "last loss", "number"),
    Column("rows", "rows", "count"),
    Column("bad", "with NaN or infinity", "count"),
)
COUNTS = (
    Column("split", "split"),
    Column("source", "source"),
    Column("images", "images", "count"),
    Column("vehicles", "vehicles", "count"),
    Column("models", "models", "count"),
    Column("cameras", "cameras", "count"),
    Column("labelled", "with model label", "count"),
    Column("labelled_vehicles", "vehicles with it", "count"),
)
HASHES = (
    Column("method", "method"),
    Column("data", "data"),
    Column("features", "features", "hash"),
    Column("split", "split", "hash"),
    Column("seed", "seed of the split"),
    Column("weights", "weights", "hash"),
    Column("net", "deploy net", "hash"),
)


def training_section(logs: Mapping[str, TrainingLog]) -> Section:
    """How far each training came, what was not finite, and its curves."""
    rows = [_training(name, log) for name, log in logs.items()]
    blocks: list[Block] = [
        Table("training", "Training runs", TRAINING, [Group("", rows)]),
        *(
            Text(text, "warning")
            for n, log in logs.items()
            for text in _warnings(n, log)
        ),
    ]
    for number, (name, log) in enumerate(logs.items(), start=1):
        blocks.append(_curves(f"training-{number}", name, log))
    return Section("training", "Training", blocks)


def last_iteration(log: TrainingLog) -> int:
    """The last that was shown."""
    return log.rows[-1].iteration


def bad_rows(log: TrainingLog) -> int:
    """Rows that hold a value that is not finite."""
    return sum(bool(row.not_finite) for row in log.rows)


def _training(name: str, log: TrainingLog) -> Cells:
    train = log.of("train")
    rates = [r.learning_rate for r in train if r.learning_rate is not None]
    losses = [row.loss for row in train if row.loss is not None]
    state = "done" if log.runs[-1].done else "not done"
    if resumes := sum(bool(run.resumed_from) for run in log.runs):
        state += f", resumed {plural(resumes, 'time')}"
    return {
        "method": name,
        "iteration": last_iteration(log),
        "state": state,
        "rate": rates[-1] if rates else None,
        "first": losses[0] if losses else None,
        "loss": losses[-1] if losses else None,
        "rows": len(log.rows),
        "bad": bad_rows(log),
    }


def _warnings(name: str, log: TrainingLog) -> list[str]:
    found, bad = [], [row for row in log.rows if row.not_finite]
    if bad:
        tops = ", ".join(dict.fromkeys(top for row in bad for top in row.not_finite))
        found.append(
            f"{name}: {plural(len(bad), 'row')} with NaN or infinity, the first at "
            f"iteration {bad[0].iteration:,}, in {tops}. What was trained after it is "
            "of no use unless it recovered."
        )
    if not log.runs[-1].done:
        found.append(
            f"{name}: the log does not say that training came to its end; it shows "
            f"iteration {last_iteration(log):,}."
        )
    return found


def _curves(key: str, name: str, log: TrainingLog) -> Figure:
    tops = dict.fromkeys([*log.tops("train"), *log.tops("test"), "the total loss"])
    train, test = (
        {title: list(map(_finite, values)) for title, values in table.items()}
        for table in (log_columns(log, "train"), log_columns(log, "test"))
    )
    with drawing.style():
        return drawing.figure(
            draw({name: log}),
            key,
            f"Training of {name}: net outputs, the total loss (broad, smoothed by "
            "Caffe) and the learning rate. Test nets are dashed; a triangle at the top "
            "marks NaN or infinity, a dotted line a resume.",
            f"Curves of {', '.join(tops)} up to iteration {last_iteration(log):,}; "
            f"{plural(bad_rows(log), 'row')} with NaN or infinity.",
            {"method": name, "train": train, "test": test},
        )


def _finite(value: object) -> object:
    """JSON has no NaN: what is not finite becomes its name."""
    odd = isinstance(value, float) and not math.isfinite(value)
    return str(value) if odd else value


class _Problem(Form):
    """A finding, as the report shows it."""

    severity: str
    what: str
    next: str


class _Checked(Form):
    """What tools/dataset.py check --json wrote, as far as it is shown."""

    dataset: str
    root: str
    fit: bool
    fast: bool
    counts: list[SplitCount]
    problems: list[_Problem]


def dataset_section(dataset: Dataset | None, checks: Sequence[Path]) -> Section:
    """Counts of the data set, and what `tools/dataset.py check --json` found.

    Raises:
        InputError: a file is not what that command writes.
    """
    blocks: list[Block] = []
    if dataset is not None:
        counts = [_counts(count) for count in count_dataset(dataset)]
        title = f"{dataset.name}: images, vehicles and models of its splits"
        blocks.append(Table("data", title, COUNTS, [Group("", counts)]))
        if is_drawn(dataset):
            drawn = (
                f"The images are drawn, not photographed, in {dataset.name}'s layout: "
                "numbers on them are not comparable with the paper's."
            )
            blocks.append(Text(drawn, "warning"))
    for number, path in enumerate(checks, start=1):
        blocks += _check(f"check-{number}", path, dataset is None)
    return Section("data", "Data set", blocks)


def _counts(count: SplitCount) -> Cells:
    """Of cameras 0 means unknown, which is no count."""
    return count.model_dump() | {"cameras": count.cameras or None}


def _check(key: str, path: Path, with_counts: bool) -> list[Block]:
    """Findings, and the counts where the data set itself is not given."""
    again = "give what tools/dataset.py check --json wrote"
    content = read_declared(_Checked, path, "the check of a data set", again, SCHEMA)
    blocks: list[Block] = []
    if with_counts:
        rows = [_counts(count) for count in content.counts]
        title = f"{content.dataset}: counts when it was checked"
        blocks.append(Table(f"{key}-counts", title, COUNTS, [Group("", rows)]))
    verdict = "fit to train on" if content.fit else "NOT fit to train on"
    left_out = ", images not decoded" if content.fast else ""
    text = (
        f"Check of {content.dataset} ({content.root}){left_out}: {verdict}, problems: "
        f"{len(content.problems)}."
    )
    blocks.append(Text(text, "plain" if content.fit else "warning"))
    if content.problems:
        columns = (
            Column("severity", "severity"),
            Column("what", "problem"),
            Column("next", "next"),
        )
        problems = [problem.model_dump() for problem in content.problems]
        title = f"{content.dataset}: what its check found"
        blocks.append(Table(key, title, columns, [Group("", problems)]))
    return blocks


def count_of(dataset: Dataset, split: str) -> SplitCount | None:
    """The counts of one split; None where there is none of that name."""
    counts = count_dataset(dataset)
    return next((c for c in counts if c.split == split and c.source == HERE), None)


def provenance_section(
    results: Sequence[Result],
    files: Sequence[tuple[str, Path]],
    command: str,
    versions: Mapping[str, str],
) -> Section:
    """How to make the report again: command, versions, hashes of all that went in.

    files tell what each input is, and where.
    """
    blocks: list[Block] = [Text(command, "command")] if command else []
    made = ", ".join(sorted({result.pydrdl for result in results}))
    all_of = {**_versions(), **versions}
    if made:
        all_of["pydrdl, of the results"] = made
    named: list[Cells] = [{"name": n, "version": v} for n, v in all_of.items()]
    names = Column("name", "name"), Column("version", "version")
    blocks.append(Table("versions", "Versions", names, [Group("", named)]))
    if results:
        rows = [_hashes(result) for result in results]
        title = "SHA-256 of features, splits, weights and nets (first digits)"
        folded = len(rows) > MANY_ROWS
        blocks.append(Table("hashes", title, HASHES, [Group("", rows)], folded))
    inputs: list[Cells] = [
        {"what": what, "path": str(path), "sha256": file_sha256(path)}
        for what, path in files
    ]
    columns = (
        Column("what", "input"),
        Column("path", "file"),
        Column("sha256", "SHA-256", "hash"),
    )
    blocks.append(Table("files", "Files", columns, [Group("", inputs)]))
    return Section("provenance", "How it was made", blocks)


def _versions() -> dict[str, str]:
    """Of what made the report; a package that is not installed is left out."""
    found = {"pydrdl": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _hashes(result: Result) -> Cells:
    split = result.split if isinstance(result, DrawnResult) else None
    used = result.features
    return {
        "method": result.name,
        "data": result.data,
        "features": used.sha256 or None,
        "split": None if split is None else split.sha256,
        "seed": None if split is None else split.seed,
        "weights": used.weights_sha256 or None,
        "net": used.net_sha256 or None,
    }
