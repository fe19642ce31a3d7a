"""A gallery's table: its columns, rows in and out of it, and conditions on them."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.gallery.rows import ID_BYTES, GalleryRow, Wanted

_ID = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")


def schema_of(width: int) -> Any:
    """The table's columns."""
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("id", pa.string(), nullable=False),
            pa.field("vector", pa.list_(pa.float32(), width)),
            ("root", pa.string()),
            ("path", pa.string()),
            ("vehicle_id", pa.int64()),
            ("model_id", pa.int64()),
            ("camera_id", pa.int64()),
            ("time", pa.float64()),
            ("box", pa.list_(pa.int32(), 4)),
        ]
    )


def batch_of(rows: Sequence[GalleryRow], vectors: Float32) -> Any:
    """Rows and their vectors (N, D) as a table."""
    import pyarrow as pa

    width = vectors.shape[1]
    flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
    columns = {
        "id": [row.id for row in rows],
        "vector": pa.FixedSizeListArray.from_arrays(flat, width),
        "root": [row.root for row in rows],
        "path": [row.image.path for row in rows],
        "vehicle_id": [row.image.vehicle_id for row in rows],
        "model_id": [row.image.model_id for row in rows],
        "camera_id": [row.image.camera_id for row in rows],
        "time": [row.time for row in rows],
        "box": [row.image.box for row in rows],
    }
    return pa.table(columns, schema=schema_of(width))


def rows_of(table: Any) -> list[GalleryRow]:
    """The rows of a table."""
    columns = [
        table[name].to_pylist()
        for name in ("root", "path", "vehicle_id", "model_id", "camera_id", "box",
                     "time")
    ]  # fmt: skip
    return [
        GalleryRow(
            root,
            Image(path, vehicle, model, camera, None if box is None else tuple(box)),
            taken,
        )
        for root, path, vehicle, model, camera, box, taken in zip(*columns, strict=True)
    ]


def vectors_of(table: Any, width: int) -> Float32:
    """The (N, D) vectors of a table."""
    parts = [chunk.flatten().to_numpy() for chunk in table["vector"].chunks]
    flat = np.concatenate([np.empty(0, np.float32), *parts])
    return np.asarray(flat, np.float32).reshape(-1, width)


def where(wanted: Wanted) -> str:
    """A condition in SQL; "" where all rows are wanted."""
    terms = []
    for column, operator, values in wanted.terms():
        if isinstance(values, tuple):
            numbers = ", ".join(str(int(value)) for value in values)
            terms.append(f"{column} {operator.upper()} ({numbers})")
        else:
            terms.append(f"{column} {operator} {float(values)!r}")
    return " AND ".join(terms)


def of_ids(ids: Sequence[str]) -> str:
    """The condition for rows of these ids, which must be hexadecimal."""
    for name in ids:
        if not _ID.fullmatch(name):
            raise ValueError(f"{name!r} is no id of a row")
    return "id IN ({})".format(", ".join(f"'{name}'" for name in ids))
