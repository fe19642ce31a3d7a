"""What the page and the API do, without HTTP."""

import contextlib
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pydrdl.arrays import Float32, Pixels
from pydrdl.datasets.dataset import Image
from pydrdl.datasets.images import decode, read_image
from pydrdl.errors import InputError, writing
from pydrdl.explain.maps import Explanation, explain_pair
from pydrdl.explain.picture import draw_explanation
from pydrdl.features.extract import Extractor
from pydrdl.files import write_bytes
from pydrdl.gallery.folder import GalleryFolder
from pydrdl.gallery.query import Answer, Box, ask, input_of
from pydrdl.gallery.rows import ALL, GalleryRow, Summary, Wanted
from pydrdl.gallery.server.health import Watch
from pydrdl.gallery.server.kept import (
    Feedback,
    KeptQueries,
    KeptQuery,
    digest_of,
    is_kept,
)
from pydrdl.gallery.server.uploads import (
    UPLOAD,
    decode_upload,
    ending_of,
)
from pydrdl.pictures import jpeg_of, png_of

IMAGES = "images"  # folder of the photographs that were added by way of the server
DECODED = 2  # photographs at a time, each of at most MOST_PIXELS
SEARCHED = 4  # searches at a time
SHOWN = 240  # pixels of a thumbnail's longer side
LARGEST = 1024
QUALITY = 85  # of JPEG


class ReadOnlyError(Exception):
    """The gallery cannot be written, and this would change it."""


class LostError(Exception):
    """A row's photograph is not where it was, or is damaged."""


@dataclass(frozen=True)
class Shown:
    """A photograph that is explained."""

    name: str
    pixels: Pixels  # of the vehicle alone
    inputs: Float32  # of the net


@dataclass(frozen=True)
class Asked:
    """How a search is to be made."""

    count: int = 24
    wanted: Wanted = ALL
    reranked: bool = False


class Service:
    """A gallery, its net, and what is kept of those who ask.

    Args:
        gallery: which.
        extractor: its net.
        elsewhere: a folder to keep queries in where the gallery cannot be written;
            it is searched then, and nothing else. None: all is kept in the gallery.
    """

    def __init__(
        self,
        gallery: GalleryFolder,
        extractor: Extractor,
        elsewhere: Path | None = None,
    ) -> None:
        self.gallery, self._extractor = gallery, extractor
        self.read_only = elsewhere is not None
        self.queries = KeptQueries(elsewhere or gallery.path)
        self.feedback = Feedback(gallery.path)
        self._images = (gallery.path / IMAGES).resolve()
        self._decoding = threading.BoundedSemaphore(DECODED)
        self._searching = threading.BoundedSemaphore(SEARCHED)
        self.watch = Watch(gallery)
        self._known: tuple[int, Summary] | None = None

    def decode(self, data: bytes, box: Box | None) -> tuple[Pixels, Float32]:
        """A photograph's pixels and the net's input; see input_of."""
        with self._decoding:
            pixels = decode_upload(data)
            return pixels, input_of(pixels, box, self._extractor, UPLOAD)

    def vector(self, given: Float32) -> Float32:
        """The net's features (D,) of an input; one call at a time."""
        return np.asarray(self._extractor([given], [UPLOAD])[0])

    def keep(
        self, data: bytes, pixels: Pixels, box: Box | None, vector: Float32
    ) -> KeptQuery:
        """Gives a query an address of its own."""
        return self.queries.keep(data, pixels, box, vector)

    def search(self, vector: Float32, asked: Asked, without: str = "") -> Answer:
        """Searches; without is the id of a row that is not to be found."""
        with self._searching:
            return ask(
                self.gallery,
                vector,
                asked.count,
                wanted=asked.wanted,
                reranked=asked.reranked,
                without=without,
                summary=self.summary,
            )

    def row(self, name: str) -> tuple[GalleryRow, Float32] | None:
        """A row and its features by its id; None where there is none."""
        with contextlib.suppress(ValueError):  # no id at all
            return self.gallery.rows.get([name]).get(name)
        return None

    def thumbnail(self, row: GalleryRow, side: int, *, whole: bool = False) -> bytes:
        """A JPEG of a row's photograph, or of the box in it.

        Raises:
            LostError: the photograph is not there any more, or damaged.
        """
        image = row.image
        if whole:
            image = Image(image.path, image.vehicle_id)
        with self._decoding:
            pixels = _read(row.root, image)
            return jpeg_of(pixels, min(side, LARGEST), QUALITY)

    def shown(self, name: str) -> Shown | None:
        """What a kept query or a row shows; None where there is none.

        A query is shown by the photograph that is kept of it, a JPEG.

        Raises:
            LostError: a row's photograph is not there any more, or damaged.
            InputError: it shows nothing; see input_of.
        """
        if is_kept(name):
            data = self.queries.photograph(name)
            if data is None:
                return None
            title, pixels = "the vehicle asked for", decode(data).pixels
        else:
            found = self.row(name)
            if found is None:
                return None
            title = found[0].image.path
            with self._decoding:
                pixels = _read(found[0].root, found[0].image)
        return Shown(title, pixels, input_of(pixels, None, self._extractor, title))

    def explain(self, first: Shown, second: Shown) -> Explanation:
        """Maps of what makes two near or far; one call at a time, as vector."""
        inputs = first.inputs, second.inputs
        return explain_pair(self._extractor, inputs, (first.name, second.name))

    def draw(self, first: Shown, second: Shown, found: Explanation) -> bytes:
        """A PNG of the maps over both."""
        pixels, names = (first.pixels, second.pixels), (first.name, second.name)
        made = self._extractor.preprocess
        return png_of(draw_explanation(pixels, names, found, made))

    def add(
        self,
        data: bytes,
        box: Box | None,
        vector: Float32,
        ids: tuple[int, int, int],
        time: float | None,
    ) -> tuple[GalleryRow, bool]:
        """Adds a photograph, which is kept beside the gallery.

        Args:
            data: the file's bytes.
            box: of the vehicle in it.
            vector: its features.
            ids: vehicle, model and camera; -1 unknown.
            time: when it was taken; None unknown.

        Returns:
            The row, and whether it is new.

        Raises:
            ReadOnlyError: the gallery cannot be written; so do delete and say.
        """
        self._changing()
        name = digest_of(data, box) + ending_of(data)
        row = GalleryRow(str(self._images), Image(name, *ids, box), time)
        with writing("a photograph", self._images / name):
            self._images.mkdir(exist_ok=True)
            write_bytes(self._images / name, data)
        added = self.gallery.rows.add([row], vector[None])
        return row, added.new == 1

    def delete(self, name: str) -> bool:
        """Deletes a row, and its photograph where the server has kept that."""
        self._changing()
        found = self.row(name)
        if found is None or not self.gallery.delete([name]):
            return False
        row, _ = found
        if row.root == str(self._images):
            with writing("a photograph", self._images):
                (self._images / row.image.path).unlink(missing_ok=True)
        return True

    def say(self, query: str, row: str, *, same: bool) -> bool:
        """Keeps what a user says of a query and a row; whether both are there.

        Raises:
            InputError: the query is the row.
        """
        self._changing()
        asked = self.queries.get(query) if is_kept(query) else self.row(query)
        if asked is None or self.row(row) is None:
            return False
        if query == row:
            raise InputError(
                "an image is not compared with itself", "row", "give another row"
            )
        self.feedback.say(query, row, same)
        return True

    def _changing(self) -> None:
        if self.read_only:
            raise ReadOnlyError

    def summary(self) -> Summary:
        """What the gallery holds; read anew only when it has changed."""
        version = self.gallery.rows.version
        if self._known is None or self._known[0] != version:
            self._known = version, self.gallery.rows.summary()
        return self._known[1]

    def pairs(self) -> str:
        """Feedback as pairs, in CSV."""
        ids = {name for pair in self.feedback.verdicts() for name in pair}
        rows = self.gallery.rows.get(sorted(n for n in ids if not is_kept(n)))
        return self.feedback.pairs({k: row.image.path for k, (row, _) in rows.items()})


def _read(root: str, image: Image) -> Pixels:
    try:
        return read_image(Path(root), image, None)
    except InputError as error:
        raise LostError from error
