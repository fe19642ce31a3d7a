"""Evaluation protocols: they know ids, labels and features, nothing else.

What they give are forms, to which results add what was scored and where.
"""

from itertools import pairwise
from typing import Annotated, Any, Generic, Literal, Self, TypeVar

from pydantic import Field, model_validator

from pydrdl.arrays import Float64
from pydrdl.strict_json import ROUNDING, Count, Form, Positive, Rate, Spread

Curve = Annotated[list[Rate], Field(min_length=1)]
Ends = TypeVar("Ends")


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


class DrawnScores(Form):
    """What is scored on a split that was drawn or read."""

    gallery: Positive  # images
    probes: Positive  # of one repeat
    vehicles_without_probe: Count  # their images all lie in the gallery
