"""The file of a trained baseline, and it in the place of L2 distance.

The file is an .npz of arrays and a JSON text, no pickles.
"""

import io
import json
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from pydrdl.arrays import Float32, Float64, Int
from pydrdl.errors import InputError, writing
from pydrdl.features import FeatureSet, Source, check_features
from pydrdl.files import file_sha256, read_bytes, whole_file
from pydrdl.ranking.scaling import first_equal_rows
from pydrdl.strict_json import Form, declared, parse
from pydrdl.verifiers.joint_bayesian import Model
from pydrdl.verifiers.svm import PairSvm
from pydrdl.verifiers.verifier import Kind, Projection, TrainedOn, Verifier

SCHEMA = "drdl.verifier/1"
Arrays = dict[str, NDArray[Any]]


class _Meta(Form):
    """The JSON text."""

    kind: Kind
    training: TrainedOn

    @field_validator("training", mode="before")
    @classmethod
    def _names_all(cls, training: Any) -> Any:
        source = training.get("source") if isinstance(training, dict) else None
        if isinstance(source, dict) and source.keys() != Source.model_fields.keys():
            raise ValueError(f"source has {', '.join(source) or 'nothing'}")
        return training


def save_verifier(verifier: Verifier, path: Path) -> None:
    """Writes a verifier; the file appears, or is replaced, only when whole.

    Raises:
        InputError: it cannot be written.
    """
    meta = {
        "schema": SCHEMA,
        "kind": verifier.kind,
        "training": verifier.training.model_dump(),
    }
    arrays = {f"projection.{n}": v for n, v in vars(verifier.projection).items()}
    arrays |= {f"model.{n}": v for n, v in vars(verifier.model).items()}
    with (
        writing("the verifier", path),
        whole_file(path) as part,
        part.open("wb") as file,
    ):
        np.savez(file, meta=np.array(json.dumps(meta)), **arrays)


def load_verifier(path: Path) -> Verifier:
    """Reads a verifier; InputError for a file that is missing, damaged or another."""
    again = "train it again with tools/train_verifier.py"
    data = read_bytes(path, "the verifier", again)
    try:
        arrays = _arrays(data)
        if "meta" not in arrays:
            raise ValueError("no array meta")
        meta = declared(_Meta, parse(str(arrays.pop("meta"))), SCHEMA)
        projection, size = _projection(arrays)
        model = _svm(arrays, size) if meta.kind == "svm" else _bayesian(arrays, size)
        return Verifier(projection, model, meta.training)
    except ValueError as error:
        raise InputError(
            f"cannot read the verifier: not a verifier: {error}", path, again
        ) from error


def _arrays(data: bytes) -> Arrays:
    """The arrays of an .npz; ValueError where it is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as members:
            if any(m.compress_type != zipfile.ZIP_STORED for m in members.infolist()):
                raise ValueError("its arrays are compressed")
        with warnings.catch_warnings(), np.load(io.BytesIO(data)) as file:
            warnings.simplefilter("ignore")
            arrays = {name: file[name] for name in file.files}
        # Of a member that is no array, NumPy gives the bytes.
        if odd := [n for n, array in arrays.items() if isinstance(array, bytes)]:
            raise ValueError(f"{odd[0]} is no array")
        return arrays
    except Exception as error:  # zipfile and NumPy raise nearly every kind
        raise ValueError(f"{str(error) or type(error).__name__}") from error


def _projection(arrays: Arrays) -> tuple[Projection, int]:
    """The PCA, and how many components it keeps."""
    axes = _numbers(arrays, "projection.axes", None, None)
    size, width = axes.shape
    mean = _numbers(arrays, "projection.mean", width)
    kept = float(_numbers(arrays, "projection.kept"))
    return Projection(mean, axes, kept), size


def _svm(arrays: Arrays, size: int) -> PairSvm:
    bias = float(_numbers(arrays, "model.bias"))
    return PairSvm(_numbers(arrays, "model.weights", 2 * size), bias)


def _bayesian(arrays: Arrays, size: int) -> Model:
    model = Model(
        _numbers(arrays, "model.mean", size),
        _numbers(arrays, "model.s_mu", size, size),
        _numbers(arrays, "model.s_eps", size, size),
        tuple(_numbers(arrays, "model.log_likelihoods", None).tolist()),
    )
    try:
        np.linalg.cholesky(model.s_eps)
    except np.linalg.LinAlgError as error:
        raise ValueError("model.s_eps is no covariance") from error
    return model


def _numbers(arrays: Arrays, name: str, *shape: int | None) -> Float64:
    """An array of finite numbers; None stands for any length but 0.

    Raises:
        ValueError: there is none, or another.
    """
    array = arrays.get(name)
    if array is None:
        raise ValueError(f"no array {name}")
    fits = array.ndim == len(shape) and all(
        n == wanted or (wanted is None and n > 0)
        for n, wanted in zip(array.shape, shape, strict=True)
    )
    if array.dtype != np.float64 or not fits:
        expected = " x ".join("any" if n is None else str(n) for n in shape) or "one"
        raise ValueError(
            f"{name} is {' x '.join(map(str, array.shape)) or 'one'} {array.dtype}; "
            f"expected {expected} float64"
        )
    if not np.isfinite(array).all():
        raise ValueError(f"{name} holds NaN or infinity")
    return array


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier and the file that it is from.

    A product of matrices may round the same row differently at two places. So
    equal features count as one here, and a pair has no order: what is tied by
    definition is tied exactly.
    """

    path: Path  # of the file
    sha256: str  # of its bytes
    verifier: Verifier  # what it holds

    def points(self, content: FeatureSet, where: object) -> tuple[Float32, Float32]:
        """N features as probes and as gallery items, see Verifier.points.

        Raises:
            InputError: this is an SVM, what check refuses, or scores that are not
                finite.
        """
        self.check(content, where)
        with np.errstate(all="ignore"):
            probes, gallery = self.verifier.points(content.features)
        self._refuse_infinite(probes, gallery)
        same = first_equal_rows(content.features)
        return probes[same], gallery[same]

    def distances(
        self, content: FeatureSet, first: Int, second: Int, where: object
    ) -> Float64:
        """Minus the score of each pair of rows, (P,): smaller is more alike.

        Raises:
            InputError: what check refuses, or scores that are not finite.
        """
        self.check(content, where)
        same = first_equal_rows(content.features)
        first, second = same[first], same[second]
        low, high = np.minimum(first, second), np.maximum(first, second)
        with np.errstate(all="ignore"):
            scores = self.verifier.score(content.features, low, high)
        self._refuse_infinite(scores)
        return -scores

    def _refuse_infinite(self, *arrays: NDArray[np.floating]) -> None:
        """Raises InputError where numbers have left their range."""
        if not all(np.isfinite(array).all() for array in arrays):
            what = "it scores these features with NaN or infinity"
            advice = "train it again with tools/train_verifier.py"
            raise InputError(what, self.path, advice)

    def check(self, content: FeatureSet, where: object) -> None:
        """Refuses features that it cannot judge.

        Raises:
            InputError: they are of another net or size, not finite, or zero.
        """
        self.verifier.check_source(content.source, where)
        ours, theirs = self.verifier.projection.mean.size, content.features.shape[1]
        if ours != theirs:
            raise InputError(
                f"features of {theirs:,} dimensions; {self.path} was trained on "
                f"{ours:,}",
                where,
                "extract with the net it was trained on, or train it on these",
            )
        check_features(content.features, content.names, where)


def load(path: Path | None) -> LoadedVerifier | None:
    """Reads a verifier where one is named; InputError as load_verifier."""
    if path is None:
        return None
    verifier = load_verifier(path)
    return LoadedVerifier(path, file_sha256(path), verifier)
