"""Rows of a report: feature files, their names, and what they score."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, Source
from pydrdl.verifiers.file import LoadedVerifier

Int = NDArray[np.int64]


Result = TypeVar("Result")


@dataclass(frozen=True)
class Entry(Generic[Result]):
    """One row of a report.

    Attributes:
        name: of the method.
        path: the features file.
        sha256: of the features' content.
        source: what made the features.
        result: what they score.
        verifier: what compared them; None for squared L2 distance.
    """

    name: str
    path: Path
    sha256: str
    source: Source
    result: Result
    verifier: LoadedVerifier | None = None


def named(paths: Sequence[Path], names: Sequence[str]) -> list[tuple[str, Path]]:
    """Every file with the name of its row.

    Raises:
        InputError: there are names, but not as many as files.
    """
    if names and len(names) != len(paths):
        raise InputError(
            f"{len(names)} names for {len(paths)} files",
            "--name",
            "give one name for each file, or none",
        )
    return list(zip(names or [p.stem for p in paths], paths, strict=True))


def labels(content: FeatureSet, by_model: bool, where: object) -> Int:
    """What shall match, (N,): vehicles or models.

    Raises:
        InputError: the models are asked for, and an image has none.
    """
    if not by_model:
        return content.vehicle_ids
    missing = np.flatnonzero(content.model_ids < 0)
    if missing.size:
        raise InputError(
            f"{missing.size:,} of {len(content.names):,} images have no model label, "
            f"such as {content.names[missing[0]]!r}",
            where,
            "match by vehicle, or extract a set whose images are all labelled",
        )
    return content.model_ids
