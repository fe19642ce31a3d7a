"""Training curves from Caffe logs."""

from collections.abc import Mapping, Sequence

from pydrdl.logs.plot import draw
from pydrdl.logs.reader import TrainingLog
from pydrdl.logs.table import columns as log_columns
from pydrdl.report import drawing
from pydrdl.report.cells import plural
from pydrdl.report.content import (
    Block,
    Column,
    Figure,
    Group,
    Row,
    Section,
    Table,
    Text,
)


def training_section(logs: Mapping[str, TrainingLog]) -> Section:
    """How far each training came, what was not finite, and its curves."""
    blocks: list[Block] = [
        Table(
            "training",
            "Training runs",
            [
                Column("method", "method"),
                Column("iteration", "last iteration", "count"),
                Column("state", "state"),
                Column("rate", "learning rate", "number"),
                Column("first", "first loss", "number"),
                Column("loss", "last loss", "number"),
                Column("rows", "rows", "count"),
                Column("bad", "with NaN or infinity", "count"),
            ],
            [Group("", [_row(name, log) for name, log in logs.items()])],
        ),
        *_warnings(logs),
    ]
    blocks += [
        _figure(f"training-{number}", name, log)
        for number, (name, log) in enumerate(logs.items(), start=1)
    ]
    return Section("training", "Training", blocks)


def last_iteration(log: TrainingLog) -> int:
    """The last that was shown."""
    return log.rows[-1].iteration


def bad_rows(log: TrainingLog) -> int:
    """Rows that hold a value that is not finite."""
    return sum(bool(row.not_finite) for row in log.rows)


def _row(name: str, log: TrainingLog) -> Row:
    train = log.of("train")
    rates = [r.learning_rate for r in train if r.learning_rate is not None]
    losses = [row.loss for row in train if row.loss is not None]
    state = "done" if log.runs[-1].done else "not done"
    resumes = sum(bool(run.resumed_from) for run in log.runs)
    if resumes:
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


def _warnings(logs: Mapping[str, TrainingLog]) -> Sequence[Text]:
    found = []
    for name, log in logs.items():
        bad = [row for row in log.rows if row.not_finite]
        if bad:
            tops = ", ".join(dict.fromkeys(t for row in bad for t in row.not_finite))
            found.append(
                Text(
                    f"{name}: {plural(len(bad), 'row')} with NaN or infinity, the "
                    f"first at iteration {bad[0].iteration:,}, in {tops}. What was "
                    "trained after it is worth nothing unless it recovered.",
                    kind="warning",
                )
            )
        if not log.runs[-1].done:
            found.append(
                Text(
                    f"{name}: the log does not say that training came to its end; it "
                    f"shows iteration {last_iteration(log):,}.",
                    kind="warning",
                )
            )
    return found


def _figure(key: str, name: str, log: TrainingLog) -> Figure:
    with drawing.style():
        canvas = draw({name: log})
        svg, pdf = drawing.to_svg(canvas), drawing.to_pdf(canvas)
    tops = dict.fromkeys([*log.tops("train"), *log.tops("test"), "the total loss"])
    return Figure(
        key,
        f"Training of {name}: net outputs, the total loss (broad, smoothed by Caffe) "
        "and the learning rate. Test nets are dashed; a triangle at the top marks NaN "
        "or infinity, a dotted line a resume.",
        f"Curves of {', '.join(tops)} up to iteration {last_iteration(log):,}; "
        f"{plural(bad_rows(log), 'row')} with NaN or infinity.",
        svg,
        pdf,
        {
            "method": name,
            "train": _finite(log_columns(log, "train")),
            "test": _finite(log_columns(log, "test")),
        },
    )


def _finite(table: Mapping[str, Sequence[object]]) -> dict[str, list[object]]:
    """JSON has no NaN: what is not finite becomes its name."""
    return {
        name: [
            str(v) if isinstance(v, float) and (v != v or v in (INF, -INF)) else v
            for v in values
        ]
        for name, values in table.items()
    }


INF = float("inf")
