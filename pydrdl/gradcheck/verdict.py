"""What makes a comparison of gradients pass, fail or say nothing."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from pydrdl.gradcheck.differences import Float
from pydrdl.gradcheck.memory_net import Precision


class Verdict(Enum):
    """The outcome of a row."""

    OK = "ok"
    FAIL = "FAIL"
    VACUOUS = "VACUOUS"


@dataclass(frozen=True)
class Limits:
    """What a row must keep to.

    Attributes:
        f64, f32: largest relative error in this precision.
        floor: smallest meaningful max |g|.
        skipped: largest share of coordinates at kinks.
    """

    f64: float = 1e-6
    f32: float = 1e-5
    floor: float = 1.0
    skipped: float = 0.1

    def of(self, precision: Precision) -> float:
        """The tolerance."""
        return self.f64 if precision == "f64" else self.f32


LAYER_LIMITS = Limits()


@dataclass(frozen=True)
class Judgement:
    """A row's numbers.

    Attributes:
        checked, skipped: coordinates compared, and left out at kinks.
        max_gradient: the largest component of either side.
        error: the largest difference, divided by max_gradient.
        verdict: the outcome.
        reason: of a verdict other than ok.
    """

    checked: int
    skipped: int
    max_gradient: float
    error: float
    verdict: Verdict
    reason: str = ""


def relative_error(found: Float, expected: Float) -> tuple[float, float]:
    """The largest difference relative to the largest component, and the latter.

    Not component by component: those near zero would show rounding only.
    """
    if not found.size:
        return 0.0, 0.0
    largest = float(max(abs(found).max(), abs(expected).max()))
    difference = float(abs(found - expected).max())
    return (difference / largest if largest else difference), largest


def judge(
    found: Float,
    expected: Float,
    skipped: int,
    mixed: bool,
    limits: Limits,
    precision: Precision,
) -> Judgement:
    """Compares a gradient with what it should be.

    Args:
        found: what Backward gave, without the skipped coordinates.
        expected: the derivative there.
        skipped: number of coordinates at kinks.
        mixed: whether hinges of both kinds, active and not, were there.
        limits: what to keep to.
        precision: of found.

    Returns:
        The numbers and the verdict; a NaN fails.
    """
    error, largest = relative_error(found, expected)
    total, tolerance = found.size + skipped, limits.of(precision)
    verdict, reason = Verdict.OK, ""
    if skipped > limits.skipped * total:
        verdict = Verdict.FAIL
        reason = f"{skipped} of {total} at kinks; at most {limits.skipped:.0%} may be"
    elif not error <= tolerance:
        verdict = Verdict.FAIL
        reason = f"relative error {error:.1e}; at most {tolerance:.0e}"
    elif not found.size:
        verdict, reason = Verdict.VACUOUS, "nothing was checked"
    elif not largest >= limits.floor:
        verdict = Verdict.VACUOUS
        reason = f"max |g| {largest:.1e}; at least {limits.floor:g} says something"
    elif not mixed:
        verdict = Verdict.VACUOUS
        reason = "all hinges were active, or none"
    if not np.isfinite(found).all():
        verdict, reason = Verdict.FAIL, "the gradient has a NaN or an infinity"
    return Judgement(found.size, skipped, largest, error, verdict, reason)
