"""A gallery in a folder, kept by LanceDB: no server, and any number of readers.

What add() has returned for is in files of its own, which no later kill touches; each
call of add or delete makes a version, so that rows are better given many at a time.
One process writes at a time, which a lock in the folder sees to.

Below INDEX_FROM rows a search compares the query with every row. Above, rows are
sorted into cells (an inverted file, IVF) and kept as 8-bit numbers (SQ); as many of
the cells nearest to the query are searched as cells.py has found to be needed, and the
best few times as many rows as are wanted are measured again with their own values.
"""

import contextlib
import fcntl
import math
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.errors import InputError, writing
from pydrdl.files import is_file
from pydrdl.gallery.cells import (
    ASKED,
    NEAREST,
    in_cells,
    least_share,
    nearest_of,
    read_share,
    write_share,
)
from pydrdl.gallery.cells import FILE_NAME as SHARE
from pydrdl.gallery.columns import (
    batch_of,
    of_ids,
    rows_of,
    schema_of,
    vectors_of,
    where,
)
from pydrdl.gallery.extra import import_lancedb
from pydrdl.gallery.faults import OF_THE_SYSTEM, plain
from pydrdl.gallery.rows import (
    ALL,
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
PROBED = 60  # cells, or the share of cells.py where that is more
SEGMENTS = 4  # of the index, one for each addition; more are made one
OUTGROWN = 1.5  # times the size that cells were made for, or a part of it
WRITTEN = 10_000  # rows of one version
UNINDEXED = 100_000  # rows at most whose ids are looked through one by one
FRESH = timedelta(seconds=1)  # after which a reader sees what others wrote
KEPT = timedelta(minutes=10)  # older versions, for readers that still use them
WAIT = 60.0  # seconds for another process that writes
CACHE = 400 * 2**20  # bytes of the index that are kept in memory
AGAIN = "delete the folder and index again, or copy it again from where it was whole"


class Sampled(NamedTuple):
    """A row as it stands in the table."""

    id: str
    row: GalleryRow
    vector: Float32

    @property
    def is_whole(self) -> bool:
        """Whether it is what its id was made from, and its vector are numbers."""
        return self.id == self.row.id and bool(np.isfinite(self.vector).all())


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of the one process that writes to a gallery.

    Raises:
        InputError: another holds it for long, or it cannot be written.
    """
    path, since = folder / LOCK, time.monotonic()
    while True:
        with writing("the gallery's lock", path):
            file = path.open("ab")
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() - since > WAIT:
                    raise InputError(
                        "another process is writing to the gallery",
                        folder,
                        "wait until that has ended, then repeat",
                    ) from error
                time.sleep(0.05)
                continue
            # A gallery that was deleted took the file with it.
            try:
                current = os.path.samestat(path.stat(), os.fstat(file.fileno()))
            except FileNotFoundError:
                current = False
            if not current:
                continue
            yield
            return


def rows_in(folder: Path) -> int:
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
        with self._told("open"):
            session = lancedb.Session(index_cache_size_bytes=CACHE)
            base = lancedb.connect(
                folder, read_consistency_interval=FRESH, session=session
            )
            if make:
                self._table = base.create_table(
                    TABLE, schema=schema_of(width), mode="overwrite"
                )
            else:
                self._table = base.open_table(TABLE)
            found = self._table.schema
        if not found.equals(schema_of(width)):
            raise InputError(
                "cannot open the gallery: damaged: other columns", folder, AGAIN
            )

    def add(
        self,
        rows: Sequence[GalleryRow],
        vectors: Float32,
        *,
        unless: Callable[[], Collection[str]] = frozenset,
    ) -> Added:
        """Adds rows; see Gallery.

        Args:
            rows: what is added.
            vectors: theirs, (N, D).
            unless: gives ids of rows that are left out; called when no other process
                writes any more.

        Raises:
            InputError: there is no room, or another process writes for long.
        """
        if vectors.shape != (len(rows), self.width):
            raise ValueError(f"vectors {vectors.shape} of {len(rows)} x {self.width}")
        first = {row.id: k for k, row in reversed([*enumerate(rows)])}
        new = left_out = 0
        with self._writing():
            unwanted = unless()
            places = sorted(first.values())
            for start in range(0, len(places), WRITTEN):
                part = places[start : start + WRITTEN]
                self._index_ids(UNINDEXED)
                # No other process adds them meanwhile; LanceDB's merge_insert() would
                # take longer.
                there = self.known([rows[k].id for k in part])
                absent = [k for k in part if rows[k].id not in there]
                chosen = [k for k in absent if rows[k].id not in unwanted]
                if chosen:
                    batch = batch_of([rows[k] for k in chosen], vectors[chosen])
                    self._table.add(batch)
                new += len(chosen)
                left_out += len(absent) - len(chosen)
        return Added(new, len(rows) - new - left_out)

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes rows; see Gallery."""
        parts = range(0, len(ids), WRITTEN)
        conditions = [of_ids(ids[start : start + WRITTEN]) for start in parts]
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
        with self._told("read"):
            table = self._query(vector, count, wanted, exact).to_arrow()
            if wanted != ALL and len(table) < min(count, self.count(wanted)):
                # What the filters leave lies in other cells.
                table = self._query(
                    vector, count, wanted, exact, everywhere=True
                ).to_arrow()
            rows, vectors = rows_of(table), vectors_of(table, self.width)
        # Once more in double precision, so that a distance is the same by any way.
        distances = squared_distances_to(vector, vectors)
        order = sorted(range(len(rows)), key=lambda k: (distances[k], rows[k].id))
        return [Hit(rows[k], float(distances[k]), vectors[k]) for k in order]

    def _query(
        self,
        vector: Float32,
        count: int,
        wanted: Wanted,
        exact: bool | None,
        *,
        everywhere: bool = False,
    ) -> Any:
        """What search() asks LanceDB; everywhere: in all cells."""
        query = self._table.search(np.ascontiguousarray(vector, np.float32))
        query = query.distance_type("l2").limit(count)
        kept = many = self._table.count_rows()
        if condition := where(wanted):
            query = query.where(condition, prefilter=True)
            kept = self._table.count_rows(condition)
        if exact or (exact is None and many < INDEX_FROM):
            return query.bypass_vector_index()
        cells = math.isqrt(many)
        probed = max(PROBED, round(read_share(self.folder, AGAIN) * cells))
        # As many rows are compared as without the filters, from more cells.
        probed = cells if everywhere else min(cells, probed * many // max(kept, 1))
        return in_cells(query, probed, cells)

    def _choose_share(self) -> None:
        """Tries how many cells must be searched, and keeps that."""
        tried = self.sample(ASKED)
        queries = np.stack([row.vector for row in tried])
        everything = self._table.search().select(["id", "vector"])
        cells = math.isqrt(self._table.count_rows())

        def found(share: float) -> list[set[str]]:
            probed = max(PROBED, round(share * cells))
            ids = []
            for vector in queries:
                query = self._table.search(vector).distance_type("l2").select(["id"])
                query = in_cells(query.limit(NEAREST), probed, cells)
                ids.append({*query.to_arrow()["id"].to_pylist()})
            return ids

        truth = nearest_of(everything.to_batches(), queries)
        write_share(self.folder, least_share(truth, found))

    def get(self, ids: Sequence[str]) -> dict[str, tuple[GalleryRow, Float32]]:
        """Rows and their vectors by their ids, of those that are there."""
        if not ids:
            return {}
        condition = of_ids(ids)
        with self._told("read"):
            found = self._table.search().where(condition).limit(len(ids)).to_arrow()
            rows, vectors = rows_of(found), vectors_of(found, self.width)
        return {row.id: (row, v) for row, v in zip(rows, vectors, strict=True)}

    def scan(self) -> int:
        """Counts rows as they are read, for which every file of theirs is opened."""
        with self._told("read"):
            found = self._table.search().select(["id"]).to_batches()
            return sum(len(batch) for batch in found)

    def sample(self, count: int) -> list[Sampled]:
        """Reads so many rows whole, spread evenly; all where there are fewer."""
        with self._told("read"):
            rows = self._table.count_rows()
            places = sorted({k * rows // count for k in range(count)}) if rows else []
            if not places:
                return []
            found = self._table.take_offsets(places).to_arrow()
            vectors = vectors_of(found, self.width)
            ids = found["id"].to_pylist()
        return [
            Sampled(*parts) for parts in zip(ids, rows_of(found), vectors, strict=True)
        ]

    @property
    def version(self) -> int:
        """A number that changes with the rows."""
        with self._told("read"):
            return int(self._table.version)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids are there."""
        if not ids:
            return set()
        condition = of_ids(ids)
        with self._told("read"):
            query = self._table.search().where(condition).select(["id"])
            return set(query.limit(len(ids)).to_arrow()["id"].to_pylist())

    def roots(self) -> list[str]:
        """The folders, or names of data sets, that rows have; reads one of each."""
        import pyarrow.compute as pc

        found: set[str] = set()
        with self._told("read"):
            for batch in self._table.search().select(["root"]).to_batches():
                found.update(pc.unique(batch["root"]).to_pylist())
        return sorted(found)

    def vanish(self, *files: Path) -> bool:
        """Deletes the table where it has no row, and before it these files.

        The lock's file goes too, last.

        Returns: whether it has done so.
        """
        with self._writing():
            empty = bool(self._table.count_rows() == 0)
            if empty:
                for file in files:
                    file.unlink(missing_ok=True)
                shutil.rmtree(self.folder / f"{TABLE}.lance")
                (self.folder / LOCK).unlink()
        return empty

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
        from lancedb.index import IvfSq

        with self._writing():
            self._index_ids(0)
            rows = self._table.count_rows()
            self._table.optimize(cleanup_older_than=KEPT)
            wanted = rows >= INDEX_FROM
            if wanted and not self._serves(math.isqrt(rows)):
                # With num_partitions, optimize() would join cells that are small for
                # its own target, 8,192 rows, until a query is compared with all.
                size = math.isqrt(rows)
                config = IvfSq(distance_type="l2", target_partition_size=size)
                self._table.create_index("vector", config=config)
                (self.folder / SHARE).unlink(missing_ok=True)
            if wanted and not is_file(self.folder / SHARE):
                self._choose_share()

    def _index_ids(self, most: int) -> None:
        """Makes the index of ids where more rows, and a quarter of all, are in none."""
        from lancedb.index import BTree

        rows = self._table.count_rows()
        if rows <= most:
            return
        made = self._table.index_stats("id_idx")
        left = rows if made is None else int(made.num_unindexed_rows)
        if left > max(most, rows // 4):
            self._table.create_index("id", config=BTree(), replace=True)

    def _indices(self) -> dict[str, Any]:
        """What LanceDB says of the indices, by name."""
        return {index.name: index for index in self._table.list_indices()}

    def _serves(self, size: int) -> bool:
        """Whether the vectors' index is of few segments, and of cells of this size."""
        made = self._indices().get("vector_idx")
        if made is None or made.num_segments > SEGMENTS:
            return False
        cell = made.index_details.get("target_partition_size", 0)
        return bool(size / OUTGROWN <= cell <= size * OUTGROWN)

    def _indexed(self) -> int:
        stats = self._table.index_stats("vector_idx")
        return 0 if stats is None else int(stats.num_indexed_rows)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        """Holds the lock of the one process that writes."""
        with locked(self.folder), self._told("write"):
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
            for words, advice in OF_THE_SYSTEM.items():
                if words.lower() in str(error).lower():
                    what = f"cannot {verb} the gallery: {words}"
                    raise InputError(what, self.folder, advice) from error
            what = f"cannot {verb} the gallery: damaged: {plain(error, self.folder)}"
            raise InputError(what, self.folder, AGAIN) from error
