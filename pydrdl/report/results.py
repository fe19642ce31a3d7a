"""The results that tools/eval_*.py --json wrote, as far as a report shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pydrdl.results.shared import VERIFIERS

Json = Mapping[str, Any]
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Origin:
    """What a result is of.

    Attributes:
        method: the row's name.
        file: the JSON file that holds it.
        pydrdl: the version that made it.
        features: path, sha256 and the fields of features.Source.
        split: name, seed and sha256; empty where nothing was drawn.
        verifier: kind of what compared the features; empty for L2 distance.
    """

    method: str
    file: Path
    pydrdl: str
    features: Mapping[str, str]
    split: Json
    verifier: str = ""

    @property
    def compared(self) -> str:
        """What compared features."""
        return VERIFIERS.get(self.verifier, self.verifier) or "squared L2"

    @property
    def data(self) -> str:
        """Data set and split, as the features file has them."""
        return " ".join(filter(None, (self.of("dataset"), self.of("split"))))

    def of(self, name: str) -> str:
        """A field of the features' source; empty where it is not known."""
        return str(self.features.get(name, ""))


@dataclass(frozen=True)
class Cmc:
    """Re-identification (Sec. 5.3); curves cover ranks 1 .. K.

    Here as in the others, results compare only where `test` is the same.

    Attributes:
        origin: what it is of.
        gallery: images in the gallery.
        probes: probes of one repeat.
        lonely: vehicles without a probe.
        mean: (K,).
        std: (K,); None for one repeat.
        repeats: (R, K).
        tied: fraction of probes with other vehicles exactly as far as a match.
    """

    origin: Origin
    gallery: int
    probes: int
    lonely: int
    mean: Float64
    std: Float64 | None
    repeats: Float64
    tied: float

    @property
    def test(self) -> str:
        """Of which split."""
        return str(self.origin.split.get("sha256"))


@dataclass(frozen=True)
class Map:
    """Retrieval (Sec. 5.2): mean and spread of the two average precisions.

    Attributes:
        relevance: what an image must share to match, "vehicle" or "model"; empty
            where the file does not say.
    """

    origin: Origin
    vehicles: int
    gallery: int
    probes: int
    without_probe: int
    repeats: int
    step: float
    step_std: float | None
    trapezoid: float
    trapezoid_std: float | None
    relevance: str

    @property
    def by_model(self) -> bool:
        """Whether what matches is the vehicle model; vehicles are models then."""
        return self.relevance == "model"

    @property
    def test(self) -> str:
        """Of which split."""
        return str(self.origin.split.get("sha256"))


@dataclass(frozen=True)
class Verification:
    """Pairs (Sec. 5.1): one list of pairs.

    Attributes:
        origin: what it is of.
        name: of the list.
        pairs: where they come from.
        sha256: of the list.
        same: number of same pairs.
        different: number of different pairs.
        accuracy: by the threshold from training pairs; None without them.
        folds: mean over folds.
        folds_std: standard deviation over folds.
        optimal: by the threshold from the judged pairs.
        auc: area under the ROC.
        eer: equal error rate.
    """

    origin: Origin
    name: str
    pairs: str
    sha256: str
    same: int
    different: int
    accuracy: float | None
    folds: float
    folds_std: float
    optimal: float
    auc: float
    eer: float

    @property
    def test(self) -> str:
        """Of which pairs, under which name."""
        return f"{self.name} {self.sha256}"


@dataclass(frozen=True)
class CrossCamera:
    """VeRi-776's and VERI-Wild's protocols.

    Attributes:
        sides: hash of queries and gallery.
    """

    origin: Origin
    image_to: str
    sides: str
    queries: int
    gallery: int
    step: float
    trapezoid: float
    cmc: Float64

    @property
    def test(self) -> str:
        """Of which queries and gallery."""
        return f"{self.origin.data} {self.image_to} {self.sides}"


Result = Cmc | Map | Verification | CrossCamera


@dataclass(frozen=True)
class Results:
    """All that was read, each kind in the order of the files."""

    cmc: list[Cmc] = field(default_factory=list)
    map: list[Map] = field(default_factory=list)
    verification: list[Verification] = field(default_factory=list)
    cross_camera: list[CrossCamera] = field(default_factory=list)

    def kinds(self) -> Mapping[str, Sequence[Result]]:
        """All of them, by what messages call them."""
        return {
            "CMC": self.cmc,
            "MAP": self.map,
            "verification": self.verification,
            "cross-camera": self.cross_camera,
        }

    def origins(self) -> list[Origin]:
        """Where each is from."""
        return [result.origin for kind in self.kinds().values() for result in kind]
