"""A trained verifier in the place of L2 distance: feature files meet the baselines."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pydrdl.baselines.verifier import Verifier
from pydrdl.baselines.verifier_file import load_verifier
from pydrdl.errors import InputError
from pydrdl.features import FeatureSet, check_features
from pydrdl.file_hash import file_sha256
from pydrdl.ranking.scaling import first_equal_rows

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class LoadedVerifier:
    """A verifier and the file that it is from.

    A product of matrices may round the same row differently at two places. So
    equal features count as one here, and a pair has no order: what is tied by
    definition is tied exactly.

    Attributes:
        path: of the file.
        sha256: of its bytes.
        verifier: what it holds.
    """

    path: Path
    sha256: str
    verifier: Verifier

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
            raise InputError(
                "it scores these features with NaN or infinity",
                self.path,
                "train it again with tools/train_verifier.py",
            )

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
    """Reads a verifier where one is named.

    Raises:
        InputError: no such file, or not a verifier.
    """
    if path is None:
        return None
    verifier = load_verifier(path)
    return LoadedVerifier(path, file_sha256(path), verifier)
