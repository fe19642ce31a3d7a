"""Data sets, photographs and features into a gallery: what is new of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from pydrdl.arrays import Float32
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import Note, read_image
from pydrdl.errors import InputError
from pydrdl.features.extract import Extractor
from pydrdl.features.file import PIECE, FeaturePieces, check_features
from pydrdl.gallery.folder import GalleryFolder, Origin
from pydrdl.gallery.photographs import NONE, Labels, time_taken
from pydrdl.gallery.rows import GalleryRow, squared_distances_to
from pydrdl.parallel import Progress, in_batches, in_order, unseen

AT_ONCE = 512  # rows that are computed before they are added
# Of two features of one photograph, half precision being one of them: their squared
# distance over the square of their length.
SAME = 1e-5


@dataclass
class Filled:
    """What became of images that were to be indexed."""

    new: int = 0
    known: int = 0  # were there before, and stayed as they were
    # Of those known, how many have another root, by that.
    elsewhere: Counter[str] = field(default_factory=Counter)
    deleted: int = 0  # had been deleted, and stay so
    unreadable: list[InputError] = field(default_factory=list)  # and were left out


class Filler:
    """Adds rows to a gallery, but those that are there under another root.

    The same features with and without a root, or of a folder that was moved, are the
    same photographs; those of another folder that have the same names are not.

    Args:
        gallery: which.
        root: that rows to be added have.
        restore: add what was deleted, too.
    """

    def __init__(self, gallery: GalleryFolder, root: str, *, restore: bool) -> None:
        _refuse_name(root)
        self._rows = gallery.rows
        self._others = [other for other in gallery.rows.roots() if other != root]
        self._unwanted = frozenset if restore else gallery.deleted
        self._deleted = self._unwanted()
        self.filled = Filled()

    def unknown(self, rows: Sequence[GalleryRow]) -> list[int]:
        """Positions of those rows that are not there, and have not been deleted."""
        there = self._rows.known([row.id for row in rows])
        self.filled.known += len(there)
        new = [k for k, row in enumerate(rows) if row.id not in there]
        kept = [k for k in new if rows[k].id not in self._deleted]
        self.filled.deleted += len(new) - len(kept)
        return kept

    def add(self, rows: Sequence[GalleryRow], vectors: Float32) -> None:
        """Adds rows with their vectors (N, D)."""
        elsewhere = self._elsewhere(rows, vectors)
        self.filled.elsewhere.update(elsewhere.values())
        chosen = [k for k in range(len(rows)) if k not in elsewhere]
        added = self._rows.add(
            [rows[k] for k in chosen], vectors[chosen], unless=self._unwanted
        )
        self.filled.new += added.new
        self.filled.known += added.known + len(elsewhere)
        self.filled.deleted += len(chosen) - added.new - added.known

    def _elsewhere(
        self, rows: Sequence[GalleryRow], vectors: Float32
    ) -> dict[int, str]:
        """Other roots of rows whose name and features are there, by position."""
        found: dict[int, str] = {}
        for other in self._others:
            ids = {replace(row, root=other).id: k for k, row in enumerate(rows)}
            there = self._rows.get([*self._rows.known([*ids])])
            for name, (_, vector) in there.items():
                own = vectors[ids[name]]
                (apart,) = squared_distances_to(own, vector[None])
                if apart <= SAME * np.square(own, dtype=np.float64).sum():
                    found[ids[name]] = other
        return found


def add_features(
    gallery: GalleryFolder,
    content: FeaturePieces,
    where: Path,
    *,
    root: Path | None = None,
    labels: Labels = NONE,
    restore: bool = False,
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
        restore: add what was deleted, too.
        progress: shows how far it is.

    Raises:
        InputError: features of another net, features that cannot be ranked, or what
            the gallery refuses.
    """
    rows, width, pieces = content
    gallery.check(Origin.of(rows.source), width, where)
    folder = rows.source.dataset if root is None else str(Path(root).resolve())
    filler, start = Filler(gallery, folder, restore=restore), 0
    for piece in progress(pieces, "rows", -(-len(rows.names) // PIECE)):
        part = slice(start, start + len(piece))
        start += len(piece)
        check_features(piece, rows.names[part], where)
        ids = (rows.vehicle_ids, rows.model_ids, rows.camera_ids)
        numbers = zip(*(values[part].tolist() for values in ids), strict=True)
        made = [
            row_of(Image(name, *three), folder, labels)
            for name, three in zip(rows.names[part], numbers, strict=True)
        ]
        if new := filler.unknown(made):
            filler.add([made[k] for k in new], piece[new])
    return filler.filled


def add_images(
    gallery: GalleryFolder,
    extractor: Extractor,
    images: Sequence[Image],
    root: Path,
    *,
    batch: int = 32,
    labels: Labels = NONE,
    restore: bool = False,
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
        restore: add what was deleted, too.
        ask_camera: take times that labels do not give from the photographs (Exif).
        progress: shows how far it is.
        note: is told of images whose damage leaves them decodable.

    Raises:
        InputError: an extractor of another net, features that cannot be ranked, or
            what the gallery refuses.
    """
    gallery.check(Origin.of(extractor.source), extractor.width, extractor.source.net)
    folder = str(Path(root).resolve())
    filler = Filler(gallery, folder, restore=restore)
    filled = filler.filled
    size = (extractor.preprocess.resize,) * 2

    def unknown() -> Iterator[GalleryRow]:
        for some in in_batches(progress(images, "images", len(images)), AT_ONCE):
            rows = []
            for image in some:
                try:
                    rows.append(row_of(image, folder, labels))
                except InputError as error:
                    filled.unreadable.append(error)
            yield from (rows[k] for k in filler.unknown(rows))

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

    def computed() -> Iterator[tuple[GalleryRow, Float32]]:
        for some in in_batches(readable(), batch):
            inputs = [pixels for _, pixels in some]
            features = extractor(inputs, [row.image.path for row, _ in some])
            yield from zip((row for row, _ in some), features, strict=True)

    for some in in_batches(computed(), AT_ONCE):
        filler.add([row for row, _ in some], np.stack([vector for _, vector in some]))
    return filled


def row_of(image: Image, root: str, labels: Labels = NONE) -> GalleryRow:
    """The row of an image, with what a table says of it.

    Raises:
        InputError: its name is not UTF-8, so that no database takes it.
    """
    _refuse_name(image.path, root)
    return GalleryRow(root, labels.of(image), labels.times.get(image.path))


def _refuse_name(name: str, folder: str = "") -> None:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        what = "an image's name is not UTF-8" if folder else "its name is not UTF-8"
        where = Path(folder) / name
        raise InputError(what, where, "rename it, then repeat") from error
