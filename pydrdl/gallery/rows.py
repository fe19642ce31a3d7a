"""What a gallery holds, what may be asked of it, and the four methods of any."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from pydrdl.arrays import Float32, Float64
from pydrdl.datasets.dataset import Image

ID_BYTES = 8


@dataclass(frozen=True, slots=True)
class GalleryRow:
    """One photograph of one vehicle."""

    # The folder that image.path is relative to; for features of which it is not
    # known, the name of their data set.
    root: str
    image: Image  # path, ids (a vehicle that is not known is -1) and crop box
    time: float | None = None  # seconds since 1970 (UTC); None unknown

    @property
    def photograph(self) -> Path | None:
        """Where the photograph lies; None where its folder is not known."""
        folder = Path(self.root)
        return folder / self.image.path if folder.is_absolute() else None

    @property
    def id(self) -> str:
        """16 hexadecimal digits: the same photograph and box has the same."""
        image = self.image
        text = "\0".join((self.root, image.path, repr(image.box)))
        data = text.encode(errors="surrogateescape")
        return hashlib.blake2b(data, digest_size=ID_BYTES).hexdigest()


class Hit(NamedTuple):
    """A row that was found."""

    row: GalleryRow
    distance: float  # squared Euclidean, to the query
    vector: Float32  # (D,) the row's features


@dataclass(frozen=True)
class Wanted:
    """Which rows may be found; all unless something is said.

    Raises:
        ValueError: since is later than until.
    """

    cameras: Sequence[int] = ()  # of these only
    models: Sequence[int] = ()
    vehicles: Sequence[int] = ()
    not_cameras: Sequence[int] = ()  # of none of these
    not_vehicles: Sequence[int] = ()
    # Taken then or later, in seconds since 1970; rows without a time are not found
    # where one is asked for.
    since: float | None = None
    until: float | None = None  # taken then or before

    def __post_init__(self) -> None:
        ends = [end for end in (self.since, self.until) if end is not None]
        if ends != sorted(ends):
            raise ValueError("since is later than until")

    def terms(self) -> Iterator[tuple[str, str, tuple[int, ...] | float]]:
        """Yields (column, operator, numbers), all of which must hold.

        Operators are "in", "not in", ">=" and "<=". Nothing but numbers comes
        out, so that no text of a user's becomes part of a database's query.
        """
        for column, operator, values in (
            ("camera_id", "in", self.cameras),
            ("model_id", "in", self.models),
            ("vehicle_id", "in", self.vehicles),
            ("camera_id", "not in", self.not_cameras),
            ("vehicle_id", "not in", self.not_vehicles),
        ):
            if values:
                yield column, operator, tuple(map(int, values))
        if self.since is not None:
            yield "time", ">=", float(self.since)
        if self.until is not None:
            yield "time", "<=", float(self.until)


ALL = Wanted()


class Added(NamedTuple):
    """What became of rows that were to be added."""

    new: int
    known: int  # their ids were there before, and stayed as they were


@dataclass(frozen=True)
class Summary:
    """What a gallery holds."""

    rows: int
    vehicles: int  # distinct ids of those that are known
    cameras: dict[int, int] = field(default_factory=dict)  # rows of each that is known
    models: dict[int, int] = field(default_factory=dict)  # the same
    times: tuple[float, float] | None = None  # first and last, where any is known
    indexed: int = 0  # rows in the index; the others are compared one by one


class Gallery(Protocol):
    """Features that can be searched, wherever they lie.

    What add() has returned for is kept, whatever is killed afterwards.
    """

    def add(self, rows: Sequence[GalleryRow], vectors: Float32) -> Added:
        """Adds rows whose ids are not there yet; vectors are (N, D)."""

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes rows; how many there were."""

    def search(self, vector: Float32, count: int, wanted: Wanted = ALL) -> list[Hit]:
        """The nearest rows, at most so many, nearest first."""

    def count(self, wanted: Wanted = ALL) -> int:
        """How many rows there are of those wanted."""


def squared_distances_to(vector: Float32, rows: Float32) -> Float64:
    """Squared Euclidean distances (N,) in double precision, from (D,) to (N, D)."""
    apart = rows.astype(np.float64) - vector.astype(np.float64)
    return np.asarray(np.square(apart).sum(axis=1))
