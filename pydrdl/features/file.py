"""Features between the stages: one HDF5 file for one net on one set of images.

Datasets: features (N x D float32), name (N UTF-8 strings), vehicle_id, model_id
and camera_id (N int64, -1 unknown). Attributes: schema, and what made them, see
Source. Image names are distinct. A seal stands before all of it, see pydrdl.files;
files of before there was one are read with a note.
"""

import hashlib
import io
import json
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from pydrdl import files
from pydrdl.arrays import Float32, Int
from pydrdl.cli import Note
from pydrdl.errors import InputError, writing
from pydrdl.features.hdf5 import Hdf5, load_hdf5
from pydrdl.strict_json import Form

SCHEMA = "drdl.features/1"
AGAIN = "extract again with tools/extract_features.py"
IDS = ("vehicle_id", "model_id", "camera_id")
EXPECTED = {"features": "N x D float32", "name": "text"}
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
    def ids(self) -> dict[str, Int]:
        """Vehicle, model and camera ids, by the names of their datasets."""
        return {name: getattr(self, f"{name}s") for name in IDS}

    @property
    def sha256(self) -> str:
        """Of names, ids and features, so that equal content has equal hashes.

        The bytes of an HDF5 file depend on the library's version; these do not.
        """
        digest = hashlib.sha256("\n".join(self.names).encode())
        for ids in self.ids.values():
            digest.update(np.ascontiguousarray(ids, "<i8").data)
        digest.update(np.ascontiguousarray(self.features, "<f4").data)
        return digest.hexdigest()


def write_features(path: Path, content: FeatureSet, *, overwrite: bool = False) -> None:
    """Writes features; the file appears, or is replaced, only when whole.

    Raises:
        InputError: the file exists or cannot be written.
    """
    files.refuse_existing(path, overwrite=overwrite)
    # libhdf5 cannot close a file on a full disk: the process would end by a signal.
    memory = io.BytesIO()
    with writing("the features", path):
        with h5py.File(memory, "w", userblock_size=files.HDF5.length) as file:
            file["features"] = content.features.astype(np.float32, copy=False)
            file.create_dataset("name", data=content.names, dtype=h5py.string_dtype())
            for name, ids in content.ids.items():
                file[name] = ids
            file.attrs["schema"] = SCHEMA
            file.attrs.update(content.source.model_dump())
        body = memory.getbuffer()[files.HDF5.length :]
        with files.whole_file(path) as part, part.open("wb") as out:
            out.write(files.sealed(files.HDF5, body))
            out.write(body)


def read_features(path: Path) -> FeatureSet:
    """Reads features; warns where they have no seal.

    Raises:
        InputError: no such file, not of this form, cut off or damaged, lengths
            that differ, or a name twice.
    """
    found, has_seal = load_hdf5(path, "the features", "check the path", AGAIN)
    if wrong := _what_is_wrong(found):
        raise InputError(wrong, path, AGAIN)
    content = FeatureSet(
        found.numbers["features"],
        found.texts["name"],
        source=Source(**found.attributes),
        **{f"{name}s": found.numbers[name].astype(np.int64) for name in IDS},
    )
    if not has_seal:
        warnings.warn(
            f"{path} was written without a checksum, as before version 0.2: damage in "
            "it is not noticed",
            Note,
            stacklevel=2,
        )
    return content


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
        return array.ndim == 2 and array.dtype == np.float32
    return array.ndim == 1 and np.can_cast(array.dtype, np.int64)


def check_features(
    features: Float32, names: Sequence[str], where: object, *, zeros: bool = False
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


# Features that an extraction has got so far, in `<output>.partial`.
#
# The first line says as JSON what they are made from; batches follow, rows of float32
# and a digest of them and of their place. An extraction that was stopped goes on after
# the last batch that is whole: the batches are then the same as in one run, and so are
# the sums in them.

PARTIAL_SCHEMA = "drdl.partial_features/2"
DIGEST = 16  # bytes
WHAT = "the features so far"


def partial_path(output: Path) -> Path:
    """Where the extraction to this output keeps what it has."""
    return output.with_name(output.name + ".partial")


class PartialFeatures:
    """The features so far; the file is made with the first batch.

    Args:
        path: the file.
        inputs: what the features are made from, as JSON can hold it.
        width: values of a row.
        batch: rows of a batch.
        total: rows when all are there.

    Attributes:
        rows: that were there at the start.

    Raises:
        InputError: the file is of other inputs, or cannot be read or written.
    """

    def __init__(
        self,
        path: Path,
        inputs: Mapping[str, object],
        width: int,
        batch: int,
        total: int,
    ) -> None:
        self.path, self.width, self._batch, self._total = path, width, batch, total
        head = {"schema": PARTIAL_SCHEMA, **inputs, "width": width, "batch": batch}
        self._head = json.dumps(head).encode() + b"\n"
        self.rows = 0
        if files.exists(path):
            self.rows = sum(map(len, self._whole_batches()))
            batches = -(-self.rows // batch)
            with writing(WHAT, path):
                size = 4 * self.rows * width + batches * DIGEST
                os.truncate(path, len(self._head) + size)
        self._written = self.rows

    def read(self) -> Float32:
        """Returns the (rows, width) features that were there at the start."""
        none = np.empty((0, self.width), np.float32)
        return np.concatenate([none, *self._whole_batches()]) if self.rows else none

    def append(self, part: Float32) -> None:
        """Adds a batch; once this returns, no kill loses it.

        Raises:
            InputError: the file cannot be written.
        """
        data = np.ascontiguousarray(part, "<f4").tobytes()
        with writing(WHAT, self.path):
            if not self.path.exists():
                files.write_bytes(self.path, self._head)
            with self.path.open("ab") as file:
                file.write(data + _digest(self._written, data))
                file.flush()
                os.fsync(file.fileno())
        self._written += len(part)

    def _whole_batches(self) -> Iterator[Float32]:
        """Yields batches up to the first that is cut off or damaged.

        Raises:
            InputError: the file cannot be read, or is of other inputs.
        """
        again = "repeat the command that began it, or delete the file"
        with files.open_bytes(self.path, WHAT, again) as file:
            if file.read(len(self._head)) != self._head:
                raise InputError(
                    "an interrupted extraction of other images, net or options is here",
                    self.path,
                    again,
                )
            for start in range(0, self._total, self._batch):
                rows = min(self._batch, self._total - start)
                data = file.read(4 * rows * self.width)
                if file.read(DIGEST) != _digest(start, data):
                    return
                yield np.frombuffer(data, "<f4").reshape(rows, self.width)


def discard(path: Path) -> None:
    """Deletes the features so far, if that is what the file holds."""
    begin = f'{{"schema": "{PARTIAL_SCHEMA}"'.encode()
    if files.is_file(path):
        with files.open_bytes(path, WHAT, "delete the file") as file:
            ours = file.read(len(begin)) == begin
        if ours:
            with writing(WHAT, path):
                path.unlink()


def _digest(start: int, data: bytes) -> bytes:
    """Of a batch that begins at a row."""
    place = start.to_bytes(16, "little")
    return hashlib.blake2b(data, digest_size=DIGEST, salt=place).digest()
