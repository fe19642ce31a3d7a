"""How many of an index's cells are searched: as many as find what they should.

That differs from gallery to gallery. Whoever makes an index compares some of its rows
with all others, looks for them by way of the index too, and writes beside the table
which share of the cells it takes to find nearly all that is nearest.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.errors import writing
from pydrdl.files import is_file, write_text
from pydrdl.strict_json import Form, Rate, read_declared

FILE_NAME = "index.json"
SCHEMA = "drdl.index/1"
ASKED, NEAREST = 64, 50  # rows that are looked for, and what is nearest to each
RECALL = 0.993  # of the nearest, a little more than is wanted of other queries
REFINED = 3  # times the wanted rows are measured again with their own values
SHARES = 0.13, 0.2, 0.3, 0.45, 0.7, 1.0  # of the cells


class Searched(Form):
    """index.json."""

    share: Rate  # of the cells
    recall: Rate  # of the nearest rows of those that were tried


def in_cells(query: Any, probed: int, cells: int) -> Any:
    """LanceDB's query in so many of the index's cells, as far as there are."""
    # 0: in all, also where additions have made more.
    most = probed if probed < cells else 0
    query = query.minimum_nprobes(probed).maximum_nprobes(most)
    return query.refine_factor(REFINED)


def nearest_of(batches: Iterable[Any], queries: Float32) -> list[set[str]]:
    """Ids of the rows that are nearest to each query (Q, D), by comparing with all.

    Args:
        batches: with the columns id and vector, of all rows.
        queries: (Q, D).
    """
    best = np.full((len(queries), NEAREST), np.inf)
    ids = np.full((len(queries), NEAREST), "", object)
    for batch in batches:
        vectors = batch["vector"].flatten().to_numpy().reshape(-1, queries.shape[1])
        # Of |q - x|^2, what differs between rows.
        apart = np.square(vectors).sum(axis=1) - 2 * queries @ vectors.T
        apart = np.hstack([best, apart])
        names = np.asarray(batch["id"].to_pylist(), object)
        names = np.hstack([ids, np.broadcast_to(names, (len(queries), len(names)))])
        places = np.argpartition(apart, NEAREST - 1, axis=1)[:, :NEAREST]
        best = np.take_along_axis(apart, places, 1)
        ids = np.take_along_axis(names, places, 1)
    return [{*row} - {""} for row in ids.tolist()]


def least_share(
    truth: Sequence[set[str]], found: Callable[[float], Sequence[set[str]]]
) -> Searched:
    """The least of SHARES that finds what it should.

    Args:
        truth: ids that are nearest to each query.
        found: ids that are found with a share of the cells.
    """
    total = sum(map(len, truth))
    for share in SHARES:
        pairs = zip(truth, found(share), strict=True)
        recall = sum(len(right & ids) for right, ids in pairs) / total
        if recall >= RECALL:
            break
    return Searched(share=share, recall=recall)


def write_share(folder: Path, searched: Searched) -> None:
    """Keeps it beside the table."""
    with writing("the gallery", folder / FILE_NAME):
        content = {"schema": SCHEMA, **searched.model_dump()}
        write_text(folder / FILE_NAME, json.dumps(content) + "\n")


def read_share(folder: Path, advice: str) -> float:
    """What is kept; the least where there is nothing.

    Raises:
        InputError: it is damaged.
    """
    path = folder / FILE_NAME
    if not is_file(path):
        return SHARES[0]
    return read_declared(Searched, path, "the gallery's index", advice, SCHEMA).share
