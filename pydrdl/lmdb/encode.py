"""An image LMDB's records: of one image, or of many by the workers of a cluster."""

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import cv2

from pydrdl import messages
from pydrdl.arrays import Pixels
from pydrdl.cluster import Cluster, drawn_photograph
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import Note, decode, pass_on, read_image, resized
from pydrdl.parallel import in_batches

Record = tuple[bytes, bytes]  # key and value
GROUP = 32  # records that a worker is handed at a time
MAX_KEY = 511  # bytes; LMDB's own limit


class Wanted(NamedTuple):
    """A record to make."""

    record: int
    image: Image
    label: int


@dataclass(frozen=True)
class Encoding:
    """How records are made of images; a cluster.Task over groups of them.

    Attributes:
        root: the folder of the images.
        size: (height, width) in pixels; None keeps each image's own.
        jpeg_quality: 1 to 100; None stores pixels.
        key: of this run.
    """

    root: Path
    size: tuple[int, int] | None
    jpeg_quality: int | None
    key: str = field(default_factory=lambda: uuid.uuid4().hex)

    def record(self, wanted: Wanted, note: Note | None = None) -> Record:
        """Reads an image and makes its record."""
        pixels = read_image(self.root, wanted.image, self.size, note)
        datum = to_datum(pixels, wanted.label, self.jpeg_quality)
        return record_key(wanted.record, wanted.image), datum.SerializeToString()

    def prepare(self) -> str:
        """SHA-256 of what becomes of a drawn photograph."""
        pixels = decode(drawn_photograph()).pixels
        if self.size is not None:
            pixels = resized(pixels, self.size)
        datum = to_datum(pixels, 0, self.jpeg_quality)
        return hashlib.sha256(datum.SerializeToString()).hexdigest()

    def __call__(
        self, group: Sequence[Wanted]
    ) -> tuple[list[Record], list[tuple[Image, str]]]:
        """Makes records, and says what there was to note of their images."""
        noted: list[tuple[Image, str]] = []
        made = [self.record(one, lambda *said: noted.append(said)) for one in group]
        return made, noted


def spread(
    cluster: Cluster, encoding: Encoding, wanted: Iterable[Wanted], note: Note | None
) -> Iterator[Record]:
    """Yields records in order, made by the workers of a cluster.

    Raises:
        InputError: as read_image does, and what Cluster.in_order refuses.
    """
    groups = in_batches(wanted, GROUP)
    for records, noted in cluster.in_order(encoding, encoding.prepare(), groups):
        pass_on(noted, note)
        yield from records


def record_key(record: int, image: Image) -> bytes:
    """The key of an image's record: its number, then its path."""
    return f"{record:08d}_{image.path}".encode()[:MAX_KEY]


def to_datum(pixels: Pixels, label: int, jpeg_quality: int | None) -> messages.Datum:
    """Packs pixels, height x width x 3, uint8, BGR, as Caffe's Data layer reads them.

    jpeg_quality, 1 to 100, is that of an encoded Datum; None stores the pixels as
    channels x height x width.
    """
    height, width, channels = pixels.shape
    datum = messages.Datum(channels=channels, height=height, width=width, label=label)
    if jpeg_quality is None:
        datum.data = b"".join(plane.data for plane in cv2.split(pixels))
    else:
        quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
        datum.data = cv2.imencode(".jpg", pixels, quality)[1].tobytes()
        datum.encoded = True
    return datum
