"""What a protocol gives for a file of features: one type, from evaluation to page.

Made by evaluate.py, written as it is, shown by comparison.py and the report.
"""

import re
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import Field, model_validator

from pydrdl import __version__, paper
from pydrdl.datasets import compcars, vehicleid
from pydrdl.features import Source
from pydrdl.protocols import DrawnScores, cross_camera, reid, retrieval, verification
from pydrdl.strict_json import Count, Form, Positive
from pydrdl.table import Cells, Kind, Value

RANKS = (1, 5, 10, 20)  # of the tables; files hold ranks 1 .. 50
LEVELS = compcars.LEVELS
SMALL = paper.TEST_SPLITS[0]
VERIFIERS = {"joint_bayesian": "Joint Bayesian", "svm": "SVM on pairs"}
_TRAINING = re.compile(r"(.+), seed (\d+)")


def method_and_seed(name: str) -> tuple[str, int | None]:
    """What a row's name tells: "<method>, seed <n>" is of one training of a method.

    Any other name stands for itself. Results hold the two apart; this is for names
    that people give, and for files of before.
    """
    found = _TRAINING.fullmatch(name)
    return (found[1], int(found[2])) if found else (name, None)


class FeaturesUsed(Source):
    """The features that were scored: their file, its hash, and their source."""

    path: str = ""
    sha256: str = ""


class VerifierUsed(Form):
    """What compared the features; training: a verifiers TrainedOn."""

    kind: str
    path: str = ""
    sha256: str = ""
    training: dict[str, Any] = Field(default_factory=dict)


class SplitUsed(Form):
    """The split that was drawn or read; seed: of its draws."""

    name: str
    seed: Count | None
    sha256: str


class ShownValue(NamedTuple):
    """A value of a result as tables have it, with key and title of its column."""

    key: str
    title: str
    value: Value
    # "rate" of a score, which trainings have a mean of; others are facts.
    kind: Kind = "rate"
    std: float | None = None  # of the rate within the result, over repeats or folds
    spread: bool = False  # whether rates of this column have one


class TrainingThreshold(verification.OptimalThreshold):
    """The one that training pairs chose."""

    rule: str
    pairs_sha256: str
    features_sha256: str


class PairScores(verification.VerificationResult):
    """What is scored on one list of pairs."""

    name: str
    rule: str  # where the pairs come from
    sha256: str  # of the list
    training: TrainingThreshold | None = None

    def shown(self) -> list[ShownValue]:
        """By all three thresholds, and without one."""
        folds = self.folds
        return [
            ShownValue("accuracy", "accuracy", self.accuracy),
            ShownValue("folds", "10-fold", folds.mean, std=folds.std, spread=True),
            ShownValue("optimal", "test-optimal", self.test_optimal.accuracy),
            ShownValue("auc", "AUC", self.auc),
            ShownValue("eer", "EER", self.eer),
        ]


class Result(Form):
    """What one file of features scores."""

    SCHEMA: ClassVar[str]
    PROTOCOL: ClassVar[str]
    WORD: ClassVar[str]  # what messages call it

    method: str  # what was trained
    seed: Count | None = None  # of its training; None where it is not one of several
    features: FeaturesUsed  # what was scored
    # What compared them; None for squared L2 distance.
    verifier: VerifierUsed | None = None
    pydrdl: str = Field(default=__version__, exclude=True)  # the version that evaluated
    file: Path | None = Field(default=None, exclude=True)  # where it was read from

    @model_validator(mode="before")
    @classmethod
    def _method_of_name(cls, row: Any) -> Any:
        """Files of before there was `method` have all in `name`."""
        if not isinstance(row, dict) or "method" in row or "name" not in row:
            return row
        if not isinstance(name := row["name"], str):
            raise ValueError(f"name is {name!r}; expected a valid string")
        method, seed = method_and_seed(name)
        return {**row, "method": method, "seed": seed}

    @property
    def name(self) -> str:
        """How rows of several trainings are told apart."""
        return self.method if self.seed is None else f"{self.method}, seed {self.seed}"

    @property
    def data(self) -> str:
        """Data set and split, as the features file has them."""
        return " ".join(filter(None, (self.features.dataset, self.features.split)))

    @property
    def compared_by(self) -> str:
        """What compared features."""
        kind = "" if self.verifier is None else self.verifier.kind
        return VERIFIERS.get(kind, kind) or "squared L2"

    @property
    def test(self) -> str:
        """What it was measured on: results compare only where this is the same."""
        raise NotImplementedError

    def shown(self) -> list[ShownValue]:
        """What tables show of it: what was searched, then its scores."""
        raise NotImplementedError

    def beside(self) -> dict[str, dict[str, Cells]]:
        """The paper's rows to stand below it: cells by test and method."""
        return {}

    def same_test(self) -> str | None:
        """Which of beside() is on the same data; None where none is."""
        return None

    def row_json(self) -> dict[str, Any]:
        """Its row in a file."""
        first = {"name": self.name, "method": self.method, "seed": self.seed}
        row = {**first, **self.model_dump(mode="json")}
        if self.verifier is None:
            del row["verifier"]
        return row


R = TypeVar("R", bound=Result)


class DrawnResult(Result, DrawnScores):
    """Of a split that was drawn or read."""

    split: SplitUsed
    repeats: Positive

    @property
    def test(self) -> str:
        """Of which split."""
        return self.split.sha256

    @property
    def paper_size(self) -> int | None:
        """What the paper's splits are told by; None: models, which none can be."""
        raise NotImplementedError

    @property
    def paper_split(self) -> paper.TestSplit | None:
        """The paper's of the same size; None where there is none."""
        return paper.split_of_gallery(self.paper_size or 0)

    def same_test(self) -> str | None:
        """The split of the same size, where the photographs are the paper's too."""
        same = self.features.dataset in ("", vehicleid.NAME)
        return next(iter(self.beside())) if same and self.paper_split else None


class Reidentification(DrawnResult, reid.ReidResult):
    """Match rates (Sec. 5.3, Table 6)."""

    SCHEMA, PROTOCOL, WORD = "drdl.cmc/1", reid.PROTOCOL, "CMC"

    def rank(self, k: int) -> ShownValue:
        """The match rate at a rank."""
        known = k <= len(self.cmc.mean)
        std = self.cmc.std[k - 1] if known and self.cmc.std is not None else None
        value = self.cmc.mean[k - 1] if known else None
        return ShownValue(f"rank_{k}", f"rank {k}", value, std=std, spread=True)

    def shown(self) -> list[ShownValue]:
        """Sizes and rates."""
        return [
            ShownValue("gallery", "gallery", self.gallery, "count"),
            ShownValue("probes", "probes", self.probes, "count"),
            *map(self.rank, RANKS),
        ]

    @property
    def paper_size(self) -> int:
        """Images in the gallery, one of each vehicle."""
        return self.gallery

    def beside(self) -> dict[str, dict[str, Cells]]:
        """Table 6 of the same gallery size, or of Small for orientation."""
        split = self.paper_split or SMALL
        sizes: Cells = {"gallery": split.vehicles, "probes": split.probes}
        rates = {method: of[split.name] for method, of in paper.TABLE_6.items()}
        rows: dict[str, Cells] = {
            method: {**sizes, "rank_1": rate.top1, "rank_5": rate.top5}
            for method, rate in rates.items()
        }
        return {f"Table 6, {split.name}": rows}

    def row_json(self) -> dict[str, Any]:
        """With the paper's numbers of the same gallery size."""
        beside: dict[str, Any] | None = None
        if column := self.paper_split:
            beside = {"split": column.name, "gallery": column.vehicles}
            rates = {m: asdict(of[column.name]) for m, of in paper.TABLE_6.items()}
            beside |= {"probes": column.probes, "table_6": rates}
        return super().row_json() | {"paper": beside}


class Retrieval(DrawnResult, retrieval.RetrievalResult):
    """MAP (Sec. 5.2, Table 4)."""

    SCHEMA, PROTOCOL, WORD = "drdl.map/1", retrieval.PROTOCOL, "MAP"

    # What matches; files of before it was written lack it.
    relevance: Literal["", "vehicle", "model"] = ""

    @property
    def by_model(self) -> bool:
        """Whether what matches is the vehicle model; vehicles are models then."""
        return self.relevance == "model"

    def shown(self) -> list[ShownValue]:
        """Sizes and MAP by both ways to sum precision."""
        vehicles = "models" if self.by_model else "vehicles"
        step, other = self.map, self.map_trapezoid
        return [
            ShownValue("vehicles", vehicles, self.vehicles, "count"),
            ShownValue("gallery", "gallery", self.gallery, "count"),
            ShownValue("probes", "probes", self.probes, "count"),
            ShownValue("map", "MAP", step.mean, std=step.std, spread=True),
            ShownValue(
                "trapezoid", "MAP, trapezoid", other.mean, std=other.std, spread=True
            ),
        ]

    @property
    def paper_size(self) -> int | None:
        """Vehicles."""
        return None if self.by_model else self.vehicles

    def beside(self) -> dict[str, dict[str, Cells]]:
        """Table 4 of as many vehicles, or of Small for orientation."""
        split = self.paper_split or SMALL
        size = None if self.by_model else split.vehicles
        rows: dict[str, Cells] = {
            method: {"vehicles": size, "map": of[split.name]}
            for method, of in paper.TABLE_4.items()
        }
        return {f"Table 4, {split.name}": rows}

    def row_json(self) -> dict[str, Any]:
        """With the paper's numbers of as many vehicles."""
        beside: dict[str, Any] | None = None
        if column := self.paper_split:
            beside = {"split": column.name, "images": column.images}
            beside["table_4"] = {m: of[column.name] for m, of in paper.TABLE_4.items()}
        return super().row_json() | {"paper": beside}


class Verification(Result):
    """Accuracy on lists of pairs (Sec. 5.1, Table 3)."""

    SCHEMA, WORD = "drdl.verification/1", "verification"
    PROTOCOL = verification.PROTOCOL

    pairs: Annotated[list[PairScores], Field(min_length=1)]

    def lists(self) -> list["Verification"]:
        """The same with one list each, which test and shown() are of."""
        return [self.model_copy(update={"pairs": [scored]}) for scored in self.pairs]

    @property
    def test(self) -> str:
        """Of which pairs, under which name."""
        return f"{self.pairs[0].name} {self.pairs[0].sha256}"

    def shown(self) -> list[ShownValue]:
        """Which pairs, and their scores."""
        scored = self.pairs[0]
        return [
            ShownValue("pairs", "pairs", scored.rule, "text"),
            ShownValue("same", "same", scored.same, "count"),
            ShownValue("different", "different", scored.different, "count"),
            *scored.shown(),
        ]

    def beside(self) -> dict[str, dict[str, Cells]]:
        """Table 3, a test for each list of CompCars."""
        return {
            f"Table 3, {level}": {
                method: {
                    "pairs": f"CompCars, {level}{'' if of else '; did not converge'}",
                    "accuracy": of and of[i],
                }
                for method, of in paper.TABLE_3.items()
            }
            for i, level in enumerate(LEVELS)
        }

    def same_test(self) -> str | None:
        """Told by the list's name, where the photographs are CompCars'."""
        if self.features.dataset != compcars.NAME:
            return None
        of = (level for level in LEVELS if self.pairs[0].name.endswith(level))
        return next((f"Table 3, {level}" for level in of), None)


class CrossCamera(Result, cross_camera.CrossCameraResult):
    """VeRi-776's and VERI-Wild's protocols; the paper has none of it."""

    SCHEMA, WORD = "drdl.cross_camera/1", "cross-camera"
    PROTOCOL = cross_camera.PROTOCOL

    @property
    def test(self) -> str:
        """Of which queries and gallery."""
        return f"{self.data} {self.image_to} {self.sides_sha256}"

    def shown(self) -> list[ShownValue]:
        """Data, sizes, MAP and match rates."""
        return [
            ShownValue("data", "data", self.data, "text"),
            ShownValue("image_to", "image to", self.image_to, "text"),
            ShownValue("queries", "queries", self.queries, "count"),
            ShownValue("gallery", "gallery", self.gallery, "count"),
            ShownValue("map", "MAP", self.map),
            ShownValue("trapezoid", "MAP, trapezoid", self.map_trapezoid),
            ShownValue("rank_1", "rank 1", self.cmc[0]),
            ShownValue("rank_5", "rank 5", self.cmc[4]),
        ]
