"""Reads an image LMDB again and holds it against all that is known of it.

Its folder says what must stand in it, see expected.py. With the data set that it was
built from, its images are made again and compared.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import cv2
import lmdb
import numpy as np
from google.protobuf.message import DecodeError

from pydrdl import messages
from pydrdl.arrays import Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import decode as decode_image
from pydrdl.datasets.images import read_image
from pydrdl.errors import InputError
from pydrdl.files import is_file
from pydrdl.lmdb import pair_index
from pydrdl.lmdb.encode import record_key, to_datum
from pydrdl.lmdb.environment import DATA, to_read, walk
from pydrdl.lmdb.expected import (
    BuildInputs,
    Expected,
    Fault,
    read_expected,
    with_dataset,
)
from pydrdl.lmdb.pair_index import VehicleRecords
from pydrdl.parallel import Progress, in_order, unseen

SCHEMA = "drdl.verify_lmdb/1"
KEPT = 1000  # faults that are kept word for word; all are counted
# Grey levels that a JPEG may differ from another library's of the same pixels, on
# average. Another photograph differs by tens.
JPEG_TOLERANCE = 2.0
Record = tuple[int, bytes, bytes]  # number, key, value


@dataclass
class LmdbVerification:
    """What was found."""

    folder: Path
    records: int = 0  # that were read
    # How many things each check looked at; one that could not be made is missing.
    checked: dict[str, int] = field(default_factory=dict)
    faulty: dict[str, int] = field(default_factory=dict)  # faults that each check found
    faults: list[Fault] = field(default_factory=list)  # the first KEPT of them

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faulty

    def add(self, faults: Iterable[Fault]) -> None:
        """Counts faults and keeps the first."""
        for fault in faults:
            self.faulty[fault.check] = self.faulty.get(fault.check, 0) + 1
            if len(self.faults) < KEPT:
                self.faults.append(fault)

    def to_json(self) -> dict[str, object]:
        """All of it, for machines."""
        return {
            "schema": SCHEMA,
            "lmdb": str(self.folder),
            "whole": self.whole,
            "records": self.records,
            "checked": self.checked,
            "faulty": self.faulty,
            "faults": [asdict(fault) for fault in self.faults],
        }


def verify_image_lmdb(
    folder: Path,
    images: Iterable[Image] | None = None,
    root: Path = Path(),
    *,
    num_models: int = 0,
    labelled_only: bool = False,
    workers: int | None = None,
    progress: Progress = unseen,
) -> LmdbVerification:
    """Reads every record of an image LMDB against what must stand there.

    Args:
        folder: as build_image_lmdb makes it.
        images: those it was built from, in any order; None: not compared.
        root: the folder that their paths are relative to.
        num_models: as in Dataset.
        labelled_only: it was built without those whose model it has no label for.
        workers: threads; None takes one a processor.
        progress: shows how far it is.

    Raises:
        InputError: there is no data.mdb, or the images cannot be labelled.
    """
    folder = Path(folder)
    if not is_file(folder / DATA):
        what = "no image LMDB: there is no data.mdb"
        advice = "check the path; a build that is not done lies in a folder .partial"
        raise InputError(what, folder, advice)
    expected, faults = read_expected(folder)
    if images is not None:
        expected, more = with_dataset(
            expected, images, root, num_models, labelled_only=labelled_only
        )
        faults += more
    way = walk(folder)
    found = LmdbVerification(folder, way.records, {"files": 4, "data.mdb": 1})
    found.add(faults)
    if way.damage:
        found.add([Fault("data.mdb", way.damage, way.records)])
        return found
    with to_read(folder) as environment:
        found.add(_fingerprint_faults(environment, expected))
        records = _numbered(environment, expected, found)
        task = partial(_check_record, expected)
        shown = progress(in_order(task, records, workers), "images", way.records)
        for part in shown:
            found.add(part)
    found.checked |= _looked_at(expected, way.records)
    return found


def _fingerprint_faults(
    environment: lmdb.Environment, expected: Expected
) -> Iterator[Fault]:
    if expected.index is None:
        return
    held, found = expected.index.fingerprint, pair_index.fingerprint(environment)
    if held != found:
        other = f"{pair_index.FILE_NAME} is not of this data.mdb: it holds {held}, "
        yield Fault("index", f"{other}data.mdb gives {found}")


def _numbered(
    environment: lmdb.Environment, expected: Expected, found: LmdbVerification
) -> Iterator[Record]:
    """Yields the records whose keys number them rightly; adds the others' faults."""
    count = environment.stat()["entries"]
    if expected.index:
        count = expected.index.fingerprint.num_images
    wanted = 0
    with environment.begin() as transaction:
        for key, value in transaction.cursor():
            head, _, _ = key.partition(b"_")
            number = int(head) if len(head) == 8 and head.isdigit() else -1
            if not wanted <= number < count:
                found.add([_extra(key, number, wanted, count)])
                continue
            found.add(_missing(expected, range(wanted, number)))
            wanted = number + 1
            yield number, key, value
    found.add(_missing(expected, range(wanted, count)))


def _extra(key: bytes, number: int, wanted: int, count: int) -> Fault:
    if number < 0:
        what = "the key does not begin with 8 digits and _"
    elif number < wanted:
        what = f"a second record of number {number}"
    else:
        what = f"a record too many; the last is {count - 1}"
    shown = number if number >= 0 else None
    return Fault("keys", what, shown, key.decode(errors="replace"))


def _missing(expected: Expected, records: Iterable[int]) -> Iterator[Fault]:
    for record in records:
        vehicle = expected.vehicle(record)
        vehicle_id = vehicle.vehicle_id if vehicle else None
        yield Fault("keys", "the record is missing", record, vehicle=vehicle_id)


def _looked_at(expected: Expected, records: int) -> dict[str, int]:
    """How many things the checks of the records looked at."""
    known = {
        "index": 1 if expected.index else 0,
        "keys": records,
        "checksums": records if expected.checksums is not None else 0,
        "images": records,
        "labels": records if expected.index and expected.dense else 0,
        "data set": records if expected.images is not None else 0,
        "pixels": records if expected.images is not None and expected.build else 0,
    }
    return {check: count for check, count in known.items() if count}


def _check_record(expected: Expected, found: Record) -> list[Fault]:
    """What is wrong with a record."""
    record, key, _ = found
    vehicle = expected.vehicle(record)
    vehicle_id = vehicle.vehicle_id if vehicle else None
    return [
        Fault(check, what, record, key.decode(errors="replace"), vehicle_id)
        for check, what in _faults(expected, vehicle, found)
    ]


def _faults(
    expected: Expected, vehicle: VehicleRecords | None, found: Record
) -> Iterator[tuple[str, str]]:
    (record, key, value), sums = found, expected.checksums
    if sums is not None and record < len(sums) and zlib.crc32(value) != sums[record]:
        yield "checksums", "the value is not the one that was written"
    try:
        message = messages.Datum.FromString(value)
    except DecodeError:
        yield "images", "the value is no Datum"
        return
    label = expected.label(vehicle) if vehicle else None
    if label is not None and message.label != label:
        yield "labels", f"label {message.label}; its vehicle has {label}"
    try:
        pixels = decode(message)
        if expected.build is not None:
            _check_form(expected.build, message)
    except ValueError as error:
        yield "images", str(error)
        return
    if expected.images is None or record >= len(expected.images):
        return
    image = expected.images[record]
    if key != record_key(record, image):
        yield "data set", f"the data set has {image.path} here"
        return
    if vehicle is not None and vehicle.vehicle_id != image.vehicle_id:
        yield "data set", f"the data set says vehicle {image.vehicle_id}"
    yield from _against_source(expected, image, message, pixels)


def decode(message: messages.Datum) -> Pixels:
    """Decodes a Datum to height x width x 3, uint8, BGR.

    Raises:
        ValueError: it holds no image, or one of another size than it says.
    """
    shape = message.height, message.width, message.channels
    if not message.encoded:
        data = np.frombuffer(message.data, np.uint8)
        if data.size != np.prod(shape) or not data.size:
            what = f"{data.size:,} bytes of pixels"
            raise ValueError(f"{what}; its size is {_size(shape)}")
        planes = data.reshape(message.channels, message.height, message.width)
        return planes.transpose(1, 2, 0)
    pixels = decode_image(message.data).pixels
    if pixels.shape != shape:
        what = f"decodes to {_size(pixels.shape)}"
        raise ValueError(f"{what}; its size is {_size(shape)}")
    return pixels


def _check_form(build: BuildInputs, message: messages.Datum) -> None:
    """Raises ValueError where a Datum is not stored as build.json says."""
    encoded, form = build.jpeg_quality is not None, ("pixels", "an encoded image")
    if message.encoded != encoded:
        what = f"holds {form[message.encoded]}"
        raise ValueError(f"{what}; build.json says {form[encoded]}")
    size = [message.height, message.width]
    if build.size and size != build.size:
        raise ValueError(f"is {_size(size)}; build.json says {_size(build.size)}")


def _against_source(
    expected: Expected, image: Image, message: messages.Datum, pixels: Pixels
) -> Iterator[tuple[str, str]]:
    """Makes the record again from its photograph."""
    if expected.build is None:
        return
    size, quality = expected.build.size, expected.build.jpeg_quality
    try:
        source = read_image(expected.root, image, (size[0], size[1]) if size else None)
    except InputError as error:
        yield "pixels", f"no source to compare with: {error.what} ({error.where})"
        return
    again = to_datum(source, message.label, quality)
    if again.data == message.data:
        return
    wanted = decode(again)
    if wanted.shape != pixels.shape:
        yield "pixels", f"{_size(pixels.shape)}; the source is {_size(wanted.shape)}"
        return
    difference = float(cv2.absdiff(wanted, np.ascontiguousarray(pixels)).mean())
    if quality is None or difference > JPEG_TOLERANCE:
        yield "pixels", f"differs from {image.path} by {difference:.2g} of 255"


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
