"""What the tables take from result files."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from pydrdl import paper
from pydrdl.datasets.compcars import LEVELS
from pydrdl.errors import InputError
from pydrdl.results.files import (
    CmcFile,
    CmcRow,
    Kind,
    MapFile,
    VerificationFile,
    VerificationRow,
    read_results_of,
)
from pydrdl.results.shared import OverTrainings, rate, training_of

RANKS = 50  # of a curve


def values(
    path: Path, kind: type[Kind], number: Callable[[Any], Any]
) -> dict[str, list[Any]]:
    """One value of each training by method, in the file's order.

    Args:
        path: a result file.
        kind: its form.
        number: takes the value from a row; ValueError where it cannot.

    Raises:
        InputError: it cannot be read or is of another kind.
    """
    found: dict[str, list[Any]] = {}
    try:
        for row in read_results_of(kind, path).results:
            found.setdefault(training_of(row.name)[0], []).append(number(row))
    except ValueError as error:
        raise _unfit(path, str(error)) from error
    return found


def of_row(found: Mapping[str, list[Any]], row: str, path: Path) -> list[Any]:
    """Those of one method, which values() gave.

    Raises:
        InputError: there are none.
    """
    if row not in found:
        raise _unfit(path, f"no results of {row!r}; there are {', '.join(found)}")
    return found[row]


def curve(row: CmcRow) -> list[float]:
    """Match rates of ranks 1 .. RANKS.

    Raises:
        ValueError: there are fewer.
    """
    if len(row.cmc.mean) < RANKS:
        raise ValueError(f"{len(row.cmc.mean)} ranks; expected {RANKS}")
    return row.cmc.mean


def accuracies(row: VerificationRow) -> list[float]:
    """Of CompCars' three lists.

    Raises:
        ValueError: there are others, or a threshold is missing.
    """
    found = [pairs.accuracy for pairs in row.pairs if pairs.accuracy is not None]
    if len(found) != len(LEVELS):
        raise ValueError(f"{len(found)} accuracies; expected {len(LEVELS)}")
    return found


def _unfit(path: Path, what: str) -> InputError:
    return InputError(
        f"cannot take the results: {what}", path, "evaluate again, or name another"
    )


MEASURES: Mapping[str, Callable[[Path], dict[str, list[float]]]] = {
    "rank-1": lambda path: values(path, CmcFile, lambda row: row.cmc.mean[0]),
    "MAP": lambda path: values(path, MapFile, lambda row: row.map.mean),
}


# Results of several trainings beside the paper's numbers.


SCHEMA = "drdl.reproduced/1"


@dataclass(frozen=True)
class Cell(OverTrainings):
    """One number of a table.

    Attributes:
        paper: the paper's; None where it has none.
    """

    paper: float | None


@dataclass(frozen=True)
class PaperTable:
    """A table of the paper, ours beside it.

    Attributes:
        name: such as "Table 6".
        columns: titles of the cells.
        rows: the cells by method, in the paper's order.
    """

    name: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]


def table3(files: Mapping[str, Path]) -> PaperTable:
    """Verification accuracy on CompCars, threshold from part II (Table 3).

    Args:
        files: results of eval_verification.py by row; rows may share a file.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    rows = _Rows()
    for row, path in files.items():
        theirs = paper.TABLE_3[row] or (None,) * len(LEVELS)
        found = of_row(values(path, VerificationFile, accuracies), row, path)
        for level, known in zip(zip(*found, strict=True), theirs, strict=True):
            rows.add(row, level, known)
    return PaperTable("Table 3", LEVELS, rows.done())


def table6(files: Mapping[str, Path]) -> PaperTable:
    """Match rates at rank 1 and 5 (Table 6).

    Args:
        files: results of eval_cmc.py by the paper's split.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    columns, rows = [], _Rows()
    for split, path in files.items():
        found = values(path, CmcFile, curve)
        for rank in (1, 5):
            columns.append(f"{split} rank-{rank}")
            for method, curves in found.items():
                known = paper.TABLE_6.get(method, {}).get(split)
                theirs = None
                if known is not None:
                    theirs = known.top1 if rank == 1 else known.top5
                rows.add(method, [rates[rank - 1] for rates in curves], theirs)
    return PaperTable("Table 6", tuple(columns), rows.done())


FIG_10_RANKS = (1, 5, 10, 20, 50)


def fig10(files: Mapping[str, Path]) -> PaperTable:
    """Match rates up to rank 50 (Fig. 10), whose curves are printed, not listed.

    Args:
        files: results of eval_cmc.py by row; rows may share a file.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    rows = _Rows()
    for row, path in files.items():
        curves = of_row(values(path, CmcFile, curve), row, path)
        for rank in FIG_10_RANKS:
            rows.add(row, [rates[rank - 1] for rates in curves], None)
    return PaperTable("Fig. 10", tuple(f"rank-{k}" for k in FIG_10_RANKS), rows.done())


def table4(files: Mapping[str, Path]) -> PaperTable:
    """Mean average precision (Table 4).

    Args:
        files: results of eval_map.py by the paper's split.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    rows = _Rows()
    for split, path in files.items():
        found = values(path, MapFile, lambda row: row.map.mean)
        for method, maps in found.items():
            rows.add(method, maps, paper.TABLE_4.get(method, {}).get(split))
    return PaperTable("Table 4", tuple(files), rows.done())


def ablations(files: Mapping[str, Path], name: str = "Ablations") -> PaperTable:
    """What each change of a net does; the paper has no such table.

    Args:
        files: results by column: of eval_map.py where its title ends with MAP,
            else of eval_cmc.py, of which rank 1 is taken.
        name: of the table.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    rows = _Rows()
    for column, path in files.items():
        for row, found in MEASURES[column.rsplit(maxsplit=1)[-1]](path).items():
            rows.add(row, found, None)
    return PaperTable(name, tuple(files), rows.done())


def fresh(files: Mapping[str, Path]) -> PaperTable:
    """The three methods on fresh vehicles; files as of ablations."""
    return ablations(files, "Fresh")


def convergence(files: Mapping[str, Path]) -> PaperTable:
    """Match rates at rank 1 while the nets learn (claims of Sec. 3.1 and 3.2).

    Args:
        files: results of eval_cmc.py by iteration.

    Raises:
        InputError: a file cannot be read or is of another kind.
    """
    rows = _Rows()
    for path in files.values():
        for row, found in MEASURES["rank-1"](path).items():
            rows.add(row, found, None)
    return PaperTable("Convergence", tuple(files), rows.done())


class _Rows:
    """Cells by method, in the order in which they come."""

    def __init__(self) -> None:
        self._cells: dict[str, list[Cell]] = {}

    def add(self, method: str, values: Sequence[float], theirs: float | None) -> None:
        self._cells.setdefault(method, []).append(Cell(tuple(values), theirs))

    def done(self) -> dict[str, tuple[Cell, ...]]:
        return {method: tuple(cells) for method, cells in self._cells.items()}


# How the results of a target, which a Plan's method of its name gives, are read.
TABLES: Mapping[str, Callable[[Mapping[str, Path]], PaperTable]] = {
    "table3": table3,
    "table4": table4,
    "table6": table6,
    "fig10": fig10,
    "ablations": ablations,
    "fresh": fresh,
    "convergence": convergence,
}


def render(table: PaperTable, *, same_data: bool) -> Table:
    """The table for a terminal: ours ± its interval, the paper's below.

    Args:
        table: what to show.
        same_data: whether ours is of the paper's data; a difference from
            numbers of other data would say nothing.
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
    """The tables with every training's number, for machines.

    Args:
        tables: any of the paper's.
        about: what else to say of them, as JSON can hold it.
    """
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


def from_json(content: dict[str, Any]) -> list[PaperTable]:
    """The tables that to_json wrote.

    Raises:
        InputError: another schema.
    """
    if content.get("schema") != SCHEMA:
        raise InputError(
            f"schema {content.get('schema')!r}; expected {SCHEMA!r}",
            "the results",
            "write them again with tools/reproduce.py --json",
        )
    return [
        PaperTable(
            name,
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
