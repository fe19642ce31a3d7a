"""What the tables take from result files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import StatisticsError, fmean
from typing import Any

from rich import box
from rich.table import Table

from pydrdl import paper
from pydrdl.errors import InputError
from pydrdl.logs.reader import LogRow, read_log
from pydrdl.reproduce.setting import CHOOSING
from pydrdl.results import read_results
from pydrdl.results.comparison import OverTrainings
from pydrdl.results.result import LEVELS, R, Reidentification, Retrieval, Verification
from pydrdl.table import rate

SCHEMA = "drdl.reproduced/1"
RANKS = 50  # of a curve
FIG_10_RANKS = (1, 5, 10, 20, 50)
PHOTOGRAPH_RANKS = (1, 5, 10)
LAST_ROWS = 5  # of a training's log
PARTS = 5  # of a training, in time
OLD_NAMES = {"Fresh": "Held-out"}  # of tables, up to version 0.2


@dataclass(frozen=True)
class Cell(OverTrainings):
    """One number of a table, of every training; paper: None where it has none."""

    paper: float | None


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper, ours beside it."""

    name: str  # such as "Table 6"
    columns: tuple[str, ...]  # titles of the cells
    rows: Mapping[str, tuple[Cell, ...]]  # the cells by method, in the paper's order


def values(
    path: Path, kind: type[R], number: Callable[[R], Any]
) -> dict[str, list[Any]]:
    """What number takes of each training, by method, in the order of a result file.

    Raises:
        InputError: it cannot be read, is of another kind, or lacks the number, which
            ValueError tells.
    """
    found: dict[str, list[Any]] = {}
    try:
        for result in read_results(kind, path):
            found.setdefault(result.method, []).append(number(result))
    except ValueError as error:
        raise _unfit(path, str(error)) from error
    return found


def _of_rows(
    files: Mapping[str, Path], kind: type[R], numbers: Callable[[R], list[float]]
) -> dict[str, list[list[float]]]:
    """Of each row's file its own method's values; rows may share a file."""
    found = {}
    for row, path in files.items():
        of_file = values(path, kind, numbers)
        if row not in of_file:
            held = ", ".join(of_file)
            raise _unfit(path, f"no results of {row!r}; there are {held}")
        found[row] = of_file[row]
    return found


def curve(result: Reidentification) -> list[float]:
    """Match rates of ranks 1 .. RANKS; ValueError where there are fewer."""
    if len(result.cmc.mean) < RANKS:
        raise ValueError(f"{len(result.cmc.mean)} ranks; expected {RANKS}")
    return result.cmc.mean


def accuracies(result: Verification) -> list[float]:
    """Of CompCars' three lists.

    Raises:
        ValueError: there are others, or a threshold is missing.
    """
    found = [pairs.accuracy for pairs in result.pairs if pairs.accuracy is not None]
    if len(found) != len(LEVELS):
        raise ValueError(f"{len(found)} accuracies; expected {len(LEVELS)}")
    return found


def _unfit(path: Path, what: str) -> InputError:
    return InputError(
        f"cannot take the results: {what}", path, "evaluate again, or name another"
    )


# A column: its title, our numbers by method, the paper's.
Numbers = tuple[str, Mapping[str, Sequence[float]], Mapping[str, float]]


def _table(name: str, columns: Iterable[Numbers]) -> PaperTable:
    """Methods stand in the order in which they come."""
    titles, rows = [], dict[str, list[Cell]]()
    for title, ours, theirs in columns:
        titles.append(title)
        for method, found in ours.items():
            cell = Cell(tuple(found), theirs.get(method))
            rows.setdefault(method, []).append(cell)
    return PaperTable(name, tuple(titles), {m: tuple(of) for m, of in rows.items()})


def _at(found: Mapping[str, list[list[float]]], i: int) -> dict[str, list[float]]:
    """One of the values of each training, by method."""
    return {method: [each[i] for each in of] for method, of in found.items()}


def _rank_1(path: Path) -> dict[str, list[float]]:
    return values(path, Reidentification, lambda row: row.cmc.mean[0])


def _map(path: Path) -> dict[str, list[float]]:
    return values(path, Retrieval, lambda row: row.map.mean)


# Every table raises InputError where a file cannot be read or is of another kind.


def table3(files: Mapping[str, Path]) -> PaperTable:
    """Accuracy on CompCars, threshold from part II; of eval_verification.py by row."""
    found, columns = _of_rows(files, Verification, accuracies), list[Numbers]()
    for i, level in enumerate(LEVELS):
        theirs = {row: of[i] for row, of in paper.TABLE_3.items() if of}
        columns.append((level, _at(found, i), theirs))
    return _table("Table 3", columns)


def table4(files: Mapping[str, Path]) -> PaperTable:
    """Mean average precision (Table 4); files: of eval_map.py by the paper's split."""
    columns: list[Numbers] = []
    for split, path in files.items():
        theirs = {method: of[split] for method, of in paper.TABLE_4.items()}
        columns.append((split, _map(path), theirs))
    return _table("Table 4", columns)


def table6(files: Mapping[str, Path]) -> PaperTable:
    """Match rates at rank 1 and 5; files: of eval_cmc.py by the paper's split."""
    columns: list[Numbers] = []
    for split, path in files.items():
        found = values(path, Reidentification, curve)
        for rank, top in ((1, "top1"), (5, "top5")):
            theirs = {m: getattr(of[split], top) for m, of in paper.TABLE_6.items()}
            columns.append((f"{split} rank-{rank}", _at(found, rank - 1), theirs))
    return _table("Table 6", columns)


def fig10(files: Mapping[str, Path]) -> PaperTable:
    """Match rates up to rank 50, whose curves are printed; of eval_cmc.py by row."""
    found = _of_rows(files, Reidentification, curve)
    rates = {f"rank-{k}": _at(found, k - 1) for k in FIG_10_RANKS}
    return _table("Fig. 10", ((rank, ours, {}) for rank, ours in rates.items()))


def ablations(files: Mapping[str, Path], name: str = "Ablations") -> PaperTable:
    """What each change of a net does; the paper has no such table.

    Files by column: of eval_map.py where its title ends with MAP, else of eval_cmc.py.
    """
    read = {title: _map if title.endswith("MAP") else _rank_1 for title in files}
    return _table(name, ((title, of(files[title]), {}) for title, of in read.items()))


def heldout(files: Mapping[str, Path]) -> PaperTable:
    """The three methods on held-out vehicles; files as of ablations."""
    return ablations(files, "Held-out")


def convergence(files: Mapping[str, Path]) -> PaperTable:
    """Rank 1 while nets learn (Sec. 3.1, 3.2); files: of eval_cmc.py by iteration."""
    return ablations(files, "Convergence")


def softmax(files: Mapping[str, Path]) -> PaperTable:
    """What features of the softmax over drawn models tell; files as of ablations."""
    return ablations(files, "Softmax")


def growth(files: Mapping[str, Path]) -> PaperTable:
    """Rank 1 over vehicles to learn from and iterations; files as of convergence."""
    return ablations(files, "Growth")


def gradients(files: Mapping[str, Path]) -> PaperTable:
    """What each mode of CCL's gradient learns, and whether its features collapse.

    Files: as of ablations; and of each row's trainings the log, whose last rows give
    the mean squared distance from the centre of positives and of nearest negatives.
    """
    logs = {title: path for title, path in files.items() if path.suffix == ".log"}
    table = ablations({t: p for t, p in files.items() if t not in logs}, "Gradients")
    rows = {}
    for row, cells in table.rows.items():
        own = [path for title, path in logs.items() if title.startswith(f"{row}, seed")]
        ends = [_end(path, ("ccl_d_pos", "ccl_d_neg")) for path in own]
        rows[row] = cells + tuple(Cell(tops, None) for tops in zip(*ends, strict=True))
    return PaperTable("Gradients", (*table.columns, "d pos", "d neg"), rows)


def _end(log: Path, tops: Sequence[str]) -> tuple[float, ...]:
    """The mean of each top over the last rows of a training."""
    rows = _shown(log)[-LAST_ROWS:]
    try:
        return tuple(fmean(row.values[top] for row in rows) for top in tops)
    except (KeyError, StatisticsError) as error:
        raise _unfit(log, f"no {' and '.join(tops)} at the end of the log") from error


def _shown(log: Path) -> list[LogRow]:
    """The rows of a training's log that have net outputs; its last line has none."""
    return [row for row in read_log(log).of("train") if row.values]


def paper_net(files: Mapping[str, Path]) -> PaperTable:
    """What every head of each training printed, first and in each fifth of it.

    Files: Caffe's log by training.
    """
    rows = {}
    for title, path in files.items():
        found = _shown(path)
        parts = [found[:1], *([] for _ in range(PARTS))]
        for row in found[1:]:
            parts[-(-PARTS * row.iteration // found[-1].iteration)].append(row)
        if not all(parts):
            raise _unfit(path, f"{len(found)} rows with losses are too few")
        for top in sorted(found[0].values):
            means = (fmean(row.values[top] for row in part) for part in parts)
            rows[f"{title}: {top}"] = tuple(Cell((mean,), None) for mean in means)
    columns = ("first", *(f"to {100 * n // PARTS} %" for n in range(1, PARTS + 1)))
    return PaperTable("Paper's net", columns, rows)


def photographs(files: Mapping[str, Path]) -> PaperTable:
    """Match rates on real photographs, a fold a training; of eval_cmc.py by fold."""
    return _table("Photographs", _over_folds(files.values(), PHOTOGRAPH_RANKS))


def generalisation(files: Mapping[str, Path]) -> PaperTable:
    """What changes do on photographs: to choose by, and of other folds to report."""
    folds = list(files.values())
    parts = ("choosing", folds[:CHOOSING]), ("reporting", folds[CHOOSING:])
    columns = [
        (f"{part} {title}", ours, theirs)
        for part, of in parts
        for title, ours, theirs in _over_folds(of, PHOTOGRAPH_RANKS[:2])
    ]
    return _table("Generalisation", columns)


def _over_folds(files: Iterable[Path], ranks: Iterable[int]) -> list[Numbers]:
    """Match rates at ranks, a value a fold; files: of eval_cmc.py."""
    curves = dict[str, list[list[float]]]()
    for path in files:
        for method, of_fold in values(path, Reidentification, curve).items():
            curves.setdefault(method, []).extend(of_fold)
    return [(f"rank-{k}", _at(curves, k - 1), {}) for k in ranks]


# How the results of a target, which the chain's method of its name gives, are read.
TABLES: Mapping[str, Callable[[Mapping[str, Path]], PaperTable]] = {
    read.__name__: read
    for read in (
        table3,
        table4,
        table6,
        fig10,
        ablations,
        heldout,
        convergence,
        softmax,
        gradients,
        growth,
        paper_net,
        photographs,
        generalisation,
    )
}


def render(table: PaperTable, *, same_data: bool) -> Table:
    """The table for a terminal: ours ± its interval, the paper's below.

    Differences are shown where ours is of the same data as the paper's.
    """

    def stacked(text: str) -> str:
        """Two lines where many columns share a terminal's width."""
        return text.replace(" ", "\n") if len(table.columns) > 4 else text

    shown = Table(title=table.name, box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1))
    shown.add_column("method", max_width=30)
    for column in table.columns:
        shown.add_column(stacked(column), justify="right")
    for method, cells in table.rows.items():
        shown.add_row(method, *(stacked(_ours(cell)) for cell in cells))
        if any(cell.paper is not None for cell in cells):
            theirs = (_rate(cell.paper) for cell in cells)
            shown.add_row("  paper", *theirs, style="dim")
            if same_data:
                shown.add_row("  difference", *map(_difference, cells), style="dim")
    return shown


def markdown(table: PaperTable) -> str:
    """The table for a document: ours ± its interval, the paper's below."""
    lines = [("", *table.columns), ("---", *("---:" for _ in table.columns))]
    for method, cells in table.rows.items():
        lines.append((method, *map(_ours, cells)))
        if any(cell.paper is not None for cell in cells):
            lines.append(("*paper*", *(_rate(cell.paper) for cell in cells)))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def to_json(tables: Iterable[PaperTable], **about: object) -> dict[str, object]:
    """The tables with every training's number, and what else there is to say."""
    return {
        "schema": SCHEMA,
        **about,
        "tables": {
            table.name: {
                "columns": table.columns,
                "rows": {
                    method: [{"values": c.values, "paper": c.paper} for c in cells]
                    for method, cells in table.rows.items()
                },
            }
            for table in tables
        },
    }


def conditions(content: Mapping[str, Any]) -> str:
    """Data, nets and trainings that a file's tables are of."""
    if "conditions" in content:
        return str(content["conditions"])
    told = str(content["worth"])  # as up to version 0.2
    return told.replace("What this is worth: ", "Conditions: ", 1)


def from_json(content: dict[str, Any]) -> list[PaperTable]:
    """The tables that to_json wrote; InputError for another schema."""
    if content.get("schema") != SCHEMA:
        what = f"schema {content.get('schema')!r}; expected {SCHEMA!r}"
        advice = "write them again with tools/reproduce.py --json"
        raise InputError(what, "the results", advice)
    return [
        PaperTable(
            OLD_NAMES.get(name, name),
            tuple(table["columns"]),
            {
                method: tuple(Cell(tuple(c["values"]), c["paper"]) for c in cells)
                for method, cells in table["rows"].items()
            },
        )
        for name, table in content["tables"].items()
    ]


def _ours(cell: Cell) -> str:
    half = cell.interval
    return rate(cell.mean) + ("" if half is None else f" ±{rate(half)}")


def _rate(value: float | None) -> str:
    return "-" if value is None else rate(value)


def _difference(cell: Cell) -> str:
    if cell.paper is None:
        return "-"
    value = cell.mean - cell.paper
    return ("+" if value >= 0 else "-") + rate(abs(value))
