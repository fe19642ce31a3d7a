"""A gallery in a folder, kept by LanceDB: no server, and any number of readers.

What add() has returned for is in files of its own, which no later kill touches; each
call of add or delete makes a version, so that rows are better given many at a time.
One process writes at a time, which a lock in the folder sees to.

Below INDEX_FROM rows a search compares the query with every row. Above, rows are
sorted into cells (an inverted file, IVF) and kept as 8-bit numbers (SQ); PROBED of
the cells nearest to the query are searched, and the best few times as many rows as
are wanted are measured again with their own values.
"""

import contextlib
import fcntl
import math
import os
import re
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError, writing
from pydrdl.gallery.rows import (
    ALL,
    ID_BYTES,
    Added,
    GalleryRow,
    Hit,
    Summary,
    Wanted,
    squared_distances_to,
)

TABLE = "rows"
PANIC = "PanicException"
LOCK = "lock"
INDEX_FROM = 20_000  # rows
PROBED = 60  # cells, or PROBED_SHARE of them where that is more
PROBED_SHARE = 0.13
REFINED = 3  # times the wanted rows
WRITTEN = 10_000  # rows of one version
FRESH = timedelta(seconds=1)  # after which a reader sees what others wrote
KEPT = timedelta(minutes=10)  # older versions, for readers that still use them
WAIT = 60.0  # seconds for another process that writes
CACHE = 400 * 2**20  # bytes of the index that are kept in memory
_ID = re.compile(rf"[0-9a-f]{{{2 * ID_BYTES}}}")
AGAIN = "delete the folder and index again, or copy it again from where it was whole"


def import_lancedb() -> ModuleType:
    """LanceDB, which is an extra.

    Raises:
        InputError: it is not installed.
    """
    # That a table is made for the first time is nothing to warn of.
    os.environ.setdefault("LANCEDB_LOG", "error")
    try:
        import lancedb
        import pyarrow
    except ImportError as error:
        raise _missing(error) from error
    del pyarrow
    module: ModuleType = lancedb
    return module


def import_server() -> None:
    """What the server needs of the same extra.

    Raises:
        InputError: it is not installed.
    """
    try:
        import fastapi
        import python_multipart
        import uvicorn
    except ImportError as error:
        raise _missing(error) from error
    del fastapi, python_multipart, uvicorn


def _missing(error: ImportError) -> InputError:
    return InputError(
        f"vehicle search needs packages that are not installed ({error.name})",
        "the extra `search`",
        "run tools/setup.sh, or: pip install 'pydrdl[search]'",
    )


def rows_of(folder: Path) -> int:
    """How many rows lie there, of whatever width; 0 where no table can be opened."""
    try:
        return int(import_lancedb().connect(folder).open_table(TABLE).count_rows())
    except (ValueError, OSError, RuntimeError):
        return 0


class LanceGallery:
    """See Gallery, whose four methods these are.

    Args:
        folder: where it lies.
        width: values of a vector.
        make: make an empty one; otherwise it must be there.

    Raises:
        InputError: LanceDB is not installed, or the gallery is not there, of
            another width, or damaged.
    """

    def __init__(self, folder: Path, width: int, *, make: bool = False) -> None:
        lancedb = import_lancedb()
        self.folder, self.width = folder, width
        self._schema = schema_of(width)
        with self._told("open"):
            session = lancedb.Session(index_cache_size_bytes=CACHE)
            base = lancedb.connect(
                folder, read_consistency_interval=FRESH, session=session
            )
            if make:
                self._table = base.create_table(
                    TABLE, schema=self._schema, mode="overwrite"
                )
            else:
                self._table = base.open_table(TABLE)
            found = self._table.schema
        if not found.equals(self._schema):
            raise InputError(
                "cannot open the gallery: damaged: other columns", folder, AGAIN
            )

    def add(self, rows: Sequence[GalleryRow], vectors: Float32) -> Added:
        """Adds rows; see Gallery.

        Raises:
            InputError: there is no room, or another process writes for long.
        """
        if vectors.shape != (len(rows), self.width):
            raise ValueError(f"vectors {vectors.shape} of {len(rows)} x {self.width}")
        first = {row.id: k for k, row in reversed([*enumerate(rows)])}
        new = 0
        with self._writing():
            places = sorted(first.values())
            for start in range(0, len(places), WRITTEN):
                chosen = places[start : start + WRITTEN]
                batch = self._batch([rows[k] for k in chosen], vectors[chosen])
                merge = self._table.merge_insert("id").when_not_matched_insert_all()
                new += merge.execute(batch).num_inserted_rows
        return Added(new, len(rows) - new)

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes rows; see Gallery."""
        parts = range(0, len(ids), WRITTEN)
        conditions = [_ids(ids[start : start + WRITTEN]) for start in parts]
        with self._writing():
            done = [self._table.delete(condition) for condition in conditions]
        return sum(part.num_deleted_rows for part in done)

    def count(self, wanted: Wanted = ALL) -> int:
        """Counts rows; see Gallery."""
        condition = where(wanted) or None
        with self._told("read"):
            return int(self._table.count_rows(condition))

    def search(
        self,
        vector: Float32,
        count: int,
        wanted: Wanted = ALL,
        *,
        exact: bool | None = None,
    ) -> list[Hit]:
        """Finds the nearest rows; see Gallery.

        exact: compare with every row; None: where there are few, or no index.
        """
        condition = where(wanted)
        with self._told("read"):
            query = self._table.search(np.ascontiguousarray(vector, np.float32))
            query = query.distance_type("l2").limit(count)
            if condition:
                query = query.where(condition, prefilter=True)
            if exact is None:
                exact = self._table.count_rows() < INDEX_FROM
            if exact:
                query = query.bypass_vector_index()
            else:
                cells = math.isqrt(self._table.count_rows())
                probed = max(PROBED, round(PROBED_SHARE * cells))
                query = query.nprobes(probed).refine_factor(REFINED)
            table = query.to_arrow()
            rows, vectors = _rows_of(table), _vectors_of(table, self.width)
        # Once more in double precision, so that a distance is the same by any way.
        distances = squared_distances_to(vector, vectors)
        order = sorted(range(len(rows)), key=lambda k: (distances[k], rows[k].id))
        return [Hit(rows[k], float(distances[k]), vectors[k]) for k in order]

    def get(self, ids: Sequence[str]) -> dict[str, tuple[GalleryRow, Float32]]:
        """Rows and their vectors by their ids, of those that are there."""
        if not ids:
            return {}
        condition = _ids(ids)
        with self._told("read"):
            found = self._table.search().where(condition).limit(len(ids)).to_arrow()
            rows, vectors = _rows_of(found), _vectors_of(found, self.width)
        return {row.id: (row, v) for row, v in zip(rows, vectors, strict=True)}

    @property
    def version(self) -> int:
        """A number that changes with the rows."""
        with self._told("read"):
            return int(self._table.version)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids are there."""
        if not ids:
            return set()
        condition = _ids(ids)
        with self._told("read"):
            query = self._table.search().where(condition).select(["id"])
            return set(query.limit(len(ids)).to_arrow()["id"].to_pylist())

    def summary(self) -> Summary:
        """What is in it; reads a few numbers of every row."""
        columns = ["vehicle_id", "camera_id", "model_id", "time"]
        vehicles: set[int] = set()
        cameras: dict[int, int] = {}
        models: dict[int, int] = {}
        first, last = math.inf, -math.inf
        rows = 0
        with self._told("read"):
            for batch in self._table.search().select(columns).to_batches():
                rows += len(batch)
                vehicles |= {*batch["vehicle_id"].to_pylist()} - {-1}
                for name, counts in (("camera_id", cameras), ("model_id", models)):
                    values, many = np.unique(batch[name], return_counts=True)
                    for value, number in zip(values.tolist(), many, strict=True):
                        if value >= 0:
                            counts[value] = counts.get(value, 0) + int(number)
                known = [t for t in batch["time"].to_pylist() if t is not None]
                first, last = min([first, *known]), max([last, *known])
            indexed = self._indexed()
        ends = (first, last) if first <= last else None
        order = dict(sorted(cameras.items())), dict(sorted(models.items()))
        return Summary(rows, len(vehicles), *order, ends, indexed)

    def bring_up_to_date(self) -> None:
        """Makes the index where there are many rows, or takes new rows into it.

        Many small additions become few files, and versions that nobody reads any
        more are deleted.
        """
        from lancedb.index import BTree, IvfSq

        with self._writing():
            rows = self._table.count_rows()
            names = {index.name for index in self._table.list_indices()}
            if rows and "id_idx" not in names:
                self._table.create_index("id", config=BTree())
            if rows >= INDEX_FROM and "vector_idx" not in names:
                cells = math.isqrt(rows)
                config = IvfSq(distance_type="l2", num_partitions=cells)
                self._table.create_index("vector", config=config)
            # Cells that have grown to twice their size are made anew.
            self._table.optimize(cleanup_older_than=KEPT)

    def _indexed(self) -> int:
        stats = self._table.index_stats("vector_idx")
        return 0 if stats is None else int(stats.num_indexed_rows)

    def _batch(self, rows: Sequence[GalleryRow], vectors: Float32) -> Any:
        import pyarrow as pa

        flat = pa.array(np.ascontiguousarray(vectors, np.float32).ravel())
        columns = {
            "id": [row.id for row in rows],
            "vector": pa.FixedSizeListArray.from_arrays(flat, self.width),
            "root": [row.root for row in rows],
            "path": [row.image.path for row in rows],
            "vehicle_id": [row.image.vehicle_id for row in rows],
            "model_id": [row.image.model_id for row in rows],
            "camera_id": [row.image.camera_id for row in rows],
            "time": [row.time for row in rows],
            "box": [row.image.box for row in rows],
        }
        return pa.table(columns, schema=self._schema)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock of the one process that writes."""
        path = self.folder / LOCK
        with writing("the gallery's lock", path):
            file = path.open("ab")
        with file:
            since = time.monotonic()
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() - since > WAIT:
                        raise InputError(
                            "another process is writing to the gallery",
                            self.folder,
                            "wait until that has ended, then repeat",
                        ) from error
                    time.sleep(0.05)
            with self._told("write"):
                self._table.checkout_latest()
                yield

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        """Turns LanceDB's errors in its block into InputError."""
        try:
            yield
        except (InputError, MemoryError):
            raise
        except BaseException as error:
            # A panic in Rust is no Exception; a signal that ends a command is none
            # either.
            if not isinstance(error, Exception) and type(error).__name__ != PANIC:
                raise
            text = (str(error).splitlines() or [""])[0]
            for words, advice in _OF_THE_SYSTEM.items():
                if words.lower() in str(error).lower():
                    what = f"cannot {verb} the gallery: {words}"
                    raise InputError(what, self.folder, advice) from error
            raise InputError(
                f"cannot {verb} the gallery: damaged: {text}", self.folder, AGAIN
            ) from error


# What LanceDB says where the system refuses; nothing of the gallery is lost then.
_OF_THE_SYSTEM = {
    "No space left on device": "make room on its file system, then repeat",
    "Disk quota exceeded": "make room within your quota, then repeat",
    "Read-only file system": "copy the gallery to a file system that can be written",
    "Permission denied": "have the permissions of the folder changed (ls -ld)",
    "Too many open files": "raise the limit of open files (ulimit -n)",
    "File too large": "raise the limit of a file's size (ulimit -f)",
}


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


def _ids(ids: Sequence[str]) -> str:
    """The condition for rows of these ids, which must be hexadecimal."""
    for name in ids:
        if not _ID.fullmatch(name):
            raise ValueError(f"{name!r} is no id of a row")
    return "id IN ({})".format(", ".join(f"'{name}'" for name in ids))


def _rows_of(table: Any) -> list[GalleryRow]:
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


def _vectors_of(table: Any, width: int) -> Float32:
    """The (N, D) vectors of a table."""
    parts = [chunk.flatten().to_numpy() for chunk in table["vector"].chunks]
    flat = np.concatenate([np.empty(0, np.float32), *parts])
    return np.asarray(flat, np.float32).reshape(-1, width)
