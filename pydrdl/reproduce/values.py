"""What the tables take from result files."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydrdl.datasets.compcars import LEVELS
from pydrdl.errors import InputError
from pydrdl.results.files import (
    CmcFile,
    CmcRow,
    Kind,
    MapFile,
    VerificationRow,
    read_results_of,
)
from pydrdl.trainings import training_of

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
