"""The results that tools/eval_*.py --json wrote, as far as a report shows them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    def data(self) -> str:
        """Data set and split, as the features file has them."""
        return " ".join(filter(None, (self.of("dataset"), self.of("split"))))

    def of(self, name: str) -> str:
        """A field of the features' source; empty where it is not known."""
        return str(self.features.get(name, ""))


@dataclass(frozen=True)
class Cmc:
    """Re-identification (Sec. 5.3); curves cover ranks 1 .. K.

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


@dataclass(frozen=True)
class Map:
    """Retrieval (Sec. 5.2): mean and spread of the two average precisions."""

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


@dataclass(frozen=True)
class Verification:
    """Pairs (Sec. 5.1): one list of pairs.

    Attributes:
        origin: what it is of.
        name: of the list.
        pairs: where they come from.
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
    same: int
    different: int
    accuracy: float | None
    folds: float
    folds_std: float
    optimal: float
    auc: float
    eer: float


@dataclass(frozen=True)
class CrossCamera:
    """VeRi-776's and VERI-Wild's protocols."""

    origin: Origin
    image_to: str
    queries: int
    gallery: int
    step: float
    trapezoid: float
    cmc: Float64


@dataclass(frozen=True)
class Results:
    """All that was read, each kind in the order of the files."""

    cmc: list[Cmc] = field(default_factory=list)
    map: list[Map] = field(default_factory=list)
    verification: list[Verification] = field(default_factory=list)
    cross_camera: list[CrossCamera] = field(default_factory=list)

    def origins(self) -> list[Origin]:
        """Where each is from."""
        return [
            *(result.origin for result in self.cmc),
            *(result.origin for result in self.map),
            *(result.origin for result in self.verification),
            *(result.origin for result in self.cross_camera),
        ]
