"""A gallery's folder: its rows, and gallery.json, which says what made them.

Features of one net mean nothing to another: a gallery takes, and is searched with,
features of the one net, weights, layer and preprocessing that it was begun with.
gallery.json is written last, so that a folder without it holds nothing yet.
"""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from pydrdl.errors import InputError, reading, writing
from pydrdl.features import Source
from pydrdl.files import exists, is_file, is_folder, read_text, write_text
from pydrdl.gallery.cells import FILE_NAME as SHARE
from pydrdl.gallery.extra import import_lancedb
from pydrdl.gallery.lance import AGAIN, LOCK, TABLE, LanceGallery, locked, rows_in
from pydrdl.gallery.probability import Calibration
from pydrdl.strict_json import Form, Positive, read_declared

FILE_NAME = "gallery.json"
DELETED = "deleted.txt"  # ids of rows that were, a line each
FEEDBACK = "feedback.jsonl"  # what the server keeps of its users' verdicts
SCHEMA = "drdl.gallery/1"
WHAT = "the gallery"
# What decides whether two features may be compared, and what it is called.
DECIDES = {
    "net_sha256": "net",
    "weights_sha256": "weights",
    "layer": "layer",
    "preprocess": "preprocessing",
}


class Origin(Form):
    """What made a gallery's features; see features.Source."""

    net: str
    net_sha256: str
    weights: str
    weights_sha256: str
    layer: str
    preprocess: str

    @classmethod
    def of(cls, source: Source) -> "Origin":
        """Of what a features file says; its places on disk as whole paths."""
        weights = source.weights
        if source.weights_sha256:  # "untrained, seed 1" is no path, and has no hash
            weights = str(Path(weights).absolute())
        return cls(
            net=str(Path(source.net).absolute()),
            net_sha256=source.net_sha256,
            weights=weights,
            weights_sha256=source.weights_sha256,
            layer=source.layer,
            preprocess=source.preprocess,
        )

    def difference(self, other: "Origin") -> str:
        """What differs, in words; "" where features of both may be compared."""
        for name, word in DECIDES.items():
            ours, theirs = getattr(self, name), getattr(other, name)
            if name == "preprocess":  # the same numbers in any order
                ours, theirs = json.loads(ours or "{}"), json.loads(theirs or "{}")
            if ours != theirs:
                short = [str(x)[:16] or "none" for x in (ours, theirs)]
                if name in ("layer", "preprocess"):
                    short = [str(x) for x in (ours, theirs)]
                return f"another {word}: {short[1]}, not {short[0]}"
        if not self.weights_sha256 and self.weights != other.weights:
            return f"another net: {other.weights}, not {self.weights}"
        return ""


class Description(Form):
    """gallery.json."""

    origin: Origin
    width: Positive
    model_names: dict[str, str] = Field(default_factory=dict)
    calibration: Calibration | None = None


@dataclass(frozen=True)
class GalleryFolder:
    """A gallery and what it is of."""

    path: Path
    rows: LanceGallery
    description: Description  # gallery.json

    @property
    def origin(self) -> Origin:
        """What made its features."""
        return self.description.origin

    @property
    def writable(self) -> bool:
        """Whether this process may change it: its folders, and files that grow."""
        table = self.path / f"{TABLE}.lance"
        with reading(WHAT, self.path, "check the path"):
            folders = [p for p in (self.path, *self.path.iterdir()) if p.is_dir()]
            folders += [p for p in table.iterdir() if p.is_dir()]
        grow = [self.path / name for name in (LOCK, FEEDBACK, DELETED)]
        return all(
            os.access(path, os.W_OK, effective_ids=True)
            for path in (*folders, *filter(exists, grow))
        )

    def refuse_read_only(self) -> None:
        """Raises InputError where it cannot be changed, before anything takes long."""
        if not self.writable:
            raise InputError(
                "the gallery cannot be written",
                self.path,
                "have its permissions changed (ls -ld shows them), or copy it to a "
                "file system that can be written",
            )

    def check(self, origin: Origin, width: int, where: object) -> None:
        """Refuses features that were made otherwise.

        Raises:
            InputError: net, weights, layer, preprocessing or width differ.
        """
        what = self.origin.difference(origin)
        if not what and width != self.description.width:
            what = f"{width} values a feature, not {self.description.width}"
        if what:
            raise InputError(
                f"these features do not belong into the gallery {self.path}: {what}",
                where,
                "extract them with the gallery's net, or index into another folder",
            )

    def delete(self, ids: Sequence[str]) -> int:
        """Deletes rows for good: indexing their images again does not add them.

        Returns: how many there were.

        Raises:
            InputError: it cannot be written.
        """
        path = self.path / DELETED
        with writing("what was deleted", path), path.open("ab") as file:
            # Before the rows go: a kill between the two leaves them found, not lost.
            file.write("".join(f"\n{name}\n" for name in ids).encode())
            file.flush()
            os.fsync(file.fileno())
        return self.rows.delete(ids)

    def deleted(self) -> frozenset[str]:
        """Ids of what was deleted, some of which may have been added again since."""
        path = self.path / DELETED
        if not is_file(path):
            return frozenset()
        text = read_text(path, "what was deleted", "delete the file to forget it")
        return frozenset(text.split())

    def describe(
        self,
        *,
        model_names: dict[str, str] | None = None,
        calibration: Calibration | None = None,
    ) -> "GalleryFolder":
        """The same with more said in gallery.json; what is None stays as it was."""
        said = self.description
        changed = said.model_copy(
            update={
                "model_names": {**said.model_names, **(model_names or {})},
                "calibration": calibration or said.calibration,
            }
        )
        if changed != said:
            _write(self.path, changed)
        return replace(self, description=changed)


def open_gallery(path: Path) -> GalleryFolder:
    """Opens a gallery.

    Raises:
        InputError: LanceDB is not installed, or the gallery is not there or damaged.
    """
    import_lancedb()
    path = Path(path)
    _refuse_name(path)
    if not exists(path / FILE_NAME):
        raise InputError(
            "no gallery is here" if exists(path) else "no such folder",
            path,
            "check the path, or make a gallery with: drdl index",
        )
    said = read_declared(Description, path / FILE_NAME, WHAT, AGAIN, SCHEMA)
    return GalleryFolder(path, LanceGallery(path, said.width), said)


def make_gallery(path: Path, origin: Origin, width: int) -> GalleryFolder:
    """Opens the gallery that is there, or makes an empty one.

    Raises:
        InputError: as open_gallery, the one that is there is of another net, or the
            folder holds something else.
    """
    import_lancedb()
    path = Path(path)
    _refuse_name(path)
    if exists(path / FILE_NAME):
        found = open_gallery(path)
        found.check(origin, width, path)
        found.refuse_read_only()
        return found
    with writing(WHAT, path):
        if exists(path) and not is_folder(path):
            raise InputError("the gallery is a file", path, "name a folder")
        path.mkdir(parents=True, exist_ok=True)
        if not exists(path / LOCK):
            _refuse_foreign(path)
    # Of several processes that begin one, the first makes it.
    with locked(path):
        made = None if exists(path / FILE_NAME) else _make(path, origin, width)
    return made or make_gallery(path, origin, width)


def _refuse_foreign(path: Path) -> None:
    ours = {LOCK, SHARE, f"{TABLE}.lance"}
    foreign = sorted(p.name for p in path.iterdir() if p.name not in ours)
    if foreign:
        raise InputError(
            f"not a gallery: it holds {', '.join(foreign[:3])}",
            path,
            "name a folder that is empty or not there",
        )


def _make(path: Path, origin: Origin, width: int) -> GalleryFolder:
    """Makes an empty gallery in a folder, whose lock is held."""
    with writing(WHAT, path):
        _refuse_foreign(path)
    if rows_in(path) > 0:
        raise InputError(
            f"rows without the {FILE_NAME} that says what made them",
            path,
            "put that file back, or name another folder",
        )
    # Whatever a kill has left here was never acknowledged.
    rows = LanceGallery(path, width, make=True)
    said = Description(origin=origin, width=width)
    _write(path, said)
    return GalleryFolder(path, rows, said)


@contextmanager
def filling(path: Path, origin: Origin, width: int) -> Iterator[GalleryFolder]:
    """As make_gallery does; what it has made goes again if it is left without a row."""
    begun, folder_was = exists(path / FILE_NAME), exists(path)
    gallery = make_gallery(path, origin, width)
    try:
        yield gallery
    finally:
        # What ends the block says why; there is nothing to add to it.
        with suppress(InputError, OSError):
            files = path / FILE_NAME, path / DELETED
            if not begun and gallery.rows.vanish(*files) and not folder_was:
                path.rmdir()


def _refuse_name(path: Path) -> None:
    try:
        str(path.absolute()).encode()
    except UnicodeEncodeError as error:
        advice = "rename it, or name another folder"
        raise InputError("the gallery's path is not UTF-8", path, advice) from error


def _write(path: Path, said: Description) -> None:
    with writing(WHAT, path / FILE_NAME):
        content = {"schema": SCHEMA, **said.model_dump()}
        write_text(path / FILE_NAME, json.dumps(content, indent=1) + "\n")
