"""Features between the stages: one HDF5 file for one net on one set of images.

Datasets: features (N x D, float32 or float16), name (N UTF-8 strings), vehicle_id,
model_id and camera_id (N int64, -1 unknown). Attributes: schema, and what made them,
see Source. Image names are distinct. A seal stands before all of it, see pydrdl.files;
files of before there was one are read with a note.
"""

import hashlib
import io
import warnings
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from pydrdl.arrays import Float32, Floats, Int
from pydrdl.cli import Note
from pydrdl.errors import InputError, reading, writing
from pydrdl.features.hdf5 import Hdf5, load_hdf5
from pydrdl.features.layout import laid_out
from pydrdl.files import HDF5, refuse_existing, whole_file
from pydrdl.strict_json import Form

SCHEMA = "drdl.features/1"
PIECE = 4096  # rows that are read at once
AGAIN = "extract again with tools/extract_features.py"
IDS = ("vehicle_id", "model_id", "camera_id")
EXPECTED = {"features": "N x D float32 or float16", "name": "text"}
EXPECTED |= dict.fromkeys(IDS, "N int64")


class Source(Form):
    """Where features come from; every field is an attribute of the file."""

    net: str = ""  # path of the deploy net
    net_sha256: str = ""  # of that file
    # Path of the weights; for a net that was not trained, "untrained, seed N".
    weights: str = ""
    weights_sha256: str = ""  # of that file; empty for a net that was not trained
    layer: str = ""  # the blob that was read
    dataset: str = ""  # name of the data set
    split: str = ""  # name of its split
    preprocess: str = ""  # JSON text of what was done to the images


@dataclass(frozen=True)
class FeatureSet:
    """Features of N images."""

    features: Float32  # (N, D) float32
    names: tuple[str, ...]  # N distinct image names
    vehicle_ids: Int  # (N,) int64
    model_ids: Int  # (N,) int64, -1 unlabelled
    camera_ids: Int  # (N,) int64, -1 unknown
    source: Source  # what made them

    @property
    def rows(self) -> "FeatureRows":
        """All but the features."""
        ids = (self.vehicle_ids, self.model_ids, self.camera_ids)
        return FeatureRows(self.names, *ids, self.source)

    @property
    def sha256(self) -> str:
        """Of names, ids and features, so that equal content has equal hashes.

        The bytes of an HDF5 file depend on the library's version; these do not.
        """
        digest = self.rows.digest()
        digest.update(np.ascontiguousarray(self.features, "<f4").data)
        return digest.hexdigest()


class FeatureRows(NamedTuple):
    """What is known of N images but for their features; see FeatureSet."""

    names: tuple[str, ...]
    vehicle_ids: Int
    model_ids: Int
    camera_ids: Int
    source: Source

    @property
    def ids(self) -> dict[str, Int]:
        """Vehicle, model and camera ids, by the names of their datasets."""
        return {name: getattr(self, f"{name}s") for name in IDS}

    def digest(self) -> "hashlib._Hash":
        """Of names and ids, to which the features are still to be added."""
        digest = hashlib.sha256("\n".join(self.names).encode())
        for ids in self.ids.values():
            digest.update(np.ascontiguousarray(ids, "<i8").data)
        return digest


def write_features(path: Path, content: FeatureSet, *, overwrite: bool = False) -> None:
    """Writes features as float32; the file appears, or is replaced, only when whole.

    Raises:
        InputError: the file exists or cannot be written.
    """
    features = content.features.astype(np.float32, copy=False)
    width = features.shape[1]
    write_in_pieces(path, content.rows, width, [features], overwrite=overwrite)


def write_in_pieces(
    path: Path,
    rows: FeatureRows,
    width: int,
    pieces: Iterable[Floats],
    *,
    half: bool = False,
    overwrite: bool = False,
) -> str:
    """Writes features of which no more than a piece is in memory at a time.

    Args:
        path: the file, which appears, or is replaced, only when whole.
        rows: of N images.
        width: D, values of a feature.
        pieces: N rows in all, in their order, of D values.
        half: write float16 and not float32.
        overwrite: whether to replace what stands there.

    Returns: FeatureSet.sha256 of what was written.

    Raises:
        InputError: the file exists or cannot be written.
    """
    refuse_existing(path, overwrite=overwrite)
    dtype = np.dtype("<f2" if half else "<f4")
    attributes = {"schema": SCHEMA, **rows.source.model_dump()}
    digest = rows.digest()
    with writing("the features", path):
        before, behind = laid_out(
            "features",
            (len(rows.names), width),
            dtype,
            {"name": rows.names, **rows.ids},
            attributes,
            HDF5.length,
        )
        with whole_file(path) as part, part.open("wb") as out:
            # A seal tells of all that is behind it, so that it is written last.
            file = out if out.seekable() else io.BytesIO()
            file.write(bytes(HDF5.length) + before)
            crc = zlib.crc32(before)
            for piece in pieces:
                values = np.ascontiguousarray(piece, dtype)
                file.write(values.data)
                crc = zlib.crc32(values.data, crc)
                digest.update(values.astype("<f4", copy=False).data)
            file.write(behind)
            size, crc = file.tell(), zlib.crc32(behind, crc)
            file.seek(0)
            file.write(HDF5.head(size, crc))
            if isinstance(file, io.BytesIO):
                out.write(file.getbuffer())
    return digest.hexdigest()


def read_features(path: Path) -> FeatureSet:
    """Reads features; warns where they have no seal.

    Raises:
        InputError: no such file, not of this form, cut off or damaged, lengths
            that differ, or a name twice.
    """
    found, has_seal = load_hdf5(path, "the features", "check the path", AGAIN)
    rows = _rows_of(found, path)
    if not has_seal:
        _note_no_seal(path)
    features = found.numbers["features"].astype(np.float32, copy=False)
    return FeatureSet(features, *rows)


class FeaturePieces(NamedTuple):
    """A features file of which no more than a piece is in memory at a time."""

    rows: FeatureRows
    width: int  # values of a feature
    pieces: Iterator[Float32]  # in the rows' order


def read_in_pieces(path: Path, at_once: int = PIECE) -> FeaturePieces:
    """Reads features so many rows at a time; see read_features.

    A file without a seal is read whole at once, by another process.
    """
    found, has_seal = load_hdf5(
        path, "the features", "check the path", AGAIN, "features"
    )
    rows = _rows_of(found, path)
    features = found.numbers["features"]
    if not has_seal:
        _note_no_seal(path)

    def pieces() -> Iterator[Float32]:
        starts = range(0, len(features), at_once)
        if not has_seal:
            for start in starts:
                yield features[start : start + at_once].astype(np.float32)
            return
        with (
            reading("the features", path, AGAIN),
            h5py.File(path, "r", locking=False) as file,
        ):
            for start in starts:
                piece = file["features"][start : start + at_once]
                yield np.asarray(piece, np.float32)

    return FeaturePieces(rows, features.shape[1], pieces())


def _rows_of(found: Hdf5, path: Path) -> FeatureRows:
    """What a file says of its images; InputError where it is not one of features."""
    if wrong := _what_is_wrong(found):
        raise InputError(wrong, path, AGAIN)
    vehicles, models, cameras = (found.numbers[n].astype(np.int64) for n in IDS)
    source = Source(**found.attributes)
    return FeatureRows(found.texts["name"], vehicles, models, cameras, source)


def _note_no_seal(path: Path) -> None:
    warnings.warn(
        f"{path} was written without a checksum, as before version 0.2: damage in "
        "it is not noticed",
        Note,
        stacklevel=3,
    )


def _what_is_wrong(found: Hdf5) -> str:
    """Why a file is not one of features; "" where it is."""
    numbers, others = found.numbers, found.others
    schema = found.attributes.get("schema", others.get("schema"))
    if schema != SCHEMA:
        return f"schema {schema!r}; expected {SCHEMA!r}"
    known = numbers.keys() | found.texts.keys() | others.keys()
    if missing := [name for name in EXPECTED if name not in known]:
        return f"no dataset {', '.join(missing)}"
    for name, expected in EXPECTED.items():
        if not _fits(found, name):
            what = others.get(name, "text")
            if (array := numbers.get(name)) is not None:
                what = f"{' x '.join(map(str, array.shape)) or 'one'} {array.dtype}"
            return f"{name} is {what}; expected {expected}"
    if odd := [name for name in Source.model_fields if name in others]:
        return f"{odd[0]} is {others[odd[0]]}; expected text"
    if not numbers["features"].size:
        return "there are no features"
    names = found.texts["name"]
    lengths = {len(names), *(len(numbers[name]) for name in ("features", *IDS))}
    if len(lengths) > 1:
        return f"datasets of {sorted(lengths)} rows; expected the same number"
    if unknown := np.count_nonzero(numbers["vehicle_id"] < 0):
        return f"{unknown} of the vehicle_id are below 0; every image is of a vehicle"
    twice = len(names) - len(set(names))
    return f"{twice} image names occur twice" if twice else ""


def _fits(found: Hdf5, name: str) -> bool:
    """Whether a dataset is what EXPECTED says."""
    if name == "name":
        return name in found.texts
    array = found.numbers.get(name)
    if array is None:
        return False
    if name == "features":
        return array.ndim == 2 and array.dtype in (np.float32, np.float16)
    return array.ndim == 1 and np.can_cast(array.dtype, np.int64)


def check_features(
    features: Floats, names: Sequence[str], where: object, *, zeros: bool = False
) -> None:
    """Refuses features that cannot be ranked.

    Args:
        features: (N, D).
        names: (N,) of their images.
        where: the features file, for messages.
        zeros: they are coordinates, of which zero is as good as another; as
            the output of a net it is a sign of damage.

    Raises:
        InputError: a row of the features holds NaN or infinity, or is zero
            throughout.
    """
    for bad, what in (
        (~np.isfinite(features).all(axis=1), "hold NaN or infinity"),
        (~features.any(axis=1) & (not zeros), "are zero throughout"),
    ):
        if bad.any():
            raise InputError(
                f"{bad.sum():,} of {len(features):,} features {what}; the first is "
                f"of image {names[int(bad.argmax())]!r}",
                where,
                "check the weights, the layer and the training log; then extract again",
            )
