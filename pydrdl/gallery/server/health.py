"""Whether a gallery can still answer: looked at on disk, not in this process's memory.

A table that is open answers from what it has read: files that were moved, cut off or
deleted since are noticed by opening it anew. Every file of the table is opened for
that, some rows are read whole and compared with their ids, and one is searched with.
"""

import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pydrdl.errors import InputError
from pydrdl.files import exists
from pydrdl.gallery.folder import GalleryFolder, open_gallery
from pydrdl.gallery.lance import Sampled

SAMPLED = 20  # rows that are read whole, spread over the gallery
SOON = 5.0  # seconds until the next look,
SHARE = 50  # or so many times as long as the last one took
NEAREST = 10
# Of a row to itself, of its squared length: none but for the index's rounding.
APART = 0.01


class Condition(NamedTuple):
    """What a look at a gallery has found."""

    rows: int
    failing: str = ""  # why it cannot answer
    lacking: str = ""  # what an answer lacks


class Watch:
    """Looks at a gallery when asked, and not all the time: who asks shows no token."""

    def __init__(self, gallery: GalleryFolder, soon: float = SOON) -> None:
        self._gallery, self._soon = gallery, soon
        self._lock = threading.Lock()
        self._due = 0.0
        self._last = Condition(0)

    def condition(self) -> Condition:
        """What the last look has found, of which a new one is taken when it is time."""
        with self._lock:
            begun = time.monotonic()
            if begun >= self._due:
                self._last = look_at(self._gallery)
                end = time.monotonic()
                self._due = end + max(self._soon, SHARE * (end - begun))
            return self._last


def look_at(gallery: GalleryFolder) -> Condition:
    """Opens a gallery anew, and compares it with the one that was opened before."""
    try:
        found = open_gallery(gallery.path)
        if what := gallery.origin.difference(found.origin):
            return Condition(0, f"another gallery lies there now: {what}")
        rows = found.rows.scan()
        sample = found.rows.sample(SAMPLED)
        ids = {one.id for one in sample}
        if not all(one.is_whole for one in sample) or found.rows.known([*ids]) != ids:
            return Condition(rows, "damaged: rows are not what their ids say")
        if sample and not _finds(found, sample[0]):
            return Condition(rows, "damaged: a search does not find a row by itself")
    except InputError as error:
        return Condition(0, error.what)
    return Condition(rows, lacking=_not_there(sample))


def _finds(gallery: GalleryFolder, one: Sampled) -> bool:
    hits = gallery.rows.search(one.vector, NEAREST)
    length = float(np.square(one.vector, dtype=np.float64).sum())
    return bool(hits) and hits[0].distance <= APART * length


def _not_there(sample: list[Sampled]) -> str:
    """How many photographs of the sample are gone from where they were indexed."""
    paths = [one.row.photograph for one in sample]
    known = [path for path in paths if path is not None]
    gone = sum(not _is_there(path) for path in known)
    if not gone:
        return ""
    return (
        f"{gone} of {len(known)} photographs that were looked for are not where they "
        "were indexed"
    )


def _is_there(path: Path) -> bool:
    try:
        return exists(path)
    except InputError:  # it may not be looked at
        return False
