"""Features between the stages: one HDF5 file for one net on one set of images.

Datasets: features (N x D float32), name (N UTF-8 strings), vehicle_id, model_id
and camera_id (N int64, -1 unknown). Attributes: schema, and what made them, see
Source. Image names are distinct.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from pydrdl import atomic
from pydrdl.errors import InputError

SCHEMA = "drdl.features/1"
IDS = ("vehicle_id", "model_id", "camera_id")
Float32 = NDArray[np.float32]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """Where features come from; every field is an attribute of the file.

    Attributes:
        net: path of the deploy net.
        net_sha256: of that file.
        weights: path of the weights; for a net that was not trained,
            "untrained, seed N".
        weights_sha256: of that file; empty for a net that was not trained.
        layer: the blob that was read.
        dataset: name of the data set.
        split: name of its split.
        preprocess: JSON text of what was done to the images.
    """

    net: str = ""
    net_sha256: str = ""
    weights: str = ""
    weights_sha256: str = ""
    layer: str = ""
    dataset: str = ""
    split: str = ""
    preprocess: str = ""


@dataclass(frozen=True)
class FeatureSet:
    """Features of N images.

    Attributes:
        features: (N, D) float32.
        names: N distinct image names.
        vehicle_ids: (N,) int64.
        model_ids: (N,) int64, -1 unlabelled.
        camera_ids: (N,) int64, -1 unknown.
        source: what made them.
    """

    features: Float32
    names: tuple[str, ...]
    vehicle_ids: Int
    model_ids: Int
    camera_ids: Int
    source: Source

    @property
    def sha256(self) -> str:
        """Of names, ids and features, so that equal content has equal hashes.

        The bytes of an HDF5 file depend on the library's version; these do not.
        """
        digest = hashlib.sha256("\n".join(self.names).encode())
        for ids in (self.vehicle_ids, self.model_ids, self.camera_ids):
            digest.update(np.ascontiguousarray(ids, "<i8").data)
        digest.update(np.ascontiguousarray(self.features, "<f4").data)
        return digest.hexdigest()


def write_features(path: Path, content: FeatureSet) -> None:
    """Writes features; the file appears only when whole.

    Raises:
        InputError: the file exists or cannot be written.
    """
    refuse_to_overwrite(path)
    try:
        with atomic.whole_file(path) as part, h5py.File(part, "w") as file:
            file["features"] = content.features.astype(np.float32, copy=False)
            file.create_dataset("name", data=content.names, dtype=h5py.string_dtype())
            file["vehicle_id"] = content.vehicle_ids
            file["model_id"] = content.model_ids
            file["camera_id"] = content.camera_ids
            file.attrs["schema"] = SCHEMA
            file.attrs.update(asdict(content.source))
    except OSError as error:
        raise InputError(
            f"cannot write the features: {error}", path, "name a writable folder"
        ) from error


def refuse_to_overwrite(path: Path) -> None:
    """Raises InputError where the output exists or has no folder to lie in."""
    if path.exists():
        raise InputError("the output exists", path, "delete it, or name another output")
    if not path.parent.is_dir():
        raise InputError("no such folder", path.parent, "make it, or name another")


def read_features(path: Path) -> FeatureSet:
    """Reads features.

    Raises:
        InputError: no such file, not of this form, lengths that differ, or a
            name twice.
    """
    again = "extract again with tools/extract_features.py"
    try:
        with h5py.File(path, "r") as file:
            schema = file.attrs.get("schema")
            if schema != SCHEMA:
                raise InputError(f"schema {schema!r}; expected {SCHEMA!r}", path, again)
            missing = [n for n in ("features", "name", *IDS) if n not in file]
            if missing:
                raise InputError(f"no dataset {', '.join(missing)}", path, again)
            features = file["features"][...]
            names = tuple(file["name"].asstr()[...])
            ids = [file[n][...].astype(np.int64) for n in IDS]
            source = Source(
                **{f.name: str(file.attrs.get(f.name, "")) for f in fields(Source)}
            )
    except OSError as error:
        what = "no such file" if not path.exists() else f"not HDF5: {error}"
        raise InputError(f"cannot read the features: {what}", path, again) from error
    if features.ndim != 2 or features.dtype != np.float32 or not features.size:
        raise InputError(
            f"features are {features.shape} {features.dtype}; expected N x D float32",
            path,
            again,
        )
    lengths = {len(features), len(names), *(len(i) for i in ids)}
    if len(lengths) > 1:
        raise InputError(
            f"datasets of {sorted(lengths)} rows; expected the same number", path, again
        )
    if len(set(names)) < len(names):
        raise InputError(
            f"{len(names) - len(set(names))} image names occur twice", path, again
        )
    return FeatureSet(features, names, ids[0], ids[1], ids[2], source)


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
