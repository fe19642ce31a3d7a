"""What must hold of one record of an image LMDB."""

import zlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from pydrdl import messages
from pydrdl.datasets.decoding import decode as decode_image
from pydrdl.datasets.images import read_image
from pydrdl.datasets.types import Image
from pydrdl.errors import InputError
from pydrdl.records import datum
from pydrdl.records.expected import Expected, Fault
from pydrdl.records.pair_index import Vehicle

# Grey levels that a JPEG may differ from another library's of the same
# pixels, on average. Another photograph differs by tens.
JPEG_TOLERANCE = 2.0


def check_record(
    expected: Expected, record: int, key: bytes, value: bytes
) -> list[Fault]:
    """Returns what is wrong with a record.

    Args:
        expected: what it should be.
        record: its number, as its key says.
        key: its key.
        value: its value.
    """
    vehicle = expected.vehicle(record)
    return [
        Fault(
            check,
            what,
            record,
            key.decode(errors="replace"),
            vehicle.vehicle_id if vehicle else None,
        )
        for check, what in _faults(expected, record, vehicle, key, value)
    ]


def _faults(
    expected: Expected, record: int, vehicle: Vehicle | None, key: bytes, value: bytes
) -> Iterator[tuple[str, str]]:
    sums = expected.checksums
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
        _check_form(expected, message)
    except ValueError as error:
        yield "images", str(error)
        return
    if expected.images is None or record >= len(expected.images):
        return
    image = expected.images[record]
    if key != datum.record_key(record, image):
        yield "data set", f"the data set has {image.path} here"
        return
    if vehicle is not None and vehicle.vehicle_id != image.vehicle_id:
        yield "data set", f"the data set says vehicle {image.vehicle_id}"
    yield from _against_source(expected, image, message, pixels)


def decode(message: messages.Datum) -> NDArray[np.uint8]:
    """Decodes a Datum to height x width x 3, uint8, BGR.

    Raises:
        ValueError: it holds no image, or one of another size than it says.
    """
    shape = message.height, message.width, message.channels
    if not message.encoded:
        data = np.frombuffer(message.data, np.uint8)
        if data.size != np.prod(shape) or not data.size:
            raise ValueError(
                f"{data.size:,} bytes of pixels; its size is {_size(shape)}"
            )
        planes = data.reshape(message.channels, message.height, message.width)
        return planes.transpose(1, 2, 0)
    pixels = decode_image(message.data).pixels
    if pixels.shape != shape:
        raise ValueError(
            f"decodes to {_size(pixels.shape)}; its size is {_size(shape)}"
        )
    return pixels


def _check_form(expected: Expected, message: messages.Datum) -> None:
    """Raises ValueError where a Datum is not stored as build.json says."""
    if expected.build is None:
        return
    encoded, size = expected.build["jpeg_quality"] is not None, expected.build["size"]
    if message.encoded != encoded:
        form = {True: "an encoded image", False: "pixels"}
        raise ValueError(
            f"holds {form[message.encoded]}; build.json says {form[encoded]}"
        )
    if size and [message.height, message.width] != size:
        raise ValueError(
            f"is {message.height} x {message.width}; build.json says {_size(size)}"
        )


def _against_source(
    expected: Expected,
    image: Image,
    message: messages.Datum,
    pixels: NDArray[np.uint8],
) -> Iterator[tuple[str, str]]:
    """Makes the record again from its photograph."""
    if expected.build is None:
        return
    size, quality = expected.build["size"], expected.build["jpeg_quality"]
    try:
        source = read_image(expected.root, image, tuple(size) if size else None)
    except InputError as error:
        yield "pixels", f"no source to compare with: {error.what} ({error.where})"
        return
    fresh = datum.to_datum(source, message.label, quality)
    if fresh.data == message.data:
        return
    wanted = decode(fresh)
    if wanted.shape != pixels.shape:
        yield "pixels", f"{_size(pixels.shape)}; the source is {_size(wanted.shape)}"
        return
    difference = float(cv2.absdiff(wanted, np.ascontiguousarray(pixels)).mean())
    if quality is None or difference > JPEG_TOLERANCE:
        yield "pixels", f"differs from {image.path} by {difference:.2g} of 255"


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
