"""What the files beside data.mdb, and the data set, say must stand in it.

values.crc32 holds the CRC-32 of every record's value, 4 bytes each, little-endian.
Neither LMDB nor JPEG has a checksum of its own: a changed byte would go into
training as a slightly different photograph.
"""

import errno
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pydrdl.datasets.dataset import Image, images_sha256
from pydrdl.errors import InputError, number_of
from pydrdl.files import read_bytes
from pydrdl.lmdb import labels, pair_index
from pydrdl.lmdb.environment import AGAIN
from pydrdl.lmdb.pair_index import PairIndex, VehicleRecords
from pydrdl.strict_json import Count, Form, Positive, read_declared

T = TypeVar("T")
BUILD, CHECKSUMS_FILE = "build.json", "values.crc32"


class BuildInputs(Form):
    """build.json: what an image LMDB was built from, and how; see build_image_lmdb.

    model_ids are there where another LMDB's labels numbered the models.
    """

    images: Count
    images_sha256: str
    root: str
    size: Annotated[list[Positive], Field(min_length=2, max_length=2)] | None
    jpeg_quality: Count | None
    label: str
    num_models: Count = 0
    model_ids: list[Count] | None = None


def read_build(folder: Path) -> BuildInputs:
    """Reads build.json; InputError where it is missing or damaged."""
    path = Path(folder) / BUILD
    return read_declared(BuildInputs, path, "how the LMDB was built", AGAIN)


def read_checksums(folder: Path) -> NDArray[np.uint32]:
    """Reads values.crc32; InputError where it is missing or cut off."""
    path = Path(folder) / CHECKSUMS_FILE
    data = read_bytes(path, "the checksums", AGAIN)
    if len(data) % 4:
        raise InputError(f"{len(data)} bytes; expected 4 a record", path, AGAIN)
    return np.frombuffer(data, "<u4").astype(np.uint32)


@dataclass(frozen=True)
class Fault:
    """Something that is wrong with an image LMDB."""

    check: str  # which check found it
    what: str
    record: int | None = None  # its number; None where it is not about one
    key: str = ""  # the record's
    vehicle: int | None = None  # that it shows, as far as it is known


@dataclass(frozen=True)
class Expected:
    """What is known of an image LMDB; None where a file cannot be read."""

    index: PairIndex | None = None
    dense: labels.Labels | None = None  # None also where the index has other vehicles
    stored: str | None = None  # which label the records carry, "vehicle" or "model"
    checksums: NDArray[np.uint32] | None = None  # CRC-32 of each value
    build: BuildInputs | None = None
    images: Sequence[Image] | None = None  # in record order; None: not compared
    root: Path = Path()  # the folder that their paths are relative to

    def vehicle(self, record: int) -> VehicleRecords | None:
        """The vehicle that the pair index gives a record to."""
        vehicles = self.index.vehicles if self.index else ()
        place = bisect_right(vehicles, record, key=lambda v: v.first) - 1
        if place < 0:
            return None
        vehicle = vehicles[place]
        return vehicle if record < vehicle.first + vehicle.count else None

    def label(self, vehicle: VehicleRecords) -> int | None:
        """The label that a vehicle's records carry."""
        if self.stored == "model":
            return vehicle.model_id
        ids = self.dense.vehicle_ids if self.dense else ()
        place = bisect_right(ids, vehicle.vehicle_id) - 1
        return place if place >= 0 and ids[place] == vehicle.vehicle_id else None


def read_expected(folder: Path) -> tuple[Expected, list[Fault]]:
    """Reads and compares an LMDB's files; InputError where one may not be read."""
    faults: list[Fault] = []

    def read(what: Callable[[Path], T]) -> T | None:
        try:
            return what(folder)
        except InputError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and number_of(cause) != errno.ENOENT:
                raise  # the file may be whole
            faults.append(Fault("files", f"{Path(error.where).name}: {error.what}"))
            return None

    expected = Expected(
        index=read(lambda f: pair_index.read_pair_index(f, check=False)),
        dense=read(labels.read_labels),
        stored=read(labels.read_stored),
        checksums=read(read_checksums),
        build=read(read_build),
    )
    faults += [Fault("files", what) for what in _differ(expected)]
    if expected.dense and _vehicle_ids(expected.index) != expected.dense.vehicle_ids:
        expected = replace(expected, dense=None)
    return expected, faults


def _vehicle_ids(index: PairIndex | None) -> tuple[int, ...]:
    return tuple(vehicle.vehicle_id for vehicle in index.vehicles) if index else ()


def _differ(expected: Expected) -> Iterator[str]:
    """Yields where two of the files do not say the same."""
    index, dense, build = expected.index, expected.dense, expected.build
    counts = {}
    if index:
        counts[pair_index.FILE_NAME] = index.fingerprint.num_images
    if expected.checksums is not None:
        counts[CHECKSUMS_FILE] = len(expected.checksums)
    if build:
        counts[BUILD] = build.images
    if len(set(counts.values())) > 1:
        shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        yield f"the files disagree on the number of records: {shown}"
    if index and dense:
        shown_ids = _vehicle_ids(index)
        if shown_ids != dense.vehicle_ids:
            yield (
                f"{labels.FILE_NAME} and {pair_index.FILE_NAME} name other vehicles: "
                f"{_first_difference(dense.vehicle_ids, shown_ids)}"
            )
        if index.num_models != len(dense.model_ids):
            yield (
                f"{labels.FILE_NAME} has {len(dense.model_ids):,} models, "
                f"{pair_index.FILE_NAME} {index.num_models:,}"
            )
    if build and expected.stored not in (None, build.label):
        yield (
            f"{labels.FILE_NAME} says records carry the {expected.stored}, "
            f"{BUILD} the {build.label}"
        )


def _first_difference(one: Sequence[int], other: Sequence[int]) -> str:
    if len(one) != len(other):
        return f"{len(one):,} and {len(other):,}"
    place = next(k for k in range(len(one)) if one[k] != other[k])
    return f"label {place} is vehicle {one[place]} and {other[place]}"


def with_dataset(
    expected: Expected,
    images: Iterable[Image],
    root: Path,
    num_models: int,
    *,
    labelled_only: bool = False,
) -> tuple[Expected, list[Fault]]:
    """Adds the data set's images, and compares its lists with the files.

    Arguments and errors are those of verify_image_lmdb.
    """
    build, faults = expected.build, []
    model_ids = build.model_ids if build else None
    if model_ids is not None:
        images = labels.with_known_models(
            images, model_ids, labelled_only=labelled_only
        )
    ordered = sorted(images, key=lambda image: image.vehicle_id)
    dense = labels.dense_labels(ordered, num_models, model_ids)
    if build and build.images_sha256 != images_sha256(ordered):
        faults.append(
            f"built from another list: {build.images:,} images then, "
            f"{len(ordered):,} in this split (or others, or other ids)"
        )
    if expected.dense and expected.dense != dense:
        faults.append(f"{labels.FILE_NAME} does not stand for this data set's ids")
    known = replace(expected, images=ordered, root=Path(root))
    return known, [Fault("data set", what) for what in faults]
