"""The file of a trained baseline: an .npz of arrays and a JSON text, no pickles."""

import io
import json
import lzma
import zipfile
import zlib
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np

from pydrdl.atomic import whole_file
from pydrdl.baselines.joint_bayesian import Model
from pydrdl.baselines.pair_svm import PairSvm
from pydrdl.baselines.projection import Projection
from pydrdl.baselines.verifier import Training, Verifier
from pydrdl.errors import InputError
from pydrdl.features import Source
from pydrdl.files import read_bytes
from pydrdl.system_errors import writing

SCHEMA = "drdl.verifier/1"
# What NumPy and zipfile raise where bytes are not as they were written.
_DAMAGE = (
    ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, OSError,
    RuntimeError, TypeError, ValueError, lzma.LZMAError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def save_verifier(verifier: Verifier, path: Path) -> None:
    """Writes a verifier; the file appears, or is replaced, only when whole.

    Raises:
        InputError: it cannot be written.
    """
    meta = {
        "schema": SCHEMA,
        "kind": verifier.kind,
        "training": asdict(verifier.training),
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
    """Reads a verifier.

    Raises:
        InputError: no such file, or not of this form.
    """
    again = "train it again with tools/train_verifier.py"
    data = io.BytesIO(read_bytes(path, "the verifier", again))
    try:
        with np.load(data, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = json.loads(str(arrays.pop("meta")))
        if meta["schema"] != SCHEMA:
            raise ValueError(f"schema {meta['schema']!r}; expected {SCHEMA!r}")
        training = meta["training"]
        training["source"] = Source(**training["source"])
        kinds: dict[str, Any] = {"svm": PairSvm, "joint_bayesian": Model}
        return Verifier(
            _from_arrays(Projection, "projection", arrays),
            _from_arrays(kinds[meta["kind"]], "model", arrays),
            Training(**training),
        )
    except _DAMAGE as error:
        raise InputError(
            f"cannot read the verifier: not a verifier: {error}", path, again
        ) from error


def _from_arrays(kind: Any, prefix: str, arrays: dict[str, Any]) -> Any:
    """A dataclass of the arrays that have its name before theirs."""
    values = {f.name: arrays[f"{prefix}.{f.name}"] for f in fields(kind)}
    for name, value in values.items():
        if not value.ndim:
            values[name] = value.item()
        elif name == "log_likelihoods":
            values[name] = tuple(value.tolist())
    return kind(**values)
