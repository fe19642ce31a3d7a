"""A gallery's folder: its rows, and gallery.json, which says what made them.

Features of one net mean nothing to another: a gallery takes, and is searched with,
features of the one net, weights, layer and preprocessing that it was begun with.
gallery.json is written last, so that a folder without it holds nothing yet.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from pydrdl.errors import InputError, writing
from pydrdl.features import Source
from pydrdl.files import exists, is_folder, write_text
from pydrdl.gallery.lance import (
    AGAIN,
    LOCK,
    TABLE,
    LanceGallery,
    import_lancedb,
    rows_of,
)
from pydrdl.gallery.probability import Calibration
from pydrdl.strict_json import Form, Positive, read_declared

FILE_NAME = "gallery.json"
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
    if exists(path / FILE_NAME):
        found = open_gallery(path)
        found.check(origin, width, path)
        return found
    with writing(WHAT, path):
        if exists(path) and not is_folder(path):
            raise InputError("the gallery is a file", path, "name a folder")
        path.mkdir(parents=True, exist_ok=True)
        ours = {LOCK, f"{TABLE}.lance"}
        foreign = sorted(p.name for p in path.iterdir() if p.name not in ours)
    if foreign:
        raise InputError(
            f"not a gallery: it holds {', '.join(foreign[:3])}",
            path,
            "name a folder that is empty or not there",
        )
    if rows_of(path) > 0:
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


def _write(path: Path, said: Description) -> None:
    with writing(WHAT, path / FILE_NAME):
        content = {"schema": SCHEMA, **said.model_dump()}
        write_text(path / FILE_NAME, json.dumps(content, indent=1) + "\n")
