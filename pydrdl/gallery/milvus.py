"""A gallery in Milvus: a cluster of machines answers what one machine cannot.

The same rows and four methods as LanceGallery's, over gRPC. What add() has returned for
is in Milvus's log; how that is kept is a matter of how the cluster is set up.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.errors import InputError
from pydrdl.gallery.extra import import_pymilvus
from pydrdl.gallery.rows import (
    ALL,
    ID_BYTES,
    Added,
    GalleryRow,
    Hit,
    Wanted,
    squared_distances_to,
)

AT_ONCE = 1000  # rows of a message, which has at most 64 MB
LONGEST = 65_535  # bytes of a path
NUMBERS = ("vehicle_id", "model_id", "camera_id")
SECONDS = 30.0  # that an answer is waited for


class MilvusGallery:
    """See Gallery, whose four methods these are.

    Args:
        address: such as http://10.0.0.1:19530.
        collection: its name in Milvus.
        width: values of a vector.
        make: make an empty one; otherwise it must be there.
        token: as Milvus has it, "user:password"; "" none.

    Raises:
        InputError: pymilvus is not installed, nothing answers, or the collection is
            not there, is there already, or is of another width.
    """

    def __init__(
        self,
        address: str,
        collection: str,
        width: int,
        *,
        make: bool = False,
        token: str = "",
    ) -> None:
        pymilvus = import_pymilvus()
        self._error = pymilvus.MilvusException
        self._where, self._name = f"{address}, {collection}", collection
        self.width = width
        with self._told("open"):
            self._client = pymilvus.MilvusClient(address, token=token, timeout=SECONDS)
            there = self._client.has_collection(collection)
        if make and there:
            raise InputError(
                "the collection is there already", self._where, "give another name"
            )
        if not make and not there:
            raise InputError("no such collection", self._where, "check the name")
        with self._told("open"):
            if make:
                self._make(pymilvus)
            self._client.load_collection(collection)
            fields = self._client.describe_collection(collection)["fields"]
        found = [f["params"].get("dim") for f in fields if f["name"] == "vector"]
        if found != [width]:
            raise InputError(
                f"the collection has vectors of {found} values, not {width}",
                self._where,
                "give the collection that was made for this net",
            )

    def _make(self, pymilvus: Any) -> None:
        kind = pymilvus.DataType
        schema = self._client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("id", kind.VARCHAR, max_length=2 * ID_BYTES, is_primary=True)
        schema.add_field("vector", kind.FLOAT_VECTOR, dim=self.width)
        for name in ("root", "path"):
            schema.add_field(name, kind.VARCHAR, max_length=LONGEST)
        for name in NUMBERS:
            schema.add_field(name, kind.INT64)
        schema.add_field("time", kind.DOUBLE, nullable=True)
        schema.add_field(
            "box",
            kind.ARRAY,
            element_type=kind.INT32,
            max_capacity=4,
            nullable=True,
        )
        index = self._client.prepare_index_params()
        index.add_index("vector", index_type="AUTOINDEX", metric_type="L2")
        # Strong: what was added is found by whoever asks next.
        self._client.create_collection(
            self._name, schema=schema, index_params=index, consistency_level="Strong"
        )

    def add(self, rows: Sequence[GalleryRow], vectors: Float32) -> Added:
        """Adds rows; see Gallery.

        Raises:
            InputError: Milvus refuses them, or does not answer.
        """
        if vectors.shape != (len(rows), self.width):
            raise ValueError(f"vectors {vectors.shape} of {len(rows)} x {self.width}")
        first = {row.id: k for k, row in reversed([*enumerate(rows)])}
        there = self._known([*first])
        places = sorted(k for name, k in first.items() if name not in there)
        with self._told("write"):
            for start in range(0, len(places), AT_ONCE):
                some = [
                    _as_entity(rows[k], vectors[k])
                    for k in places[start : start + AT_ONCE]
                ]
                # Not insert: who adds the same row at the same time makes one of it.
                self._client.upsert(self._name, some)
        return Added(len(places), len(rows) - len(places))

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes rows; see Gallery."""
        there = sorted(self._known([*dict.fromkeys(ids)]))
        with self._told("write"):
            for start in range(0, len(there), AT_ONCE):
                self._client.delete(self._name, ids=there[start : start + AT_ONCE])
        return len(there)

    def count(self, wanted: Wanted = ALL) -> int:
        """Counts rows; see Gallery."""
        with self._told("read"):
            (found,) = self._client.query(
                self._name, filter=condition(wanted), output_fields=["count(*)"]
            )
        return int(found["count(*)"])

    def search(self, vector: Float32, count: int, wanted: Wanted = ALL) -> list[Hit]:
        """Finds the nearest rows; see Gallery."""
        with self._told("read"):
            (found,) = self._client.search(
                self._name,
                [np.asarray(vector, np.float32).tolist()],
                limit=count,
                filter=condition(wanted),
                output_fields=["vector", "root", "path", *NUMBERS, "time", "box"],
            )
        entities = [hit["entity"] for hit in found]
        rows = [_as_row(entity) for entity in entities]
        vectors = np.array([entity["vector"] for entity in entities], np.float32)
        vectors = vectors.reshape(-1, self.width)
        # Once more in double precision, so that a distance is the same by any way.
        distances = squared_distances_to(vector, vectors)
        order = sorted(range(len(rows)), key=lambda k: (distances[k], rows[k].id))
        return [Hit(rows[k], float(distances[k]), vectors[k]) for k in order]

    def _known(self, ids: Sequence[str]) -> set[str]:
        """Which of these ids are there."""
        found: set[str] = set()
        with self._told("read"):
            for start in range(0, len(ids), AT_ONCE):
                some = [*ids[start : start + AT_ONCE]]
                there = self._client.query(self._name, ids=some, output_fields=["id"])
                found.update(entity["id"] for entity in there)
        return found

    @contextlib.contextmanager
    def _told(self, verb: str) -> Iterator[None]:
        """Turns Milvus's errors in its block into InputError."""
        try:
            yield
        except self._error as error:
            what = f"cannot {verb} the collection: {' '.join(str(error).split())}"
            advice = "check the address, and Milvus's own log"
            raise InputError(what, self._where, advice) from error


def condition(wanted: Wanted) -> str:
    """Filters as Milvus writes them; "" where all rows are wanted."""
    return " and ".join(
        f"{column} {operator} "
        + (repr([*values]) if isinstance(values, tuple) else repr(values))
        for column, operator, values in wanted.terms()
    )


def _as_entity(row: GalleryRow, vector: Float32) -> dict[str, Any]:
    image = row.image
    return {
        "id": row.id,
        "vector": np.asarray(vector, np.float32).tolist(),
        "root": row.root,
        "path": image.path,
        "vehicle_id": image.vehicle_id,
        "model_id": image.model_id,
        "camera_id": image.camera_id,
        "time": row.time,
        "box": None if image.box is None else [*image.box],
    }


def _as_row(entity: dict[str, Any]) -> GalleryRow:
    box = entity["box"]
    image = Image(
        entity["path"],
        entity["vehicle_id"],
        entity["model_id"],
        entity["camera_id"],
        None if box is None else tuple(box),
    )
    return GalleryRow(entity["root"], image, entity["time"])
