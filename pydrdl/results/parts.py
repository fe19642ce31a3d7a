"""The parts of results: what was scored, how numbers are written, ties."""

import math
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, stdev
from typing import Annotated, Any, Generic, Literal, NamedTuple, Self, TypeVar

from pydantic import Field, model_validator
from scipy.special import stdtrit

from pydrdl.arrays import Float64
from pydrdl.features import Source
from pydrdl.strict_json import ROUNDING, Count, Form, Positive, Rate, Spread
from pydrdl.table import Kind, Value

Curve = Annotated[list[Rate], Field(min_length=1)]
Ends = TypeVar("Ends")


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


class Curves(Form):
    """Match rates of ranks 1 .. K, for each repeat and over them."""

    mean: Curve
    std: list[Spread] | None
    per_repeat: Annotated[list[Curve], Field(min_length=1)]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        lengths = {len(self.mean), *map(len, self.per_repeat)}
        lengths |= set() if self.std is None else {len(self.std)}
        if len(lengths) > 1:
            raise ValueError(f"curves of {sorted(lengths)} ranks")
        for curve in (self.mean, *self.per_repeat):
            for rank, (rate, following) in enumerate(pairwise(curve), 1):
                if following < rate - ROUNDING:
                    raise ValueError(f"fewer matches at rank {rank + 1} than before")
        return self


class OverRepeats(Form):
    """A rate for each repeat, and over them."""

    mean: Rate
    std: Spread | None
    per_repeat: Curve


def over_repeats(values: Float64) -> dict[str, Any]:
    """The fields of Curves or OverRepeats, of (R, K) or (R,) values."""
    several = len(values) > 1
    return {
        "mean": values.mean(axis=0).tolist(),
        "std": values.std(axis=0, ddof=1).tolist() if several else None,
        "per_repeat": values.tolist(),
    }


class Ties(Form, Generic[Ends]):
    """What ties do to a number."""

    rule: Literal["expected"] = "expected"
    mean_equal: Spread  # how many others are exactly as far as a match, on average
    optimistic: Ends  # the number with best luck
    pessimistic: Ends  # with worst luck


class ProbeTies(Ties[Ends], Generic[Ends]):
    """probes: fraction that has others exactly as far as a match."""

    probes: Rate


class QueryTies(Ties[Rate]):
    """The same of queries, which is what cross-camera protocols call probes."""

    queries: Rate


class ShownValue(NamedTuple):
    """A value of a result as tables have it, with key and title of its column."""

    key: str
    title: str
    value: Value
    # "rate" of a score, which trainings have a mean of; others are facts.
    kind: Kind = "rate"
    std: float | None = None  # of the rate within the result, over repeats or folds
    spread: bool = False  # whether rates of this column have one


class OptimalThreshold(Form):
    """The best threshold of some pairs; None calls no pair the same."""

    threshold: float | None
    accuracy: Rate


class TrainingThreshold(OptimalThreshold):
    """The one that training pairs chose."""

    rule: str
    pairs_sha256: str
    features_sha256: str


class Folds(Form):
    """Accuracy over folds, each judged by the threshold of the others."""

    mean: Rate
    std: Spread
    per_fold: Curve


class PairScores(Form):
    """What is scored on one list of pairs."""

    name: str
    rule: str  # where the pairs come from
    sha256: str  # of the list
    same: Positive
    different: Positive
    accuracy: Rate | None  # by the threshold from training pairs; None without them
    training: TrainingThreshold | None = None
    folds: Folds
    test_optimal: OptimalThreshold
    auc: Rate  # area under the ROC
    eer: Rate  # equal error rate

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


@dataclass(frozen=True)
class OverTrainings:
    """One number of several trainings."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over trainings."""
        return fmean(self.values)

    @property
    def interval(self) -> float | None:
        """Half the 95 % confidence interval of the mean; None of one training.

        Student's t, so that five trainings are not taken for many.
        """
        n = len(self.values)
        if n < 2:
            return None
        return float(stdtrit(n - 1, 0.975)) * stdev(self.values) / math.sqrt(n)
