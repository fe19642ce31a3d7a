"""Data sets, photographs and features into a gallery: what is new of them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import Note, read_image
from pydrdl.errors import InputError
from pydrdl.features.extract import Extractor
from pydrdl.features.file import FeaturePieces, check_features
from pydrdl.gallery.folder import GalleryFolder, Origin
from pydrdl.gallery.photographs import NONE, Labels, time_taken
from pydrdl.gallery.rows import GalleryRow
from pydrdl.parallel import Progress, in_batches, in_order, unseen

AT_ONCE = 512  # rows that are computed before they are added


@dataclass
class Filled:
    """What became of images that were to be indexed."""

    new: int = 0
    known: int = 0  # were there before, and stayed as they were
    unreadable: list[InputError] = field(default_factory=list)  # and were left out


def add_features(
    gallery: GalleryFolder,
    content: FeaturePieces,
    where: Path,
    *,
    root: Path | None = None,
    labels: Labels = NONE,
    progress: Progress = unseen,
) -> Filled:
    """Adds what a features file holds.

    Args:
        gallery: which.
        content: the file.
        where: its path, for messages.
        root: the folder that its image names are relative to, so that images can be
            shown; None: unknown.
        labels: what else is known of the images.
        progress: shows how far it is.

    Raises:
        InputError: features of another net, features that cannot be ranked, or what
            the gallery refuses.
    """
    rows, width, pieces = content
    gallery.check(Origin.of(rows.source), width, where)
    folder = rows.source.dataset if root is None else str(Path(root).resolve())
    filled, start = Filled(), 0
    for piece in progress(pieces, "rows", -(-len(rows.names) // 4096)):
        part = slice(start, start + len(piece))
        start += len(piece)
        check_features(piece, rows.names[part], where)
        ids = (rows.vehicle_ids, rows.model_ids, rows.camera_ids)
        numbers = zip(*(values[part].tolist() for values in ids), strict=True)
        added = gallery.rows.add(
            [
                row_of(Image(name, *three), folder, labels)
                for name, three in zip(rows.names[part], numbers, strict=True)
            ],
            piece,
        )
        filled.new += added.new
        filled.known += added.known
    return filled


def add_images(
    gallery: GalleryFolder,
    extractor: Extractor,
    images: Sequence[Image],
    root: Path,
    *,
    batch: int = 32,
    labels: Labels = NONE,
    ask_camera: bool = False,
    progress: Progress = unseen,
    note: Note | None = None,
) -> Filled:
    """Computes the features of those images that are not there yet, and adds them.

    Args:
        gallery: which.
        extractor: the gallery's net.
        images: data set's or photographs.
        root: the folder that their paths are relative to.
        batch: images of one forward pass.
        labels: what else is known of the images.
        ask_camera: take times that labels do not give from the photographs (Exif).
        progress: shows how far it is.
        note: is told of images whose damage leaves them decodable.

    Raises:
        InputError: an extractor of another net, features that cannot be ranked, or
            what the gallery refuses.
    """
    gallery.check(Origin.of(extractor.source), extractor.width, extractor.source.net)
    folder, filled = str(Path(root).resolve()), Filled()
    size = (extractor.preprocess.resize,) * 2

    def unknown() -> Iterator[GalleryRow]:
        for some in in_batches(progress(images, "images", len(images)), AT_ONCE):
            rows = [row_of(image, folder, labels) for image in some]
            there = gallery.rows.known([row.id for row in rows])
            filled.known += len(there)
            yield from (row for row in rows if row.id not in there)

    def decode(row: GalleryRow) -> tuple[GalleryRow, Float32 | InputError]:
        try:
            pixels = read_image(Path(root), row.image, size, note)
        except InputError as error:
            return row, error
        if ask_camera and row.time is None:
            taken = time_taken(Path(root) / row.image.path)
            row = GalleryRow(row.root, row.image, taken)
        return row, extractor.preprocess(pixels)

    def readable() -> Iterator[tuple[GalleryRow, Float32]]:
        for row, pixels in in_order(decode, unknown(), None, 4 * batch):
            if isinstance(pixels, InputError):
                filled.unreadable.append(pixels)
            else:
                yield row, pixels

    for some in in_batches(_computed(readable(), extractor, batch), AT_ONCE):
        vectors = np.stack([vector for _, vector in some])
        added = gallery.rows.add([row for row, _ in some], vectors)
        filled.new += added.new
        filled.known += added.known
    return filled


def row_of(image: Image, root: str, labels: Labels = NONE) -> GalleryRow:
    """The row of an image, with what a table says of it.

    Raises:
        InputError: its name is not UTF-8, so that no database takes it.
    """
    try:
        image.path.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            "an image's name is not UTF-8", image.path, "rename it, then repeat"
        ) from error
    return GalleryRow(root, labels.of(image), labels.times.get(image.path))


def _computed(
    items: Iterable[tuple[GalleryRow, Float32]], extractor: Extractor, batch: int
) -> Iterator[tuple[GalleryRow, Float32]]:
    """Yields rows with their features."""
    iterator = iter(items)
    for first in iterator:
        rows, inputs = zip(*chain([first], islice(iterator, batch - 1)), strict=True)
        features = extractor(inputs, [row.image.path for row in rows])
        yield from zip(rows, features, strict=True)
